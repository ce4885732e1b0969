"""Los resultados de la lección 07: por fenómeno, la tabla dibujada y cómo suben al preentrenar, junto a la Figura 2."""

import math

import matplotlib.pyplot as plt

from helpers.plots import style
from helpers.plots.logits import with_comma
from helpers.spanish import number
from helpers.zeroshot import PROBES, relative

TOKENS_PER_UPDATE = 64 * 512  # en el artículo, §4.1
MARGIN = 0.1  # entre el azar y el modelo ajustado, lo mínimo para usarlo de escala: dividir por menos es ampliar ruido
PHENOMENA = {
    "agreement_across_attractor": "concordancia a distancia",
    "argument_structure": "argumentos del verbo",
    "auxiliary_form": "forma tras el auxiliar",
    "comparative_form": "comparativos",
    "determiner_noun_agreement": "determinante y nombre",
    "irregular_past": "pasados irregulares",
    "npi_licensing": "polaridad negativa",
    "pronoun_case": "caso del pronombre",
    "reflexive_agreement": "reflexivos",
    "subject_verb_agreement": "sujeto y verbo",
    "wh_gap": "huecos de las preguntas",
    "word_order": "orden de las palabras",
}
# Clave de nuestros registros → (nombre, color, marca, nombre de la tarea del artículo).
TASKS = {
    "sentiment": (PROBES["sentiment"], style.BLUE, "o", "Sentimiento (SST-2)"),
    "pronouns": (PROBES["pronouns"], style.GREEN, "s", "Winograd (DPRD)"),
    "acceptability": (PROBES["acceptability"], style.ORANGE, "^", "Aceptabilidad (CoLA)"),
    "reading": (PROBES["reading"], style.PURPLE, "D", "Preguntas (RACE)"),
    "story_cloze": (PROBES["story_cloze"], style.GRAY, "v", None),
    "minimal_pairs": (PROBES["minimal_pairs"], style.RED, "P", None),
}


def wilson(share: float, n: int, z: float = 1.96) -> tuple[float, float]:
    """Intervalo del 95 % de una proporción (Wilson, 1927); el remuestreo, si se acierta todo, daría uno sin anchura."""
    center, spread = share + z * z / (2 * n), z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (center - spread) / (1 + z * z / n), (center + spread) / (1 + z * z / n)


def phenomena(found: dict):
    """Exactitud en pares mínimos por fenómeno, con su intervalo. `found`: {fenómeno: (exactitud, pares)}."""
    order = sorted(found, key=lambda name: found[name])
    figure, ax = plt.subplots(figsize=(8.8, 0.36 * len(order) + 1.3))
    for row, name in enumerate(order):
        share, n = found[name]
        low, high = wilson(share, n)
        ax.plot([100 * low, 100 * high], [row, row], color=style.SKY, lw=4, solid_capstyle="round")
        ax.plot(100 * share, row, "o", color=style.BLUE, ms=8)
        ax.text(102.5, row, f"{round(share * n, 1):g} de {n}".replace(".", ","), va="center", fontsize=9.5)
    ax.axvline(50, color="black", ls="--", lw=1.3)
    ax.text(50.7, len(order) - 0.45, "azar", fontsize=9.5, va="bottom")
    ax.set_yticks(range(len(order)), [PHENOMENA.get(name, name) for name in order])
    ax.set(
        title="Pares mínimos, por fenómeno",
        xlabel="exactitud (%); la banda es el intervalo del 95 %",
        ylabel="fenómeno",
        xlim=(0, 102),
        ylim=(-0.6, len(order) + 0.1),
    )
    written = "; ".join(f"{PHENOMENA.get(n, n)} {number(100 * found[n][0])} %" for n in reversed(order))
    return style.describe(figure, f"Exactitud por fenómeno, de más a menos: {written}.")


def summary(results):
    """La tabla de `report`, dibujada: modelo con su intervalo, azar y la mejor trampa sencilla de cada tarea."""
    figure, ax = plt.subplots(figsize=(9, 0.55 * len(results) + 1.7))
    described = []
    for row, result in enumerate(reversed(results)):
        low, high = result.interval
        away = low > result.chance or high < result.chance
        ax.plot([low, high], [row, row], color=style.SKY, lw=4, solid_capstyle="round", zorder=1)
        ax.plot(result.score, row, "o", color=style.BLUE, mfc=style.BLUE if away else "white", ms=10, mew=2)
        ax.plot(result.chance, row, "|", color="black", ms=22, mew=2.2)
        if result.best_baseline:
            ax.plot(result.best_baseline[1], row - 0.24, "X", color=style.ORANGE, ms=9, mec="white")
        where = "se aparta del azar" if away else "no se distingue del azar"
        described.append(f"{result.task} {number(result.score, 2)}, {where}")
    for marker, color, face, name in (
        ("o", style.BLUE, style.BLUE, "modelo (IC 95 %)"),
        ("o", style.BLUE, "white", "modelo: no se distingue del azar"),
        ("|", "black", "black", "azar"),
        ("X", style.ORANGE, style.ORANGE, "mejor trampa sencilla"),
    ):
        ax.plot([], [], marker, color=color, mfc=face, ms=11 if marker == "|" else 9, mew=2, label=name)
    ax.set_yticks(
        range(len(results)),
        [f"{result.task}\n({result.metric})" for result in reversed(results)],
        fontsize=10,
    )
    ax.set(
        title="Disparo cero, tarea a tarea",
        xlabel="puntuación (exactitud de 0 a 1; Matthews, de −1 a 1)",
        ylabel="tarea",
        ylim=(-0.6, len(results) - 0.4),
    )
    ax.grid(axis="y", visible=False)
    with_comma(ax.xaxis)
    figure.legend(loc="upper left", bbox_to_anchor=(0.1, -0.01), ncols=4, fontsize=9.5, handletextpad=0.3)
    return style.describe(figure, "; ".join(reversed(described)) + ".")


def curves(paper: dict, ours: dict):
    """El disparo cero al preentrenar: el artículo (Figura 2, derecha, digitalizada) y, aparte, nuestro modelo.

    - `paper`: `figure2.json["right"]`; sus actualizaciones se pasan a tokens (64 × 512 cada una).
    - `ours`: `disparo_cero.json`. Cada puntuación se sitúa entre el azar (0) y el modelo ajustado (1); donde no lo
      hay, o apenas supera al azar (`MARGIN`), el 1 es acertarlo todo y la línea va discontinua.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 5), sharey=True)
    for _, color, marker, theirs in TASKS.values():
        if theirs:
            points = [
                (updates * TOKENS_PER_UPDATE, value)
                for updates, value in zip(paper["updates"], paper["transformer"][theirs], strict=True)
                if value is not None
            ]
            left.plot(*zip(*points, strict=True), color=color, marker=marker, ms=6, lw=2, label=theirs)
    described = []
    for key, (name, color, marker, _) in TASKS.items():
        measured = relative_records(ours, key)
        if measured:
            dashed = not has_reference(ours, key)
            look = {"color": color, "marker": marker, "ms": 6, "lw": 2, "ls": "--" if dashed else "-"}
            right.plot(*zip(*measured, strict=True), **look, label=f"{name} *" if dashed else name)
            described.append(f"{name} {number(measured[-1][1], 2)}")
    for ax in (left, right):
        ax.set(xscale="log")
        ax.axhline(0, color="black", lw=1.3)
        ax.axhline(1, color="black", ls=":", lw=1.3)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=9.5)
    left.set(
        title="GPT-1: artículo, Figura 2 (digitalizada)",
        xlabel="tokens leídos (actualizaciones × 64 × 512; escala log.)",
        ylabel="puntuación relativa\n(0 = azar)",
    )
    right.set(title=f"{ours['model']}: medido para este curso", xlabel="tokens leídos (escala log.)")
    right.set_facecolor("#F4F4F4")
    left.text(left.get_xlim()[0] * 1.1, 1.015, "1 = mejor modelo único conocido", fontsize=9, va="bottom")
    right.text(
        right.get_xlim()[0] * 1.1, 1.015, "1 = modelo ajustado (*: acertarlo todo)", fontsize=9, va="bottom"
    )
    low, high = left.get_ylim()
    left.set_ylim(min(low, -0.1), max(high, 1.12))
    with_comma(left.yaxis)
    figure.tight_layout(w_pad=3)
    theirs = ", ".join(f"{name} {number(values[-1], 2)}" for name, values in paper["transformer"].items())
    return style.describe(
        figure,
        f"Dos paneles separados de puntuación relativa según los tokens leídos. GPT-1, según el artículo, acaba en "
        f"{theirs}. {ours['model']} acaba en {', '.join(described)}.",
    )


def has_reference(ours: dict, key: str) -> bool:
    """¿Hay modelo ajustado con el que comparar, y supera al azar lo bastante para que la escala diga algo?"""
    reference = ours["fine_tuned"].get(key)
    return reference is not None and reference - ours["chance"][key] >= MARGIN


def relative_records(ours: dict, key: str) -> list[tuple[float, float]]:
    """`(tokens, puntuación relativa)` de una tarea en cada medida con tokens > 0; sin la tarea, lista vacía."""
    reference = ours["fine_tuned"][key] if has_reference(ours, key) else 1.0
    return [
        (record["tokens"], relative(record[f"zero_shot_{key}"], ours["chance"][key], reference))
        for record in ours["records"]
        if record["tokens"] > 0 and f"zero_shot_{key}" in record
    ]
