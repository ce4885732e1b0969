"""Las soluciones plegadas en cada lección son soluciones: puestas en su sitio, todas las comprobaciones dan ✅.

De paso, se ejecutan en una GPU, de verdad si la hay y simulada si no: en la CPU ya las repite nbval. Que sin tocar nada
digan ⏳ y la lección llegue al final lo prueban el contrato (lo guardado) y nbval.
"""

import contract
import pytest
import torch
from nbformat.v4 import new_code_cell
from project_copy import copy_project

from tools import lessons
from tools.run_lessons import execute

SIMULATED_GPU = """\
import sys
from pathlib import Path

sys.path[:0] = [str(Path.cwd().parent), str(Path.cwd().parent / "tests")]
from simulated_gpu import SimulatedGPU

SimulatedGPU().__enter__()
"""


def put_solutions(notebook):
    """Sustituye cada ejercicio por su solución; devuelve las celdas que los comprueban."""
    checks = []
    for stub, check, answer in zip(notebook.cells, notebook.cells[1:], notebook.cells[2:], strict=False):
        if contract.tag_of(stub, "exercise"):
            stub.source = contract.solution(answer.source)
            checks.append(check)
    return checks


def simulate_gpu(notebook):
    """Antepone la celda que enciende la GPU simulada."""
    notebook.cells.insert(0, new_code_cell(SIMULATED_GPU, id="gpu-simulada"))


def failing(path, folder, monkeypatch):
    """{ejercicio: veredicto} de los que, con su solución puesta, no dan ✅ al ejecutar la lección en una GPU."""
    notebook = lessons.read(path)
    checks = put_solutions(notebook)
    project = copy_project(folder / "curso")
    environment = lessons.offline_environment(folder)
    if torch.cuda.is_available():
        del environment["CUDA_VISIBLE_DEVICES"]
    else:
        simulate_gpu(notebook)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    execute(notebook, project / "notebooks")
    verdicts = {contract.tag_of(cell, "check"): contract.printed(cell) for cell in checks}
    return {name: text for name, text in verdicts.items() if "✅" not in text or "❌" in text or "⏳" in text}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", lessons.find(), ids=lambda path: path.stem)
def test_solutions_pass_their_checks_on_a_gpu(path, tmp_path, monkeypatch):
    assert failing(path, tmp_path, monkeypatch) == {}
