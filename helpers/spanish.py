"""Cómo se escribe un número en español: coma decimal y espacio fino para los millares."""

import math

THIN_SPACE = "\u202f"


def number(value: float, decimals: int = 0) -> str:
    """`value` con `decimals` decimales: 40478 → «40 478», 0.5 → «0,5» con uno. Un cero nunca lleva signo menos."""
    text = f"{round(float(value), decimals) + 0.0:,.{decimals}f}"
    return text.replace(",", THIN_SPACE).replace(".", ",")


def significant(value: float, digits: int = 4) -> str:
    """`value` con `digits` cifras: entero si lo es (con millares desde 10 000); si no, con coma."""
    if math.isfinite(value) and value == int(value) and abs(value) < 1e15:
        return number(value) if abs(value) >= 10_000 else str(int(value))
    return f"{value:.{digits}g}".replace(".", ",")
