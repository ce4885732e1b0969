"""Lo que reciben las heurísticas: registros sencillos, vengan de donde vengan (los lee `sources.py`).

`group` une lo que no es independiente (las dos frases de un par, las preguntas de un texto): el intervalo remuestrea
grupos enteros. Vacío = cada registro va por su cuenta.
"""

import re
from dataclasses import dataclass

_BRACKETS = re.compile(r"\[([^][]+)\]")


@dataclass(frozen=True)
class Labelled:
    """Un texto con su clase: `"acceptable"` o `"unacceptable"`; `"positive"` o `"negative"`…"""

    text: str
    label: str
    group: str = ""


@dataclass(frozen=True)
class Question:
    """Un contexto (documento y pregunta, o cuento), sus respuestas posibles y cuál es la buena (desde 0)."""

    context: str
    options: tuple[str, ...]
    right: int
    group: str = ""


@dataclass(frozen=True)
class PronounSchema:
    """Un texto partido por un pronombre, los candidatos a sustituirlo y cuál es el bueno (desde 0)."""

    before: str
    after: str
    candidates: tuple[str, ...]
    right: int
    group: str = ""  # los dos gemelos de un esquema de Winograd

    @classmethod
    def from_brackets(cls, text: str, candidates, right: int, group: str = "") -> "PronounSchema":
        """Desde un texto con el pronombre entre corchetes: «… because [it] might go out.».

        Lanza `ValueError` si no hay exactamente un pronombre marcado o no queda nada detrás que puntuar.
        """
        marked = list(_BRACKETS.finditer(text))
        if len(marked) != 1:
            raise ValueError(f"«{text}» tiene {len(marked)} pronombres entre corchetes y se esperaba uno.")
        before, after = text[: marked[0].start()], text[marked[0].end() :]
        if not after.strip():
            raise ValueError(f"En «{text}» no queda nada detrás del pronombre: no hay resto que puntuar.")
        return cls(before.strip(), after.strip(), tuple(candidates), right, group)


@dataclass(frozen=True)
class MinimalPair:
    """Dos frases que se distinguen en lo mínimo: una gramatical y otra no (BLiMP)."""

    good: str
    bad: str
    phenomenon: str = ""


@dataclass(frozen=True)
class LastWord:
    """Un texto sin su última palabra y la palabra (LAMBADA)."""

    context: str
    word: str
