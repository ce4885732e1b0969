"""Las figuras de la lección 06: secuencias, curvas y aciertos de un ajuste fino, y las ablaciones junto al artículo.

Cada medida de las ablaciones es una terna (media, mitad del intervalo del 95 %, valores), en puntos de 0 a 100.
"""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from helpers.figures import BLUE, GRAY, GREEN, ORANGE, RED, SKY, describe, readable, with_comma
from helpers.spanish import number, signed

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


def difference(table: dict, one: str, other: str) -> dict[str, float]:
    """Lo que saca de más la variante `one` que `other` en cada tarea de la Tabla 5, sin la media."""
    rows = _rows(table)
    return {name: rows[one][name] - rows[other][name] for name in table["columns"][1:]}


def band(measure) -> tuple[float, float]:
    """Los extremos del intervalo de una medida (media, mitad del intervalo, valores)."""
    mean, half, _ = measure
    return mean - _drawn(half), mean + _drawn(half)


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


def pretraining(ours: dict, table: dict):
    """Preentrenar o no: lo nuestro y la Tabla 5.

    - `ours`: {tarea: {«pretrained», «scratch» y, si las hay, las demás claves de `SYSTEMS`: medida; «chance»: el
      azar}}; se dibujan las semillas, la media y su intervalo. «_own» es con la receta que eligió cada cual.
    - `table`: la Tabla 5 (`tables.json`, «table5»).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 5), dpi=85)
    for row, systems in enumerate(ours.values()):
        left.plot([systems["chance"]] * 2, [row - 0.38, row + 0.38], ":", color="black", lw=1.4)
        for (key, (_, color, marker, fill)), shift in zip(SYSTEMS.items(), SHIFTS, strict=True):
            if key not in systems:
                continue
            mean, half, values = systems[key]
            left.plot(values, [row + shift] * len(values), ".", color=color, ms=5, alpha=0.5)
            left.errorbar(
                mean, row + shift, xerr=_drawn(half), fmt=marker, color=color, mfc=fill, ms=7, capsize=4
            )
    for name, color, marker, fill in SYSTEMS.values():
        left.plot([], [], marker, color=color, mfc=fill, label=name)
    left.plot([], [], ":", color="black", label="azar")
    left.set_yticks(range(len(ours)), ours)
    left.set_ylim(len(ours) - 0.5, -0.5)
    left.set(title="gpt1-mini, en test", xlabel="exactitud (%)", ylabel="tarea · ejemplos")
    left.legend(loc="upper center", bbox_to_anchor=(0.42, -0.17), ncols=2, fontsize=9, columnspacing=0.9)
    rows, gain = _rows(table), difference(table, FULL, SCRATCH)
    names = sorted(gain, key=lambda name: -gain[name])
    for y, name in enumerate(names):
        low, high = rows[SCRATCH][name], rows[FULL][name]
        right.plot([low, high], [y, y], color=GRAY, alpha=0.5, lw=3, zorder=1)
        right.text(112, y, signed(gain[name]), va="center", ha="right", weight="bold")
    places = range(len(names))
    right.plot([rows[FULL][name] for name in names], places, "o", color=BLUE, ms=8, label="preentrenado")
    right.plot(
        [rows[SCRATCH][name] for name in names],
        places,
        "D",
        color="black",
        mfc="white",
        ms=7,
        label="sin preentrenar",
    )
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, fontsize=9)
    right.set_yticks(range(len(names)), names)
    right.set_ylim(len(names) - 0.5, -0.5)
    right.set(title="GPT-1 (artículo, Tabla 5)", xlim=(10, 114), xticks=range(20, 101, 20), ylabel="tarea")
    right.set_xlabel("puntuación (la métrica de cada tarea) y ganancia")
    for ax in (left, right):
        ax.grid(axis="y", visible=False)
    figure.tight_layout(w_pad=2.5)
    found = "; ".join(
        f"{task}: "
        + ", ".join(
            f"{SYSTEMS[key][0]} {number(values[0], 1)}" for key, values in systems.items() if key in SYSTEMS
        )
        for task, systems in ours.items()
    )
    gains = ", ".join(f"{name} {signed(gain[name])}" for name in names)
    return describe(
        figure,
        f"A la izquierda, medias en test con gpt1-mini. {found}. A la derecha, lo que gana GPT-1 al preentrenar en la "
        f"Tabla 5: {gains}.",
    )


def auxiliary(ours: dict, table: dict):
    """El objetivo auxiliar: la diferencia con λ = 0,5 menos con λ = 0.

    - `ours`: {nombre de la fila: medida de las diferencias, una por semilla}.
    - `table`: la Tabla 5; el artículo da un solo ajuste por tarea, así que ahí no hay intervalos.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 4), dpi=85, sharex=True)
    for row, (mean, half, values) in enumerate(ours.values()):
        left.plot(values, [row + 0.16] * len(values), "o", color=GRAY, ms=6, alpha=0.6)
        color = _color(mean, half)
        left.errorbar(
            mean, row - 0.1, xerr=_drawn(half), fmt="D", color=color, ms=8, capsize=5, elinewidth=2.2
        )
        left.text(
            mean,
            row - 0.24,
            signed(mean),
            ha="center",
            va="bottom",
            color=color,
            weight="bold",
            bbox={"fc": "white", "ec": "none", "pad": 1},
        )
    left.plot([], [], "o", color=GRAY, label="una semilla")
    left.plot([], [], "D-", color="black", label="media e intervalo del 95 %")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, fontsize=9.5)
    left.set_yticks(range(len(ours)), ours)
    left.set_ylim(len(ours) - 0.4, -0.7)
    left.set(title="gpt1-mini, por semillas", ylabel="tarea y parte")
    effect = difference(table, FULL, NO_LM)
    names = sorted(effect, key=lambda name: -effect[name])
    for y, name in enumerate(names):
        color = BLUE if effect[name] > 0 else RED
        right.plot([0, effect[name]], [y, y], color=color, lw=2.5, alpha=0.5)
        right.plot(effect[name], y, "o", color=color, ms=8)
        side = 8 if effect[name] > 0 else -8
        right.annotate(
            signed(effect[name]), (effect[name], y), (side, 0), textcoords="offset points",
            va="center", ha="left" if side > 0 else "right", color=color, weight="bold",
        )  # fmt: skip
    right.set_yticks(range(len(names)), names)
    right.invert_yaxis()
    right.set(title="GPT-1 (artículo, Tabla 5): sin márgenes", ylabel="tarea")
    spread = max(
        4.2, *(abs(value) for mean, half, values in ours.values() for value in (*values, mean - half, mean + half))
    )  # fmt: skip
    for ax in (left, right):
        ax.axvline(0, color="black", lw=1.2)
        ax.grid(axis="y", visible=False)
        ax.set(xlim=(-1.12 * spread, 1.12 * spread), xlabel="λ = 0,5 menos λ = 0 (puntos)")
        with_comma(ax.xaxis)
    figure.tight_layout(w_pad=2.5)
    found = "; ".join(f"{name}, {signed(mean)} ± {number(half, 1)}" for name, (mean, half, _) in ours.items())
    paper = ", ".join(f"{name} {signed(effect[name])}" for name in names)
    return describe(
        figure,
        f"Diferencia entre ajustar con λ = 0,5 y con λ = 0. A la izquierda, gpt1-mini: {found}. A la derecha, la "
        f"Tabla 5: {paper}.",
    )


def transfer(ours: dict, figure2: dict):
    """Cuánto se copia del modelo preentrenado y cuánto se acierta.

    - `ours`: {capas copiadas: medida}, donde 0 es nada, 1 los embeddings y k + 1, además, k bloques.
    - `figure2`: la Figura 2, izquierda (`figure2.json`, «left»).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 4.2), dpi=85)
    layers = sorted(ours)
    means = [ours[k][0] for k in layers]
    low, high = zip(*(band(ours[k]) for k in layers), strict=True)
    left.fill_between(layers, low, high, color=BLUE, alpha=0.18, lw=0, label="intervalo del 95 %")
    for k in layers:
        left.plot([k] * len(ours[k][2]), ours[k][2], "o", color=GRAY, ms=5, alpha=0.55)
    left.plot([], [], "o", color=GRAY, ms=5, label="una semilla")
    left.plot(layers, means, "o-", color=BLUE, lw=2.2, ms=8, label="media")
    left.set(title="gpt1-mini, sentimiento", ylabel="exactitud en test (%)", xticks=layers)
    left.legend(loc="lower right")
    for values, name, color, marker in (
        (figure2["mnli_dev"], "MultiNLI", BLUE, "o"),
        (figure2["race_dev"], "RACE", ORANGE, "s"),
    ):
        right.plot(figure2["layers"], values, color=color, marker=marker, ms=6)
        right.text(13, values[-1] + 1.4, name, weight="bold", ha="right")
    right.set(title="GPT-1 (artículo, Figura 2, izquierda)", ylabel="exactitud en validación (%)")
    right.set(xticks=figure2["layers"], ylim=(35, 90))
    for ax, last in ((left, layers[-1]), (right, 13)):
        ax.set_xlabel(f"capas copiadas (0 = ninguna; 1 = embeddings; {last} = todo)")
    figure.tight_layout(w_pad=2.5)
    found = ", ".join(f"{k}: {number(ours[k][0], 1)}" for k in layers)
    race, mnli = figure2["race_dev"], figure2["mnli_dev"]
    return describe(
        figure,
        f"Exactitud según las capas copiadas. gpt1-mini, media en test: {found}. En el artículo, de 0 a 13 capas: "
        f"MultiNLI de {number(mnli[0], 1)} a {number(mnli[-1], 1)} y RACE de {number(race[0], 1)} a "
        f"{number(race[-1], 1)}.",
    )


def _rows(table: dict) -> dict:
    """La Tabla 5 como {variante: {columna: valor}}."""
    return {row["method"]: dict(zip(table["columns"], row["values"], strict=True)) for row in table["rows"]}


def _color(mean: float, half: float) -> str:
    """Azul o rojo si el intervalo deja fuera el cero; si no, gris."""
    if not abs(mean) > half:
        return GRAY
    return BLUE if mean > 0 else RED


def _drawn(half: float) -> float:
    """La mitad del intervalo, o 0 si con una sola medida no lo hay (nan)."""
    return half if half == half else 0.0
