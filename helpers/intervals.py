"""Cuánto vale una medida: intervalos del 95 % de una nota, de una proporción y de una diferencia. Lecciones 06 y 07."""

from numbers import Integral

import numpy as np
from scipy.stats import binomtest


def check_whole(name: str, value, least: int = 0) -> None:
    """Lanza `ValueError` si `value` no es un entero desde `least`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"`{name}` tiene que ser un entero desde {least} y es {value!r:.40}.")


def bootstrap(
    counts, statistic, units=None, resamples: int = 1000, seed: int = 0
) -> tuple[float, float] | None:
    """Intervalo del 95 % (percentiles) de `statistic(recuentos sumados)`, remuestreando `units` enteras con reposición.

    `counts` [n, c], una fila por ejemplo; `units`, a qué unidad pertenece cada una (`""` = a la suya propia). Dice
    cuánto cambiaría con otros ejemplos como estos, no con otro entrenamiento. `resamples=0` → `None`.
    """
    check_whole("resamples", resamples)
    check_whole("seed", seed)
    if not resamples:
        return None
    counts = np.asarray(counts, dtype=float)
    names = [unit or index for index, unit in enumerate(units)] if units is not None else range(len(counts))
    place = {name: index for index, name in enumerate(dict.fromkeys(names))}
    sums = np.zeros((len(place), counts.shape[1]))
    np.add.at(sums, [place[name] for name in names], counts)
    random = np.random.default_rng(seed)
    times = random.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=resamples)
    low, high = np.percentile(statistic(times @ sums), [2.5, 97.5])
    return float(low), float(high)


def paired_interval(ours, theirs, resamples: int = 2000, seed: int = 0) -> tuple[float, float, float]:
    """(diferencia media, extremos de su intervalo del 95 %) de los aciertos `ours` y `theirs`, [semillas, frases].

    Cada semilla y cada frase de uno va con la misma del otro. Se remuestrean a la vez las semillas y las frases, porque
    la suerte está en las dos: lo que se vería con otro entrenamiento **y** otras frases como estas. Lo que no depende
    de la semilla es una sola fila. Lanza `ValueError` si las formas no casan.
    """
    ours, theirs = (np.atleast_2d(np.asarray(rights, dtype=float)) for rights in (ours, theirs))
    if ours.shape[1] != theirs.shape[1] or (1 not in (len(ours), len(theirs)) and len(ours) != len(theirs)):
        raise ValueError(
            f"Los aciertos miden {list(ours.shape)} y {list(theirs.shape)}: hacen falta las mismas frases y semillas."
        )
    apart = ours - theirs  # [semillas, frases]
    seeds, texts = apart.shape
    random = np.random.default_rng(seed)
    by_seed = random.multinomial(seeds, np.full(seeds, 1 / seeds), size=resamples) / seeds
    by_text = random.multinomial(texts, np.full(texts, 1 / texts), size=resamples) / texts
    low, high = np.percentile(np.einsum("rs,st,rt->r", by_seed, apart, by_text, optimize=True), [2.5, 97.5])
    return float(apart.mean()), float(low), float(high)


def wilson(share: float, n: int) -> tuple[float, float]:
    """Intervalo del 95 % de la proporción `share` de `n` (Wilson, 1927): con anchura aunque se acierte todo."""
    low, high = binomtest(round(share * n), n).proportion_ci(method="wilson")
    return float(low), float(high)
