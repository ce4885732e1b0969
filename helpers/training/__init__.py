"""Lo que comparten el ajuste fino y el preentrenamiento: la receta, la carpeta en que se guarda y el `Trainer`."""

from helpers.hf import silence
from helpers.training.folder import (
    alone_in,
    claim,
    clear_disk_errors,
    fingerprint,
    last_checkpoint,
    mark_finished,
    output_folder,
)
from helpers.training.recipe import (
    Recipe,
    TrainingError,
    add_recipe_options,
    check_kind,
    check_value,
)
from helpers.training.trainer import (
    CarefulTrainer,
    QuietProgress,
    arguments_for,
    finished,
    mixed_precision,
    processes,
    quiet,
    recipe_from,
    refuse_less,
    split_batch,
    total_steps,
    train,
    warn_if_alone,
)

__all__ = [
    "CarefulTrainer",
    "QuietProgress",
    "Recipe",
    "TrainingError",
    "add_recipe_options",
    "alone_in",
    "arguments_for",
    "check_kind",
    "check_value",
    "claim",
    "clear_disk_errors",
    "fingerprint",
    "finished",
    "last_checkpoint",
    "mark_finished",
    "mixed_precision",
    "output_folder",
    "processes",
    "quiet",
    "recipe_from",
    "refuse_less",
    "silence",
    "split_batch",
    "total_steps",
    "train",
    "warn_if_alone",
]
