"""Preguntas de repaso: `recall` las enseña y `answer` dice si aciertas y por qué, opción por opción."""

import json
from functools import cache

from helpers.environment import ROOT
from helpers.exercises import passport

BANK = ROOT / "data" / "questions.json"


@cache
def bank() -> dict[str, dict]:
    """Todas las preguntas por su identificador («03-07» = lección 03, pregunta 7)."""
    return {question["id"]: question for question in json.loads(BANK.read_text(encoding="utf-8"))}


def recall(*ids: str) -> None:
    """Imprime las preguntas pedidas, con sus opciones y cómo contestarlas."""
    for name in ids:
        question = _find(name)
        print(f"[{name}] {question['question']}")
        for letter, option in question["options"].items():
            print(f"   {letter}) {option['text']}")
        print(f'   Contesta con answer("{name}", "letra")\n')


def answer(name: str, option: str | None = None) -> None:
    """Corrige la opción elegida y explica por qué está bien o mal. Sin opción, la pregunta queda pendiente."""
    question = _find(name)
    if option is None or option is ...:
        print(f"⏳ {name}: pendiente.")
        return
    letter = str(option).strip().lower()
    if letter not in question["options"]:
        print(f"❌ {name}: elige una de {', '.join(question['options'])}.")
        return
    right = letter == question["right"]
    print(f"{'✅' if right else '❌'} {name}: {question['options'][letter]['why']}")
    passport.record(name, right)


def _find(name: str) -> dict:
    if name not in bank():
        raise KeyError(f"No existe la pregunta «{name}»: los identificadores son como «03-07».")
    return bank()[name]
