"""Copias limpias del proyecto y ejecuciones de nbval dentro de ellas."""

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

from tools import lessons

ROOT = lessons.ROOT
NOT_SOURCE = shutil.ignore_patterns(
    ".git", ".venv*", ".jupyter", "mi_curso", "runs", "progreso*.json*", "__pycache__", ".*_cache", "*.log"
)


def project_files():
    """Lo que llegaría a quien clone el proyecto ahora: lo que git sigue más lo nuevo que no ignora.

    `None` si no hay git que preguntar o esto no es un repositorio (un .zip descargado).
    """
    if shutil.which("git") is None:
        return None
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listing.returncode:
        return None
    return [name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def copy_project(target):
    """Copia el proyecto en `target`, sin entorno, cachés ni progreso."""
    files = project_files()
    if files is None:
        return shutil.copytree(ROOT, target, ignore=NOT_SOURCE)
    for name in files:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    return target


def publish(root):
    """Hace de `root` un repositorio de git del que se puede clonar, y lo devuelve."""
    git = ["git", "-c", "user.name=Ana", "-c", "user.email=ana@example.org", "-c", "init.defaultBranch=main"]
    for order in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Curso"]):
        subprocess.run([*git, *order], cwd=root, check=True)
    return root


def toy_project(target):
    """Un curso de mentira con lo único que pide la celda de puesta en marcha, y sin cargar torch."""
    (target / "helpers").mkdir(parents=True)
    (target / "notebooks").mkdir()
    (target / "helpers" / "__init__.py").touch()
    for name in ("figures.py", "spanish.py"):
        shutil.copy(ROOT / "helpers" / name, target / "helpers")
    (target / "helpers" / "environment.py").write_text(
        'def prepare(seed):\n    print(f"Todo listo: semilla {seed}.")\n', encoding="utf-8"
    )
    return target


def snapshot(folder):
    """Qué archivos hay y de cuándo son, sin los que deja Python ni lo que el curso permite escribir."""
    kept = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder): path.stat().st_mtime_ns for path in kept}
    return {
        name: time
        for name, time in names.items()
        if not {"__pycache__", "runs", "progreso.json"} & set(name.parts)
    }


def run_nbval(notebook, scratch, **variables):
    """nbval estricto sobre un cuaderno; devuelve cuántas celdas pasan, cuáles fallan y lo que dijo pytest.

    El núcleo es de este mismo Python, salvo que las `variables` de entorno traigan otro en JUPYTER_PATH.
    """
    report = scratch / "nbval.xml"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-q",
        "-c",
        os.devnull,
    ]
    command += ["--nbval", "--nbval-cell-timeout=300", f"--rootdir={notebook.parent}"]
    command += [] if "JUPYTER_PATH" in variables else ["--nbval-current-env"]
    command += [
        f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval_sanitize.cfg'}",
        f"--junitxml={report}",
        str(notebook),
    ]
    env = lessons.offline_environment(scratch) | {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    env |= variables
    done = subprocess.run(command, cwd=notebook.parent, env=env, capture_output=True, text=True, timeout=900)
    cases = ET.parse(report).getroot().iter("testcase") if report.exists() else []
    failed = {case.get("name"): len(case) > 0 for case in cases}
    passed = [name for name, bad in failed.items() if not bad]
    return len(passed), [name for name, bad in failed.items() if bad], done.stdout + done.stderr
