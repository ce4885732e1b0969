"""Vuelve a ejecutar las lecciones con un núcleo limpio y guarda sus salidas: `make lecciones`, `make lecciones L=03`.

Una lección con un error no se guarda. Guardar dos veces seguidas lo mismo no cambia ni un byte.
"""

import os
import sys
import tempfile
import time

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools import lessons

CELL_SECONDS = 600


def execute(notebook, folder, **options):
    """Ejecuta el cuaderno desde `folder`. Si una celda falla, `SystemExit` dice cuál y por qué."""
    failed = {}

    def remember(cell, cell_index, **_):
        failed.update(cell=cell, index=cell_index)

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=CELL_SECONDS,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],  # ipykernel avisa de que habla consigo mismo sin cifrar
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=remember,
        **options,
    )
    try:
        client.execute()
    except CellExecutionError as error:
        reason = f"{error.ename}: {error.evalue}"
    except CellTimeoutError:
        reason = f"ha pasado de {CELL_SECONDS} s"
    except DeadKernelError:
        reason = "el núcleo ha muerto (¿falta memoria?)"
    else:
        return notebook
    first_line = (failed["cell"].source.strip().splitlines() or [""])[0]
    raise SystemExit(f"celda {failed['index'] + 1} ({failed['cell'].get('id')}), «{first_line}»: {reason}")


def run_and_save(path):
    started = time.time()
    notebook = execute(lessons.read(path), path.parent)
    changed = lessons.write(path, notebook)
    print(
        f"✓ {path.name}: {time.time() - started:.0f} s, {'guardada' if changed else 'sin cambios'}",
        flush=True,
    )


def main(selection=""):
    failures = 0
    chosen = lessons.find(selection)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ.update(lessons.offline_environment(scratch))
        for path in chosen:
            print(f"→ {path.name}", flush=True)
            try:
                run_and_save(path)
            except SystemExit as problem:
                failures += 1
                print(f"✗ {path.name} no se guarda: {problem}", file=sys.stderr, flush=True)
    if failures:
        raise SystemExit(f"{failures} de {len(chosen)} lecciones no se han guardado.")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
