"""Las figuras de la lección 10: los resultados del artículo, lo nuestro a su lado y sus afirmaciones juzgadas.

Los números se leen de `data/paper/tables.json` y `data/paper/figure2.json`, donde cada uno lleva su fuente.
"""

from collections import Counter

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from helpers.figures import BLUE, GRAY, ORANGE, RED, SKY, describe
from helpers.spanish import number, signed


def gain(row: dict) -> float:
    """Lo que GPT-1 saca de más (o, si es negativo, de menos) que lo mejor anterior, en puntos."""
    return row["gpt1"] - row["prior"]


def auxiliary_effect(rows: dict, names) -> dict[str, float]:
    """Lo que se gana con el objetivo auxiliar en cada tarea de la Tabla 5, en puntos."""
    with_it, without = rows["Transformer con objetivo auxiliar"], rows["Transformer sin objetivo auxiliar"]
    return {name: with_it[name] - without[name] for name in names}


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
    # Debajo del eje: dentro, sus marcas parecerían datos.
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.14), ncols=3, fontsize=10)
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


def beside(ours: dict, paper: dict):
    """Lo nuestro al lado de lo suyo: diferencias en puntos.

    - `ours`: {comparación: (diferencia, desde, hasta)}, con los extremos de su intervalo del 95 %.
    - `paper`: {comparación del artículo: diferencia}; da un número por casilla, así que no hay intervalos.
    """
    figure, axes = plt.subplots(figsize=(9.6, 0.62 * (len(ours) + len(paper)) + 1.5), dpi=85)
    for y, (mean, low, high) in enumerate(ours.values()):
        color = GRAY if low <= 0 <= high else BLUE if mean > 0 else RED
        axes.errorbar(
            mean, y, xerr=[[mean - low], [high - mean]], fmt="o", color=color, ms=8, capsize=5, lw=2.2
        )
        _label(axes, mean, y, color)
    for y, value in enumerate(paper.values(), len(ours)):
        axes.plot(value, y, "D", color="black", mfc="white", ms=8)
        _label(axes, value, y, "black")
    axes.axhline(len(ours) - 0.5, color=GRAY, lw=0.8, ls=":")
    axes.axvline(0, color="black", lw=1.2)
    axes.set_yticks(range(len(ours) + len(paper)), [*ours, *paper])
    axes.set_ylim(len(ours) + len(paper) - 0.5, -0.7)
    axes.set(title="Lo nuestro, con su margen; lo del artículo, sin él", ylabel="comparación")
    axes.set_xlabel("diferencia (puntos) e intervalo del 95 %")
    axes.xaxis.set_major_formatter(lambda value, _: signed(value, 0))
    axes.grid(axis="y", visible=False)
    figure.tight_layout()
    told = [f"{name} {signed(m)}, de {signed(low)} a {signed(high)}" for name, (m, low, high) in ours.items()]
    theirs = [f"{name} {signed(value)}" for name, value in paper.items()]
    return describe(
        figure, f"Diferencias en puntos. gpt1-mini: {'; '.join(told)}. El artículo: {'; '.join(theirs)}."
    )


def _label(axes, x, y, color):
    axes.annotate(
        signed(x), (x, y), (0, 9), textcoords="offset points", ha="center", color=color, weight="bold", size=10,
        bbox={"fc": "white", "ec": "none", "pad": 0.6},
    )  # fmt: skip


def transfer(ours: dict, data: dict):
    """Cuánto se copia del modelo preentrenado y cuánto se acierta.

    - `ours`: {capas copiadas: [nota de cada semilla]}, donde 0 es nada, 1 los embeddings y k + 1, además, k bloques.
    - `data`: la Figura 2, izquierda, digitalizada (`figure2.json`, «left»).
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.6, 4.4), dpi=80)
    layers = sorted(ours)
    means = [sum(ours[k]) / len(ours[k]) for k in layers]
    for k in layers:
        left.plot([k] * len(ours[k]), ours[k], "o", color=GRAY, ms=5, alpha=0.55)
    left.plot([], [], "o", color=GRAY, ms=5, label="una semilla")
    left.plot(layers, means, "o-", color=BLUE, lw=2.2, ms=8, label="media")
    left.set(title="gpt1-mini, sentimiento", ylabel="exactitud en test (%)", xticks=layers)
    left.legend(loc="lower right")
    for values, name, color, marker in (
        (data["mnli_dev"], "MultiNLI", BLUE, "o"),
        (data["race_dev"], "RACE", ORANGE, "s"),
    ):
        low, high = [v - 0.4 for v in values], [v + 0.4 for v in values]
        right.fill_between(data["layers"], low, high, color=color, alpha=0.25, lw=0)
        right.plot(data["layers"], values, color=color, marker=marker, ms=5)
        right.text(13, values[-1] + 1.6, name, color=color, weight="bold", ha="right")
    right.set(title="GPT-1 (Figura 2; banda: error de lectura)", ylabel="exactitud en validación (%)")
    right.set(xticks=data["layers"], ylim=(35, 90))
    for axes, last in ((left, layers[-1]), (right, 13)):
        axes.set_xlabel(f"capas copiadas (0 = ninguna; 1 = embeddings; {last} = todo)")
    figure.tight_layout(w_pad=2.5)
    found = ", ".join(f"{k}: {_es(mean)}" for k, mean in zip(layers, means, strict=True))
    race, mnli = data["race_dev"], data["mnli_dev"]
    return describe(
        figure,
        f"Exactitud según las capas copiadas. gpt1-mini, media en test: {found}. En el artículo, de 0 a 13 capas: "
        f"MultiNLI de {_es(mnli[0])} a {_es(mnli[-1])} y RACE de {_es(race[0])} a {_es(race[-1])}.",
    )


def orders(found: list[float], seen: float):
    """Con las tareas barajadas de todas las maneras, qué parte de parejas sale: `found`; y la observada, `seen`."""
    counts = Counter(round(one, 6) for one in found)
    figure, axes = plt.subplots(figsize=(8.4, 3.4))
    values = sorted(counts)
    heights = [100 * counts[value] / len(found) for value in values]
    reached = [value >= seen - 1e-6 for value in values]
    share = sum(height for height, there in zip(heights, reached, strict=True) if there)
    axes.bar(values, heights, width=0.028, color=[ORANGE if there else SKY for there in reached])
    axes.axvline(seen, color="black", lw=1.4)
    axes.text(seen + 0.012, 0.97 * max(heights), f"la Tabla 5: {number(seen, 2)}", va="top", weight="bold")
    axes.set(xlabel="parejas en las que la tarea mayor tiene más efecto (parte)", ylabel="ordenaciones (%)")
    axes.set_title(f"Barajando los tamaños, el {number(share)} % llega a eso o más")
    axes.xaxis.set_major_formatter(lambda value, _: number(value, 1))
    axes.grid(axis="x", visible=False)
    return describe(
        figure,
        f"Histograma de la parte de parejas en las que la tarea mayor tiene más efecto, con los tamaños barajados de "
        f"{number(len(found))} maneras: en el {number(share)} % sale {number(seen, 2)}, lo de la Tabla 5, o más.",
    )


def panorama(claims: list[dict], verdicts: dict[str, str], mine: dict):
    """Todas las afirmaciones, una casilla por cada una, según la parte del artículo y lo que dice el curso.

    - `claims`: las filas de `claims.csv`, con la parte del artículo en «part».
    - `verdicts`: {veredicto: color}.
    - `mine`: {afirmación: veredicto del lector, o `None`}; las suyas llevan borde y, si los dos coinciden, «✓».
    """
    parts = list(dict.fromkeys(claim["part"] for claim in claims))
    figure, axes = plt.subplots(figsize=(9.6, 0.62 * len(parts) + 1.9), dpi=85)
    order = list(verdicts)
    for y, part in enumerate(parts):
        row = sorted(
            (one for one in claims if one["part"] == part), key=lambda one: order.index(one["status"])
        )
        for x, claim in enumerate(row):
            judged = claim["id"] in mine
            axes.add_patch(
                Rectangle(
                    (x + 0.06, y - 0.42), 0.88, 0.84, fc=verdicts[claim["status"]], ec="black", lw=2 * judged
                )
            )
            if mine.get(claim["id"]):
                mark = "✓" if mine[claim["id"]] == claim["status"] else "≠"
                axes.text(x + 0.5, y, mark, ha="center", va="center", weight="bold", size=12)
    count = Counter(claim["status"] for claim in claims)
    for status, color in verdicts.items():
        axes.scatter([], [], marker="s", s=90, color=color, label=f"{status} ({count[status]})")
    axes.legend(loc="upper center", bbox_to_anchor=(0.46, -0.16), ncols=3, fontsize=10)
    widest = max(Counter(claim["part"] for claim in claims).values())
    axes.set(xlim=(0, widest + 0.2), ylim=(len(parts) - 0.5, -0.5), xlabel="afirmaciones", ylabel="artículo")
    axes.set_yticks(range(len(parts)), parts)
    axes.set_title("Lo que el artículo afirma y en qué ha quedado")
    axes.grid(False)
    same = sum(mine.get(claim["id"]) == claim["status"] for claim in claims)
    told = ", ".join(f"{count[status]} {status}" for status in verdicts)
    return describe(
        figure,
        f"{len(claims)} afirmaciones del artículo, una casilla cada una, por partes: {told}. De tus veredictos, "
        f"{sum(map(bool, mine.values()))} puestos y {same} como los del curso.",
    )


def _es(value: float) -> str:
    return number(value, 1)


def _thousands(count: int) -> str:
    decimals = 1 if count < 10_000 else 0
    return f"{number(count / 1000, decimals)} mil"
