"""De dónde salen los datos: los del curso, una carpeta tuya o el Hub, todos con las mismas columnas. Lección 06."""

import os
from pathlib import Path

import datasets

from helpers import environment
from helpers.files import Place
from helpers.tasks import readers
from helpers.tasks.catalogue import TASKS, find_task
from helpers.tasks.hub import from_hub
from helpers.tasks.schema import make_dataset
from helpers.tasks.task import Task, TaskError

COURSE = environment.ROOT / "data" / "tasks"
REQUIRED = ("train", "validation")


def load_task(name: Task | str, source: str | os.PathLike = "course") -> datasets.DatasetDict:
    """Los datos de una tarea, en partes `train`, `validation` y `test` con las columnas de `FEATURES`.

    `source` es `"course"` (los del curso, sin red), `"hub"` (con `datasets.load_dataset`; se descargan una vez) o una
    carpeta: la de la tarea o la que la contiene (`glue`, con `glue/SST-2/train.tsv`…). Los de GLUE son sus TSV y las
    clases del test, que no son públicas, quedan en -1; si no hay archivo de test, no hay parte `test`. MNLI trae además
    `validation_mismatched` y `test_mismatched`. Lanza `TaskError` si la tarea no existe, falta un archivo o algo en él
    no es lo que se espera: dice archivo, línea, qué hay y qué se esperaba.
    """
    task = find_task(name)
    if source == "hub":
        return from_hub(task)
    if source == "course":
        if not task.in_course:
            known = ", ".join(task.name for task in TASKS.values() if task.in_course)
            raise TaskError(
                f'«{task.name}» no viene con el curso (vienen {known}): descárgala con source="hub" o pon en source '
                "la carpeta donde la tengas."
            )
        return _from_folder(task, COURSE)
    return _from_folder(task, Path(source))


def _from_folder(task: Task, folder: Path) -> datasets.DatasetDict:
    if not folder.is_dir():
        raise TaskError(
            f'No existe la carpeta {folder}: source es "course", "hub" o una carpeta con los datos.'
        )
    files, inner = task.layout.files, task.layout.folder
    candidates = [folder, folder / inner] if inner else [folder]
    home = next((place for place in candidates if (place / files["train"]).exists()), None)
    if home is None:
        inside = f" ni en {candidates[-1]}" if len(candidates) > 1 else ""
        raise TaskError(
            f"No hay {files['train']} en {folder}{inside}: ahí se esperaban los datos de {task.title}."
        )
    read, parts = getattr(readers, task.layout.reader), {}
    for split, file in files.items():
        if split not in REQUIRED and not (home / file).exists():
            continue
        rows = list(read(task, home / file, split))
        if not rows:
            raise Place(home / file, kind=TaskError).error(f"no hay ninguna fila para la parte «{split}».")
        parts[split] = make_dataset(rows)
    return datasets.DatasetDict(parts)
