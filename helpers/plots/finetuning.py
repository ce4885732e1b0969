"""Las figuras de la lección 06: las secuencias de cada tarea, las curvas del entrenamiento y los aciertos y fallos."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from helpers.plots import style
from helpers.plots.logits import readable, with_comma
from helpers.spanish import number

SPECIAL_TINTS = {"_start_": "#BFE3D5", "_delimiter_": "#FBD58A", "_classify_": "#9CC9E3"}
WORD_TINT = "#EDEDED"
POINTS = 10  # tamaño de letra de las cajas
LETTER = POINTS * 0.602 / 72  # lo que ocupa una letra de ancho fijo, en pulgadas
LETTERS = 116  # letras que caben en una fila


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
    return style.describe(figure, f"Secuencias de tokens de cada tarea. {shown}.")


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
    epochs = [record["epoch"] for record in steps]
    for ax, key, title, color in (
        (axes[0], "clf_loss", "Pérdida de la tarea (L2)", style.BLUE),
        (axes[1], "lm_loss", "Pérdida de lenguaje (L1)", style.GREEN),
    ):
        values = [record[key] for record in steps if key in record]
        ax.plot(epochs[: len(values)], values, color=color, alpha=0.3, lw=1, label="cada lote")
        ax.plot(epochs[: len(values)], _smooth(values), color=color, lw=2.4, label="media móvil")
        ax.set(title=title, ylabel="nats por ejemplo" if key == "clf_loss" else "nats por token")
    ends = [record["epoch"] for record in evaluations]
    axes[0].plot(ends, [record["loss"] for record in evaluations], "D--", color=style.RED, label="validación")
    axes[0].set_ylim(0, None)
    values = [100 * record[metric] for record in evaluations]
    axes[2].plot(ends, values, "D--", color=style.RED)
    best = max(range(len(values)), key=values.__getitem__)
    axes[2].plot(ends[best], values[best], "o", ms=15, mfc="none", mec=style.RED, mew=1.8)
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
    task = [record["clf_loss"] for record in steps]
    found = ", ".join(number(value, 0) for value in values)
    return style.describe(
        figure,
        f"Tres paneles por épocas. La pérdida de la tarea va de {number(task[0], 2)} a "
        f"{number(_smooth(task)[-1], 2)}; en validación acaba en {number(evaluations[-1]['loss'], 2)}. "
        f"Exactitud en validación tras cada época: {found} %; la mejor, la {best + 1}.ª.",
    )


def _smooth(values, window: int = 15):
    """Media de los `window` últimos valores en cada punto."""
    return [sum(values[max(0, end - window) : end]) / min(window, end) for end in range(1, len(values) + 1)]


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
    sure = 100 * predictions.probabilities.max(1)
    good = predictions.predicted == predictions.labels
    low = 100 / len(names)
    bins = [low + (100 - low) * k / 10 for k in range(11)]
    right.hist(
        [sure[good], sure[~good]], bins=bins, stacked=True, color=[style.SKY, style.RED],
        edgecolor="white", label=[f"aciertos ({good.sum()})", f"fallos ({(~good).sum()})"],
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
    surest = sure[~good].max() if (~good).any() else 0
    return style.describe(
        figure,
        f"Matriz de confusión, por clase verdadera ({cells}), e histograma de la probabilidad que el modelo da a su "
        f"respuesta: {good.sum()} aciertos y {(~good).sum()} fallos; el fallo más seguro, al {surest:.0f} %.",
    )
