"""El explorador de la temperatura de la lección 00 (qué es un explorador, en `helpers.explorers`).

La verdad es `helpers.generation.probabilities`. Viajan los logits de los tokens que se enseñan y, por cada temperatura
del mando, lo que suman los demás (el logaritmo de la suma de sus exponenciales): el resultado es exacto y cabe en unos
pocos KB.
"""

import html

import torch
from IPython.display import HTML

from helpers import explorers
from helpers.figures import readable
from helpers.spanish import number

LOWEST, STEP, STOPS = 0.1, 0.1, 30  # el mando de temperatura: de 0,1 a 3


def temperatures() -> list[float]:
    """Las temperaturas por las que pasa el mando."""
    return [round(LOWEST + STEP * stop, 1) for stop in range(STOPS)]


def explorer(
    logits: torch.Tensor, tokens: list[str], prompts: list[str], rows: int = 8, ident: str = "temperatura"
) -> HTML:
    """El explorador para los `logits` [comienzos, vocabulario] que siguen a cada uno de los `prompts`.

    `tokens` son los nombres del vocabulario, en el orden de los ids; se enseñan los `rows` más probables.
    """
    ordered, order = logits.detach().float().cpu().sort(descending=True, stable=True)  # [comienzos, V]
    scaled = [ordered[:, rows:] / temperature for temperature in temperatures()]
    names = [[readable(tokens[index]) for index in line] for line in order[:, :rows].tolist()]
    data = {
        "prompts": prompts,
        "names": names,
        "rows": rows,
        "logits": explorers.packed(ordered[:, :rows]),
        "rest": explorers.packed(torch.stack([one.logsumexp(-1) for one in scaled], dim=-1)),
        "temperatures": temperatures(),
    }
    top = ordered[0].softmax(-1)[:rows]
    body = [_row(*pair) for pair in zip(names[0], top.tolist(), strict=True)]
    body.append(_row("(los demás)", 1 - float(top.sum())))
    table = (
        f'<p class="estado" role="status" aria-live="polite">{_status(names[0][0], float(top[0]))}</p>\n'
        f"<table><caption>{html.escape(prompts[0])}…</caption>\n"
        '<thead><tr><th scope="col">token</th><th scope="col">probabilidad</th><th scope="col">barra</th></tr>'
        f"</thead>\n<tbody>{''.join(body)}</tbody></table>"
    )
    return explorers.page(ident, data, table, _SCRIPT)


def _row(name: str, p: float) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{100 * p:.1f}%"></span>'
    written = html.escape(_percent(p))
    return f'<tr><th scope="row">{html.escape(name)}</th><td class="p">{written}</td><td class="b">{bar}</td></tr>'


def _percent(p: float) -> str:
    """Con dos decimales por debajo del 1 %: así se ve que el orden no cambia ni cuando casi todo es de los demás."""
    return "< 0,01 %" if p < 5e-5 else f"{number(100 * p, 1 if p >= 0.01 else 2)} %"


def _status(name: str, p: float) -> str:
    times = 100 if p >= 0.1 else 10_000
    return f"De cada {number(times)} sorteos, unos {number(times * p)} darían «{html.escape(name)}»."


_SCRIPT = """\
  const logits = unpack(data.logits), rest = unpack(data.rest), stops = data.temperatures;
  const begin = choice("c", "comienzo", data.prompts);
  const t = slider("t", "temperatura", { min: stops[0], max: stops.at(-1), step: stops[0], start: 1,
    told: (x) => text(x, 1) });

  const percent = (p) => (p < 5e-5 ? "< 0,01 %" : `${text(100 * p, p >= 0.01 ? 1 : 2)} %`);

  function draw() {
    const place = +begin.value;
    const stop = stops.findIndex((one) => Math.abs(one - t.value) < 0.01);
    const mine = logits.slice(place * data.rows, (place + 1) * data.rows).map((x) => x / stops[stop]);
    const probs = softmax([...mine, rest[place * stops.length + stop]]); // los demás, como si fueran uno
    root.querySelector("caption").textContent = data.prompts[place] + "…";
    probs.forEach((p, i) => {
      const row = root.querySelectorAll("tbody tr")[i];
      if (i < data.rows) row.querySelector("th").textContent = data.names[place][i];
      row.querySelector(".p").textContent = percent(p);
      row.querySelector(".barra").style.width = (100 * p).toFixed(1) + "%";
    });
    const [times, written] = probs[0] >= 0.1 ? [100, "100"] : [10000, "10 000"];
    root.querySelector(".estado").textContent =
      `De cada ${written} sorteos, unos ${text(times * probs[0])} darían «${data.names[place][0]}».`;
  }
"""
