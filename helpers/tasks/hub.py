"""Las tareas del Hub de Hugging Face, con las columnas del curso. Lección 06."""

import datasets

from helpers import models
from helpers.files import Place, column
from helpers.tasks.readers import race_row
from helpers.tasks.schema import make_dataset, make_row, read_code, read_score
from helpers.tasks.task import Task, TaskError


def from_hub(task: Task) -> datasets.DatasetDict:
    """Descarga la tarea (o la toma de la caché). Lanza `TaskError` si no está en el Hub o no hay conexión."""
    if task.hub is None:
        where = (
            'viene con el curso: usa source="course"' if task.in_course else "usa la carpeta donde la tengas"
        )
        raise TaskError(f"{task.title} no está en el Hub; {where}.")
    parts = {}
    for split, rows in _download(task).items():
        names = getattr(rows.features.get("label"), "names", ())
        place = Place(f"{task.hub[0]}/{task.hub[1]}/{split}", kind=TaskError)
        converted = (_convert(task, place, f"{split}:{n}", row, names) for n, row in enumerate(rows))
        parts[split.replace("_matched", "")] = make_dataset([row for row in converted if row])
    return datasets.DatasetDict(parts)


def _download(task: Task) -> datasets.DatasetDict:
    """Lo que hay en el Hub o en su caché. Sin red no se espera a los reintentos, que tardan medio minuto."""
    before, reachable = datasets.config.HF_HUB_OFFLINE, models.hub_reachable()
    datasets.config.HF_HUB_OFFLINE = before or not reachable
    try:
        return datasets.load_dataset(*task.hub)
    except Exception as error:  # cada capa (httpx, huggingface_hub, datasets…) falla con los suyos
        why = f"la descarga ha fallado ({error})" if reachable else "la primera vez hace falta conexión"
        raise TaskError(
            f"No se ha podido descargar {task.title}, {task.hub[0]} en huggingface.co: {why}; "
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
