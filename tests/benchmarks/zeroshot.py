"""Cuatro opciones tras un texto de 300 tokens: el contexto una vez y compartido, frente a repetirlo con cada opción.

Pesos al azar, 512 posiciones, opciones de 8 a 14 tokens, fp32. Tres formas de puntuar: «compartido» (la de
`log_prob_batch`), «en lote» (las cuatro secuencias enteras a la vez) y «de una en una». Antes se comprueba que las tres
dan lo mismo.
"""

import torch
from transformers import OpenAIGPTConfig

from helpers.hf import GPT1LMHeadModel
from helpers.zeroshot.scoring import log_prob, log_prob_batch
from tests.benchmarks.timing import against, alternate

SIZES = {
    "4 × 256": {"n_layer": 4, "n_embd": 256, "n_head": 4, "vocab_size": 8192},
    "12 × 768 (GPT-1)": {"n_layer": 12, "n_embd": 768, "n_head": 12, "vocab_size": 40_478},
}
SMALL = {"n_layer": 1, "n_embd": 32, "n_head": 2, "vocab_size": 500}
PASSAGE, OPTIONS, QUESTIONS = 300, (8, 10, 12, 14), 2


class Numbers:
    """Un tokenizador de mentira, para medir solo el modelo: el texto son los ids, separados por espacios."""

    def text_to_ids(self, text):
        return [int(word) for word in text.split()]

    def convert_tokens_to_ids(self, token):
        return 0  # el salto de línea, que en estos textos no sale

    def convert_ids_to_tokens(self, ids):
        return [str(index) for index in ids]


def rows(quick: bool = False) -> list[dict]:
    sizes = {"una capa": SMALL} if quick else SIZES
    return [row for label, shape in sizes.items() for row in compared(label, shape, 1 if quick else 3)]


def compared(label: str, sizes: dict, rounds: int) -> list[dict]:
    torch.manual_seed(0)
    tokenizer, model = Numbers(), GPT1LMHeadModel(OpenAIGPTConfig(n_positions=512, **sizes)).eval()

    def text(length):
        return " ".join(map(str, torch.randint(1, sizes["vocab_size"], (length,)).tolist()))

    items = [(text(PASSAGE), [text(length) for length in OPTIONS]) for _ in range(QUESTIONS)]

    def one_by_one():
        return [
            [log_prob(model, tokenizer, context, option) for option in options] for context, options in items
        ]

    ways = {
        "compartido": lambda: log_prob_batch(model, tokenizer, items),
        "las cuatro en un lote": lambda: log_prob_batch(model, tokenizer, items, share_prefix=False),
        "de una en una": one_by_one,
    }
    values = {
        way: torch.tensor([value for options in score() for one in options for value in one.values])
        for way, score in ways.items()
    }
    gap = max((values["compartido"] - other).abs().max().item() for other in values.values())
    assert gap < 1e-4, f"las tres formas no dan lo mismo: {gap}"
    times = alternate(rounds, ways)
    ours = times.pop("compartido")
    note = f"{QUESTIONS} preguntas; diferencia máxima, {gap:.0e} nats"
    name = f"Disparo cero, {PASSAGE} tokens y 4 opciones, {label}"
    return [against(name, way, other, ours, 2.5, note=note) for way, other in times.items()]
