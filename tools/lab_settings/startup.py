"""Un nombre que no existe casi siempre es una celda que no se ha ejecutado: JupyterLab lo dice en español.

`tools/open_lab.py` lo pone donde IPython lo ejecuta al arrancar cada núcleo del curso.
"""

import sys

from IPython import get_ipython


def _explained(shell, kind, error, trace, tb_offset=None):
    lines = shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=tb_offset)
    where = "la primera celda" if "helpers" not in sys.modules else "alguna celda de más arriba"
    shell._showtraceback(kind, error, lines[-1:])
    print(
        f"«{error.name}» no existe todavía: falta por ejecutar {where} (al reiniciar el núcleo se olvida todo). En el "
        "menú, Run → Ejecutar todo por encima de la celda seleccionada."
    )


get_ipython().set_custom_exc((NameError,), _explained)
