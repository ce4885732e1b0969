"""Lo que otros publicaron de haber visto en el GPT-1 de OpenAI, para ponerlo al lado de lo que salga aquí.

Las secciones «Con el GPT-1 de verdad» enseñan las dos cosas y un veredicto en palabras: unos pesos que no fueran los
publicados no detienen la lección, se ven.
"""

import json

import torch

from helpers.environment import ROOT
from helpers.spanish import number


def golden() -> dict:
    """`data/golden.json`: valores publicados para `openai-community/openai-gpt`, cada uno con su fuente."""
    return json.loads((ROOT / "data" / "golden.json").read_text(encoding="utf-8"))


def verdict(known, here=None, tolerance: float = 0.0) -> str:
    """Una frase que compara `known` (lo publicado) con `here` (lo calculado, o `None` si no están los pesos).

    Los ids, una lista de enteros, se comparan uno a uno; los números, listas o tensores de la misma forma, por su
    mayor diferencia, que no debe pasar de `tolerance`. Lanza `ValueError` si las formas no son la misma.
    """
    if here is None:
        return "Veredicto: pendiente. Sin los pesos de OpenAI no hay nada que comparar."
    known, here = torch.as_tensor(known).cpu(), torch.as_tensor(here).cpu()
    if known.shape != here.shape:
        raise ValueError(
            f"Lo publicado mide {list(known.shape)} y lo calculado {list(here.shape)}: compara lo mismo."
        )
    if not known.is_floating_point():
        apart = (known != here).nonzero()
        if not len(apart):
            return f"Veredicto: coincide. Los {known.numel()} ids son los publicados."
        at = apart[0].item()
        return (
            f"Veredicto: no coincide. Se separan en el id {at + 1}.º: publicado {known[at]}, aquí {here[at]}."
        )
    worst = (known - here.to(known.dtype)).abs().max().item()
    told = f"la mayor diferencia es {number(worst, 4)}, y se admite {number(tolerance, 4)}"
    return f"Veredicto: {'coincide' if worst <= tolerance else 'no coincide'}; {told}."
