"""Las secciones «Con el GPT-1 de verdad», ejecutadas con unos pesos al azar de su misma forma: llegan al final."""

import os
import re

import contract
import measure
import pytest
import real_shape
from project_copy import copy_project

from tools import lessons
from tools.run_lessons import execute

HEADING = "Con el GPT-1 de verdad"


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    return real_shape.build(tmp_path_factory.mktemp("hf_home"), os.environ.get("OPENAI_GPT_TOKENIZER"))


def section(notebook):
    """Las celdas de la sección: dónde empieza y dónde la siguiente; `None` si no la hay o no pide los pesos."""
    begin = None
    for place, cell in enumerate(notebook.cells):
        prose = cell.source if cell.cell_type == "markdown" else ""
        for title in re.findall(r"^## +(.+?) *$", prose, re.MULTILINE):
            if title == HEADING:
                begin = place
            elif begin is not None:
                asks = any("models.published(" in cell.source for cell in notebook.cells[begin:place])
                return (begin, place) if asks else None
    return None


@pytest.mark.timeout(1200)
def test_section_runs_on_the_real_shape(lesson, hub, tmp_path, monkeypatch, record_property):
    project = copy_project(tmp_path / "curso")
    notebook = lessons.read(project / "notebooks" / lesson.name)
    place = section(notebook)
    if place is None:
        pytest.skip(f"{lesson.stem} no tiene una sección «{HEADING}» que pida los pesos")
    begin, end = place
    notebook.cells = notebook.cells[:end]
    measure.append(notebook, tmp_path / "medida.json")
    for name, value in (lessons.offline_environment(tmp_path) | {"HF_HOME": str(hub)}).items():
        monkeypatch.setenv(name, value)
    execute(notebook, project / "notebooks")
    told = "".join(contract.printed(cell) for cell in notebook.cells[begin:end])
    assert "Modelo openai-gpt (116,5 M de parámetros)" in told, "la sección no ha visto los pesos"
    measure.read(
        tmp_path / "medida.json", record_property, f"{lesson.stem}, con la forma del GPT-1 de verdad"
    )


def test_there_are_sections_to_run():
    found = [path.stem[:2] for path in lessons.find() if section(lessons.read(path))]
    assert {"00", "04", "05"} <= set(found)
