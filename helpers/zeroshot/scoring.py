"""Cuánta probabilidad da el modelo a una continuación: los log P(token) de los que salen todas las heurísticas.

El contexto y la continuación se trocean **por separado** y se unen los ids: la continuación empieza siempre en palabra
nueva («un» + «happy» no es «unhappy»). Al juntarlos con un espacio saldrían los mismos tokens, salvo en raras parejas
de signos que spaCy lee como uno solo (`:` y `)`). Artículo, §5. Lección 07.
"""

from dataclasses import dataclass
from itertools import islice

import torch

from helpers.hf import GPT1LMHeadModel, evaluating
from helpers.intervals import check_whole
from helpers.tasks import right_pad
from helpers.tokenizer import NEWLINE

# Como contexto, el token de salto de línea: lo más parecido a «empieza un texto» que vio GPT-1.
PARAGRAPH = "\n"
_ROWS = 1024  # posiciones cuyos logits están en memoria a la vez: con 40 478 entradas, unos 160 MB


class TextTooLong(ValueError):
    """El texto no cabe en las posiciones del modelo; el mensaje dice cuántos tokens tiene y cuántos caben."""


@dataclass(frozen=True)
class LogProbs:
    """Los log P (nats) de una continuación, token a token.

    `tokens` y `values` miden lo mismo. GPT-1 no tiene token de inicio: con el contexto vacío nada predice el primer
    token, que no se puntúa y queda en `unscored`.
    """

    tokens: tuple[str, ...]
    values: tuple[float, ...]
    unscored: str | None = None

    @property
    def total(self) -> float:
        """log P de la continuación entera: la suma."""
        return sum(self.values)

    @property
    def mean(self) -> float:
        """log P medio por token: no castiga a las continuaciones largas."""
        return self.total / len(self.values)


def log_prob(model, tokenizer, context: str, continuation: str, truncate: bool = False) -> LogProbs:
    """Los log P de los tokens de `continuation` después de `context` (puede ser `""` o `PARAGRAPH`).

    Lanza `TextTooLong` (un `ValueError`) si no caben en `n_positions` —con `truncate=True` se recorta el principio del
    contexto— y `ValueError` si no hay ningún token que puntuar. Artículo, §5. Lección 07.
    """
    if not isinstance(continuation, str):
        raise ValueError(
            f"La continuación tiene que ser un texto y es {continuation!r:.60}: para varias, `log_prob_batch`."
        )
    return log_prob_batch(model, tokenizer, [(context, continuation)], truncate=truncate)[0]


def log_prob_batch(
    model, tokenizer, items, share_prefix: bool = True, truncate: bool = False, batch_tokens: int = 4096
) -> list:
    """Como `log_prob` para muchos `items`, cada uno `(contexto, continuación)` o `(contexto, [opciones])`.

    Devuelve, en el mismo orden, un `LogProbs` por continuación suelta y una lista de ellos por lista de opciones. Se
    agrupan por longitud, hasta `batch_tokens` por lote, con el relleno a la derecha y enmascarado: da lo mismo que de
    uno en uno. Con varias opciones el contexto pasa una sola vez por el modelo (caché KV, lección 05) y se reparte;
    `share_prefix=False`, o un modelo sin caché como el de transformers, lo repite con cada opción.
    """
    if not isinstance(items, list | tuple):
        raise ValueError(f"Hace falta una lista de (contexto, continuación) y has dado {items!r:.80}.")
    check_whole("batch_tokens", batch_tokens, 1)
    asked = [_encode_item(tokenizer, item, model.config.n_positions, truncate) for item in items]
    share_prefix = share_prefix and isinstance(model, GPT1LMHeadModel)
    groups, singles = [], []  # (contexto, opciones, dónde va el resultado)
    for place, (context, options) in enumerate(asked):
        if share_prefix and context and len(options) > 1:
            groups.append((context, options, place))
        else:
            singles += [(context, [option], (place, index)) for index, option in enumerate(options)]
    found = {}
    with evaluating(model):
        for batch in _batches(singles, batch_tokens):
            found |= _score_together(model, batch)
        for batch in _batches(groups, batch_tokens):
            found |= _score_sharing(model, batch)
    results = []
    for place, (item, (context, options)) in enumerate(zip(items, asked, strict=True)):
        scored = [
            _log_probs(tokenizer, option, found[place, index], bool(context))
            for index, option in enumerate(options)
        ]
        results.append(scored[0] if isinstance(item[1], str) else scored)
    return results


def _encode_item(tokenizer, item, n_positions: int, truncate: bool):
    """(ids del contexto, [ids de cada opción]), comprobados y, si hace falta y se pide, con el contexto recortado."""
    context, options = item if isinstance(item, list | tuple) and len(item) == 2 else (None, None)
    texts = list(options) if isinstance(options, list | tuple) else [options]
    if not all(isinstance(text, str) for text in [context, *texts]):
        raise ValueError(
            "Cada elemento tiene que ser (contexto, continuación) o (contexto, [opciones]), con textos, y uno es "
            f"{item!r:.80}."
        )
    newline = [tokenizer.convert_tokens_to_ids(NEWLINE)]
    start = newline if context == PARAGRAPH else tokenizer.text_to_ids(context)
    encoded = [tokenizer.text_to_ids(text) for text in texts]
    needed = "escribe al menos una palabra." if start else "con el contexto vacío hacen falta dos o más."
    for text, ids in zip(texts, encoded, strict=True):
        if len(ids) < (1 if start else 2):
            raise ValueError(f"«{text}» tiene {len(ids)} tokens y no hay ninguno que puntuar: {needed}")
    longest = max(map(len, encoded), default=0)
    room = n_positions - longest
    no_room = room < (1 if start else 0)
    if no_room or (len(start) > room and not truncate):
        what_to_do = (
            "acorta la continuación." if no_room else "acorta el contexto o recórtalo con truncate=True."
        )
        raise TextTooLong(
            f"El contexto ({len(start)} tokens) y la continuación ({longest}) suman {len(start) + longest} tokens y en "
            f"este modelo caben {n_positions}: {what_to_do}"
        )
    return start[max(0, len(start) - room) :], encoded


def _batches(jobs, batch_tokens: int):
    """Lotes de trabajos de longitud parecida; cada trabajo ocupa lo que el más largo de su lote."""
    sizes = [(len(job[0]) + sum(map(len, job[1])), job) for job in jobs]
    batch = []
    for size, job in sorted(sizes, key=lambda pair: pair[0]):
        if batch and size * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(job)
    if batch:
        yield batch


def _score_together(model, batch) -> dict:
    """Contexto y continuación en una sola secuencia. El último token no entra: nadie pregunta qué viene después."""
    starts = [max(len(context), 1) for context, _, _ in batch]
    texts = [context + option for context, (option,), _ in batch]
    ids, mask = _padded([text[:-1] for text in texts], model.device)
    hidden = model.transformer(ids, attention_mask=mask)[0]
    states = [
        hidden[row, start - 1 : len(text) - 1]
        for row, (start, text) in enumerate(zip(starts, texts, strict=True))
    ]
    targets = [text[start:] for start, text in zip(starts, texts, strict=True)]
    return dict(zip([place for _, _, place in batch], _read(model, states, targets), strict=True))


def _score_sharing(model, batch) -> dict:
    """El contexto, una vez; luego las opciones, cada una con una copia de sus claves y valores."""
    prefix, prefix_mask = _padded([context for context, _, _ in batch], model.device)
    body = model.transformer(prefix, attention_mask=prefix_mask, use_cache=True)
    options = [option for _, group, _ in batch for option in group]
    owner = torch.tensor([row for row, (_, group, _) in enumerate(batch) for _ in group], device=model.device)
    lengths = prefix_mask.sum(-1)
    first = body.last_hidden_state[torch.arange(len(batch), device=model.device), lengths - 1][owner]
    states = [state[None] for state in first]  # lo que predice el primer token de cada opción
    if max(map(len, options)) > 1:
        cache = body.past_key_values
        cache.batch_select_indices(owner)
        ids, mask = _padded([option[:-1] for option in options], model.device)
        mask = torch.cat([prefix_mask[owner], mask], dim=1)
        hidden = model.transformer(ids, attention_mask=mask, past_key_values=cache).last_hidden_state
        states = [
            torch.cat([state, rest[: len(option) - 1]])
            for state, rest, option in zip(states, hidden, options, strict=True)
        ]
    places = [(place, index) for _, group, place in batch for index in range(len(group))]
    return dict(zip(places, _read(model, states, options), strict=True))


def _padded(rows, device):
    return tuple(tensor.to(device) for tensor in right_pad(rows))


def _read(model, states, targets) -> list:
    """De los estados [n, n_embd] que predicen cada continuación a los log P de sus tokens.

    Los logits se calculan solo donde hacen falta y por tandas: en GPT-1 son 162 kB por posición.
    """
    flat, wanted = torch.cat(states), torch.tensor([id for ids in targets for id in ids], device=model.device)
    values = []
    for rows, ids in zip(flat.split(_ROWS), wanted.split(_ROWS), strict=True):
        logits = model.lm_head(rows).float()
        values += (logits.gather(-1, ids[:, None])[:, 0] - logits.logsumexp(-1)).tolist()
    values = iter(values)
    return [tuple(islice(values, len(ids))) for ids in targets]


def _log_probs(tokenizer, ids, values, has_context: bool) -> LogProbs:
    tokens = tuple(tokenizer.convert_ids_to_tokens(ids))
    return LogProbs(tokens[len(ids) - len(values) :], values, None if has_context else tokens[0])
