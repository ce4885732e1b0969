"""La celda de puesta en marcha, en esta carpeta y en un Colab de mentira."""

import ast
import os
import shutil
import subprocess
import sys

import pytest
from project_copy import copy_project, toy_project

from tools import setup_cell

SHOW = "\nimport helpers\nprint(helpers.__file__)"


def run_cell(source, folder, **env):
    return subprocess.run(
        [sys.executable, "-c", source + SHOW],
        cwd=folder,
        env=os.environ | env,
        capture_output=True,
        text=True,
    )


pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="el Colab de mentira clona con git")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Un curso pequeño con su repositorio, de donde el Colab de mentira puede clonar."""
    root = toy_project(tmp_path_factory.mktemp("publicado") / "curso")
    git = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main"]
    for order in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Curso"]):
        subprocess.run([*git, *order], cwd=root, check=True)
    return root


@pytest.fixture
def colab(tmp_path):
    """La celda tal como se vería en Colab, con la carpeta de Colab y su pip cambiados por los de la prueba."""
    (tmp_path / "bin").mkdir()
    pip = tmp_path / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/pip.log\n')
    pip.chmod(0o755)
    (tmp_path / "content").mkdir()
    env = {
        "COLAB_RELEASE_TAG": "release-colab",
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }

    def run(**more):
        source = setup_cell.render(more.pop("repo", "")).replace("/content", str(tmp_path / "content"))
        return run_cell(source, tmp_path / "content", **env, **more)

    return run


def test_template_is_short_python():
    assert len(setup_cell.TEMPLATE.splitlines()) <= 16
    ast.parse(setup_cell.TEMPLATE)
    assert setup_cell.render("https://example.org/a/b").count("https://example.org/a/b") == 1


@pytest.mark.parametrize("folder", ["notebooks", "."])
def test_finds_the_course_above(project, folder):
    done = run_cell(setup_cell.render(), project / folder)
    assert done.stdout.splitlines() == ["Todo listo: semilla 0.", str(project / "helpers" / "__init__.py")]
    assert done.stderr == ""


def test_works_on_the_real_course(tmp_path):
    project = copy_project(tmp_path / "curso")
    done = run_cell(setup_cell.render(), project / "tests")
    assert done.stdout.splitlines() == ["Todo listo: semilla 0.", str(project / "helpers" / "__init__.py")]
    assert done.stderr == ""


def test_colab_clones_once(project, colab, tmp_path):
    for _ in range(2):
        done = colab(CURSO_REPO=f"file://{project}")
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(f"{tmp_path / 'content' / 'curso-gpt1' / 'helpers' / '__init__.py'}\n")
    assert (tmp_path / "pip.log").read_text() == "install -q ftfy\n"


def test_colab_uses_the_stamped_address(project, colab):
    assert colab(repo=f"file://{project}").returncode == 0


def test_colab_without_address_says_what_to_do(colab, tmp_path):
    done = colab()
    assert done.returncode == 1
    assert done.stderr.startswith("No puedo clonar el curso: ") and done.stderr.count("\n") == 1
    assert not (tmp_path / "pip.log").exists()


def test_colab_with_wrong_address_says_so(colab, tmp_path):
    done = colab(CURSO_REPO=f"file://{tmp_path}/nada")
    assert done.returncode == 1
    assert "No puedo clonar el curso: " in done.stderr
