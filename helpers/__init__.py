"""Herramientas del curso de GPT-1: tokenizador, decodificador, generación, ajuste fino y figuras.

Cada módulo tiene una sola idea y su docstring dice en qué lección se construye. Los módulos se importan
por separado (`from helpers import models`), así que abrir una lección no carga lo que no usa.
"""

import os
import signal
import sys

# Una consola en cp1252 no tiene «✅», «−» ni «→»: que salga «?» y no un error. En Jupyter no hace falta.
for _stream in (sys.stdout, sys.stderr):
    if hasattr(_stream, "reconfigure"):
        _stream.reconfigure(errors="replace")


def _interrupted(*_) -> None:
    """Ctrl-C mientras se importa: nada que guardar, y una excepción a medio importar dejaría módulos rotos."""
    os.write(2, b"Interrumpido.\n")
    os._exit(130)


# Una orden (`python -m helpers.…`) tarda segundos en importar; en su `main`, Ctrl-C vuelve a ser lo de siempre.
if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _interrupted)
