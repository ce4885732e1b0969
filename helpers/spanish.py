"""Cómo se escribe un número en español (coma decimal, signo «−», espacio fino desde 10 000) y una tabla de texto."""

import math

THIN_SPACE = "\u202f"
MINUS = "−"


def number(value: float, decimals: int = 0) -> str:
    """`value` con `decimals` decimales: 40478 → «40 478», 0.5 → «0,5» con uno. Un cero nunca lleva signo menos."""
    rounded = round(float(value), decimals) + 0.0
    grouped = "," if abs(rounded) >= 10_000 else ""  # RAE: los números de cuatro cifras no se separan
    return f"{rounded:{grouped}.{decimals}f}".replace(",", THIN_SPACE).replace(".", ",").replace("-", MINUS)


def signed(value: float, decimals: int = 1) -> str:
    """Lo mismo con el signo delante también si es positivo: «+1,5», «−0,3», «0,0»."""
    written = number(value, decimals)
    return written if written.startswith(MINUS) or written == number(0, decimals) else f"+{written}"


def significant(value: float, digits: int = 4) -> str:
    """`value` con `digits` cifras: entero si lo es; si no, con coma."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return number(value)
    return f"{value:.{digits}g}".replace(".", ",").replace("-", MINUS)


def text_table(rows, right=(), separator: str = "  ", rule: bool = False) -> str:
    """Las filas de textos `rows` (la primera es la cabecera) con las columnas alineadas y `separator` entre ellas.

    `right`: las columnas (desde 0) que se alinean a la derecha; con `rule`, bajo la cabecera va una línea de guiones.
    Lanza `ValueError` si no todas las filas tienen las mismas columnas.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    header, *others = rows
    rules = [["-" * width for width in widths]] if rule else []

    def aligned(cells):
        pairs = enumerate(zip(cells, widths, strict=True))
        return [cell.rjust(width) if place in right else cell.ljust(width) for place, (cell, width) in pairs]

    return "\n".join(separator.join(aligned(row)).rstrip() for row in [header, *rules, *others])
