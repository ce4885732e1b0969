"""`make curso` abre JupyterLab en español, solo para esta máquina, con token y sin tocar nada del usuario."""

import json
import os
import signal
import socket

import psutil
import pytest
from lab_server import open_lab
from project_copy import copy_project

from tools import open_lab as tool

pytestmark = pytest.mark.skipif(os.name == "nt", reason="detiene el servidor con señales de POSIX")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    project = copy_project(folder / "curso")
    with open_lab(project, folder / "casa") as running:
        running.home = folder / "casa"
        yield running


def test_prints_one_clean_address(lab):
    assert lab.lines == [
        "Tus cuadernos están en mi_curso/: son tuyos y una edición nueva no los pisará.",
        "→ Arranco JupyterLab",
        "Copia esta dirección en tu navegador:",
        lab.url,
        "Para terminar, pulsa Ctrl-C aquí.",
    ]
    assert f"/lab/tree/{tool.FIRST_LESSON}?token=" in lab.url


def test_needs_its_token(lab):
    page = lab.url.removeprefix(lab.base).partition("?")[0]
    assert lab.get(page)[0] == 200
    assert lab.get(page, token=False)[0] == 302  # a la página que pide el token
    assert lab.get("/api/contents")[0] == 200
    assert lab.get("/api/contents", token=False)[0] == 403
    arguments = [
        " ".join(child.cmdline()) for child in psutil.Process(lab.process.pid).children(recursive=True)
    ]
    assert arguments and not any(lab.token in line for line in arguments)


def test_listens_only_on_this_machine(lab):
    processes = psutil.Process(lab.process.pid).children(recursive=True)
    listening = [
        c.laddr.ip for p in processes for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


def test_speaks_spanish_and_keeps_quiet_about_news(lab):
    def defaults(plugin):
        _, text = lab.get(f"/lab/api/settings/@jupyterlab/{plugin}")
        return {name: value["default"] for name, value in json.loads(text)["schema"]["properties"].items()}

    assert defaults("translation-extension:plugin")["locale"] == "es_ES"
    assert defaults("docmanager-extension:plugin")["defaultViewers"] == {"markdown": "Markdown Preview"}
    notices = defaults("apputils-extension:notification")
    assert (notices["fetchNews"], notices["checkForUpdates"]) == ("false", False)
    assert "es_ES" in json.loads(lab.get("/lab/api/translations/")[1])["data"]
    assert "Archivo" in lab.get("/lab/api/translations/es_ES")[1]
    assert json.loads(lab.get("/lab/api/news")[1])["news"] == []


def test_opens_in_the_folder_of_the_course(lab):
    names = {entry["name"] for entry in json.loads(lab.get("/api/contents")[1])["content"]}
    assert {"mi_curso", "helpers", "README.md"} <= names


def test_leaves_the_user_alone(lab):
    files = {str(path.relative_to(lab.home)) for path in lab.home.rglob("*") if path.is_file()}
    assert files == {".jupyter/jupyter_server_config.py"}


def test_busy_port_picks_another():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert tool.free_port(port) != port


@pytest.mark.parametrize(
    ("env", "expected"),
    [({"DISPLAY": ":0"}, True), ({}, False), ({"DISPLAY": ":0", "SIN_NAVEGADOR": "1"}, False)],
)
def test_opens_a_browser_only_where_there_is_a_screen(monkeypatch, env, expected):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SIN_NAVEGADOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tool.sys, "platform", "linux")
    assert tool.has_screen() is expected


def test_ctrl_c_stops_it_cleanly(lab):
    """La última: deja el servidor detenido."""
    children = psutil.Process(lab.process.pid).children(recursive=True)
    lab.process.send_signal(signal.SIGINT)
    goodbye = lab.process.stdout.read()
    assert lab.process.wait(timeout=40) == 0
    assert goodbye.split("\n") == [
        "",
        "Detengo JupyterLab…",
        "Hasta la próxima. Tus cambios están en mi_curso/.",
        "",
    ]
    assert psutil.wait_procs(children, timeout=10)[1] == []
