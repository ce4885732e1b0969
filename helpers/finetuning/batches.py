"""Lotes de longitud parecida: menos relleno y, con él, menos cuentas que no sirven."""

import torch

from helpers.memory import Batch

BUCKET = 50  # lotes entre los que se ordena por longitud


class LengthBatches(torch.utils.data.Sampler):
    """Índices barajados en cada época y agrupados de `batch` en `batch` por longitud; sobra el último lote incompleto.

    Se baraja todo, se ordena por longitud dentro de cada grupo de `BUCKET` lotes, se corta en lotes y se barajan los
    lotes. Con `by_length=False` solo se baraja, como el original (train.py, `shuffle` y `truncate=True`). El orden
    depende solo de `seed` y de la época, así que es el mismo en todos los procesos y al reanudar.
    """

    def __init__(self, lengths: list[int], batch: int, seed: int = 0, by_length: bool = True):
        self.lengths, self.batch, self.seed, self.by_length, self.epoch = lengths, batch, seed, by_length, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths) // self.batch * self.batch

    def __iter__(self):
        generator = torch.Generator().manual_seed(self.seed * 10_007 + self.epoch)
        order = torch.randperm(len(self.lengths), generator=generator).tolist()[: len(self)]
        if self.by_length:
            size = self.batch * BUCKET
            groups = [order[start : start + size] for start in range(0, len(order), size)]
            order = [index for group in groups for index in sorted(group, key=self.lengths.__getitem__)]
            batches = [order[start : start + self.batch] for start in range(0, len(order), self.batch)]
            shuffled = torch.randperm(len(batches), generator=generator).tolist()
            order = [index for place in shuffled for index in batches[place]]
        return iter(order)


def by_length(lengths: list[int]) -> list[int]:
    """Los índices de más largo a más corto: para evaluar con poco relleno y ver pronto si la memoria no llega."""
    return sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True)


def largest(encoded, size: int, with_lm: bool) -> Batch:
    """El lote de `size` ejemplos que más memoria pide: los más largos, juntos. `with_lm`: ¿se predicen sus tokens?"""
    longest = by_length(encoded.lengths)[:size]
    lengths = [len(ids) for index in longest for ids in encoded[index]["sequences"]]
    return Batch(len(lengths), max(lengths), sum(lengths) - len(lengths) if with_lm else 0)
