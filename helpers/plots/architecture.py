"""Los dibujos de la lección 08: la máscara, el reparto en cabezas, las tres activaciones, los bloques y su carrera."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from helpers.plots import style
from helpers.plots.logits import with_comma
from helpers.spanish import number

INK = "#222222"
PALE = {style.ORANGE: "#FDF3DC", style.GREEN: "#E3F4EE", style.GRAY: "#F2F2F2"}


def masking(names, scores, late):
    """La máscara antes del softmax, paso a paso, y qué pasa si se pone después.

    - `names`: los T tokens; `scores` [T, T]: puntuaciones ya divididas por la raíz de d.
    - `late` [T, T]: los pesos que salen de poner la máscara después del softmax.
    """
    scores = np.asarray(scores)
    hidden = np.triu(np.ones_like(scores, dtype=bool), 1)
    masked = np.where(hidden, -np.inf, scores)
    weights = np.exp(masked) / np.exp(masked).sum(-1, keepdims=True)
    panels = (
        ("1. puntuaciones", scores, 1),
        ("2. lo futuro, a −∞", masked, 1),
        ("3. softmax por filas", weights, 2),
        ("así no: máscara al final", np.asarray(late), 2),
    )
    figure, axes = plt.subplots(1, 4, figsize=(11.4, 3.3), sharey=True)
    for ax, (title, values, decimals) in zip(axes, panels, strict=True):
        top = np.abs(scores).max() if decimals == 1 else 1
        ax.imshow(np.where(np.isinf(values), 0, values), cmap="Blues", vmin=0, vmax=1.3 * top)
        for (row, column), value in np.ndenumerate(values):
            text = "−∞" if np.isinf(value) else number(value, decimals)
            ax.text(column, row, text, ha="center", va="center", fontsize=10)
            if hidden[row, column] and decimals == 2 or np.isinf(value):
                cell = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="///", ec="#C9C9C9", lw=0)
                ax.add_patch(cell)
        if decimals == 2:
            for row, total in enumerate(values.sum(-1)):
                color = INK if abs(total - 1) < 1e-6 else style.RED
                ax.text(len(names) - 0.3, row, f"= {number(total, 2)}", va="center", size=10, color=color)
        color = style.RED if "no" in title else INK
        ax.set_title(title, fontsize=11, color=color)
        ax.set_xticks(range(len(names)), names, fontsize=10)
        ax.set_xlabel("a quién mira")
        ax.grid(False)
        ax.tick_params(length=0)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylabel("quién mira")
    figure.tight_layout(w_pad=2.6)
    return style.describe(
        figure,
        f"Cuatro cuadrículas de {len(names)} por {len(names)}. Las puntuaciones; las mismas con menos infinito por "
        "encima de la diagonal; los pesos tras el softmax, con ceros ahí y filas que suman 1; y lo que sale de poner "
        "la máscara después del softmax, con filas que suman "
        f"{', '.join(number(total, 2) for total in np.asarray(late).sum(-1))}.",
    )


def heads(T: int, d: int, n_head: int):
    """Cómo se reparte x [T, d] en cabezas, y qué hace en su lugar un `view` con las medidas ya cambiadas."""
    tokens, strip = np.divmod(np.arange(T * d), d)
    strip = strip * n_head // d
    right = [np.flatnonzero(strip == head).reshape(T, -1) for head in range(n_head)]
    wrong = np.arange(T * d).reshape(n_head, T, -1)
    figure, axes = plt.subplots(1, 3, figsize=(11, 3), width_ratios=[1, 1.05, 1.05])
    panels = (
        (axes[0], f"x: {T} tokens × {d} números", [np.arange(T * d).reshape(T, d)]),
        (axes[1], "bien: una tira por cabeza", right),
        (axes[2], f"mal: view({n_head}, {T}, {d // n_head})", wrong),
    )
    for ax, title, groups in panels:
        for place, grid in enumerate(groups):
            left = place * (d // n_head + 1)
            for (row, column), cell in np.ndenumerate(grid):
                color = style.PALETTE[strip[cell]]
                ax.add_patch(
                    Rectangle((left + column, -row), 1, -1, fc=color, ec="white", lw=1.5, alpha=0.55)
                )
                ax.text(
                    left + column + 0.5, -row - 0.5, f"t{tokens[cell]}", ha="center", va="center", fontsize=9
                )
            if len(groups) > 1:
                middle = left + grid.shape[1] / 2
                ax.text(
                    middle, -T - 0.25, f"cabeza {place + 1}", ha="center", va="top", fontsize=10, color=INK
                )
        ax.set_title(title, fontsize=11, color=style.RED if "mal" in title else INK)
        ax.set(xlim=(-0.1, d + n_head - 1 + 0.1), ylim=(-T - 0.9, 0.1))
        ax.axis("off")
    figure.tight_layout(w_pad=3)
    return style.describe(
        figure,
        f"Una tabla de {T} tokens por {d} números, con una franja de color por cabeza. Bien repartida, cada cabeza se "
        "lleva su franja de todos los tokens; con view, cada cabeza se lleva franjas de varios colores y no todos los "
        "tokens.",
    )


def activations(x, curves: dict, inputs):
    """Las tres activaciones, lo que separa a las dos GELU y qué entradas les llegan de verdad.

    `curves`: {"tanh", "erf" y "ReLU": valores en `x`}; `inputs`: entradas de la activación en el modelo cargado.
    """
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(11.4, 3.5))
    left.plot(x, curves["ReLU"], color=style.GRAY, ls=":", lw=2.2, label="ReLU")
    left.plot(x, curves["erf"], color=style.SKY, lw=5, alpha=0.6, label="GELU exacta (erf)")
    left.plot(x, curves["tanh"], color=style.RED, ls="--", lw=1.8, label="GELU de GPT-1 (tanh)")
    left.set(title="Tres activaciones", xlabel="entrada", ylabel="salida", xlim=(-3, 3), ylim=(-0.3, 3))
    left.legend(loc="upper left", fontsize=9.5)
    middle.plot(x, 1e4 * (np.asarray(curves["tanh"]) - np.asarray(curves["erf"])), color=style.RED)
    middle.set(title="tanh − erf", xlabel="entrada", ylabel="diferencia (diezmilésimas)", xlim=(-4, 4))
    inputs = np.clip(np.asarray(inputs).ravel(), -5, 5)  # lo que se sale cuenta en el borde
    right.hist(inputs, bins=np.linspace(-5, 5, 51), weights=np.full(inputs.size, 100 / inputs.size),
               color=style.BLUE)  # fmt: skip
    right.set(
        title="Lo que le llega en el modelo", xlabel="entrada", ylabel="% de las entradas", xlim=(-5, 5)
    )
    for ax in (left, middle, right):
        with_comma(ax.yaxis)
    figure.tight_layout()
    negative = number(100 * float((inputs < 0).mean()))
    return style.describe(
        figure,
        "Tres gráficas. Las dos GELU se superponen y bajan un poco de cero antes de apagarse, al contrario que ReLU. "
        "Su diferencia no pasa de unas diezmilésimas. Un histograma de las entradas que recibe la activación en el "
        f"modelo cargado: el {negative} % son negativas.",
    )


def blocks():
    """Un bloque post-LN (GPT-1) y uno pre-LN (GPT-2), uno al lado del otro."""
    figure, ax = plt.subplots(figsize=(10, 4.9), dpi=85)
    figure.subplots_adjust(0, 0, 1, 1)
    ax.set(xlim=(0, 100), ylim=(0, 52))
    ax.axis("off")
    post = [
        ("atención", style.ORANGE),
        "+",
        ("ln_1", style.GRAY),
        ("MLP", style.GREEN),
        "+",
        ("ln_2", style.GRAY),
    ]
    pre = [
        ("ln_1", style.GRAY),
        ("atención", style.ORANGE),
        "+",
        ("ln_2", style.GRAY),
        ("MLP", style.GREEN),
        "+",
    ]
    _tower(ax, 25, "post-LN: GPT-1", post, "la normalización corta\nla línea azul")
    _tower(ax, 75, "pre-LN: GPT-2", pre, "la línea azul llega\nintacta hasta el final")
    return style.describe(
        figure,
        "Dos bloques de abajo arriba. Post-LN, el de GPT-1: atención, suma con la entrada, ln_1, MLP, suma con la "
        "salida de ln_1, ln_2. "
        "Pre-LN, el de GPT-2: ln_1, atención, suma, ln_2, MLP, suma. En post-LN la conexión residual pasa por las "
        "normalizaciones; en pre-LN llega de abajo arriba sin tocarlas.",
    )


def _tower(ax, center, title, parts, note):
    ax.text(center, 49.5, title, ha="center", va="center", weight="bold", size=13, color=INK)
    ax.text(center + 13, 25, note, va="center", size=10.5, color=style.BLUE)
    arrow = {"arrowstyle": "-|>", "mutation_scale": 12, "shrinkA": 0, "shrinkB": 0}
    branch, y = 3.8, 6.0  # dónde sale la conexión residual y dónde va la pieza siguiente
    post = parts[0][0] != "ln_1"  # post-LN: lo que se suma después es lo que sale de la normalización
    ax.text(center, 0.9, "x", ha="center", va="center", size=12, color=INK)
    ax.plot([center, center], [2, branch], color=style.BLUE, lw=2.4)
    for part in parts:
        ax.add_patch(FancyArrowPatch((center, y - 2.2), (center, y), color=style.GRAY, lw=1.4, **arrow))
        if part == "+":
            middle = y + 1.6
            ax.plot([center, center - 14, center - 14], [branch, branch, middle], color=style.BLUE, lw=2.4)
            start, end = (center - 14, middle), (center - 1.4, middle)
            ax.add_patch(FancyArrowPatch(start, end, color=style.BLUE, lw=2.4, **arrow))
            branch, y = (None, middle + 3.9) if post else (middle + 3.4, middle + 5.6)
            if branch is not None:
                ax.plot([center, center], [middle, branch], color=style.BLUE, lw=2.4)
            ax.text(center, middle, "+", ha="center", va="center", size=14, weight="bold", color=style.BLUE,
                    bbox={"boxstyle": "circle,pad=0.1", "fc": "white", "ec": style.BLUE})  # fmt: skip
            continue
        name, color = part
        shape = FancyBboxPatch((center - 9, y), 18, 4.6, boxstyle="round,pad=0,rounding_size=0.8",
                               fc=PALE[color], ec=color, lw=1.4)  # fmt: skip
        ax.add_patch(shape)
        ax.text(center, y + 2.3, name, ha="center", va="center", size=11.5, color=INK)
        y += 6.8
        if branch is None:
            branch = y - 0.6
            ax.plot([center, center], [y - 2.2, branch], color=style.BLUE, lw=2.4)
            y = branch + 2.2
    ax.add_patch(FancyArrowPatch((center, y - 2.2), (center, y + 0.4), color=style.BLUE, lw=2.4, **arrow))


def race(panels: dict, plateau: float):
    """La pérdida de los dos bloques al entrenar: un panel por escala inicial de los pesos.

    - `panels`: {título: {"post-LN": pérdidas por actualización, "pre-LN": …}}; se dibuja la media de cinco.
    - `plateau`: la pérdida, en nats por carácter, de quien solo sabe con qué frecuencia sale cada letra.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(10.4, 3.8), sharey=True)
    ends = []
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for (name, losses), color, line in zip(
            curves.items(), (style.RED, style.BLUE), ("-", "--"), strict=True
        ):
            smooth = np.convolve(losses, np.ones(5) / 5, mode="valid")
            ax.plot(np.arange(len(smooth)) + 5, smooth, color=color, lw=2.2, ls=line, label=name)
            ends.append(f"{title}, {name}, {number(smooth[-1], 2)}")
        ax.axhline(plateau, color=style.GRAY, ls=":", label="solo frecuencias de letras")
        ax.set(title=title, xlabel="actualizaciones")
        with_comma(ax.yaxis)
    axes[0].set_ylabel("pérdida (nats por carácter),\nmedia de 5 actualizaciones")
    axes[-1].legend(loc="upper right")
    figure.tight_layout()
    return style.describe(figure, f"Curvas de pérdida al entrenar. Al final: {'; '.join(ends)}.")
