"""Las figuras de la lección 09: cómo se preentrena (ventanas, estabilidad) y cómo se mide lo preentrenado."""

import math
from itertools import accumulate
from textwrap import fill

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from helpers.figures import (
    BLUE,
    GRAY,
    GREEN,
    ORANGE,
    PALETTE,
    RED,
    describe,
    readable,
    slant_if_crowded,
    with_comma,
)
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


def moving_average(values, window: int) -> list[float]:
    """En cada punto, la media de los `window` últimos valores, o de los que haya: [n] → [n]."""
    return [sum(values[max(0, end - window) : end]) / min(end, window) for end in range(1, len(values) + 1)]


def windows(lengths, length: int, starts, tokens):
    """De dónde salen las ventanas de un lote.

    - `lengths`: tokens de los primeros documentos, en su orden, ya pegados; `length`: tokens de una ventana.
    - `starts`: dónde empieza cada ventana sorteada.
    - `tokens`: los primeros de una ventana y el que sigue; la figura empareja cada uno con el que viene detrás.
    """
    figure, (strip, zoom) = plt.subplots(2, 1, figsize=(10.4, 4.1), height_ratios=[1.2, 1.35])
    begins = [0, *accumulate(lengths)]
    total = begins.pop()
    for index, (begin, size) in enumerate(zip(begins, lengths, strict=True)):
        strip.add_patch(Rectangle((begin, 0), size, 1, fc=DOCUMENT_COLORS[index % 2], ec="none"))
        strip.text(begin + size / 2, 0.5, f"cuento {index + 1}", ha="center", va="center", fontsize=9)
    for place, start in enumerate(starts):
        strip.add_patch(Rectangle((start, 1.15 + 0.5 * (place % 3)), length, 0.4, fc=GREEN, ec="none"))
    strip.set(
        title=f"{len(starts)} ventanas de {length} tokens, sorteadas en la tira de los cuentos",
        xlabel="posición en la tira de tokens",
        xlim=(0, total),
        ylim=(0, 2.7),
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
                    arrowprops={"arrowstyle": "->", "color": GRAY},
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
    return describe(
        figure,
        f"Arriba, una tira de {number(total)} tokens con {len(lengths)} cuentos pegados y {len(starts)} ventanas de "
        f"{length} en sitios cualesquiera: pueden solaparse, y empezar en un cuento y acabar en otro. Abajo, cada "
        f"token y su objetivo: {pairs}…",
    )


def stability(curves: dict, unigram: float):
    """La misma red entrenada con varias recetas: {nombre: pérdida de cada lote}, y la pérdida del unigrama."""
    figure, ax = plt.subplots(figsize=(9, 4.2))
    smooth = 10
    ends = {}
    for (name, losses), color, line in zip(curves.items(), PALETTE, ["-", "--", "-.", ":"], strict=False):
        means = moving_average(losses, smooth)  # un lote suelto salta demasiado para leer la curva
        ax.plot(range(1, len(losses) + 1), means, color=color, ls=line, lw=2.2, label=name)
        ends[name] = means[-1]
    ax.axhline(unigram, color=GRAY, ls=":", lw=1.6)
    ax.text(
        1.01, unigram, "unigrama\n(en lo apartado)", transform=ax.get_yaxis_transform(),
        color=GRAY, va="center", fontsize=9,
    )  # fmt: skip
    ax.set(
        title="La misma red en blanco, con recetas distintas",
        xlabel="actualización",
        ylabel=f"pérdida (nats por token,\nmedia de {smooth} lotes)",
    )
    ax.legend(title="tasa máxima")
    with_comma(ax.yaxis)
    text = "; ".join(f"{name}, {number(value, 2)}" for name, value in ends.items())
    return describe(figure, f"Curvas de pérdida. Al final: {text}. Unigrama: {number(unigram, 2)}.")


def live(records, baselines: dict):
    """La pérdida de lo que se entrena y de lo apartado: registros {step, train_loss, held_out_loss}, y varas de medir.

    `baselines`: {nombre: pérdida en lo apartado}, se dibujan como líneas horizontales.
    """
    figure, ax = plt.subplots(figsize=(9.4, 4.6))
    places = range(
        len(records)
    )  # cada medida, a la misma distancia de la anterior: el doble de actualizaciones
    for key, name, color, mark in (
        ("held_out_loss", "cuentos apartados", RED, "s"),
        ("train_loss", "cuentos de entrenamiento", BLUE, "o"),
    ):
        ax.plot(places, [record[key] for record in records], f"{mark}-", color=color, lw=2.2, label=name)
    above = math.inf
    for name, loss in sorted(baselines.items(), key=lambda item: -item[1]):
        ax.axhline(loss, color=GRAY, ls=":", lw=1.4)
        above = min(loss, above - 0.19)  # dos nombres casi a la misma altura se separan
        ax.text(1.01, above, name, transform=ax.get_yaxis_transform(), va="center", color=GRAY, fontsize=9)
    ax.set_xticks(places, [number(record["step"]) for record in records])
    ax.set(
        title="El preentrenamiento, en directo",
        xlabel="actualizaciones (desde las 16, cada marca es el doble que la anterior)",
        ylabel="pérdida (nats por token)",
    )
    ax.legend(loc="lower left")
    with_comma(ax.yaxis)
    first, last = records[0], records[-1]
    return describe(
        figure,
        f"Dos curvas que bajan juntas desde {number(first['held_out_loss'], 2)} y se separan: al final, "
        f"{number(last['train_loss'], 2)} en lo entrenado y {number(last['held_out_loss'], 2)} en lo "
        "apartado. " + "; ".join(f"{name}, {number(loss, 2)}" for name, loss in baselines.items()) + ".",
    )


def perplexities(rows):
    """La perplejidad de cada modelo en los mismos tokens: filas (nombre, perplejidad, extremo bajo, extremo alto)."""
    figure, ax = plt.subplots(figsize=(9, 0.55 * len(rows) + 1.7))
    for place, (_, value, low, high) in enumerate(rows):
        ours = place == len(rows) - 1
        color = RED if ours else BLUE
        ax.errorbar(
            value,
            place,
            xerr=[[value - low], [high - value]],
            fmt="s" if ours else "o",
            color=color,
            ms=8,
            capsize=5,
        )
        ax.annotate(
            number(value, 1 if value < 100 else 0), (high, place), (9, 0), textcoords="offset points",
            va="center", color=color,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(min(row[2] for row in rows) * 0.75, max(row[3] for row in rows) * 1.7)
    ax.set_yticks(range(len(rows)), [row[0] for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ticks = [tick for tick in (10, 20, 50, 100, 200, 500, 1000, 2000) if _inside(ax, tick)]
    ax.set_xticks(ticks, [number(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(plt.NullLocator())
    ax.set(
        title="Cuánto dudan en los cuentos apartados, sobre los mismos tokens",
        xlabel="perplejidad (escala logarítmica; menos es mejor) e intervalo del 95 %",
    )
    ax.grid(axis="y", visible=False)
    text = "; ".join(
        f"{name}, {number(value, 1)} (de {number(low, 1)} a {number(high, 1)})"
        for name, value, low, high in rows
    )
    return describe(figure, f"Perplejidades con su intervalo: {text}.")


def _inside(ax, tick) -> bool:
    low, high = ax.get_xlim()
    return low <= tick <= high


def units(rows):
    """Las mismas medidas en dos unidades: filas (nombre, perplejidad por token, bits por byte)."""
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 0.5 * len(rows) + 1.6), sharey=True)
    names = [row[0] for row in rows]
    for ax, column, title, decimals in (
        (axes[0], 1, "Perplejidad por token", 1),
        (axes[1], 2, "Bits por byte", 2),
    ):
        values = [row[column] for row in rows]
        best = min(values)
        colors = [GREEN if value == best else "#B8B8B8" for value in values]
        ax.barh(range(len(rows)), values, color=colors, height=0.62)
        for place, value in enumerate(values):
            ax.text(value + 0.02 * max(values), place, number(value, decimals), va="center", fontsize=10)
        ax.set(
            title=title,
            xlabel=f"{title[0].lower()}{title[1:]} (menos es mejor)",
            xlim=(0, 1.18 * max(values)),
        )
        ax.grid(axis="y", visible=False)
        with_comma(ax.xaxis)
    axes[0].set_yticks(range(len(rows)), names)
    axes[0].invert_yaxis()
    figure.tight_layout()
    text = "; ".join(f"{name}, {number(ppl, 1)} y {number(bits, 2)}" for name, ppl, bits in rows)
    winners = [min(rows, key=lambda row, k=k: row[k])[0] for k in (1, 2)]
    return describe(
        figure,
        f"Barras con la perplejidad y los bits por byte: {text}. En perplejidad gana {winners[0]}; en bits por byte, "
        f"{winners[1]}.",
    )


def history(records, begins: int, rates):
    """La historia de un preentrenamiento en dos etapas, entera y ampliada donde empieza la segunda.

    - `records`: {tokens, train_loss, held_out_loss}, en orden; `begins`: tokens leídos al empezar la segunda etapa.
    - `rates`: (tokens leídos, tasa de aprendizaje) de la segunda etapa.
    """
    figure = plt.figure(figsize=(10.4, 5))
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 1.5], height_ratios=[3, 1])
    whole, zoom = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1])
    rate = figure.add_subplot(grid[1, 1], sharex=zoom)
    from_here = 0.8 * begins
    for key, name, color, line in (
        ("train_loss", "libros de entrenamiento", BLUE, "-"),
        ("held_out_loss", "libros apartados", RED, "--"),
    ):
        points = [(record["tokens"], record[key]) for record in records if record.get(key) is not None]
        whole.plot(*zip(*points, strict=True), line, color=color, lw=2.2, label=name)
        first = [point for point in points if from_here <= point[0] <= begins]
        second = [point for point in points if point[0] > begins]
        for shown, alpha in ((first, 0.4), (second, 1)):  # la primera, medida con otras ventanas
            zoom.plot(*zip(*shown, strict=True), line, color=color, lw=2.2, marker=".", alpha=alpha)
    whole.set(
        title="Todo lo leído", xlabel="tokens leídos (escala logarítmica)", ylabel="pérdida (nats por token)"
    )
    whole.legend()
    _token_axis(whole)
    whole.set_xlim(right=1.6 * records[-1]["tokens"])
    zoom.axvline(begins, color=GRAY, lw=1.4, ls=":")
    zoom.annotate(
        "empieza la\nsegunda etapa", (begins, 0.06), (6, 0), xycoords=("data", "axes fraction"),
        textcoords="offset points", color=GRAY, va="bottom", fontsize=9,
    )  # fmt: skip
    zoom.set(title="Ampliado: la segunda etapa", ylabel="pérdida (nats por token)")
    zoom.tick_params(labelbottom=False)
    tokens, values = zip(*rates, strict=True)
    rate.fill_between(tokens, [1000 * value for value in values], color=ORANGE, alpha=0.6, lw=0)
    rate.set(xlabel="tokens leídos", ylabel="tasa\n(milésimas)", ylim=(0, None))
    rate.xaxis.set_major_formatter(FuncFormatter(lambda value, _: big(value) if value else "0"))
    for ax in (whole, zoom, rate):
        with_comma(ax.yaxis)
    figure.tight_layout()
    slant_if_crowded(whole)
    held_out = [record for record in records if record.get("held_out_loss") is not None]
    second = [record for record in held_out if record["tokens"] > begins]
    top = max(second, key=lambda record: record["held_out_loss"])
    return describe(
        figure,
        f"La pérdida en los libros apartados baja de {number(held_out[0]['held_out_loss'], 2)} a "
        f"{number(held_out[-1]['held_out_loss'], 2)} entre {big(held_out[0]['tokens'])} y "
        f"{big(held_out[-1]['tokens'])} tokens leídos. Ampliada, la segunda etapa, desde los {big(begins)}: sube hasta "
        f"{number(top['held_out_loss'], 2)}, baja despacio mientras la tasa es constante y más deprisa cuando cae.",
    )


def milestones(records, width: int = 84):
    """Lo que escribe un modelo en varios momentos de su preentrenamiento: registros {tokens, text}."""
    texts = [record["text"].strip().replace("\n", " ↵ ") for record in records]
    told = [fill(text, width) for text in texts]
    heights = [text.count("\n") + 1 for text in told]
    total = sum(heights) + 1.1 * len(told)
    figure, ax = plt.subplots(figsize=(10.4, 0.27 * total + 0.6))
    y = 0.0
    for place, (record, text, lines) in enumerate(zip(records, told, heights, strict=True)):
        box = Rectangle((0, y), 1, lines + 0.7, fc=BLUE, alpha=0.06 + 0.06 * place, ec="none")
        ax.add_patch(box)
        middle = y + (lines + 0.7) / 2
        ax.text(
            0.125, middle, big(record["tokens"]), ha="right", va="center", fontsize=13, weight="bold", color=BLUE
        )  # fmt: skip
        ax.text(0.15, middle, text, va="center", fontsize=10.5, family="monospace", linespacing=1.25)
        y += lines + 1.1
    ax.set(xlim=(0, 1), ylim=(y, -0.2), title="Aprender inglés leyendo: tokens leídos y lo que escribe")
    ax.set_axis_off()
    figure.tight_layout()
    text = " ".join(
        f"Con {big(record['tokens'])}: «{text}»." for record, text in zip(records, texts, strict=True)
    )
    return describe(figure, f"El mismo comienzo, continuado tras leer cada vez más tokens. {text}")


def _token_axis(ax) -> None:
    """Escala logarítmica de tokens con marcas que se leen: 100 k, 1 M, 10 M."""
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    for bases in ((1, 3), (1, 2, 3, 5, 7)):  # en menos de una década, más marcas
        ticks = [
            base * 10**power for power in range(2, 13) for base in bases if low <= base * 10**power <= high
        ]
        if len(ticks) > 2:
            break
    ax.set_xticks(ticks, [big(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(plt.NullLocator())


def scale(runs):
    """Pérdida en lo apartado según los tokens leídos, una curva por tamaño.

    `runs`: {name, n_layer, n_embd, parameters, records: [{tokens, held_out_loss}]}.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.3), width_ratios=[1.5, 1])
    runs = sorted(runs, key=lambda run: run["parameters"])
    ends = []
    for run, color, mark in zip(runs, PALETTE, "osD^v*", strict=False):
        points = [
            (record["tokens"], record["held_out_loss"]) for record in run["records"] if record["tokens"]
        ]
        tokens, losses = zip(*points, strict=True)
        size = f"{run['n_layer']} × {run['n_embd']}: {significant(run['parameters'] / 1e6, 2)} M"
        left.plot(tokens, losses, f"{mark}-", ms=5, color=color, lw=2.2, label=size)
        right.plot(run["parameters"], losses[-1], mark, ms=9, color=color)
        ends.append((size, tokens[-1], losses[-1]))
    left.set(
        title="Tres tamaños, el mismo texto" if len(runs) == 3 else "Varios tamaños, el mismo texto",
        xlabel="tokens leídos (escala logarítmica)",
        ylabel="pérdida en lo apartado\n(nats por token)",
    )
    left.legend(title="capas × ancho: parámetros")
    _token_axis(left)
    right.plot([run["parameters"] for run in runs], [end[2] for end in ends], color=GRAY, lw=1, zorder=0)
    right.set(
        title="Al acabar",
        xlabel="parámetros (escala logarítmica)",
        ylabel="pérdida en lo apartado\n(nats por token)",
    )
    right.set_xscale("log")
    right.set_xticks(
        [run["parameters"] for run in runs],
        [f"{significant(run['parameters'] / 1e6, 2)} M" for run in runs],
    )
    right.xaxis.set_minor_locator(plt.NullLocator())
    right.margins(x=0.15, y=0.15)
    for ax in (left, right):
        with_comma(ax.yaxis)
    figure.tight_layout()
    text = "; ".join(f"{size}, {number(loss, 2)} tras {big(tokens)} tokens" for size, tokens, loss in ends)
    return describe(figure, f"Curvas de pérdida en lo apartado según los tokens leídos. Al final: {text}.")
