"""Qué es una tarea: su familia, sus clases, sus métricas y cómo son sus archivos."""

from dataclasses import dataclass, field

FAMILIES = ("classification", "entailment", "similarity", "multiple_choice")


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

    @property
    def regression(self) -> bool:
        """¿Se predice una puntuación en vez de una clase?"""
        return not self.labels and self.family != "multiple_choice"
