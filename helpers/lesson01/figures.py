"""Las figuras de la lección 01: las dos etapas, el decodificador, las cuatro entradas y lo que se ve dentro."""

from statistics import median

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch, Rectangle

from helpers.figures import (
    BLUE,
    FILLS,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    arrow,
    box,
    canvas,
    describe,
    slant_if_crowded,
    with_comma,
)
from helpers.spanish import number

START, DELIMITER, EXTRACT = "inicio", "separador", "extraer"
SPECIAL = {START: GRAY, DELIMITER: GRAY, EXTRACT: ORANGE}
# Tarea → (secuencias que entran, cómo se juntan sus salidas, qué sale). Artículo, Figura 1 y §3.3.
TRANSFORMATIONS = {
    "Clasificación": ([[START, "texto", EXTRACT]], "", "clase"),
    "Inferencia": ([[START, "premisa", DELIMITER, "hipótesis", EXTRACT]], "", "relación"),
    "Similitud": (
        [
            [START, "texto A", DELIMITER, "texto B", EXTRACT],
            [START, "texto B", DELIMITER, "texto A", EXTRACT],
        ],
        "+",
        "parecido",
    ),
    "Preguntas": (
        [[START, "contexto", DELIMITER, f"respuesta {k}", EXTRACT] for k in "12N"],
        "softmax",
        "respuesta",
    ),
}


def two_stages():
    """Las dos etapas: qué datos entran, qué se aprende y qué función se maximiza en cada una."""
    figure, axes = canvas((10.5, 4.1), (0, 105), (4.5, 45.5), top=0.94, dpi=80)
    axes.set_title("Las dos etapas: primero leer mucho, después aprender una tarea")
    for x, color, title, extra, data, goal, formula in (
        (1, BLUE, "1 · Preentrenamiento", "", "miles de libros,\nsin etiquetas", "adivinar el token siguiente",
         r"maximizar $L_1$"),
        (58, GREEN, "2 · Ajuste fino", "\n+ una capa nueva", "miles de ejemplos\ncon etiqueta",
         "acertar la etiqueta\n(y seguir adivinando tokens)", r"maximizar $L_3 = L_2 + \lambda\,L_1$"),
    ):  # fmt: skip
        axes.text(x, 34.2, title, size=15, weight="bold", color=color)
        box(axes, (x, 20), (19, 12), data, GRAY)
        box(axes, (x + 24, 20), (20, 12), f"Transformer\n12 bloques{extra}", color, weight="bold")
        arrow(axes, (x + 19, 26), (x + 24, 26))
        axes.text(x + 22, 13.4, goal, ha="center", va="center", size=12, color=INK)
        axes.text(x + 22, 6.6, formula, ha="center", va="center", size=14, color=color)
    first, second, top = 35, 92, 40  # los centros de los dos Transformer y la altura del arco que los une
    axes.plot([first, first, second], [32, top, top], color=ORANGE, lw=3)
    arrow(axes, (second, top), (second, 32), color=ORANGE, lw=3)
    axes.text((first + second) / 2, top + 1.2, "los mismos pesos", ha="center", size=12, color=INK)
    return describe(
        figure,
        "Dos etapas. Preentrenamiento: de miles de libros sin etiquetas el Transformer aprende a adivinar el token "
        "siguiente, maximizando L1. Una flecha lleva sus pesos al segundo Transformer. Ajuste fino: con ellos y "
        "ejemplos etiquetados maximiza L3 = L2 + λ·L1.",
    )


def decoder(
    n_layer: int = 12, n_embd: int = 768, n_head: int = 12, n_positions: int = 512, name: str = "GPT-1"
):
    """El decodificador entero (izquierda), un bloque post-LN por dentro (centro) y la máscara causal (derecha)."""
    figure, axes = canvas((10.5, 6.6), (-1, 105), (1, 65), top=0.94, dpi=80)
    axes.set_title(
        f"{name}: {n_layer} bloques iguales, {n_embd} números por token, {n_head} cabezas de atención"
    )
    _stack(axes, n_layer, n_positions)
    _block(axes, n_embd)
    _causal_mask(axes, (83.5, 34), 5)
    axes.text(93.5, 59.2, "máscara causal", ha="center", weight="bold", size=12, color=INK)
    rule = "cada fila es un token:\nmira a los de su izquierda\ny a sí mismo, nunca\na los que vienen después"
    axes.text(93.5, 31, rule, ha="center", va="top", size=10.5, color=INK)
    return describe(
        figure,
        f"{name}. Los embeddings de token y de posición (hasta {n_positions}) pasan por {n_layer} bloques. "
        "Cada bloque: atención enmascarada, suma con la entrada, LayerNorm, red de dos capas "
        f"({n_embd} → {4 * n_embd} → {n_embd}), suma y LayerNorm. Arriba, dos salidas: el token "
        "siguiente, que reutiliza los embeddings, y la clase, que se añade en el ajuste fino. La "
        "máscara causal es triangular.",
    )


def _stack(axes, n_layer, n_positions):
    box(
        axes,
        (1, 3),
        (27, 8),
        f"embedding de token ($W_e$)\n+ de posición ($W_p$, {n_positions})",
        GRAY,
        size=11,
    )
    arrow(axes, (14.5, 11), (14.5, 14.6))
    height = 33 / n_layer
    for index in range(n_layer):
        shape = Rectangle((4, 15 + index * height), 21, height * 0.78, fc=FILLS[BLUE], ec=BLUE, lw=1)
        axes.add_patch(shape)
    for index in (0, n_layer - 1):
        center = 15 + (index + 0.39) * height
        axes.text(2.6, center, str(index + 1), ha="right", va="center", size=10, color=BLUE)
    top = 15 + (n_layer - 0.22) * height
    arrow(axes, (10, top + 0.6), (7.5, 52.6))
    arrow(axes, (19, top + 0.6), (22.5, 52.6))
    box(axes, (-0.5, 53), (14.5, 9), "token siguiente\nsoftmax($h\\,W_e^T$)", BLUE, size=10.5)
    box(axes, (15.5, 53), (14.5, 9), "clase\nsoftmax($h\\,W_y$)", GREEN, size=10.5)
    zoomed = 15 + (n_layer - 1) // 2 * height  # el bloque que se ve ampliado a su derecha
    axes.plot([25.4, 38], [zoomed, 3], color=GRAY, lw=1, ls=":")
    axes.plot([25.4, 38], [zoomed + 0.78 * height, 62], color=GRAY, lw=1, ls=":")


def _block(axes, n_embd):
    shape = FancyBboxPatch(
        (38, 3), 38, 59, boxstyle="round,pad=0,rounding_size=1.5", fc="#FAFCFE", ec=BLUE, lw=1.4
    )
    axes.add_patch(shape)
    axes.text(40, 58.3, "un bloque por dentro", weight="bold", size=12, color=BLUE)
    center = 60
    parts = (
        (10, "atención enmascarada", ORANGE),
        (24.5, "LayerNorm", GRAY),
        (34, f"{n_embd} → {number(4 * n_embd)} → {n_embd}\n(GELU en medio)", ORANGE),
        (48.5, "LayerNorm", GRAY),
    )
    for y, text, color in parts:
        box(axes, (center - 12, y), (24, 6), text, color, size=11)
    for y in (20, 44):
        axes.text(center, y, "+", ha="center", va="center", size=15, weight="bold", color=BLUE,
                  bbox={"boxstyle": "circle,pad=0.12", "fc": "white", "ec": BLUE})  # fmt: skip
    ups = ((4, 10), (16, 18.4), (21.6, 24.5), (30.5, 34), (40, 42.4), (45.6, 48.5), (54.5, 57.5))
    for low, high in ups:
        arrow(axes, (center, low), (center, high), lw=1.6)
    for low, high in ((6.8, 20), (32, 44)):  # las conexiones residuales rodean a cada pieza
        axes.plot([center, 43, 43], [low, low, high], color=BLUE, lw=1.6)
        arrow(axes, (43, high), (center - 1.9, high), color=BLUE, lw=1.6)
    axes.text(62, 4.6, r"$h_{l-1}$", size=12, color=INK)
    axes.text(62, 56.4, r"$h_l$", size=12, color=INK)


def _causal_mask(axes, corner, size):
    x, y = corner
    for row in range(size):
        for column in range(size):
            fill = BLUE if column <= row else "white"
            place = (x + 4 * column, y + 4.4 * (size - 1 - row))
            axes.add_patch(Rectangle(place, 3.7, 4.1, fc=fill, ec=GRAY, lw=0.8))


def input_formats():
    """Las cuatro transformaciones de la entrada: qué secuencias se forman y cómo se juntan sus salidas."""
    figure, axes = canvas((11.5, 6.2), (0, 115), (0.4, 61), top=0.94, dpi=80)
    axes.set_title(
        "Cuatro tareas, una misma red: solo cambia cómo se escribe la entrada (artículo, Figura 1 y §3.3)"
    )
    y, described = 60.0, []
    for task, (sequences, merge, output) in TRANSFORMATIONS.items():
        middle = y - 7 * len(sequences) / 2 + 0.3
        axes.text(0, middle, task, weight="bold", size=13, va="center", color=INK)
        for row, sequence in enumerate(sequences):
            bottom = y - 7 * (row + 1) + 1.2
            _sequence(axes, sequence, bottom)
            arrow(axes, (72, bottom + 2.6), (75.5, bottom + 2.6), lw=1.4)
            box(axes, (75.5, bottom), (12.5, 5.2), "Transformer", BLUE, size=10.5)
            arrow(axes, (88, bottom + 2.6), (94.5, middle if merge == "+" else bottom + 2.6), lw=1.4)
            if merge == "softmax":
                box(axes, (94.5, bottom), (8, 5.2), "lineal", GREEN, size=10.5)
        if merge == "softmax":
            axes.plot([103.4, 103.4], [bottom, y - 0.6], color=GREEN, lw=2)
            axes.text(104.6, middle, f"softmax →\n{output}", va="center", size=11, color=INK)
        else:
            box(
                axes,
                (94.5, middle - 2.6),
                (8, 5.2),
                "+ lineal" if merge else "lineal",
                GREEN,
                size=10.5,
            )
            axes.text(104.2, middle, f"→ {output}", va="center", size=11, color=INK)
        described.append(f"{task}: {' y '.join(' · '.join(sequence) for sequence in sequences)} → {output}")
        y -= 7 * len(sequences) + 3.6
    return describe(figure, "Cuatro transformaciones. " + "; ".join(described) + ".")


def _sequence(axes, parts, bottom):
    texts = [part for part in parts if part not in SPECIAL]
    width = (56 - 9 * (len(parts) - len(texts)) - 0.8 * (len(parts) - 1)) / len(texts)
    x = 16.0
    for part in parts:
        size = 9 if part in SPECIAL else width
        box(axes, (x, bottom), (size, 5.2), part, SPECIAL.get(part, BLUE), size=10.5)
        x += size + 0.8


def spread(groups: dict[str, list[float]], title: str, xlabel: str, decimals: int = 1):
    """Cada grupo, una fila de puntos con su mediana señalada: lo que mide cada uno y cuánto varía por dentro."""
    figure, axes = plt.subplots(figsize=(8.6, 1.1 + 0.52 * len(groups)), dpi=80)
    described = []
    for row, (name, values) in enumerate(groups.items()):
        middle = median(values)
        axes.scatter(values, [row] * len(values), s=46, color=BLUE, alpha=0.45, lw=0, zorder=3)
        axes.plot([middle, middle], [row - 0.3, row + 0.3], color=ORANGE, lw=3, zorder=4)
        axes.text(
            middle, row - 0.34, number(middle, decimals), ha="center", size=9.5, weight="bold", color=INK
        )
        low, high = (number(end, decimals) for end in (min(values), max(values)))
        described.append(
            f"{name}, {len(values)} puntos: mediana {number(middle, decimals)}, de {low} a {high}"
        )
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set(ylim=(len(groups) - 0.5, -0.75), xlabel=xlabel, ylabel="grupo", title=title)
    with_comma(axes.xaxis)
    figure.tight_layout()
    return describe(
        figure, f"{title}. Cada punto es una medida y la raya, la mediana. {'; '.join(described)}."
    )


def attention(tokens: list[str], heads: dict[str, list[float]]):
    """Cuánto mira la última posición a cada token, una gráfica por cabeza."""
    figure, axes = plt.subplots(
        1, len(heads), figsize=(5 * len(heads), 3), dpi=80, sharey=True, squeeze=False
    )
    for ax, (name, weights) in zip(axes[0], heads.items(), strict=True):
        bars = ax.bar(range(len(tokens)), weights, color=BLUE, width=0.7)
        ax.bar_label(bars, labels=[number(weight, 2) for weight in weights], padding=2, size=9.5)
        ax.set_xticks(range(len(tokens)), tokens)
        ax.set(title=name, ylim=(0, 1.05), xlabel="token al que mira")
        with_comma(ax.yaxis)
        slant_if_crowded(ax)
    axes[0, 0].set_ylabel("peso de la atención (de 0 a 1)")
    figure.tight_layout()
    told = "; ".join(
        f"{name}: "
        + ", ".join(f"{token} {number(weight, 2)}" for token, weight in zip(tokens, weights, strict=True))
        for name, weights in heads.items()
    )
    return describe(figure, f"A quién mira la última posición de «{' '.join(tokens)}». {told}.")
