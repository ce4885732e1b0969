"""El aspecto común de las figuras: colores que distingue quien no ve bien el rojo y el verde, letra y tamaños."""

import io
from itertools import pairwise

import matplotlib
import matplotlib.pyplot as plt
import PIL.Image
from IPython.display import Image, display

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


def use_style() -> None:
    """Pone el estilo del curso en matplotlib. Lo llama la celda de puesta en marcha."""
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


def describe(figure, text: str):
    """Guarda en la figura su descripción para quien no la ve; `show` la escribe en el cuaderno."""
    figure.set_label(text)
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
        raise ValueError("A esta figura le falta su descripción: usa style.describe(figura, texto).")
    drawn, png = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", metadata={"Software": None})  # sin versión: los bytes se repiten
    plt.close(figure)
    # Bastan 256 colores y así el cuaderno pesa un tercio.
    PIL.Image.open(drawn).convert("RGB").quantize(256, dither=PIL.Image.Dither.NONE).save(
        png, "png", optimize=True
    )
    display(Image(data=png.getvalue(), format="png", metadata={"alt": alt}))
