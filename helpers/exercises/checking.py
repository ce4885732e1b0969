"""Comprobar un ejercicio: acierto, pendiente o el error típico que explica la respuesta.

Una comprobación nunca interrumpe «Ejecutar todo»: imprime ⏳, ✅ o ❌ con una frase.
"""

import contextlib
import copy
import importlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from helpers.exercises import passport
from helpers.spanish import significant

TOLERANCE = 1e-4


@dataclass(frozen=True)
class Mistake:
    """Un error típico: una respuesta equivocada (`answer`) y la frase que lo explica (`message`)."""

    answer: Any
    message: str


@dataclass(frozen=True)
class Exercise:
    """Un ejercicio: la respuesta de referencia, los casos con que se prueba y sus errores típicos.

    - Si se pide una función, `reference` es una función y `cases` una lista de tuplas de argumentos.
    - Si se pide un valor, `reference` es el valor y `cases` queda vacío.
    - `measure`, si se da, es lo que se compara de cada salida: así valen las que llevan azar.
    - `success` es la frase que acompaña al acierto.
    """

    reference: Any
    cases: list[tuple] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    success: str = ""
    tolerance: float = TOLERANCE
    measure: Callable | None = None

    def outputs(self, answer) -> list:
        """Lo que da `answer` en cada caso (o el propio valor, si no se pide una función)."""
        found = [answer(*_copied(case)) for case in self.cases] if self.cases else [answer]
        if self.measure is None:
            return found
        return [one if one is None or one is ... else self.measure(one) for one in found]


def catalogue(lesson: str) -> dict[str, Exercise]:
    """Los ejercicios de una lección («04») por su nombre («04-softmax»)."""
    return importlib.import_module(f"helpers.lesson{lesson}.exercises").EXERCISES


def check(name: str, answer) -> None:
    """Comprueba `answer` e imprime el veredicto. `name` es el del enunciado, por ejemplo `"04-softmax"`."""
    exercises = catalogue(name[:2])
    if name not in exercises:
        raise KeyError(f"No existe el ejercicio «{name}»; los de esta lección son: {', '.join(exercises)}.")
    mark, sentence = judge(exercises[name], answer)
    print(f"{mark} {name}: {sentence}")
    if mark != "⏳":
        passport.record(name, mark == "✅")


def judge(exercise: Exercise, answer: Callable | Any) -> tuple[str, str]:
    """(⏳, ✅ o ❌; frase) para una respuesta."""
    if answer is None or answer is ...:
        return "⏳", "pendiente. Escribe tu respuesta en la celda de arriba."
    if exercise.cases and not callable(answer):
        return "❌", f"se esperaba una función y has dado {_kind(answer)}."
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            found = exercise.outputs(answer)
    except Exception as error:
        return "❌", f"tu código se para con {type(error).__name__}: {error}"
    finally:
        print(printed.getvalue(), end="")  # lo que imprime quien depura su función sigue viéndose
    if all(value is None or value is ... for value in found):
        if printed.getvalue():
            return "❌", "tu función escribe con print, pero no devuelve nada: usa return."
        return "⏳", "pendiente. Tu función todavía no devuelve nada."
    expected = exercise.outputs(exercise.reference)
    if _same(found, expected, exercise.tolerance):
        return "✅", exercise.success or "correcto."
    for mistake in exercise.mistakes:
        if _same(found, exercise.outputs(mistake.answer), exercise.tolerance):
            return "❌", mistake.message
    for place, (one, other) in enumerate(zip(found, expected, strict=True)):
        if not _same(one, other, exercise.tolerance):
            where = f"con la entrada {_inputs(exercise.cases[place])}, " if exercise.cases else ""
            return (
                "❌",
                f"{where}{_difference(one, other, exercise.tolerance)} Repasa el enunciado o abre la pista 1.",
            )


def _copied(case: tuple) -> tuple:
    """Los casos se copian para que una respuesta que modifica sus argumentos no estropee los siguientes."""
    return copy.deepcopy(case)


def _same(found, expected, tolerance: float) -> bool:
    if isinstance(expected, (list, tuple)):
        if isinstance(found, str) and all(isinstance(item, str) and len(item) == 1 for item in expected):
            found = re.findall(r"\w", found)  # «bca» y «b, c, a» valen por ["b", "c", "a"]
        return (
            isinstance(found, (list, tuple))
            and len(found) == len(expected)
            and all(_same(one, other, tolerance) for one, other in zip(found, expected, strict=True))
        )
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and found.keys() == expected.keys()
            and all(_same(found[key], expected[key], tolerance) for key in expected)
        )
    if _numeric(expected):
        if not _numeric(found):
            return False
        one, other = _tensor(found), _tensor(expected)
        return one.shape == other.shape and bool(_close(one, other, tolerance).all())
    if isinstance(expected, str) and isinstance(found, str) and len(expected) == 1:
        return found.strip().lower() == expected.lower()
    return type(found) is type(expected) and found == expected


def _difference(found, expected, tolerance: float) -> str:
    """En qué se aparta un resultado del esperado (tipo, forma, cuánto está bien), sin decir cuál era."""
    if isinstance(expected, (list, tuple)):
        return _list_difference(found, expected, tolerance)
    if not _numeric(expected):
        if type(found) is not type(expected):
            return f"se espera {_kind(expected)} y has dado {_kind(found)}."
        return "el resultado no es el que se espera."
    if not _numeric(found):
        comma = isinstance(found, tuple) and not isinstance(expected, torch.Tensor)
        hint = " En Python, los decimales llevan punto: 2.5, no 2,5." if comma else ""
        return f"se espera {_kind(expected)} y has dado {_kind(found)}.{hint}"
    one, other = _tensor(found), _tensor(expected)
    if one.shape != other.shape:
        return f"la forma debería ser {list(other.shape)} y es {list(one.shape)}."
    if other.dim() == 0:
        return f"te sale {significant(one.item())} y no es lo que se espera."
    right = _close(one, other, tolerance).float().mean().item()
    return f"la forma {list(other.shape)} está bien; coincide el {100 * right:.0f} % de los valores."


def _list_difference(found, expected, tolerance: float) -> str:
    if not isinstance(found, (list, tuple)):
        return f"se espera una lista de {len(expected)} elementos y has dado {_kind(found)}."
    if len(found) != len(expected):
        return f"se esperan {len(expected)} elementos y has dado {len(found)}."
    right = sum(_same(one, other, tolerance) for one, other in zip(found, expected, strict=True))
    verb = "está" if right == 1 else "están"
    return f"{right} de los {len(expected)} elementos {verb} en su sitio."


def _close(one: torch.Tensor, other: torch.Tensor, tolerance: float) -> torch.Tensor:
    """Qué valores coinciden; la tolerancia absoluta no crece, para que dos números casi nulos no se confundan."""
    return torch.isclose(one, other, rtol=tolerance, atol=min(tolerance, 1e-4), equal_nan=True)


def _numeric(value) -> bool:
    return isinstance(value, (torch.Tensor, bool, int, float)) or hasattr(value, "__array__")


def _tensor(value) -> torch.Tensor:
    value = value.detach() if isinstance(value, torch.Tensor) else torch.as_tensor(value)
    return value.to("cpu", torch.float64)


_KINDS = {
    str: "un texto",
    list: "una lista",
    tuple: "una tupla",
    dict: "un diccionario",
    bool: "un sí o no (bool)",
    int: "un número",
    float: "un número",
    type(None): "nada (None)",
}


def _kind(value) -> str:
    if isinstance(value, torch.Tensor):
        return f"un tensor de forma {list(value.shape)}" if value.dim() else "un número"
    return _KINDS.get(type(value), f"un objeto de tipo {type(value).__name__}")


def _inputs(case: tuple) -> str:
    """Los argumentos de un caso, en breve."""
    return ", ".join(
        f"de forma {list(value.shape)}"
        if isinstance(value, torch.Tensor) and value.numel() > 1
        else f"{value!r:.60}"
        for value in case
        if not callable(value)
    )
