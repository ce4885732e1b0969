"""¿Cabe un entrenamiento en la memoria? Se calcula antes de empezar, cuando aún se está a tiempo de elegir. Lección 06.

En una GPU, lo que más ocupa suelen ser los logits: con el vocabulario de GPT-1, 162 kB por token y copia.
`tests/test_memory.py` compara estas cuentas con lo que PyTorch pide, y `tests/benchmarks/memory.py`, con el pico de
entrenamientos enteros.
"""

import os
from pathlib import Path
from typing import NamedTuple

import torch

from helpers.chunked import ROWS
from helpers.spanish import number
from helpers.training import TrainingError

FP32 = 4  # bytes por número
SLACK = 1.2  # lo que piden de más quienes reparten la memoria (glibc, CUDA): medido, entre 1 y 1,3
MEMINFO = Path("/proc/meminfo")  # solo en Linux


class Batch(NamedTuple):
    """Lo que pasa a la vez por el modelo: secuencias, tokens de cada una y tokens que se predicen en total."""

    sequences: int
    length: int
    predicted: int


def activations(config, batch: Batch, half: bool = False, cuda: bool = False) -> int:
    """Bytes que guardan los bloques para la pasada hacia atrás; `half` es precisión mixta.

    Por token y bloque, 14 vectores de anchura `n_embd` entran o salen de una matriz (en `half`, 2 bytes por número), 2
    entran en una LayerNorm (siempre 4) y 2 son máscaras de dropout. Sin GPU, el dropout de la atención obliga además a
    guardar sus pesos, antes y después de él, y su máscara.
    """
    size = 2 if half else FP32
    mask = (1 if cuda else size) if config.resid_pdrop else 0
    per_token = config.n_embd * (14 * size + 2 * FP32 + 2 * mask)
    if config.attn_pdrop and not cuda:
        per_token += 3 * FP32 * config.n_head * batch.length
    return config.n_layer * batch.sequences * batch.length * per_token


def needed(model, batch: Batch, half=False, cuda=False, accumulates=False, copies: int = 0) -> int:
    """Bytes que pide entrenar `model` por lotes como `batch`, además de sus pesos; `copies`, otras copias de ellos.

    Hay dos momentos malos: hechos los logits, con sus dos gradientes (o los de un bloque, si no hay logits) y nada aún
    suelto; y al acabar la pasada hacia atrás, con todos los gradientes y los dos de los embeddings, que son también la
    matriz de salida, sin sumar. Si se acumulan varios lotes, en el primero ya hay gradientes.
    En CPU y fp32, los logits van por trozos (`helpers.chunked`): de ellos hay una copia de un trozo, y desde entonces
    los gradientes de la matriz de salida, al que se suma el de los embeddings, y de lo que le llega.
    """
    config, weights, tokens = model.config, FP32 * model.num_parameters(), batch.sequences * batch.length
    block = tokens * (10 * config.n_embd + 3 * config.n_head * batch.length)
    table = config.vocab_size * config.n_embd
    if half or cuda:
        passing, sums = FP32 * max(3 * batch.predicted * config.vocab_size, block), 2
    else:
        rows = min(batch.predicted, ROWS)
        output = rows and table + batch.predicted * config.n_embd
        passing, sums = FP32 * (output + max(rows * config.vocab_size, block)), 1
    first = int(SLACK * (activations(config, batch, half, cuda) + passing)) + accumulates * weights
    last = weights + (sums + accumulates) * FP32 * table
    # las dos medias de Adam en fp32 y, con precisión mixta, una copia de los pesos en 16 bits
    return (2 + copies) * weights + half * weights // 2 + max(first, last)


def available(device: str) -> int | None:
    """Bytes libres en la GPU o, en Linux, en la máquina, con su memoria de intercambio; `None` si no se sabe."""
    if device == "cuda" and torch.cuda.is_available():
        return torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    if device != "cpu" or not MEMINFO.exists():
        return None
    kilobytes = dict(line.split()[:2] for line in MEMINFO.read_text().splitlines())
    free = 1024 * (int(kilobytes["MemAvailable:"]) + int(kilobytes["SwapFree:"]))
    return free // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # los procesos de esta máquina se la reparten


def check_fits(trainer, largest, kept: bool = False) -> None:
    """Lanza `TrainingError` si lo que va a entrenar `trainer` no cabe, y dice el mayor `micro_batch` con el que cabría.

    `largest(n)` es el mayor `Batch` con `micro_batch=n`; `kept`, si se guarda en memoria otra copia de los pesos. Donde
    no se sabe cuánta memoria hay, no se comprueba nada.
    """
    args, cuda, room = trainer.args, trainer.args.device.type == "cuda", available(trainer.args.device.type)
    micro_batch, copies = args.per_device_train_batch_size, (kept and not cuda) + (args.world_size > 1)
    share = micro_batch * args.gradient_accumulation_steps

    def need(size: int) -> int:
        half = args.fp16 or args.bf16
        return needed(trainer.model, largest(size), half, cuda, share > size, copies)

    if room is None or need(micro_batch) <= room:
        return
    sizes = [size for size in range(micro_batch, 0, -1) if share % size == 0]
    fits = next((size for size in sizes if need(size) <= room), None)
    advice = (
        f"con micro_batch={fits} (en la terminal, --micro-batch {fits}) cabe, y el lote sigue siendo de "
        f"{share * args.world_size}."
        if fits
        else "ni de uno en uno (micro_batch=1) cabe; hace falta más memoria, otro modelo más pequeño o menos tokens."
    )
    raise TrainingError(
        f"Entrenar así necesita unos {number(need(micro_batch) / 1e9, 1)} GB más de memoria y en la "
        f"{'GPU' if cuda else 'máquina'} quedan {number(room / 1e9, 1)}: {advice}"
    )
