"""Las figuras que presentan el curso: el mapa, el token siguiente, lo que hace `gather` y la portada del README."""

from typing import NamedTuple

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from helpers.figures import BLUE, FILLS, GRAY, INK, ORANGE, arrow, box, canvas, describe
from helpers.spanish import number

PAPER, NIGHT = "#FFFFFF", "#0B3C5D"
BLOCK_COLORS = ["#DCEAF4", "#C3DBED", "#A9CCE5", "#8FBDDD"]


class Lesson(NamedTuple):
    """Una lección en el mapa: título, lecciones en que se apoya y su sitio en la cuadrícula (columna, fila)."""

    title: str
    needs: tuple[str, ...]
    place: tuple[float, float]


LESSONS = {
    "00": Lesson("Empieza\naquí", (), (0, 1)),
    "01": Lesson("La idea\ndel artículo", ("00",), (1, 2)),
    "02": Lesson("La\nconfiguración", ("01",), (2, 2)),
    "03": Lesson("De texto\na tokens", ("00",), (1, 1)),
    "04": Lesson("Logits\ny softmax", ("03",), (2, 1)),
    "05": Lesson("El bucle de\ngeneración", ("04",), (3, 1)),
    "06": Lesson("Ajuste\nfino", ("05",), (4, 1)),
    "07": Lesson("Disparo\ncero", ("05",), (4, 0)),
    "08": Lesson("Arquitectura\ndesde cero", ("02", "05"), (4, 2)),
    "09": Lesson("Preentrena-\nmiento", ("08",), (5, 2)),
    "10": Lesson("Lectura\ncrítica", ("06", "07"), (5, 0.5)),
}


def course_map():
    """El mapa de las lecciones: una flecha de A a B dice que B se apoya en A."""
    figure, axes = canvas((9.2, 4.3), (-0.45, 5.45), (-0.62, 2.4), top=0.92)
    for lesson in LESSONS.values():
        for need in lesson.needs:
            (x0, y0), (x1, y1) = LESSONS[need].place, lesson.place
            arrow(axes, (x0 + 0.41, y0), (x1 - 0.41, y1), BLUE, lw=1.6)
    for name, lesson in LESSONS.items():
        _lesson_box(axes, name, lesson)
    axes.set_title("El mapa del curso: cada flecha dice qué lección se apoya en cuál")
    arrows = "; ".join(
        f"{name} se apoya en {' y '.join(one.needs)}" for name, one in LESSONS.items() if one.needs
    )
    titles = ", ".join(f"{name} {_plain(one.title)}" for name, one in LESSONS.items())
    return describe(figure, f"Mapa del curso con {len(LESSONS)} lecciones: {titles}. {arrows}.")


def next_token(prompt: str, candidates: list[tuple[str, float]], model: str):
    """Barras con los tokens más probables tras `prompt`: `candidates` son (token, probabilidad de 0 a 1)."""
    words, values = zip(*((word.strip() or "↵", value) for word, value in candidates), strict=True)
    figure, axes = plt.subplots(figsize=(8, 0.36 * len(words) + 1.3))
    colors = [ORANGE] + [BLUE] * (len(words) - 1)
    bars = axes.barh(range(len(words)), [100 * value for value in values], color=colors, height=0.72)
    axes.bar_label(bars, labels=[f"{number(100 * value, 1)} %" for value in values], padding=4, size=10)
    axes.set(yticks=range(len(words)), xlabel="probabilidad (%)", ylabel="token siguiente")
    axes.set_yticklabels(words, family="monospace")
    axes.set_title(f"¿Qué viene después de «{prompt}»?\nLos {len(words)} tokens más probables según {model}")
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0, 100 * values[0] * 1.15)
    described = ", ".join(f"{word} {number(100 * value, 1)} %" for word, value in candidates)
    return describe(figure, f"Barras: tokens más probables tras «{prompt}» según {model}: {described}.")


def gather(beginnings: list[str], words: list[str], probs: list[list[float]]):
    """Qué hace `gather`: la fila i de `probs` (de 0 a 1, comienzos por palabras) elige la columna de `words[i]`.

    Las columnas van por orden alfabético, para que las elegidas no caigan en la diagonal.
    """
    rows, order = len(beginnings), sorted(range(len(words)), key=lambda place: words[place])
    out = 10 * len(words) + 16  # la x de lo que sale
    figure, axes = canvas((10, 0.6 * rows + 1.2), (-46, out + 10), (0, 10 * rows + 6), top=0.88)
    for column, place in enumerate(order):
        axes.text(
            10 * column + 4.5,
            10 * rows + 2,
            words[place],
            ha="center",
            size=11.5,
            family="monospace",
            color=INK,
        )
    axes.text(out + 4.5, 10 * rows + 2, "sale", ha="center", size=12, weight="bold", color=INK)
    for row, beginning in enumerate(beginnings):
        y = 10 * (rows - 1 - row) + 1
        axes.text(-2, y + 4, f"{beginning}…", ha="right", va="center", size=11.5, color=INK)
        for column, place in enumerate(order):
            _cell(axes, (10 * column, y), probs[row][place], place == row)
        arrow(axes, (10 * len(words) + 1, y + 4), (out - 2, y + 4), ORANGE)
        _cell(axes, (out, y), probs[row][row], True)
    axes.set_title("gather: de cada fila, la casilla que dice su id")
    told = "; ".join(
        f"de «{beginning}», la de «{words[row]}», {_percent(probs[row][row])}"
        for row, beginning in enumerate(beginnings)
    )
    return describe(
        figure,
        f"Tabla de {rows} comienzos por {len(words)} palabras con sus probabilidades, y la casilla que toma gather en "
        f"cada fila: {told}.",
    )


def _cell(axes, corner, p, chosen):
    box(
        axes,
        corner,
        (9, 8),
        _percent(p),
        ORANGE if chosen else GRAY,
        weight="bold" if chosen else "normal",
        size=11,
    )


def _percent(p: float) -> str:
    return "< 0,1 %" if p < 5e-4 else f"{number(100 * p, 1)} %"


def cover(tokens: list[tuple[str, int]], candidates: list[tuple[str, float]], blocks: int, model: str):
    """La portada: tokens (texto, id) → `blocks` bloques → probabilidades (token, de 0 a 1), y las dos etapas."""
    figure, axes = canvas((12, 6.3), (0, 120), (0, 63))
    axes.axhspan(48.5, 63, color=NIGHT)
    axes.text(5, 57.4, "GPT-1, de dentro afuera", size=31, weight="bold", color=PAPER, va="center")
    subtitle = "Leer el artículo de 2018, abrir el modelo y hacerlo escribir. Un curso en español."
    axes.text(5, 51.9, subtitle, size=14.5, color="#BFD9EA", va="center")
    for x, title in ((5, "1 · el texto, en tokens"), (57.5, "2 · el modelo"), (84, "3 · ¿qué token viene?")):
        axes.text(x, 43.6, title, size=13.5, weight="bold", color=NIGHT)
    _cover_tokens(axes, tokens)
    _cover_blocks(axes, blocks)
    _cover_bars(axes, candidates)
    _cover_stages(axes)
    axes.text(115, 1.5, f"Tokens y probabilidades: salida real de {model}", size=9.5, ha="right", color=GRAY)
    return describe(
        figure,
        f"Portada: el texto «{' '.join(text for text, _ in tokens)}» se parte en tokens, pasa por {blocks} bloques y "
        f"sale la probabilidad de cada token siguiente, con «{candidates[0][0]}» en cabeza. Debajo, las dos etapas: "
        "preentrenamiento y ajuste fino.",
    )


def _cover_tokens(axes, tokens):
    x, y = 5.0, 34.6
    for text, index in tokens:
        width = 3.4 + 1.6 * len(text)
        if x + width > 48:
            x, y = 5.0, y - 10.2
        box(axes, (x, y), (width, 5.8), text, BLUE, size=15.5, family="monospace")
        axes.text(x + width / 2, y - 1.7, str(index), ha="center", va="center", size=10.5, color=GRAY)
        x += width + 1.5
    arrow(axes, (48.5, 31.4), (55, 31.4), lw=2.6, head=24)


def _cover_blocks(axes, blocks):
    height = 18 / blocks
    for index in range(blocks):
        y = 22.6 + index * height
        fill = BLOCK_COLORS[min(index, 3)]
        box(axes, (57.5, y), (16, height - 0.9), f"bloque {index + 1}", BLUE, fill=fill)
    arrow(axes, (75.5, 31.4), (82, 31.4), lw=2.6, head=24)


def _cover_bars(axes, candidates):
    step, longest = 18 / len(candidates), max(value for _, value in candidates)
    for index, (word, value) in enumerate(candidates):
        y, width = 40.4 - (index + 0.5) * step, 13 * value / longest
        axes.barh(y, width, left=95.5, height=step * 0.7, color=BLUE if index else ORANGE)
        axes.text(94.5, y, word, ha="right", va="center", size=13, family="monospace", color=INK)
        axes.text(96.2 + width, y, f"{number(100 * value, 1)} %", va="center", size=10.5, color=GRAY)


def _cover_stages(axes):
    for x, color, fill, name, text in (
        (
            5,
            BLUE,
            "#E8F1F8",
            "Primero: preentrenamiento",
            "leer miles de libros adivinando el token siguiente",
        ),
        (64, "#00785A", "#E3F4EE", "Después: ajuste fino", "la misma red y una capa más aprenden una tarea"),
    ):
        box(axes, (x, 5.6), (51, 10.4), "", color, fill=fill)
        axes.text(x + 2.4, 12.5, name, size=15, weight="bold", color=color, va="center")
        axes.text(x + 2.4, 8.6, text, size=12.2, color=INK, va="center")
    arrow(axes, (56.8, 10.8), (63.2, 10.8), lw=2.6, head=24)


def _lesson_box(axes, name, lesson):
    x, y = lesson.place
    shape = FancyBboxPatch(
        (x - 0.37, y - 0.31), 0.74, 0.62, boxstyle="round,pad=0.03,rounding_size=0.08", lw=1.6,
        fc=FILLS[BLUE], ec=BLUE, zorder=3,
    )  # fmt: skip
    axes.add_patch(shape)
    axes.text(x, y + 0.17, name, ha="center", va="center", size=15, weight="bold", color=BLUE, zorder=4)
    axes.text(x, y - 0.12, lesson.title, ha="center", va="center", size=11.5, color=INK, zorder=4)


def _plain(title: str) -> str:
    return title.replace("-\n", "").replace("\n", " ")
