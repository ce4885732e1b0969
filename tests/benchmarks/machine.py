"""Lo que da de sí la máquina: lo que lee de memoria y lo que multiplica. Con ello se sabe lo que falta por ganar."""

import datetime
import platform
import statistics
import time
from importlib.metadata import version
from pathlib import Path

import torch

GOOD = 5  # se queda la mejor de tantas vueltas: el ruido solo resta


def processor() -> str:
    """El nombre del procesador, si el sistema lo dice."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def read_bandwidth(megabytes: int = 400) -> float:
    """Bytes por segundo que se leen de memoria al multiplicar una matriz que no cabe en la caché por un vector."""
    matrix, vector = torch.ones(megabytes * 250, 1000), torch.ones(1000)
    return 1e6 * megabytes / _best(lambda: torch.mv(matrix, vector))


def gemm_peak(size: int = 2048) -> float:
    """Operaciones en coma flotante por segundo al multiplicar dos matrices de fp32."""
    a, b = torch.ones(size, size), torch.ones(size, size)
    return 2 * size**3 / _best(lambda: a @ b)


def _best(way) -> float:
    way()
    seconds = []
    for _ in range(GOOD):
        start = time.perf_counter()
        way()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def described(quick: bool = False) -> dict:
    """La máquina, los programas y los dos límites, medidos ahora con los hilos de PyTorch."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "transformers")},
        "read": read_bandwidth(20 if quick else 400),
        "gemm": gemm_peak(256 if quick else 2048),
    }


def exponent(sizes, spent) -> float:
    """La pendiente de la recta que mejor sigue a log(gasto) según log(tamaño): 1 es lineal; 2, cuadrático."""
    logs = [torch.tensor(values, dtype=torch.float64).log().tolist() for values in (sizes, spent)]
    return statistics.linear_regression(*logs).slope
