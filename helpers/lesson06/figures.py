"""Las figuras de la lección 06: secuencias, curvas y aciertos de un ajuste fino, y cuántas etiquetas hacen falta."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from helpers.figures import BLUE, GRAY, GREEN, ORANGE, RED, SKY, describe, readable, with_comma
from helpers.spanish import number

SPECIAL_TINTS = {"_start_": "#BFE3D5", "_delimiter_": "#FBD58A", "_classify_": "#9CC9E3"}
WORD_TINT = "#EDEDED"
POINTS = 10  # tamaño de letra de las cajas
LETTER = POINTS * 0.602 / 72  # lo que ocupa una letra de ancho fijo, en pulgadas
LETTERS = 116  # letras que caben en una fila


def moving_average(values, window: int = 15) -> list[float]:
    """En cada punto, la media de los `window` últimos valores, o de los que haya: [n] → [n]."""
    return [sum(values[max(0, end - window) : end]) / min(window, end) for end in range(1, len(values) + 1)]


def confidence(predictions):
    """La probabilidad, en %, que el modelo da a su respuesta: (cuando acierta, cuando falla)."""
    sure = 100 * predictions.probabilities.max(1)
    good = predictions.predicted == predictions.labels
    return sure[good], sure[~good]


def sequences(panels: dict):
    """Las secuencias de tokens que ve el modelo, en cajas, con los tokens nuevos en color.

    `panels`: {título: lista de secuencias, cada una con los nombres de sus tokens}. Las largas siguen en otra fila.
    """
    lines = []  # (y, título) o (y, trozo de secuencia)
    y = 0.0
    for title, rows in panels.items():
        lines.append((y + 0.42, title))
        y += 0.62
        for tokens in rows:
            for piece in _wrapped([_name(token) for token in tokens]):
                lines.append((y, piece))
                y += 0.5
            y += 0.08
        y += 0.22
    figure = plt.figure(figsize=(LETTERS * LETTER, 0.52 * y))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, LETTERS), ylim=(y, 0))
    ax.axis("off")
    for height, content in lines:
        if isinstance(content, str):
            ax.text(0.3, height, content, fontsize=11.5, weight="bold", va="center")
        else:
            _boxes(ax, height, content)
    shown = "; ".join(
        f"{title}: {' | '.join(' '.join(_name(token) for token in tokens) for tokens in rows)}"
        for title, rows in panels.items()
    )
    return describe(figure, f"Secuencias de tokens de cada tarea. {shown}.")


def _name(token: str) -> str:
    return token if token in SPECIAL_TINTS else readable(token)


def _wrapped(names):
    """La secuencia en trozos que caben en una fila."""
    pieces, used = [[]], 0.0
    for name in names:
        if used + len(name) + 1.3 > LETTERS - 1:
            pieces.append([])
            used = 0.0
        pieces[-1].append(name)
        used += len(name) + 1.3
    return pieces


def _boxes(ax, y, names):
    x = 0.3
    for name in names:
        width = len(name) + 0.9
        box = FancyBboxPatch((x, y + 0.05), width, 0.4, boxstyle="round,pad=0,rounding_size=0.1")
        box.set(facecolor=SPECIAL_TINTS.get(name, WORD_TINT), edgecolor="white", linewidth=1)
        ax.add_patch(box)
        weight = "bold" if name in SPECIAL_TINTS else "normal"
        ax.text(
            x + width / 2, y + 0.26, name, ha="center", va="center",
            family="monospace", fontsize=POINTS, weight=weight,
        )  # fmt: skip
        x += width + 0.4


def curves(steps: list[dict], evaluations: list[dict], metric: str = "accuracy", chance: float = 0.5):
    """Las curvas de un ajuste fino: `steps` y `evaluations` de un `FineTuned`.

    A la izquierda, la pérdida de la tarea en cada lote, su media móvil y la de validación; en el centro, la de
    lenguaje; a la derecha, la exactitud en validación, con el azar.
    """
    figure, axes = plt.subplots(1, 3, figsize=(11.6, 3.7))
    epochs, smooth = [record["epoch"] for record in steps], {}
    for ax, key, title, color in (
        (axes[0], "clf_loss", "Pérdida de la tarea (L2)", BLUE),
        (axes[1], "lm_loss", "Pérdida de lenguaje (L1)", GREEN),
    ):
        values = [record[key] for record in steps if key in record]
        smooth[key] = moving_average(values)
        ax.plot(epochs[: len(values)], values, color=color, alpha=0.3, lw=1, label="cada lote")
        ax.plot(epochs[: len(values)], smooth[key], color=color, lw=2.4, label="media móvil")
        ax.set(title=title, ylabel="nats por ejemplo" if key == "clf_loss" else "nats por token")
    ends = [record["epoch"] for record in evaluations]
    axes[0].plot(ends, [record["loss"] for record in evaluations], "D--", color=RED, label="validación")
    axes[0].set_ylim(0, None)
    values = [100 * record[metric] for record in evaluations]
    axes[2].plot(ends, values, "D--", color=RED)
    best = max(range(len(values)), key=values.__getitem__)
    axes[2].plot(ends[best], values[best], "o", ms=15, mfc="none", mec=RED, mew=1.8)
    axes[2].axhline(100 * chance, color="black", ls=":", lw=1.4)
    axes[2].text(ends[-1], 100 * chance + 1, "azar", ha="right", fontsize=10)
    axes[2].set(title="Aciertos en validación", ylabel="exactitud (%)", ylim=(45, 100))
    for ax in axes:
        ax.set(xlabel="épocas", xlim=(0, max(ends) * 1.04))
        with_comma(ax.yaxis)
    for ax in axes[:2]:
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.3 * (high - low))  # sitio para la leyenda, que no pise las curvas
        ax.legend(loc="upper right", fontsize=9.5)
    figure.tight_layout()
    found = ", ".join(number(value, 0) for value in values)
    return describe(
        figure,
        f"Tres paneles por épocas. La pérdida de la tarea va de {number(smooth['clf_loss'][0], 2)} a "
        f"{number(smooth['clf_loss'][-1], 2)}; en validación acaba en {number(evaluations[-1]['loss'], 2)}. "
        f"Exactitud en validación tras cada época: {found} %; la mejor, la {best + 1}.ª.",
    )


def verdicts(predictions, names):
    """Matriz de confusión y confianza de unas `Predictions`; `names` son las clases en español."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.6, 3.9), width_ratios=(1, 1.5))
    matrix = predictions.confusion
    left.imshow(matrix, cmap="Blues", vmin=0, vmax=1.3 * matrix.max())
    for row, counts in enumerate(matrix):
        for column, count in enumerate(counts):
            mark = " ✓" if row == column else ""
            color = "white" if count > 0.75 * matrix.max() else "black"
            left.text(column, row, f"{count}{mark}", ha="center", va="center", fontsize=14, color=color)
    left.set_xticks(range(len(names)), names)
    left.set_yticks(range(len(names)), names)
    left.set(title="Matriz de confusión", xlabel="lo que dice el modelo", ylabel="lo que es")
    left.grid(False)
    left.tick_params(length=0)
    right_ones, wrong_ones = confidence(predictions)
    low = 100 / len(names)
    bins = [low + (100 - low) * k / 10 for k in range(11)]
    right.hist(
        [right_ones, wrong_ones], bins=bins, stacked=True, color=[SKY, RED],
        edgecolor="white", label=[f"aciertos ({len(right_ones)})", f"fallos ({len(wrong_ones)})"],
    )  # fmt: skip
    right.set(
        title="¿Cuánto se fía de lo que dice?",
        xlabel="probabilidad que da a su respuesta (%)",
        ylabel="frases",
    )
    right.yaxis.get_major_locator().set_params(integer=True)
    right.legend(loc="upper left")
    figure.tight_layout()
    cells = "; ".join(
        f"{name}: {', '.join(f'{count} {other}' for count, other in zip(counts, names, strict=True))}"
        for name, counts in zip(names, matrix.tolist(), strict=True)
    )
    surest = max(wrong_ones, default=0)
    return describe(
        figure,
        f"Matriz de confusión, por clase verdadera ({cells}), e histograma de la probabilidad que el modelo da a su "
        f"respuesta: {len(right_ones)} aciertos y {len(wrong_ones)} fallos; el fallo más seguro, al {surest:.0f} %.",
    )


FULL, SCRATCH, NO_LM = (
    "Transformer con objetivo auxiliar",
    "Transformer sin preentrenar",
    "Transformer sin objetivo auxiliar",
)
SYSTEMS = {  # clave de nuestros registros → (nombre, color, marca, relleno)
    "pretrained": ("preentrenado", BLUE, "o", BLUE),
    "scratch": ("desde cero, la misma receta", RED, "s", RED),
    "pretrained_own": ("preentrenado, su mejor receta", BLUE, "o", "white"),
    "scratch_own": ("desde cero, su mejor receta", RED, "s", "white"),
    "tfidf": ("TF-IDF + regresión logística", GRAY, "D", GRAY),
}
SHIFTS = (-0.3, -0.15, 0.0, 0.15, 0.3)  # un renglón por sistema, dentro del de la tarea


CURVE = {  # sistema: (nombre, color, marca)
    "pretrained": ("preentrenado y ajustado", BLUE, "o"),
    "frozen": ("preentrenado y congelado, con su capa", SKY, "s"),
    "tfidf": ("contar palabras (TF-IDF)", ORANGE, "^"),
    "scratch": ("desde cero", GRAY, "D"),
}


def label_curve(scores: dict):
    """Aciertos frente a etiquetas: `scores[sistema][etiquetas]` = (aciertos, mínimo, máximo), en %."""
    figure, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
    sizes, told = sorted(next(iter(scores.values()))), []
    for place, (system, by_size) in enumerate(scores.items()):
        name, color, marker = CURVE[system]
        means, lows, highs = zip(*(by_size[size] for size in sizes), strict=True)
        # cada sistema, un poco al lado: en el mismo sitio, las barras se taparían
        where = [size * 1.035 ** (place - 1.5) for size in sizes]
        errors = [
            [m - low for m, low in zip(means, lows, strict=True)],
            [h - m for m, h in zip(means, highs, strict=True)],
        ]
        ax.errorbar(where, means, errors, color=color, marker=marker, capsize=3, lw=2, label=name)
        told.append(f"{name}, {', '.join(number(mean, 0) for mean in means)}")
    ax.axhline(50, color=GRAY, lw=1, ls=":")
    ax.annotate("azar", (sizes[0], 50), xytext=(-4, 4), textcoords="offset points", color=GRAY)
    ax.set_xscale("log")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.minorticks_off()
    ax.set(
        title="Cuántas etiquetas hacen falta", xlabel="frases con etiqueta para aprender (escala logarítmica)",
        ylabel="aciertos en frases nuevas (%)",
    )  # fmt: skip
    ax.legend(loc="lower right", frameon=False)
    return describe(
        figure,
        f"Aciertos en 600 frases nuevas según cuántas se han usado para aprender ({', '.join(map(str, sizes))}). "
        + "; ".join(told)
        + ". Cada barra es el intervalo del 95 % según qué frases tocan.",
    )
