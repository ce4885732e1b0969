"""Cada lección, sola en una copia recién hecha del proyecto y sin red, da exactamente las salidas guardadas."""

import pytest
from project_copy import copy_project, run_nbval, snapshot

from tools import lessons

SLOW = ("06", "08", "09")  # las que entrenan


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem[:2] in SLOW))
        for path in lessons.find()
    ],
)
def test_lesson_repeats_its_outputs(lesson, tmp_path):
    project = copy_project(tmp_path / "curso")
    before = snapshot(project)
    passed, failed, output = run_nbval(project / "notebooks" / lesson.name, tmp_path)
    code_cells = sum(cell.cell_type == "code" for cell in lessons.read(lesson).cells)
    assert not failed, output
    assert passed == code_cells > 0, output
    assert snapshot(project) == before, "la lección ha escrito en el proyecto más que runs/ y progreso.json"
