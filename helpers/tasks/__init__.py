"""Las tareas del ajuste fino: los datos (`load_task`), el catálogo (`TASKS`) y las transformaciones de entrada.

    from helpers import tasks
    data = tasks.load_task("entailment")                      # DatasetDict: train, validation y test
    examples = tasks.encode_task(data["train"], "entailment", tokenizer, n_positions=512)
    batch = tasks.pad(examples[:8], pad_id=0)                 # input_ids [B, K, T]

Artículo, §3.3, figura 1 y tabla 1. Lección 06.
"""

from helpers.tasks.catalogue import TASKS, Task, TaskError, find_task
from helpers.tasks.readers import FEATURES
from helpers.tasks.sources import check_data, load_task
from helpers.tasks.transformations import (
    EncodedTask,
    InputTokens,
    Truncation,
    classification,
    encode_task,
    entailment,
    input_tokens,
    multiple_choice,
    pad,
    right_pad,
    similarity,
)

__all__ = [
    "FEATURES",
    "TASKS",
    "EncodedTask",
    "InputTokens",
    "Task",
    "TaskError",
    "Truncation",
    "check_data",
    "classification",
    "encode_task",
    "entailment",
    "find_task",
    "input_tokens",
    "load_task",
    "multiple_choice",
    "pad",
    "right_pad",
    "similarity",
]
