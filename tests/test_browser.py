"""Lo mismo que hará quien empieza: `make curso`, la lección 00 en un navegador y ejecutarla entera desde el menú.

También, que lo plegado esté plegado: la respuesta a una predicción, hasta ejecutarla; y la solución, tras las pistas.
"""

import json
import re

import pytest
import sample_lesson
import torch
from conftest import keep
from lab_server import open_lab
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from project_copy import copy_project, snapshot

from helpers.spanish import number as written
from tools import lessons, my_copy


@pytest.fixture
def page(browser):
    tab = browser.new_page(viewport={"width": 1300, "height": 1000}, locale="en-US")
    yield tab
    tab.close()


@pytest.fixture
def first_lesson(tmp_path):
    """La copia de quien lee la lección 00, sin sus salidas: lo que aparezca en ella lo habrá hecho el navegador."""
    (path,) = lessons.find("00", copy_project(tmp_path / "curso") / "notebooks")
    clear(path)
    return path.parent.parent / my_copy.FOLDER / path.name


def clear(path):
    """Deja una lección sin salidas."""
    notebook = lessons.read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    lessons.write(path, notebook)


def wait_for_kernel(page, lab):
    """Con el núcleo a medio arrancar, JupyterLab preguntaría cuál usar."""
    for _ in range(60):
        sessions = json.loads(lab.get("/api/sessions")[1])
        if [session["kernel"]["execution_state"] for session in sessions] == ["idle"]:
            break
        page.wait_for_timeout(1_000)
    page.wait_for_timeout(1_000)


def saved_code(page, path):
    """Las celdas de código tal como las guarda JupyterLab en este momento."""
    page.keyboard.press("Control+s")
    page.wait_for_timeout(2_000)
    return [cell for cell in lessons.read(path).cells if cell.cell_type == "code"]


def run_all(page):
    """Ejecuta desde el menú el cuaderno entero."""
    menus = page.locator(".lm-MenuBar-item")
    menus.filter(
        has_text=re.compile("Ejecutar|Run")
    ).click()  # el paquete de idioma no traduce todos los menús
    page.click(".lm-Menu-item[data-command='runmenu:run-all']")


def ran_whole(page, path):
    """Espera a que acabe y mira que cada celda se haya ejecutado una vez, en orden y sin rojo."""
    for _ in range(100):
        code = saved_code(page, path)
        if code[-1].execution_count:
            break
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    return code


def wait_for_lesson(page, lab):
    page.goto(lab.url, wait_until="domcontentloaded")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
    page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=60_000)
    wait_for_kernel(page, lab)


@pytest.mark.timeout(400)
def test_first_lesson_runs_in_the_browser(page, first_lesson, tmp_path):
    outside, project = [], first_lesson.parent.parent
    published = snapshot(project / "notebooks")
    with open_lab(project, tmp_path / "casa", HF_HUB_OFFLINE="1") as lab:
        ours = (lab.base, lab.base.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda request: request.url.startswith(ours) or outside.append(request.url))
        wait_for_lesson(page, lab)
        run_all(page)
        ran_whole(page, first_lesson)
        keep(page, "leccion_00")
        assert "Archivo" in page.locator(".lm-MenuBar-item").all_inner_texts()
        assert page.locator(".Toastify__toast").count() == 0, "JupyterLab ha sacado un aviso"
        assert outside == []
    assert snapshot(project / "notebooks") == published  # se guarda en la copia: git no ve nada


# --- cuadernos de prueba en un mismo JupyterLab ------------------------------------------------------------------

SETUP = "import sys; sys.path.insert(0, '..')"
TRAINS = """from dataclasses import replace
from helpers.finetuning import MINI, fine_tune
result = fine_tune("gpt1-mini", "sentiment", recipe=replace(MINI, epochs=1, train_size=160))
print("entrenado")"""
EXPLORES = """import torch
from helpers.lesson05 import explorer
explorer.explorer(torch.arange(20.0) / 3, [f"palabra{n}</w>" for n in range(20)], prompt="the dog", ident="prueba")"""
DRAWS = """from matplotlib import pyplot as plt
from helpers.figures import describe, show
figure, axes = plt.subplots()
axes.plot([1, 2, 3])
show(describe(figure, "Una recta que sube de uno a tres."))"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Un JupyterLab para todos los cuadernos de prueba, y su copia del curso."""
    folder = tmp_path_factory.mktemp("lab")
    project = copy_project(folder / "curso")
    with open_lab(project, folder / "casa", HF_HUB_OFFLINE="1") as lab:
        lab.project = project
        yield lab


def open_notebook(page, lab, name, *cells):
    """Escribe un cuaderno con esas celdas (las que son texto, de código) y lo abre."""
    path = lab.project / my_copy.FOLDER / f"{name}.ipynb"
    made = [new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    lessons.write(path, new_notebook(cells=made))
    return open_saved(page, lab, path)


def open_saved(page, lab, path):
    """Abre un cuaderno en su propio espacio de trabajo y espera a su núcleo."""
    page.goto(f"{lab.base}/lab/workspaces/{path.stem}/tree/{my_copy.FOLDER}/{path.name}?token={lab.token}")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
    page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=60_000)
    for _ in range(60):  # con el núcleo a medio arrancar, lo que se ejecute se pierde
        ours = [one for one in json.loads(lab.get("/api/sessions")[1]) if one["path"].endswith(path.name)]
        if [one["kernel"]["execution_state"] for one in ours] == ["idle"]:
            break
        page.wait_for_timeout(1_000)
    page.wait_for_timeout(2_000)
    return path


def run_cell(page, number):
    page.locator(".jp-CodeCell").nth(number).locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")


def told(page, number, text, timeout=60_000):
    """La salida de una celda, cuando dice `text`."""
    output = page.locator(".jp-CodeCell").nth(number).locator(".jp-Cell-outputArea")
    for _ in range(timeout // 200):
        if text in output.inner_text():
            return output.inner_text()
        page.wait_for_timeout(200)
    pytest.fail(f"se esperaba «{text}» y hay: {output.inner_text()}")


@pytest.mark.timeout(200)
def test_an_answer_waits_until_it_is_asked_for(page, shared):
    """La salida plegada se abre al ejecutar su celda; un doble clic o Intro en una pista no enseñan la solución."""
    saved = new_output("stream", name="stdout", text="cuarenta y dos\n")
    asked = new_code_cell("print('cuarenta', 'y dos')", outputs=[saved], metadata={"tags": [lessons.FOLDED]})
    question = new_markdown_cell("**Antes de ejecutar:** ¿cuánto da?")
    open_notebook(page, shared, "plegado", question, asked, new_markdown_cell(sample_lesson.ANSWER))
    output = page.locator(".jp-OutputArea-output", has_text="cuarenta y dos")
    keep(page, "plegado")
    assert not output.is_visible()
    # El letrero de lo plegado llevaría la primera línea de la salida, que suele ser la respuesta.
    assert "cuarenta y dos" not in page.locator(".jp-Notebook").inner_text()
    assert page.locator(".jp-OutputPlaceholder").is_visible()
    run_cell(page, 0)
    output.wait_for(state="visible", timeout=30_000)

    answer = page.locator(".jp-MarkdownCell", has_text="Pista 1")
    for open_it in (
        lambda: answer.locator("summary").first.dblclick(),
        lambda: page.keyboard.press("Enter"),
    ):
        open_it()
        page.wait_for_timeout(1_000)
        assert not answer.locator(".cm-content").is_visible(), "se ve el texto de la celda"
        assert not answer.locator("code", has_text="return 2 * x").is_visible()
    answer.locator("summary", has_text="Solución").click()
    answer.locator("code", has_text="return 2 * x").wait_for(state="visible", timeout=5_000)


def restart_kernel(page):
    """Como quien lo hace con el teclado, y espera a que vuelva a estar listo."""
    page.keyboard.press("Escape")
    page.keyboard.press("0")
    page.keyboard.press("0")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.wait_for_timeout(3_000)


@pytest.mark.timeout(500)
def test_two_whole_lessons_at_once(browser, shared):
    """La 02 y la 03, sin rojo y con sus figuras; reiniciado el núcleo, su última celda lo dice en español."""
    opened = []
    for number in ("02", "03"):
        (path,) = lessons.find(number, shared.project / my_copy.FOLDER)
        clear(path)
        page = browser.new_page(viewport={"width": 1300, "height": 1000})
        open_saved(page, shared, path)
        run_all(page)
        opened.append((page, path))
    for page, path in opened:
        code = ran_whole(page, path)
        figures = [page for cell in code for page in cell.outputs if "<img" in str(page.get("data"))]
        assert len(figures) >= 4
        for figure in figures:
            assert re.search(r'<img alt="[^"]{30,}"', figure.data["text/html"]), (
                "una figura sin su descripción"
            )
        keep(page, f"leccion_{path.name[:2]}")
        last = page.locator(
            ".jp-CodeCell", has=page.locator(".cm-content", has_text=re.compile(r"^answer\("))
        ).last
        last.locator(".cm-content").click()
        restart_kernel(page)
        last.locator(".cm-content").click()
        page.keyboard.press("Shift+Enter")
        last.locator(".jp-Cell-outputArea", has_text="«answer» no existe todavía").wait_for(timeout=60_000)
        page.close()


@pytest.mark.timeout(200)
def test_an_exercise_is_typed_wrong_and_then_right(page, shared):
    setup = f"{SETUP}\nfrom helpers.exercises import check"
    open_notebook(page, shared, "ejercicio", setup, "steps = ...", 'check("00-pasos", steps)')
    run_cell(page, 0)
    run_cell(page, 1)
    run_cell(page, 2)
    told(page, 2, "⏳")
    for answer, verdict in (("47", "❌"), ("40", "✅")):
        page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
        page.keyboard.press("Control+a")
        page.keyboard.type(f"steps = {answer}")
        page.keyboard.press("Shift+Enter")
        run_cell(page, 2)
        told(page, 2, verdict)
    keep(page, "ejercicio")


@pytest.mark.timeout(300)
def test_a_training_bar_moves_while_it_trains(page, shared):
    open_notebook(page, shared, "barra", SETUP, TRAINS)
    run_cell(page, 0)
    run_cell(page, 1)
    output, seen = page.locator(".jp-CodeCell").nth(1).locator(".jp-Cell-outputArea"), set()
    for _ in range(600):
        text = output.inner_text()
        seen |= set(re.findall(r"(\d+)/\d+ \[", text))
        if "entrenado" in text:
            break
        page.wait_for_timeout(200)
    assert "entrenado" in output.inner_text() and len(seen) >= 3, seen
    assert "Ajuste fino" in output.inner_text()
    keep(page, "barra")


@pytest.mark.timeout(200)
def test_a_figure_is_drawn_with_its_alternative(page, shared):
    open_notebook(page, shared, "figura", SETUP, DRAWS)
    run_cell(page, 0)
    run_cell(page, 1)
    image = page.locator(".jp-OutputArea-output img")
    image.wait_for(timeout=60_000)
    assert (
        "sube de uno a tres" in image.get_attribute("alt")
        and image.evaluate("image => image.naturalWidth") > 300
    )
    keep(page, "figura")


@pytest.mark.timeout(200)
def test_an_explorer_agrees_with_python_inside_jupyterlab(page, shared):
    """También con el teclado, que JupyterLab querría para él."""
    open_notebook(page, shared, "explorador", SETUP, EXPLORES)
    run_cell(page, 0)
    run_cell(page, 1)
    first = page.locator(".explorador-gpt1 tbody tr").first
    first.wait_for(timeout=60_000)
    slider = page.locator(".explorador-gpt1 input[type=range]").first
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    heat = float(slider.input_value())
    assert heat == pytest.approx(1.3)
    top = (torch.arange(20.0) / 3 / heat).softmax(-1).max().item()
    assert written(top, 3) in first.inner_text()
    keep(page, "explorador")


@pytest.mark.timeout(200)
def test_a_late_cell_run_first_is_told_in_spanish(page, shared):
    open_notebook(page, shared, "tarde", f"{SETUP}\nimport helpers\nids = [1, 2]", "print('suman', sum(ids))")
    run_cell(page, 1)
    assert "«ids» no existe todavía: falta por ejecutar la primera celda" in told(
        page, 1, "Ejecutar todo por encima"
    )
    run_cell(page, 0)
    run_cell(page, 1)
    told(page, 1, "suman 3")
    page.locator(".jp-CodeCell").nth(1).locator(".cm-content").click()
    restart_kernel(page)
    run_cell(page, 1)
    told(page, 1, "«ids» no existe todavía")
    keep(page, "tarde")


VIEWS = {
    "oscuro": {"viewport": {"width": 1300, "height": 900}},
    "telefono": {"viewport": {"width": 390, "height": 844}},
    "ampliado": {"viewport": {"width": 720, "height": 450}, "device_scale_factor": 2},  # 200 % en 1440 × 900
}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("view", VIEWS)
def test_an_explorer_can_be_used_on_any_screen(browser, shared, view):
    page = browser.new_page(**VIEWS[view])
    theme = "JupyterLab Dark" if view == "oscuro" else "JupyterLab Light"
    shared.put(
        "/lab/api/settings/@jupyterlab/apputils-extension:themes", {"raw": json.dumps({"theme": theme})}
    )
    open_notebook(page, shared, f"vista_{view}", SETUP, EXPLORES)
    if view != "oscuro":
        page.keyboard.press("Control+b")  # la lista de archivos no deja sitio
    run_cell(page, 0)
    run_cell(page, 1)
    box = page.locator(".explorador-gpt1")
    box.wait_for(timeout=60_000)
    dark = page.evaluate("document.body.dataset.jpThemeLight") == "false"
    assert dark == (view == "oscuro")
    box.scroll_into_view_if_needed()
    keep(page, f"vista-{view}")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth + 1"), "se sale de su caja"
    slider = box.locator("input[type=range]").first
    assert slider.bounding_box()["width"] > 60, "no queda sitio para mover el mando"
    page.close()
