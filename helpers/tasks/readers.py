"""Los formatos de archivo: una función por formato, que da las filas de una parte (train, validation o test).

Todas reciben (tarea, archivo, parte) y dan diccionarios con las columnas de `FEATURES`, las mismas en todas las tareas.
Lo que no se entiende es un `TaskError` con archivo y línea.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from datasets import Dataset, Features, List, Value

from helpers.files import Place, column, json_lines, lines, opened, parse_object
from helpers.tasks.catalogue import Layout, Task, TaskError

SPLIT_SEED = 3535999445  # la de train.py, con la que el original aparta la validación de ROCStories
FEATURES = Features(
    {
        "id": Value("string"),
        "text": Value("string"),  # el texto, la premisa, la primera frase o el contexto
        "pair": Value("string"),  # la hipótesis o la segunda frase; "" si no hay
        "options": List(Value("string")),  # las respuestas, en opción múltiple
        "label": Value("int64"),  # la clase o la opción acertada; -1 si no se sabe
        "score": Value("float64"),  # la puntuación; nan si no hay
    }
)


def make_row(place, id, text, pair=None, options=(), label=-1, score=float("nan"), columns=("text", "pair")):
    """Una fila con todas las columnas; `columns` son los nombres de los textos en el archivo, para los errores.

    Lanza `TaskError` si algún texto no es texto o está vacío.
    """
    texts = [(columns[0], text)] + ([] if pair is None else [(columns[1], pair)])
    for name, value in [*texts, *(("options", option) for option in options)]:
        if not isinstance(value, str):
            raise place.error(f"la columna «{name}» debe ser un texto y es {value!r:.60}.")
        if not value.strip():
            raise place.error(f"la columna «{name}» está vacía y se esperaba una frase.")
        if "\0" in value:
            raise place.error(f"la columna «{name}» trae un carácter nulo (\\0): bórralo.")
    if isinstance(id, bool) or not isinstance(id, str | int):
        raise place.error(f"la columna «id» debe ser un texto o un entero y es {id!r:.60}.")
    return {
        "id": str(id),
        "text": text.strip(),
        "pair": "" if pair is None else pair.strip(),
        "options": [option.strip() for option in options],
        "label": label,
        "score": score,
    }


def read_code(place, value, codes, column="label") -> int:
    """El lugar de `value` en `codes`. Lanza `TaskError` con lo que se encontró y lo que se esperaba."""
    if value not in codes:
        expected = ", ".join(f"«{code}»" for code in codes)
        raise place.error(f"la columna «{column}» dice «{value}» y se esperaba una de estas: {expected}.")
    return codes.index(value)


def read_score(place, value, column="score") -> float:
    """`value` como número de 0 a 5, la escala de STS-B. Lanza `TaskError` si no lo es."""
    try:
        if 0 <= (number := float(value)) <= 5:
            return number
    except (TypeError, ValueError):
        pass
    raise place.error(f"la columna «{column}» dice «{value}» y se esperaba un número de 0 a 5.")


def make_dataset(rows: list[dict]) -> Dataset:
    return Dataset.from_dict({name: [row[name] for row in rows] for name in FEATURES}, features=FEATURES)


def course_rows(task: Task, path: Path, split: str) -> Iterator[dict]:
    """El JSONL del curso: una fila por línea, con su parte en `split`."""
    for place, row in _course_lines(task, path, split):
        yield _make(task.layout, place, column(place, row, "id"), row, labelled=True)


def course_stories(task: Task, path: Path, split: str) -> Iterator[dict]:
    """Los cuentos del curso: `story` (cuatro frases), `ending1`, `ending2` y `right` (1 o 2)."""
    for place, row in _course_lines(task, path, split):
        story = column(place, row, "story")
        if not isinstance(story, list) or not story:
            raise place.error(f"la columna «story» debe ser una lista de frases y es {story!r:.60}.")
        for sentence in story:
            make_row(place, "", sentence, columns=("story", ""))
        options = [column(place, row, "ending1"), column(place, row, "ending2")]
        label = read_code(place, column(place, row, "right"), (1, 2), "right")
        yield make_row(place, column(place, row, "id"), " ".join(story), options=options, label=label)


def _course_lines(task: Task, path: Path, split: str) -> Iterator[tuple[Place, dict]]:
    splits = tuple(task.layout.files)
    for place, row in json_lines(path, TaskError):
        if splits[read_code(place, column(place, row, "split"), splits, "split")] == split:
            yield place, row


def jsonl_rows(task: Task, path: Path, split: str) -> Iterator[dict]:
    """Un JSONL por parte, como el de SNLI. Se descartan las filas sin clase acordada (`layout.unlabelled`)."""
    for place, row in json_lines(path, TaskError):
        if row.get(task.layout.label) != task.layout.unlabelled:
            yield _make(task.layout, place, place.id, row, labelled=True)


def tsv_rows(task: Task, path: Path, split: str) -> Iterator[dict]:
    """Los TSV de GLUE (y de SciTail): columnas separadas por tabuladores, en los que las comillas son una letra más.

    Si el archivo no dice sus columnas en la primera línea (CoLA), son las de `layout.header`. En el test la clase puede
    faltar: entonces es -1.
    """
    layout, header, broken = task.layout, None, 0
    for place, line in lines(path, TaskError):
        cells = line.split("\t")
        if header is None:
            titled = layout.text in cells or not layout.header
            header = cells if titled else list(layout.header)
            wanted, labelled = _wanted(task, place, header, split)
            if titled:
                continue
        complete = len(cells) == len(header)
        row = dict(zip(header, cells, strict=False))
        if layout.skip_broken and not (complete and all(row[name].strip() for name in wanted)):
            broken += 1
            continue
        if not complete:
            raise place.error(
                f"hay {len(cells)} columnas y se esperaban {len(header)} ({', '.join(header)}), separadas por "
                "tabuladores."
            )
        yield _make(layout, place, place.id, row, labelled)
    if broken:
        print(f"{path.name}: descartadas {broken} líneas incompletas.")


def _wanted(task: Task, place: Place, header: list[str], split: str) -> tuple[list[str], bool]:
    """Las columnas que hacen falta y si hay clase. Lanza `TaskError` si falta alguna."""
    layout = task.layout
    target = layout.label or layout.score
    labelled = target in header or not split.startswith("test")
    wanted = [name for name in (layout.text, layout.pair, target if labelled else "") if name]
    for name in wanted:
        if header.count(name) > 1:
            raise place.error(f"la columna «{name}» está dos veces: deja una.")
        if name not in header:
            raise place.error(
                f"falta la columna «{name}»; se han encontrado: {', '.join(header)}. {task.title} necesita "
                f"{', '.join(wanted)}, separadas por tabuladores."
            )
    return wanted, labelled


def rocstories_rows(task: Task, path: Path, split: str) -> Iterable[dict]:
    """Los CSV de la Story Cloze Test: cuatro frases, dos finales y cuál es el bueno (1 o 2).

    El artículo se entrena con los 1871 cuentos de validación: 1497 para ajustar y 374 para elegir la época, con la
    división del original (datasets.py, `rocstories`).
    """
    from sklearn.model_selection import train_test_split

    rows = list(_stories(path))
    if split == "test":
        return rows
    if len(rows) < 5:
        raise Place(path, kind=TaskError).error(
            f"hay {len(rows)} cuentos y hacen falta al menos 5 para apartar la validación."
        )
    held_out = round(len(rows) * 374 / 1871)
    train, validation = train_test_split(rows, test_size=held_out, random_state=SPLIT_SEED)
    return train if split == "train" else validation


def _stories(path: Path) -> Iterator[dict]:
    sentences = [f"InputSentence{number}" for number in range(1, 5)]
    endings = [f"RandomFifthSentenceQuiz{number}" for number in (1, 2)]
    with opened(path, TaskError, newline="") as file:
        for row in (reader := csv.DictReader(file)):
            place = Place(path, reader.line_num, kind=TaskError)
            if len(set(reader.fieldnames)) < len(reader.fieldnames):
                raise place.error(f"hay columnas repetidas: {', '.join(reader.fieldnames)!s:.200}.")
            if None in row:
                raise place.error(f"sobran columnas: se esperaban {len(reader.fieldnames)}.")
            answer = column(place, row, "AnswerRightEnding")
            label = read_code(place, answer, ("1", "2"), "AnswerRightEnding")
            story, options = ([column(place, row, name) for name in names] for names in (sentences, endings))
            for name, sentence in zip(sentences, story, strict=True):
                make_row(place, "", sentence, columns=(name, ""))
            id = row.get("InputStoryid") or place.id
            yield make_row(place, id, " ".join(story), options=options, label=label)


def race_rows(task: Task, path: Path, split: str) -> Iterator[dict]:
    """RACE: un JSON por documento en `middle/` y `high/`, con sus preguntas, opciones y respuestas (A, B, C, D).

    Cada pregunta es una fila; su contexto es el documento seguido de la pregunta.
    """
    files = sorted(path.rglob("*.txt"))
    if not files:
        raise Place(path, kind=TaskError).error(
            "no hay ningún documento .txt; RACE los guarda en middle/ y high/."
        )
    for file in files:
        place = Place(file, kind=TaskError)
        document = parse_object(place, "\n".join(line for _, line in lines(file, TaskError)))
        parts = [column(place, document, name) for name in ("questions", "options", "answers")]
        if not all(isinstance(part, list) and len(part) == len(parts[0]) for part in parts):
            raise place.error("«questions», «options» y «answers» deben ser listas del mismo tamaño.")
        for number, (question, options, answer) in enumerate(zip(*parts, strict=True)):
            id = f"{file.parent.name}/{file.stem}-{number}"
            yield race_row(place, id, column(place, document, "article"), question, options, answer)


def race_row(place: Place, id: str, article, question, options, answer) -> dict:
    """Una pregunta de RACE, de un archivo o del Hub: hasta cuatro respuestas y la letra de la acertada."""
    make_row(place, id, article, question or "", columns=("article", "question"))  # ninguno puede faltar
    if not isinstance(options, list) or not 2 <= len(options) <= 4:
        raise place.error(
            f"la columna «options» debe ser una lista de 2 a 4 respuestas y es {options!r:.60}."
        )
    label = read_code(place, answer, tuple("ABCD"[: len(options)]), "answer")
    return make_row(place, id, f"{article.strip()} {question.strip()}", options=options, label=label)


def _make(layout: Layout, place: Place, id: str, row: dict, labelled: bool) -> dict:
    """La fila, con los nombres de columna de la tarea."""
    label, score = -1, float("nan")
    if labelled and layout.label:
        label = read_code(place, column(place, row, layout.label), layout.codes, layout.label)
    if labelled and layout.score:
        score = read_score(place, column(place, row, layout.score), layout.score)
    pair = column(place, row, layout.pair) if layout.pair else None
    text, names = column(place, row, layout.text), (layout.text, layout.pair)
    return make_row(place, id, text, pair, label=label, score=score, columns=names)
