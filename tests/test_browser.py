"""Lo mismo que hará quien empieza: `make curso`, la lección 00 en un navegador y ejecutarla entera desde el menú.

También, que lo plegado esté plegado: la respuesta a una predicción, hasta ejecutarla; y la solución, tras las pistas.
"""

import json
import os
import re

import pytest
import sample_lesson
from lab_server import open_lab
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from project_copy import copy_project, snapshot

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
    notebook = lessons.read(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    lessons.write(path, notebook)
    return path.parent.parent / my_copy.FOLDER / path.name


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


def wait_for_lesson(page, lab):
    page.goto(lab.url, wait_until="domcontentloaded")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=90_000)
    page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=60_000)
    wait_for_kernel(page, lab)


@pytest.mark.timeout(300)
def test_an_answer_waits_until_it_is_asked_for(page, tmp_path):
    """La salida plegada se abre al ejecutar su celda; un doble clic o Intro en una pista no enseñan la solución."""
    project = copy_project(tmp_path / "curso")
    (path,) = lessons.find("00", project / "notebooks")
    saved = new_output("stream", name="stdout", text="cuarenta y dos\n")
    notebook = new_notebook(
        cells=[
            new_markdown_cell("**Antes de ejecutar:** ¿cuánto da?"),
            new_code_cell("print('cuarenta', 'y dos')", outputs=[saved], metadata={"tags": [lessons.FOLDED]}),
            new_markdown_cell(sample_lesson.ANSWER),
        ]
    )
    lessons.write(path, notebook)
    with open_lab(project, tmp_path / "casa", HF_HUB_OFFLINE="1") as lab:
        wait_for_lesson(page, lab)
        output = page.locator(".jp-OutputArea-output", has_text="cuarenta y dos")
        if os.environ.get("CURSO_CAPTURA"):
            page.screenshot(path=os.environ["CURSO_CAPTURA"])
        assert not output.is_visible()
        # El letrero de lo plegado llevaría la primera línea de la salida, que suele ser la respuesta.
        assert "cuarenta y dos" not in page.locator(".jp-Notebook").inner_text()
        assert page.locator(".jp-OutputPlaceholder").is_visible()
        page.locator(".jp-CodeCell .cm-content").click()
        page.keyboard.press("Shift+Enter")
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


@pytest.mark.timeout(400)
def test_first_lesson_runs_in_the_browser(page, first_lesson, tmp_path):
    outside, project = [], first_lesson.parent.parent
    published = snapshot(project / "notebooks")
    with open_lab(project, tmp_path / "casa", HF_HUB_OFFLINE="1") as lab:
        ours = (lab.base, lab.base.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda request: request.url.startswith(ours) or outside.append(request.url))
        wait_for_lesson(page, lab)
        menus = page.locator(".lm-MenuBar-item")
        # El paquete de idioma no traduce todos los menús.
        menus.filter(has_text=re.compile("Ejecutar|Run")).click()
        page.click(".lm-Menu-item[data-command='runmenu:run-all']")
        for _ in range(60):
            code = saved_code(page, first_lesson)
            if code[-1].execution_count:
                break
        if os.environ.get("CURSO_CAPTURA"):  # para mirarla: CURSO_CAPTURA=captura.png
            page.screenshot(path=os.environ["CURSO_CAPTURA"])
        assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
        assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
        assert "Archivo" in menus.all_inner_texts()
        assert page.locator(".Toastify__toast").count() == 0, "JupyterLab ha sacado un aviso"
        assert outside == []
    assert snapshot(project / "notebooks") == published  # se guarda en la copia: git no ve nada
