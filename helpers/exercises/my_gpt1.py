"""El GPT-1 que monta el lector en la lección 08, para que lo entrene la 09: se guarda su fuente y se trae su clase."""

import sys
from types import ModuleType

import torch

from helpers.environment import ROOT
from helpers.gpt import GPT1

PATH = ROOT / "runs" / "mi_gpt1.py"


def keep(source: str) -> None:
    """Guarda en `runs/mi_gpt1.py` la fuente de la clase del lector, con lo que necesita para ejecutarse sola."""
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(source, encoding="utf-8")


def bring(config) -> tuple[type, str]:
    """La clase `GPT1` del lector, si está y calcula lo mismo que la del curso; si no, esta. Y la frase que lo dice.

    Se prueba con un modelo como `config` y unos pesos al azar: los mismos logits, con los mismos nombres de parámetros.
    """
    if not PATH.is_file():
        return GPT1, "GPT-1: el del curso; el tuyo llegará cuando acabes la lección 08."
    module = ModuleType("mi_gpt1")
    sys.modules[module.__name__] = module  # lo que se guarde de ella la encuentra por su nombre
    try:
        exec(compile(PATH.read_text(encoding="utf-8"), PATH.name, "exec"), module.__dict__)
        same = _agrees(module.GPT1, config)
    except Exception as error:  # lo escribió el lector: puede fallar de cualquier manera
        return GPT1, f"GPT-1: el del curso; el tuyo no arranca ({type(error).__name__}: {error})."
    if not same:
        return GPT1, "GPT-1: el del curso; el tuyo ya no da los mismos logits."
    return module.GPT1, "GPT-1: el tuyo, el de la lección 08."


@torch.no_grad()
def _agrees(mine: type, config) -> bool:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reference = GPT1(config).eval()
        ids = torch.randint(config.vocab_size, (2, min(8, config.n_positions)))
    other = mine(config).eval()
    other.load_state_dict(reference.state_dict())
    return torch.allclose(reference(ids), other(ids), atol=1e-4)
