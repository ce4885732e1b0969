"""Cómo crecen el tiempo y la memoria: el exponente de la potencia que mejor sigue a lo medido. 1 es lineal.

Con el largo, el lote, el corpus y el modelo; el tokenizador mide los suyos. La memoria, en el pico de un entrenamiento
entero, en un proceso nuevo (`tests/benchmarks/memory.py`).
"""

import tempfile
from pathlib import Path

import torch
from transformers import OpenAIGPTConfig

from helpers import generation
from helpers.hf import GPT1LMHeadModel
from helpers.models import MINI
from helpers.pretraining.corpus import tokenize_documents
from helpers.pretraining.texts import Document
from tests.benchmarks.machine import exponent
from tests.benchmarks.memory import Case, alone
from tests.benchmarks.timing import alternate, at_most

SHAPE = {"n_layer": 4, "n_embd": 256, "n_head": 4, "vocab_size": 8192}


def fitted(name: str, limit: float, sizes, way, rounds: int = 3) -> dict:
    """Una fila con el exponente de los segundos de `way(tamaño)`, la mejor de varias vueltas."""
    seconds = alternate(rounds, {size: lambda size=size: way(size) for size in sizes})
    best = [min(values) for values in seconds.values()]
    return row(name, limit, sizes, best, "s")


def row(name, limit, sizes, spent, unit):
    measured = ", ".join(f"{size}: {value:.3g} {unit}" for size, value in zip(sizes, spent, strict=True))
    return at_most(name, [exponent(sizes, spent)], limit, unit="", note=measured.replace(".", ","))


def model_of(**shape) -> GPT1LMHeadModel:
    torch.manual_seed(0)
    return GPT1LMHeadModel(OpenAIGPTConfig(n_positions=512, **(SHAPE | shape)))


def step(model, batch: int, length: int) -> None:
    ids = torch.randint(1, model.config.vocab_size, (batch, length))
    model(ids, labels=ids).loss.backward()
    model.zero_grad()


def rows(quick: bool = False) -> list[dict]:
    shape = {"n_layer": 1, "n_embd": 32, "n_head": 2, "vocab_size": 500} if quick else {}
    rounds, scale = (1, 8) if quick else (3, 1)
    model = model_of(**shape)

    def write(new):
        generation.generate(model.eval(), torch.ones(1, 8, dtype=torch.long), new // scale, do_sample=False)

    def batch(size):
        step(model, size, 128 // scale)

    def length(size):
        step(model, 4, size // scale)

    batch(1)  # calienta la memoria
    found = [
        fitted("`generate`, tiempo con los tokens", 1.2, [64, 128, 256, 480], write, rounds),
        fitted("Un paso, tiempo con el lote", 1.1, [4, 8, 16], batch, rounds),
        fitted("Un paso, tiempo con el largo", 1.5, [64, 128, 256, 512], length, rounds),
    ]
    return found if quick else found + [by_model(), by_corpus(), *by_memory()]


def by_model() -> dict:
    models = [model_of(n_layer=size, n_embd=64 * size, n_head=size) for size in (4, 6, 8)]
    models = {model.num_parameters(): model for model in models}
    return fitted(
        "Un paso, tiempo con los parámetros", 1.1, list(models), lambda size: step(models[size], 4, 128)
    )


def by_corpus() -> dict:
    def tokens_of(size):
        text = "\n".join(" ".join(f"w{line}x{word % 97}" for word in range(100)) for line in range(size))
        with tempfile.TemporaryDirectory() as folder:
            tokenize_documents([Document("", text)], MINI, Path(folder) / "ids.bin", processes=1)

    return fitted("Tokens de un corpus, tiempo con sus líneas", 1.1, [500, 2000, 8000], tokens_of, 1)


def by_memory() -> list[dict]:
    shape = (4, 256, 4, 8192)
    cases = {
        "el lote": (1.1, {size: Case(True, shape, size, 64) for size in (8, 16, 32)}),
        "el largo": (1.5, {size: Case(True, shape, 8, size) for size in (64, 128, 256)}),
    }
    return [
        row(
            f"Ajuste fino, memoria con {what}", limit, list(sizes),
            [alone(case)["measured"] / 1e6 for case in sizes.values()], "MB",
        )
        for what, (limit, sizes) in cases.items()
    ]  # fmt: skip
