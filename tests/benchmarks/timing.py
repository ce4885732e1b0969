"""Medir dos formas de hacer lo mismo, alternándolas para que el ruido de la máquina les toque por igual."""

import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor


def alternate(rounds: int, ways: dict, clock=time.perf_counter) -> dict[str, list[float]]:
    """Los segundos de cada vuelta de cada función sin argumentos: `{nombre: [segundos]}`, por turnos."""
    seconds = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = clock()
            way()
            seconds[name].append(clock() - start)
    return seconds


def alone(way) -> float:
    """`way()` en un proceso nuevo."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(way).result()


def against(name: str, rival: str, other, ours, goal=None, unit: str = "s", note: str = "", **more) -> dict:
    """Una fila de las que comparan: lo que gastan `other` y `ours` en cada vuelta, y cuántas veces menos es lo nuestro.

    `goal`: las veces que se buscan. `spread`: la menor y la mayor de las veces de cada vuelta.
    """
    ratios = [theirs / mine for theirs, mine in zip(other, ours, strict=True)]
    other, ours = statistics.median(other), statistics.median(ours)
    return {
        "name": name, "rival": rival, "unit": unit, "other": other, "ours": ours, "times": other / ours,
        "spread": [min(ratios), max(ratios)], "goal": goal, "note": note, **more,
    }  # fmt: skip


def at_most(name: str, ours, limit=None, unit: str = "s", note: str = "", **more) -> dict:
    """Una fila sin rival: lo que se gasta en cada vuelta, que no debe pasar de `limit`."""
    return {
        "name": name, "unit": unit, "ours": statistics.median(ours), "spread": [min(ours), max(ours)],
        "limit": limit, "note": note, **more,
    }  # fmt: skip
