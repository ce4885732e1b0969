"""Las medidas de velocidad y memoria: una función `rows(quick)` en cada grupo."""

import importlib

from tests.benchmarks import machine

GROUPS = (
    "tokenizer",
    "generation",
    "zeroshot",
    "finetuning",
    "pretraining",
    "growth",
    "site",
    "lessons",
    "commands",
)


def measured(group: str, quick: bool = False) -> dict:
    """`{"machine", "rows"}` de un grupo."""
    where = machine.described(quick)
    return {"machine": where, "rows": importlib.import_module(f"tests.benchmarks.{group}").rows(quick)}
