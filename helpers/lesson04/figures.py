"""Las figuras de la lección 04: qué predice el modelo en cada posición, la temperatura y la sorpresa de cada token."""

import math

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from helpers.figures import BLUE, GRAY, PALETTE, RED, describe, readable, with_comma
from helpers.spanish import number


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


def surprise(tokens, nats, vocab_size: int):
    """Cuánto sorprende cada token al modelo: barras de `-ln p` (nats), con su media y la del azar puro.

    `tokens` son los T leídos; `nats` [T - 1], la sorpresa de cada uno desde el segundo.
    """
    figure, ax = plt.subplots(figsize=(9.4, 3.8))
    mean, chance = sum(nats) / len(nats), math.log(vocab_size)
    bars = ax.bar(range(len(nats)), nats, color=BLUE)
    labels = ax.bar_label(bars, [number(value, 2) for value in nats], padding=4, fontsize=10)
    for label in labels:  # que la línea de la media no tache ningún número
        label.set(bbox={"fc": "white", "ec": "none", "pad": 1}, zorder=4)
    ax.axhline(mean, color=RED, lw=2)
    ax.axhline(chance, color=GRAY, ls="--", lw=1.5)
    edge = len(nats) - 0.45
    by_chance = f"al azar\nln {vocab_size} = {number(chance, 2)}"
    ax.text(edge, mean, f"media (pérdida)\n{number(mean, 2)}", color=RED, va="center", fontsize=10)
    ax.text(edge, chance, by_chance, color=GRAY, va="center", fontsize=10)
    ax.set_xticks(range(len(nats)), [readable(token) for token in tokens[1:]])
    ax.set(
        title="Sorpresa de cada token",
        xlabel="token que había que adivinar",
        ylabel="sorpresa, −ln p (nats)",
        xlim=(-0.6, len(nats) - 0.5),
        ylim=(0, max(chance, *nats) * 1.12),
    )
    ax.grid(axis="x", visible=False)
    with_comma(ax.yaxis)
    pairs = zip(tokens[1:], nats, strict=True)
    text = ", ".join(f"{readable(token)} {number(value, 2)}" for token, value in pairs)
    text += f". Media: {number(mean, 2)}; al azar serían {number(chance, 2)}."
    return describe(figure, f"Barras con la sorpresa de cada token en nats: {text}")
