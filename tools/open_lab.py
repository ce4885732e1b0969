"""Abre JupyterLab en tu copia de la primera lección: en español, solo para esta máquina y sin tocar tu configuración.

`make curso` lo llama; sin make, `python -m tools.open_lab` desde la carpeta del curso (con su entorno activado).
Sin pantalla, o con SIN_NAVEGADOR=1, escribe la dirección y espera. Ctrl-C lo detiene.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from pathlib import Path

from tools import my_copy

ROOT = Path(__file__).resolve().parent.parent
FIRST_LESSON = f"{my_copy.FOLDER}/00_empieza_aqui.ipynb"
PRIVATE = ROOT / ".jupyter"  # lo que Jupyter guarda mientras sigues el curso (ignorado por git)
LOG = PRIVATE / "jupyterlab.log"
START_SECONDS = 120
SETTINGS = ROOT / "tools" / "lab_settings"
# Lo que Jupyter e IPython solo leen de su carpeta: la hoja de estilos, con la que el letrero de lo plegado no enseña la
# respuesta, y lo que cada núcleo hace al arrancar.
OURS = {"custom.css": "config/custom", "startup.py": "ipython/profile_default/startup"}


def lab_environment(token):
    """Entorno del servidor: carpetas propias, para no leer ni cambiar las tuyas, y el token fuera de la orden."""
    env = dict(os.environ, JUPYTER_TOKEN=token, JUPYTER_PLATFORM_DIRS="1", PYTHONUTF8="1")
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    for variable, folder in folders.items():
        (PRIVATE / folder).mkdir(parents=True, exist_ok=True)
        env[variable] = str(PRIVATE / folder)
    for name, place in OURS.items():
        (PRIVATE / place).mkdir(parents=True, exist_ok=True)
        shutil.copy(SETTINGS / name, PRIVATE / place)
    return env


def lab_command(port):
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.root_dir={ROOT}"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    # Español y sin avisos de novedades; los cambios que hagas después en los ajustes mandan sobre esto.
    command += [f"--LabApp.app_settings_dir={SETTINGS}", "--LabApp.news_url=None"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    command += ["--LabApp.custom_css=True"]  # la hoja que copia lab_environment
    command += [
        "--LanguageServerManager.autodetect=False"
    ]  # buscaría servidores de lenguaje con el npm del usuario
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def free_port(first=8888):
    """El primer puerto libre desde 8888, para que la dirección sea la de siempre; si no, uno cualquiera."""
    for port in (*range(first, first + 20), 0):
        with socket.socket() as probe:
            if os.name != "nt":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return probe.getsockname()[1]
    raise SystemExit("No queda ningún puerto libre en 127.0.0.1 para JupyterLab.")


def start(port, token):
    """Arranca el servidor en su propio grupo: así el Ctrl-C del terminal nos llega solo a nosotros."""
    own_group = (
        {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        if os.name == "nt"
        else {"start_new_session": True}
    )
    env = lab_environment(token)
    with LOG.open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            lab_command(port),
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            **own_group,
        )


def is_ready(server, port, token):
    """Espera a que el servidor conteste; `False` si muere antes o no llega a contestar."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # 127.0.0.1 nunca pasa por un proxy
    deadline = time.time() + START_SECONDS
    while time.time() < deadline and server.poll() is None:
        with contextlib.suppress(OSError):
            opener.open(f"http://127.0.0.1:{port}/api/status?token={token}", timeout=2).close()
            return True
        time.sleep(0.2)
    return False


@contextlib.contextmanager
def running_server(token):
    """Un servidor que ya contesta, y su puerto; al salir, lo detiene y con él los núcleos de los cuadernos."""
    for _ in range(3):  # otro programa puede quedarse el puerto entre que lo elegimos y lo usamos
        port = free_port()
        server = start(port, token)
        try:
            if is_ready(server, port, token):
                yield server, port
                return
        finally:
            stop(server)
        if "already in use" not in LOG.read_text(encoding="utf-8", errors="replace"):
            break
    raise SystemExit(f"JupyterLab no ha podido arrancar: el motivo está al final de {LOG.relative_to(ROOT)}.")


def stop(server):
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()


def has_screen():
    """¿Hay dónde abrir un navegador?"""
    if os.environ.get("SIN_NAVEGADOR", "") not in ("", "0"):
        return False
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def serve():
    token = secrets.token_hex(24)
    for sentence in my_copy.refresh():
        print(sentence, flush=True)
    print("→ Arranco JupyterLab", flush=True)
    with running_server(token) as (server, port):
        url = f"http://127.0.0.1:{port}/lab/tree/{FIRST_LESSON}?token={token}"
        opened = has_screen() and webbrowser.open(url)
        print(
            "Si no se abre solo, copia" if opened else "Copia", "esta dirección en tu navegador:", flush=True
        )
        print(url, flush=True)
        print("Para terminar, pulsa Ctrl-C aquí.", flush=True)
        try:
            server.wait()
        except KeyboardInterrupt:
            print("\nDetengo JupyterLab…", flush=True)
    print("Hasta la próxima. Tus cambios están en mi_curso/.", flush=True)


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    for name in ("SIGTERM", "SIGHUP"):  # que cerrar el terminal sea como pulsar Ctrl-C
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        serve()


if __name__ == "__main__":
    main()
