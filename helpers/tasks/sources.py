"""De dónde salen los datos: los del curso, una carpeta tuya o el Hub, todos con las mismas columnas. Lección 06."""

import os
from pathlib import Path

import datasets

from helpers import environment, models
from helpers.files import Place, column, expanded
from helpers.tasks import readers
from helpers.tasks.catalogue import TASKS, Task, TaskError, find_task
from helpers.tasks.readers import FEATURES, make_dataset, make_row, race_row, read_code, read_score

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
        return _from_hub(task)
    if source == "course":
        if not task.in_course:
            known = ", ".join(task.name for task in TASKS.values() if task.in_course)
            raise TaskError(
                f'«{task.name}» no viene con el curso (vienen {known}): descárgala con source="hub" o pon en source '
                "la carpeta donde la tengas."
            )
        return _from_folder(task, COURSE)
    if not isinstance(source, str | Path):
        raise TaskError(f'Los datos se piden con "course", "hub" o una carpeta, y se ha dado {source!r:.60}.')
    return _from_folder(task, expanded(source))


def check_data(data, task: Task | str) -> datasets.DatasetDict:
    """`data`, un `DatasetDict` hecho a mano, si sirve para `task`; si no, `TaskError` con la parte, la fila y qué pasa.

    Se mira antes de entrenar: una clase imposible o una validación vacía no se verían hasta el final.
    """
    task = find_task(task)
    if not isinstance(data, dict) or any(part not in data for part in REQUIRED):
        found = f"las partes {', '.join(data)}" if isinstance(data, dict) else f"un {type(data).__name__}"
        raise TaskError(
            f"Los datos deben ser un `DatasetDict` con las partes {' y '.join(REQUIRED)}, y son {found}."
        )
    data = datasets.DatasetDict(data)
    for part, rows in data.items():
        if not isinstance(rows, datasets.Dataset):
            raise TaskError(f"La parte «{part}» debe ser un `Dataset` y es {type(rows).__name__}.")
        missing = [name for name in FEATURES if name not in rows.column_names]
        if missing or not len(rows):
            what = f"faltan las columnas {', '.join(missing)}" if missing else "no hay ninguna fila"
            raise TaskError(f"En la parte «{part}» {what}: hacen falta filas con {', '.join(FEATURES)}.")
        if rows.format["type"] is not None:
            data[part] = rows = rows.with_format(None)  # como listas y números de Python
        if task.family == "multiple_choice" and not all(isinstance(row["options"], list) for row in rows):
            raise TaskError(f"En la parte «{part}», `options` debe ser una lista de respuestas en cada fila.")
        counts = {len(row["options"] or ()) for row in rows}
        if task.family == "multiple_choice" and (len(counts) > 1 or min(counts) < 2):
            raise TaskError(
                f"En la parte «{part}» hay filas con {' y '.join(map(str, sorted(counts)))} opciones: todas tienen que "
                "tener las mismas, dos o más."
            )
        for number, row in enumerate(rows):
            problem = _problem(task, row)
            if problem:
                raise TaskError(f"Parte «{part}», fila {number}: {problem}.")
    return data


def _problem(task: Task, row: dict) -> str | None:
    """Qué impide usar una fila, o `None`."""
    texts = {"text": row["text"]}
    if task.family in ("entailment", "similarity"):
        texts["pair"] = row["pair"]
    texts |= {f"options[{n}]": option for n, option in enumerate(row["options"] or ())}
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            return f"{name} debe ser un texto con algo escrito y es {text!r:.60}"
        if "\0" in text:
            return f"{name} trae un carácter nulo (\\0): bórralo"
    if task.regression:
        score = row["score"]
        if isinstance(score, bool) or not isinstance(score, int | float):
            return f"`score` debe ser un número de 0 a 5 (o nan, si no se sabe) y es {score!r:.40}"
        return (
            f"`score` debe estar entre 0 y 5 y es {score}" if score == score and not 0 <= score <= 5 else None
        )
    count = len(task.labels) or len(row["options"])
    if isinstance(row["label"], bool) or not isinstance(row["label"], int) or not -1 <= row["label"] < count:
        return f"`label` debe ir de 0 a {count - 1} (o ser -1, si no se sabe) y es {row['label']}"
    return None


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


def _from_hub(task: Task) -> datasets.DatasetDict:
    """Descarga la tarea (o la toma de la caché). Lanza `TaskError` si no está en el Hub o no hay conexión."""
    if task.hub is None:
        where = (
            'viene con el curso: usa source="course"' if task.in_course else "usa la carpeta donde la tengas"
        )
        raise TaskError(f"{task.title} no está en el Hub; {where}.")
    parts = {}
    for split, rows in download(*task.hub, title=task.title).items():
        names = getattr(rows.features.get("label"), "names", ())
        place = Place(f"{task.hub[0]}/{task.hub[1]}/{split}", kind=TaskError)
        converted = (_convert(task, place, f"{split}:{n}", row, names) for n, row in enumerate(rows))
        parts[split.replace("_matched", "")] = make_dataset([row for row in converted if row])
    return datasets.DatasetDict(parts)


def download(path: str, config: str, split: str | None = None, *, title: str):
    """Lo que hay en el Hub o en su caché: un `DatasetDict` o, si se pide una parte, su `Dataset`.

    Sin red no se espera a los reintentos, que tardan medio minuto. Lanza `TaskError`, que nombra los datos por su
    `title`, si no se pueden descargar.
    """
    before, reachable = datasets.config.HF_HUB_OFFLINE, models.hub_reachable()
    datasets.config.HF_HUB_OFFLINE = before or not reachable
    try:
        return datasets.load_dataset(path, config, split=split)
    except Exception as error:  # cada capa (httpx, huggingface_hub, datasets…) falla con los suyos
        why = f"la descarga ha fallado ({error})" if reachable else "la primera vez hace falta conexión"
        raise TaskError(
            f"No se ha podido descargar {title}, {path} en huggingface.co: {why}; "
            'sin red tienes las tareas del curso (source="course") y las carpetas que ya tengas.'
        ) from error
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def _convert(task: Task, place: Place, id: str, row: dict, names: list[str]) -> dict | None:
    """Una fila con nuestras columnas, o `None` si se descarta. `names` son las clases, si allí son números."""
    if task.family == "multiple_choice":  # RACE
        parts = (column(place, row, name) for name in ("article", "question", "options", "answer"))
        return race_row(place, id, *parts)
    layout, columns = task.layout, [name for name in task.hub_columns if name]
    if layout.skip_broken and not all((row.get(name) or "").strip() for name in columns):
        return None
    texts, value = [column(place, row, name) for name in columns], column(place, row, "label")
    if value == -1:  # sin acuerdo entre los anotadores (SNLI) o sin publicar (el test de GLUE)
        return None if layout.unlabelled else make_row(place, id, *texts)
    if task.regression:
        return make_row(place, id, *texts, score=read_score(place, value, "label"))
    named, codes = (names[value], task.labels) if names else (value, layout.codes)
    return make_row(place, id, *texts, label=read_code(place, named, codes))
