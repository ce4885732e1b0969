"""Las cuatro transformaciones de entrada del artículo (§3.3, figura 1): de los tokens de un ejemplo a sus secuencias.

Son funciones puras sobre listas de ids. Todas devuelven una lista de K secuencias: una en clasificación e inferencia,
dos en similitud (los dos órdenes) y una por respuesta en opción múltiple. Se construyen en la lección 06.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from helpers.tasks.task import TaskError
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
    longest = int(lengths.max())
    rows = [[[*ids, *[pad_id] * (longest - len(ids))] for ids in example["sequences"]] for example in batch]
    padded = {
        "input_ids": torch.tensor(rows),
        "attention_mask": (torch.arange(longest) < lengths[..., None]).long(),
        "classify_position": lengths - 1,
    }
    labels = [example["label"] if example["label"] >= 0 else example["score"] for example in batch]
    if all(label == label for label in labels):  # nan, la puntuación desconocida, no es igual a sí misma
        padded["labels"] = torch.tensor(labels)
    return padded
