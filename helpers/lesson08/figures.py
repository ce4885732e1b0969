"""Las figuras de la lección 08: las piezas de la arquitectura, su carrera y lo que se ve dentro del modelo."""

from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from helpers.figures import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PALETTE,
    RED,
    SKY,
    arrow,
    box,
    canvas,
    describe,
    readable,
    with_comma,
)
from helpers.spanish import number, signed


def masked_softmax(scores):
    """Puntuaciones [T, T] → (las mismas con −∞ en lo futuro, sus pesos tras el softmax por filas), las dos [T, T]."""
    scores = np.asarray(scores)
    masked = np.where(_future(scores), -np.inf, scores)
    return masked, np.exp(masked) / np.exp(masked).sum(-1, keepdims=True)


def _future(square):
    """Máscara booleana [T, T]: lo que cae por encima de la diagonal, que es lo que un token no puede mirar."""
    return np.triu(np.ones_like(square, dtype=bool), 1)


def split_in_heads(T: int, d: int, n_head: int):
    """Las casillas de x [T, d], numeradas por filas, que le tocan a cada cabeza: (bien repartidas, con un `view`).

    Las dos, [n_head, T, d / n_head]: bien, a cada cabeza le toca una tira de columnas; con `view`, casillas seguidas.
    """
    cells = np.arange(T * d)
    right = np.stack(np.split(cells.reshape(T, d), n_head, axis=1))
    return right, cells.reshape(n_head, T, -1)


def input_shares(inputs, edges):
    """(% de `inputs` que cae en cada tramo de `edges`, % de negativas). Lo que se sale cuenta en el tramo del borde."""
    inputs = np.clip(np.asarray(inputs).ravel(), edges[0], edges[-1])
    weights = np.full(inputs.size, 100 / inputs.size)
    return np.histogram(inputs, edges, weights=weights)[0], 100 * float((inputs < 0).mean())


def moving_average(values, window: int):
    """La media de cada `window` valores seguidos: [n] → [n - window + 1]."""
    return np.convolve(values, np.ones(window) / window, mode="valid")


def by_distance(similarity):
    """Parecidos [P, P] → (distancias de 1 a 3P/4, media de las parejas a esa distancia)."""
    similarity = np.asarray(similarity)
    gaps = np.arange(1, 3 * len(similarity) // 4)  # más lejos quedan pocas parejas que promediar
    return gaps, [similarity.diagonal(gap).mean() for gap in gaps]


def masking(names, scores, late):
    """La máscara antes del softmax, paso a paso, y qué pasa si se pone después.

    - `names`: los T tokens; `scores` [T, T]: puntuaciones ya divididas por la raíz de d.
    - `late` [T, T]: los pesos que salen de poner la máscara después del softmax.
    """
    scores, late = np.asarray(scores), np.asarray(late)
    masked, weights = masked_softmax(scores)
    hidden, late_totals = _future(scores), late.sum(-1)
    panels = (
        ("1. puntuaciones", scores, 1, ()),
        ("2. lo futuro, a −∞", masked, 1, ()),
        ("3. softmax por filas", weights, 2, weights.sum(-1)),
        ("así no: máscara al final", late, 2, late_totals),
    )
    figure, axes = plt.subplots(1, 4, figsize=(11.4, 3.3), sharey=True)
    for ax, (title, values, decimals, totals) in zip(axes, panels, strict=True):
        top = np.abs(scores).max() if decimals == 1 else 1
        ax.imshow(np.where(np.isinf(values), 0, values), cmap="Blues", vmin=0, vmax=1.3 * top)
        for (row, column), value in np.ndenumerate(values):
            text = "−∞" if np.isinf(value) else number(value, decimals)
            ax.text(column, row, text, ha="center", va="center", fontsize=10)
            if hidden[row, column] and decimals == 2 or np.isinf(value):
                cell = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, hatch="///", ec="#C9C9C9", lw=0)
                ax.add_patch(cell)
        for row, total in enumerate(totals):
            color = INK if abs(total - 1) < 1e-6 else RED
            ax.text(len(names) - 0.3, row, f"= {number(total, 2)}", va="center", size=10, color=color)
        color = RED if "no" in title else INK
        ax.set_title(title, fontsize=11, color=color)
        ax.set_xticks(range(len(names)), names, fontsize=10)
        ax.set_xlabel("a quién mira")
        ax.grid(False)
        ax.tick_params(length=0)
    axes[0].set_yticks(range(len(names)), names)
    axes[0].set_ylabel("quién mira")
    figure.tight_layout(w_pad=2.6)
    return describe(
        figure,
        f"Cuatro cuadrículas de {len(names)} por {len(names)}. Las puntuaciones; las mismas con menos infinito por "
        "encima de la diagonal; los pesos tras el softmax, con ceros ahí y filas que suman 1; y lo que sale de poner "
        "la máscara después del softmax, con filas que suman "
        f"{', '.join(number(total, 2) for total in late_totals)}.",
    )


def heads(T: int, d: int, n_head: int):
    """Cómo se reparte x [T, d] en cabezas, y qué hace en su lugar un `view` con las medidas ya cambiadas."""
    right, wrong = split_in_heads(T, d, n_head)
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
                token, column_of_x = divmod(cell, d)
                color = PALETTE[column_of_x * n_head // d]
                ax.add_patch(
                    Rectangle((left + column, -row), 1, -1, fc=color, ec="white", lw=1.5, alpha=0.55)
                )
                ax.text(left + column + 0.5, -row - 0.5, f"t{token}", ha="center", va="center", fontsize=9)
            if len(groups) > 1:
                middle = left + grid.shape[1] / 2
                ax.text(
                    middle, -T - 0.25, f"cabeza {place + 1}", ha="center", va="top", fontsize=10, color=INK
                )
        ax.set_title(title, fontsize=11, color=RED if "mal" in title else INK)
        ax.set(xlim=(-0.1, d + n_head - 1 + 0.1), ylim=(-T - 0.9, 0.1))
        ax.axis("off")
    figure.tight_layout(w_pad=3)
    return describe(
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
    left.plot(x, curves["ReLU"], color=GRAY, ls=":", lw=2.2, label="ReLU")
    left.plot(x, curves["erf"], color=SKY, lw=5, alpha=0.6, label="GELU exacta (erf)")
    left.plot(x, curves["tanh"], color=RED, ls="--", lw=1.8, label="GELU de GPT-1 (tanh)")
    left.set(title="Tres activaciones", xlabel="entrada", ylabel="salida", xlim=(-3, 3), ylim=(-0.3, 3))
    left.legend(loc="upper left", fontsize=9.5)
    middle.plot(x, 1e4 * (np.asarray(curves["tanh"]) - np.asarray(curves["erf"])), color=RED)
    middle.set(title="tanh − erf", xlabel="entrada", ylabel="diferencia (diezmilésimas)", xlim=(-4, 4))
    edges = np.linspace(-5, 5, 51)
    shares, negative = input_shares(inputs, edges)
    right.hist(edges[:-1], bins=edges, weights=shares, color=BLUE)
    right.set(
        title="Lo que le llega en el modelo", xlabel="entrada", ylabel="% de las entradas", xlim=(-5, 5)
    )
    for ax in (left, middle, right):
        with_comma(ax.yaxis)
    figure.tight_layout()
    return describe(
        figure,
        "Tres gráficas. Las dos GELU se superponen y bajan un poco de cero antes de apagarse, al contrario que ReLU. "
        "Su diferencia no pasa de unas diezmilésimas. Un histograma de las entradas que recibe la activación en el "
        f"modelo cargado: el {number(negative)} % son negativas.",
    )


def blocks():
    """Un bloque post-LN (GPT-1) y uno pre-LN (GPT-2), uno al lado del otro."""
    figure, ax = canvas((10, 4.9), (0, 100), (0, 52), dpi=85)
    post = [
        ("atención", ORANGE),
        "+",
        ("ln_1", GRAY),
        ("MLP", GREEN),
        "+",
        ("ln_2", GRAY),
    ]
    pre = [
        ("ln_1", GRAY),
        ("atención", ORANGE),
        "+",
        ("ln_2", GRAY),
        ("MLP", GREEN),
        "+",
    ]
    _tower(ax, 25, "post-LN: GPT-1", post, "la normalización corta\nla línea azul")
    _tower(ax, 75, "pre-LN: GPT-2", pre, "la línea azul llega\nintacta hasta el final")
    return describe(
        figure,
        "Dos bloques de abajo arriba. Post-LN, el de GPT-1: atención, suma con la entrada, ln_1, MLP, suma con la "
        "salida de ln_1, ln_2. "
        "Pre-LN, el de GPT-2: ln_1, atención, suma, ln_2, MLP, suma. En post-LN la conexión residual pasa por las "
        "normalizaciones; en pre-LN llega de abajo arriba sin tocarlas.",
    )


def _tower(ax, center, title, parts, note):
    ax.text(center, 49.5, title, ha="center", va="center", weight="bold", size=13, color=INK)
    ax.text(center + 13, 25, note, va="center", size=10.5, color=BLUE)
    branch, y = 3.8, 6.0  # dónde sale la conexión residual y dónde va la pieza siguiente
    post = parts[0][0] != "ln_1"  # post-LN: lo que se suma después es lo que sale de la normalización
    ax.text(center, 0.9, "x", ha="center", va="center", size=12, color=INK)
    ax.plot([center, center], [2, branch], color=BLUE, lw=2.4)
    for part in parts:
        arrow(ax, (center, y - 2.2), (center, y), lw=1.4)
        if part == "+":
            middle = y + 1.6
            ax.plot([center, center - 14, center - 14], [branch, branch, middle], color=BLUE, lw=2.4)
            arrow(ax, (center - 14, middle), (center - 1.4, middle), BLUE, lw=2.4)
            branch, y = (None, middle + 3.9) if post else (middle + 3.4, middle + 5.6)
            if branch is not None:
                ax.plot([center, center], [middle, branch], color=BLUE, lw=2.4)
            ax.text(center, middle, "+", ha="center", va="center", size=14, weight="bold", color=BLUE,
                    bbox={"boxstyle": "circle,pad=0.1", "fc": "white", "ec": BLUE})  # fmt: skip
            continue
        name, color = part
        box(ax, (center - 9, y), (18, 4.6), name, color, size=11.5)
        y += 6.8
        if branch is None:
            branch = y - 0.6
            ax.plot([center, center], [y - 2.2, branch], color=BLUE, lw=2.4)
            y = branch + 2.2
    arrow(ax, (center, y - 2.2), (center, y + 0.4), BLUE, lw=2.4)


AVERAGED = 5  # actualizaciones que promedia cada punto de `race`


def race(panels: dict, plateau: float):
    """La pérdida de los dos bloques al entrenar: un panel por escala inicial de los pesos.

    - `panels`: {título: {"post-LN": pérdidas por actualización, "pre-LN": …}}; se dibuja la media de cinco.
    - `plateau`: la pérdida, en nats por carácter, de quien solo sabe con qué frecuencia sale cada letra.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(10.4, 3.8), sharey=True)
    ends = []
    for ax, (title, curves) in zip(axes, panels.items(), strict=True):
        for (name, losses), color, line in zip(curves.items(), (RED, BLUE), ("-", "--"), strict=True):
            smooth = moving_average(losses, AVERAGED)
            ax.plot(np.arange(len(smooth)) + AVERAGED, smooth, color=color, lw=2.2, ls=line, label=name)
            ends.append(f"{title}, {name}, {number(smooth[-1], 2)}")
        ax.axhline(plateau, color=GRAY, ls=":", label="solo frecuencias de letras")
        ax.set(title=title, xlabel="actualizaciones")
        with_comma(ax.yaxis)
    axes[0].set_ylabel(f"pérdida (nats por carácter),\nmedia de {AVERAGED} actualizaciones")
    axes[-1].legend(loc="upper right")
    figure.tight_layout()
    return describe(figure, f"Curvas de pérdida al entrenar. Al final: {'; '.join(ends)}.")


def positions(similarity):
    """El parecido (coseno) entre embeddings de posición [P, P] y su media según la distancia."""
    similarity = np.asarray(similarity)
    size = len(similarity)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.6, 4.2), width_ratios=[1, 1.15])
    image = left.imshow(similarity, cmap="cividis", vmin=similarity.min(), vmax=1)
    left.set(title="Parecido entre posiciones", xlabel="posición", ylabel="posición")
    left.grid(False)
    bar = figure.colorbar(image, ax=left, shrink=0.85, label="coseno")
    with_comma(bar.ax.yaxis)
    gaps, means = by_distance(similarity)
    right.plot(gaps, means, color=BLUE, lw=2.2)
    right.axhline(0, color=GRAY, lw=1)
    right.set(title="…y según la distancia", xlabel="distancia (tokens)", ylabel="coseno medio")
    with_comma(right.yaxis)
    figure.tight_layout()
    shown = ", ".join(f"a {gap}, {number(means[gap - 1], 2)}" for gap in (1, size // 8, size // 2))
    return describe(
        figure,
        f"Mapa de {size} por {size} con el coseno entre embeddings de posición y curva de su media según la distancia: "
        f"{shown}.",
    )


MANY = 10  # veces el reparto igual: de ahí en adelante, el color ya no sube


def head_scores(panels: dict):
    """Una cuadrícula de bloques por cabezas para cada cosa que se puede mirar: cuántas veces el reparto igual.

    `panels`: {qué se mira: (matriz [bloques, cabezas] con la atención media, lo que daría repartirla por igual)}. Todas
    comparten la escala de color; se recuadra la que más mira, si llega al doble del reparto igual.
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(11.6, 3.6), sharey=True, layout="constrained")
    said = []
    for ax, (name, (scores, uniform)) in zip(axes, panels.items(), strict=True):
        times = np.asarray(scores) / uniform
        rows, columns = times.shape
        image = ax.imshow(times, cmap="Blues", vmin=1, vmax=MANY, aspect="auto")
        if rows * columns <= 36:  # con las 144 cabezas de GPT-1 no caben los números
            for (row, column), value in np.ndenumerate(times):
                color = "white" if value > 0.6 * MANY else "black"
                ax.text(
                    column, row, f"×{number(value, 1)}", ha="center", va="center", fontsize=10, color=color
                )
        row, column = np.unravel_index(times.argmax(), times.shape)
        if times.max() >= 2:
            ax.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, fill=False, ec=RED, lw=2.5))
        every = -(-columns // 6)  # con 12 cabezas, un número de cada dos: los demás no caben
        ax.set_xticks(range(every - 1, columns, every), range(every, columns + 1, every))
        ax.set_yticks(range(rows), range(1, rows + 1))
        ax.set_title(fill(name, 76 // len(panels)), fontsize=10.5)
        ax.set_xlabel("cabeza")
        ax.grid(False)
        ax.tick_params(length=0)
        said.append(f"{name}, {number(times.max(), 1)} (bloque {row + 1}, cabeza {column + 1})")
    axes[0].set_ylabel("bloque")
    figure.colorbar(image, ax=axes, label="veces el reparto igual", extend="max", pad=0.01)
    return describe(
        figure,
        f"Cuadrículas de bloques por cabezas, en veces el reparto igual. La que más mira: {'; '.join(said)}.",
    )


def silenced(panels: dict):
    """Cuánto sube la perplejidad al apagar cada cabeza. `panels`: {con qué se sustituye: % [bloques, cabezas]}."""
    figure, axes = plt.subplots(1, len(panels), figsize=(9.6, 3.6), sharey=True)
    top = max(np.max(rises) for rises in panels.values())
    said = []
    for ax, (name, rises) in zip(axes, panels.items(), strict=True):
        rises = np.asarray(rises)
        image = ax.imshow(rises, cmap="Oranges", vmin=0, vmax=top, aspect="auto")
        if rises.size <= 36:  # con las 144 cabezas de GPT-1 no caben los números
            for (row, column), value in np.ndenumerate(rises):
                color = "white" if value > 0.6 * top else "black"
                text = f"{signed(value, 0)} %"
                ax.text(column, row, text, ha="center", va="center", fontsize=11, color=color)
        ax.set_xticks(range(rises.shape[1]), range(1, rises.shape[1] + 1))
        ax.set_yticks(range(rises.shape[0]), range(1, rises.shape[0] + 1))
        ax.set(title=f"en su lugar, {name}", xlabel="cabeza")
        ax.grid(False)
        ax.tick_params(length=0)
        first, second = np.sort(rises, axis=None)[::-1][:2]
        row, column = np.unravel_index(rises.argmax(), rises.shape)
        said.append(
            f"{name}: la {column + 1} del bloque {row + 1}, {number(first)} %, y la siguiente, {number(second)} %"
        )
    axes[0].set_ylabel("bloque")
    figure.colorbar(image, ax=axes, label="cuánto sube la perplejidad (%)")
    return describe(
        figure, f"Cuadrículas de bloques por cabezas. La que más falta hace, con {'; con '.join(said)}."
    )


SELF, RIGHT = "#FBDDB5", "#BFDCEE"  # se lee a sí mismo; acierta el que venía


def lens(tokens, names):
    """La lente de logits: qué token sale de leer cada profundidad en cada posición.

    `tokens`: los T leídos; `names` [L + 1][T]: el más probable a cada profundidad. El color dice si es el mismo token
    que se acaba de leer, el que venía o ninguno de los dos.
    """
    depth = len(names)
    figure, ax = plt.subplots(figsize=(11.4, 0.46 * depth + 1.9))
    room = 860 / len(tokens)  # puntos de ancho por casilla, entre lo que ocupa una letra de tamaño 1
    for row, line in enumerate(names):
        for column, name in enumerate(line):
            came = column + 1 < len(tokens) and name == tokens[column + 1]
            face = SELF if name == tokens[column] else RIGHT if came else "white"
            ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fc=face, ec="#D5D5D5", lw=0.8))
            text = readable(name)
            size = min(9.5, room / len(text))  # un token largo se escribe más pequeño, para que no se salga
            weight = "bold" if came else "normal"
            ax.text(column, row, text, ha="center", va="center", fontsize=size, color=INK, weight=weight)
    ax.set(xlim=(-0.5, len(tokens) - 0.5), ylim=(-0.5, depth - 0.5))
    ax.set_yticks(range(depth), ["embeddings", *(f"bloque {layer}" for layer in range(1, depth))])
    ax.set_xticks(range(len(tokens)), [readable(token) for token in tokens])
    ax.set(
        title="Lo que diría el modelo a cada profundidad",
        xlabel="token de la entrada",
        ylabel="estado que se lee",
    )
    ax.grid(False)
    ax.tick_params(length=0)
    marks = [Rectangle((0, 0), 1, 1, fc=face, ec="#D5D5D5") for face in (SELF, RIGHT)]
    ax.legend(
        marks,
        ["el mismo que acaba de leer", "el que venía"],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
    )
    figure.tight_layout()
    first, last = (", ".join(readable(name) for name in line) for line in (names[0], names[-1]))
    return describe(
        figure,
        f"Cuadrícula de profundidades por posiciones. Tras leer {', '.join(readable(token) for token in tokens)}: en "
        f"los embeddings se lee {first}; tras el último bloque, {last}.",
    )


def depths(repeats, hits):
    """% de posiciones en que se lee el mismo token de la entrada, y en que se acierta el siguiente, por profundidad."""
    figure, ax = plt.subplots(figsize=(7.4, 3.4))
    places = range(len(repeats))
    for shares, color, line, name in (
        (repeats, ORANGE, "o-", "repite el que acaba de leer"),
        (hits, BLUE, "s--", "acierta el que viene"),
    ):
        ax.plot(places, [100 * share for share in shares], line, color=color, lw=2.2, label=name)
    ax.set(title="De «lo que soy» a «lo que viene»", ylabel="% de posiciones", ylim=(-3, 103))
    ax.set_xlabel("profundidad: embeddings y bloques")
    ax.set_xticks(places, ["emb.", *map(str, places[1:])])
    ax.legend(loc="upper right")
    figure.tight_layout()
    one, other = (", ".join(number(100 * share) for share in shares) for shares in (repeats, hits))
    return describe(
        figure,
        f"Dos curvas según la profundidad. Porcentaje de posiciones que repiten lo leído: {one}. Que aciertan lo que "
        f"viene: {other}.",
    )


MOST = 100  # veces la perplejidad de elegir a ciegas: de ahí en adelante la cifra ya no dice nada


def told(value: float, blind: float) -> str:
    """La perplejidad en letra, o «más de…» si pasa de cien veces la de elegir a ciegas."""
    return number(value) if value <= MOST * blind else f"más de {number(MOST * blind)}"


def details(rows, right: float, blind: float):
    """La perplejidad del modelo con cada detalle estropeado.

    - `rows`: lista de (detalle, perplejidad); `right`: la del modelo bien hecho; `blind`: la de elegir a ciegas.
    """
    figure, ax = plt.subplots(figsize=(9.6, 0.34 * len(rows) + 1.4))
    places = range(len(rows))
    values = [min(value, MOST * blind) for _, value in rows]  # una cifra enorme apretaría las demás
    harmless = [value < 1.01 * right for value in values]
    ax.scatter(values, places, color=[SKY if same else RED for same in harmless], s=62, zorder=3)
    for place, value, (_, real) in zip(places, values, rows, strict=True):
        free = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # que no lo cruce una línea
        ax.text(1.25 * max(value, right), place, told(real, blind), va="center", fontsize=10, bbox=free)
    ax.axvline(right, color=BLUE, lw=2, ls="--", label=f"bien hecho: {number(right)}")
    ax.axvline(blind, color=GRAY, lw=1.5, ls=":", label=f"a ciegas: {number(blind)}")
    ax.set_xscale("log")
    ax.set_xlim(0.6 * right, 20 * max(*values, blind))
    ax.xaxis.set_major_formatter(lambda value, _: number(value))
    ax.set_yticks(places, [name for name, _ in rows])
    ax.set(title="Un detalle mal y el mismo modelo", xlabel="perplejidad (escala logarítmica)")
    ax.invert_yaxis()
    ax.legend(loc="upper right")
    figure.tight_layout()
    listed = "; ".join(f"{name}, {told(value, blind)}" for name, value in rows)
    return describe(figure, f"Un punto de perplejidad por detalle. Bien hecho, {number(right)}. {listed}.")
