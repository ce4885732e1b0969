"""`generate` del curso frente a `OpenAIGPTLMHeadModel`, y en int8 frente a fp32, con la forma completa de GPT-1.

Pesos al azar (116 534 784 parámetros), fp32, decodificación voraz.
"""

import statistics
import sys
import time

import torch
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from helpers import generation
from helpers.hf import GPT1LMHeadModel
from helpers.int8 import quantize

# (tokens de partida, nuevos) → cuántas veces más rápido que transformers se quiere
GOALS = {(32, 64): 4.0, (32, 480): 14.0, (256, 256): 6.0}
INT8_GOAL = 2.5
TINY = {"n_layer": 2, "n_embd": 32, "n_head": 2, "n_positions": 32, "vocab_size": 101}


def rows(quick: bool = False, rounds: int = 3) -> list[dict]:
    """Una fila por comparación, con la igualdad comprobada antes de medir. `quick`, con un modelo diminuto.

    Cada fila: `name`, `other` y `ours` (mediana de segundos), `times` (cociente), `goal` (el que se quiere), `spread`
    ([menor, mayor] de los cocientes de cada vuelta) y `note`.
    """
    torch.manual_seed(0)
    config = OpenAIGPTConfig(**(TINY if quick else {}))
    reference, ours = OpenAIGPTLMHeadModel(config).eval(), GPT1LMHeadModel(config).eval()
    ours.load_state_dict(reference.state_dict())
    goals = {(4, 6): 4.0} if quick else GOALS
    found = []
    for (prompt, new), goal in goals.items():
        for batch in (1, 8):
            ids, settings = _asked(batch, prompt, new, config)

            def theirs(ids=ids, settings=settings):
                return reference.generate(ids, **settings)

            def cached(ids=ids, settings=settings):
                return ours.generate(ids, **settings)

            def loop(ids=ids, new=new):
                return generation.generate(ours, ids, new, do_sample=False)

            written = cached()
            assert torch.equal(theirs(), written) and torch.equal(loop(), written)
            name = f"generar {new} tokens tras {prompt}, lote de {batch}"
            found.append(_row(name, theirs, cached, rounds, goal, "frente a transformers; los mismos tokens"))
    found.append(_int8(config, ours, 8 if quick else 32, rounds))
    return found


def _int8(config, whole, new: int, rounds: int) -> dict:
    small = GPT1LMHeadModel(config)
    small.load_state_dict(whole.state_dict())
    small = quantize(small)
    ids, settings = _asked(1, 8, new, config)
    with torch.inference_mode():
        exact, near = whole(ids).logits, small(ids).logits
    off = float((near - exact).norm() / exact.norm())
    assert off < 0.05, f"los logits en int8 se apartan un {off:.1%}"
    share = _bytes(small) / _bytes(whole)
    return _row(
        f"int8: generar {new} tokens tras 8, lote de 1",
        lambda: whole.generate(ids, **settings),
        lambda: small.generate(ids, **settings),
        rounds,
        INT8_GOAL,
        f"frente a fp32; memoria de los pesos, {share:.2f} veces; logits, a un {off:.2%}",
    )


def _asked(batch: int, prompt: int, new: int, config):
    ids = torch.randint(1, config.vocab_size, (batch, prompt))
    asked = {"do_sample": False, "max_new_tokens": new, "pad_token_id": 0}
    return ids, {"attention_mask": torch.ones_like(ids), **asked}


def _bytes(model) -> int:
    """Bytes de los pesos, contando los que van empaquetados."""
    size = sum(value.nbytes for value in (*model.parameters(), *model.buffers()))
    for part in model.modules():
        if hasattr(part, "packed"):
            weight = part.packed.unpack()[0]
            size += weight.numel() + 12 * len(weight)  # un entero por peso; por fila, escala y dos sumas
            size += 0 if part.bias is None else part.bias.nbytes
    return size


def _row(name: str, theirs, cached, rounds: int, goal: float, note: str) -> dict:
    """Mide las dos formas alternándolas, vuelta a vuelta: hace falta el cociente de cada una."""
    seconds = []
    for _ in range(rounds):
        marks = [time.perf_counter()]
        for way in (theirs, cached):
            way()
            marks.append(time.perf_counter())
        seconds.append((marks[1] - marks[0], marks[2] - marks[1]))
    ratios = [other / mine for other, mine in seconds]
    other, mine = (statistics.median(column) for column in zip(*seconds, strict=True))
    return {
        "name": name,
        "other": other,
        "ours": mine,
        "times": other / mine,
        "goal": goal,
        "spread": [min(ratios), max(ratios)],
        "note": note,
    }


def main(quick: bool = False) -> None:
    print(f"{torch.get_num_threads()} hilos")
    for row in rows(quick):
        low, high = row["spread"]
        print(
            f"{row['name']}: {row['other']:.2f} s → {row['ours']:.2f} s, {row['times']:.1f}× "
            f"[{low:.1f}, {high:.1f}], se quiere {row['goal']:.1f}×; {row['note']}."
        )


if __name__ == "__main__":
    main("quick" in sys.argv[1:])
