"""Las ablaciones de la lección 06, junto a las del artículo: preentrenar o no, λ y cuántos bloques se copian.

Cada medida es una terna (media, mitad del intervalo del 95 %, valores), en puntos de 0 a 100.
"""

import matplotlib.pyplot as plt

from helpers.plots import style
from helpers.plots.logits import with_comma
from helpers.spanish import number, signed

FULL, SCRATCH, NO_LM = (
    "Transformer con objetivo auxiliar",
    "Transformer sin preentrenar",
    "Transformer sin objetivo auxiliar",
)
SYSTEMS = {  # clave de nuestros registros → (nombre, color, marca, relleno)
    "pretrained": ("preentrenado", style.BLUE, "o", style.BLUE),
    "scratch": ("desde cero, la misma receta", style.RED, "s", style.RED),
    "pretrained_own": ("preentrenado, su mejor receta", style.BLUE, "o", "white"),
    "scratch_own": ("desde cero, su mejor receta", style.RED, "s", "white"),
    "tfidf": ("TF-IDF + regresión logística", style.GRAY, "D", style.GRAY),
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
    rows = _rows(table)
    names = sorted(table["columns"][1:], key=lambda name: rows[SCRATCH][name] - rows[FULL][name])
    for y, name in enumerate(names):
        low, high = rows[SCRATCH][name], rows[FULL][name]
        right.plot([low, high], [y, y], color=style.GRAY, alpha=0.5, lw=3, zorder=1)
        right.text(112, y, signed(high - low), va="center", ha="right", weight="bold")
    places = range(len(names))
    right.plot(
        [rows[FULL][name] for name in names], places, "o", color=style.BLUE, ms=8, label="preentrenado"
    )
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
    gains = ", ".join(f"{name} {signed(rows[FULL][name] - rows[SCRATCH][name])}" for name in names)
    return style.describe(
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
        left.plot(values, [row + 0.16] * len(values), "o", color=style.GRAY, ms=6, alpha=0.6)
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
    left.plot([], [], "o", color=style.GRAY, label="una semilla")
    left.plot([], [], "D-", color="black", label="media e intervalo del 95 %")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=2, fontsize=9.5)
    left.set_yticks(range(len(ours)), ours)
    left.set_ylim(len(ours) - 0.4, -0.7)
    left.set(title="gpt1-mini, por semillas", ylabel="tarea y parte")
    rows = _rows(table)
    effect = {name: rows[FULL][name] - rows[NO_LM][name] for name in table["columns"][1:]}
    names = sorted(effect, key=lambda name: -effect[name])
    for y, name in enumerate(names):
        color = style.BLUE if effect[name] > 0 else style.RED
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
    return style.describe(
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
    low = [ours[k][0] - _drawn(ours[k][1]) for k in layers]
    high = [ours[k][0] + _drawn(ours[k][1]) for k in layers]
    left.fill_between(layers, low, high, color=style.BLUE, alpha=0.18, lw=0, label="intervalo del 95 %")
    for k in layers:
        left.plot([k] * len(ours[k][2]), ours[k][2], "o", color=style.GRAY, ms=5, alpha=0.55)
    left.plot([], [], "o", color=style.GRAY, ms=5, label="una semilla")
    left.plot(layers, means, "o-", color=style.BLUE, lw=2.2, ms=8, label="media")
    left.set(title="gpt1-mini, sentimiento", ylabel="exactitud en test (%)", xticks=layers)
    left.legend(loc="lower right")
    for values, name, color, marker in (
        (figure2["mnli_dev"], "MultiNLI", style.BLUE, "o"),
        (figure2["race_dev"], "RACE", style.ORANGE, "s"),
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
    return style.describe(
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
        return style.GRAY
    return style.BLUE if mean > 0 else style.RED


def _drawn(half: float) -> float:
    """La mitad del intervalo, o 0 si con una sola medida no lo hay (nan)."""
    return half if half == half else 0.0
