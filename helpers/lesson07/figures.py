"""Las figuras de la lección 07: log P palabra a palabra, el umbral, las palabras de clase y los resultados."""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import FancyBboxPatch

from helpers.figures import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, SKY, describe, readable, with_comma
from helpers.spanish import number
from helpers.zeroshot import PROBES, relative, wilson

WIDTH, LINE, ROW_GAP = 10.2, 0.6, 0.42  # pulgadas: ancho, alto de cada renglón de cajas y hueco entre frases
SURPRISE = LinearSegmentedColormap.from_list("sorpresa", ["#F7FBFF", SKY, BLUE, "#06294D"])


def mean_scored(values) -> float:
    """La media de los log P de los tokens que se puntúan; `None` es uno que no."""
    scored = [value for value in values if value is not None]
    return sum(scored) / len(scored)


def told_apart(pairs, threshold: float) -> tuple[int, int]:
    """De las parejas `(la gramatical, la que no)`: en cuántas gana la gramatical y en cuántas, además, las separa el
    umbral, que la gramatical supera y su gemela no."""
    return sum(good > bad for good, bad in pairs), sum(good > threshold >= bad for good, bad in pairs)


def said_positive(scores) -> float:
    """El % de textos [n, 2] en los que las palabras positivas puntúan más que las negativas."""
    return 100 * float((scores[:, 0] > scores[:, 1]).mean())


def in_tokens(updates, values) -> list[tuple[int, float]]:
    """`(tokens leídos, valor)` de cada medida del artículo, sin los huecos (`None`)."""
    return [
        (count * TOKENS_PER_UPDATE, value)
        for count, value in zip(updates, values, strict=True)
        if value is not None
    ]


def is_away(interval: tuple[float, float], chance: float) -> bool:
    """¿Deja el intervalo fuera al azar?"""
    low, high = interval
    return low > chance or high < chance


def word_boxes(rows, title: str, worst: float = -12.0):
    """Una caja por token con su log P; cuanto más oscura, más sorprendente.

    - `rows`: tuplas `(nombre, tokens, valores)`, una por frase. Un valor `None` es un token que no se puntúa: caja
      blanca de trazo discontinuo. Al lado del nombre va la media de los que sí.
    - `worst`: el log P al que la escala ya es lo más oscura (por debajo no cambia).
    """
    stretch = min(
        2.0, max(1.0, WIDTH / max(_wrap(tokens, 1.0, math.inf)[0][-1][0] + 1.2 for _, tokens, _ in rows))
    )
    places, heights = zip(*[_wrap(tokens, stretch) for _, tokens, _ in rows], strict=True)
    height = sum(heights) * LINE + len(rows) * ROW_GAP + 1.0
    figure, ax = plt.subplots(figsize=(WIDTH, height))
    ax.set(xlim=(0, WIDTH), ylim=(height, 0), title=title)
    ax.axis("off")
    shades, top, described = Normalize(worst, 0), 0.1, []
    for (name, tokens, values), boxes, lines in zip(rows, places, heights, strict=True):
        mean = mean_scored(values)
        ax.text(0.02, top + 0.2, f"{name}  ·  media {number(mean, 2)}", weight="bold", va="center")
        for token, value, (x, width, line) in zip(tokens, values, boxes, strict=True):
            _box(ax, x, top + ROW_GAP + line * LINE, width, readable(token), value, shades)
        top += ROW_GAP + lines * LINE
        written = [
            f"{readable(token)} {'sin puntuar' if value is None else number(value, 1)}"
            for token, value in zip(tokens, values, strict=True)
        ]
        described.append(f"{name} (media {number(mean, 2)}): {', '.join(written)}")
    bar = figure.colorbar(
        ScalarMappable(shades, SURPRISE.reversed()),
        cax=ax.inset_axes([0.1, top + 0.32, 4.6, 0.16], transform=ax.transData),
        orientation="horizontal",
    )
    bar.set_label("log P del token (nats); más oscuro = más sorprendente", fontsize=9.5)
    bar.ax.tick_params(labelsize=9)
    ax.text(5.2, top + 0.4, "trazo discontinuo: no se puntúa", fontsize=9.5, color=GRAY, va="center")
    return describe(figure, f"{title}. " + "; ".join(described) + ".")


def _wrap(tokens, stretch: float, limit: float = WIDTH):
    """Dónde va cada caja, `[(x, ancho, renglón)]`, y cuántos renglones hacen falta."""
    boxes, x, line = [], 0.02, 0
    for token in tokens:
        width = stretch * (0.095 * max(len(readable(token)), 4) + 0.16)
        if x + width > limit:
            x, line = 0.02, line + 1
        boxes.append((x, width, line))
        x += width + 0.05
    return boxes, line + 1


def _box(ax, x, y, width, text, value, shades):
    dark = value is not None and shades(value) < 0.55
    ax.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            LINE - 0.1,
            boxstyle="round,pad=0,rounding_size=0.06",
            fc="white" if value is None else SURPRISE.reversed()(shades(value)),
            ec=GRAY,
            ls="--" if value is None else "-",
            lw=0.8,
        )
    )
    color = "white" if dark else GRAY if value is None else "black"
    ax.text(
        x + width / 2,
        y + (0.25 if value is None else 0.17),
        text,
        ha="center",
        va="center",
        color=color,
        fontsize=10.5,
    )
    if value is not None:
        written = number(value, 1)
        ax.text(x + width / 2, y + 0.37, written, ha="center", va="center", color=color, fontsize=8.5)


def one_threshold(thresholds, quality, chosen: float, pairs):
    """Un umbral para todas las frases: cómo se elige (izquierda) y qué separa (derecha).

    - `thresholds` y `quality`: umbrales probados en entrenamiento y su Matthews; `chosen`, el elegido.
    - `pairs`: el log P medio de cada pareja de prueba, `(la gramatical, la que no)`.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.6, 5.2), width_ratios=[1, 1.5])
    left.plot(thresholds, quality, color=GRAY, lw=1.8)
    left.plot(chosen, max(quality), "D", color=RED, ms=9)
    place, align = ((8, 4), "left") if chosen < np.mean(left.get_xlim()) else ((-8, 4), "right")
    left.annotate(f"{number(chosen, 2)}", (chosen, max(quality)), place, textcoords="offset points", ha=align)
    left.set(
        title="Elegirlo: frases de entrenamiento",
        xlabel="umbral probado (log P medio, nats)",
        ylabel="coeficiente de Matthews",
    )
    left.set_ylim(None, max(quality) * 1.25 + 0.02)
    ordered = sorted(pairs, key=sum)
    for row, (good, bad) in enumerate(ordered):
        right.plot([good, bad], [row, row], color=GRAY, lw=1, alpha=0.7, zorder=1)
    good, bad = zip(*ordered, strict=True)
    right.scatter(good, range(len(pairs)), color=BLUE, s=30, label="la gramatical", zorder=2)
    right.scatter(bad, range(len(pairs)), color=ORANGE, marker="X", s=38, label="su gemela", zorder=2)
    right.axvline(chosen, color=RED, lw=2, label="umbral")
    right.set(
        title="Usarlo: parejas de prueba",
        xlabel="log P medio de la frase (nats por token)",
        ylabel="parejas, ordenadas por su log P",
        yticks=[],
    )
    right.legend(loc="upper left", fontsize=9.5, framealpha=1)
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        with_comma(axis)
    figure.tight_layout(w_pad=2)
    better, split = told_apart(pairs, chosen)
    return describe(
        figure,
        f"Izquierda: Matthews según el umbral; el mejor es {number(chosen, 2)} nats. Derecha: de {len(pairs)} "
        f"parejas, la gramatical queda más a la derecha en {better} y el umbral pasa "
        f"entre las dos, por el lado bueno, en {split}.",
    )


def class_words(panels: dict):
    """log P de las palabras positivas frente a las negativas, un punto por texto y un panel por elección de palabras.

    `panels`: {título: (puntuaciones [n, 2] como (positiva, negativa), ¿es positivo? [n], ventaja en nats)}. Por encima
    de la línea se predice «positivo»; la discontinua compara sin más y la continua resta antes la ventaja.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(5.3 * len(panels), 4.9), squeeze=False)
    described = []
    for ax, (title, (scores, positive, shift)) in zip(axes[0], panels.items(), strict=True):
        scores, positive = np.asarray(scores), np.asarray(positive, dtype=bool)
        for kind, color, marker, name in (
            (positive, BLUE, "o", "es positivo"),
            (~positive, ORANGE, "X", "es negativo"),
        ):
            ax.scatter(
                scores[kind, 1],
                scores[kind, 0],
                color=color,
                marker=marker,
                s=34,
                alpha=0.75,
                lw=0,
                label=name,
            )
        above = said_positive(scores)
        low, high = scores.min() - 0.5, scores.max() + 0.5
        ends = np.array([low, high])
        ax.plot(ends, ends, color="black", ls="--", lw=1.4, label="sin calibrar")
        ax.plot(ends, ends + shift, color=RED, lw=1.8, label="calibrado")
        ax.set(
            title=title,
            xlabel="log P de las palabras negativas (nats)",
            ylabel="log P de las palabras positivas (nats)",
            xlim=(low, high),
            ylim=(low, high),
            aspect="equal",
        )
        with_comma(ax.xaxis)
        with_comma(ax.yaxis)
        described.append(f"{title}: sin calibrar, el {number(above)} % cae del lado «positivo»")
    axes[0][-1].legend(fontsize=9.5, loc="center left", bbox_to_anchor=(1.02, 0.5))
    figure.tight_layout(w_pad=2)
    return describe(figure, "Nubes de textos. " + "; ".join(described) + ".")


def length_choices(panels: dict):
    """Con qué frecuencia se elige la opción más corta, la segunda…, según cómo se puntúe.

    `panels`: {tarea: {«suma»: [k partes], «por token»: […], «por byte»: […]}}, de `rank_shares`. La línea es no mirar
    la longitud.
    """
    panels = {
        title: {name: [100 * share for share in shares] for name, shares in bars.items()}
        for title, bars in panels.items()
    }
    options = [len(next(iter(bars.values()))) for bars in panels.values()]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(10.4, 3.9), sharey=True, squeeze=False, width_ratios=[k + 1 for k in options]
    )
    axes, described = axes[0], []
    for ax, (title, bars) in zip(axes, panels.items(), strict=True):
        k = len(next(iter(bars.values())))
        wide = 0.84 / len(bars)
        for index, ((name, shares), color) in enumerate(
            zip(bars.items(), (ORANGE, BLUE, GREEN), strict=False)
        ):
            places = np.arange(k) + wide * (index - (len(bars) - 1) / 2)
            drawn = ax.bar(places, shares, 0.95 * wide, color=color, label=name)
            labels = ax.bar_label(drawn, [number(share) for share in shares], padding=2, fontsize=9.5)
            for label in labels:  # que la línea no tache ningún número
                label.set(bbox={"fc": "white", "ec": "none", "pad": 0.5}, zorder=4)
            described.append(f"{title}, {name}: la más corta, {number(shares[0])} %")
        ax.axhline(100 / k, color="black", ls="--", lw=1.3, label="sin mirar la longitud")
        middle = [f"{place}.ª" for place in range(2, k)]
        ax.set_xticks(range(k), ["la más\ncorta", *middle, "la más\nlarga"])
        ax.set(title=title, xlabel="opción elegida, por longitud en tokens")
        ax.grid(axis="x", visible=False)
    axes[0].set_ylabel("veces que se elige (%)")
    axes[0].legend(title="puntuación", fontsize=9.5)
    top = max(share for bars in panels.values() for shares in bars.values() for share in shares)
    axes[0].set_ylim(0, top * 1.2)
    figure.tight_layout(w_pad=2)
    return describe(figure, "Barras. " + "; ".join(described) + ".")


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
    "sentiment": (PROBES["sentiment"], BLUE, "o", "Sentimiento (SST-2)"),
    "pronouns": (PROBES["pronouns"], GREEN, "s", "Winograd (DPRD)"),
    "acceptability": (PROBES["acceptability"], ORANGE, "^", "Aceptabilidad (CoLA)"),
    "reading": (PROBES["reading"], PURPLE, "D", "Preguntas (RACE)"),
    "story_cloze": (PROBES["story_cloze"], GRAY, "v", None),
    "minimal_pairs": (PROBES["minimal_pairs"], RED, "P", None),
}


def phenomena(found: dict):
    """Exactitud en pares mínimos por fenómeno, con su intervalo. `found`: {fenómeno: (exactitud, pares)}."""
    order = sorted(found, key=lambda name: found[name])
    figure, ax = plt.subplots(figsize=(8.8, 0.36 * len(order) + 1.3))
    for row, name in enumerate(order):
        share, n = found[name]
        low, high = wilson(share, n)
        ax.plot([100 * low, 100 * high], [row, row], color=SKY, lw=4, solid_capstyle="round")
        ax.plot(100 * share, row, "o", color=BLUE, ms=8)
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
    return describe(figure, f"Exactitud por fenómeno, de más a menos: {written}.")


def summary(results):
    """La tabla de `report`, dibujada: modelo con su intervalo, azar y la mejor trampa sencilla de cada tarea."""
    figure, ax = plt.subplots(figsize=(9, 0.55 * len(results) + 1.7))
    described = []
    for row, result in enumerate(reversed(results)):
        away = is_away(result.interval, result.chance)
        ax.plot(result.interval, [row, row], color=SKY, lw=4, solid_capstyle="round", zorder=1)
        ax.plot(result.score, row, "o", color=BLUE, mfc=BLUE if away else "white", ms=10, mew=2)
        ax.plot(result.chance, row, "|", color="black", ms=22, mew=2.2)
        if result.best_baseline:
            ax.plot(result.best_baseline[1], row - 0.24, "X", color=ORANGE, ms=9, mec="white")
        where = "se aparta del azar" if away else "no se distingue del azar"
        described.append(f"{result.task} {number(result.score, 2)}, {where}")
    for marker, color, face, name in (
        ("o", BLUE, BLUE, "modelo (IC 95 %)"),
        ("o", BLUE, "white", "modelo: no se distingue del azar"),
        ("|", "black", "black", "azar"),
        ("X", ORANGE, ORANGE, "mejor trampa sencilla"),
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
    return describe(figure, "; ".join(reversed(described)) + ".")


def curves(paper: dict, ours: dict):
    """El disparo cero al preentrenar: el artículo (Figura 2, derecha, digitalizada) y, aparte, nuestro modelo.

    - `paper`: `figure2.json["right"]`; sus actualizaciones se pasan a tokens (64 × 512 cada una).
    - `ours`: `disparo_cero.json`. Cada puntuación se sitúa entre el azar (0) y el modelo ajustado (1); donde no lo
      hay, o apenas supera al azar (`MARGIN`), el 1 es acertarlo todo y la línea va discontinua.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 5), sharey=True)
    for _, color, marker, theirs in TASKS.values():
        if theirs:
            points = in_tokens(paper["updates"], paper["transformer"][theirs])
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
    return describe(
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
