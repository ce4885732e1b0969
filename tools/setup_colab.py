"""Prepara `.venv-colab`, un Python con las versiones de Colab en el que probar las lecciones: `make colab`.

Es un entorno aparte y desechable. ftfy, que en Colab no está, queda a un lado: lo instala cada lección con su celda de
puesta en marcha (`tests/long/test_colab.py`).
"""

import hashlib
import shutil
import sys
import time

from tools import setup_env

ROOT = setup_env.ROOT
VENV = ROOT / ".venv-colab"
PYTHON = VENV / setup_env.BIN / "python"
FTFY = VENV / "ftfy"  # lo que `pip install ftfy` añadiría
REQUIREMENTS = ROOT / "tests" / "long" / "colab_requirements.txt"
STAMP = VENV / "curso.sello"


def fingerprint():
    """Huella de lo que decide qué hay instalado: la lista y dónde está el entorno."""
    return hashlib.sha256(f"{ROOT}\n{REQUIREMENTS.read_text(encoding='utf-8')}".encode()).hexdigest()


def prepare():
    """Deja `.venv-colab` listo con el Python del curso (o `PYTHON`); no hace nada si ya lo está."""
    if STAMP.exists() and STAMP.read_text() == fingerprint():
        return
    started = time.time()
    env = setup_env.installer_environment()
    uv = setup_env.find_uv(env)
    if not uv:
        raise setup_env.SetupError(
            "Las versiones de Colab se instalan con uv: «pip install uv» y repite la orden."
        )
    python = setup_env.choose_python()
    setup_env.say(f"→ Creo {VENV.name} con Python {python['version']} y las versiones de Colab")
    shutil.rmtree(VENV, ignore_errors=True)
    install = [uv, "pip", "install", "--python", PYTHON, "--no-deps"]
    # Con ruedas a mano, el torch de allí; si no, el que no trae CUDA.
    cpu = [] if env.get("UV_FIND_LINKS") else ["--torch-backend", "cpu"]
    create = [uv, "venv", "--python", python["executable"], VENV]
    apart = [*install, "--target", FTFY, "ftfy"]
    setup_env.run_all([create, [*install, "-r", REQUIREMENTS, *cpu], apart], env)
    STAMP.write_text(fingerprint())
    setup_env.say(f"✓ {VENV.name} listo en {time.time() - started:.0f} s")


if __name__ == "__main__":
    try:
        prepare()
    except setup_env.SetupError as problem:
        sys.exit(str(problem))
