"""La cuenta de lo hecho, lección a lección, y el texto con que llevarla a otro ordenador."""

from helpers.exercises.checking import catalogue, lessons
from helpers.exercises.comparing import briefly, is_text
from helpers.exercises.passport import add_text, as_text, load_bets, load_results
from helpers.exercises.quiz import bank
from helpers.spanish import text_table

# Lo que se mudó de lección conserva su nombre: quien ya lo tenía hecho no lo pierde.
MOVED = dict.fromkeys(("01-orden", "01-mejora", "01-06", "01-07", "01-08", "01-09", "01-12"), "10")


def progress(passport: str | None = None) -> str | None:
    """Imprime la tabla de lo hecho por lección; con `passport`, antes suma lo que trae ese texto.

    Devuelve el texto con el que recuperar tu progreso en otro ordenador: `progress("…")`.
    """
    if passport is not None and not (is_text(passport) and not str.strip(passport)):
        try:
            add_text(passport)
        except ValueError:
            given = briefly(passport, 30)
            print(
                f"❌ {given} no es un texto de progreso, o le falta un trozo: cópialo entero de lo que dio progress()."
            )
            return None
    done = load_results()
    if not done and not load_bets():
        print("Todavía no hay nada apuntado: empieza por cualquier ejercicio.")
        return None
    rows = [("Lección", "bien", "intentados")]
    for lesson in sorted(set(map(lesson_of, done)) & set(lessons())):
        there = names(lesson)
        results = [good for name, good in done.items() if name in there]
        rows.append((lesson, f"{sum(results)} de {len(there)}", str(len(results))))
    print(text_table(rows, right=(1, 2)))
    print(
        "Cuentan los ejercicios de la lección y todas sus preguntas, también las que salen en otra o solo en Anki."
    )
    return as_text()


def lesson_of(name: str) -> str:
    """La lección en la que está hoy un ejercicio o una pregunta."""
    return MOVED.get(name, name[:2])


def names(lesson: str) -> set[str]:
    """Los ejercicios y las preguntas que tiene una lección."""
    try:
        every = [*bank()]
    except (OSError, ValueError):  # `recall` y `answer` dicen qué le pasa al archivo
        every = []
    every += [name for room in {lesson, *(name[:2] for name in MOVED)} for name in catalogue(room)]
    return {name for name in every if lesson_of(name) == lesson}
