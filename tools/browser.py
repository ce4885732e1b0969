"""El navegador con el que se prueba el curso: el Chrome, Edge o Chromium que haya en el sistema.

`python -m tools.browser` dice cuál es y, si no hay ninguno, lo instala donde puede: en Debian y como administrador. El
que descargaría Playwright no hace falta.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = ("google-chrome", "chromium", "chromium-browser", "microsoft-edge", "chrome", "msedge")
FILES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
HOW = (
    "No encuentro Chrome, Edge ni Chromium: instala uno (en Debian, «sudo apt install chromium») o di dónde está en la"
    " variable CHROMIUM."
)


def find():
    """La ruta del navegador del sistema, o la que diga la variable CHROMIUM; `None` si no hay ninguno."""
    named = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, COMMANDS)), None)
    return named or next(filter(os.path.exists, FILES), None)


def flags():
    """Opciones de arranque: sin red de fondo y, como administrador, sin su caja de arena, que ahí no funciona."""
    quiet = ["--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-sync", "--disable-quic"]
    quiet += ["--disable-background-networking", "--disable-component-update"]
    return quiet + ["--no-sandbox"] * is_root()


def is_root():
    return hasattr(os, "geteuid") and os.geteuid() == 0


def install():
    """Chromium y una letra con emojis, de los paquetes de Debian; `SystemExit` donde no se puede."""
    apt = shutil.which("apt-get")
    if not (apt and is_root() and Path("/etc/debian_version").exists()):
        sys.exit(HOW)
    print("→ Instalo Chromium con apt-get", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    packages = ["install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-color-emoji"]
    for order in (["update", "-qq"], packages):
        done = subprocess.run([apt, *order], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        if done.returncode:
            sys.exit("apt-get no ha podido instalar Chromium: el motivo está justo encima.")


def main():
    if not find():
        install()
    print(f"Navegador: {find()}", flush=True)


if __name__ == "__main__":
    main()
