"""pyproject.toml, requirements.lock y environment.yml dicen lo mismo, y nada en ellos es de una máquina."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from project_copy import project_files

from tools.lessons import ROOT, find
from tools.make_lock import clean

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK_TEXT = (ROOT / "requirements.lock").read_text(encoding="utf-8")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCK = [Requirement(line) for line in LOCK_TEXT.splitlines() if not line.startswith("#")]
DIRECT = [
    Requirement(text)
    for text in (*PYPROJECT["project"]["dependencies"], *PYPROJECT["project"]["optional-dependencies"]["dev"])
]
SUPPORTED = ("3.11", "3.12", "3.13")
SYSTEMS = (
    {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
    {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
)


def locked(name, environment):
    """Las versiones del candado que se instalan para un paquete en un sistema: debe ser una."""
    same = [pin for pin in LOCK if canonicalize_name(pin.name) == canonicalize_name(name)]
    return [pin for pin in same if pin.marker is None or pin.marker.evaluate(environment)]


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_lock_satisfies_every_range(requirement):
    for python in SUPPORTED:
        for system in SYSTEMS:
            environment = {**system, "python_version": python, "python_full_version": f"{python}.5"}
            (pin,) = locked(requirement.name, environment)
            (exact,) = pin.specifier
            assert exact.operator == "=="
            assert exact.version in requirement.specifier


def test_lock_pins_what_the_course_promises():
    for pin in PYPROJECT["tool"]["curso"]["lock"]:
        assert pin in LOCK_TEXT.splitlines()
    assert {"torch==2.13.0", "transformers==5.23.0"} <= set(LOCK_TEXT.splitlines())


def test_learners_get_ranges_not_pins():
    for requirement in DIRECT:
        assert requirement.specifier and not any(
            part.operator in ("==", "===") for part in requirement.specifier
        )


def test_lock_has_nothing_from_a_machine():
    assert not re.search(r"https?:|file:|@ |--|\+cpu|^(nvidia|cuda|triton)", LOCK_TEXT, re.MULTILINE)


def test_lock_is_as_its_tool_writes_it():
    assert clean(LOCK_TEXT) == LOCK_TEXT


def test_clean_keeps_one_torch_and_leaves_cuda_to_it():
    text = "torch==2.13.0 ; os_name == 'nt'\ntorch==2.13.0+cpu ; os_name == 'posix'\nnvidia-nccl==1\nspacy==3.8\n"
    assert clean(text).splitlines()[1:] == ["torch==2.13.0", "spacy==3.8"]


def test_conda_gives_python_and_pip_gives_the_rest():
    *conda, pip = CONDA["dependencies"]
    assert [name for name in conda if not name.startswith("python")] == ["pip"]
    assert pip == {"pip": ["-e .[dev]"]}
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


def test_only_helpers_is_installed():
    assert PYPROJECT["tool"]["setuptools"]["packages"]["find"]["include"] == ["helpers*"]


def test_ci_runs_the_readme_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make curso" in readme and "make test" in readme
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == list(SUPPORTED)


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


def test_ci_runs_everything_every_week():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    weekly = [job for job in workflow["jobs"].values() if "'push'" in job.get("if", "")]
    assert any("make test-todo" in step.get("run", "") for job in weekly for step in job["steps"])
    assert workflow[True]["schedule"]  # «on», que YAML lee como True


def test_no_large_or_machine_files():
    for name in project_files() or []:
        assert (ROOT / name).stat().st_size < 20_000_000, f"{name} pesa demasiado para un repositorio"
        assert not name.endswith((".whl", ".pt", ".bin", ".pkl")), f"{name} no debe estar en el repositorio"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_documents_link_to_what_exists(document):
    links = re.findall(r"\]\(([^)#\s]+)\)", (ROOT / document).read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_readme_lists_every_lesson():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in find() if f"](notebooks/{path.name})" not in readme] == []
