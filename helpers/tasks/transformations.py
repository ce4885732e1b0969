"""Las cuatro transformaciones de entrada del artículo (§3.3, figura 1): de los textos de una tarea a sus lotes.

Cada transformación es una función pura sobre listas de ids que devuelve K secuencias: una en clasificación e
inferencia, dos en similitud (los dos órdenes) y una por respuesta en opción múltiple. `encode_task` las aplica a una
tarea entera, contando lo que no cabe, y `pad` hace los lotes. Se construyen en la lección 06.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch.nn.utils.rnn import pad_sequence

from helpers.spanish import number
from helpers.tasks.catalogue import Task, TaskError, find_task
from helpers.tokenizer import SPECIAL_TOKENS

Ids = Sequence[int]


@dataclass(frozen=True)
class InputTokens:
    """Los ids de `_start_`, `_delimiter_` y `_classify_` y el contexto del modelo, en tokens."""

    start: int
    delimiter: int
    classify: int
    n_positions: int = 512

    @property
    def max_segment(self) -> int:
        """Tokens que caben de cada segmento cuando hay dos: 254 con un contexto de 512 (train.py, línea 377).

        Dos segmentos de `n_positions // 2 - 2` y los tres tokens añadidos ocupan, como mucho, `n_positions - 1`.
        """
        return self.n_positions // 2 - 2

    @property
    def max_text(self) -> int:
        """Tokens que caben de un texto solo: 510 con un contexto de 512.

        Con un único segmento no hay con quién repartir el sitio: solo se reservan `_start_` y `_classify_`. El código
        publicado no llega a este caso (solo trae ROCStories).
        """
        return self.n_positions - 2


def input_tokens(tokenizer, n_positions: int = 512) -> InputTokens:
    """Los `InputTokens` de un tokenizador. Lanza `TaskError` si aún no tiene los tres tokens del ajuste fino."""
    known = tokenizer.get_vocab()
    missing = [token for token in SPECIAL_TOKENS if token not in known]
    if missing:
        raise TaskError(
            f"Al tokenizador le faltan {', '.join(missing)}: llama antes a tokenizer.add_fine_tuning_tokens() y amplía "
            "el modelo con model.resize_token_embeddings(len(tokenizer), mean_resizing=False)."
        )
    if n_positions < 6:
        raise TaskError(
            f"En un contexto de {n_positions} tokens no cabe un par de textos: hacen falta al menos 6."
        )
    return InputTokens(*(known[token] for token in SPECIAL_TOKENS), n_positions=n_positions)


def classification(text: Ids, tokens: InputTokens) -> list[list[int]]:
    """Clasificación: `[_start_ texto _classify_]`."""
    return [[tokens.start, *text[: tokens.max_text], tokens.classify]]


def entailment(premise: Ids, hypothesis: Ids, tokens: InputTokens) -> list[list[int]]:
    """Inferencia: `[_start_ premisa _delimiter_ hipótesis _classify_]`."""
    return [_pair(premise[: tokens.max_segment], hypothesis[: tokens.max_segment], tokens)]


def similarity(first: Ids, second: Ids, tokens: InputTokens) -> list[list[int]]:
    """Similitud: los dos órdenes, `[_start_ a _delimiter_ b _classify_]` y `[_start_ b _delimiter_ a _classify_]`.

    Que dos frases se parezcan no depende del orden, pero un modelo que lee de izquierda a derecha sí: el artículo
    suma los vectores de las dos lecturas.
    """
    return entailment(first, second, tokens) + entailment(second, first, tokens)


def multiple_choice(
    context: Ids, answers: Sequence[Ids], tokens: InputTokens, max_context: int | None = None
) -> list[list[int]]:
    """Opción múltiple: por cada respuesta, `[_start_ contexto _delimiter_ respuesta _classify_]`.

    `max_context` cambia el límite del contexto, que si no es `tokens.max_segment`. Fuente: train.py,
    `transform_roc` (línea 229).
    """
    context = context[: tokens.max_segment if max_context is None else max_context]
    return [_pair(context, answer[: tokens.max_segment], tokens) for answer in answers]


def _pair(first: Ids, second: Ids, tokens: InputTokens) -> list[int]:
    return [tokens.start, *first, tokens.delimiter, *second, tokens.classify]


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
        # si se predice una puntuación, la clase no cuenta aunque venga
        label = -1 if task.regression else row["label"]
        score = float("nan") if row["score"] is None or not task.regression else row["score"]
        examples.append({"sequences": sequences, "label": label, "score": score})
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


def right_pad(rows: Sequence[Ids], pad_id: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Rellena `rows` por la derecha hasta la más larga: (ids [filas, T], máscara [filas, T], con 1 en el texto)."""
    ids = [torch.tensor(row, dtype=torch.long) for row in rows]
    ones = [torch.ones_like(row) for row in ids]
    return pad_sequence(ids, batch_first=True, padding_value=pad_id), pad_sequence(ones, batch_first=True)


def pad(batch: Sequence[dict], pad_id: int = 0) -> dict[str, torch.Tensor]:
    """Une en un lote los ejemplos de `encode_task`, rellenando por la derecha hasta el más largo.

    Con B ejemplos de K secuencias y T tokens la más larga, devuelve `input_ids` y `attention_mask` [B, K, T] (en la
    máscara, 1 es texto y 0 relleno), `classify_position` [B, K] (dónde está `_classify_`, el último token de verdad)
    y `labels` [B]: la clase, o la puntuación (float) si la tarea no tiene clases. Si algún ejemplo no tiene ni la una
    ni la otra, como en el test de GLUE, no hay `labels`. Con la máscara causal, lo que hay a la derecha no cambia lo
    que se lee en `_classify_`: por eso el original rellena ahí y con el id 0 (`<unk>`).
    """
    if not batch:
        raise ValueError("El lote está vacío: hace falta al menos un ejemplo.")
    counts = {len(example["sequences"]) for example in batch}
    if len(counts) > 1:
        raise ValueError(
            f"Los ejemplos de un lote deben tener el mismo número de secuencias y los hay con {sorted(counts)}."
        )
    lengths = torch.tensor([[len(ids) for ids in example["sequences"]] for example in batch])  # [B, K]
    ids, mask = right_pad([ids for example in batch for ids in example["sequences"]], pad_id)
    padded = {
        "input_ids": ids.view(*lengths.shape, -1),
        "attention_mask": mask.view(*lengths.shape, -1),
        "classify_position": lengths - 1,
    }
    labels = [example["label"] if example["label"] >= 0 else example["score"] for example in batch]
    if all(label == label for label in labels):  # nan, la puntuación desconocida, no es igual a sí misma
        padded["labels"] = torch.tensor(labels)
    return padded
