"""Lo que reciben las heurísticas: registros sencillos, del curso, de una carpeta tuya o del Hub. Lección 07.

`group` une lo que no es independiente (las dos frases de un par, las preguntas de un texto): el intervalo remuestrea
grupos enteros. Vacío = cada registro va por su cuenta. Lo que también sirve para ajustar (sentimiento, finales de
cuento, CoLA, SST-2, RACE) se lee con `tasks.load_task`.
"""

import re
from dataclasses import dataclass
from itertools import count
from numbers import Integral
from pathlib import Path

from helpers import tasks
from helpers.files import Place, column, json_lines, lines
from helpers.tasks.sources import COURSE, download

_BRACKETS = re.compile(r"\[([^][]+)\]")
_POSSESSIVES = ("my", "your", "his", "its", "our", "their")
# Dónde está DPR en el Hub: ruta, configuración y parte.
_DPR = ("community-datasets/definite_pronoun_resolution", "plain_text", "test")
# Tareas que lee `helpers.tasks` → parte por omisión (`None`, todas). Las clases del test de GLUE no son públicas.
FOR_FINE_TUNING = {
    "sentiment": None,
    "story_cloze": None,
    "cola": "validation",
    "sst2": "validation",
    "race": "test",
    "rocstories": "test",
}


@dataclass(frozen=True)
class Labelled:
    """Un texto con su clase: `"acceptable"` o `"unacceptable"`; `"positive"` o `"negative"`…"""

    text: str
    label: str
    group: str = ""

    def __post_init__(self):
        _check(self, ("text", "label", "group"), empty=("group",))


@dataclass(frozen=True)
class Question:
    """Un contexto (documento y pregunta, o cuento), sus respuestas posibles y cuál es la buena (desde 0)."""

    context: str
    options: tuple[str, ...]
    right: int
    group: str = ""

    def __post_init__(self):
        _check(self, ("context", "group"), empty=("context", "group"), options="options")


@dataclass(frozen=True)
class PronounSchema:
    """Un texto partido por un pronombre, los candidatos a sustituirlo y cuál es el bueno (desde 0)."""

    before: str
    after: str
    candidates: tuple[str, ...]
    right: int
    group: str = ""  # los dos gemelos de un esquema de Winograd

    def __post_init__(self):
        _check(self, ("before", "after", "group"), empty=("before", "group"), options="candidates")

    @classmethod
    def from_brackets(cls, text: str, candidates, right: int, group: str = "") -> "PronounSchema":
        """Desde un texto con el pronombre entre corchetes: «… because [it] might go out.».

        Lanza `ValueError` si no hay exactamente un pronombre marcado o no queda nada detrás que puntuar.
        """
        marked = list(_BRACKETS.finditer(text))
        if len(marked) != 1:
            raise ValueError(f"«{text}» tiene {len(marked)} pronombres entre corchetes y se esperaba uno.")
        before, after = text[: marked[0].start()], text[marked[0].end() :]
        if not after.strip():
            raise ValueError(f"En «{text}» no queda nada detrás del pronombre: no hay resto que puntuar.")
        return cls(before.strip(), after.strip(), tuple(candidates), right, group)


@dataclass(frozen=True)
class MinimalPair:
    """Dos frases que se distinguen en lo mínimo: una gramatical y otra no."""

    good: str
    bad: str
    phenomenon: str = ""

    def __post_init__(self):
        _check(self, ("good", "bad", "phenomenon"), empty=("phenomenon",))


def _check(record, texts, empty=(), options=None) -> None:
    """Lanza `ValueError` si un campo de `texts` no es texto (vacío, solo los de `empty`) o las opciones no valen."""
    for name in texts:
        value = getattr(record, name)
        if not isinstance(value, str) or not (value.strip() or name in empty):
            raise ValueError(f"`{name}` tiene que ser un texto con algo escrito y es {value!r:.60}.")
    if options is None:
        return
    values, right = getattr(record, options), record.right
    if not (
        isinstance(values, list | tuple)
        and len(values) > 1
        and all(isinstance(value, str) and value.strip() for value in values)
    ):
        raise ValueError(f"`{options}` tiene que ser una lista de dos textos o más y es {values!r:.60}.")
    if isinstance(right, bool) or not isinstance(right, Integral) or not 0 <= right < len(values):
        raise ValueError(f"`right` tiene que ir de 0 a {len(values) - 1} y es {right!r:.40}.")


def load_records(name: str, source="course", split: str | None = None, limit: int | None = None) -> list:
    """Los registros de una tarea, listos para su heurística.

    - `name`: del curso, `acceptability`, `minimal_pairs` (las mismas frases, por pares), `pronouns`, `reading`,
      `sentiment` y `story_cloze`; de fuera, `cola`, `sst2`, `race`, `rocstories` y `dpr` (esquemas de Winograd).
    - `source`: `"course"`, `"hub"`, una carpeta o un archivo con los originales.
    - `split`: `"train"`, `"validation"` o `"test"`; en los del curso, `None` son todas. De `dpr`, siempre el test.
    - `limit`: solo esos, repartidos por el conjunto y sin romper grupos.

    Lanza `tasks.TaskError` con lo que se encontró y lo que se esperaba.
    """
    if name in FOR_FINE_TUNING:
        records = _fine_tuning_records(name, source, split or FOR_FINE_TUNING[name])
    elif name in _COURSE:
        records = _course_records(name, source, split)
    elif name == "dpr":
        records = _dpr_records(source)
    else:
        known = ", ".join([*_COURSE, *FOR_FINE_TUNING, "dpr"])
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


def _dpr_records(source) -> list[PronounSchema]:
    """Los de Rahman y Ng (2012): el archivo original, la carpeta que lo contiene o el Hub."""
    if source == "course":
        raise tasks.TaskError('«dpr» no viene con el curso: usa source="hub", una carpeta o un archivo.')
    if source == "hub":
        places = (Place("/".join(_DPR), number, kind=tasks.TaskError) for number in count(1))
        rows = zip(places, download(*_DPR, title="DPR"), strict=False)
    else:
        path = Path(source)
        rows = _dpr_blocks(path if path.is_file() else path / "test.c.txt")
    return [_dpr_schema(place, row) for place, row in rows]


def _dpr_blocks(path: Path):
    """El archivo original de DPR: frase, pronombre, candidatos separados por comas, respuesta y una línea en blanco."""
    found = list(lines(path, tasks.TaskError))
    for start in range(0, len(found), 4):
        place, block = found[start][0], [line.strip() for _, line in found[start : start + 4]]
        if len(block) < 4:
            raise place.error("se esperaban cuatro líneas: frase, pronombre, candidatos y respuesta.")
        sentence, pronoun, names, answer = block
        candidates = [name.strip() for name in names.split(",")]
        if answer not in candidates:
            raise place.error(f"la respuesta «{answer}» no es ninguno de los candidatos «{names}».")
        label = candidates.index(answer)
        yield place, {"sentence": sentence, "pronoun": pronoun, "candidates": candidates, "label": label}


def _dpr_schema(place: Place, row: dict) -> PronounSchema:
    """De `sentence`, `pronoun`, `candidates` y `label` a un esquema.

    Si el pronombre sale varias veces, es el primero: así lo dicen sus autores. Uno posesivo se sustituye por un
    candidato con `'s`; `her` se deja como está, porque puede no serlo.
    """
    text, pronoun, candidates, right = (
        column(place, row, name) for name in ("sentence", "pronoun", "candidates", "label")
    )
    found = re.search(rf"\b{re.escape(pronoun)}\b", text, re.IGNORECASE)
    if not found:
        raise place.error(f"el pronombre «{pronoun}» no está en «{text}».")
    before, after = text[: found.start()].strip(), text[found.end() :].strip()
    if not after:
        raise place.error(f"en «{text}» no queda nada detrás del pronombre: no hay resto que puntuar.")
    if not 0 <= int(right) < len(candidates):
        raise place.error(
            f"la columna «label» dice «{right}» y hay {len(candidates)} candidatos, desde el 0."
        )
    if found.group().lower() in _POSSESSIVES:
        candidates = [name if name.endswith(("'s", "s'")) else f"{name}'s" for name in candidates]
    return PronounSchema(before, after, tuple(candidates), int(right))
