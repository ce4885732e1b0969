"""Ejecutar un módulo en otros procesos: uno solo, dos a la vez o uno al que se mata (SIGKILL) a medio camino."""

import os
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


def run_two_processes(module: str, *arguments, timeout: float = 500) -> subprocess.CompletedProcess:
    """`accelerate launch --num_processes 2 -m module arguments`, en la CPU; falla si no acaba bien.

    «--cpu» no arranca varios procesos si no hay MPI; «--multi_gpu» sí, también sin GPU.
    """
    launcher = "from accelerate.commands.launch import main; main()"
    options = ["--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    options += ["--dynamo_backend", "no", "--main_process_port", "0", "-m", module]
    done = subprocess.run(
        [sys.executable, "-c", launcher, *options, *map(str, arguments)],
        cwd=lessons.ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


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
