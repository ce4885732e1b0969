"""Medir dos formas de hacer lo mismo, alternándolas para que el ruido de la máquina les toque por igual."""

import statistics
import time


def side_by_side(rounds: int, **ways) -> dict[str, float]:
    """Mediana de segundos de cada función sin argumentos, tras `rounds` vueltas alternadas."""
    seconds = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}
