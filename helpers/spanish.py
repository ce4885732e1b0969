"""Cómo se escribe un número en español: coma decimal, signo «−» y espacio fino en los millares (desde 10 000)."""

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
