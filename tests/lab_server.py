"""JupyterLab abierto como lo abre `make curso`, en una copia del proyecto, con un usuario que no se debe tocar."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass

# Una configuración de usuario que abriría el servidor a todo el mundo y sin token, si se leyera.
HOSTILE_CONFIG = """\
c.ServerApp.ip = "0.0.0.0"
c.IdentityProvider.token = ""
c.ServerApp.open_browser = True
"""


@dataclass
class Lab:
    process: subprocess.Popen
    url: str
    lines: list

    @property
    def base(self):
        return self.url.partition("/lab")[0]

    @property
    def token(self):
        return self.url.partition("token=")[2]

    def get(self, path, token=True):
        """Código y texto de una petición, sin seguir redirecciones a la página de entrada."""
        headers = {"Authorization": f"token {self.token}"} if token else {}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
        try:
            with opener.open(urllib.request.Request(self.base + path, headers=headers), timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""

    def put(self, path, content):
        """Escribe, por ejemplo, un ajuste."""
        request = urllib.request.Request(
            self.base + path,
            json.dumps(content).encode(),
            {"Authorization": f"token {self.token}"},
            method="PUT",
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=30).close()


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


@contextlib.contextmanager
def open_lab(project, home, **env):
    """Arranca `tools.open_lab` y espera a que escriba su dirección; al salir lo detiene si sigue en marcha."""
    (home / ".jupyter").mkdir(parents=True)
    (home / ".jupyter" / "jupyter_server_config.py").write_text(HOSTILE_CONFIG, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.open_lab"],
        cwd=project,
        env=os.environ | {"HOME": str(home), "SIN_NAVEGADOR": "1"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines = []
    try:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("Para terminar"):
                break
        url = next(
            (
                line
                for line in lines
                if re.fullmatch(r"http://127\.0\.0\.1:\d+/lab/tree/\S+\?token=\w+", line)
            ),
            None,
        )
        assert url, lines
        yield Lab(process, url, lines)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=40)
        process.stdout.close()
