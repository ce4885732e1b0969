"""El explorador de la lección 06: un clasificador mientras aprende, con su umbral (qué es uno, en `helpers.explorers`).

La verdad es `verdict`.
"""

import html

import torch
from IPython.display import HTML

from helpers import explorers
from helpers.spanish import number

START = 50  # el umbral de partida, en %


def verdict(probabilities: torch.Tensor, labels: list[int], threshold: int) -> tuple[int, int]:
    """(buenas acertadas, malas acertadas) si se dice «buena» desde una probabilidad de `threshold` %.

    `probabilities` [n], la de «buena»; `labels` [n], 1 si lo es y 0 si no.
    """
    says = [100 * p >= threshold for p in probabilities.tolist()]
    good = sum(said and label == 1 for said, label in zip(says, labels, strict=True))
    return good, sum(not said and label == 0 for said, label in zip(says, labels, strict=True))


def explorer(moments: dict[int, torch.Tensor], labels, texts: list[str], ident: str = "umbral") -> HTML:
    """El explorador de un ajuste: `moments[actualización]` = probabilidades de «buena», [n + textos].

    Las `n` primeras son de frases con respuesta, `labels` [n], y las demás, de `texts`. Lanza `ValueError` si no casan.
    """
    labels = [int(label) for label in labels]
    if not moments or any(len(one) != len(labels) + len(texts) for one in moments.values()):
        raise ValueError(
            f"De cada momento hacen falta {len(labels) + len(texts)} probabilidades: {len(labels)} de frases con "
            f"respuesta y {len(texts)} de las tuyas."
        )
    steps = sorted(moments)
    probabilities = torch.stack(
        [moments[step].detach().float().cpu() for step in steps]
    )  # [momentos, frases]
    data = {
        "steps": steps,
        "labels": labels,
        "texts": len(texts),
        "start": START,
        "probabilities": explorers.packed(probabilities),
    }
    last = probabilities[-1]
    rows = "".join(_row(text, p) for text, p in zip(texts, last[len(labels) :].tolist(), strict=True))
    static = (
        f'<p class="estado" role="status" aria-live="polite">{_status(steps[-1], last[: len(labels)], labels)}</p>\n'
        "<table><caption>Tus frases</caption>\n"
        '<thead><tr><th scope="col" style="width: 52%">frase</th><th scope="col" class="p">p(buena)</th>'
        f'<th scope="col">dice</th></tr></thead>\n<tbody>{rows}</tbody></table>'
    )
    return explorers.page(ident, data, static, _SCRIPT)


def _row(text: str, p: float) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{100 * p:.1f}%"></span>'
    said = "buena" if 100 * p >= START else "mala"
    return (
        f'<tr><th scope="row">{html.escape(text)}</th><td class="p">{number(100 * p, 1)} %</td>'
        f'<td><span class="dice">{said}</span>{bar}</td></tr>'
    )


def _status(step: int, probabilities: torch.Tensor, labels: list[int]) -> str:
    good, bad = verdict(probabilities, labels, START)
    total = len(labels)
    return (
        f"Tras {step} actualizaciones acierta {good + bad} de {total} ({number(100 * (good + bad) / total, 1)} %): "
        f"{good} de {sum(labels)} buenas y {bad} de {total - sum(labels)} malas."
    )


_SCRIPT = """\
  const all = unpack(data.probabilities), total = data.labels.length, width = total + data.texts;
  const positives = data.labels.reduce((sum, label) => sum + label, 0), end = data.steps.length - 1;
  const moment = slider("m", "1. actualización", { min: 0, max: end, start: end, told: (x) => text(data.steps[x]) });
  const threshold = slider("u", "2. umbral de «buena»",
    { min: 5, max: 95, step: 5, start: data.start, told: (x) => `${x} %` });

  function draw() {
    const probs = all.slice(+moment.value * width, (+moment.value + 1) * width);
    const says = probs.map((p) => 100 * p >= +threshold.value);
    root.querySelectorAll("tbody tr").forEach((row, i) => {
      row.querySelector(".p").textContent = `${text(100 * probs[total + i], 1)} %`;
      row.querySelector(".dice").textContent = says[total + i] ? "buena" : "mala";
      row.querySelector(".barra").style.width = (100 * probs[total + i]).toFixed(1) + "%";
    });
    const good = data.labels.filter((label, i) => label === 1 && says[i]).length;
    const bad = data.labels.filter((label, i) => label === 0 && !says[i]).length;
    root.querySelector(".estado").textContent =
      `Tras ${data.steps[+moment.value]} actualizaciones acierta ${good + bad} de ${total} ` +
      `(${text((100 * (good + bad)) / total, 1)} %): ${good} de ${positives} buenas y ` +
      `${bad} de ${total - positives} malas.`;
  }
"""
