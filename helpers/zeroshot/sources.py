"""De dónde salen los registros: los datos del curso, una carpeta tuya con los originales o el Hub. Lección 07.

Lo que también sirve para ajustar (sentimiento, finales de cuento, CoLA, SST-2, RACE) se lee con `tasks.load_task`.
"""

from pathlib import Path

import datasets

from helpers import models, tasks
from helpers.environment import ROOT
from helpers.files import Place, column, json_lines
from helpers.zeroshot.formats import FORMATS, read_files
from helpers.zeroshot.records import Labelled, MinimalPair, PronounSchema, Question

COURSE = ROOT / "data" / "tasks"
# Nombre → (ruta, configuración, parte) en el Hub; BLiMP tiene una configuración por paradigma, que se pide en `split`.
HUB = {
    "dpr": ("community-datasets/definite_pronoun_resolution", "plain_text", "test"),
    "wsc": ("coref-data/davis_wsc_raw", "wsc273", "test"),
    "blimp": ("nyu-mll/blimp", None, "train"),
    "lambada": ("cimec/lambada", "plain_text", "test"),
}
# Tareas que lee `helpers.tasks` → parte por omisión (`None`, todas). Las clases del test de GLUE no son públicas.
FOR_FINE_TUNING = {
    "sentiment": None,
    "story_cloze": None,
    "cola": "validation",
    "sst2": "validation",
    "race": "test",
    "rocstories": "test",
}


def load_records(name: str, source="course", split: str | None = None, limit: int | None = None) -> list:
    """Los registros de una tarea, listos para su heurística.

    - `name`: del curso, `acceptability`, `minimal_pairs` (las mismas frases, por pares), `pronouns`, `reading`,
      `sentiment` y `story_cloze`; de fuera, `cola`, `sst2`, `race`, `rocstories`, `dpr`, `wsc`, `blimp` y `lambada`.
    - `source`: `"course"`, `"hub"`, una carpeta o un archivo con los originales.
    - `split`: `"train"`, `"validation"` o `"test"`; en los del curso, `None` son todas; en BLiMP, el paradigma del Hub.
    - `limit`: solo esos, repartidos por el conjunto y sin romper grupos.

    Lanza `tasks.TaskError` con lo que se encontró y lo que se esperaba.
    """
    if name in FOR_FINE_TUNING:
        records = _fine_tuning_records(name, source, split or FOR_FINE_TUNING[name])
    elif name in _COURSE:
        records = _course_records(name, source, split)
    elif name in FORMATS:
        if source == "course":
            raise tasks.TaskError(
                f'«{name}» no viene con el curso: usa source="hub", una carpeta o un archivo.'
            )
        records = _from_hub(name, split) if source == "hub" else read_files(name, Path(source))
    else:
        known = ", ".join([*_COURSE, *FOR_FINE_TUNING, *FORMATS])
        raise tasks.TaskError(f"No hay ninguna tarea de disparo cero «{name}». Las que hay: {known}.")
    if not records:
        raise tasks.TaskError(f"«{name}» no tiene ninguna fila con clase conocida en la parte «{split}».")
    return spread(records, limit)


def spread(records: list, limit: int | None) -> list:
    """Unos `limit` registros repartidos por la lista (o todos, con `None`), sin separar los de un mismo grupo."""
    if limit is None or limit >= len(records):
        return records
    groups = {}
    for index, record in enumerate(records):
        groups.setdefault(getattr(record, "group", "") or index, []).append(record)
    groups = list(groups.values())
    wanted = max(1, round(limit * len(groups) / len(records)))
    return [record for place in range(wanted) for record in groups[place * len(groups) // wanted]]


def _fine_tuning_records(name: str, source, split: str | None) -> list:
    """De las columnas de `helpers.tasks` a nuestros registros. Las filas sin clase conocida se descartan."""
    data, task = tasks.load_task(name, source), tasks.find_task(name)
    if split and split not in data:
        raise tasks.TaskError(f"«{name}» no tiene la parte «{split}»; hay {', '.join(data)}.")
    rows = [row for part in ([split] if split else data) for row in data[part] if row["label"] >= 0]
    if task.labels:
        return [Labelled(row["text"], task.labels[row["label"]]) for row in rows]
    # En RACE, «high/123-2» es la tercera pregunta del documento high/123; en los demás cada fila es independiente.
    groups = [row["id"].rpartition("-")[0] if name == "race" else "" for row in rows]
    return [
        Question(row["text"], tuple(row["options"]), row["label"], group)
        for row, group in zip(rows, groups, strict=True)
    ]


def _course_records(name: str, source, split: str | None) -> list:
    if source != "course":
        raise tasks.TaskError(f"«{name}» son datos del curso: quita source={str(source)!r}.")
    file, columns, convert = _COURSE[name]
    rows = [
        [column(place, row, name) for name in columns]
        for place, row in json_lines(COURSE / file, tasks.TaskError)
        if split in (None, column(place, row, "split"))
    ]
    return convert(rows)


def _acceptability(rows) -> list[Labelled]:
    return [Labelled(text, label, pair) for text, label, pair, _ in rows]


def _minimal_pairs(rows) -> list[MinimalPair]:
    pairs = {}
    for text, label, pair, phenomenon in rows:
        pairs.setdefault(pair, {"phenomenon": phenomenon})[label] = text
    return [
        MinimalPair(pair["acceptable"], pair["unacceptable"], pair["phenomenon"]) for pair in pairs.values()
    ]


def _pronouns(rows) -> list[PronounSchema]:
    return [PronounSchema.from_brackets(text, names, right - 1, twin) for text, names, right, twin in rows]


def _reading(rows) -> list[Question]:
    return [
        Question(f"{passage} {question}", tuple(options), right - 1, group=passage)
        for passage, question, options, right in rows
    ]


_COURSE = {
    "acceptability": ("acceptability.jsonl", ("text", "label", "pair", "phenomenon"), _acceptability),
    "minimal_pairs": ("acceptability.jsonl", ("text", "label", "pair", "phenomenon"), _minimal_pairs),
    "pronouns": ("pronouns.jsonl", ("text", "candidates", "right", "twin"), _pronouns),
    "reading": ("reading.jsonl", ("passage", "question", "options", "right"), _reading),
}


def _from_hub(name: str, paradigm: str | None) -> list:
    path, config, split = HUB[name]
    if name == "blimp":
        config = paradigm
        if not paradigm:
            raise tasks.TaskError('BLiMP va por paradigmas: di cuál, por ejemplo split="adjunct_island".')
    # Sin red no se espera a los reintentos, que tardan medio minuto; lo que esté en la caché vale.
    before, reachable = datasets.config.HF_HUB_OFFLINE, models.hub_reachable()
    datasets.config.HF_HUB_OFFLINE = before or not reachable
    try:
        rows = datasets.load_dataset(path, config, split=split)
    except Exception as error:  # cada capa (httpx, huggingface_hub, datasets…) falla con los suyos
        why = f"la descarga ha fallado ({error})" if reachable else "la primera vez hace falta conexión"
        raise tasks.TaskError(
            f"No se ha podido descargar «{name}», {path} en huggingface.co: {why}. Sin red tienes los datos del curso "
            '(source="course") y las carpetas que ya tengas.'
        ) from error
    finally:
        datasets.config.HF_HUB_OFFLINE = before
    convert = FORMATS[name][0]
    return [
        convert(Place(f"{path}/{config}/{split}", number, kind=tasks.TaskError), row)
        for number, row in enumerate(rows, 1)
    ]
