"""Las trampas sencillas de la lección 07: lo que se acierta sin leer, contando tokens."""

import torch

from helpers.zeroshot.evaluation import credit


def hits(scores, rights) -> torch.Tensor:
    """Aciertos [n, 1] de elegir la mayor de cada lista de puntuaciones; un empate en cabeza reparte el acierto."""
    return torch.tensor(
        [[credit(list(options), right)] for options, right in zip(scores, rights, strict=True)]
    )


def by_size(sizes, rights) -> dict[str, torch.Tensor]:
    """Elegir siempre la opción más larga, o la más corta: sus aciertos [n, 1]. `sizes`: [n][k], en tokens."""
    return {
        "la más larga": hits(sizes, rights),
        "la más corta": hits([[-size for size in options] for options in sizes], rights),
    }


def by_threshold(sizes, truth, new, choose, quality) -> torch.Tensor:
    """Poner un umbral a los tamaños de entrenamiento `sizes` [n], hacia el lado que mejor separe `truth` [n].

    Devuelve qué se dice de los tamaños `new` [m]. `choose` y `quality` son el umbral y el Matthews del lector.
    """
    sizes, new = (torch.tensor(some, dtype=torch.float32) for some in (sizes, new))
    found = []
    for sign in (1, -1):
        limit = choose(sign * sizes, truth)
        found.append((quality(truth, sign * sizes > limit), sign, limit))
    _, sign, limit = max(found)
    return sign * new > limit
