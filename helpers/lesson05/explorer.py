"""El explorador de temperatura, top-k y top-p de la lección 05 (qué es un explorador, en `helpers.explorers`).

La verdad es `distribution`, que usa los filtros de `helpers.generation`.
"""

import html

import torch
from IPython.display import HTML

from helpers import explorers, generation
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
    data = {"rows": len(names), "logits": explorers.packed(logits[order])}  # de mayor a menor
    table = (
        f'<p class="estado" role="status" aria-live="polite">{_status(len(logits), len(logits), entropy)}</p>\n'
        f"<table><caption>Siguiente token tras «{html.escape(prompt)}»</caption>\n"
        '<thead><tr><th scope="col">token</th><th scope="col">probabilidad</th><th scope="col">barra</th></tr>'
        f"</thead>\n<tbody>{''.join(body)}</tbody></table>"
    )
    return explorers.page(ident, data, table, _SCRIPT)


def _row(name: str, p: float) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{p * 100:.1f}%"></span>'
    return f'<tr><th scope="row">{html.escape(name)}</th><td class="p">{number(p, 3)}</td><td class="b">{bar}</td></tr>'


def _status(kept: int, total: int, entropy: float) -> str:
    return f"Quedan {kept} de {total} tokens; entropía, {number(entropy, 2)} nats."


_SCRIPT = """\
  const logits = unpack(data.logits);

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

  const unless = (off, decimals) => (x) => (x === off ? "sin filtro" : text(x, decimals));
  const t = slider("t", "1. temperatura", { min: 0.1, max: 3, step: 0.1, start: 1, told: (x) => text(x, 1) });
  const k = slider("k", "2. top-k", { min: 0, max: 50, start: 0, told: unless(0, 0) });
  const p = slider("p", "3. top-p", { min: 0.05, max: 1, step: 0.05, start: 1, told: unless(1, 2) });

  function draw() {
    const probs = distribution(+t.value, +k.value, +p.value);
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
"""
