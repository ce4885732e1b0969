"""Lo que se le puede dar a un modelo para que lea o siga un texto: ids, vectores, máscaras, posiciones y caché.

Cada `check_…` lanza `ValueError`, con una frase que dice qué hay y qué hace falta: sin ella, muchos de estos errores
darían otro resultado sin avisar, o un fallo lejos de su causa.
"""

import math
from difflib import get_close_matches
from numbers import Integral

import torch
from transformers.cache_utils import Cache

# Lo que se le puede dar al modelo por su nombre: lo demás lo pasa por alto, como todos los de transformers.
NAMES = (
    "input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds", "past_key_values", "use_cache",
    "labels", "logits_to_keep", "return_logits", "output_attentions", "output_hidden_states",
)  # fmt: skip


def _can_look(tensor: torch.Tensor, on_gpu: bool = False) -> bool:
    """¿Se miran los valores de `tensor`? En una GPU obligaría a esperarla a cada token; al compilar no los hay."""
    return (on_gpu or tensor.device.type == "cpu") and not torch.compiler.is_compiling()


def _whole(tensor) -> bool:
    return isinstance(tensor, torch.Tensor) and tensor.dtype in (torch.int64, torch.int32)


# --- lo que lee el modelo ------------------------------------------------------------------------------------


def check_names(given) -> None:
    """Ninguno parece otro mal escrito: `atention_mask` se pasaría por alto, con otro resultado."""
    for name in given:
        meant = get_close_matches(name, NAMES, 1, 0.85)
        if meant and name not in NAMES:
            raise ValueError(f"El modelo no conoce {name}: ¿querías decir {meant[0]}?")


def check_ids(ids, vocab_size: int, on_gpu: bool = True) -> None:
    """`ids` es un tensor de enteros [lote, T], todos del vocabulario. Los que están en una GPU, solo con `on_gpu`."""
    if not isinstance(ids, torch.Tensor):
        raise ValueError(
            f"Los ids de los tokens son {type(ids).__name__} y hace falta un tensor de enteros [lote, T]: usa "
            'tokenizer(texto, return_tensors="pt").input_ids.'
        )
    if ids.dim() != 2:
        raise ValueError(
            f"Los ids tienen la forma {list(ids.shape)} y hace falta [lote, T]: con un solo texto, pasa ids[None]."
        )
    if not _whole(ids):
        raise ValueError(f"Los ids son de tipo {ids.dtype} y hacen falta enteros: pasa ids.long().")
    if _can_look(ids, on_gpu) and ids.numel():
        low, high = (int(value) for value in ids.aminmax())
        if low < 0 or high >= vocab_size:
            raise ValueError(
                f"El id {low if low < 0 else high} no está en el vocabulario, que va de 0 a {vocab_size - 1}: usa el "
                "tokenizador de este modelo."
            )


def check_embeds(embeds, n_embd: int) -> None:
    """`embeds` son vectores de este modelo, [lote, T, n_embd]."""
    tensor = isinstance(embeds, torch.Tensor)
    if not (tensor and embeds.is_floating_point() and embeds.dim() == 3 and embeds.shape[-1] == n_embd):
        found = f"{embeds.dtype} {list(embeds.shape)}" if tensor else f"{embeds!r:.40}"
        raise ValueError(
            f"inputs_embeds tiene que ser un tensor de números con decimales [lote, T, {n_embd}] y es {found}."
        )


def check_shape(name: str, ids, batch: int, length: int) -> None:
    """`ids` son enteros [lote, T] o [1, T], uno por token."""
    whole = _whole(ids)
    if not whole or ids.shape not in ((batch, length), (1, length)):
        found = f"de forma {list(ids.shape)}" if whole else f"{ids!r:.40}"
        raise ValueError(
            f"{name} tiene que ser un tensor de enteros {[batch, length]}, uno por token, y es {found}."
        )


def check_positions(position_ids, batch: int, length: int, n_positions: int) -> None:
    """Hay una posición por token, de las que tiene el modelo."""
    check_shape("position_ids", position_ids, batch, length)
    if _can_look(position_ids) and position_ids.numel():
        low, high = (int(value) for value in position_ids.aminmax())
        if low < 0 or high >= n_positions:
            raise ValueError(
                f"position_ids va de {low} a {high} y este modelo tiene las posiciones de la 0 a la {n_positions - 1}."
            )


def check_length(total: int, length: int, n_positions: int) -> None:
    """El texto, de `total` tokens con los que están en la caché, no está vacío y cabe."""
    if length == 0:
        check_room(0, 0, n_positions)
    if total > n_positions:
        raise ValueError(
            f"El texto tiene {total} tokens y este modelo solo tiene {n_positions} posiciones: recórtalo a "
            f"{n_positions} (por ejemplo con truncation=True en el tokenizador)."
        )


def check_mask(attention_mask, batch: int, total: int) -> None:
    """La máscara tiene un 1 o un 0 por token, también por los que están en la caché."""
    if not isinstance(attention_mask, torch.Tensor):
        raise ValueError(
            f"attention_mask es {type(attention_mask).__name__} y se esperaba un tensor de unos y ceros."
        )
    if _can_look(attention_mask):  # los de una GPU los mira `check_left`, una vez
        _check_ones(attention_mask)
    if attention_mask.shape not in ((batch, total), (1, total)):
        raise ValueError(
            f"attention_mask tiene la forma {list(attention_mask.shape)} y hace falta {[batch, total]}: un 1 o un 0 "
            "por token, también por los que ya están en la caché."
        )


def _check_ones(attention_mask) -> None:
    if attention_mask.dtype != torch.bool and not bool(((attention_mask == 0) | (attention_mask == 1)).all()):
        raise ValueError(
            "attention_mask lleva un 1 por token real y un 0 por relleno, y aquí hay otros valores."
        )


def check_cache(cache) -> None:
    """Es una caché de transformers, o ninguna."""
    if cache is not None and not isinstance(cache, Cache):
        raise ValueError(f"past_key_values tiene que ser una caché, como DynamicCache(), y es {cache!r:.40}.")


def check_kept(logits_to_keep) -> None:
    """Cuántas posiciones se quieren, o un tensor que dice cuáles."""
    if isinstance(logits_to_keep, torch.Tensor):
        right = logits_to_keep.dim() == 1 and _whole(logits_to_keep)
    else:
        right = isinstance(logits_to_keep, Integral) and logits_to_keep >= 0
    if not right:
        raise ValueError(
            "logits_to_keep tiene que ser un entero de 0 (todas las posiciones) en adelante y es "
            f"{logits_to_keep!r:.40}."
        )


def check_labels(labels, logits_to_keep, batch: int, length: int, vocab_size: int) -> None:
    """Hay una etiqueta por token, del vocabulario o -100, y se calculan todas las posiciones."""
    check_shape("labels", labels, batch, length)
    if len(labels) != batch:
        raise ValueError(f"labels tiene {len(labels)} textos y los ids {batch}: hace falta uno por texto.")
    wrong = labels[(labels != -100) & ((labels < 0) | (labels >= vocab_size))] if _can_look(labels) else ()
    if len(wrong):
        raise ValueError(
            f"labels lleva {int(wrong[0])}, que no está en el vocabulario (de 0 a {vocab_size - 1}); lo que no cuenta "
            "lleva -100."
        )
    if isinstance(logits_to_keep, torch.Tensor) or logits_to_keep != 0:
        raise ValueError(
            "labels pide la pérdida de todas las posiciones y logits_to_keep deja unas pocas: quita uno de los dos."
        )


# --- lo que continúa -----------------------------------------------------------------------------------------


def check_prompt(ids, attention_mask, new: int, config) -> None:
    """Un modelo con esa `config` puede añadir `new` tokens a `ids` [lote, T], con o sin máscara.

    Lanza `ValueError` si no son ids del vocabulario, si el texto está vacío, si el relleno está a la derecha (el token
    nuevo saldría detrás del relleno y no del texto) o si no hay sitio en `n_positions`.
    """
    check_ids(ids, config.vocab_size)
    prompt = ids.shape[1]
    if attention_mask is not None and prompt:
        check_left(attention_mask, *ids.shape)
        prompt = int(attention_mask.sum(-1).max())
    check_room(prompt, new, config.n_positions)


def check_left(attention_mask, batch: int, length: int) -> None:
    """La máscara, si la hay, es de un texto que se va a continuar: el relleno no puede estar a la derecha."""
    if attention_mask is None:
        return
    check_mask(attention_mask, batch, length)
    _check_ones(attention_mask)
    if not bool(attention_mask[:, -1].all()):
        raise ValueError(
            "Hay relleno a la derecha (attention_mask acaba en 0 o, si falta, los ids acaban en pad_token_id) y lo "
            'nuevo se escribe al final: rellena por la izquierda, con padding_side="left" en el tokenizador.'
        )


def warn_if_padded(ids: torch.Tensor) -> None:
    """Avisa si parece que en `ids` [lote, T], que no lleva máscara, hay relleno, que es el token 0.

    Si unas filas empiezan o acaban en él y otras no, o si alguna lo hace dos veces seguidas.
    """
    zero = ids == 0
    ends = zero[:, 0] | zero[:, -1]
    twice = zero[:, :2].all(dim=1) | zero[:, -2:].all(dim=1)
    if bool((ends.any() and not ends.all()) or (ids.shape[1] > 1 and twice.any())):
        print(
            "Aviso: algún texto empieza o acaba en <unk>, que es también el relleno, y sin attention_mask se lee como "
            "si fuera texto: pásala si lo has rellenado."
        )


def check_room(prompt: int, new: int, n_positions: int) -> None:
    """Un texto de `prompt` tokens no está vacío y caben `new` tokens más en `n_positions`."""
    if not isinstance(new, Integral) or isinstance(new, bool) or new < 0:
        raise ValueError(f"Los tokens nuevos tienen que ser un entero de 0 en adelante y son {new!r}.")
    if prompt == 0:
        raise ValueError(
            f"El texto de partida tiene 0 tokens (el modelo admite de 1 a {n_positions}): GPT-1 no tiene token de "
            "inicio, así que escribe al menos una palabra."
        )
    if prompt + new > n_positions:
        room = n_positions - prompt
        ask_less = f"pide como mucho {room} tokens nuevos o " if room > 0 else ""
        raise ValueError(
            f"El texto de partida ({prompt} tokens) más los nuevos ({new}) suman {prompt + new} y este modelo solo "
            f"tiene {n_positions} posiciones: {ask_less}recorta el principio del texto."
        )


def check_flags(**flags) -> None:
    """Son `True` o `False`: un texto, como «no», contaría como `True`."""
    for name, value in flags.items():
        if not (isinstance(value, Integral) and value in (0, 1)):
            raise ValueError(f"{name} tiene que ser True o False y es {value!r:.40}.")


def refuse_logits(logits: torch.Tensor) -> None:
    """Lanza `ValueError`: entre unos logits que no son números no se puede elegir."""
    found = (
        "NaN" if bool(logits.isnan().any()) else "inf" if bool((logits == math.inf).any()) else "solo -inf"
    )
    raise ValueError(
        f"No se puede elegir entre estos logits, que traen {found}: revisa las cuentas o los pesos de que salen."
    )
