"""Qué valores puede tener un ajuste, en una línea: lo usan las recetas y lo que se pide al generar."""

import math
from numbers import Integral, Real
from typing import NamedTuple

from helpers.spanish import number


class Rule(NamedTuple):
    """Qué valores son posibles: de qué tipo, entre qué extremos (los que están en `open` no valen) y cuáles además."""

    kind: type
    low: float = -math.inf
    high: float = math.inf
    open: tuple = ()
    also: tuple = ()

    def accepts(self, value) -> bool:
        if any(value is other or (type(value) is type(other) and value == other) for other in self.also):
            return True
        if self.kind not in (int, float):
            return isinstance(value, self.kind) and not self.also
        number = isinstance(value, Integral if self.kind is int else Real) and not isinstance(value, bool)
        try:
            return (
                number and math.isfinite(value) and value not in self.open and self.low <= value <= self.high
            )
        except OverflowError:  # un entero de cientos de cifras
            return False

    def __str__(self) -> str:
        # `None` es no darlo: en la terminal no se puede escribir
        others = [repr(one) if isinstance(one, str) else str(one) for one in self.also if one is not None]
        if self.kind not in (int, float):
            return f"una de {', '.join(others)}" if others else "True o False"
        told = "un entero" if self.kind is int else "un número"
        if self.low > -math.inf:
            told += f" mayor que {_told(self.low)}" if self.low in self.open else f" desde {_told(self.low)}"
        if self.high < math.inf:
            told += (
                f" y menor que {_told(self.high)}" if self.high in self.open else f" hasta {_told(self.high)}"
            )
        return " o ".join([told, *others])


def _told(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else number(value)


POSITIVE = Rule(float, 0, open=(0,))
NOT_NEGATIVE = Rule(float, 0)
FRACTION = Rule(float, 0, 1)
BELOW_ONE = Rule(float, 0, 1, open=(1,))
COUNT = Rule(int, 1, 10**9)
