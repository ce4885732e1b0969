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


def source_of(parts: dict[str, object]) -> str:
    """Las celdas en que se escribieron esas piezas, {el nombre con el que se usa: la pieza}, con los `import` de antes.

    De cada celda, todo lo que define: también lo que el lector haya escrito al lado. Si una pieza se usa con otro
    nombre (`LayerNorm`, la que se escribió como `MyLayerNorm`), se añade.
    """
    written = [HEADER]
    for name, part in parts.items():
        source = _cell(part)
        if source not in written:
            written.append(source)
        if part.__name__ != name:
            written.append(f"{name} = {part.__name__}")
    return "\n\n\n".join(written) + "\n"


def _cell(part) -> str:
    """Lo que define la celda de una pieza: sus funciones, clases, `import` y valores; lo que enseña o imprime, no."""
    functions = [part, *vars(part).values()]  # una clase no dice en qué celda está; sus métodos, sí
    code = next((one.__code__ for one in functions if hasattr(one, "__code__")), None)
    cell = "".join(linecache.getlines(code.co_filename)) if code else ""
    nodes = ast.parse(cell).body
    if not any(getattr(node, "name", None) == part.__name__ for node in nodes):
        raise LookupError(f"no encuentro la celda de {part.__name__}: ejecútala otra vez")
    return "\n\n\n".join(
        "\n".join(cell.splitlines()[_first_line(node) - 1 : node.end_lineno])
        for node in nodes
        if not isinstance(node, ast.Expr)
    )


def _first_line(node) -> int:
    return min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])


def keep(parts: dict[str, object], given: dict[str, object] | None = None) -> None:
    """Guarda la fuente de la clase del lector si todas sus piezas son suyas. Dice qué ha hecho, o qué falta.

    `given` son las que ya vienen escritas en la lección: van delante y no se cuentan.
    """
    missing = [name for name, part in parts.items() if part.__module__.startswith("helpers.")]
    if missing:
        print(
            f"Piezas tuyas: {len(parts) - len(missing)} de {len(parts)}. Son del curso: {', '.join(missing)}."
        )
        print("Cuando todas sean tuyas, tu GPT-1 se guardará aquí para que lo entrene la lección 09.")
        return
    try:
        passport.write_source(source_of((given or {}) | parts))
        print(f"Piezas tuyas: {len(parts)} de {len(parts)}. Tu GPT-1 queda guardado para la lección 09.")
    except (OSError, LookupError) as error:
        reason = why(error) if isinstance(error, OSError) else error
        print(f"⚠️ No se puede guardar tu GPT-1 para la lección 09 ({reason}): allí se usará el del curso.")


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
