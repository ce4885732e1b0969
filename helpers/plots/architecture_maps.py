"""Las figuras de la lección 08 que miran dentro del modelo: posiciones, cabezas, lente de logits y detalles rotos."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers.plots import style
from helpers.plots.logits import readable, with_comma
from helpers.spanish import number


def positions(similarity):
    """El parecido (coseno) entre embeddings de posición [P, P] y su media según la distancia."""
    similarity = np.asarray(similarity)
    size = len(similarity)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.6, 4.2), width_ratios=[1, 1.15])
    image = left.imshow(similarity, cmap="cividis", vmin=-1, vmax=1)
    left.set(title="Parecido entre posiciones", xlabel="posición", ylabel="posición")
    left.grid(False)
    bar = figure.colorbar(image, ax=left, shrink=0.85, label="coseno")
    with_comma(bar.ax.yaxis)
    gaps = np.arange(1, 3 * size // 4)  # más lejos quedan pocas parejas que promediar
    means = [similarity.diagonal(gap).mean() for gap in gaps]
    right.plot(gaps, means, color=style.BLUE, lw=2.2)
    right.axhline(0, color=style.GRAY, lw=1)
    right.set(title="…y según la distancia", xlabel="distancia (tokens)", ylabel="coseno medio")
    with_comma(right.yaxis)
    figure.tight_layout()
    shown = ", ".join(f"a {gap}, {number(means[gap - 1], 2)}" for gap in (1, size // 8, size // 2))
    return style.describe(
        figure,
        f"Mapa de {size} por {size} con el coseno entre embeddings de posición y curva de su media según la distancia: "
        f"{shown}.",
    )


def head_scores(panels: dict):
    """Una cuadrícula de bloques por cabezas para cada cosa que se puede mirar; se recuadra la cabeza ganadora.

    `panels`: {qué se mira: (matriz [bloques, cabezas] con la atención media, lo que daría repartirla por igual)}; si el
    nombre empieza por «…» es un control.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(11.6, 3.4), sharey=True)
    said = []
    for ax, (name, (scores, uniform)) in zip(axes, panels.items(), strict=True):
        scores = np.asarray(scores)
        rows, columns = scores.shape
        top = max(scores.max(), 2 * uniform)
        ax.imshow(scores, cmap="Blues", vmin=0, vmax=top, aspect="auto")
        if rows * columns <= 36:  # con las 144 cabezas de GPT-1 no caben los números
            for (row, column), value in np.ndenumerate(scores):
                color = "white" if value > 0.6 * top else "black"
                ax.text(column, row, number(value, 2), ha="center", va="center", fontsize=10, color=color)
        row, column = np.unravel_index(scores.argmax(), scores.shape)
        # si empata con el reparto igual, no hay ganadora que recuadrar; en un control, tampoco
        if scores.max() > 1.5 * uniform and not name.startswith("…"):
            ax.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, fill=False, ec=style.RED, lw=2.5))
        every = -(-columns // 6)  # con 12 cabezas, un número de cada dos: los demás no caben
        ax.set_xticks(range(every - 1, columns, every), range(every, columns + 1, every))
        ax.set_yticks(range(rows), range(1, rows + 1))
        ax.set_title(fill(name, 76 // len(panels)), fontsize=10)
        ax.set_xlabel(f"cabeza\n(por igual: {number(uniform, 2)})")
        ax.grid(False)
        ax.tick_params(length=0)
        said.append(f"{name}, {number(scores.max(), 2)} (por igual, {number(uniform, 2)})")
    axes[0].set_ylabel("bloque")
    figure.tight_layout(w_pad=1.5)
    return style.describe(figure, f"Cuadrículas de bloques por cabezas. La que más mira: {'; '.join(said)}.")


def attention_maps(tokens, panels: dict):
    """El mapa de atención de cuatro cabezas sobre la misma frase. `panels`: {título: pesos [T, T]}."""
    names = [readable(token) for token in tokens]
    figure, axes = plt.subplots(2, 2, figsize=(11.6, 10.4), sharex=True, sharey=True)
    strongest, skipped = [], 5  # las primeras filas, con poco donde elegir, siempre salen oscuras
    for ax, (title, weights) in zip(axes.flat, panels.items(), strict=True):
        weights = np.asarray(weights)
        future = np.triu(np.ones_like(weights, dtype=bool), 1)
        image = ax.imshow(
            np.ma.masked_where(future, weights), cmap="Blues", vmin=0, vmax=weights[skipped:].max()
        )
        bar = figure.colorbar(image, ax=ax, shrink=0.6, pad=0.02, extend="max")
        bar.set_label("atención (cada mapa, su escala)")
        with_comma(bar.ax.yaxis)
        ax.set_title(title, fontsize=11)
        ax.tick_params(length=0)
        ax.grid(False)
        row, column = np.unravel_index(weights[skipped:].argmax(), weights[skipped:].shape)
        strongest.append(f"{title}, de {names[row + skipped]} a {names[column]}")
    for ax in axes[1]:
        ax.set_xticks(range(len(names)), names, rotation=90, fontsize=9)
        ax.set_xlabel("a quién mira")
    for ax in axes[:, 0]:
        ax.set_yticks(range(len(names)), names, fontsize=9)
        ax.set_ylabel("quién mira")
    figure.tight_layout()
    return style.describe(
        figure,
        "Cuatro mapas triangulares de atención sobre la misma frase. La casilla más oscura de cada uno: "
        f"{'; '.join(strongest)}.",
    )


def lens(tokens, names, probabilities):
    """La lente de logits: qué token sale de leer cada profundidad en cada posición.

    - `tokens`: los T leídos; `names` [L + 1][T]: el más probable a cada profundidad; `probabilities`: la suya.
    """
    depth = len(names)
    figure, ax = plt.subplots(figsize=(11.4, 0.42 * depth + 1.9))
    probabilities = np.asarray(probabilities)
    room = 800 / len(tokens)  # puntos de ancho por casilla, entre lo que ocupa una letra de tamaño 1
    image = ax.imshow(probabilities, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for row, line in enumerate(names):
        for column, name in enumerate(line):
            color = "white" if probabilities[row, column] > 0.6 else "black"
            weight = "bold" if column + 1 < len(tokens) and name == tokens[column + 1] else "normal"
            text = readable(name)
            size = min(9, room / len(text))  # un token largo se escribe más pequeño, para que no se salga
            ax.text(column, row, text, ha="center", va="center", fontsize=size, color=color, weight=weight)
    ax.set_yticks(range(depth), ["embeddings", *(f"bloque {layer}" for layer in range(1, depth))])
    ax.set_xticks(range(len(tokens)), [readable(token) for token in tokens])
    ax.set(
        title="Lo que diría el modelo a cada profundidad",
        xlabel="token de la entrada",
        ylabel="estado que se lee",
    )
    ax.invert_yaxis()
    ax.grid(False)
    ax.tick_params(length=0)
    bar = figure.colorbar(image, ax=ax, pad=0.02, label="probabilidad")
    with_comma(bar.ax.yaxis)
    first, last = (", ".join(readable(name) for name in line) for line in (names[0], names[-1]))
    return style.describe(
        figure,
        f"Cuadrícula de profundidades por posiciones. Tras leer {', '.join(readable(token) for token in tokens)}: en "
        f"los embeddings se lee {first}; tras el último bloque, {last}.",
    )


def depths(perplexities, repeats):
    """Perplejidad y % de posiciones en las que se lee el mismo token de la entrada, según la profundidad."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.3))
    places = range(len(perplexities))
    names = ["emb.", *map(str, places[1:])]
    left.plot(places, perplexities, "o-", color=style.BLUE, lw=2.2)
    left.set_yscale("log")
    left.set(title="Cuánto le sorprende el texto", ylabel="perplejidad (escala log)")
    left.yaxis.set_major_formatter(lambda value, _: number(value))
    right.plot(places, [100 * share for share in repeats], "o-", color=style.ORANGE, lw=2.2)
    right.set(title="Cuántas veces repite lo leído", ylabel="% de posiciones", ylim=(-3, 103))
    for ax in (left, right):
        ax.set_xlabel("profundidad: embeddings y bloques")
        ax.set_xticks(places, names)
    figure.tight_layout()
    values = ", ".join(number(value) for value in perplexities)
    shares = ", ".join(number(100 * share) for share in repeats)
    return style.describe(
        figure,
        f"Dos curvas según la profundidad. Perplejidad: {values}. Porcentaje de posiciones que repiten: {shares}.",
    )


MOST = 100  # veces la perplejidad de elegir a ciegas: de ahí en adelante la cifra ya no dice nada


def told(value: float, blind: float) -> str:
    """La perplejidad en letra, o «más de…» si pasa de cien veces la de elegir a ciegas."""
    return number(value) if value <= MOST * blind else f"más de {number(MOST * blind)}"


def details(rows, right: float, blind: float):
    """La perplejidad del modelo con cada detalle estropeado.

    - `rows`: lista de (detalle, perplejidad); `right`: la del modelo bien hecho; `blind`: la de elegir a ciegas.
    """
    figure, ax = plt.subplots(figsize=(9.6, 0.34 * len(rows) + 1.4))
    places = range(len(rows))
    values = [min(value, MOST * blind) for _, value in rows]  # una barra enorme taparía las demás
    harmless = [value < 1.01 * right for value in values]
    ax.barh(places, values, color=[style.SKY if same else style.RED for same in harmless], height=0.68)
    for place, value, (_, real) in zip(places, values, rows, strict=True):
        ax.text(1.05 * max(value, right), place, told(real, blind), va="center", fontsize=10)
    ax.axvline(right, color=style.BLUE, lw=2, ls="--", label=f"bien hecho: {number(right)}")
    ax.axvline(blind, color=style.GRAY, lw=1.5, ls=":", label=f"a ciegas: {number(blind)}")
    ax.set_xscale("log")
    ax.set_xlim(0.6 * right, 20 * max(*values, blind))
    ax.xaxis.set_major_formatter(lambda value, _: number(value))
    ax.set_yticks(places, [name for name, _ in rows])
    ax.set(title="Un detalle mal y el mismo modelo", xlabel="perplejidad (escala logarítmica)")
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.legend(loc="upper right")
    figure.tight_layout()
    listed = "; ".join(f"{name}, {told(value, blind)}" for name, value in rows)
    return style.describe(figure, f"Barras de perplejidad. Bien hecho, {number(right)}. {listed}.")
