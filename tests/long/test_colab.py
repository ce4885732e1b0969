"""Las lecciones en un Colab de mentira: sus versiones, sus variables y una carpeta con un solo cuaderno.

Lo prepara `make colab`: el entorno de `colab_requirements.txt`, sin ftfy. Aquí cada lección es, como allí, una máquina
nueva: clona el curso, instala ftfy y da las mismas salidas guardadas.
"""

import json
import os

import measure
import nbformat
import pytest
from project_copy import copy_project, publish, run_nbval
from test_setup_cell import sentence_that_stops

from tools import lessons, setup_cell, setup_colab

# Lo que `!env` imprime en Colab y podría cambiar lo que hace el curso.
VARIABLES = {
    "COLAB_RELEASE_TAG": "release-colab_20260819-060000_RC00",
    "COLAB_BACKEND_VERSION": "next",
    "COLAB_GPU": "",
    "COLAB_JUPYTER_TRANSPORT": "ipc",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PYTHONWARNINGS": "ignore:::pip._internal.cli.base_command",
    "PYTHONUTF8": "1",
    "CLICOLOR": "1",
    "TERM": "xterm-color",
}


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    """El curso tal como está ahora, en un repositorio del que se puede clonar."""
    return publish(copy_project(tmp_path_factory.mktemp("publicado") / "curso"))


@pytest.fixture
def colab(repo, tmp_path):
    """Las variables de una máquina recién creada; su pip apunta lo que le piden y solo sabe instalar ftfy."""
    assert setup_colab.STAMP.exists() and setup_colab.STAMP.read_text() == setup_colab.fingerprint(), (
        "faltan las versiones de Colab: `make colab`"
    )
    site, kernel, pip = (
        tmp_path / "site",
        tmp_path / "jupyter" / "kernels" / "python3",
        tmp_path / "bin" / "pip",
    )
    for folder in (site, kernel, pip.parent, tmp_path / "content"):
        folder.mkdir(parents=True)
    argv = [str(setup_colab.PYTHON), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Colab", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    pip.write_text(
        f'#!/bin/sh\necho "$@" >> "{tmp_path}/pip.log"\n'
        f'[ "$*" = "install -q ftfy" ] && cp -r "{setup_colab.FTFY}/." "{site}"\n'
    )
    pip.chmod(0o755)
    return VARIABLES | {
        "CURSO_REPO": f"file://{repo}",
        "JUPYTER_PATH": str(tmp_path / "jupyter"),
        "PATH": os.pathsep.join([str(pip.parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(site)]),
    }


@pytest.mark.timeout(1200)
def test_lesson_repeats_its_outputs_on_colab(lesson, repo, colab, tmp_path, record_property):
    notebook = lessons.read(repo / "notebooks" / lesson.name)  # de la misma edición que se clona
    for cell in notebook.cells:
        if setup_cell.TAG in lessons.tags(cell):
            cell.source = cell.source.replace("/content", str(tmp_path / "content"))
    measure.append(notebook, tmp_path / "medida.json")
    alone = tmp_path / "content" / lesson.name
    nbformat.write(notebook, alone)
    passed, failed, output = run_nbval(alone, tmp_path, **colab)
    assert not failed, output
    assert passed == sum(cell.cell_type == "code" for cell in notebook.cells), output
    assert (tmp_path / "pip.log").read_text() == "install -q ftfy\n"
    cost = measure.read(tmp_path / "medida.json", record_property, f"{lesson.stem}, en Colab con gpt1-mini")
    assert cost["prefix"] == str(setup_colab.VENV), "no se ha ejecutado con las versiones de Colab"


@pytest.mark.parametrize(
    ("variables", "beginning"),
    [
        ({"CURSO_REPO": ""}, "No sé de dónde clonar el curso: "),
        ({"CURSO_REPO": "file:///nada"}, "No puedo clonar el curso de file:///nada: "),
        ({}, "No se puede instalar ftfy: "),
    ],
    ids=["sin dirección", "mala dirección", "sin ftfy"],
)
def test_what_cannot_be_done_is_said_in_one_sentence(colab, tmp_path, monkeypatch, variables, beginning):
    """También con IPython 7.34, el de Colab, que enseña los errores a su manera."""
    (tmp_path / "bin" / "pip").write_text("#!/bin/sh\necho 'ERROR: No matching distribution' >&2\nexit 1\n")
    for name, value in (lessons.offline_environment(tmp_path) | colab | variables).items():
        monkeypatch.setenv(name, value)
    source = setup_cell.render().replace("/content", str(tmp_path / "content"))
    assert sentence_that_stops(source, tmp_path / "content").startswith(beginning)
