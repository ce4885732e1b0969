"""Matar de verdad (SIGKILL) un proceso cuando ya ha hecho algo, para probar que se puede seguir."""

import subprocess
import sys
import time

from tools import lessons


def run_module(module: str, *arguments, **settings) -> subprocess.CompletedProcess:
    """Ejecuta `python -m module arguments` desde la raíz del proyecto y devuelve lo que escribió."""
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=lessons.ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        **settings,
    )


def kill_when(condition, module: str, *arguments, timeout: float = 200) -> None:
    """Arranca `python -m module arguments` y lo mata en cuanto `condition()` es cierta; falla si acaba antes."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=lessons.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        limit = time.monotonic() + timeout
        while not condition():
            assert process.poll() is None, (
                f"acabó antes de poder matarlo:\n{process.communicate()[0][-2000:]}"
            )
            assert time.monotonic() < limit, "la condición no se cumplió a tiempo"
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
