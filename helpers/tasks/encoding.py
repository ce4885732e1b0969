"""De los textos de una tarea a secuencias de tokens listas para el modelo, contando lo que no cabe. Lección 06."""

from collections.abc import Iterable
from dataclasses import dataclass

from helpers.spanish import number
from helpers.tasks.catalogue import find_task
from helpers.tasks.task import Task
from helpers.tasks.transformations import (
    Ids,
    InputTokens,
    classification,
    entailment,
    input_tokens,
    multiple_choice,
    similarity,
)


@dataclass
class Truncation:
    """Cuánto se ha recortado: segmentos (textos) afectados y tokens perdidos, sobre los que había."""

    segments: int = 0
    tokens: int = 0
    of_segments: int = 0
    of_tokens: int = 0

    def count(self, segment: Ids, limit: int) -> None:
        excess = max(0, len(segment) - limit)
        self.segments += excess > 0
        self.tokens += excess
        self.of_segments += 1
        self.of_tokens += len(segment)

    def __str__(self) -> str:
        if not self.segments:
            return "No se ha recortado ningún texto."
        share = number(100 * self.tokens / self.of_tokens, 1)
        texts = "1 texto" if self.segments == 1 else f"{self.segments} textos"
        lost = "1 token" if self.tokens == 1 else f"{self.tokens} tokens"
        return f"Recortados {texts} de {self.of_segments}, que no cabían: {lost} menos ({share} %)."


class EncodedTask:
    """Los ejemplos codificados: una secuencia de diccionarios que sirve de conjunto de datos a `Trainer`.

    Cada ejemplo tiene `sequences` (lista de K listas de ids), `label` (-1 si no se sabe) y `score` (nan si no hay).
    `truncation` dice qué se recortó y `lengths`, los tokens de la secuencia más larga de cada ejemplo.
    """

    def __init__(self, task: Task, examples: list[dict], truncation: Truncation):
        self.task, self.examples, self.truncation = task, examples, truncation

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index):
        return self.examples[index]

    @property
    def lengths(self) -> list[int]:
        return [max(map(len, example["sequences"])) for example in self.examples]


def encode_task(
    split: Iterable[dict], task: Task | str, tokenizer, n_positions: int = 512, verbose: bool = True
) -> EncodedTask:
    """Codifica una parte de una tarea (`load_task(...)["train"]`, o cualquier lista de filas con sus columnas).

    El tokenizador debe tener ya los tokens del ajuste fino (`add_fine_tuning_tokens`); `n_positions` es el contexto del
    modelo. Lo que no cabe se recorta por el final, como en el original, y se dice en una frase si `verbose`. En RACE la
    pregunta cierra el contexto y los documentos son largos: ahí el contexto ocupa todo lo que dejan las respuestas y se
    recorta por el principio. Lanza `TaskError` si la tarea no existe o faltan los tokens.
    """
    task = find_task(task)
    tokens = input_tokens(tokenizer, n_positions)
    truncation, examples = Truncation(), []
    for row in split:
        sequences = _transform(task, row, tokenizer.text_to_ids, tokens, truncation)
        examples.append({"sequences": sequences, "label": row["label"], "score": row["score"]})
    if verbose and truncation.segments:
        print(truncation)
    return EncodedTask(task, examples, truncation)


def _transform(task: Task, row: dict, ids, tokens: InputTokens, truncation: Truncation) -> list[list[int]]:
    """Las secuencias de una fila, apuntando en `truncation` lo que se pierde."""
    text = ids(row["text"])
    if task.family == "classification":
        truncation.count(text, tokens.max_text)
        return classification(text, tokens)
    if task.family == "multiple_choice":
        answers = [ids(answer) for answer in row["options"]]
        room = tokens.max_segment
        if task.long_context:
            longest = min(room, max(map(len, answers)))
            room = tokens.n_positions - 3 - longest
        truncation.count(text, room)
        for answer in answers:
            truncation.count(answer, tokens.max_segment)
        context = text[-room:] if task.long_context else text[:room]
        return multiple_choice(context, answers, tokens, max_context=room)
    pair = ids(row["pair"])
    truncation.count(text, tokens.max_segment)
    truncation.count(pair, tokens.max_segment)
    transform = entailment if task.family == "entailment" else similarity
    return transform(text, pair, tokens)
