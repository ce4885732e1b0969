"""El explorador de temperatura, top-k y top-p de la lección 05: HTML y JavaScript que se bastan solos.

No necesita núcleo, red ni ipywidgets: funciona en JupyterLab, en Colab y en la página publicada. Sin JavaScript queda
una tabla fija con la distribución de partida. La verdad es `distribution`, que usa los filtros de
`helpers.generation`; `tests/test_explorer.py` comprueba en un navegador que el JavaScript calcula lo mismo.
"""

import base64
import html
import json

import torch
from IPython.display import HTML

from helpers import generation
from helpers.figures import readable
from helpers.spanish import number


def distribution(logits: torch.Tensor, temperature: float = 1.0, k: int = 0, p: float = 1.0) -> torch.Tensor:
    """Probabilidades [vocabulario] tras temperatura → top-k → top-p, como en `helpers.generation.generate`.

    El softmax se toma después de cada filtro: top-p ve la distribución ya renormalizada tras top-k.
    """
    return generation.probabilities(logits, temperature, k, p)


def explorer(
    logits: torch.Tensor, tokens: list[str], prompt: str, rows: int = 12, ident: str = "explorador"
) -> HTML:
    """El explorador para los `logits` [vocabulario] que siguen a `prompt`.

    `tokens` son los nombres del vocabulario, en el orden de los ids. Se enseñan los `rows` tokens más probables,
    pero el cálculo usa el vocabulario entero. `ident` es el id del HTML: uno distinto por explorador de la página.
    """
    logits = logits.detach().float().cpu()
    if logits.dim() != 1 or len(tokens) != len(logits):
        raise ValueError(
            f"Los logits tienen forma {list(logits.shape)} y hay {len(tokens)} tokens: debería ser [{len(tokens)}]."
        )
    order = logits.argsort(descending=True, stable=True)
    names = [readable(tokens[index]) for index in order[:rows].tolist()]
    probs = distribution(logits)[order]
    entropy = float(torch.special.entr(probs).sum())
    body = [_row(name, p) for name, p in zip(names, probs.tolist(), strict=False)]
    body.append(_row("(los demás)", max(0.0, 1 - float(probs[:rows].sum()))))
    data = {
        "id": ident,
        "rows": len(names),
        # float32 en base64 y ordenados de mayor a menor: exactos y en un tercio del sitio que ocuparían como texto
        "logits": base64.b64encode(logits[order].numpy().astype("<f4").tobytes()).decode(),
    }
    page = (
        _PAGE.replace("%ID%", html.escape(ident))
        .replace("%BODY%", "".join(body))
        .replace("%STATUS%", _status(len(logits), len(logits), entropy))
        .replace("%DATA%", json.dumps(data).replace("<", "\\u003c"))
        .replace("%PROMPT%", html.escape(prompt))
    )
    return HTML(page)


def _row(name: str, p: float) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{p * 100:.1f}%"></span>'
    return f'<tr><th scope="row">{html.escape(name)}</th><td class="p">{number(p, 3)}</td><td class="b">{bar}</td></tr>'


def _status(kept: int, total: int, entropy: float) -> str:
    return f"Quedan {kept} de {total} tokens; entropía, {number(entropy, 2)} nats."


_PAGE = """\
<div id="%ID%" class="explorador-gpt1">
<style>
#%ID% { color: inherit; max-width: 40rem; font-size: 14px; line-height: 1.5 }
#%ID% .mando { display: grid; grid-template-columns: 11rem 1fr 6rem; gap: .6rem; align-items: center }
#%ID% input { accent-color: #0072B2; width: 100% }
#%ID% output { font-variant-numeric: tabular-nums }
#%ID% table { border-collapse: collapse; width: 100%; table-layout: fixed; margin: .4rem 0 }
#%ID% table, #%ID% caption, #%ID% tr, #%ID% th, #%ID% td { color: inherit; font-size: inherit }
#%ID% table, #%ID% tr, #%ID% th, #%ID% td { background: none; text-align: left }
#%ID% caption { padding: .3rem 0; text-align: left }
#%ID% th, #%ID% td { padding: .1rem .4rem; border: 0; font-weight: normal }
#%ID% thead th { border-bottom: 1px solid currentColor; font-weight: bold }
#%ID% thead th:nth-child(1) { width: 8rem }
#%ID% thead th:nth-child(2), #%ID% .p { width: 6.5rem; text-align: right; font-variant-numeric: tabular-nums }
#%ID% .barra { display: block; height: .75rem; background: #0072B2; border-radius: 2px }
#%ID% .fuera { opacity: .7; font-style: italic }
</style>
<p class="aviso">Tabla de partida, sin filtros. Para mover los controles, ejecuta esta celda en JupyterLab o Colab.</p>
<div class="mandos"></div>
<p class="estado" role="status" aria-live="polite">%STATUS%</p>
<table><caption>Siguiente token tras «%PROMPT%»</caption>
<thead><tr><th scope="col">token</th><th scope="col">probabilidad</th><th scope="col">barra</th></tr></thead>
<tbody>%BODY%</tbody></table>
</div>
<script>
(() => {
  const data = %DATA%;
  const root = document.getElementById(data.id);
  const bytes = Uint8Array.from(atob(data.logits), (c) => c.charCodeAt(0));
  const logits = Array.from(new Float32Array(bytes.buffer)); // de mayor a menor
  const text = (value, decimals) => value.toFixed(decimals).replace(".", ",");

  function softmax(values) {
    const weights = values.map((x) => Math.exp(x - values[0]));
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((w) => w / total);
  }

  // Temperatura → top-k → top-p, con el softmax después de cada filtro, como helpers.generation.
  function distribution(temperature, k, p) {
    let scaled = logits.map((x) => x / temperature);
    if (k > 0 && k < scaled.length) scaled = scaled.filter((x) => x >= scaled[k - 1]); // los empates se quedan
    let probs = softmax(scaled);
    if (p < 1) {
      let kept = 0;
      for (let before = 0; kept < probs.length && before < p; kept++) before += probs[kept];
      probs = softmax(scaled.slice(0, kept));
    }
    return probs;
  }

  const controls = [
    { key: "t", label: "1. temperatura", min: 0.1, max: 3, step: 0.1, start: 1, off: null, decimals: 1 },
    { key: "k", label: "2. top-k", min: 0, max: 50, step: 1, start: 0, off: 0, decimals: 0 },
    { key: "p", label: "3. top-p", min: 0.05, max: 1, step: 0.05, start: 1, off: 1, decimals: 2 },
  ];
  const inputs = {};

  function draw() {
    const probs = distribution(+inputs.t.value, +inputs.k.value, +inputs.p.value);
    const shown = Array.from({ length: data.rows }, (_, i) => probs[i] ?? 0);
    const rest = probs.length > data.rows ? Math.max(0, 1 - shown.reduce((a, b) => a + b, 0)) : 0;
    [...shown, rest].forEach((q, i) => {
      const row = root.querySelectorAll("tbody tr")[i];
      const out = i < data.rows ? i >= probs.length : probs.length <= data.rows;
      row.classList.toggle("fuera", out);
      row.querySelector(".p").textContent = out ? "fuera" : text(q, 3);
      row.querySelector(".barra").style.width = (q * 100).toFixed(1) + "%";
    });
    const entropy = probs.reduce((sum, q) => (q > 0 ? sum - q * Math.log(q) : sum), 0);
    root.querySelector(".estado").textContent =
      `Quedan ${probs.length} de ${logits.length} tokens; entropía, ${text(entropy, 2)} nats.`;
  }

  for (const { key, label, min, max, step, start, off, decimals } of controls) {
    const line = document.createElement("div");
    const name = document.createElement("label");
    const input = document.createElement("input");
    const value = document.createElement("output");
    Object.assign(input, { type: "range", id: `${data.id}-${key}`, min, max, step, value: start });
    input.setAttribute("aria-label", label.slice(3));
    input.setAttribute("data-lm-suppress-shortcuts", "true"); // que JupyterLab no se quede con las flechas
    line.className = "mando";
    name.htmlFor = input.id;
    name.textContent = label;
    const update = () => {
      value.textContent = +input.value === off ? "sin filtro" : text(+input.value, decimals);
      input.setAttribute("aria-valuetext", value.textContent);
    };
    input.addEventListener("input", () => { update(); draw(); });
    update();
    line.append(name, input, value);
    root.querySelector(".mandos").append(line);
    inputs[key] = input;
  }
  root.querySelector(".aviso").remove();
  draw();
})();
</script>
"""
