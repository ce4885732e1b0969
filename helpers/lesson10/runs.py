"""Los ajustes apuntados en `data/ablaciones.json`: elegirlos, sus notas y sus aciertos frase a frase."""

from statistics import mean

import torch

RECIPE = ("learning_rate", "epochs", "lm_coef")  # lo que cambia de un ajuste a otro


def chosen(runs: list[dict], task: str, system: str) -> dict:
    """La receta de mejor media en validación, contando solo las semillas que probaron todas."""
    scores = {}
    for run in runs:
        if (run["task"], run["system"], run["n_transfer"]) == (task, system, None):
            scores.setdefault(tuple(run[name] for name in RECIPE), {})[run["seed"]] = run["validation"]
    shared = set.intersection(*(set(by_seed) for by_seed in scores.values()))
    best = max(sorted(scores), key=lambda recipe: mean(scores[recipe][seed] for seed in shared))
    return dict(zip(RECIPE, best, strict=True))


def select(runs: list[dict], **fixed) -> dict[int, dict]:
    """Los ajustes que cumplen `fixed`, por su semilla y en orden."""
    found = {run["seed"]: run for run in runs if fixed.items() <= run.items()}
    return dict(sorted(found.items()))


def own(runs: list[dict], task: str, system: str) -> dict[int, dict]:
    """Los de un sistema con la receta que él mismo eligió en validación."""
    return select(runs, task=task, system=system, n_transfer=None, **chosen(runs, task, system))


def rights(ours: dict[int, dict], theirs: dict[int, dict]) -> tuple[torch.Tensor, torch.Tensor]:
    """Los aciertos (1 o 0) de dos sistemas, [semillas, frases] cada uno, con las semillas que están en los dos."""
    seeds = [seed for seed in ours if seed in theirs]
    return tuple(
        torch.tensor([[float(one) for one in runs[seed]["right"]] for seed in seeds])
        for runs in (ours, theirs)
    )
