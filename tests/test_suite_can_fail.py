"""Las pruebas de las lecciones saben fallar: una lección en regla pasa y cada avería se detecta por su nombre."""

from copy import deepcopy

import contract
import nbformat
import pytest
import sample_lesson
from nbconvert import HTMLExporter
from project_copy import run_nbval, toy_project
from test_solutions import put_solutions, simulate_gpu

from tools import lessons
from tools.run_lessons import execute, run_and_save
from tools.stamp_address import colab_link


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """La lección de muestra, ejecutada y guardada por `make lecciones` en un curso de mentira."""
    scratch = tmp_path_factory.mktemp("muestra")
    path = toy_project(scratch / "curso") / "notebooks" / sample_lesson.NAME
    nbformat.write(sample_lesson.build(), path)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in lessons.offline_environment(scratch).items():
            patch.setenv(name, value)
        run_and_save(path)
        yield path


def cell(notebook, name):
    """Una celda por su identificador, por su etiqueta o por el principio de su texto."""
    return next(
        c
        for c in notebook.cells
        if name in (c.id, *lessons.tags(c)) or c.source.lstrip("# ").startswith(name)
    )


def test_sound_lesson_passes_everything(sample, tmp_path):
    assert contract.problems(sample) == []
    passed, failed, output = run_nbval(sample, tmp_path)
    assert (passed, failed) == (18, []), output


@pytest.mark.slow
def test_saving_twice_changes_nothing(sample):
    saved = sample.read_bytes()
    assert lessons.write(sample, lessons.read(sample)) is False
    run_and_save(sample)
    assert sample.read_bytes() == saved


@pytest.mark.slow
def test_nbval_catches_wrong_output_error_and_network(sample, tmp_path):
    notebook = lessons.read(sample)
    cell(notebook, "suma").outputs[0]["data"]["text/plain"] = "5"
    cell(notebook, "texto").source = 'raise ValueError("rota a propósito")'
    network = 'import socket\n\nsocket.create_connection(("192.0.2.1", 80), timeout=1)\nprint("conectado")'
    cell(notebook, "relleno-3").update(source=network, outputs=cell(notebook, "texto").outputs)
    broken = sample.with_name("98_rota.ipynb")
    nbformat.write(notebook, broken)
    passed, failed, output = run_nbval(broken, tmp_path)
    code = contract.code_cells(notebook)
    expected = [f"Cell {code.index(cell(notebook, name))}" for name in ("suma", "texto", "relleno-3")]
    assert [name.rpartition("::")[2] for name in failed] == expected, output
    assert passed == len(code) - 3
    assert "La red está cortada en las pruebas" in output


@pytest.mark.slow
def test_nbval_compares_the_description_of_a_figure_and_not_its_pixels(sample, tmp_path):
    notebook = lessons.read(sample)
    figure = cell(notebook, "figura")
    notebook.cells = [cell(notebook, "setup"), figure, deepcopy(figure), deepcopy(figure)]
    for place, (cut, old, new) in enumerate(((0, "", ""), (200, "", ""), (0, "de 1 a 2", "de 1 a 3"))):
        one = notebook.cells[place + 1]
        one.id = f"figura-{place}"
        data, png = one.outputs[0].data, one.outputs[0].data["image/png"]
        other = png[: len(png) - cut]
        data.update(
            {"image/png": other, "text/html": data["text/html"].replace(png, other).replace(old, new)}
        )
    broken = sample.with_name("96_rota.ipynb")
    nbformat.write(notebook, broken)
    passed, failed, output = run_nbval(broken, tmp_path)
    assert (passed, [name.rpartition("::")[2] for name in failed]) == (3, ["Cell 3"]), output


def test_the_description_reaches_a_published_page(sample):
    page, _ = HTMLExporter(template_name="lab").from_notebook_node(lessons.read(sample))
    assert '<img alt="Una recta que sube de 1 a 2' in page


def test_lesson_with_an_error_is_not_saved(sample):
    notebook = lessons.read(sample)
    cell(notebook, "suma").source = "# Divide\n1 / 0"
    broken = sample.with_name("97_rota.ipynb")
    nbformat.write(notebook, broken)
    before = broken.read_bytes()
    with pytest.raises(
        SystemExit, match=r"celda 6 \(suma\), «# Divide»: ZeroDivisionError: division by zero"
    ):
        run_and_save(broken)
    assert broken.read_bytes() == before


@pytest.mark.slow
def test_wrong_solution_is_caught(sample):
    notebook = lessons.read(sample)
    answer = cell(notebook, "<details>")
    answer.source = answer.source.replace("2 * x", "3 * x")
    (check,) = put_solutions(notebook)
    execute(notebook, sample.parent)
    assert "❌" in contract.printed(check)


@pytest.mark.slow
@pytest.mark.parametrize(("batch", "verdict"), [("ids.to(device)", "cuda:0"), ("ids", "en la CPU")])
def test_mixing_devices_is_caught(batch, verdict, tmp_path, monkeypatch):
    for name, value in lessons.offline_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    source = (
        "import torch\nfrom helpers import environment\n\ndevice = environment.device()\nids = torch.tensor([0])\n"
        f"print(torch.nn.Embedding(2, 2).to(device)({batch}).device)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    simulate_gpu(notebook)
    try:
        told = contract.printed(execute(notebook, lessons.NOTEBOOKS).cells[-1])
    except SystemExit as problem:
        told = str(problem)
    assert verdict in told


def drop(name):
    return lambda notebook: notebook.cells.remove(cell(notebook, name))


def change(name, **values):
    return lambda notebook: cell(notebook, name).update(values)


def rewrite(name, old, new):
    return lambda notebook: change(name, source=cell(notebook, name).source.replace(old, new))(notebook)


def repeat(name, times):
    def more(notebook):
        for place in range(times):
            notebook.cells.append(deepcopy(cell(notebook, name)))
            notebook.cells[-1].id = f"copia-{place}"

    return more


def output(name, kind, /, **values):
    return lambda notebook: cell(notebook, name).outputs.append(nbformat.v4.new_output(kind, **values))


BREAKAGES = {
    "sin título": (rewrite("Lección 99", "Lección", "Capítulo"), "no empieza por «# Lección 99"),
    "insignia sin dirección": (rewrite("Lección 99", "justo", "de Colab"), "su insignia de Colab"),
    "enlace sellado sin dirección": (
        rewrite("Lección 99", "justo", f"[00]({colab_link('https://github.com/a/b', '00_a.ipynb')})"),
        "sus enlaces a otros cuadernos",
    ),
    "falta una sección": (rewrite("Ideas clave", "Ideas clave", "Ideas"), "sus secciones son"),
    "pocos enlaces": (rewrite("Para seguir", "https://example.org/2", ""), "«Para seguir» tiene 2 enlaces"),
    "puesta en marcha tocada": (rewrite("setup", "seed=0", "seed=1"), "no es la plantilla"),
    "sin puesta en marcha": (drop("setup"), "no es la plantilla"),
    "pocas celdas": (drop("relleno-11"), "tiene 24 celdas"),
    "muchos pasos": (repeat("suma", 41), "tiene 61 pasos"),
    "sin ejecutar": (change("suma", execution_count=None), "no está ejecutada de arriba abajo"),
    "celda larga": (change("suma", source="1\n" * 26), "tiene 26 líneas"),
    "punto y coma": (change("suma", source="2 + 2;  # calla"), "acaba en «;»"),
    "clear_output": (change("suma", source="clear_output()"), "usa «clear_output»"),
    "sin figura": (change("figura", outputs=[]), "no tiene ninguna figura"),
    "figura sin describir": (
        lambda notebook: cell(notebook, "figura").outputs[0].data.pop("text/html"),
        "no llega a 12 palabras",
    ),
    "figura poco descrita": (
        lambda notebook: (
            cell(notebook, "figura")
            .outputs[0]
            .data.update({"text/html": '<img alt="Una recta." src="data:image/png;base64,AA">'})
        ),
        "no llega a 12 palabras que la describan: «Una recta.»",
    ),
    "error guardado": (output("suma", "error", ename="E", evalue="", traceback=[]), "guarda un error: E"),
    "stderr": (output("suma", "stream", name="stderr", text="Warning"), "salida de errores"),
    "ruta": (output("suma", "stream", text="/home/ana/curso"), "una ruta de una máquina"),
    "sin comprobación": (drop("check:double"), "no le sigue su comprobación"),
    "sin pendiente": (change("check:double", outputs=[]), "no dice «⏳»"),
    "sin pista": (rewrite("<details>", "Pista 2", "Otra"), "los desplegables de «double»"),
    "sin solución": (rewrite("<details>", "```python", "```text"), "no es un bloque de Python"),
    "sin ejercicios": (change("exercise:double", metadata={}), "ningún ejercicio"),
    "pide una GPU": (lambda notebook: notebook.metadata.update(accelerator="GPU"), "lo que necesita"),
    "metadatos": (lambda notebook: notebook.metadata.update(widgets={}), "tiene metadatos que sobran"),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_contract_catches(sample, breakage):
    damage, expected = BREAKAGES[breakage]
    notebook = lessons.read(sample)
    damage(notebook)
    broken = sample.with_name(f"99_{sample.stem}_rota.ipynb")
    broken.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    assert any(expected in problem for problem in contract.problems(broken)), contract.problems(broken)
