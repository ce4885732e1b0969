"""Recalcula los candados con uv: `make candado` (lo justo) o `make candado NUEVO=1` (todo a lo último).

`requirements.lock` es lo que pide el curso; `requirements-dev.lock` lo incluye y añade lo que piden las pruebas. Valen
para Python 3.11–3.13 en Linux, macOS y Windows, y no llevan direcciones ni carpetas de esta máquina.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.setup_env import LOCKS, ROOT, installer_environment

# torch fija él mismo, en Linux, las bibliotecas de CUDA que necesita; su versión para CPU no quiere ninguna.
FROM_TORCH = re.compile(r"(nvidia|cuda|triton)\b")
HEADER = "# Versiones exactas {} para Python 3.11–3.13. No se edita a mano: `make candado`.\n"
COURSE = HEADER.format("del curso")
DEV = HEADER.format("de las herramientas, encima de las del curso,") + f"-r {LOCKS['curso']}\n"


def compile_lock(start, pins, *options):
    """Las líneas que resuelve uv para cualquier sistema; parte de `start` para cambiar lo mínimo y respeta `pins`."""
    with tempfile.TemporaryDirectory() as scratch:
        constraints, output = Path(scratch, "pins.txt"), Path(scratch, "requirements.lock")
        constraints.write_text("\n".join(pins), encoding="utf-8")
        output.write_text("\n".join(start), encoding="utf-8")
        command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", *options]
        command += ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest"]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        command += ["--constraints", constraints, "--output-file", output]
        if subprocess.run(command, cwd=ROOT, env=installer_environment()).returncode:
            raise SystemExit("uv no encuentra una combinación de versiones: el motivo está justo encima.")
        return clean(output.read_text(encoding="utf-8"))


def clean(text):
    """Las versiones, sin lo que torch ya fija y con un solo torch: con uno para CPU a mano, uv lo apunta aparte."""
    pins = [re.sub(r"^(torch==[^ +]+).*", r"\1", line) for line in text.splitlines() if "==" in line]
    return list(dict.fromkeys(pin for pin in pins if not FROM_TORCH.match(pin)))


def split(course, everything):
    """El texto de cada candado: el del curso y, en el otro, solo lo que añaden las herramientas."""
    rest = [pin for pin in everything if pin not in course]
    return {"curso": COURSE + "\n".join(course) + "\n", "dev": DEV + "\n".join(rest) + "\n"}


def main():
    fixed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["curso"]["lock"]
    keep = os.environ.get("NUEVO", "") in ("", "0")
    start = [pin for lock in LOCKS.values() if keep for pin in clean((ROOT / lock).read_text("utf-8"))]
    everything = compile_lock(start, fixed, "--extra", "dev")
    # Con las versiones que ya han elegido las herramientas: nadie instala dos veces lo mismo.
    course = compile_lock(everything, fixed)
    for group, text in split(course, everything).items():
        (ROOT / LOCKS[group]).write_text(text, encoding="utf-8", newline="\n")
    print(f"{LOCKS['curso']}: {len(course)} paquetes; con {LOCKS['dev']}, {len(everything)}.")


if __name__ == "__main__":
    main()
