"""Dónde se ejecuta el curso: dispositivo, semillas y avisos. Es la planta baja: no importa nada más de la casa.

`python -m helpers.environment` imprime el informe que pide la plantilla de errores (`helpers/report.py`). Lección 00.
"""

import importlib.util
import logging
import os
import random
import runpy
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    "torch",
    "transformers",
    "ftfy",
    "spacy",
    "datasets",
    "matplotlib",
    "sklearn",
)  # lo que piden las lecciones


class Stop(RuntimeError):
    """Un aviso que impide seguir: en un cuaderno se lee la frase, sin traza, y las celdas siguientes no se ejecutan."""

    def _render_traceback_(self):  # así pregunta IPython cómo enseñar una excepción
        return [str(self)]


def on_colab() -> bool:
    """¿Estamos en Google Colab?"""
    return "COLAB_RELEASE_TAG" in os.environ


def device() -> str:
    """El mejor dispositivo disponible: `"cuda"`, `"mps"` (Mac con chip Apple) o `"cpu"`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


class DeviceError(ValueError):
    """El dispositivo pedido no existe o no está en esta máquina; el mensaje dice qué pedir."""


def check_device(name=None) -> str:
    """El dispositivo `name` (`"cpu"`, `"cuda"`, `"cuda:1"`, `"mps"`), comprobado; sin nombre, el mejor disponible.

    Lanza `DeviceError` si no se conoce o si aquí no lo hay: PyTorch lo diría en inglés y a veces mucho después.
    """
    import torch

    if name is None or str(name) in (device(), f"{device()}:0"):
        return str(name or device())
    kind, _, index = str(name).partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not index.isdecimal()):
        raise DeviceError(f'No conozco el dispositivo «{name}»: elige "cpu", "cuda" o "mps".')
    count = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}[kind]
    if int(index or 0) >= count:
        what = {"cpu": "CPU", "cuda": "GPU de NVIDIA que PyTorch vea", "mps": "GPU de Apple"}[kind]
        found = f"solo hay {count}" if count else "no hay ninguna"
        raise DeviceError(
            f"Se ha pedido el dispositivo «{name}» y aquí {found} {what}: usa «{device()}», o no digas ninguno."
        )
    return str(name)


def set_seed(seed: int) -> None:
    """Fija las semillas de `random`, NumPy y PyTorch."""
    import numpy
    import torch

    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)


def prepare(seed: int = 0) -> str:
    """Lo que hace la celda de preparación: semillas y avisos callados.

    Imprime dos líneas y devuelve el dispositivo (`"cpu"`, `"cuda"` o `"mps"`). En Colab instala antes `ftfy`, lo único
    que allí falta, y si no puede lanza `Stop`; también si el núcleo no es el del curso.
    """
    if on_colab() and not importlib.util.find_spec("ftfy"):
        _install("ftfy")
    missing = [name for name in NEEDED if not importlib.util.find_spec(name)]
    if missing and not on_colab():
        raise Stop(
            f"A este núcleo de Python le falta {missing[0]}: elige el del curso, .venv (en VS Code, arriba a la "
            "derecha, «Seleccionar kernel»; si .venv no existe, lo crea `make curso`), y repite esta celda."
        )
    if "torch" not in sys.modules:
        print("Cargo PyTorch…", flush=True)  # puede tardar unos segundos
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", message=".*IProgress.*")
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    # torch/utils/flop_counter.py (lección 02) avisa en rojo, al importarlo, de que no hay triton: no hace falta.
    logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
    set_seed(seed)
    print(f"Todo listo: semilla {seed}.")
    return device()


def _install(package: str) -> None:
    """Instala un paquete con el `pip` de la máquina; si no puede, lanza `Stop` con una frase."""
    if os.system(f"pip install -q {package} > {os.devnull} 2>&1"):
        raise Stop(f"No se puede instalar {package}: comprueba la conexión y vuelve a ejecutar esta celda.")
    importlib.invalidate_caches()  # para que este Python, ya en marcha, vea lo instalado


if __name__ == "__main__":
    runpy.run_module("helpers.report", run_name="__main__")
