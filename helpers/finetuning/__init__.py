"""Ajuste fino como en el artículo: cuatro familias de tareas y un solo objetivo, L3 = L2 + λ·L1. Lección 06.

    from helpers.finetuning import MINI, fine_tune
    result = fine_tune("gpt1-mini", "sentiment", recipe=MINI)
    result.test.metrics, result.predict("What a lovely morning!").answers

`python -m helpers.finetuning --task … --out …` hace lo mismo desde la terminal, en uno o varios procesos.
"""

from helpers.finetuning.losses import expected_score, lm_losses, soft_targets, task_losses
from helpers.finetuning.model import GPT1ForTask, TaskOutput
from helpers.finetuning.optimizer import OpenAIAdam, decay_groups, warmup_linear
from helpers.finetuning.recipe import MINI, PAPER, PRESETS, FineTuningRecipe
from helpers.finetuning.result import FineTuned, Predictions
from helpers.finetuning.run import fine_tune
from helpers.training import TrainingError

__all__ = [
    "MINI",
    "PAPER",
    "PRESETS",
    "FineTuned",
    "FineTuningRecipe",
    "GPT1ForTask",
    "OpenAIAdam",
    "Predictions",
    "TaskOutput",
    "TrainingError",
    "decay_groups",
    "expected_score",
    "fine_tune",
    "lm_losses",
    "soft_targets",
    "task_losses",
    "warmup_linear",
]
