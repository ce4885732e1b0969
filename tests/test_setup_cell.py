"""La celda de puesta en marcha, en esta carpeta y en un Colab de mentira."""

import ast
import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from project_copy import copy_project, publish, toy_project

from tools import lessons, setup_cell
from tools.run_lessons import execute

READY = ["Cargo PyTorch…", "Todo listo: semilla 0."]
SHOW = "\nimport helpers\nprint(helpers.__file__)"


def run_cell(source, folder, **env):
    return subprocess.run(
        [sys.executable, "-c", source + SHOW],
        cwd=folder,
        env=os.environ | env,
        capture_output=True,
        text=True,
    )


def sentence_that_stops(source, folder):
    """Ejecuta la celda en un núcleo de verdad: la única frase que se ve, y detrás ninguna celda."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in (source, "print('sigo')")]
    )
    with pytest.raises(SystemExit):
        execute(notebook, folder)
    setup, after = notebook.cells
    (output,) = setup.outputs
    (sentence,) = output.traceback
    assert sentence.endswith(".") and "\n" not in sentence and after.outputs == []
    return sentence


pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="el Colab de mentira clona con git")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Un curso pequeño con su repositorio, de donde el Colab de mentira puede clonar."""
    return publish(toy_project(tmp_path_factory.mktemp("publicado") / "curso"))


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """La celda tal como se vería en Colab, con la carpeta de Colab cambiada por la de la prueba."""
    (tmp_path / "content").mkdir()
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")

    def source(repo=""):
        return setup_cell.render(repo).replace("/content", str(tmp_path / "content"))

    return source


def test_template_is_short_python():
    # 17: las figuras se piden después de mirar si el núcleo tiene con qué
    assert len([line for line in setup_cell.TEMPLATE.splitlines() if line]) <= 17
    ast.parse(setup_cell.TEMPLATE)
    assert setup_cell.render("https://example.org/a/b").count("https://example.org/a/b") == 1


@pytest.mark.parametrize("folder", ["notebooks", "."])
def test_finds_the_course_above(project, folder):
    done = run_cell(setup_cell.render(), project / folder)
    assert done.stdout.splitlines() == [READY[1], str(project / "helpers" / "__init__.py")]
    assert done.stderr == ""


@pytest.mark.slow
def test_works_on_the_real_course(tmp_path):
    project = copy_project(tmp_path / "curso")
    done = run_cell(setup_cell.render(), project / "tests")
    assert done.stdout.splitlines() == [*READY, str(project / "helpers" / "__init__.py")]
    assert done.stderr == ""


def test_colab_clones_once(project, colab, tmp_path):
    for _ in range(2):
        done = run_cell(colab(), tmp_path / "content", CURSO_REPO=f"file://{project}")
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f"{tmp_path / 'content' / 'curso-gpt1' / 'helpers' / '__init__.py'}\n")
        assert done.stderr == ""


def test_colab_uses_the_stamped_address(project, colab, tmp_path):
    assert run_cell(colab(f"file://{project}"), tmp_path / "content").returncode == 0


@pytest.mark.parametrize(
    ("repo", "beginning"),
    [
        ("", "No sé de dónde clonar el curso: "),
        ("file:///nada", "No puedo clonar el curso de file:///nada: "),
    ],
)
def test_colab_without_a_course_says_one_sentence_and_stops(colab, tmp_path, monkeypatch, repo, beginning):
    for name, value in lessons.offline_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    assert sentence_that_stops(colab(repo), tmp_path / "content").startswith(beginning)
