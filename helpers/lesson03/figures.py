"""Figuras de la lección 03: frases troceadas en tokens, fusiones del BPE y tokens por palabra."""

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from helpers.figures import BLUE, GRAY, ORANGE, describe
from helpers.spanish import number

END_OF_WORD = "</w>"
UNKNOWN = "<unk>"
TINTS = ["#CFE3F1", "#E4E4E4"]  # se alternan de palabra en palabra; encima va texto negro
BASE_TINT, NEW_TINT, UNKNOWN_TINT = "#E4E4E4", "#FBD58A", "#F3B9A0"
GAP = 0.8  # hueco entre palabras, en letras
POINTS, MARK = 12, 8  # tamaño de letra, y el de la marca </w>
INK = "#444444"  # el de la marca: se lee sobre los tonos claros
LETTER = POINTS * 0.602 / 72  # lo que ocupa una letra de ancho fijo, en pulgadas


def piece(token: str) -> str:
    """Un token tal como se enseña: el salto de línea se ve."""
    return token.replace("\n", "↵")


def _canvas(rows, letters, height=0.52):
    """Una figura sin ejes en la que 1 unidad de ancho es 1 letra y 1 de alto, una fila."""
    width = max(letters * LETTER, 5)
    figure = plt.figure(figsize=(width, rows * height))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width / LETTER), ylim=(rows, 0))
    axis.axis("off")
    return figure, axis


def _closes_word(token):
    return token.endswith(END_OF_WORD) or token == UNKNOWN


def _box_width(token):
    """El ancho de su caja, en letras; la marca se escribe más pequeña."""
    mark = len(END_OF_WORD) * MARK / POINTS if token.endswith(END_OF_WORD) else 0
    return len(piece(token.removesuffix(END_OF_WORD))) + mark + 0.9


def _width(tokens, plain=False):
    return sum(_box_width(token) + GAP * (plain or _closes_word(token)) for token in tokens)


def _row(axis, y, tokens, tints, x=0.5, plain=False):
    """Una fila de cajas; las de una misma palabra van pegadas y tras `</w>` hay un hueco. Devuelve la x final.

    Con `plain` son palabras, y no tokens: ninguna lleva marca y todas van separadas.
    """
    for token, tint in zip(tokens, tints, strict=True):
        text, marked = piece(token.removesuffix(END_OF_WORD)), token.endswith(END_OF_WORD)
        width = _box_width(token)
        box = FancyBboxPatch(
            (x, y + 0.16),
            width,
            0.68,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor=tint,
            edgecolor="white",
            linewidth=1.2,
        )
        axis.add_patch(box)
        style = {"va": "center_baseline", "family": "monospace"}
        axis.text(x + 0.45, y + 0.5, text, fontsize=POINTS, **style)
        if marked:
            axis.text(x + 0.45 + len(text), y + 0.5, END_OF_WORD, fontsize=MARK, color=INK, **style)
        x += width + GAP * (plain or _closes_word(token))
    return x


def _by_word(tokens, plain=False):
    """Dos tonos que se alternan de palabra en palabra; lo desconocido lleva el suyo."""
    tints, word = [], 0
    for token in tokens:
        tints.append(UNKNOWN_TINT if token == UNKNOWN else TINTS[word % len(TINTS)])
        word += plain or _closes_word(token)
    return tints


def _label(axis, y, text, **style):
    axis.text(0.5, y + 0.62, text, va="center", **{"fontsize": POINTS - 1, **style})


def pipeline(stages):
    """El camino de una frase: `stages` es una lista de (nombre del paso, trozos en que queda)."""
    last = len(stages) - 1
    letters = max(_width(pieces, plain=index < last) for index, (_, pieces) in enumerate(stages)) + 1
    figure, axis = _canvas(2 * len(stages) + 1, letters, height=0.42)
    _label(axis, 0, "De la frase a los tokens, paso a paso", weight="bold", fontsize=POINTS + 1)
    for index, (name, pieces) in enumerate(stages):
        y, plain = 1 + 2 * index, index < last
        _label(axis, y, name, color=GRAY)
        _row(axis, y + 0.9, pieces, _by_word(pieces, plain), plain=plain)
    return describe(
        figure,
        "La misma frase en cada paso. "
        + " ".join(f"{name}: {' | '.join(map(piece, pieces))}." for name, pieces in stages),
    )


def merges(word, steps):
    """Las fusiones de una palabra: `steps` es una lista de (número de fusión o None, trozos)."""
    letters = _width(steps[0][1]) + 22
    figure, axis = _canvas(len(steps) + 1, letters, height=0.4)
    _label(axis, 0, f"«{word}», de letras a tokens", weight="bold", fontsize=POINTS + 1)
    before = set()
    for y, (rank, pieces) in enumerate(steps, 1):
        tints = [NEW_TINT if rank is not None and part not in before else BASE_TINT for part in pieces]
        end = _row(axis, y, pieces, tints)
        note = "letras sueltas" if rank is None else f"fusión n.º {number(rank + 1)}"
        axis.text(end + 1, y + 0.52, note, va="center", fontsize=POINTS - 2, color=GRAY)
        before = set(pieces)
    told = "; ".join(" ".join(map(piece, pieces)) for _, pieces in steps)
    return describe(
        figure, f"Las fusiones que convierten las letras de «{word}» en tokens, una por fila: {told}."
    )


def compare(examples, names):
    """Las mismas frases según dos tokenizadores: `examples` es una lista de (frase, tokens de uno, tokens del otro)."""
    rows = [tokens for _, *both in examples for tokens in both]
    figure, axis = _canvas(3.3 * len(examples) + 1, max(map(_width, rows)) + 16, height=0.4)
    _label(axis, 0, "Dos tokenizadores con el mismo vocabulario", weight="bold", fontsize=POINTS + 1)
    told = []
    for index, (text, *both) in enumerate(examples):
        y = 1.2 + 3.3 * index
        _label(axis, y - 0.1, text, style="italic")
        for row, (name, tokens) in enumerate(zip(names, both, strict=True), 1):
            axis.text(
                14,
                y + row + 0.42,
                f"{name} ({len(tokens)})",
                ha="right",
                va="center",
                fontsize=POINTS - 2,
                color=GRAY,
            )
            _row(axis, y + row - 0.1, tokens, _by_word(tokens), x=15)
            told.append(f"{name}: {' | '.join(map(piece, tokens))}")
    return describe(figure, "Cada frase troceada por los dos tokenizadores. " + ". ".join(told) + ".")


def compression(merge_counts, tokens_per_word):
    """Tokens por palabra según cuántas fusiones se usan (dos listas igual de largas)."""
    figure, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    axis.plot(merge_counts, tokens_per_word, marker="o", color=BLUE)
    axis.axhline(1, color=GRAY, linestyle="--", linewidth=1)
    axis.text(merge_counts[-1], 0.96, "una palabra, un token", ha="right", va="top", color=GRAY, fontsize=10)
    for place in (0, len(merge_counts) - 1):
        label = number(tokens_per_word[place], 2)
        axis.annotate(
            label, (merge_counts[place], tokens_per_word[place]), (8, 8), textcoords="offset points"
        )
    axis.set(
        title="Las primeras fusiones son las que más ahorran",
        xlabel="fusiones que se usan",
        ylabel="tokens por palabra",
        ylim=(0.7, max(tokens_per_word) * 1.12),
        xlim=(None, merge_counts[-1] * 1.06),
    )
    axis.yaxis.set_major_formatter(lambda value, _: number(value, 1))
    axis.xaxis.set_major_formatter(lambda value, _: number(value))
    return describe(
        figure,
        f"Curva que baja de {number(tokens_per_word[0], 2)} tokens por palabra sin ninguna fusión a "
        f"{number(tokens_per_word[-1], 2)} con todas; casi toda la bajada ocurre al principio.",
    )


def fertility(pairs, totals):
    """Tokens por palabra en inglés y en español.

    `pairs`: lista de (frase en español, valor en inglés, valor en español) con el tokenizador de GPT-1.
    `totals`: lista de (tokenizador, valor en inglés, valor en español) sobre todas las frases juntas.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.6, 4.4), width_ratios=(1.25, 1), layout="constrained", sharex=False
    )
    for y, (_, english, spanish) in enumerate(pairs):
        left.plot([english, spanish], [y, y], color=GRAY, linewidth=1.5, zorder=1)
    left.scatter(
        [english for _, english, _ in pairs], range(len(pairs)), color=BLUE, s=45, label="inglés", zorder=2
    )
    left.scatter(
        [spanish for *_, spanish in pairs], range(len(pairs)), color=ORANGE, s=45, label="español", zorder=2
    )
    left.set_yticks(range(len(pairs)), [text for text, *_ in pairs], fontsize=9.5)
    left.invert_yaxis()
    left.set(title="Frase a frase, GPT-1", xlabel="tokens por palabra")
    for index, colour in enumerate((BLUE, ORANGE)):
        places = [y + (index - 0.5) * 0.36 for y in range(len(totals))]
        bars = right.barh(places, [values[index] for _, *values in totals], height=0.36, color=colour)
        right.bar_label(bars, [number(values[index], 2) for _, *values in totals], padding=3)
    right.set_yticks(range(len(totals)), [name for name, *_ in totals])
    right.invert_yaxis()
    right.set_xlim(right=1.18 * max(max(values) for _, *values in totals))
    right.set(title="Las diez frases juntas", xlabel="tokens por palabra")
    right.grid(axis="y", visible=False)
    for axis in (left, right):
        axis.xaxis.set_major_formatter(lambda value, _: number(value, 2).rstrip("0").rstrip(","))
    figure.legend(loc="outside lower center", ncols=2)
    summary = "; ".join(f"{name}, {number(en, 2)} y {number(es, 2)}" for name, en, es in totals)
    return describe(
        figure,
        "A la izquierda, cada frase lleva dos puntos: tokens por palabra en inglés y en español; el del español queda "
        f"siempre a la derecha. A la derecha, las medias en inglés y en español: {summary}.".replace(
            "\n", " "
        ),
    )
