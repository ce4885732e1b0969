"""Las figuras de la lección 04: qué predice cada posición, la temperatura, el gradiente y la sorpresa de cada token."""

import math

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from helpers.figures import BLUE, GRAY, ORANGE, PALETTE, RED, describe, readable, slant_if_crowded, with_comma
from helpers.spanish import number, signed


def prediction_map(tokens, candidates, probabilities):
    """Mapa de calor de las predicciones: una fila por posición y una columna por candidato, del más probable al menos.

    - `tokens`: los T tokens leídos; `candidates`: T listas con los nombres de los k candidatos de cada posición.
    - `probabilities`: sus probabilidades, [T, k]. Se recuadra el candidato que de verdad venía después.
    """
    rows, columns = len(tokens), len(candidates[0])
    figure, ax = plt.subplots(figsize=(9.4, 0.62 * rows + 1.5))
    top = max(max(row) for row in probabilities)
    image = ax.imshow(probabilities, cmap="Blues", vmin=0, vmax=top, aspect="auto")
    for i, (names, row) in enumerate(zip(candidates, probabilities, strict=True)):
        for j, (name, p) in enumerate(zip(names, row, strict=True)):
            color = "white" if p > 0.55 * top else "black"
            ax.text(j, i - 0.14, readable(name), ha="center", va="center", color=color, fontsize=11)
            ax.text(j, i + 0.24, number(p, 3), ha="center", va="center", color=color, fontsize=8.5)
            if i + 1 < rows and name == tokens[i + 1]:
                ax.add_patch(Rectangle((j - 0.48, i - 0.46), 0.96, 0.92, fill=False, lw=2.5, ec=RED))
    ax.set_xticks(range(columns), [f"{j + 1}.º" for j in range(columns)])
    ax.set_yticks(range(rows), [f"{i} · {readable(token)}" for i, token in enumerate(tokens)])
    ax.set(
        title="Qué espera el modelo después de cada token",
        xlabel="candidato, del más probable al menos",
        ylabel="posición y token leído",
    )
    ax.grid(False)
    ax.tick_params(length=0)
    bar = figure.colorbar(image, ax=ax, pad=0.02, label="probabilidad")
    with_comma(bar.ax.yaxis)
    rows_text = "; ".join(
        f"tras «{readable(token)}», {readable(names[0])} ({number(row[0], 2)})"
        for token, names, row in zip(tokens, candidates, probabilities, strict=True)
    )
    return describe(
        figure, f"Mapa de calor de probabilidades. El primer candidato de cada fila: {rows_text}."
    )


def temperature_curves(temperatures, probabilities, names, entropies, vocab_size: int):
    """Qué hace la temperatura: a la izquierda, la probabilidad de cada token; a la derecha, la entropía en nats.

    `probabilities` [nº de temperaturas, k] para los `names`; `entropies` [nº de temperaturas].
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    for column, name in enumerate(names):
        values = [row[column] for row in probabilities]
        left.plot(temperatures, values, lw=2, color=PALETTE[column], label=readable(name))
    left.set(
        title="Probabilidad de los primeros tokens", xlabel="temperatura", ylabel="probabilidad", ylim=(0, 1)
    )
    left.axvline(1, color=GRAY, ls=":", lw=1.5)
    left.text(1.04, 0.94, "T = 1: la del modelo", color=GRAY, fontsize=9)
    left.legend(title="token")
    right.plot(temperatures, entropies, lw=2, color=BLUE)
    limit = math.log(vocab_size)
    right.axhline(limit, color=GRAY, ls="--", lw=1.5)
    all_equal = f"todos iguales: ln {vocab_size} = {number(limit, 2)}"
    right.text(temperatures[-1], limit * 1.01, all_equal, color=GRAY, fontsize=9, ha="right", va="bottom")
    right.axvline(1, color=GRAY, ls=":", lw=1.5)
    right.set(title="Entropía de la distribución", xlabel="temperatura", ylabel="entropía (nats)")
    right.set_ylim(0, limit * 1.08)
    for axis in (left.xaxis, left.yaxis, right.xaxis, right.yaxis):
        with_comma(axis)
    figure.tight_layout()
    return describe(
        figure,
        f"Dos gráficas frente a la temperatura. Con temperatura baja casi toda la probabilidad es de "
        f"{readable(names[0])} y la entropía se acerca a 0; al subirla, las probabilidades se igualan y la entropía "
        f"se acerca a {number(limit, 2)} nats.",
    )


MOST_NUMBERS = 15  # tokens a los que les cabe su cifra debajo


def surprise(tokens, nats, expected, vocab_size: int):
    """Cuánto sorprende cada token al modelo: barras de `-ln p` (nats), lo que esperaba, la media y la del azar puro.

    `tokens` son los T leídos; `nats` y `expected` [T - 1], la sorpresa de cada uno desde el segundo y la entropía de
    la predicción que lo esperaba.
    """
    figure, ax = plt.subplots(figsize=(9.4, 4))
    mean, chance = sum(nats) / len(nats), math.log(vocab_size)
    ax.bar(range(len(nats)), nats, color=BLUE, width=0.7)
    ax.scatter(
        range(len(nats)), expected, color=ORANGE, edgecolor="white", s=70, zorder=3, label="la que esperaba"
    )
    ax.axhline(mean, color=RED, lw=2)
    ax.axhline(chance, color=GRAY, ls="--", lw=1.5)
    edge = len(nats) - 0.45
    by_chance = f"al azar\nln {vocab_size} = {number(chance, 2)}"
    sides = ("center", "center")
    if abs(mean - chance) < 0.2 * max(chance, *nats):  # que los dos letreros no se pisen
        sides = ("top", "bottom") if mean < chance else ("bottom", "top")
    ax.text(edge, mean, f"media (pérdida)\n{number(mean, 2)}", color=RED, va=sides[0], fontsize=10)
    ax.text(edge, chance, by_chance, color=GRAY, va=sides[1], fontsize=10)
    # Cada número bajo su token: sobre la barra, la línea de la media podría tacharlo. En una frase larga no caben.
    fits = len(nats) <= MOST_NUMBERS
    named = [
        f"{readable(token)}\n{number(value, 2)}" if fits else readable(token)
        for token, value in zip(tokens[1:], nats, strict=True)
    ]
    ax.set_xticks(range(len(nats)), named)
    ax.set(
        title="Sorpresa de cada token",
        xlabel="token que había que adivinar" + (" y su sorpresa" if fits else ""),
        ylabel="sorpresa, −ln p (nats)",
        xlim=(-0.6, len(nats) - 0.5),
        ylim=(0, max(chance, *nats) * 1.12),
    )
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1))
    ax.grid(axis="x", visible=False)
    with_comma(ax.yaxis)
    if fits:
        slant_if_crowded(ax)
    else:  # de pie y, si hace falta, más pequeñas: inclinadas se pisarían
        ax.tick_params(axis="x", labelrotation=90, labelsize=min(10, 400 / len(nats)))
    triples = zip(tokens[1:], nats, expected, strict=True)
    text = ", ".join(
        f"{readable(token)} {number(value, 2)} (esperaba {number(other, 2)})"
        for token, value, other in triples
    )
    text += f". Media: {number(mean, 2)}; al azar serían {number(chance, 2)}."
    return describe(
        figure, f"Barras con la sorpresa de cada token en nats y un punto con la que esperaba: {text}"
    )


def gradient(names, probabilities, right: int):
    """Hacia dónde empuja la pérdida: a la izquierda, las probabilidades; a la derecha, el gradiente de cada logit.

    `names` y `probabilities` de los k primeros candidatos; `right` es el puesto (desde 0) del que venía.
    """
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True)
    pushes = [p - (place == right) for place, p in enumerate(probabilities)]
    colors = [BLUE if place == right else GRAY for place in range(len(names))]
    for ax, values in zip(axes, (probabilities, pushes), strict=True):
        bars = ax.barh(range(len(names)), values, color=colors)
        ax.bar_label(
            bars, [signed(value, 3) if ax is axes[1] else number(value, 3) for value in values], padding=4
        )
        ax.grid(axis="y", visible=False)
        with_comma(ax.xaxis)
    axes[0].set(title="Lo que esperaba el modelo", xlabel="probabilidad, p", ylabel="candidato", xlim=(0, 1))
    axes[1].set(
        title="Lo que pide la pérdida: p, menos 1 en el que venía", xlabel="gradiente del logit (nats)"
    )
    axes[1].set_xlim(-1.25, 0.5)
    axes[1].axvline(0, color=GRAY, lw=1)
    axes[0].set_yticks(range(len(names)), [readable(name) for name in names])
    axes[0].invert_yaxis()
    figure.tight_layout()
    told = ", ".join(
        f"{readable(name)} {signed(value, 3)}" for name, value in zip(names, pushes, strict=True)
    )
    return describe(
        figure,
        f"Dos diagramas de barras: la probabilidad de cada candidato y el gradiente de su logit. El token que venía es "
        f"{readable(names[right])}, el único con gradiente negativo: {told}.",
    )
