"""Comprobar un ejercicio: acierto, pendiente o el error típico que explica la respuesta.

Una comprobación nunca interrumpe «Ejecutar todo»: imprime ⏳, ✅ o ❌ con una frase.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from helpers.exercises import passport

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
    - `success` es la frase que acompaña al acierto.
    """

    reference: Any
    cases: list[tuple] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    success: str = ""
    tolerance: float = TOLERANCE

    def outputs(self, answer) -> list:
        """Lo que da `answer` en cada caso (o el propio valor, si no se pide una función)."""
        return [answer(*_copied(case)) for case in self.cases] if self.cases else [answer]


def catalogue(lesson: str) -> dict[str, Exercise]:
    """Los ejercicios de una lección («04») por su nombre («04-softmax»)."""
    return importlib.import_module(f"helpers.exercises.lesson{lesson}").EXERCISES


def check(name: str, answer) -> None:
    """Comprueba `answer` e imprime el veredicto. `name` es el del enunciado, por ejemplo `"04-softmax"`."""
    exercises = catalogue(name[:2])
    if name not in exercises:
        raise KeyError(f"No existe el ejercicio «{name}»; los de esta lección son: {', '.join(exercises)}.")
    mark, sentence = verdict(exercises[name], answer)
    print(f"{mark} {name}: {sentence}")
    if mark != "⏳":
        passport.record(name, mark == "✅")


def verdict(exercise: Exercise, answer: Callable | Any) -> tuple[str, str]:
    """(⏳, ✅ o ❌; frase) para una respuesta."""
    if answer is None or answer is ...:
        return "⏳", "pendiente. Escribe tu respuesta en la celda de arriba."
    if exercise.cases and not callable(answer):
        return "❌", f"se esperaba una función y has dado {_kind(answer)}."
    try:
        found = exercise.outputs(answer)
    except Exception as error:
        return "❌", f"tu código se para con {type(error).__name__}: {error}"
    if all(value is None or value is ... for value in found):
        return "⏳", "pendiente. Tu función todavía no devuelve nada."
    expected = exercise.outputs(exercise.reference)
    if _same(found, expected, exercise.tolerance):
        return "✅", exercise.success or "correcto."
    for mistake in exercise.mistakes:
        if _same(found, exercise.outputs(mistake.answer), exercise.tolerance):
            return "❌", mistake.message
    return "❌", _difference(found, expected, exercise.tolerance)


def _copied(case: tuple) -> tuple:
    """Los casos se copian para que una respuesta que modifica sus argumentos no estropee los siguientes."""
    return tuple(value.clone() if isinstance(value, torch.Tensor) else value for value in case)


def _same(found, expected, tolerance: float) -> bool:
    if isinstance(expected, (list, tuple)):
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
        return one.shape == other.shape and torch.allclose(
            one, other, rtol=tolerance, atol=tolerance, equal_nan=True
        )
    return type(found) is type(expected) and found == expected


def _difference(found: list, expected: list, tolerance: float) -> str:
    """Frase genérica: forma esperada y hallada, y qué parte de los valores está bien."""
    for one, other in zip(found, expected, strict=True):
        if _same(one, other, tolerance):
            continue
        if not _numeric(other) or not _numeric(one):
            return f"se esperaba {_kind(other)} y has dado {_kind(one)}."
        one, other = _tensor(one), _tensor(other)
        if one.shape != other.shape:
            return f"la forma debería ser {list(other.shape)} y es {list(one.shape)}."
        if other.dim() == 0:
            return f"el resultado es {one.item():.4g} y no es el que se espera. Repasa el enunciado o abre la pista 1."
        right = (
            torch.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True).float().mean().item()
        )
        return f"la forma {list(other.shape)} está bien; coincide el {right:.0%} de los valores. Abre la pista 1."
    return "el resultado no coincide."


def _numeric(value) -> bool:
    return isinstance(value, (torch.Tensor, bool, int, float)) or hasattr(value, "__array__")


def _tensor(value) -> torch.Tensor:
    value = value.detach() if isinstance(value, torch.Tensor) else torch.as_tensor(value)
    return value.to("cpu", torch.float64)


_KINDS = {str: "un texto", list: "una lista", tuple: "una tupla", dict: "un diccionario", bool: "un booleano"}


def _kind(value) -> str:
    if isinstance(value, str) and len(value) <= 60:
        return f"el texto {value!r}"
    if (
        isinstance(value, (list, tuple))
        and len(value) <= 12
        and not any(isinstance(x, torch.Tensor) for x in value)
    ):
        return f"{_KINDS[type(value)]}: {value!r:.80}"
    if isinstance(value, torch.Tensor):
        return f"un tensor de forma {list(value.shape)}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"el número {value:.4g}"
    return _KINDS.get(type(value), f"un objeto de tipo {type(value).__name__}")
