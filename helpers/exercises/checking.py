"""Comprobar un ejercicio: acierto, pendiente o el error típico que explica la respuesta.

Una comprobación nunca interrumpe «Ejecutar todo»: imprime ⏳, ✅, ❌ o, si la respuesta no acaba, ⏱, con una frase.
Solo pasa Ctrl-C, que es de quien está delante.
"""

import contextlib
import copy
import difflib
import importlib
import inspect
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch.overrides import TorchFunctionMode

from helpers.environment import ROOT
from helpers.exercises import passport
from helpers.exercises.comparing import (
    briefly,
    changed,
    difference,
    inputs,
    is_text,
    kind,
    other_kind,
    same,
    size,
)
from helpers.exercises.limits import IDLE, Printed, TimeUp, bounded, undisturbed
from helpers.spanish import significant

TOLERANCE = 1e-4
SLOW = 2.0  # segundos de CPU a partir de los cuales sigue la del curso aunque la tuya esté bien


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
    - Si se pide una clase, `run(clase, *caso)` la monta y la prueba; cada caso empieza por el texto que dice con qué.
    - `measure`, si se da, es lo que se compara de cada salida: así valen las que llevan azar.
    - `success` es la frase que acompaña al acierto.
    - `seconds`: cuánto puede calcular una respuesta antes de que se corte.
    - `by_hand`: {función de PyTorch o de SciPy: frase}. Usarla da el resultado, pero es lo que se pide escribir.
    - `goes_on`: `check` devuelve la función con la que sigue la lección, y dice cuál es.
    """

    reference: Any
    cases: list[tuple] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    success: str = ""
    tolerance: float = TOLERANCE
    measure: Callable | None = None
    seconds: float = 10.0
    by_hand: dict[str, str] = field(default_factory=dict)
    goes_on: bool = False
    run: Callable | None = None

    def outputs(self, answer) -> list:
        """Lo que da `answer` en cada caso (o el propio valor, si no se pide una función)."""
        return list(self.outputs_of(answer, []))

    def outputs_of(self, answer, given: list) -> Iterator:
        """Lo mismo, según va saliendo: si `answer` se para, se sabe en qué caso. En `given` quedan los argumentos."""
        for case in self.cases:
            # Se copia para que una respuesta que modifica sus argumentos no estropee los siguientes.
            arguments = copy.deepcopy(case)
            given.append(arguments)
            yield self.run(answer, *arguments) if self.run else answer(*arguments)
        if not self.cases:
            yield answer

    def measured(self, found: list) -> list:
        """Lo que se compara de cada salida."""
        if self.measure is None:
            return found
        return [one if one is None or one is ... else self.measure(one) for one in found]


@dataclass
class Trial:
    """Lo que ha pasado al probar una respuesta: lo que da en cada caso y cómo han quedado sus argumentos.

    Y lo mismo de la del curso (`expected`, `left`), que así se calcula una sola vez. `spent`: los segundos de CPU que
    ha gastado la respuesta ella sola.
    """

    found: list = field(default_factory=list)
    given: list = field(default_factory=list)
    expected: list = field(default_factory=list)
    left: list = field(default_factory=list)
    spent: float = 0.0


def catalogue(lesson: str) -> dict[str, Exercise]:
    """Los ejercicios de una lección («04») por su nombre («04-softmax»)."""
    return importlib.import_module(f"helpers.lesson{lesson}.exercises").EXERCISES


def lessons() -> list[str]:
    """Las lecciones que tienen habitación: «00», «01»…"""
    return sorted(path.parent.name[-2:] for path in ROOT.glob("helpers/lesson[0-9][0-9]/exercises.py"))


def check(name: str, answer):
    """Comprueba `answer` e imprime el veredicto. `name` es el del enunciado, por ejemplo `"04-softmax"`.

    Si el ejercicio lo pide (`goes_on`), devuelve la función con la que sigue la lección: la tuya, si está bien, es
    rápida y se puede poner en el sitio de la del curso (no cambia lo que recibe y devuelve lo mismo: una lista con los
    números de un tensor vale, pero las celdas siguientes esperan un tensor). Los demás no devuelven nada.
    """
    exercise = _find(name)
    if exercise is None:
        return None
    trial = Trial()
    mark, sentence = judge(exercise, answer, trial)
    if exercise.goes_on:
        why = _unfit(exercise, trial) if mark == "✅" else ""
        mine = mark == "✅" and not why
        sentence += (
            "" if sentence.endswith((".", "?", "!", "…")) else "."
        )  # lo que dice un error no acaba en punto
        sentence += " Sigo con la tuya." if mine else f" Sigo con la del curso{why}."
    print(f"{mark} {name}: {sentence}")
    if mark in "✅❌":
        passport.record(name, mark == "✅")
    return (answer if mine else exercise.reference) if exercise.goes_on else None


def _unfit(exercise: Exercise, trial: Trial) -> str:
    """Por qué no puede seguir la lección con una respuesta que está bien; vacío si puede."""
    if trial.spent > SLOW:
        return ", que va más deprisa"
    if wanted := other_kind(trial.found, trial.expected):
        return f": las celdas siguientes esperan {wanted}"
    if changed(trial.given, exercise.cases) and not changed(trial.left, exercise.cases):
        return ": la tuya cambia lo que recibe, y las celdas siguientes lo usan después"
    return ""


def _find(name) -> Exercise | None:
    """El ejercicio, o una frase que dice cuáles hay."""
    lesson = str.__getitem__(name, slice(2)) if is_text(name) else ""
    if lesson not in lessons():
        known = ", ".join(lessons())
        print(
            f"❌ No existe el ejercicio {briefly(name)}: el nombre empieza por su lección ({known}): «04-softmax»."
        )
        return None
    exercises = catalogue(lesson)
    if name not in exercises:
        near = difflib.get_close_matches(name, exercises, 1)
        meant = f" ¿Querías decir «{near[0]}»?" if near else ""
        known = ", ".join(exercises)
        print(f"❌ No existe el ejercicio «{name}»; los de esta lección son: {known}.{meant}")
        return None
    return exercises[name]


def judge(exercise: Exercise, answer: Callable | Any, trial: Trial | None = None) -> tuple[str, str]:
    """(⏳, ✅, ❌ o ⏱; frase) para una respuesta; en `trial`, si se da, queda lo que ha pasado al probarla."""
    trial = Trial() if trial is None else trial
    found = trial.found
    if answer is None or answer is ...:
        return "⏳", "pendiente. Escribe tu respuesta en la celda de arriba."
    if exercise.run and not issubclass(type(answer), type):
        return "❌", f"se esperaba una clase y has dado {kind(answer)}."
    if exercise.cases and not exercise.run and (not callable(answer) or issubclass(type(answer), type)):
        return "❌", f"se esperaba una función y has dado {kind(answer)}."
    if exercise.cases and answer is not exercise.reference and _calls(answer, exercise.reference):
        what = "tu clase hereda de" if exercise.run else "tu función llama a"
        return "❌", f"{what} la del curso: escríbela tú."
    # La referencia sí puede ser la función de PyTorch que se pide escribir.
    watched = {} if answer is exercise.reference else exercise.by_hand
    printed, used = Printed(), _Noticing(watched)
    try:
        with undisturbed(), contextlib.redirect_stdout(printed):
            try:
                # Dos veces `undisturbed`: la comparación tampoco hereda lo que la respuesta haya cambiado.
                with undisturbed(), used if watched else contextlib.nullcontext():
                    start = time.process_time()
                    bounded(lambda: found.extend(exercise.outputs_of(answer, trial.given)), exercise.seconds)
                    trial.spent = time.process_time() - start
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # también SystemExit: sys.exit() no cierra la lección
                return _stopped(error, exercise, answer, len(found))
            # La del curso, fuera del reloj: la primera vez puede cargar media PyTorch, y no es culpa de quien contesta.
            pending = all(value is None or value is ... for value in found)
            if not pending:
                trial.expected.extend(exercise.outputs_of(exercise.reference, trial.left))
            # Comparar también ejecuta código ajeno: el de los objetos que se devuelven.
            try:
                return bounded(
                    lambda: _verdict(exercise, found, trial.expected, printed, used.seen), exercise.seconds
                )
            except KeyboardInterrupt:
                raise
            except TimeUp as error:
                return _stopped(error, exercise, answer, 0)
            except BaseException as error:
                return "❌", (
                    f"no sé comparar lo que has dado, un objeto de tipo {type(found[0]).__name__} "
                    f"(`{type(error).__name__}`): mira qué se pide."
                )
    finally:
        print(printed.text(), end="")  # lo que imprime quien depura su función sigue viéndose


def _verdict(
    exercise: Exercise, found: list, expected: list, printed: Printed, used: list[str]
) -> tuple[str, str]:
    if not expected:  # ningún caso ha devuelto nada
        if printed.getvalue():
            return "❌", "tu función escribe con print, pero no devuelve nada: usa return."
        what = "Tu clase está todavía vacía" if exercise.run else "Tu función todavía no devuelve nada"
        return "⏳", f"pendiente. {what}."
    tolerance = exercise.tolerance
    expected, found = exercise.measured(expected), exercise.measured(found)
    if same(found, expected, tolerance):
        return ("❌", exercise.by_hand[used[0]]) if used else ("✅", exercise.success or "correcto.")
    for mistake in exercise.mistakes:
        if same(found, exercise.measured(exercise.outputs(mistake.answer)), tolerance):
            return "❌", mistake.message
    return "❌", f"{_smallest(exercise, found, expected)} Repasa el enunciado o abre la pista 1."


def _smallest(exercise: Exercise, found: list, expected: list) -> str:
    """Qué pasa en el caso más pequeño de los que fallan. Si se pide un valor, no se dice cuál era."""
    tolerance = exercise.tolerance
    if not exercise.cases:
        return difference(found[0], expected[0], tolerance)
    failing = [
        place for place, pair in enumerate(zip(found, expected, strict=True)) if not same(*pair, tolerance)
    ]
    place = min(failing, key=lambda place: size(exercise.cases[place]))
    return _where(exercise, exercise.cases[place]) + difference(
        found[place], expected[place], tolerance, tell=exercise.measure is None
    )


def _where(exercise: Exercise, case: tuple) -> str:
    """Con qué caso pasa lo que se va a decir."""
    if exercise.run:
        return f"con {case[0]}, "
    written = inputs(case)
    return f"con la entrada {written}, " if written else ""


def _stopped(error: BaseException, exercise: Exercise, answer, place: int) -> tuple[str, str]:
    """La frase para una respuesta que no llega al final: se ha parado en el caso número `place`."""
    if isinstance(error, TimeUp) and error.waiting:
        return "⏱", (
            f"no terminó: lleva {significant(IDLE * exercise.seconds)} segundos esperando, casi sin calcular, y la "
            "he cortado. ¿Hay un `sleep` o un input(), o espera algo que no llega?"
        )
    if isinstance(error, TimeUp):
        return "⏱", (
            f"no terminó: a los {significant(exercise.seconds)} segundos de cálculo la he cortado. ¿Hay un bucle que "
            "no llega a su final, o que da muchas más vueltas de las que hacen falta?"
        )
    if isinstance(error, SystemExit):
        return "❌", "tu código llama a exit(): quita esa llamada y devuelve el resultado con return."
    if isinstance(error, RecursionError):
        return (
            "❌",
            "tu función se llama a sí misma sin parar (`RecursionError`): le falta el caso en que termina.",
        )
    try:
        said = " ".join(str(error).split())
    except (Exception, SystemExit):
        said = ""
    if type(error).__name__ == "StdinNotImplementedError" or said == "EOF when reading a line":
        return "❌", (
            "tu código pide algo por teclado, y aquí nadie contesta: usa los argumentos de la función en vez de "
            "input()."
        )
    if isinstance(error, MemoryError) or "allocate memory" in said:
        return (
            "❌",
            f"tu código pide más memoria de la que hay ({type(error).__name__}): mira las formas que crea.",
        )
    said = said if len(said) <= 300 else said[:299] + "…"
    case = exercise.cases[place]
    if isinstance(error, TypeError) and not exercise.run and not _accepts(answer, case):
        count = f"{len(case)} argumento{'s' if len(case) != 1 else ''}"
        return (
            "❌",
            f"tu función tiene que aceptar {count}, los del enunciado ({type(error).__name__}: {said}).",
        )
    return (
        "❌",
        f"{_where(exercise, case)}tu código se para con {type(error).__name__}{': ' if said else ''}{said}",
    )


def _calls(answer: Callable, reference: Callable) -> bool:
    """¿Nombra `answer` a `reference`, o hereda de ella? Tras un `check`, la del curso tiene nombre en el cuaderno."""
    if isinstance(answer, type):
        return isinstance(reference, type) and issubclass(answer, reference)
    code = getattr(answer, "__code__", None)
    known = getattr(answer, "__globals__", None)
    if not isinstance(code, types.CodeType) or known.get("__name__") != "__main__":  # la de un cuaderno
        return False
    return any(known.get(name) is reference for name in code.co_names)


def _accepts(answer: Callable, case: tuple) -> bool:
    """¿Se puede llamar a `answer` con esos argumentos? Si no se sabe, se supone que sí."""
    try:
        signature = inspect.signature(answer)
    except Exception:
        return True
    try:
        signature.bind(*case)
    except TypeError:
        return False
    return True


class _Noticing(TorchFunctionMode):
    """Apunta qué funciones de las vedadas se usan, se llamen como se llamen en el código: también `F.softmax`.

    Cada nombre vale por los que lo contienen (`log_softmax`, `_softmax`). Las de SciPy, que no avisan a nadie, se
    cambian mientras tanto por unas que sí.
    """

    def __init__(self, names):
        super().__init__()
        self.names, self.seen = names, []

    def __enter__(self):
        from scipy.special import log_softmax, softmax  # tarda en cargar

        found = map(inspect.unwrap, (softmax, log_softmax))
        self.scipy = [(one, one.__code__, one.__kwdefaults__) for one in found]
        # Su código, y no su nombre: así se nota también tras `from scipy.special import softmax`.
        for one, code, _ in self.scipy:
            real = types.FunctionType(code, one.__globals__, one.__name__, one.__defaults__)
            real.__kwdefaults__ = one.__kwdefaults__
            one.__code__, one.__kwdefaults__ = _noted.__code__, {"_note": self._note, "_real": real}
        return super().__enter__()

    def __exit__(self, *error):
        for one, code, defaults in self.scipy:
            one.__code__, one.__kwdefaults__ = code, defaults
        return super().__exit__(*error)

    def _note(self, called: str) -> None:
        self.seen += [name for name in self.names if name in called]

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self._note(getattr(func, "__name__", ""))
        return func(*args, **(kwargs or {}))


def _noted(*args, _note, _real, **kwargs):
    _note(_real.__name__)
    return _real(*args, **kwargs)
