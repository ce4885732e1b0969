"""Lo que comparten los exploradores de las lecciones: una página de HTML y JavaScript que se basta sola.

No necesita núcleo, red ni ipywidgets: funciona en JupyterLab, en Colab y en la página publicada, con teclado, en un
teléfono y con tema oscuro. Sin JavaScript queda lo fijo, que calcula Python. Qué se calcula y cómo se dibuja está en
la habitación de cada lección (`helpers/lessonNN/explorer.py`); allí la verdad es Python, y una prueba comprueba en un
navegador que el JavaScript da lo mismo.
"""

import base64
import html
import json

import torch
from IPython.display import HTML

NOTICE = "Estado de partida. Para mover los mandos, ejecuta esta celda en JupyterLab o Colab."


def page(ident: str, data: dict, static: str, script: str, notice: str = NOTICE) -> HTML:
    """El explorador `ident` (su id en la página, distinto de los demás) con su parte fija y su guion.

    `static` es el HTML que queda sin JavaScript. `script` es el cuerpo de una función de JavaScript que ve `data`,
    `root` (el elemento del explorador) y lo que hay en `_TOOLS`; crea sus mandos con `slider`, `choice` o `field`, y
    `draw()` se llama al empezar y cada vez que uno cambia. `notice` es lo que se lee mientras no hay JavaScript.
    """
    name = html.escape(ident)
    written = json.dumps({**data, "id": ident}, ensure_ascii=False).replace("<", "\\u003c")
    return HTML(
        f'<div id="{name}" class="explorador-gpt1">\n<style>\n{_STYLE.replace("%ID%", name)}</style>\n'
        f'<p class="aviso">{notice}</p>\n'
        f'<div class="mandos"></div>\n{static}\n</div>\n'
        f"<script>\n(() => {{\n  const data = {written};\n{_TOOLS}{script}"
        "  root.querySelector('.aviso').remove();\n  draw();\n})();\n</script>\n"
    )


def packed(values: torch.Tensor) -> str:
    """Números como float32 en base64, en el orden de `values`: exactos y en un tercio del sitio que como texto.

    En el guion se leen con `unpack(data.nombre)`.
    """
    return base64.b64encode(values.detach().float().cpu().numpy().astype("<f4").tobytes()).decode()


_STYLE = """\
#%ID% { color: inherit; max-width: 40rem; font-size: 14px; line-height: 1.5 }
#%ID% .mando { display: grid; grid-template-columns: 11rem 1fr 6rem; gap: .6rem; align-items: center; margin: .2rem 0 }
#%ID% input[type=range] { accent-color: #0072B2; width: 100% }
#%ID% input[type=text], #%ID% select { font: inherit; color: inherit; background: transparent; width: 100%;
  border: 1px solid currentColor; border-radius: 3px; padding: .15rem .4rem; grid-column: span 2;
  box-sizing: border-box }
#%ID% option { color: black; background: white }
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
@media (max-width: 480px) {
  #%ID% .mando { grid-template-columns: 1fr 5rem }
  #%ID% .mando label { grid-column: 1 / -1 }
  #%ID% th, #%ID% td { padding: .1rem .25rem }
  #%ID% thead th:nth-child(1) { width: 5rem }
}
"""

_TOOLS = """\
  const root = document.getElementById(data.id);
  const text = (value, decimals = 0) => value.toFixed(decimals).replace(".", ",");
  const unpack = (packed) =>
    Array.from(new Float32Array(Uint8Array.from(atob(packed), (c) => c.charCodeAt(0)).buffer));

  function softmax(values) {
    const top = Math.max(...values);
    const weights = values.map((x) => Math.exp(x - top));
    const total = weights.reduce((a, b) => a + b, 0);
    return weights.map((w) => w / total);
  }

  // Un mando: su etiqueta, su control y, si lo tiene, su valor escrito. Devuelve el control.
  function control(key, label, input, told) {
    const line = document.createElement("div");
    const name = document.createElement("label");
    const value = document.createElement("output");
    input.id = `${data.id}-${key}`;
    input.setAttribute("aria-label", label.replace(/^\\d+\\. /, ""));
    input.setAttribute("data-lm-suppress-shortcuts", "true"); // que JupyterLab no se quede con las teclas
    line.className = "mando";
    name.htmlFor = input.id;
    name.textContent = label;
    const update = () => {
      if (!told) return;
      value.textContent = told(+input.value);
      input.setAttribute("aria-valuetext", value.textContent);
    };
    input.addEventListener("input", () => { update(); draw(); });
    update();
    line.append(name, input, ...(told ? [value] : []));
    root.querySelector(".mandos").append(line);
    return input;
  }

  // Un deslizador; `told(número)` es lo que se escribe a su lado.
  function slider(key, label, { min, max, step = 1, start, told = (x) => text(x) }) {
    const input = Object.assign(document.createElement("input"), { type: "range", min, max, step, value: start });
    return control(key, label, input, told);
  }

  // Una lista desplegable; el valor es el número de la opción, desde 0.
  function choice(key, label, options, start = 0) {
    const input = document.createElement("select");
    options.forEach((option, value) => input.append(new Option(option, value, false, value === start)));
    return control(key, label, input);
  }

  // Una línea de texto.
  function field(key, label, start) {
    return control(key, label, Object.assign(document.createElement("input"), { type: "text", value: start }));
  }
"""
