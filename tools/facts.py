"""Las cifras que la prosa da por sabidas, con su fuente: `data/paper/facts.json`.

La prosa señala cada una con una marca que no se ve, justo detrás: `18,4<!--h:perplejidad-->`. Con ella, una prueba
comprueba que lo escrito, el dato y el código dicen lo mismo, y el día que cambie uno avisa de los otros.
"""

import ast
import json
import re
from functools import cache
from statistics import mean

from tools.lessons import ROOT

PAPER = ROOT / "data" / "paper"
MARK = re.compile(r"<!--h:([\w-]+)-->")
SPACE = "[ \u00a0\u202f\u2009]"  # normal, de no separación, fino y fino que puede partirse
# Donde no hay prosa que revisar. Los títulos tampoco: el índice de JupyterLab enseñaría la marca.
NOT_PROSE = re.compile(
    r"^```.*?^```|^#.*?$|``.+?``|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)\s]*\)|<!--.*?-->",
    re.DOTALL | re.MULTILINE,
)
MULTIPLIERS = {"mil": 1e3, "millones": 1e6, "mil millones": 1e9, "M": 1e6, "MB": 1e6, "%": 1e-2}
SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NUMBER = re.compile(
    rf"(?P<digits>\d+(?:{SPACE}\d{{3}})*)(?:,(?P<decimals>\d+))?"
    rf"(?:e(?P<e>-?\d+)|{SPACE}?·{SPACE}?10(?P<power>[⁻⁰-⁹¹²³]+))?"
    rf"(?:{SPACE}(?P<unit>mil millones|millones|mil|MB|M|%)(?!\w))?"
)


@cache
def load() -> dict[str, dict]:
    """Las cifras, por su identificador."""
    return {
        fact["id"]: fact for fact in json.loads((PAPER / "facts.json").read_text(encoding="utf-8"))["facts"]
    }


@cache
def value(name: str):
    """Lo que vale una cifra: un número escrito en `facts.json` o la expresión que dice de dónde sale."""
    fact = load()[name]
    return fact["value"] if "value" in fact else evaluate(fact["from"])


def evaluate(expression: str):
    """Calcula una expresión de `facts.json`: otras cifras por su nombre, y los lugares de `PLACES`."""
    nodes = ast.walk(ast.parse(expression, mode="eval"))
    names = {node.id: value(node.id) for node in nodes if isinstance(node, ast.Name) and node.id in load()}
    return eval(expression, {"__builtins__": {"round": round}}, PLACES | names)


def _json(path):
    """`lugar("a.b.0")` busca en un JSON de `data/`, por claves y puestos."""

    @cache
    def whole():
        return json.loads((ROOT / "data" / path).read_text(encoding="utf-8"))

    def find(place):
        node = whole()
        for key in place.split("."):
            node = node[int(key)] if isinstance(node, list) else node[key]
        return node

    return find


ABLATIONS, ZERO_SHOT = _json("ablaciones.json"), _json("disparo_cero.json")


def _ablation(task, system, experiment="pretraining", **fixed):
    """La media, en puntos, del test de las semillas apuntadas en `data/ablaciones.json`."""
    wanted = {"experiment": experiment, "task": task, "system": system, **fixed}
    tests = [run["test"] for run in ABLATIONS("runs") if wanted.items() <= run.items()]
    return 100 * mean(tests)


def _tuned(task, system):
    """La media, en puntos, del test con la receta que eligió la validación."""
    from helpers.lesson10.runs import chosen

    wanted = {"task": task, "system": system, "n_transfer": None} | chosen(ABLATIONS("runs"), task, system)
    tests = {run["seed"]: run["test"] for run in ABLATIONS("runs") if wanted.items() <= run.items()}
    return 100 * mean(tests.values())


def _zero_shot(task):
    """La última nota, en puntos, apuntada en `data/disparo_cero.json`."""
    return 100 * ZERO_SHOT(f"records.-1.zero_shot_{task}")


def _default_config(field):
    from transformers import OpenAIGPTConfig

    return getattr(OpenAIGPTConfig(), field)


def _gpt2_config(field):
    from transformers import GPT2Config

    return getattr(GPT2Config(), field)


def _pretraining(field):
    from helpers.pretraining.recipe import PRESETS

    return getattr(PRESETS["paper"], field)


def _finetuning(field):
    from helpers.finetuning.recipe import PAPER as recipe

    return getattr(recipe, field)


def parameters(vocab_size, n_positions, n_embd, n_layer):
    """Los parámetros de un GPT-1 con estas medidas: la cuenta de la lección 02."""
    return (vocab_size + n_positions) * n_embd + n_layer * (12 * n_embd**2 + 13 * n_embd)


PLACES = {
    "tables": _json("paper/tables.json"),
    "figure2": _json("paper/figure2.json"),
    "golden": _json("golden.json"),
    "mini": _json("gpt1-mini/config.json"),
    "ablation": _ablation,
    "tuned": _tuned,
    "zero_shot": _zero_shot,
    "config": _default_config,
    "gpt2": _gpt2_config,
    "pretraining": _pretraining,
    "finetuning": _finetuning,
    "parameters": parameters,
}


def read(form: str) -> tuple[float, float]:
    """Lo que dice un número escrito en español y cuánto se puede apartar: «116,5 millones» → (116,5e6, 0,05e6).

    El margen es medio punto de la última cifra; si el texto dice que redondea, los ceros del final no cuentan.
    """
    found = NUMBER.search(form)
    if not found:
        raise ValueError(f"«{form}» no tiene ningún número.")
    digits, decimals = re.sub(r"\D", "", found["digits"]), found["decimals"] or ""
    power = found["e"] or (found["power"] or "0").translate(SUPERSCRIPTS)
    scale = 10.0 ** int(power) * MULTIPLIERS.get(found["unit"], 1)
    last = -len(decimals)
    if not decimals and (found["unit"] or re.match("unos|algo más", form)):
        last = len(digits) - len(digits.rstrip("0"))
    return float(f"{digits}.{decimals or 0}") * scale, 0.5 * 10.0**last * scale


def agrees(form: str, number: float) -> bool:
    """¿Dice esa forma ese número? «116,5», a secas, también puede ser de millones."""
    said, margin = read(form)
    return any(abs(said * scale - number) <= margin * scale * 1.0001 for scale in (1, 1e6))


def pattern(form: str) -> re.Pattern:
    """Una cifra escrita, suelta (no dentro de otra mayor) y con cualquiera de los espacios de millares."""
    text = SPACE.join(re.escape(part) for part in re.split(SPACE, form))
    return re.compile(rf"(?<![\w.,–-]){text}(?![\w]|[.,]\d|{SPACE}\d{{3}}\b)")


def prose(markdown: str) -> str:
    """El mismo texto, con blancos donde hay código, fórmulas, direcciones, títulos o comentarios."""
    return NOT_PROSE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), markdown)


def written(fact: dict) -> list[str]:
    """Las formas de escribir una cifra, de la más larga a la más corta; `also` son las que también se leen por ahí."""
    return sorted([*fact["written"], *fact.get("also", [])], key=len, reverse=True)


def marks(markdown: str) -> list[tuple[str, str]]:
    """Cada marca y lo que lleva justo delante: [("perplejidad", "… una perplejidad de 18,4"), …].

    Sin negritas y, si es el final de una fórmula, como en la prosa: `$\\lambda = 0{,}5$` acaba en «0,5».
    """
    found = []
    for mark in MARK.finditer(markdown):
        before = markdown[: mark.start()].rstrip("*")[-60:]
        if before.endswith("$"):
            before = before.rstrip("$)").replace("{,}", ",")
        found.append((mark[1], before))
    return found


def says(before: str, fact: dict) -> bool:
    """¿Acaba el texto en una de las formas de la cifra?"""
    return any(re.search(pattern(form).pattern + r"\Z", before) for form in written(fact))


def unmarked(markdown: str) -> list[tuple[int, str, str]]:
    """Las cifras reconocibles sin su marca: [(dónde acaba, identificador, texto)], en orden."""
    text, taken, found = prose(markdown), set(), []
    forms = [(form, name) for name, fact in load().items() for form in fact["written"]]
    for form, name in sorted(forms, key=lambda one: -len(one[0])):
        for match in pattern(form).finditer(text):
            place = set(range(*match.span()))
            if place & taken:  # forma parte de otra más larga: «116,5» de «116,5 millones»
                continue
            taken |= place
            if not MARK.match(markdown[match.end() :].lstrip("*")):
                found.append((match.end(), name, match.group()))
    return sorted(found)
