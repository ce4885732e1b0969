"""Las figuras de la lección 07: log P palabra a palabra, el umbral, las palabras de clase y el sesgo de longitud."""

import math

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import FancyBboxPatch

from helpers.plots import style
from helpers.plots.logits import readable, with_comma
from helpers.spanish import number

WIDTH, LINE, ROW_GAP = 10.2, 0.6, 0.42  # pulgadas: ancho, alto de cada renglón de cajas y hueco entre frases
SURPRISE = LinearSegmentedColormap.from_list("sorpresa", ["#F7FBFF", style.SKY, style.BLUE, "#06294D"])


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
        scored = [value for value in values if value is not None]
        mean = sum(scored) / len(scored)
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
    ax.text(5.2, top + 0.4, "trazo discontinuo: no se puntúa", fontsize=9.5, color=style.GRAY, va="center")
    return style.describe(figure, f"{title}. " + "; ".join(described) + ".")


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
            ec=style.GRAY,
            ls="--" if value is None else "-",
            lw=0.8,
        )
    )
    color = "white" if dark else style.GRAY if value is None else "black"
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
    left.plot(thresholds, quality, color=style.GRAY, lw=1.8)
    left.plot(chosen, max(quality), "D", color=style.RED, ms=9)
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
        right.plot([good, bad], [row, row], color=style.GRAY, lw=1, alpha=0.7, zorder=1)
    good, bad = zip(*ordered, strict=True)
    right.scatter(good, range(len(pairs)), color=style.BLUE, s=30, label="la gramatical", zorder=2)
    right.scatter(bad, range(len(pairs)), color=style.ORANGE, marker="X", s=38, label="su gemela", zorder=2)
    right.axvline(chosen, color=style.RED, lw=2, label="umbral")
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
    split = sum(good > chosen >= bad for good, bad in pairs)
    return style.describe(
        figure,
        f"Izquierda: Matthews según el umbral; el mejor es {number(chosen, 2)} nats. Derecha: de {len(pairs)} "
        f"parejas, la gramatical queda más a la derecha en {sum(good > bad for good, bad in pairs)} y el umbral pasa "
        f"entre las dos, por el lado bueno, en {split}.",
    )


def class_words(panels: dict):
    """log P de las palabras positivas frente a las negativas, un punto por texto y un panel por elección de palabras.

    `panels`: {título: (puntuaciones [n, 2] como (positiva, negativa), ¿es positivo? [n])}. Por encima de la línea se
    predice «positivo»; la discontinua compara sin más y la continua resta antes la media de cada clase.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(5.3 * len(panels), 4.9), squeeze=False)
    described = []
    for ax, (title, (scores, positive)) in zip(axes[0], panels.items(), strict=True):
        scores, positive = np.asarray(scores), np.asarray(positive, dtype=bool)
        for kind, color, marker, name in (
            (positive, style.BLUE, "o", "es positivo"),
            (~positive, style.ORANGE, "X", "es negativo"),
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
        shift = float(scores[:, 0].mean() - scores[:, 1].mean())
        low, high = scores.min() - 0.5, scores.max() + 0.5
        ends = np.array([low, high])
        ax.plot(ends, ends, color="black", ls="--", lw=1.4, label="sin calibrar")
        ax.plot(ends, ends + shift, color=style.RED, lw=1.8, label="calibrado")
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
        above = 100 * float((scores[:, 0] > scores[:, 1]).mean())
        described.append(f"{title}: sin calibrar, el {number(above)} % cae del lado «positivo»")
    axes[0][-1].legend(fontsize=9.5, loc="center left", bbox_to_anchor=(1.02, 0.5))
    figure.tight_layout(w_pad=2)
    return style.describe(figure, "Nubes de textos. " + "; ".join(described) + ".")


def rank_shares(lengths, chosen) -> list[float]:
    """Qué parte de las veces se elige la opción más corta, la segunda… [k]. Un empate se reparte entre sus puestos.

    `lengths`: la longitud de cada opción, [n][k]; `chosen`: la elegida en cada pregunta, [n].
    """
    shares = np.zeros(len(lengths[0]))
    for sizes, pick in zip(lengths, chosen, strict=True):
        first = sum(size < sizes[pick] for size in sizes)
        tied = sum(size == sizes[pick] for size in sizes)
        shares[first : first + tied] += 1 / tied
    return (shares / len(chosen)).tolist()


def length_choices(panels: dict):
    """Con qué frecuencia se elige la opción más corta, la segunda…, según cómo se puntúe.

    `panels`: {tarea: {«suma»: [k partes], «media»: [k partes]}}, de `rank_shares`. La línea es no mirar la longitud.
    """
    options = [len(next(iter(bars.values()))) for bars in panels.values()]
    figure, axes = plt.subplots(
        1, len(panels), figsize=(10.4, 3.9), sharey=True, squeeze=False, width_ratios=[k + 1 for k in options]
    )
    axes, described = axes[0], []
    for ax, (title, bars) in zip(axes, panels.items(), strict=True):
        k = len(next(iter(bars.values())))
        for index, ((name, shares), color) in enumerate(
            zip(bars.items(), (style.ORANGE, style.BLUE), strict=True)
        ):
            places = np.arange(k) + 0.4 * (index - 0.5)
            drawn = ax.bar(places, [100 * s for s in shares], 0.38, color=color, label=name)
            labels = ax.bar_label(drawn, [number(100 * s) for s in shares], padding=2, fontsize=10)
            for label in labels:  # que la línea no tache ningún número
                label.set(bbox={"fc": "white", "ec": "none", "pad": 0.5}, zorder=4)
            described.append(f"{title}, {name}: la más corta, {number(100 * shares[0])} %")
        ax.axhline(100 / k, color="black", ls="--", lw=1.3, label="sin mirar la longitud")
        middle = [f"{place}.ª" for place in range(2, k)]
        ax.set_xticks(range(k), ["la más\ncorta", *middle, "la más\nlarga"])
        ax.set(title=title, xlabel="opción elegida, por longitud en tokens")
        ax.grid(axis="x", visible=False)
    axes[0].set_ylabel("veces que se elige (%)")
    axes[0].legend(title="puntuación", fontsize=9.5)
    top = max(share for bars in panels.values() for shares in bars.values() for share in shares)
    axes[0].set_ylim(0, 100 * top * 1.2)
    figure.tight_layout(w_pad=2)
    return style.describe(figure, "Barras. " + "; ".join(described) + ".")
