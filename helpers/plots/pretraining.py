"""Las figuras de la lección 09 que enseñan cómo se preentrena: ventanas, tasa de aprendizaje, estabilidad y pérdida."""

import math

import matplotlib.pyplot as plt
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter

from helpers.plots import style
from helpers.plots.logits import readable, with_comma
from helpers.spanish import number, significant

DOCUMENT_COLORS = ("#9CC9E3", "#F6D186")


def with_thousands(axis) -> None:
    """Escribe los números de un eje (`ax.xaxis` o `ax.yaxis`) enteros y con espacio de millares: 1 000."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))


def big(value: float) -> str:
    """Una cantidad de tokens en pocas letras: 5 120, 512 mil, 32,8 M."""
    for size, unit in ((1e9, "mil M"), (1e6, "M"), (1e3, "mil")):
        if value >= max(0.9995 * size, 1e5):  # 999 999 es ya «1 M»
            return f"{significant(value / size, 3)} {unit}"
    return number(value)


def windows(lengths, length: int, tokens):
    """Cómo se corta el texto en ventanas contiguas.

    - `lengths`: tokens de los primeros documentos, en su orden, ya pegados; `length`: tokens de una ventana.
    - `tokens`: los primeros de una ventana y el que sigue; la figura empareja cada uno con el que viene detrás.
    """
    figure, (strip, zoom) = plt.subplots(2, 1, figsize=(10.4, 3.7), height_ratios=[1, 1.35])
    begin, total = 0, sum(lengths)
    for index, size in enumerate(lengths):
        color = DOCUMENT_COLORS[index % 2]
        strip.add_patch(Rectangle((begin, 0), size, 1, fc=color, ec="none"))
        strip.text(
            begin + size / 2, 0.5, f"cuento {index + 1}", ha="center", va="center", fontsize=9,
            bbox={"fc": color, "ec": "none", "pad": 2}, zorder=3,
        )  # fmt: skip
        begin += size
    for start in range(0, total + 1, length):
        strip.plot([start, start], [0, 1], color="black", lw=0.9)
    strip.set(
        title=f"Los cuentos, uno detrás de otro, cortados cada {length} tokens",
        xlabel="posición en la tira de tokens",
        xlim=(0, total),
        ylim=(0, 1),
        yticks=[],
    )
    with_thousands(strip.xaxis)
    for row, (name, shown) in enumerate((("entra", tokens[:-1]), ("objetivo", tokens[1:]))):
        for place, token in enumerate(shown):
            color = "#E8E8E8" if row == 0 else "#BFE3D5"
            zoom.add_patch(Rectangle((place + 0.04, -row * 1.6), 0.92, 1, fc=color, ec="none"))
            zoom.text(place + 0.5, 0.5 - row * 1.6, readable(token), ha="center", va="center", fontsize=9.5)
            if row == 0:
                zoom.annotate(
                    "", (place + 0.5, -0.56), (place + 0.5, -0.04),
                    arrowprops={"arrowstyle": "->", "color": style.GRAY},
                )  # fmt: skip
        zoom.text(-0.15, 0.5 - row * 1.6, name, ha="right", va="center", fontsize=10)
    zoom.set(xlim=(-1.2, len(tokens) - 1), ylim=(-1.75, 1.15))
    zoom.set_title("El principio de una ventana: qué entra y qué hay que predecir", loc="left")
    zoom.set_axis_off()
    for ax in (strip, zoom):
        ax.grid(False)
    strip.spines["left"].set_visible(False)
    figure.tight_layout()
    pairs = ", ".join(
        f"«{readable(one)}» → «{readable(two)}»" for one, two in zip(tokens[:3], tokens[1:4], strict=True)
    )
    return style.describe(
        figure,
        f"Arriba, una tira de {number(total)} tokens con {len(lengths)} cuentos pegados y cortes cada {length}: "
        f"una ventana puede empezar en un cuento y acabar en otro. Abajo, cada token y su objetivo: {pairs}…",
    )


def schedules(panels: dict):
    """La tasa de aprendizaje de cada receta.

    `panels`: {título: (actualizaciones, tasa en cada una, cuántas son de calentamiento)}.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(10.4, 3.6))
    texts = []
    for ax, (title, (steps, rates, warmup)) in zip(axes, panels.items(), strict=True):
        ax.plot(steps, rates, color=style.BLUE, lw=2.4)
        ax.axvspan(0, warmup, color=style.ORANGE, alpha=0.35, lw=0)
        ax.set(title=title, xlabel="actualización", ylabel="tasa de aprendizaje", ylim=(0, 1.12 * max(rates)))
        with_thousands(ax.xaxis)
        ax.xaxis.get_major_locator().set_params(nbins=5)
        ax.yaxis.set_major_formatter(FuncFormatter(lambda rate, _: _plain(rate)))
        texts.append(
            f"{title}: sube hasta {max(rates):g} en {number(warmup)} actualizaciones y baja hasta 0 en la "
            f"{number(steps[-1])}".replace(".", ",")
        )
    figure.tight_layout(rect=(0, 0.07, 1, 1))
    kinds = [Patch(fc=style.ORANGE, alpha=0.35, label="calentamiento (warm-up)")]
    figure.legend(handles=kinds, loc="lower center")
    return style.describe(figure, "Dos curvas de la tasa de aprendizaje. " + ". ".join(texts) + ".")


def _plain(rate: float) -> str:
    """Una tasa sin notación científica: 0,00005."""
    return f"{rate:.5f}".rstrip("0").rstrip(".").replace(".", ",")


def stability(curves: dict, unigram: float):
    """La misma red entrenada con varias recetas: {nombre: pérdida de cada lote}, y la pérdida del unigrama."""
    figure, ax = plt.subplots(figsize=(9, 4.2))
    smooth = 10
    ends = {}
    for (name, losses), color, line in zip(
        curves.items(), style.PALETTE, ["-", "--", "-.", ":"], strict=False
    ):
        # media de los últimos lotes: un lote suelto salta demasiado para leer la curva
        means = [
            sum(losses[max(0, end - smooth) : end]) / min(end, smooth) for end in range(1, len(losses) + 1)
        ]
        ax.plot(range(1, len(losses) + 1), means, color=color, ls=line, lw=2.2, label=name)
        ends[name] = means[-1]
    ax.axhline(unigram, color=style.GRAY, ls=":", lw=1.6)
    ax.text(
        1.01, unigram, "unigrama\n(en lo apartado)", transform=ax.get_yaxis_transform(),
        color=style.GRAY, va="center", fontsize=9,
    )  # fmt: skip
    ax.set(
        title="La misma red en blanco, con recetas distintas",
        xlabel="actualización",
        ylabel=f"pérdida (nats por token,\nmedia de {smooth} lotes)",
    )
    ax.legend(title="tasa máxima")
    with_comma(ax.yaxis)
    text = "; ".join(f"{name}, {number(value, 2)}" for name, value in ends.items())
    return style.describe(figure, f"Curvas de pérdida. Al final: {text}. Unigrama: {number(unigram, 2)}.")


def live(records, baselines: dict):
    """La pérdida de lo que se entrena y de lo apartado: registros {step, train_loss, held_out_loss}, y varas de medir.

    `baselines`: {nombre: pérdida en lo apartado}, se dibujan como líneas horizontales.
    """
    figure, ax = plt.subplots(figsize=(9.4, 4.6))
    places = range(
        len(records)
    )  # cada medida, a la misma distancia de la anterior: el doble de actualizaciones
    for key, name, color, mark in (
        ("held_out_loss", "cuentos apartados", style.RED, "s"),
        ("train_loss", "cuentos de entrenamiento", style.BLUE, "o"),
    ):
        ax.plot(places, [record[key] for record in records], f"{mark}-", color=color, lw=2.2, label=name)
    above = math.inf
    for name, loss in sorted(baselines.items(), key=lambda item: -item[1]):
        ax.axhline(loss, color=style.GRAY, ls=":", lw=1.4)
        above = min(loss, above - 0.19)  # dos nombres casi a la misma altura se separan
        ax.text(
            1.01, above, name, transform=ax.get_yaxis_transform(), va="center", color=style.GRAY, fontsize=9
        )
    ax.set_xticks(places, [number(record["step"]) for record in records])
    ax.set(
        title="El preentrenamiento, en directo",
        xlabel="actualizaciones (desde las 16, cada marca es el doble que la anterior)",
        ylabel="pérdida (nats por token)",
    )
    ax.legend(loc="lower left")
    with_comma(ax.yaxis)
    first, last = records[0], records[-1]
    return style.describe(
        figure,
        f"Dos curvas que bajan juntas desde {number(first['held_out_loss'], 2)} y se separan: al final, "
        f"{number(last['train_loss'], 2)} en lo entrenado y {number(last['held_out_loss'], 2)} en lo "
        "apartado. " + "; ".join(f"{name}, {number(loss, 2)}" for name, loss in baselines.items()) + ".",
    )
