"""`generate` con la caché del curso frente a `OpenAIGPTLMHeadModel`, y en int8 frente a fp32, con la forma de GPT-1.

Pesos al azar (116 534 784 parámetros), decodificación voraz. Antes se comprueba que los tokens son los mismos; en int8,
que de los pesos redondeados sale lo mismo (lo que escribe con pesos de verdad lo mira `tests/test_models.py`).
"""

import copy
import statistics

import torch
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from helpers import generation
from helpers.hf import GPT1LMHeadModel
from helpers.int8 import quantize
from tests.benchmarks.machine import read_bandwidth
from tests.benchmarks.timing import against, alternate

SHAPES = [
    (1, 32, 64, 4),
    (8, 32, 64, 4),
    (1, 256, 256, 6),
    (1, 32, 480, 14),
]  # lote, texto, tokens nuevos, meta
SMALL = {"n_layer": 2, "n_embd": 64, "n_head": 2, "vocab_size": 500}


def rows(quick: bool = False) -> list[dict]:
    torch.manual_seed(0)
    config = OpenAIGPTConfig(**(SMALL if quick else {}))
    theirs = OpenAIGPTLMHeadModel(config).eval()
    ours = GPT1LMHeadModel(config).eval()
    ours.load_state_dict(theirs.state_dict())
    shapes = [(1, 4, 6, 4), (2, 4, 6, 4)] if quick else SHAPES
    return [*(compared(theirs, ours, quick, *shape) for shape in shapes), *rounded(ours, quick)]


def read_per_token(model, tokens: float = 0) -> int:
    """Bytes que hay que leer para un token: los pesos, menos las posiciones, y las claves y valores de los de antes."""
    config, positions = model.config, model.transformer.positions_embed.weight.numel()
    return 4 * (model.num_parameters() - positions + 2 * config.n_layer * config.n_embd * tokens)


def compared(theirs, ours, quick, batch, length, new, goal) -> dict:
    ids = torch.randint(1, ours.config.vocab_size, (batch, length))
    settings = {
        "attention_mask": torch.ones_like(ids), "do_sample": False, "max_new_tokens": new, "pad_token_id": 0,
    }  # fmt: skip
    written = {}

    def write(name, model):
        written[name] = model.generate(ids, **settings)

    def bandwidth():
        return read_bandwidth(20 if quick else 400)

    write("curso", ours)  # calienta la memoria
    limit = bandwidth()
    rounds = 3 if 10 < new < 100 else 1  # los largos tardan minutos, casi todos del rival
    seconds = alternate(rounds, {name: lambda name=name, model=model: write(name, model) for name, model in
                            (("transformers", theirs), ("curso", ours))})  # fmt: skip
    assert torch.equal(written["transformers"], written["curso"]), "no escriben lo mismo"
    assert torch.equal(written["curso"], generation.generate(ours, ids, new, do_sample=False))
    spent = statistics.median(seconds["curso"])
    limit = max(limit, bandwidth())  # el ruido solo resta
    read = new * read_per_token(ours, length + new / 2)
    more = {"share": read / spent / limit, "of": "leer"} if batch == 1 else {}
    return against(
        f"Generar, {length} + {new} tokens, lote de {batch}", "`OpenAIGPTLMHeadModel`", seconds["transformers"],
        seconds["curso"], goal, note=f"{batch * new / spent:.1f} tokens por segundo".replace(".", ","), **more,
    )  # fmt: skip


def int8_bytes(small) -> int:
    """Lo que ocupa un modelo en int8: lo empaquetado, que `unpack()` da de un byte, con sus escalas, y lo demás."""
    packed = [part.packed.unpack()[0] for part in small.modules() if hasattr(part, "packed")]
    kept = sum(value.nbytes for value in (*small.parameters(), *small.buffers()))
    return kept + sum(weight.numel() + 4 * len(weight) for weight in packed)


def rounded(ours, quick: bool) -> list[dict]:
    small = quantize(copy.deepcopy(ours))
    ids, new = torch.randint(1, ours.config.vocab_size, (1, 8)), 6 if quick else 64
    with torch.inference_mode():
        apart = (small(ids).logits - ours(ids).logits).abs().max() / ours(ids).logits.abs().max()
    assert apart < 0.05, f"los logits en int8 se apartan {apart}"
    limit = read_bandwidth(20 if quick else 400)
    seconds = alternate(
        1 if quick else 5,
        {
            name: lambda model=model: generation.generate(model, ids, new, do_sample=False)
            for name, model in (("fp32", ours), ("int8", small))
        },
    )
    share = new * read_per_token(ours) / 4 / statistics.median(seconds["int8"]) / limit
    time = against(
        f"Generar en int8, 8 + {new} tokens, lote de 1", "el curso en fp32", seconds["fp32"], seconds["int8"], 2.5,
        share=share, of="leer",
        note="lo demás, casi todo, preparar lo que entra en cada matriz; logits a un "
        f"{100 * apart:.1f} % de los de fp32".replace(".", ","),
    )  # fmt: skip
    whole, rest = 4 * ours.num_parameters(), int8_bytes(small)
    note = "la tabla de los tokens está dos veces: para consultarla y para la salida"
    memory = against("Pesos en int8", "el curso en fp32", [whole / 1e6], [rest / 1e6], 3, "MB", note)
    return [time, memory]
