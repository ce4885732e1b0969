"""Las soluciones plegadas en cada lección son soluciones: puestas en su sitio, todas las comprobaciones dan ✅.

Que sin tocar nada digan ⏳ y la lección llegue al final lo prueban el contrato (lo guardado) y nbval (que se repite).
"""

import contract
import pytest
from project_copy import copy_project

from tools import lessons
from tools.run_lessons import execute


def put_solutions(notebook):
    """Sustituye cada ejercicio por su solución; devuelve las celdas que los comprueban."""
    checks = []
    for stub, check, answer in zip(notebook.cells, notebook.cells[1:], notebook.cells[2:], strict=False):
        if contract.tag_of(stub, "exercise"):
            stub.source = contract.solution(answer.source)
            checks.append(check)
    return checks


@pytest.mark.timeout(900)
def test_solutions_pass_their_checks(lesson, tmp_path, monkeypatch):
    notebook = lessons.read(lesson)
    checks = put_solutions(notebook)
    if not checks:  # solo la 00 puede no tener ejercicios; en las demás lo exige el contrato
        return
    project = copy_project(tmp_path / "curso")
    for name, value in lessons.offline_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    execute(notebook, project / "notebooks")
    verdicts = {contract.tag_of(cell, "check"): contract.printed(cell) for cell in checks}
    assert {
        name: text for name, text in verdicts.items() if "✅" not in text or "❌" in text or "⏳" in text
    } == {}
