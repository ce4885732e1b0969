"""Lo que cuesta ejecutar una lección: una celda al final apunta la CPU y la memoria que ha llegado a usar su núcleo."""

import json

import nbformat

CELL = """\
import json, resource, sys
usage = resource.getrusage(resource.RUSAGE_SELF)
seconds, gib = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20  # Linux da KiB
with open({path!r}, "w") as file:
    json.dump({{"seconds": seconds, "gib": gib, "prefix": sys.prefix}}, file)"""


def append(notebook, path):
    """Añade la celda, que escribirá en `path`."""
    notebook.cells.append(nbformat.v4.new_code_cell(CELL.format(path=str(path))))


def read(path, record_property, what):
    """Lo que apuntó la celda; queda en el informe de pytest con el nombre de lo medido."""
    found = json.loads(path.read_text())
    record_property("medida", {"what": what, **found})
    return found
