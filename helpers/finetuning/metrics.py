"""Las métricas del artículo (tablas 2 a 5): exactitud, F1, correlación de Matthews y de Pearson."""

import warnings

import numpy as np
from scipy.stats import pearsonr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from helpers.training import TrainingError

NAMES = {"accuracy": "exactitud", "f1": "F1", "matthews": "Matthews", "pearson": "Pearson"}


def _pearson(labels, predicted) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # si todas las predicciones son iguales no está definida: se cuenta como 0
        value = float(pearsonr(labels, predicted).statistic) if len(labels) > 1 else 0.0
    return value if np.isfinite(value) else 0.0


_FUNCTIONS = {
    "accuracy": accuracy_score,
    # la F1 de GLUE se refiere a la clase 1; si nunca se predice, vale 0
    "f1": lambda labels, predicted: f1_score(labels, predicted, pos_label=1, zero_division=0),
    "matthews": matthews_corrcoef,
    "pearson": _pearson,
}


def check_metrics(names) -> None:
    """Lanza `TrainingError` si en `names` no hay ninguna métrica o alguna no se conoce."""
    unknown = [name for name in names if name not in _FUNCTIONS]
    if unknown or not names:
        what = f"No conozco la métrica «{unknown[0]}»" if unknown else "La tarea no tiene ninguna métrica"
        raise TrainingError(f"{what}: las que hay son {', '.join(_FUNCTIONS)}.")


def compute(names, labels, predicted) -> dict[str, float]:
    """Las métricas `names` de unas predicciones, entre 0 y 1 (o -1 y 1): clases, o puntuaciones para Pearson.

    Lanza `TrainingError` si no se conoce alguna métrica.
    """
    check_metrics(names)
    return {name: float(_FUNCTIONS[name](labels, predicted)) for name in names}
