"""Preentrenar un GPT-1 de cualquier tamaño desde archivos de texto, con la receta del artículo (§4.1).

`python -m helpers.pretraining --corpus CARPETA --out runs/mio` hace todo: vocabulario BPE, tokens y entrenamiento;
si se interrumpe, la misma orden sigue donde iba. Desde un cuaderno, `pretrain`; para seguir con un texto propio,
`fine_tune_language`. Lecciones 09 y 06.
"""

from helpers.pretraining.recipe import LANGUAGE, PRESETS, PretrainingRecipe, blank_model
from helpers.pretraining.run import FineTunedLanguage, fine_tune_language, pretrain

__all__ = [
    "LANGUAGE",
    "PRESETS",
    "FineTunedLanguage",
    "PretrainingRecipe",
    "blank_model",
    "fine_tune_language",
    "pretrain",
]
