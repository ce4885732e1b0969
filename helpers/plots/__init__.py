"""Las figuras del curso, un módulo por tema. Cada función recibe datos y devuelve una `Figure` de matplotlib.

Toda figura lleva título, nombres y unidades en los ejes, y una descripción en español; en los cuadernos se enseña
con `plots.show(figura)`.
"""

from helpers.plots.style import describe, show, use_style
from helpers.spanish import number

__all__ = ["describe", "number", "show", "use_style"]
