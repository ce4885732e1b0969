"""Los dibujos del artículo: las dos etapas, el decodificador y las cuatro transformaciones. Lección 01.

El decodificador recibe sus medidas como argumentos, así que sirve igual para GPT-1 que para el modelo del curso.
"""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from helpers.plots import style
from helpers.spanish import number

INK = "#222222"
FILLS = {style.BLUE: "#E8F1F8", style.GREEN: "#E3F4EE", style.ORANGE: "#FDF3DC", style.GRAY: "#F2F2F2"}
START, DELIMITER, EXTRACT = "inicio", "separador", "extraer"
SPECIAL = {START: style.GRAY, DELIMITER: style.GRAY, EXTRACT: style.ORANGE}
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
    figure, axes = _canvas((10.5, 4.1), (0, 105), (4.5, 45.5))
    axes.set_title("Las dos etapas: primero leer mucho, después aprender una tarea")
    for x, color, title, extra, data, goal, formula in (
        (1, style.BLUE, "1 · Preentrenamiento", "", "miles de libros,\nsin etiquetas", "adivinar el token siguiente",
         r"maximizar $L_1$"),
        (58, style.GREEN, "2 · Ajuste fino", "\n+ una capa nueva", "miles de ejemplos\ncon etiqueta",
         "acertar la etiqueta\n(y seguir adivinando tokens)", r"maximizar $L_3 = L_2 + \lambda\,L_1$"),
    ):  # fmt: skip
        axes.text(x, 34.2, title, size=15, weight="bold", color=color)
        _box(axes, (x, 20), (19, 12), data, style.GRAY)
        _box(axes, (x + 24, 20), (20, 12), f"Transformer\n12 bloques{extra}", color, weight="bold")
        _arrow(axes, (x + 19, 26), (x + 24, 26))
        axes.text(x + 22, 13.4, goal, ha="center", va="center", size=12, color=INK)
        axes.text(x + 22, 6.6, formula, ha="center", va="center", size=14, color=color)
    first, second, top = 35, 92, 40  # los centros de los dos Transformer y la altura del arco que los une
    axes.plot([first, first, second], [32, top, top], color=style.ORANGE, lw=3)
    _arrow(axes, (second, top), (second, 32), color=style.ORANGE, lw=3)
    axes.text((first + second) / 2, top + 1.2, "los mismos pesos", ha="center", size=12, color=INK)
    return style.describe(
        figure,
        "Dos etapas. Preentrenamiento: de miles de libros sin etiquetas el Transformer aprende a adivinar el token "
        "siguiente, maximizando L1. Una flecha lleva sus pesos al segundo Transformer. Ajuste fino: con ellos y "
        "ejemplos etiquetados maximiza L3 = L2 + λ·L1.",
    )


def decoder(
    n_layer: int = 12, n_embd: int = 768, n_head: int = 12, n_positions: int = 512, name: str = "GPT-1"
):
    """El decodificador entero (izquierda), un bloque post-LN por dentro (centro) y la máscara causal (derecha)."""
    figure, axes = _canvas((10.5, 6.6), (-1, 105), (1, 65))
    axes.set_title(
        f"{name}: {n_layer} bloques iguales, {n_embd} números por token, {n_head} cabezas de atención"
    )
    _stack(axes, n_layer, n_positions)
    _block(axes, n_embd)
    _causal_mask(axes, (83.5, 34), 5)
    axes.text(93.5, 59.2, "máscara causal", ha="center", weight="bold", size=12, color=INK)
    rule = "cada fila es un token:\nmira a los de su izquierda\ny a sí mismo, nunca\na los que vienen después"
    axes.text(93.5, 31, rule, ha="center", va="top", size=10.5, color=INK)
    return style.describe(
        figure,
        f"{name}. Los embeddings de token y de posición (hasta {n_positions}) pasan por {n_layer} bloques. "
        "Cada bloque: atención enmascarada, suma con la entrada, LayerNorm, red de dos capas "
        f"({n_embd} → {4 * n_embd} → {n_embd}), suma y LayerNorm. Arriba, dos salidas: el token "
        "siguiente, que reutiliza los embeddings, y la clase, que se añade en el ajuste fino. La "
        "máscara causal es triangular.",
    )


def _stack(axes, n_layer, n_positions):
    _box(
        axes,
        (1, 3),
        (27, 8),
        f"embedding de token ($W_e$)\n+ de posición ($W_p$, {n_positions})",
        style.GRAY,
        size=11,
    )
    _arrow(axes, (14.5, 11), (14.5, 14.6))
    height = 33 / n_layer
    for index in range(n_layer):
        shape = Rectangle(
            (4, 15 + index * height), 21, height * 0.78, fc=FILLS[style.BLUE], ec=style.BLUE, lw=1
        )
        axes.add_patch(shape)
    for index in (0, n_layer - 1):
        center = 15 + (index + 0.39) * height
        axes.text(2.6, center, str(index + 1), ha="right", va="center", size=10, color=style.BLUE)
    top = 15 + (n_layer - 0.22) * height
    _arrow(axes, (10, top + 0.6), (7.5, 52.6))
    _arrow(axes, (19, top + 0.6), (22.5, 52.6))
    _box(axes, (-0.5, 53), (14.5, 9), "token siguiente\nsoftmax($h\\,W_e^T$)", style.BLUE, size=10.5)
    _box(axes, (15.5, 53), (14.5, 9), "clase\nsoftmax($h\\,W_y$)", style.GREEN, size=10.5)
    zoomed = 15 + (n_layer - 1) // 2 * height  # el bloque que se ve ampliado a su derecha
    axes.plot([25.4, 38], [zoomed, 3], color=style.GRAY, lw=1, ls=":")
    axes.plot([25.4, 38], [zoomed + 0.78 * height, 62], color=style.GRAY, lw=1, ls=":")


def _block(axes, n_embd):
    shape = FancyBboxPatch(
        (38, 3), 38, 59, boxstyle="round,pad=0,rounding_size=1.5", fc="#FAFCFE", ec=style.BLUE, lw=1.4
    )
    axes.add_patch(shape)
    axes.text(40, 58.3, "un bloque por dentro", weight="bold", size=12, color=style.BLUE)
    center = 60
    parts = (
        (10, "atención enmascarada", style.ORANGE),
        (24.5, "LayerNorm", style.GRAY),
        (34, f"{n_embd} → {number(4 * n_embd)} → {n_embd}\n(GELU en medio)", style.ORANGE),
        (48.5, "LayerNorm", style.GRAY),
    )
    for y, text, color in parts:
        _box(axes, (center - 12, y), (24, 6), text, color, size=11)
    for y in (20, 44):
        axes.text(center, y, "+", ha="center", va="center", size=15, weight="bold", color=style.BLUE,
                  bbox={"boxstyle": "circle,pad=0.12", "fc": "white", "ec": style.BLUE})  # fmt: skip
    ups = ((4, 10), (16, 18.4), (21.6, 24.5), (30.5, 34), (40, 42.4), (45.6, 48.5), (54.5, 57.5))
    for low, high in ups:
        _arrow(axes, (center, low), (center, high), lw=1.6)
    for low, high in ((6.8, 20), (32, 44)):  # las conexiones residuales rodean a cada pieza
        axes.plot([center, 43, 43], [low, low, high], color=style.BLUE, lw=1.6)
        _arrow(axes, (43, high), (center - 1.9, high), color=style.BLUE, lw=1.6)
    axes.text(62, 4.6, r"$h_{l-1}$", size=12, color=INK)
    axes.text(62, 56.4, r"$h_l$", size=12, color=INK)


def _causal_mask(axes, corner, size):
    x, y = corner
    for row in range(size):
        for column in range(size):
            fill = style.BLUE if column <= row else "white"
            place = (x + 4 * column, y + 4.4 * (size - 1 - row))
            axes.add_patch(Rectangle(place, 3.7, 4.1, fc=fill, ec=style.GRAY, lw=0.8))


def input_formats():
    """Las cuatro transformaciones de la entrada: qué secuencias se forman y cómo se juntan sus salidas."""
    figure, axes = _canvas((11.5, 6.2), (0, 115), (0.4, 61))
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
            _arrow(axes, (72, bottom + 2.6), (75.5, bottom + 2.6), lw=1.4)
            _box(axes, (75.5, bottom), (12.5, 5.2), "Transformer", style.BLUE, size=10.5)
            _arrow(axes, (88, bottom + 2.6), (94.5, middle if merge == "+" else bottom + 2.6), lw=1.4)
            if merge == "softmax":
                _box(axes, (94.5, bottom), (8, 5.2), "lineal", style.GREEN, size=10.5)
        if merge == "softmax":
            axes.plot([103.4, 103.4], [bottom, y - 0.6], color=style.GREEN, lw=2)
            axes.text(104.6, middle, f"softmax →\n{output}", va="center", size=11, color=INK)
        else:
            _box(
                axes,
                (94.5, middle - 2.6),
                (8, 5.2),
                "+ lineal" if merge else "lineal",
                style.GREEN,
                size=10.5,
            )
            axes.text(104.2, middle, f"→ {output}", va="center", size=11, color=INK)
        described.append(f"{task}: {' y '.join(' · '.join(sequence) for sequence in sequences)} → {output}")
        y -= 7 * len(sequences) + 3.6
    return style.describe(figure, "Cuatro transformaciones. " + "; ".join(described) + ".")


def _sequence(axes, parts, bottom):
    texts = [part for part in parts if part not in SPECIAL]
    width = (56 - 9 * (len(parts) - len(texts)) - 0.8 * (len(parts) - 1)) / len(texts)
    x = 16.0
    for part in parts:
        size = 9 if part in SPECIAL else width
        _box(axes, (x, bottom), (size, 5.2), part, SPECIAL.get(part, style.BLUE), size=10.5)
        x += size + 0.8


def _canvas(size, xlim, ylim):
    figure, axes = plt.subplots(figsize=size, dpi=80)  # caben enteros en el ancho de un cuaderno
    figure.subplots_adjust(0, 0, 1, 0.94)
    axes.set(xlim=xlim, ylim=ylim)
    axes.axis("off")
    return figure, axes


def _box(axes, corner, extent, text, color, **kwargs):
    """Una caja redondeada con su texto centrado; `kwargs` van al texto."""
    style_kwargs = {"boxstyle": "round,pad=0,rounding_size=0.8", "fc": FILLS[color], "ec": color, "lw": 1.4}
    axes.add_patch(FancyBboxPatch(corner, *extent, **style_kwargs))
    middle = (corner[0] + extent[0] / 2, corner[1] + extent[1] / 2)
    axes.text(*middle, text, ha="center", va="center", **{"size": 12, "color": INK, **kwargs})


def _arrow(axes, start, end, color=style.GRAY, lw=2.0):
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=14, lw=lw, color=color, shrinkA=0, shrinkB=0
        )
    )
