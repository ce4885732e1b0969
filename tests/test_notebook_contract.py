"""Todas las lecciones cumplen el contrato; qué se mira exactamente está en `contract.py`."""

import contract

from tools import lessons
from tools.stamp_address import current


def test_lesson_keeps_the_contract(lesson):
    assert contract.problems(lesson, current()) == []


def test_lessons_are_numbered_once_and_in_order():
    numbers = [path.stem[:2] for path in lessons.find()]
    assert numbers == sorted(set(numbers)) and numbers[0] == "00"
