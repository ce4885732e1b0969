"""El Adam del código original (opt.py): decaimiento desacoplado, su manera de contar y su tasa de aprendizaje."""

import math

import torch


class OpenAIAdam(torch.optim.AdamW):
    """`adam` de opt.py (líneas 23-49), exacto, con los núcleos rápidos de `torch.optim.AdamW`.

    Hay dos diferencias con AdamW, y las dos se deshacen cambiando sus parámetros en cada actualización t:
    - opt.py suma ε a √v sin corregir, y AdamW a √v/√(1-β₂ᵗ): basta darle ε/√(1-β₂ᵗ);
    - opt.py multiplica el decaimiento por la tasa corregida, lr·√(1-β₂ᵗ)/(1-β₁ᵗ), y AdamW por lr: al principio
      decae unas tres veces menos.
    """

    def __init__(self, params, lr=6.25e-5, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01, **settings):
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, **settings)
        for group in self.param_groups:
            group.update(updates=0, original_eps=group["eps"], original_decay=group["weight_decay"])

    def step(self, closure=None):
        for group in self.param_groups:
            group["updates"] += 1
            beta1, beta2 = (1 - beta ** group["updates"] for beta in group["betas"])
            group["eps"] = group["original_eps"] / math.sqrt(beta2)
            group["weight_decay"] = group["original_decay"] * math.sqrt(beta2) / beta1
        return super().step(closure)


def decay_groups(model, weight_decay: float) -> list[dict]:
    """Dos grupos de parámetros: decaen los de rango > 1 (también los embeddings); sesgos y ganancias, no.

    Fuente: opt.py, línea 44. `Trainer`, por su cuenta, decide por nombres.
    """
    params = [param for param in model.parameters() if param.requires_grad]
    return [
        {"params": [param for param in params if param.dim() > 1], "weight_decay": weight_decay},
        {"params": [param for param in params if param.dim() <= 1], "weight_decay": 0.0},
    ]


def warmup_linear(update: int, total: int, warmup: float = 0.002) -> float:
    """Factor de la tasa de aprendizaje en la actualización `update` (la primera es la 0) de `total`.

    Con x = update / total, sube como x/warmup hasta x = warmup; siempre se multiplica por 1 - x. La primera es 0: esa
    actualización no mueve los pesos, pero ya cuenta para las medias de Adam. Es una de las dos lecturas posibles:
    opt.py lee el contador y lo aumenta en el mismo paso sin fijar el orden, y con la otra empezaría en 1. Fuente:
    opt.py, líneas 13-15 y 41.
    """
    x = update / total
    rise = x / warmup if x <= warmup and warmup > 0 else 1.0
    return rise * max(0.0, 1 - x)
