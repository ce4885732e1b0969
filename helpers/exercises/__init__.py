"""Comprobaciones que diagnostican, preguntas de repaso y progreso local.

En los cuadernos: `check("04-softmax", mi_softmax)`, `recall("04")`, `answer("03-07", "b")`, `progress()`. Nada sale
de tu ordenador. El catálogo de cada lección está en `lessonNN.py`.
"""

from helpers.exercises.checking import Exercise, Mistake, check
from helpers.exercises.passport import progress
from helpers.exercises.quiz import answer, recall

__all__ = ["Exercise", "Mistake", "answer", "check", "progress", "recall"]
