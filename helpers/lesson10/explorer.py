"""El explorador de la lección 10: cuánto se ve de una diferencia según las semillas (qué es, en `helpers.explorers`).

La verdad es `power`.
"""

import html
import math
from statistics import NormalDist

from IPython.display import HTML

from helpers import explorers
from helpers.spanish import number

NORMAL = NormalDist()
FOOLED, SEEN = 1.96, 0.84  # un 5 % de falsas alarmas y un 80 % de veces que se ve


def power(difference: float, spread: float, seeds: int) -> float:
    """Probabilidad de que `seeds` parejas de ajustes distingan de cero una diferencia de verdad de `difference` puntos.

    `spread` es la desviación típica, en puntos, de la diferencia de una pareja a otra. Con la normal: se supone que se
    sabe, así que con dos o tres semillas es optimista.
    """
    size = abs(difference) * math.sqrt(seeds) / spread
    return NORMAL.cdf(size - FOOLED) + NORMAL.cdf(-size - FOOLED)


def needed(difference: float, spread: float) -> int:
    """Las semillas que hacen falta para verla ocho veces de cada diez."""
    return math.ceil(((FOOLED + SEEN) * spread / abs(difference)) ** 2)


def explorer(
    differences: dict[str, float], spread: float = 1.0, seeds: int = 5, ident: str = "explorador-semillas"
) -> HTML:
    """El explorador para unas diferencias en puntos, {qué es: cuánto}; al abrirse, con `spread` y `seeds`."""
    if not differences or any(not value for value in differences.values()):
        raise ValueError("Hace falta alguna diferencia, y distinta de cero.")
    body = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>{_cells(value, spread, seeds)}</tr>'
        for name, value in differences.items()
    )
    static = (
        f'<p class="estado" role="status" aria-live="polite">{_status(spread, seeds)}</p>\n'
        "<table><caption>Si la diferencia de verdad fuera la publicada, ¿se vería?</caption>\n"
        '<thead><tr><th scope="col">diferencia</th><th scope="col">se ve</th><th scope="col">barra</th>'
        f'<th scope="col">hacen falta</th></tr></thead>\n<tbody>{body}</tbody></table>'
    )
    data = {"values": list(differences.values()), "spread": spread, "seeds": seeds}
    return explorers.page(ident, data, static, _SCRIPT)


def _cells(difference: float, spread: float, seeds: int) -> str:
    p = power(difference, spread, seeds)
    bar = f'<span class="barra" aria-hidden="true" style="width:{100 * p:.1f}%"></span>'
    return (
        f'<td class="p">{number(100 * p)} %</td><td class="b">{bar}</td>'
        f'<td class="n">{number(needed(difference, spread))}</td>'
    )


def _status(spread: float, seeds: int) -> str:
    half = FOOLED * spread / math.sqrt(seeds)
    said = "semilla" if seeds == 1 else "semillas"
    return f"Con {seeds} {said}, el margen de la media es de ±{number(half, 2)} puntos."


_SCRIPT = """\
  // La normal acumulada, con la aproximación 7.1.26 de Abramowitz y Stegun: error menor que 2 · 10⁻⁷.
  function cdf(x) {
    const t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.SQRT2);
    const tail = [1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592]
      .reduce((sum, a) => (sum + a) * t, 0) * Math.exp(-x * x / 2) / 2;
    return x > 0 ? 1 - tail : tail;
  }
  const grouped = (n) => (n < 10000 ? `${n}` : `${n}`.replace(/\\B(?=(\\d{3})+$)/g, "\\u202f"));

  const s = slider("s", "cuánto baila una pareja", {
    min: 0.2, max: 8, step: 0.1, start: data.spread, told: (x) => `${text(x, 1)} puntos` });
  const n = slider("n", "semillas", { min: 1, max: 200, start: data.seeds });

  function draw() {
    const spread = +s.value, seeds = +n.value;
    data.values.forEach((difference, i) => {
      const row = root.querySelectorAll("tbody tr")[i];
      const size = Math.abs(difference) * Math.sqrt(seeds) / spread;
      const p = cdf(size - 1.96) + cdf(-size - 1.96);
      row.querySelector(".p").textContent = `${text(100 * p)} %`;
      row.querySelector(".barra").style.width = (100 * p).toFixed(1) + "%";
      row.querySelector(".n").textContent =
        grouped(Math.ceil((((1.96 + 0.84) * spread) / Math.abs(difference)) ** 2));
    });
    const half = (1.96 * spread) / Math.sqrt(seeds);
    root.querySelector(".estado").textContent =
      `Con ${seeds} ${seeds === 1 ? "semilla" : "semillas"}, el margen de la media es de ±${text(half, 2)} puntos.`;
  }
"""
