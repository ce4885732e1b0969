"""El plano de la casa, leído de los `import`: sin flechas hacia arriba ni círculos, y cada lección, en la suya."""

import ast
import re
from graphlib import CycleError, TopologicalSorter

import pytest

from tools import lessons

HELPERS = lessons.ROOT / "helpers"
ROOM = re.compile(r"helpers\.lesson\d\d")
GROUND = {
    "helpers.environment",
    "helpers.files",
    "helpers.spanish",
}  # la planta baja: no importa nada de la casa
# Lo que puede usar quien solo dibuja o comprueba lo que hacen los lectores: nada que calcule.
ALLOWED = {
    "helpers.figures": {"helpers.spanish"},
    # files: lo que lleva hecho quien sigue el curso se escribe de una vez, o se pierde si el proceso muere a medias
    # gpt: el que monta el lector en la 08 se compara con el del curso antes de que la 09 lo entrene
    # terminal: las tarjetas de Anki son también una orden
    "helpers.exercises": {
        "helpers.environment",
        "helpers.files",
        "helpers.gpt",
        "helpers.spanish",
        "helpers.terminal",
    },
}
# Los únicos nombres públicos que pueden definir varios módulos, y por qué.
REPEATED = {
    "main": "la entrada de cada orden, que no se importa por su nombre",
    "parse": "las opciones de cada orden",
    "prepare": "en helpers.pretraining es la orden `prepare`, que nadie importa",
}


def module_of(path, root):
    return ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")


def imports(root=HELPERS):
    """{módulo: módulos de la casa que importa, dentro o fuera de una función}."""
    trees = {
        module_of(path, root): ast.parse(path.read_text(encoding="utf-8")) for path in root.rglob("*.py")
    }
    return {name: found(tree, trees) - {name} for name, tree in trees.items()}


def found(tree, known):
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "los import se escriben enteros: `from helpers.tasks import …`"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names |= {name if name in known else node.module for name in inside}
    return {name for name in names if name in known} - {"helpers"}


def room_of(module):
    """La habitación: `helpers.tasks.readers` está en `helpers.tasks`."""
    return ".".join(module.split(".")[:2])


def problems(graph):
    """Una frase por flecha que sobra."""
    rooms = {}
    for module, used in graph.items():
        here, others = room_of(module), {room_of(name) for name in used}
        rooms.setdefault(here, set()).update(others - {here})
        for other in sorted(others - {here}):
            if ROOM.fullmatch(other):
                yield f"{module} importa {other}, la habitación de una lección"
            if here in GROUND:
                yield f"{module} está en la planta baja e importa {other}"
            if here in ALLOWED and other not in ALLOWED[here]:
                yield f"{module} no puede usar {other}"
    for nodes in (graph, rooms):
        try:
            TopologicalSorter(nodes).prepare()
        except CycleError as cycle:
            yield f"círculo: {' → '.join(cycle.args[1])}"


def repeated_names(root=HELPERS):
    """{función o clase pública: módulos de la biblioteca que la definen}, las que definen varios."""
    homes = {}
    for path in sorted(root.rglob("*.py")):
        module = module_of(path, root)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            if named and not node.name.startswith("_") and not ROOM.match(module):
                homes.setdefault(node.name, set()).add(module)
    return {name: sorted(modules) for name, modules in homes.items() if len(modules) > 1}


def test_a_public_name_means_one_thing():
    found = repeated_names()
    assert {name: modules for name, modules in found.items() if name not in REPEATED} == {}


def test_no_circles_no_arrows_upwards_and_each_lesson_in_its_room():
    graph = imports()
    assert len(graph) > 30
    assert sorted(problems(graph)) == []


def test_every_lesson_has_its_room():
    rooms = sorted(path.name.removeprefix("lesson") for path in HELPERS.glob("lesson??"))
    assert rooms == [path.stem[:2] for path in lessons.find()]


def test_notebooks_enter_only_their_own_room():
    for path in lessons.find():
        code = "\n".join(cell.source for cell in lessons.read(path).cells if cell.cell_type == "code")
        used = set(ROOM.findall(code)) | {
            f"helpers.{name}" for name in re.findall(r"import .*\b(lesson\d\d)\b", code)
        }
        assert used <= {f"helpers.lesson{path.stem[:2]}"}, path.name


@pytest.mark.parametrize(
    ("module", "line", "sentence"),
    [
        ("environment", "from helpers import spanish", "está en la planta baja"),
        ("figures", "from helpers.gpt import GPT1Model", "helpers.figures no puede usar helpers.gpt"),
        ("lesson04/figures", "from helpers.lesson03 import figures", "la habitación de una lección"),
        ("gpt", "def late():\n    from helpers.lesson04 import figures", "la habitación de una lección"),
        ("gpt", "import helpers.models", "círculo"),
        ("tokenizer", "from helpers import models", "círculo"),
    ],
)
def test_each_rule_can_fail(tmp_path, module, line, sentence):
    root = copy_with(tmp_path, module, line)
    assert any(sentence in problem for problem in problems(imports(root)))


@pytest.mark.parametrize(
    ("module", "line", "repeated"),
    [
        ("environment", "def generate():\n    pass", {"generate": ["helpers.environment", "helpers.generation"]}),
        ("tasks/readers", "class Result:\n    pass",
         {"Result": ["helpers.tasks.readers", "helpers.zeroshot.evaluation"]}),
        ("environment", "def _log_probs():\n    pass", {}),  # cada módulo tiene sus funciones privadas
        ("lesson04/figures", "def generate():\n    pass", {}),  # y cada lección, las suyas
    ],
)  # fmt: skip
def test_a_repeated_name_is_seen(tmp_path, module, line, repeated):
    found = repeated_names(copy_with(tmp_path, module, line))
    assert {name: modules for name, modules in found.items() if name not in REPEATED} == repeated


def copy_with(tmp_path, module, line):
    """La misma casa con una línea de más en un módulo."""
    root = tmp_path / "helpers"
    for path in HELPERS.rglob("*.py"):
        copy = root / path.relative_to(HELPERS)
        copy.parent.mkdir(parents=True, exist_ok=True)
        extra = f"\n{line}\n" if path == HELPERS / f"{module}.py" else ""
        copy.write_text(path.read_text(encoding="utf-8") + extra, encoding="utf-8")
    return root
