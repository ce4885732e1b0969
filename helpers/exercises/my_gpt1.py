"""El GPT-1 que monta el lector en la lección 08, para que lo entrene la 09: se guarda su fuente y se trae su clase.

Al texto de progreso lo suma `passport`, que sabe dónde está.
"""

import ast
import linecache
import math
import sys
from types import ModuleType

import torch

from helpers.exercises import passport
from helpers.files import why
from helpers.gpt import GPT1

COURSE = "GPT-1: el del curso, `helpers/gpt.py`"

HEADER = "import math\n\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F"


def source_of(*parts) -> str:
    """Lo que se escribió para definir esas funciones y clases en las celdas, con los `import` de la lección."""
    return "\n\n\n".join([HEADER, *map(_definition, parts)]) + "\n"


def _definition(part) -> str:
    functions = [part, *vars(part).values()]  # una clase no dice en qué celda está; sus métodos, sí
    code = next(one.__code__ for one in functions if hasattr(one, "__code__"))
    cell = "".join(linecache.getlines(code.co_filename))
    for node in ast.parse(cell).body:
        if getattr(node, "name", None) == part.__name__:
            return ast.get_source_segment(cell, node)
    raise LookupError(f"no encuentro la celda de {part.__name__}: ejecútala otra vez")


def keep(source: str) -> None:
    """Guarda la fuente de la clase del lector, con todo lo que necesita para ejecutarse sola. Si no puede, lo dice."""
    try:
        passport.write_source(source)
    except OSError as error:
        print(
            f"⚠️ No se puede guardar tu GPT-1 para la lección 09 ({why(error)}): allí se usará el del curso."
        )


def bring(config) -> tuple[type, str]:
    """La clase `GPT1` del lector, si está y calcula lo mismo que la del curso; si no, esta. Y la frase que lo dice.

    Se prueba con un modelo como `config` y unos pesos al azar: los mismos logits, con los mismos nombres de parámetros.
    """
    path = passport.source_path()
    if not path.is_file():
        return GPT1, f"{COURSE} (el tuyo llegará cuando acabes la lección 08)."
    name = f"{path.parent.name}/{path.name}"
    module = ModuleType(path.stem)
    before = sys.modules.get(module.__name__)
    sys.modules[module.__name__] = module  # lo que se guarde de ella la encuentra por su nombre
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
        problem = _problem(module.GPT1, config)
    except (Exception, SystemExit) as error:  # lo escribió el lector: puede fallar de cualquier manera
        problem = f"no arranca ({type(error).__name__}: {error})"
    if not problem:
        return module.GPT1, f"GPT-1: el tuyo, el de la lección 08 ({name})."
    sys.modules.pop(module.__name__)
    if before is not None:
        sys.modules[module.__name__] = before
    return GPT1, f"{COURSE}; el tuyo, {name}, {problem}."


@torch.no_grad()
def _problem(mine: type, config) -> str | None:
    """En qué se separa de la clase del curso, o `None`."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reference = GPT1(config).eval()
        for weight in reference.parameters():  # grandes: con los iniciales, casi nada influye en los logits
            mean, std = (0, 2 / math.sqrt(config.n_embd)) if weight.dim() > 1 else (1, 0.5)
            weight.normal_(mean, std)
        ids = torch.randint(config.vocab_size, (2, min(8, config.n_positions)))
        other = mine(config).eval()
    wanted, found = (
        {name: one.shape for name, one in model.named_parameters()} for model in (reference, other)
    )
    if wanted != found:
        return "no tiene los mismos parámetros"
    other.load_state_dict(reference.state_dict(), strict=False)  # puede guardar además su máscara
    logits, expected = other(ids), reference(ids)
    if logits.shape == expected.shape and torch.allclose(logits, expected, rtol=1e-4, atol=1e-4):
        return None
    return "ya no da los mismos logits"
