"""Lo que cuesta ejecutar una lección: una celda al final apunta la CPU y la memoria que ha llegado a usar su núcleo."""

import json

import nbformat

# VmHWM y no ru_maxrss: este, en Linux, empieza en lo que había usado el proceso que arrancó el núcleo.
CELL = """\
import json, resource, sys
usage = resource.getrusage(resource.RUSAGE_SELF)
peak = usage.ru_maxrss  # bytes en un Mac
if sys.platform == "linux":
    peak = next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
with open({path!r}, "w") as file:
    cost = {{"seconds": usage.ru_utime + usage.ru_stime, "gib": peak / 2**30, "prefix": sys.prefix}}
    json.dump(cost, file)"""


def append(notebook, path):
    """Añade la celda, que escribirá en `path`."""
    notebook.cells.append(nbformat.v4.new_code_cell(CELL.format(path=str(path))))


def read(path, record_property, what):
    """Lo que apuntó la celda; queda en el informe de pytest con el nombre de lo medido."""
    found = json.loads(path.read_text())
    record_property("medida", {"what": what, **found})
    return found
