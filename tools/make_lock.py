"""Recalcula `requirements.lock` con uv: `make candado` (lo justo) o `make candado NUEVO=1` (todo a lo último).

Un solo candado para Python 3.11–3.13 en Linux, macOS y Windows, sin direcciones ni carpetas de esta máquina.
"""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.setup_env import ROOT, installer_environment

LOCK = ROOT / "requirements.lock"
# torch fija él mismo, en Linux, las bibliotecas de CUDA que necesita; su versión para CPU no quiere ninguna.
FROM_TORCH = re.compile(r"(nvidia|cuda|triton)\b")
HEADER = "# Versiones exactas del curso para Python 3.11–3.13. No se edita a mano: `make candado`."


def compile_lock(upgrade, pins):
    """La resolución de uv para cualquier sistema; parte del candado actual para cambiar lo mínimo."""
    with tempfile.TemporaryDirectory() as scratch:
        constraints, output = Path(scratch, "pins.txt"), Path(scratch, "requirements.lock")
        constraints.write_text("\n".join(pins), encoding="utf-8")
        if LOCK.exists() and not upgrade:
            output.write_text(LOCK.read_text(encoding="utf-8"), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "compile",
            "pyproject.toml",
            "--extra",
            "dev",
            "--quiet",
        ]
        command += ["--universal", "--python-version", "3.11", "--fork-strategy", "fewest"]
        command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        command += ["--constraints", constraints, "--output-file", output]
        if subprocess.run(command, cwd=ROOT, env=installer_environment()).returncode:
            raise SystemExit("uv no encuentra una combinación de versiones: el motivo está justo encima.")
        return output.read_text(encoding="utf-8")


def clean(text):
    """Sin lo que torch ya fija, y con un solo torch: con uno para CPU a mano, uv lo apunta aparte como «+cpu»."""
    pins = [re.sub(r"^(torch==[^ +]+).*", r"\1", line) for line in text.splitlines() if "==" in line]
    return "\n".join([HEADER, *dict.fromkeys(pin for pin in pins if not FROM_TORCH.match(pin))]) + "\n"


def main():
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["curso"]["lock"]
    text = clean(compile_lock(os.environ.get("NUEVO", "") not in ("", "0"), pins))
    LOCK.write_text(text, encoding="utf-8", newline="\n")
    print(f"requirements.lock: {len(text.splitlines()) - 1} paquetes.")


if __name__ == "__main__":
    main()
