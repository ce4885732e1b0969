"""`generate` con la caché del curso frente a `OpenAIGPTLMHeadModel`, con la forma completa de GPT-1.

Pesos al azar (116 534 784 parámetros), lote de 1, 32 tokens de partida y 480 nuevos, fp32, decodificación voraz.
"""

import sys

import torch
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from helpers import generation
from helpers.hf import GPT1LMHeadModel
from tests.benchmarks.timing import side_by_side


def main(prompt: int = 32, new: int = 480, rounds: int = 1) -> None:
    torch.manual_seed(0)
    reference = OpenAIGPTLMHeadModel(OpenAIGPTConfig()).eval()
    ours = GPT1LMHeadModel(OpenAIGPTConfig()).eval()
    ours.load_state_dict(reference.state_dict())
    ids = torch.randint(1, 40_478, (1, prompt))
    settings = {
        "attention_mask": torch.ones_like(ids),
        "do_sample": False,
        "max_new_tokens": new,
        "pad_token_id": 0,
    }
    found = {}

    def theirs():
        found["transformers"] = reference.generate(ids, **settings)

    def cached():
        found["curso"] = ours.generate(ids, **settings)

    def loop():
        found["bucle"] = generation.generate(ours, ids, new, do_sample=False)

    cached()  # calienta la memoria
    # Lo nuestro se mide antes y después de lo suyo, que tarda minutos: así el ruido les toca a los dos.
    before = side_by_side(rounds, **{"curso": cached, "bucle del curso": loop})
    times = side_by_side(1, transformers=theirs)
    after = side_by_side(rounds, **{"curso": cached, "bucle del curso": loop})
    times |= {name: (before[name] + after[name]) / 2 for name in before}
    assert torch.equal(found["transformers"], found["curso"]) and torch.equal(found["curso"], found["bucle"])
    print(f"{prompt} + {new} tokens, {torch.get_num_threads()} hilos; mismos tokens comprobados.")
    for name, seconds in times.items():
        print(
            f"{name:>16}: {seconds:7.2f} s  {new / seconds:6.1f} tokens/s  {times['transformers'] / seconds:5.1f}×"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
