"""El bucle de generación: del texto a los logits, un token sorteado, y vuelta a empezar con ese token dentro.

Es el bucle que se construye en la lección 05; coincide token a token con `model.generate` de `transformers` para
la misma semilla y los mismos filtros.
"""

import math
from numbers import Integral, Real

import torch
from torch.nn import functional as F

from helpers.given import check_flags, check_prompt, refuse_logits, warn_if_padded
from helpers.hf import positions


def temperature(logits: torch.Tensor, value: float) -> torch.Tensor:
    """Divide los logits [..., vocabulario] por `value` > 0: menos de 1 concentra, más de 1 reparte. Lección 04."""
    if not (_is(Real, value) and 0 < value < math.inf):
        raise ValueError(
            f"La temperatura tiene que ser un número mayor que 0 y es {value!r:.40}; para elegir siempre el máximo usa "
            "do_sample=False."
        )
    logits = _checked(logits)
    limits = torch.finfo(torch.float32)  # fuera de ellos, lo que se divide acaba en 0/0 o en inf/inf
    value = float(min(max(value, limits.tiny), limits.max))
    divided = logits / value
    overflows = value < 1 and bool((divided.isinf() & logits.isfinite()).any())
    if value < 0.01 or overflows:  # tan cerca de 0, dividir se desborda: antes, el máximo a 0
        return (logits - logits.max(dim=-1, keepdim=True).values) / value
    return divided


def top_k(logits: torch.Tensor, k: int) -> torch.Tensor:
    """Deja los `k` logits mayores de [..., vocabulario] y pone los demás a -inf; `k=0` no filtra. Lección 05."""
    if not (_is(Integral, k) and k >= 0):
        raise ValueError(f"top_k tiene que ser un entero de 0 (sin filtro) en adelante y es {k!r:.40}.")
    logits = _checked(logits)
    if k == 0 or k >= logits.shape[-1]:
        return logits
    smallest_kept = logits.topk(k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < smallest_kept, float("-inf"))


def top_p(logits: torch.Tensor, p: float) -> torch.Tensor:
    """Deja los tokens más probables que suman al menos `p` (0 < p ≤ 1); siempre queda uno. Lección 05.

    Fuente: Holtzman et al., 2020, «The Curious Case of Neural Text Degeneration» (muestreo de núcleo).
    """
    if not (_is(Real, p) and 0 < p <= 1):
        raise ValueError(f"top_p tiene que ser un número entre 0 (sin incluirlo) y 1 y es {p!r:.40}.")
    logits = _checked(logits)
    if p == 1:
        return logits
    ordered, order = logits.sort(dim=-1, descending=True)
    probs = ordered.softmax(dim=-1)
    before = probs.cumsum(dim=-1) - probs  # probabilidad acumulada por los tokens anteriores
    full = before >= float(p)
    full[..., 0] = False  # el más probable se queda siempre, aunque `p` sea 0 para un float32
    removed = torch.zeros_like(full).scatter(-1, order, full)
    return logits.masked_fill(removed, float("-inf"))


def _is(kind, value) -> bool:
    """¿Es `value` un número de esa clase? También dentro de un tensor."""
    value = value.item() if isinstance(value, torch.Tensor) and value.dim() == 0 else value
    return isinstance(value, kind) and not isinstance(value, bool)


def _checked(logits) -> torch.Tensor:
    """Los logits, con decimales. Lanza `ValueError` si no son un tensor de números [..., vocabulario]."""
    odd = not isinstance(logits, torch.Tensor) or logits.is_complex() or logits.dtype == torch.bool
    if odd or logits.is_quantized or logits.layout != torch.strided:
        found = logits.dtype if isinstance(logits, torch.Tensor) else type(logits).__name__
        found = found if odd or logits.is_quantized else "dispersos (to_dense los deja como los demás)"
        raise ValueError(
            f"Los logits son {found} y hace falta un tensor de números [..., vocabulario]: usa torch.tensor(…)."
        )
    if not logits.dim() or not logits.shape[-1]:
        raise ValueError(
            f"Los logits tienen la forma {list(logits.shape)} y hace falta [..., vocabulario], con uno por token."
        )
    return logits if logits.is_floating_point() and logits.element_size() > 1 else logits.float()


def probabilities(logits: torch.Tensor, value: float = 1.0, k: int = 0, p: float = 1.0) -> torch.Tensor:
    """Probabilidades [..., vocabulario] entre las que se sortea: temperatura `value`, top-k y top-p, por este orden.

    El softmax se toma después de cada filtro: top-p ve la distribución que deja top-k. Lanza `ValueError` si los logits
    o un ajuste no pueden ser. Lección 05.
    """
    probs = top_p(top_k(temperature(logits, value), k), p).softmax(dim=-1)
    if bool(probs.isnan().any()):
        refuse_logits(logits)
    return probs


def sample(
    logits: torch.Tensor, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0
) -> torch.Tensor:
    """Sortea un token por fila: logits [lote, vocabulario] → ids [lote, 1]. Errores, los de `probabilities`."""
    if isinstance(logits, torch.Tensor) and logits.dim() not in (1, 2):
        raise ValueError(
            f"Los logits tienen la forma {list(logits.shape)} y hace falta [lote, vocabulario]: elige antes la "
            "posición, logits[:, -1]."
        )
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
    if not hasattr(model, "config"):
        raise ValueError(f"El modelo es {type(model).__name__}: pasa lo que devuelve `models.load`.")
    check_prompt(ids, attention_mask, max_new_tokens, model.config)
    check_flags(do_sample=do_sample, use_cache=use_cache)
    if on_token is not None and not callable(on_token):
        raise ValueError(f"on_token tiene que ser una función que reciba el token, y es {on_token!r:.40}.")
    if attention_mask is None:
        warn_if_padded(ids)
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
            if not bool(logits.gather(-1, new).isfinite().all()):  # si hay un NaN, es el que sale
                refuse_logits(logits)
        ids = torch.cat([ids, new], dim=1)  # el paso que falta en tantos bucles: lo sorteado vuelve a entrar
        mask = None if mask is None else F.pad(mask, (0, 1), value=1)
        if on_token is not None:
            on_token(new[:, 0])
    return ids
