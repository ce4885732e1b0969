"""Figuras de la lección 02: dónde están los parámetros de GPT-1, qué memoria piden y cuánto se calcula por token."""

import matplotlib.pyplot as plt
import numpy as np

from helpers.figures import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, SKY, YELLOW, describe
from helpers.spanish import number

# El mismo color para la misma pieza en todas las figuras de la lección.
COLOURS = {
    "embeddings de token": BLUE,
    "embeddings de posición": PURPLE,
    "atención": ORANGE,
    "MLP": GREEN,
    "normalización": YELLOW,
}


def gelu(x, exact, tanh):
    """La GELU exacta y su aproximación con tanh sobre `x` (tres vectores iguales de largos), y su diferencia."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    left.plot(x, np.maximum(x, 0), color=GRAY, linestyle=":", label="ReLU")
    left.plot(x, exact, color=BLUE, linewidth=4, alpha=0.5, label="GELU exacta")
    left.plot(x, tanh, color=RED, linestyle="--", label="GELU con tanh (la de GPT-1)")
    left.set(title="Las dos GELU, una sobre otra", xlabel="entrada x", ylabel="salida")
    left.legend(loc="upper left")
    right.plot(x, (np.asarray(tanh) - np.asarray(exact)) * 1e4, color=RED)
    right.axhline(0, color=GRAY, linewidth=1)
    right.set(title="…y lo que las separa", xlabel="entrada x", ylabel="resta (diezmilésimas)")
    return describe(
        figure,
        "A la izquierda, la GELU exacta y la aproximada con tanh se superponen y bajan un poco de cero para entradas "
        "negativas, al contrario que ReLU. A la derecha, su diferencia no pasa de unas pocas diezmilésimas.",
    )


def anatomy(sections, block):
    """El modelo entero como una barra y, debajo, un bloque ampliado.

    `sections`: lista de (nombre, parámetros) en el orden del modelo; los que empiezan por «bloque» se ven iguales.
    `block`: lista de (nombre, pieza de COLOURS, parámetros) de un solo bloque; la pieza se escribe sobre su nombre.
    """
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(10, 4.8), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.12)
    total = sum(size for _, size in sections)
    start = 0
    for name, size in sections:
        is_block = name.startswith("bloque")
        top.barh(0, size / 1e6, left=start / 1e6, color=SKY if is_block else COLOURS[name], edgecolor="white")
        if is_block:
            top.text((start + size / 2) / 1e6, 0, name.split()[-1], ha="center", va="center")
        start += size
    tokens, positions = sections[0][1] / 1e6, sections[1][1] / 1e6
    top.text(
        tokens / 2, 0, f"embeddings de token\n{number(tokens, 1)} M", ha="center", va="center", color="white"
    )
    top.annotate(
        f"posiciones: {number(positions, 1)} M",
        (tokens + positions / 2, 0.4),
        (tokens + 1, 0.72),
        arrowprops={"arrowstyle": "-", "color": GRAY},
    )
    blocks = [size for name, size in sections if name.startswith("bloque")]
    top.text((start - sum(blocks) / 2) / 1e6, 0.55, f"{len(blocks)} bloques iguales", ha="center")
    top.set(
        title=f"El modelo entero: {number(total)} parámetros", xlabel="millones de parámetros", ylim=(-0.5, 1)
    )
    _zoom(bottom, block)
    for axis in (top, bottom):
        axis.set_yticks([])
        axis.grid(False)
        axis.spines["left"].set_visible(False)
    return describe(
        figure,
        f"Una barra con los {number(total)} parámetros: primero los embeddings de token, una rendija con los de "
        f"posición y {len(blocks)} bloques iguales. Debajo, un bloque ampliado: la MLP ocupa dos tercios y la atención "
        "un tercio; las normalizaciones apenas se ven.",
    )


def _zoom(axis, block):
    """Las piezas de un bloque en una barra, con su nombre dentro o, si no caben, señaladas desde arriba."""
    start = 0
    for name, piece, size in block:
        axis.barh(0, size / 1e6, left=start / 1e6, color=COLOURS[piece], edgecolor="white")
        middle = (start + size / 2) / 1e6
        if size > 200_000:
            axis.text(middle, 0, f"{piece}\n{name}\n{number(size)}", ha="center", va="center")
        else:
            place = {"ha": "right"} if start else {}
            arrow = {"arrowstyle": "-", "color": GRAY}
            axis.annotate(f"{name}: {number(size)}", (middle, 0.4), (middle, 0.6), arrowprops=arrow, **place)
        start += size
    axis.set(
        title=f"Un bloque por dentro: {number(start)} parámetros",
        xlabel="millones de parámetros",
        ylim=(-0.5, 1),
    )


def memory(rows):
    """Barras de memoria: `rows` es una lista de (nombre, {precisión: megabytes}); puede faltar alguna precisión."""
    figure, axis = plt.subplots(figsize=(10, 3.8), layout="constrained")
    names = [name for name, _ in rows]
    precisions = list(rows[0][1])
    height = 0.8 / len(precisions)
    for index, (precision, colour) in enumerate(zip(precisions, (BLUE, ORANGE), strict=False)):
        known = [(place, sizes[precision]) for place, (_, sizes) in enumerate(rows) if precision in sizes]
        shift = (index - (len(precisions) - 1) / 2) * height
        places = [place + shift * (len(rows[place][1]) > 1) for place, _ in known]
        bars = axis.barh(places, [size for _, size in known], height=height, color=colour, label=precision)
        axis.bar_label(bars, [f"{number(size)} MB" for _, size in known], padding=4)
    axis.set_yticks(range(len(rows)), names)
    axis.invert_yaxis()
    axis.set_xlim(right=1.15 * max(size for _, sizes in rows for size in sizes.values()))
    axis.set(title="Lo que hay que tener en memoria", xlabel="megabytes (1 MB = un millón de bytes)")
    axis.grid(axis="y", visible=False)
    axis.legend(loc="center right")
    return describe(
        figure,
        "Barras de memoria en fp32 y fp16. "
        + "; ".join(f"{n}: {number(s[precisions[0]])} MB" for n, s in rows)
        + ".",
    )


def flops(contexts, parts):
    """Cálculo por token según los tokens que ya hay: `parts` es {pieza: MFLOPs en cada contexto}, apiladas."""
    figure, axis = plt.subplots(figsize=(9, 4), layout="constrained")
    colours = [BLUE, GREEN, ORANGE, RED]
    axis.stackplot(contexts, list(parts.values()), labels=list(parts), colors=colours, alpha=0.85)
    handles, labels = axis.get_legend_handles_labels()
    axis.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1, 0.5))
    axis.set(
        title="Procesar un token cuesta casi lo mismo, mire a pocos o a muchos",
        xlabel="tokens a los que se mira (contexto)",
        ylabel="millones de FLOPs por token",
        xlim=(contexts[0], contexts[-1]),
    )
    return describe(
        figure,
        "Áreas apiladas: los logits, la MLP y las proyecciones de la atención no dependen del contexto; encima, la "
        "cuña de los productos de la atención crece en proporción al contexto y aun así es la parte más fina.",
    )
