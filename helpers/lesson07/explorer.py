"""El explorador de la lección 07: un umbral, las cuatro casillas y el Matthews, en entrenamiento y en prueba.

La verdad es `told`, que usa el Matthews de `helpers.zeroshot`.
"""

import torch
from IPython.display import HTML

from helpers import explorers
from helpers.spanish import number
from helpers.zeroshot.evaluation import cells, matthews

LOW, HIGH, STEP = -7.0, -2.0, 0.05  # de los umbrales, en nats por token
ROWS = (  # la casilla, en el orden de `told`
    "aceptable, y dice que sí",
    "con una falta, y dice que sí",
    "aceptable, y dice que no",
    "con una falta, y dice que no",
)


def told(scores: torch.Tensor, truth: torch.Tensor, threshold: float) -> tuple[list[int], float]:
    """(VP, FP, FN y VN con «puntuación > umbral»; Matthews). `scores` [n] y `truth` [n], 1 si es aceptable."""
    tn, fp, fn, tp = cells(truth, scores.double() > threshold).sum(axis=0)  # como en JavaScript
    return [int(count) for count in (tp, fp, fn, tn)], float(matthews([tn, fp, fn, tp]))


def explorer(parts: dict, threshold: float, ident: str = "explorador") -> HTML:
    """El explorador de `parts`, {nombre: (puntuaciones [n], ¿es aceptable? [n])}; empieza en la primera."""
    start = round(LOW + round((threshold - LOW) / STEP) * STEP, 2)
    parts = {name: (torch.as_tensor(s).float().cpu(), torch.as_tensor(t)) for name, (s, t) in parts.items()}
    scores, truth = next(iter(parts.values()))
    counts, quality = told(scores, truth, start)
    body = "".join(_row(name, count, len(scores)) for name, count in zip(ROWS, counts, strict=True))
    static = (
        f'<p class="estado" role="status" aria-live="polite">{_status(counts, quality)}</p>\n'
        "<table><caption>Qué dice el umbral, y de qué frases</caption>\n"
        '<thead><tr><th scope="col">casilla</th><th scope="col">frases</th><th scope="col">barra</th></tr></thead>\n'
        f"<tbody>{body}</tbody></table>"
    )
    data = {
        "names": list(parts),
        "scores": [explorers.packed(scores) for scores, _ in parts.values()],
        "truth": [truth.int().tolist() for _, truth in parts.values()],
        "low": LOW,
        "high": HIGH,
        "step": STEP,
        "start": start,
    }
    return explorers.page(ident, data, static, _SCRIPT)


def _row(name: str, count: int, total: int) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{100 * count / total:.1f}%"></span>'
    return f'<tr><th scope="row">{name}</th><td class="p">{count}</td><td class="b">{bar}</td></tr>'


def _status(counts, quality: float) -> str:
    tp, fp, fn, tn = counts
    total = sum(counts)
    return (
        f"Dice que sí a {tp + fp} de {total}. Exactitud, {number(100 * (tp + tn) / total, 1)} %; "
        f"Matthews, {number(quality, 2)}."
    )


_SCRIPT = """\
  const scores = data.scores.map(unpack);
  const signed = (x, decimals) => text(x, decimals).replace("-", "−").replace(/^−(0(,0*)?)$/, "$1");
  const part = choice("f", "1. frases", data.names);
  const threshold = slider("u", "2. umbral (nats)",
    { min: data.low, max: data.high, step: data.step, start: data.start, told: (x) => signed(x, 2) });

  function draw() {
    const counts = [0, 0, 0, 0]; // VP, FP, FN, VN
    scores[+part.value].forEach((score, i) => {
      counts[(score > +threshold.value ? 0 : 2) + (data.truth[+part.value][i] ? 0 : 1)] += 1;
    });
    const [tp, fp, fn, tn] = counts, total = tp + fp + fn + tn;
    const below = Math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn));
    const quality = below > 0 ? (tp * tn - fp * fn) / below : 0;
    root.querySelectorAll("tbody tr").forEach((row, i) => {
      row.querySelector(".p").textContent = counts[i];
      row.querySelector(".barra").style.width = ((100 * counts[i]) / total).toFixed(1) + "%";
    });
    root.querySelector(".estado").textContent =
      `Dice que sí a ${tp + fp} de ${total}. Exactitud, ${text((100 * (tp + tn)) / total, 1)} %; ` +
      `Matthews, ${signed(quality, 2)}.`;
  }
"""
