"""Las figuras de la lección 01: las dos etapas, el decodificador, las cuatro transformaciones y los resultados.

Los resultados se leen de `data/paper/tables.json` y `data/paper/figure2.json`, donde cada número lleva su fuente.
"""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch, Rectangle

from helpers.figures import (
    BLUE,
    FILLS,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    arrow,
    box,
    canvas,
    describe,
)
from helpers.spanish import number, signed

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


def gain(row: dict) -> float:
    """Lo que GPT-1 saca de más (o, si es negativo, de menos) que lo mejor anterior, en puntos."""
    return row["gpt1"] - row["prior"]


def auxiliary_effect(rows: dict, names) -> dict[str, float]:
    """Lo que se gana con el objetivo auxiliar en cada tarea de la Tabla 5, en puntos."""
    with_it, without = rows["Transformer con objetivo auxiliar"], rows["Transformer sin objetivo auxiliar"]
    return {name: with_it[name] - without[name] for name in names}


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


MARKERS = ("o", "s", "^", "D")


def results(datasets: list[dict]):
    """GPT-1 frente a lo mejor anterior en cada conjunto: las filas de `datasets.rows` en tables.json."""
    rows = sorted(({**row, "gain": gain(row)} for row in datasets), key=lambda row: row["gain"])
    figure, axes = plt.subplots(figsize=(9.2, 5.6))
    for y, row in enumerate(rows):
        won = row["gain"] > 0
        color = BLUE if won else RED
        axes.plot([row["prior"], row["gpt1"]], [y, y], color=color, lw=3, alpha=0.35, zorder=2)
        axes.scatter(row["prior"], y, s=52, fc="white", ec=GRAY, lw=1.6, zorder=3)
        axes.scatter(row["gpt1"], y, s=62, color=color, marker="o" if won else "X", zorder=4)
        axes.text(102, y, signed(row["gain"]), color=color, weight="bold", va="center", ha="right")
    wins = sum(row["gain"] > 0 for row in rows)
    axes.scatter([], [], s=52, fc="white", ec=GRAY, lw=1.6, label="mejor resultado anterior")
    axes.scatter([], [], s=62, color=BLUE, label=f"GPT-1, cuando gana ({wins})")
    axes.scatter([], [], s=62, color=RED, marker="X", label=f"GPT-1, cuando pierde ({len(rows) - wins})")
    axes.legend(loc="lower left", fontsize=10)
    axes.set(
        yticks=range(len(rows)),
        xlim=(28, 103),
        xlabel="puntuación (de 0 a 100; cada conjunto usa su métrica)",
    )
    axes.set_yticklabels([f"{row['name']} · {row['metric']}" for row in rows])
    axes.set_ylabel("conjunto de datos · métrica")
    axes.set_title(f"GPT-1 mejora lo anterior en {wins} de {len(rows)} conjuntos (artículo, tablas 2-4)")
    axes.text(102, len(rows) - 0.35, "diferencia", ha="right", size=9.5, color=GRAY)
    described = "; ".join(
        f"{r['name']} {_es(r['gpt1'])} frente a {_es(r['prior'])} ({signed(r['gain'])})" for r in rows[::-1]
    )
    return describe(figure, f"Doce conjuntos, de mayor a menor diferencia: {described}.")


def ablations(table: dict, sizes: dict[str, int]):
    """La Tabla 5: medias de cada variante y efecto del objetivo auxiliar por tarea, ordenadas por `sizes`."""
    rows = {row["method"]: dict(zip(table["columns"], row["values"], strict=True)) for row in table["rows"]}
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 4.4), dpi=80, width_ratios=(1, 1.15))
    described = _averages(left, rows)
    described += _auxiliary(right, rows, sizes)
    figure.tight_layout(w_pad=2.5)
    return describe(figure, described)


def _averages(axes, rows):
    order = sorted(rows, key=lambda method: rows[method]["Media"])
    values = [rows[method]["Media"] for method in order]
    full = "Transformer con objetivo auxiliar"
    bars = axes.barh(order, values, color=[BLUE if method == full else SKY for method in order], height=0.6)
    axes.bar_label(bars, labels=[_es(value) for value in values], padding=4, weight="bold")
    axes.set_yticks(
        range(len(order)), [method.replace(" con ", "\ncon ").replace(" sin ", "\nsin ") for method in order]
    )
    axes.set(xlim=(0, 88), xlabel="media de las ocho tareas (puntos)", ylabel="variante")
    axes.set_title("Qué pasa al quitar cada pieza")
    axes.grid(axis="y", visible=False)
    return "Medias: " + ", ".join(f"{m} {_es(rows[m]['Media'])}" for m in order[::-1]) + ". "


def _auxiliary(axes, rows, sizes):
    names = sorted(sizes, key=sizes.get)
    effect = auxiliary_effect(rows, names)
    colors = [BLUE if effect[name] > 0 else RED for name in names]
    bars = axes.barh(range(len(names)), [effect[name] for name in names], color=colors, height=0.62)
    axes.bar_label(bars, labels=[signed(effect[name]) for name in names], padding=4, weight="bold", size=10)
    axes.set_yticks(range(len(names)), [f"{name} · {_thousands(sizes[name])}" for name in names])
    axes.invert_yaxis()
    axes.axvline(0, color="black", lw=1)
    axes.set(xlim=(-3.9, 3.2), xlabel="con objetivo auxiliar − sin él (puntos)", ylabel="tarea · ejemplos")
    axes.set_title("El objetivo auxiliar, tarea a tarea")
    axes.grid(axis="y", visible=False)
    return "Efecto del objetivo auxiliar, de menos a más datos: " + ", ".join(
        f"{name} {signed(effect[name])}" for name in names
    ) + "."  # fmt: skip


def figure2(data: dict):
    """La Figura 2 redibujada con valores digitalizados (`figure2.json`): capas transferidas y disparo cero."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), dpi=80)
    _transfer(left, data["left"])
    _zero_shot(right, data["right"])
    figure.suptitle(
        "Figura 2 del artículo, redibujada con valores digitalizados", weight="bold", x=0.01, ha="left"
    )
    figure.tight_layout(w_pad=2.5)
    race, mnli = data["left"]["race_dev"], data["left"]["mnli_dev"]
    ends = ", ".join(f"{name} {number(v[-1], 2)}" for name, v in data["right"]["transformer"].items())
    return describe(
        figure,
        f"Izquierda: al transferir de 0 a 13 capas la exactitud sube de {_es(mnli[0])} a {_es(mnli[-1])} en MultiNLI y "
        f"de {_es(race[0])} a {_es(race[-1])} en RACE, con un pequeño bache en 2. Derecha: el rendimiento relativo sin "
        f"ajustar crece con el preentrenamiento y acaba en {ends}.",
    )


def _transfer(axes, data):
    for values, name, color, marker in (
        (data["mnli_dev"], "MultiNLI", BLUE, "o"),
        (data["race_dev"], "RACE", ORANGE, "s"),
    ):
        low, high = [v - 0.4 for v in values], [v + 0.4 for v in values]
        axes.fill_between(data["layers"], low, high, color=color, alpha=0.25, lw=0)
        axes.plot(data["layers"], values, color=color, marker=marker, ms=5)
        axes.text(13, values[-1] + 1.6, name, color=color, weight="bold", ha="right")
    axes.set(xticks=range(0, 14), ylim=(35, 90), ylabel="exactitud en validación (%)")
    axes.set_xlabel("capas transferidas (0 = ninguna; 1 = embeddings; 13 = todo)")
    axes.set_title("Casi cada capa aporta (banda: ±0,4)")


def _zero_shot(axes, data):
    colors = (BLUE, GREEN, ORANGE, PURPLE)
    for (name, values), color, marker in zip(data["transformer"].items(), colors, MARKERS, strict=True):
        points = [(x, y) for x, y in zip(data["updates"], values, strict=True) if y is not None]
        axes.plot(*zip(*points, strict=True), color=color, marker=marker, ms=5)
        label = values[-1] - (
            0.09 if values[-1] < 0.3 else 0
        )  # el trazo del más bajo esquiva al LSTM de Winograd
        ends = [points[-1][0], 2.1e6], [points[-1][1], label]
        axes.plot(*ends, color=color, lw=1, ls=":", clip_on=False)
        axes.text(2.3e6, label, name, color="#222222", va="center", size=10)
        axes.scatter(
            1.4e6,
            data["lstm_end"][name],
            marker=marker,
            fc="white",
            ec=color,
            s=45,
            lw=1.6,
            clip_on=False,
            zorder=3,
        )
    axes.plot([], [], color=GRAY, marker="o", ms=5, label="Transformer")
    axes.scatter([], [], marker="o", fc="white", ec=GRAY, s=45, label="dónde acaba el LSTM (a ojo)")
    axes.legend(loc="upper left", fontsize=9.5)
    axes.set(
        xscale="log",
        xlim=(3e3, 1.1e6),
        ylim=(-0.03, 1),
        xlabel="actualizaciones de preentrenamiento (escala log.)",
    )
    axes.set_ylabel("rendimiento relativo\n(0 = azar, 1 = mejor modelo único)")
    axes.yaxis.set_major_formatter(lambda value, _: number(value, 1))
    axes.set_title("Sin ajustar nada también mejora")


def _es(value: float) -> str:
    return number(value, 1)


def _thousands(count: int) -> str:
    decimals = 1 if count < 10_000 else 0
    return f"{number(count / 1000, decimals)} mil"
