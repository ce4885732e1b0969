"""Comprobaciones que diagnostican, preguntas de repaso y progreso local.

En los cuadernos: `check("04-softmax", mi_softmax)`, `recall("04-01")`, `answer("04-01", "b")`, `progress()` y, para
apostar antes de ver un resultado, `observe("04-barajar", (100, 900), 485)` y `calibration()`. Nada sale de tu
ordenador. El catálogo de cada lección está en su habitación, `helpers/lessonNN/exercises.py`.
"""

from helpers.exercises.bets import calibration, observe
from helpers.exercises.checking import Exercise, Mistake, check
from helpers.exercises.quiz import answer, recall
from helpers.exercises.totals import progress

__all__ = ["Exercise", "Mistake", "answer", "calibration", "check", "observe", "progress", "recall"]
