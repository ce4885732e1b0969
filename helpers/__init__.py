"""Herramientas del curso de GPT-1: tokenizador, decodificador, generación, ajuste fino y figuras.

Cada módulo tiene una sola idea y su docstring dice en qué lección se construye. Los módulos se importan
por separado (`from helpers import models`), así que abrir una lección no carga lo que no usa.
"""

import sys


def _interrupted(kind, error, trace) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print("Interrumpido.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


# Una orden (`python -m helpers.…`) tarda segundos en importar, y aún no está en su `main`.
if sys.argv[:1] == ["-m"]:
    sys.excepthook = _interrupted
