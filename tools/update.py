"""Trae la edición nueva del curso: `make actualizar` o, sin make, `python -m tools.update`.

En un clon hace `git pull`. Quien descargó un .zip descomprime el nuevo en otra carpeta, lleva a ella `mi_curso/` y
`progreso.json` y da allí la orden. En los dos casos acaba poniendo al día `mi_curso/`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
ZIP = (
    "Esta carpeta no es un clon de git: descarga el .zip nuevo, descomprímelo en otra carpeta, lleva a ella mi_curso/ y"
    " progreso.json y repite allí la orden."
)


def git(*order):
    """Una orden de git: si ha ido bien y lo que ha dicho."""
    env = os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["git", *order], cwd=ROOT, env=env, capture_output=True, text=True, encoding="utf-8"
    )
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def pull():
    """Trae lo nuevo sin mezclar nada; `SystemExit` dice, en una frase, por qué no puede."""
    good, said = git("pull", "--ff-only", "--quiet")
    if good:
        return
    changed = git("status", "--porcelain", "--untracked-files=no")[1].splitlines()
    if changed:
        names = ", ".join(line[2:].strip() for line in changed)
        sys.exit(
            f"No actualizo nada, porque has cambiado archivos del propio curso ({names}): guarda una copia fuera si la"
            " quieres, deshaz los cambios con «git restore .» y repite la orden."
        )
    reason = (said.splitlines() or ["sin explicación"])[0]
    sys.exit(f"git no ha podido traer la edición nueva ({reason}): mira si hay red y repite la orden.")


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace")
    before = LOCK.read_bytes()
    if (ROOT / ".git").exists() and shutil.which("git"):
        pull()
    else:
        print(ZIP, flush=True)
    # En otro proceso: lo que acaba de llegar puede haber cambiado también esta herramienta.
    subprocess.run([sys.executable, "-m", "tools.my_copy"], cwd=ROOT, check=True)
    if LOCK.read_bytes() != before:
        print(
            "Han cambiado las versiones que usa el curso: «make curso» las instalará; sin make, repite"
            " «python -m pip install -r requirements.lock»."
        )


if __name__ == "__main__":
    main()
