"""Todas las lecciones cumplen el contrato; qué se mira exactamente está en `contract.py`."""

import contract

from tools import lessons
from tools.stamp_address import current


def test_lesson_keeps_the_contract(lesson):
    assert contract.problems(lesson, current()) == []


def test_lessons_are_numbered_without_gaps():
    assert [path.stem[:2] for path in lessons.find()] == [f"{n:02}" for n in range(len(lessons.find()))]
