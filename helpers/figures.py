"""Lo que dibujan varias lecciones: el estilo, enseñar una figura y las cajas y flechas de los esquemas.

Las figuras de una lección están en su habitación, `helpers/lessonNN/figures.py`: cada función recibe datos y
devuelve una `Figure` de matplotlib con título, ejes con unidades y, con `describe`, una descripción en español. En
los cuadernos se enseñan con `show(figura)`.
"""

import base64
import html
import io
from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import PIL.Image
from IPython.display import display
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import FuncFormatter

from helpers.spanish import MINUS

# Paleta de Okabe e Ito, pensada para daltonismo.
BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, GRAY = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#6E6E6E",
)
PALETTE = [BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GRAY]
INK = "#222222"
SHRINK = 0.8  # hasta aquí se encoge una figura: la letra más pequeña, de 9 puntos, queda en 9 píxeles
# Los mismos colores, aclarados: encima va texto.
FILLS = {BLUE: "#E8F1F8", GREEN: "#E3F4EE", ORANGE: "#FDF3DC", GRAY: "#F2F2F2"}


def use_style() -> None:
    """Pone el estilo del curso en matplotlib; al importar este módulo, ya está puesto."""
    plt.rcParams.update(
        {
            "figure.figsize": (8, 4),
            "figure.dpi": 90,
            "savefig.bbox": "tight",
            "font.size": 11,
            "axes.titlesize": 12,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.alpha": 0.3,
            "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
            "legend.frameon": False,
            "image.cmap": "cividis",
            "axes.formatter.use_locale": False,
        }
    )


use_style()  # aquí y no en la puesta en marcha: así la primera palabra no espera a matplotlib


def describe(figure, text: str):
    """Guarda en la figura su descripción para quien no la ve; `show` la escribe en el cuaderno."""
    figure.set_label(text.replace("\n", " "))  # el nombre de una barra puede traer un salto de línea
    return figure


def slant_if_crowded(ax) -> None:
    """Inclina las etiquetas del eje x si alguna pisa a su vecina: los tokens pueden ser largos."""
    ax.figure.draw_without_rendering()  # hasta que no se dibuja no se sabe cuánto ocupan
    labels = ax.get_xticklabels()
    boxes = [label.get_window_extent() for label in labels]
    if any(left.x1 >= right.x0 for left, right in pairwise(boxes)):
        plt.setp(labels, rotation=30, ha="right", rotation_mode="anchor")


def show(figure) -> None:
    """Enseña la figura con su texto alternativo y la cierra: es la última línea de cada celda con figura.

    Lanza `ValueError` si la figura no lleva descripción.
    """
    alt = figure.get_label()
    if not alt:
        raise ValueError("A esta figura le falta su descripción: usa describe(figura, texto).")
    drawn, png = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})  # sin versión: los bytes se repiten
    plt.close(figure)
    # Bastan 256 colores y así el cuaderno pesa un tercio; MAXCOVERAGE no olvida los que ocupan poco, como los extremos
    # de una barra de color. Sin transparencia: también se lee sobre un tema oscuro.
    picture = PIL.Image.open(drawn).convert("RGB")
    method, dither = PIL.Image.Quantize.MAXCOVERAGE, PIL.Image.Dither.NONE
    picture.quantize(256, method=method, dither=dither).save(png, "png", optimize=True)
    data = base64.b64encode(png.getvalue()).decode()
    width = PIL.Image.open(png).width
    # JupyterLab y nbconvert no leen la descripción de un PNG suelto, y sí la de un <img>; el PNG queda para lo demás.
    # En una pantalla estrecha la figura se encoge un poco y después se desliza: más pequeña no se leerían sus letras.
    image = (
        f'<div style="overflow-x: auto"><img alt="{html.escape(alt)}" src="data:image/png;base64,{data}" '
        f'style="max-width: 100%; min-width: {SHRINK * width:.0f}px"></div>'
    )
    display({"text/html": image, "image/png": data}, raw=True)


def readable(token: str) -> str:
    """Un token del vocabulario como se lee: `dog</w>` → `dog`; `hel` (la palabra sigue) → `hel…`; el salto, `↵`."""
    if not token.endswith("</w>"):
        return token if token == "<unk>" else f"{token}…"
    word = token.removesuffix("</w>")
    return "↵" if word == "\n" else word


def with_comma(axis) -> None:
    """Escribe los números de un eje (`ax.xaxis` o `ax.yaxis`) con coma decimal."""
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:g}".replace(".", ",").replace("-", MINUS))
    )


def canvas(size, xlim, ylim, top: float = 1.0, dpi=None):
    """`(figura, ejes)` sin ejes visibles, de `size` pulgadas; `top` deja sitio arriba para el título."""
    figure, axes = plt.subplots(figsize=size, dpi=dpi)
    figure.subplots_adjust(0, 0, 1, top)
    axes.set(xlim=xlim, ylim=ylim)
    axes.axis("off")
    return figure, axes


def box(axes, corner, extent, text: str, color: str, fill: str | None = None, **kwargs) -> None:
    """Una caja redondeada con su texto centrado; sin `fill`, el fondo es `color` aclarado. `kwargs` van al texto."""
    look = {"boxstyle": "round,pad=0,rounding_size=0.8", "fc": fill or FILLS[color], "ec": color, "lw": 1.4}
    axes.add_patch(FancyBboxPatch(corner, *extent, **look))
    middle = (corner[0] + extent[0] / 2, corner[1] + extent[1] / 2)
    axes.text(*middle, text, ha="center", va="center", **{"size": 12, "color": INK, **kwargs})


def arrow(axes, start, end, color: str = GRAY, lw: float = 2.0, head: float = 14) -> None:
    """Una flecha de `start` a `end`, con la punta de `head` puntos."""
    look = {"arrowstyle": "-|>", "mutation_scale": head, "lw": lw, "color": color, "shrinkA": 0, "shrinkB": 0}
    axes.add_patch(FancyArrowPatch(start, end, **look))
