"""El explorador de la lección 09: la tasa de aprendizaje de un entrenamiento, según su calendario.

La verdad es `rates`, que usa los calendarios de `transformers`: los mismos que `Trainer`.
"""

import torch
from IPython.display import HTML
from transformers import (
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
    get_wsd_schedule,
)

from helpers import explorers
from helpers.spanish import number

SHAPES = ("medio coseno (GPT-1)", "constante y caída (gpt1-mini)", "línea recta (ajuste fino)")
FALL = 0.15  # la parte final en que cae el calendario constante: en gpt1-mini, 2250 de 14 650
ROWS = 16
MOST = 8  # milésimas: las barras se miden con ella, y así un máximo mayor se ve
START = {"shape": 0, "peak": 2.0, "warmup": 25}  # el máximo, en milésimas; el calentamiento, en % del total


def rates(total: int, shape: int = 0, peak: float = 2.0, warmup: int = 25) -> list[float]:
    """La tasa, en milésimas, en `ROWS` + 1 momentos repartidos de 0 a `total` actualizaciones."""
    up, fall = round(total * warmup / 100), round(total * FALL)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    if shape == 0:
        schedule = get_cosine_schedule_with_warmup(optimizer, up, total)
    elif shape == 1:
        stable = max(0, total - up - fall)
        schedule = get_wsd_schedule(
            optimizer, up, min(fall, total - up), num_stable_steps=stable, decay_type="linear"
        )
    else:
        schedule = get_linear_schedule_with_warmup(optimizer, up, total)
    at = schedule.lr_lambdas[0]
    return [peak * at(round(total * row / ROWS)) for row in range(ROWS + 1)]


def explorer(total: int, ident: str = "explorador") -> HTML:
    """El explorador para un entrenamiento de `total` actualizaciones."""
    found = rates(total, **START)
    body = "".join(_row(round(total * row / ROWS), rate) for row, rate in enumerate(found))
    static = (
        f'<p class="estado" role="status" aria-live="polite">{_status(total, found, START["warmup"])}</p>\n'
        "<table><caption>La tasa de aprendizaje, de la primera actualización a la última</caption>\n"
        '<thead><tr><th scope="col">actualización</th><th scope="col">milésimas</th><th scope="col">barra</th></tr>'
        f"</thead>\n<tbody>{body}</tbody></table>\n"
        # en un teléfono, «actualización» no cabe en la primera columna de los demás exploradores
        f"<style>@media (max-width: 480px) {{ #{ident} thead th:nth-child(1) {{ width: 7rem }} }}</style>"
    )
    return explorers.page(
        ident,
        {"total": total, "rows": ROWS, "shapes": SHAPES, "fall": FALL, "most": MOST, "start": START},
        static,
        _SCRIPT,
    )


def _row(step: int, rate: float) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{100 * rate / MOST:.1f}%"></span>'
    return f'<tr><th scope="row">{step}</th><td class="p">{number(rate, 2)}</td><td class="b">{bar}</td></tr>'


def _status(total: int, found: list[float], warmup: int) -> str:
    return (
        f"Calentamiento: {round(total * warmup / 100)} de {total} actualizaciones. "
        f"De media, la tasa es de {number(sum(found) / len(found), 2)} milésimas."
    )


_SCRIPT = """\
  const shape = choice("s", "1. calendario", data.shapes, data.start.shape);
  const peak = slider("p", "2. máximo (milésimas)",
    { min: 0.5, max: data.most, step: 0.5, start: data.start.peak, told: (x) => text(x, 1) });
  const warmup = slider("w", "3. calentamiento (%)", { min: 0, max: 80, step: 5, start: data.start.warmup });

  // A los empates, el par más cercano: como round() en Python.
  const round = (x) => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

  function draw() {
    const total = data.total, up = round((total * +warmup.value) / 100), fall = round(total * data.fall);
    const down = [
      (step) => (1 + Math.cos((Math.PI * (step - up)) / (total - up))) / 2,
      (step) => Math.min(1, (total - step) / Math.min(fall, total - up)),
      (step) => (total - step) / (total - up),
    ][+shape.value];
    const found = Array.from({ length: data.rows + 1 }, (_, row) => {
      const step = round((total * row) / data.rows);
      return +peak.value * (step < up ? step / up : down(step));
    });
    root.querySelectorAll("tbody tr").forEach((row, i) => {
      row.querySelector(".p").textContent = text(found[i], 2);
      row.querySelector(".barra").style.width = ((100 * found[i]) / data.most).toFixed(1) + "%";
    });
    const mean = found.reduce((a, b) => a + b) / found.length;
    root.querySelector(".estado").textContent =
      `Calentamiento: ${up} de ${total} actualizaciones. De media, la tasa es de ${text(mean, 2)} milésimas.`;
  }
"""
