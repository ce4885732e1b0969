"""Las pérdidas del ajuste fino: L1 (lenguaje), L2 (tarea) y las clases blandas de STS-B. Artículo, §3.2 y §3.3."""

import torch
from torch.nn import functional as F

from helpers import chunked

OBJECTIVES = ("class", "soft", "regression")


def lm_losses(hidden, input_ids, real, lm_head) -> torch.Tensor:
    """L1 de cada secuencia [N]: media de -log p en sus posiciones predichas, en nats por token.

    `hidden` [N, T, n_embd], `input_ids` [N, T] y `real` [N, T] (booleana, falsa en el relleno). Se predicen todos los
    tokens menos el primero, también `_delimiter_` y `_classify_`. `lm_head`, la operación más cara del modelo, solo
    ve las posiciones que cuentan. Cada secuencia pesa lo mismo, sea larga o corta: la media por tokens de
    `OpenAIGPTDoubleHeadsModel` da otro valor.
    En una secuencia de un solo token no se predice nada: es 0. Fuente: train.py, líneas 173-178. Lección 06.
    """
    flat, targets, rows, counts = _predicted(hidden, input_ids, real)
    losses = F.cross_entropy(lm_head(flat).float(), targets, reduction="none")
    return losses.new_zeros(len(hidden)).index_add(0, rows, losses) / counts


def lm_loss(hidden, input_ids, real, lm_head) -> torch.Tensor:
    """La media de `lm_losses`; al entrenar en CPU, por trozos (`helpers.chunked`)."""
    if not chunked.applies(hidden, lm_head.weight):
        return lm_losses(hidden, input_ids, real, lm_head).mean()
    flat, targets, rows, counts = _predicted(hidden, input_ids, real)
    return chunked.linear_cross_entropy(flat, lm_head.weight, targets, 1 / (len(hidden) * counts[rows]))


def _predicted(hidden, input_ids, real):
    """De cada token que se predice, el vector [N, n_embd], el id [N] y la secuencia [N]; y cuántos hay en cada una."""
    predicted = real[:, :-1] & real[:, 1:]
    rows, columns = predicted.nonzero(as_tuple=True)
    flat = hidden.flatten(0, 1).index_select(0, rows * hidden.shape[1] + columns)
    return flat, input_ids[rows, columns + 1], rows, predicted.sum(1).clamp(min=1)


def soft_targets(scores, classes: int = 6) -> torch.Tensor:
    """Puntuaciones [B] entre 0 y `classes` - 1 → probabilidades [B, classes]: 3,6 es 0,4 de la 3 y 0,6 de la 4.

    Es la codificación de Tai, Socher y Manning (2015) que dejó su rastro en utils.py (`stsb_label_encoding`).
    """
    distance = (scores.float()[:, None] - torch.arange(classes, device=scores.device)).abs()
    return (1 - distance).clamp(min=0)


def expected_score(logits) -> torch.Tensor:
    """La puntuación media [B] de unas clases blandas, a partir de sus logits [B, classes]."""
    return logits.float().softmax(-1) @ torch.arange(
        logits.shape[-1], dtype=torch.float, device=logits.device
    )


def task_losses(logits, labels, objective: str = "class") -> torch.Tensor:
    """L2 de cada ejemplo [B]: entropía cruzada («class», «soft») o error cuadrático («regression»).

    `logits` [B, clases] y `labels` [B]: la clase, o la puntuación si el objetivo es «soft» o «regression».
    """
    logits = logits.float()
    if objective == "class":
        return F.cross_entropy(logits, labels, reduction="none")
    if objective == "soft":
        return F.cross_entropy(logits, soft_targets(labels, logits.shape[-1]), reduction="none")
    return (logits[:, 0] - labels.float()) ** 2
