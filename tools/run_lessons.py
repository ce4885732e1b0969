"""Vuelve a ejecutar las lecciones con un núcleo limpio y guarda sus salidas: `make lecciones`, `make lecciones L=03`.

Una lección con un error no se guarda. Si lo único que cambia es de la máquina (una cifra en una celda con
`nbval-ignore-output`, un matiz de un píxel que no se ve), se quedan las salidas que había: ejecutar lo que nadie ha
tocado no cambia ni un byte. Para renovar también esas, borra antes la salida de una celda.
"""

import base64
import io
import json
import os
import re
import sys
import tempfile
import time
from copy import deepcopy

import numpy
import PIL.Image
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools import lessons

CELL_SECONDS = 600
PNG = re.compile(
    r"iVBORw0KGgo[\w+/=]*(?:\\n)?"
)  # como empieza una imagen en base64, esté donde esté en la salida
UNSEEN = 8  # de 255: hasta aquí, la diferencia de color de un píxel no se ve


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


def keep_saved_outputs(saved, notebook):
    """Devuelve a `notebook` las salidas de `saved` si ninguna celda dice otra cosa: todas o ninguna."""
    pairs = [pair for pair in zip(saved.cells, notebook.cells, strict=True) if pair[0].cell_type == "code"]
    if not all(same_outputs(*pair) for pair in pairs):
        return
    for before, now in pairs:
        now.outputs = before.outputs
        for output in now.outputs:
            if "execution_count" in output:
                output.execution_count = now.execution_count


def same_outputs(before, now):
    """¿Dicen lo mismo? Donde nbval no mira, con otras cifras y otras figuras también."""
    ignored = "nbval-ignore-output" in lessons.tags(now)
    (text, pictures), (new_text, new_pictures) = (said(cell.outputs, ignored) for cell in (before, now))
    return text == new_text and (ignored or all(map(same_picture, pictures, new_pictures)))


def said(outputs, ignored):
    """Lo que se lee en unas salidas, con sus imágenes aparte; sin cifras ni espacios si no importan."""
    text = json.dumps([{**output, "execution_count": None} for output in outputs], sort_keys=True)
    pictures, text = PNG.findall(text), PNG.sub("[imagen]", text)
    return re.sub(r"\d+([.,]\d+)*", "N", re.sub(r" +", " ", text)) if ignored else text, pictures


def same_picture(before, now):
    """¿Se ven iguales dos imágenes en base64?"""
    pixels = [
        numpy.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"), dtype=int)
        for text in (before, now)
    ]
    return pixels[0].shape == pixels[1].shape and abs(pixels[0] - pixels[1]).max() <= UNSEEN


def run_and_save(path):
    started = time.time()
    saved = lessons.read(path)
    notebook = execute(deepcopy(saved), path.parent)
    keep_saved_outputs(saved, notebook)
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
