"""Lo que una figura enseña de verdad, leído de sus ejes: para probar sus datos y no sus píxeles."""

import ast
import re

import matplotlib.colors
import numpy as np
from matplotlib.patches import Rectangle

from helpers.spanish import MINUS, THIN_SPACE
from tools import lessons

NUMBER = re.compile(rf"[{MINUS}-]?\d[\d{THIN_SPACE}]*(?:,\d+)?")


def names():
    """Las figuras de las lecciones, «lesson04.surprise»: las funciones públicas que acaban en `describe`."""
    return {
        f"{path.parent.name}.{node.name}"
        for path in sorted((lessons.ROOT / "helpers").glob("lesson??/figures.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and "describe(" in ast.unparse(node)
    }


def labels(ax):
    """(título, eje x, eje y)."""
    return ax.get_title("left") or ax.get_title(), ax.get_xlabel(), ax.get_ylabel()


def ticks(axis):
    """Lo que se lee en un eje de nombres, en su orden."""
    return [label.get_text() for label in axis.get_ticklabels()]


def written(axis, value):
    """Cómo escribe un eje de números `value`."""
    return axis.get_major_formatter()(value, 0)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def bars(ax):
    """[(centro, alto)] de las barras verticales, en el orden en que se dibujaron."""
    return [
        (round(bar.get_x() + bar.get_width() / 2, 6), bar.get_height())
        for group in ax.containers
        for bar in group
    ]


def rows(ax):
    """[(centro, desde, hasta)] de las barras tumbadas."""
    return [
        (round(bar.get_y() + bar.get_height() / 2, 6), bar.get_x(), bar.get_x() + bar.get_width())
        for group in ax.containers
        for bar in group
    ]


def lines(ax):
    """{nombre: [[x…], [y…]]} de las líneas con nombre; las demás, en orden, por su número."""
    return {
        line.get_label() if not line.get_label().startswith("_") else index: np.array(
            line.get_data()
        ).tolist()
        for index, line in enumerate(ax.lines)
    }


def levels(ax):
    """A qué altura van las líneas horizontales de lado a lado (`axhline`)."""
    return [
        line.get_ydata()[0] for line in ax.lines if line.get_transform() == ax.get_yaxis_transform("grid")
    ]


def image(ax):
    return np.ma.filled(ax.images[0].get_array(), np.nan)


def frames(ax, color):
    """Las casillas (columna, fila) recuadradas de un color."""
    return [
        (round(patch.get_x() + patch.get_width() / 2), round(patch.get_y() + patch.get_height() / 2))
        for patch in ax.patches
        if isinstance(patch, Rectangle)
        and not patch.get_fill()
        and matplotlib.colors.same_color(patch.get_edgecolor(), color)
    ]


def spoken(figure):
    """Los números que dice el texto alternativo, en su orden."""
    found = NUMBER.findall(figure.get_label())
    return [float(text.replace(THIN_SPACE, "").replace(MINUS, "-").replace(",", ".")) for text in found]
