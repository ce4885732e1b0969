"""El bucle de generación: del texto a los logits, un token sorteado, y vuelta a empezar con ese token dentro.

Es el bucle que se construye en la lección 05; coincide token a token con `model.generate` de `transformers` para
la misma semilla y los mismos filtros.
"""

import math
from numbers import Integral, Real

import torch
from torch.nn import functional as F

from helpers.hf import check_prompt, positions


def temperature(logits: torch.Tensor, value: float) -> torch.Tensor:
    """Divide los logits [..., vocabulario] por `value` > 0: menos de 1 concentra, más de 1 reparte. Lección 04."""
    if not (_is(Real, value) and 0 < value < math.inf):
        raise ValueError(
            f"La temperatura tiene que ser un número mayor que 0 y es {value!r}; para elegir siempre el máximo usa "
            "do_sample=False."
        )
    limits = torch.finfo(torch.float32)  # fuera de ellos, lo que se divide acaba en 0/0 o en inf/inf
    value = float(min(max(value, limits.tiny), limits.max))
    if value < 0.01:  # tan cerca de 0, dividir se desborda: antes, el máximo a 0
        logits = logits - logits.max(dim=-1, keepdim=True).values
    return logits / value


def top_k(logits: torch.Tensor, k: int) -> torch.Tensor:
    """Deja los `k` logits mayores de [..., vocabulario] y pone los demás a -inf; `k=0` no filtra. Lección 05."""
    if not (_is(Integral, k) and k >= 0):
        raise ValueError(f"top_k tiene que ser un entero de 0 (sin filtro) en adelante y es {k!r}.")
    if k == 0 or k >= logits.shape[-1]:
        return logits
    smallest_kept = logits.topk(k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < smallest_kept, float("-inf"))


def top_p(logits: torch.Tensor, p: float) -> torch.Tensor:
    """Deja los tokens más probables que suman al menos `p` (0 < p ≤ 1); siempre queda uno. Lección 05.

    Fuente: Holtzman et al., 2020, «The Curious Case of Neural Text Degeneration» (muestreo de núcleo).
    """
    if not (_is(Real, p) and 0 < p <= 1):
        raise ValueError(f"top_p tiene que ser un número entre 0 (sin incluirlo) y 1 y es {p!r}.")
    if p == 1:
        return logits
    ordered, order = logits.sort(dim=-1, descending=True)
    probs = ordered.softmax(dim=-1)
    before = probs.cumsum(dim=-1) - probs  # probabilidad acumulada por los tokens anteriores
    full = before >= p
    full[..., 0] = False  # el más probable se queda siempre, aunque `p` sea 0 para un float32
    removed = torch.zeros_like(full).scatter(-1, order, full)
    return logits.masked_fill(removed, float("-inf"))


def _is(kind, value) -> bool:
    """¿Es `value` un número de esa clase? También dentro de un tensor."""
    value = value.item() if isinstance(value, torch.Tensor) and value.dim() == 0 else value
    return isinstance(value, kind) and not isinstance(value, bool)


def probabilities(logits: torch.Tensor, value: float = 1.0, k: int = 0, p: float = 1.0) -> torch.Tensor:
    """Probabilidades [..., vocabulario] entre las que se sortea: temperatura `value`, top-k y top-p, por este orden.

    El softmax se toma después de cada filtro: top-p ve la distribución que deja top-k. Lección 05.
    """
    return top_p(top_k(temperature(logits, value), k), p).softmax(dim=-1)


def looks_padded(ids: torch.Tensor) -> bool:
    """¿Parece que en `ids` [lote, T] hay relleno? Si unas filas empiezan o acaban en su token, el 0, y otras no."""
    ends = (ids[:, [0, -1]] == 0).any(dim=1)
    return bool(ends.any() and not ends.all())


def sample(
    logits: torch.Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> torch.Tensor:
    """Sortea un token por fila: logits [lote, vocabulario] → ids [lote, 1]."""
    return torch.multinomial(probabilities(logits, temperature, top_k, top_p), num_samples=1)


@torch.inference_mode()
def generate(
    model, ids: torch.Tensor, max_new_tokens: int = 40, do_sample: bool = True, temperature: float = 1.0,
    top_k: int = 0, top_p: float = 1.0, use_cache: bool = True, on_token=None, attention_mask=None,
) -> torch.Tensor:  # fmt: skip
    """Continúa `ids` [lote, T] con `max_new_tokens` tokens; devuelve los ids [lote, T + max_new_tokens].

    - `do_sample=False` elige siempre el más probable; si no, se sortea tras `temperature`, `top_k` y `top_p`.
    - `use_cache=True` pasa al modelo solo el token nuevo (necesita `helpers.hf`); con `False` recalcula todo.
    - `on_token(id)` se llama con cada token [lote] en cuanto sale, para escribirlo en directo.
    - `attention_mask` [lote, T], 1 = token real: hace falta si los textos miden distinto y llevan relleno, que va a la
      izquierda. Cada uno sale entonces como saldría solo.

    GPT-1 no tiene token de fin, así que siempre salen `max_new_tokens`. Lanza `ValueError` si `ids` está vacío, no cabe
    en `n_positions` o no son ids de este modelo, si el relleno está a la derecha y si un ajuste no puede ser. La
    semilla se fija fuera, con `torch.manual_seed`. Lección 05.
    """
    check_prompt(ids, attention_mask, max_new_tokens, model.config)
    if attention_mask is None and looks_padded(ids):
        print(
            "Aviso: algún texto empieza o acaba en <unk>, que es también el relleno, y sin attention_mask se lee como "
            "si fuera texto: pásala si lo has rellenado."
        )
    mask, cache, new = attention_mask, None, ids
    for _ in range(max_new_tokens):
        inputs = {"past_key_values": cache, "use_cache": True} if use_cache else {}
        text = new if use_cache else ids
        if mask is not None:
            inputs |= {"attention_mask": mask, "position_ids": positions(mask)[:, -text.shape[1] :]}
        output = model(text, logits_to_keep=1, **inputs)
        cache = output.past_key_values if use_cache else None
        logits = output.logits[:, -1].float()
        if do_sample:
            new = sample(logits, temperature, top_k, top_p)
        else:
            new = logits.argmax(dim=-1, keepdim=True)
        ids = torch.cat([ids, new], dim=1)  # el paso que falta en tantos bucles: lo sorteado vuelve a entrar
        mask = None if mask is None else F.pad(mask, (0, 1), value=1)
        if on_token is not None:
            on_token(new[:, 0])
    return ids
