"""Preguntas de repaso: `recall` las enseña y `answer` dice si aciertas y por qué, opción por opción."""

import json
import re
from functools import cache

from helpers.environment import ROOT
from helpers.exercises import passport
from helpers.exercises.comparing import briefly, is_text

BANK = ROOT / "data" / "questions.json"


@cache
def bank() -> dict[str, dict]:
    """Todas las preguntas por su identificador («03-07» = lección 03, pregunta 7)."""
    return {question["id"]: question for question in json.loads(BANK.read_text(encoding="utf-8"))}


def recall(*ids: str) -> None:
    """Imprime las preguntas pedidas, con sus opciones y cómo contestarlas."""
    for name in ids:
        question = _find(name)
        if question is None:
            continue
        print(f"[{name}] {question['question']}")
        for letter, option in question["options"].items():
            print(f"   {letter}) {option['text']}")
        print(f'   Contesta con answer("{name}", "letra")\n')


def answer(name: str, option: str | None = None) -> None:
    """Corrige la opción elegida y explica por qué está bien o mal. Sin opción, la pregunta queda pendiente."""
    question = _find(name)
    if question is None:
        return
    if option is None or option is ...:
        print(f"⏳ {name}: pendiente.")
        return
    letter = str.strip(option, " \t\n().").lower() if is_text(option) else ""
    if letter not in question["options"]:
        known = ", ".join(question["options"])
        print(f"❌ {name}: has contestado {briefly(option)}: elige una de {known}, entre comillas.")
        return
    right = letter == question["right"]
    print(f"{'✅' if right else '❌'} {name}: {question['options'][letter]['why']}")
    passport.record(name, right)


def _find(name) -> dict | None:
    """La pregunta, o una frase que dice cómo se llaman."""
    try:
        if is_text(name) and name in bank():
            return bank()[name]
    except (OSError, ValueError) as error:
        print(
            f"❌ No se puede leer {BANK} ({type(error).__name__}): descarga otra vez ese archivo del curso."
        )
        return None
    found = re.fullmatch(r"\s*(\d{1,2})\D+(\d{1,2})\s*", name) if is_text(name) else None
    near = f"{int(found[1]):02}-{int(found[2]):02}" if found else ""
    meant = f" ¿Querías decir «{near}»?" if near in bank() and near != name else ""
    print(f"❌ No existe la pregunta {briefly(name)}: los identificadores son como «03-07».{meant}")
    return None
