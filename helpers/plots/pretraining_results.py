"""Las figuras de la lección 09 que miden lo preentrenado: perplejidades, bits por byte, historia y escala."""

import matplotlib.pyplot as plt

from helpers.plots import style
from helpers.plots.logits import with_comma
from helpers.plots.pretraining import big
from helpers.spanish import number, significant
from helpers.zeroshot import PROBES


def perplexities(rows):
    """La perplejidad de cada modelo en los mismos tokens: filas (nombre, perplejidad, extremo bajo, extremo alto)."""
    figure, ax = plt.subplots(figsize=(9, 0.55 * len(rows) + 1.7))
    for place, (_, value, low, high) in enumerate(rows):
        ours = place == len(rows) - 1
        color = style.RED if ours else style.BLUE
        ax.errorbar(
            value,
            place,
            xerr=[[value - low], [high - value]],
            fmt="s" if ours else "o",
            color=color,
            ms=8,
            capsize=5,
        )
        ax.annotate(
            number(value, 1 if value < 100 else 0), (high, place), (9, 0), textcoords="offset points",
            va="center", color=color,
        )  # fmt: skip
    ax.set_xscale("log")
    ax.set_xlim(min(row[2] for row in rows) * 0.75, max(row[3] for row in rows) * 1.7)
    ax.set_yticks(range(len(rows)), [row[0] for row in rows])
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ticks = [tick for tick in (10, 20, 50, 100, 200, 500, 1000, 2000) if _inside(ax, tick)]
    ax.set_xticks(ticks, [number(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(plt.NullLocator())
    ax.set(
        title="Cuánto dudan en los cuentos apartados, sobre los mismos tokens",
        xlabel="perplejidad (escala logarítmica; menos es mejor) e intervalo del 95 %",
    )
    ax.grid(axis="y", visible=False)
    text = "; ".join(
        f"{name}, {number(value, 1)} (de {number(low, 1)} a {number(high, 1)})"
        for name, value, low, high in rows
    )
    return style.describe(figure, f"Perplejidades con su intervalo: {text}.")


def _inside(ax, tick) -> bool:
    low, high = ax.get_xlim()
    return low <= tick <= high


def units(rows):
    """Las mismas medidas en dos unidades: filas (nombre, perplejidad por token, bits por byte)."""
    figure, axes = plt.subplots(1, 2, figsize=(10.4, 0.5 * len(rows) + 1.6), sharey=True)
    names = [row[0] for row in rows]
    for ax, column, title, decimals in (
        (axes[0], 1, "Perplejidad por token", 1),
        (axes[1], 2, "Bits por byte", 2),
    ):
        values = [row[column] for row in rows]
        best = min(values)
        colors = [style.GREEN if value == best else "#B8B8B8" for value in values]
        ax.barh(range(len(rows)), values, color=colors, height=0.62)
        for place, value in enumerate(values):
            ax.text(value + 0.02 * max(values), place, number(value, decimals), va="center", fontsize=10)
        ax.set(
            title=title,
            xlabel=f"{title[0].lower()}{title[1:]} (menos es mejor)",
            xlim=(0, 1.18 * max(values)),
        )
        ax.grid(axis="y", visible=False)
        with_comma(ax.xaxis)
    axes[0].set_yticks(range(len(rows)), names)
    axes[0].invert_yaxis()
    figure.tight_layout()
    text = "; ".join(f"{name}, {number(ppl, 1)} y {number(bits, 2)}" for name, ppl, bits in rows)
    winners = [min(rows, key=lambda row, k=k: row[k])[0] for k in (1, 2)]
    return style.describe(
        figure,
        f"Barras con la perplejidad y los bits por byte: {text}. En perplejidad gana {winners[0]}; en bits por byte, "
        f"{winners[1]}.",
    )


ZERO_SHOT = "zero_shot_"


def history(records):
    """La historia de un preentrenamiento: registros {tokens, train_loss, held_out_loss} y, si los hay, zero_shot_*.

    A la izquierda, la pérdida; si hay aciertos sin entrenar (claves que empiezan por `zero_shot_`), a la derecha.
    """
    tasks = sorted({key for record in records for key in record if key.startswith(ZERO_SHOT)})
    figure, axes = plt.subplots(
        1,
        2 if tasks else 1,
        figsize=(10.4 if tasks else 8.6, 4.2),
        squeeze=False,
        width_ratios=[1.2, 1][: 1 + bool(tasks)],
    )
    ax = axes[0][0]
    for key, name, color, line in (
        ("train_loss", "texto de entrenamiento", style.BLUE, "-"),
        ("held_out_loss", "libros apartados", style.RED, "--"),
    ):
        points = [(record["tokens"], record[key]) for record in records if record.get(key) is not None]
        ax.plot(*zip(*points, strict=True), line, color=color, lw=2.2, marker=".", label=name)
    ax.set(
        title="Pérdida según lo leído",
        xlabel="tokens leídos (escala logarítmica)",
        ylabel="pérdida (nats por token)",
    )
    ax.legend()
    _token_axis(ax)
    with_comma(ax.yaxis)
    for color, task in zip(style.PALETTE, tasks, strict=False):
        points = [(record["tokens"], record[task]) for record in records if record.get(task) is not None]
        name = PROBES.get(task.removeprefix(ZERO_SHOT), task)
        axes[0][1].plot(*zip(*points, strict=True), color=color, lw=2, marker=".", label=name)
    if tasks:
        axes[0][1].set(
            title="Tareas sin haberlas entrenado",
            xlabel="tokens leídos (escala logarítmica)",
            ylabel="aciertos (aceptabilidad: Matthews)",
        )
        axes[0][1].legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3)
        _token_axis(axes[0][1])
        with_comma(axes[0][1].yaxis)
    figure.tight_layout()
    held_out = [record for record in records if record.get("held_out_loss") is not None]
    trained = [record["train_loss"] for record in records if record.get("train_loss") is not None]
    return style.describe(
        figure,
        f"La pérdida en los libros apartados baja de {number(held_out[0]['held_out_loss'], 2)} a "
        f"{number(held_out[-1]['held_out_loss'], 2)} entre {big(held_out[0]['tokens'])} y "
        f"{big(held_out[-1]['tokens'])} tokens leídos; la de entrenamiento acaba en {number(trained[-1], 2)}."
        + (f" A la derecha, {len(tasks)} tareas sin entrenar." if tasks else ""),
    )


def _token_axis(ax) -> None:
    """Escala logarítmica de tokens con marcas que se leen: 100 k, 1 M, 10 M."""
    ax.set_xscale("log")
    low, high = ax.get_xlim()
    for bases in ((1, 3), (1, 2, 3, 5, 7)):  # en menos de una década, más marcas
        ticks = [
            base * 10**power for power in range(2, 13) for base in bases if low <= base * 10**power <= high
        ]
        if len(ticks) > 2:
            break
    ax.set_xticks(ticks, [big(tick) for tick in ticks])
    ax.xaxis.set_minor_locator(plt.NullLocator())


def scale(runs):
    """Pérdida en lo apartado según los tokens leídos, una curva por tamaño.

    `runs`: {name, n_layer, n_embd, parameters, records: [{tokens, held_out_loss}]}.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.3), width_ratios=[1.5, 1])
    runs = sorted(runs, key=lambda run: run["parameters"])
    ends = []
    for run, color, mark in zip(runs, style.PALETTE, "osD^v*", strict=False):
        points = [
            (record["tokens"], record["held_out_loss"]) for record in run["records"] if record["tokens"]
        ]
        tokens, losses = zip(*points, strict=True)
        size = f"{run['n_layer']} × {run['n_embd']}: {significant(run['parameters'] / 1e6, 2)} M"
        left.plot(tokens, losses, f"{mark}-", ms=5, color=color, lw=2.2, label=size)
        right.plot(run["parameters"], losses[-1], mark, ms=9, color=color)
        ends.append((size, tokens[-1], losses[-1]))
    left.set(
        title="Tres tamaños, el mismo texto" if len(runs) == 3 else "Varios tamaños, el mismo texto",
        xlabel="tokens leídos (escala logarítmica)",
        ylabel="pérdida en lo apartado\n(nats por token)",
    )
    left.legend(title="capas × ancho: parámetros")
    _token_axis(left)
    right.plot(
        [run["parameters"] for run in runs], [end[2] for end in ends], color=style.GRAY, lw=1, zorder=0
    )
    right.set(
        title="Al acabar",
        xlabel="parámetros (escala logarítmica)",
        ylabel="pérdida en lo apartado\n(nats por token)",
    )
    right.set_xscale("log")
    right.set_xticks(
        [run["parameters"] for run in runs],
        [f"{significant(run['parameters'] / 1e6, 2)} M" for run in runs],
    )
    right.xaxis.set_minor_locator(plt.NullLocator())
    right.margins(x=0.15, y=0.15)
    for ax in (left, right):
        with_comma(ax.yaxis)
    figure.tight_layout()
    text = "; ".join(f"{size}, {number(loss, 2)} tras {big(tokens)} tokens" for size, tokens, loss in ends)
    return style.describe(
        figure, f"Curvas de pérdida en lo apartado según los tokens leídos. Al final: {text}."
    )
