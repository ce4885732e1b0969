"""Cuatro opciones tras un texto de 300 tokens: el contexto una vez y compartido, frente a repetirlo con cada opción.

Pesos al azar, 512 posiciones, opciones de 8 a 14 tokens, fp32. Tres formas de puntuar: «compartido» (la de
`log_prob_batch`), «en lote» (las cuatro secuencias enteras a la vez) y «de una en una». Antes se comprueba que las tres
dan lo mismo. `python -m tests.benchmarks.zeroshot [preguntas] [vueltas]`.
"""

import sys

import torch
from transformers import OpenAIGPTConfig

from helpers.hf import GPT1LMHeadModel
from helpers.zeroshot.scoring import log_prob, log_prob_batch
from tests.benchmarks.timing import side_by_side

SIZES = {
    "4 × 256": {"n_layer": 4, "n_embd": 256, "n_head": 4, "vocab_size": 8192},
    "12 × 768 (GPT-1)": {"n_layer": 12, "n_embd": 768, "n_head": 12, "vocab_size": 40_478},
}
PASSAGE, OPTIONS = 300, (8, 10, 12, 14)


class Numbers:
    """Un tokenizador de mentira, para medir solo el modelo: el texto son los ids, separados por espacios."""

    def text_to_ids(self, text):
        return [int(word) for word in text.split()]

    def convert_ids_to_tokens(self, ids):
        return [str(index) for index in ids]


def main(questions: int = 2, rounds: int = 3) -> None:
    tokenizer = Numbers()
    for name, sizes in SIZES.items():
        torch.manual_seed(0)
        model = GPT1LMHeadModel(OpenAIGPTConfig(n_positions=512, **sizes)).eval()

        def text(length, top=sizes["vocab_size"]):
            return " ".join(map(str, torch.randint(1, top, (length,)).tolist()))

        items = [(text(PASSAGE), [text(length) for length in OPTIONS]) for _ in range(questions)]
        found = {}

        def shared(found=found, model=model, items=items):
            found["compartido"] = log_prob_batch(model, tokenizer, items)

        def repeated(found=found, model=model, items=items):
            found["en lote"] = log_prob_batch(model, tokenizer, items, share_prefix=False)

        def alone(found=found, model=model, items=items):
            found["de una en una"] = [
                [log_prob(model, tokenizer, context, option) for option in options]
                for context, options in items
            ]

        for way in (shared, repeated, alone):
            way()  # calienta la memoria
        values = {
            way: torch.tensor([value for options in result for one in options for value in one.values])
            for way, result in found.items()
        }
        for way in ("en lote", "de una en una"):
            torch.testing.assert_close(values["compartido"], values[way], atol=1e-4, rtol=0)
        gap = max((values["compartido"] - other).abs().max().item() for other in values.values())
        times = side_by_side(rounds, **{"compartido": shared, "en lote": repeated, "de una en una": alone})
        print(
            f"{name}, {questions} preguntas, {torch.get_num_threads()} hilos; diferencia máxima {gap:.1e} nats."
        )
        for way, seconds in times.items():
            ratio = seconds / times["compartido"]
            print(f"{way:>16}: {1000 * seconds / questions:8.1f} ms por pregunta  {ratio:5.2f}×")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
