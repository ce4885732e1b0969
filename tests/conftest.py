"""Lo común a todas las pruebas: sin red, las lecciones como parámetro y el reparto entre procesos."""

import importlib.util
import os
from pathlib import Path

import pytest

from tools import browser as system_browser
from tools import lessons

ROOT = lessons.ROOT
OFFLINE = Path(__file__).with_name("offline")
# Cada prueba de estos archivos arranca un núcleo y carga torch: se reparten de una en una y van primero.
HEAVY = ("test_notebooks_run.py", "test_solutions.py", "test_colab.py")
collect_ignore = ["long"]  # lo largo se pide por su nombre: `make test-todo`, `make colab`


def cut_network():
    """Sin red en este proceso ni en los que arranque; los Rust (hf-xet, uv) obedecen a HF_HUB_OFFLINE o a su índice."""
    spec = importlib.util.spec_from_file_location("offline", OFFLINE / "sitecustomize.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    inherited = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(OFFLINE), inherited]))
    os.environ["HF_HUB_OFFLINE"] = "1"


cut_network()
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # un hilo de torch por proceso: más se estorban


def pytest_generate_tests(metafunc):
    by_hand = {mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")}
    if "lesson" in metafunc.fixturenames and "lesson" not in by_hand:
        found = lessons.find() or [None]
        metafunc.parametrize(
            "lesson", found, indirect=True, ids=lambda path: path.stem if path else "ninguna"
        )


@pytest.fixture
def lesson(request):
    """La ruta de cada lección. Que no haya ninguna es un fallo, no una prueba que se salta."""
    assert request.param, "notebooks/ no tiene ninguna lección"
    return request.param


def need_browser():
    """La ruta del navegador. Sin él, la prueba se salta y dice cómo tenerlo; en integración continua, falla."""
    return system_browser.find() or (pytest.fail if os.environ.get("CI") else pytest.skip)(system_browser.HOW)


@pytest.fixture(scope="module")
def browser():
    """Un navegador de verdad, que comparten las pruebas de un archivo."""
    path = need_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=path, args=system_browser.flags())
        yield program
        program.close()


@pytest.fixture
def opened(browser, page):
    """La página de la `page` de cada archivo, abierta: sin ningún error de JavaScript ni petición a la red."""
    tab, problems = browser.new_page(), []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: problems.append(request.url))
    tab.set_content(page)
    yield tab
    tab.close()
    assert problems == []


def set_control(tab, ident: str, value) -> None:
    """Mueve un mando de un explorador como quien lee: le pone un valor y avisa de que ha cambiado."""
    tab.evaluate(
        "([id, value]) => { const i = document.getElementById(id); i.value = value;"
        " i.dispatchEvent(new Event('input', { bubbles: true })) }",
        [ident, value],
    )


def keep(tab, name: str) -> None:
    """Una captura para mirarla, si se pide: CURSO_CAPTURAS=carpeta."""
    if folder := os.environ.get("CURSO_CAPTURAS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=Path(folder) / f"{name}.png")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Primero lo que más tarda, para que los procesos acaben a la vez; y qué pruebas son las de `make navegador`."""
    items.sort(key=lambda item: item.path.name not in HEAVY)
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Como `--dist loadfile` (cada archivo, entero, a un proceso), salvo los pesados, que van prueba a prueba."""
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return nodeid if Path(nodeid.partition("::")[0]).name in HEAVY else super()._split_scope(nodeid)

    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None
