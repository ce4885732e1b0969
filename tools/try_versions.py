"""Pasa las pruebas con otras versiones de las que admite pyproject.toml: `make minimas` y `make ultimas`.

Cada juego tiene un entorno aparte y desechable, `.venv-minimas` o `.venv-ultimas`, que se rehace cada vez. Las
lecciones se ejecutan, pero sus salidas no se comparan letra a letra, ni se miran los candados: son de otras versiones.
`make minimas VERSIONES="transformers==5.20.0"` prueba además una versión concreta.
"""

import os
import subprocess
import sys

from tools import setup_env

RESOLUTIONS = {"minimas": "lowest-direct", "ultimas": "highest"}
OTHER_VERSIONS = ["tests/test_notebooks_run.py", "tests/test_packaging.py"]  # comparan con las del candado


def install(which):
    """Crea el entorno y devuelve su Python; `SetupError` si no puede."""
    env = setup_env.installer_environment()
    uv = setup_env.find_uv(env)
    if not uv:
        raise setup_env.SetupError("Probar otras versiones necesita uv: «pip install uv» y repite la orden.")
    venv = setup_env.ROOT / f".venv-{which}"
    python = venv / setup_env.BIN / "python"
    setup_env.say(f"→ Creo {venv.name} con las versiones que dice {RESOLUTIONS[which]}")
    order = [uv, "pip", "install", "--python", python, "-r", "pyproject.toml", "--extra", "dev"]
    order += ["--resolution", RESOLUTIONS[which], *os.environ.get("VERSIONES", "").split()]
    if os.environ.get("TORCH"):
        order += ["--torch-backend", os.environ["TORCH"]]
    create = [uv, "venv", "--clear", "--python", setup_env.choose_python()["executable"], venv]
    setup_env.run_all([create, order], env)
    return python


def main(which):
    try:
        python = install(which)
    except setup_env.SetupError as problem:
        sys.exit(str(problem))
    ignored = [f"--ignore={path}" for path in OTHER_VERSIONS]
    command = [python, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    sys.exit(subprocess.call([*command, "-m", "not browser", *ignored], cwd=setup_env.ROOT))


if __name__ == "__main__":
    main(sys.argv[1])
