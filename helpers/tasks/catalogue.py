"""Qué es una tarea y cuáles hay: las del curso, las de GLUE y las demás del artículo (tabla 1). Lección 06."""

from dataclasses import dataclass, field


class TaskError(Exception):
    """No se puede usar la tarea pedida; el mensaje dice dónde, qué se encontró, qué se esperaba y qué hacer."""


@dataclass(frozen=True)
class Layout:
    """Cómo son los archivos de una tarea en una carpeta: con qué función se leen, sus nombres y sus columnas."""

    reader: str  # una función de readers.py
    files: dict[str, str]  # parte → archivo (o carpeta)
    folder: str = ""  # nombre habitual de la carpeta, por si se da la que la contiene
    text: str = ""  # columnas del archivo
    pair: str = ""
    label: str = ""
    score: str = ""
    codes: tuple[str, ...] = ()  # cómo se escribe cada clase en el archivo, en el orden de `Task.labels`
    header: tuple[str, ...] = ()  # las columnas, si el archivo no las dice en su primera línea
    unlabelled: str = ""  # lo que pone donde no hubo acuerdo sobre la clase: esas filas se descartan
    skip_broken: bool = False  # el original trae líneas incompletas: se descartan y se dice cuántas


FAMILIES = ("classification", "entailment", "similarity", "multiple_choice")  # artículo, figura 1


@dataclass(frozen=True)
class Task:
    """Una tarea del catálogo. Artículo, tabla 1; lección 06.

    `labels` está vacía si se predice una puntuación (STS-B) o si la respuesta es una de las opciones. La primera
    métrica elige la mejor época; F1 se refiere a la clase 1. `hub` es (ruta, configuración) para
    `datasets.load_dataset`, o `None` si no está en el Hub.
    """

    name: str
    family: str
    labels: tuple[str, ...]
    metrics: tuple[str, ...]
    title: str
    layout: Layout = field(repr=False)
    hub: tuple[str, str] | None = None
    hub_columns: tuple[str, str] = ("", "")  # columnas del Hub que son `text` y `pair`
    in_course: bool = False
    long_context: bool = False  # documento + pregunta: se recorta por el principio (ver encode_task)

    def __post_init__(self):
        if self.family not in FAMILIES:
            raise TaskError(
                f"La familia «{self.family!s:.40}» no puede ser: elige entre {', '.join(FAMILIES)}."
            )

    @property
    def regression(self) -> bool:
        """¿Se predice una puntuación en vez de una clase?"""
        return not self.labels and self.family != "multiple_choice"


_BINARY = ("0", "1")
_NLI = ("entailment", "neutral", "contradiction")
_RTE = ("entailment", "not_entailment")


def find_task(task: Task | str) -> Task:
    """La tarea con ese nombre (o la misma, si ya es una `Task`). Lanza `TaskError` con los nombres que hay."""
    if isinstance(task, Task):
        return task
    if not isinstance(task, str) or task not in TASKS:
        raise TaskError(f"No hay ninguna tarea «{task!s:.60}». Las que hay: {', '.join(TASKS)}.")
    return TASKS[task]


def _parts(pattern: str) -> dict[str, str]:
    return {
        "train": pattern.format("train"),
        "validation": pattern.format("dev"),
        "test": pattern.format("test"),
    }


def _course(name, family, labels, metrics, title, reader="course_rows", **columns) -> Task:
    files = dict.fromkeys(("train", "validation", "test"), f"{name}.jsonl")  # una fila dice de qué parte es
    layout = Layout(reader, files, codes=labels, **columns)
    return Task(name, family, labels, metrics, title, layout, in_course=True)


def _glue(
    name, family, labels, metrics, title, folder, columns, hub_columns=None, files=None, **more
) -> Task:
    text, pair = columns
    layout = Layout("tsv_rows", files or _parts("{}.tsv"), folder, text, pair, **more)
    return Task(name, family, labels, metrics, title, layout, ("nyu-mll/glue", name), hub_columns or columns)


# fmt: off
_COURSE = [
    _course("sentiment", "classification", ("negative", "positive"), ("accuracy", "f1"), "Sentimiento",
            text="text", label="label"),
    _course("entailment", "entailment", _NLI, ("accuracy",), "Inferencia",
            text="premise", pair="hypothesis", label="label"),
    _course("similarity", "similarity", ("different", "paraphrase"), ("accuracy", "f1"), "Paráfrasis",
            text="sentence1", pair="sentence2", label="label", score="score"),
    _course("story_cloze", "multiple_choice", (), ("accuracy",), "Final de cuento", reader="course_stories"),
]
_GLUE = [
    _glue("cola", "classification", ("unacceptable", "acceptable"), ("matthews", "accuracy"), "Aceptabilidad (CoLA)",
          "CoLA", ("sentence", ""), label="label", codes=_BINARY, header=("source", "label", "mark", "sentence")),
    _glue("sst2", "classification", ("negative", "positive"), ("accuracy",), "Sentimiento (SST-2)",
          "SST-2", ("sentence", ""), label="label", codes=_BINARY),
    _glue("mrpc", "similarity", ("not_equivalent", "equivalent"), ("f1", "accuracy"), "Paráfrasis (MRPC)",
          "MRPC", ("#1 String", "#2 String"), ("sentence1", "sentence2"), label="Quality", codes=_BINARY),
    _glue("stsb", "similarity", (), ("pearson",), "Similitud de 0 a 5 (STS-B)",
          "STS-B", ("sentence1", "sentence2"), score="score"),
    _glue("qqp", "similarity", ("not_duplicate", "duplicate"), ("f1", "accuracy"), "Preguntas duplicadas (QQP)",
          "QQP", ("question1", "question2"), label="is_duplicate", codes=_BINARY, skip_broken=True),
    _glue("mnli", "entailment", _NLI, ("accuracy",), "Inferencia (MNLI)",
          "MNLI", ("sentence1", "sentence2"), ("premise", "hypothesis"), label="gold_label", codes=_NLI,
          files={"train": "train.tsv", "validation": "dev_matched.tsv", "test": "test_matched.tsv",
                 "validation_mismatched": "dev_mismatched.tsv", "test_mismatched": "test_mismatched.tsv"}),
    # La pregunta va primero, como en los archivos de GLUE: «¿está la respuesta en esta frase?».
    _glue("qnli", "entailment", _RTE, ("accuracy",), "Pregunta y frase (QNLI)",
          "QNLI", ("question", "sentence"), label="label", codes=_RTE),
    _glue("rte", "entailment", _RTE, ("accuracy",), "Inferencia (RTE)",
          "RTE", ("sentence1", "sentence2"), label="label", codes=_RTE),
]
_OTHERS = [
    Task("snli", "entailment", _NLI, ("accuracy",), "Inferencia (SNLI)",
         Layout("jsonl_rows", _parts("snli_1.0_{}.jsonl"), "snli_1.0", "sentence1", "sentence2", "gold_label",
                codes=_NLI, unlabelled="-"),
         ("stanfordnlp/snli", "plain_text"), ("premise", "hypothesis")),
    Task("scitail", "entailment", ("entailment", "neutral"), ("accuracy",), "Inferencia en ciencias (SciTail)",
         Layout("tsv_rows", _parts("scitail_1.0_{}.tsv"), "tsv_format", "premise", "hypothesis", "label",
                codes=("entails", "neutral"), header=("premise", "hypothesis", "label")),
         ("allenai/scitail", "tsv_format"), ("premise", "hypothesis")),
    Task("race", "multiple_choice", (), ("accuracy",), "Comprensión lectora (RACE)",
         Layout("race_rows", _parts("{}"), "RACE"), ("ehovy/race", "all"), long_context=True),
    # El artículo ajusta con los cuentos de validación (ver readers.rocstories_rows).
    Task("rocstories", "multiple_choice", (), ("accuracy",), "Final de cuento (ROCStories)",
         Layout("rocstories_rows", {"train": "cloze_test_val__spring2016 - cloze_test_ALL_val.csv",
                                    "validation": "cloze_test_val__spring2016 - cloze_test_ALL_val.csv",
                                    "test": "cloze_test_test__spring2016 - cloze_test_ALL_test.csv"}, "ROCStories")),
]
# fmt: on
TASKS: dict[str, Task] = {task.name: task for task in [*_COURSE, *_GLUE, *_OTHERS]}
