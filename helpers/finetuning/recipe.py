"""La receta del ajuste fino: los valores del artículo (§4.1) y otros para el modelo pequeño. Lección 06."""

from dataclasses import dataclass
from typing import ClassVar

from helpers.rules import BELOW_ONE, COUNT, FRACTION, NOT_NEGATIVE, Rule
from helpers.training import Recipe


@dataclass(frozen=True)
class FineTuningRecipe(Recipe):
    """Los valores por defecto son los del artículo (§4.1) y los de train.py donde el artículo calla."""

    warmup: float = 0.002  # fracción de las actualizaciones
    lm_coef: float = 0.5  # λ: cuánto pesa L1 en L3 = L2 + λ·L1
    clf_dropout: float = 0.1
    by_length: bool = True  # lotes de longitud parecida; el original solo baraja
    n_transfer: int | None = None  # bloques que se copian, además de los embeddings: `None`, todos; -1, nada
    objective: str | None = None  # en STS-B, «soft» (por defecto) o «regression»
    train_size: int | None = None  # ejemplos de entrenamiento, siempre los mismos; `None`, todos

    RULES: ClassVar[dict[str, Rule]] = Recipe.RULES | {
        "warmup": FRACTION,
        "lm_coef": NOT_NEGATIVE,
        "clf_dropout": BELOW_ONE,
        "by_length": Rule(bool),
        "n_transfer": Rule(int, -1, also=(None,)),
        "objective": Rule(str, also=("class", "soft", "regression", None)),
        "train_size": COUNT._replace(also=(None,)),
    }


PAPER = FineTuningRecipe()
# Para `gpt1-mini` en una CPU: un modelo de 5 M aguanta (y necesita) pasos mayores que uno de 117 M.
MINI = FineTuningRecipe(learning_rate=1e-3, epochs=4, batch=16, micro_batch=16)
PRESETS = {"paper": PAPER, "mini": MINI}
