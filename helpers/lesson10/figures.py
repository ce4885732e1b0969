"""Las figuras de la lección 10: los resultados, las ablaciones y la Figura 2 del artículo.

Los números se leen de `data/paper/tables.json` y `data/paper/figure2.json`, donde cada uno lleva su fuente.
"""

import matplotlib.pyplot as plt

from helpers.figures import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, SKY, describe
from helpers.spanish import number, signed


def gain(row: dict) -> float:
    """Lo que GPT-1 saca de más (o, si es negativo, de menos) que lo mejor anterior, en puntos."""
    return row["gpt1"] - row["prior"]


def auxiliary_effect(rows: dict, names) -> dict[str, float]:
    """Lo que se gana con el objetivo auxiliar en cada tarea de la Tabla 5, en puntos."""
    with_it, without = rows["Transformer con objetivo auxiliar"], rows["Transformer sin objetivo auxiliar"]
    return {name: with_it[name] - without[name] for name in names}


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
