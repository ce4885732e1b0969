"""Lo que se le puede dar a un modelo para que lea o escriba: ids, máscaras, posiciones, caché y ajustes de `generate`.

Cada `check_…` lanza `ValueError`, con una frase que dice qué hay y qué hace falta: sin ella, muchos de estos errores
darían otro resultado sin avisar, o un fallo lejos de su causa.
"""

import math
from difflib import get_close_matches
from inspect import signature
from numbers import Integral

import numpy
import torch
from transformers import GenerationConfig, PreTrainedModel
from transformers.cache_utils import Cache
from transformers.generation import GenerationMixin, LogitsProcessor

from helpers.rules import BELOW_ONE, FRACTION, POSITIVE, Rule

# Lo que se le puede dar al modelo por su nombre: lo demás lo pasa por alto, como todos los de transformers.
NAMES = (
    "input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds", "past_key_values", "use_cache",
    "labels", "logits_to_keep", "output_attentions", "output_hidden_states",
)  # fmt: skip
# Los ajustes de `generate` que tiene sentido pedirle a un GPT-1. Con otros valores, transformers da un error suyo, otro
# resultado sin decirlo o no acaba nunca.
SETTINGS = {
    **dict.fromkeys(("num_beams", "num_return_sequences", "max_new_tokens", "max_length"), Rule(int, 1)),
    **dict.fromkeys(("min_new_tokens", "min_length", "top_k", "no_repeat_ngram_size"), Rule(int, 0)),
    **dict.fromkeys(("top_p", "typical_p", "top_h"), Rule(float, 0, 1, open=(0,))),
    **dict.fromkeys(("epsilon_cutoff", "eta_cutoff"), BELOW_ONE),
    **dict.fromkeys(("temperature", "repetition_penalty", "max_time"), POSITIVE),
    "min_p": FRACTION,
    "length_penalty": Rule(float),
    "early_stopping": Rule(str, also=(True, False, "never")),
}
BRANCHES = ("num_beams", "num_return_sequences")  # no hay más que tokens, y con millones no se acaba nunca
FLAGS = (
    "do_sample", "use_cache", "renormalize_logits", "remove_invalid_values", "return_dict_in_generate",
    "output_attentions", "output_hidden_states", "output_scores", "output_logits",
)  # fmt: skip
# Los que llevan ids del vocabulario: cómo se dice y entre cuántas listas, de menos a más.
ONE, ONE_OR_MORE, SEVERAL = ("un id", 0, 0), ("un id o una lista de ids", 0, 1), ("una lista de ids", 1, 1)
TOKENS = {
    "pad_token_id": ONE,
    "bos_token_id": ONE,
    "forced_bos_token_id": ONE,
    "eos_token_id": ONE_OR_MORE,
    "forced_eos_token_id": ONE_OR_MORE,
    "suppress_tokens": SEVERAL,
    "begin_suppress_tokens": SEVERAL,
    "bad_words_ids": ("una lista de listas de ids", 2, 2),
}
# Cuándo no cuenta un ajuste: transformers lo pasa por alto y avisa en inglés.
USELESS = {
    "sin do_sample=True": (
        "temperature", "top_k", "top_p", "min_p", "top_h", "typical_p", "epsilon_cutoff", "eta_cutoff",
    ),
    "con un solo haz (num_beams)": ("early_stopping", "length_penalty"),
    "sin return_dict_in_generate=True": (
        "output_attentions", "output_hidden_states", "output_scores", "output_logits",
    ),
    "con max_new_tokens": ("max_length",),
    "con min_new_tokens": ("min_length",),
    "con use_cache=False": ("cache_implementation", "cache_config"),
}  # fmt: skip
DEFAULT_NEW = 20  # los tokens nuevos que escribe transformers si no se le dice
THEIRS = ("transformers", "torch", "huggingface_hub")
TOKENIZERS = ("tokenizer", "assistant_tokenizer", "trust_remote_code")  # los lee `generate` entre los demás


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


# --- cómo continúa -------------------------------------------------------------------------------------------


def settings_in(config: GenerationConfig | None) -> dict:
    """Los ajustes cambiados en `config`, como si se pidieran por su nombre: transformers avisa si se mezclan."""
    if config is None:
        return {}
    if not isinstance(config, GenerationConfig):
        raise ValueError(f"generation_config tiene que ser un `GenerationConfig` y es {config!r:.60}.")
    untouched = vars(GenerationConfig())
    return {
        name: value
        for name, value in vars(config).items()
        if not name.startswith("_") and value is not None and value != untouched.get(name)
    }


def settled(asked: dict, settings: GenerationConfig, config, prompt: int) -> tuple[dict, int]:
    """Los ajustes pedidos a `generate` (`asked`) sin los que no cuentan, que se dicen, y cuántos tokens nuevos piden.

    Se comprueban con los que trae el modelo (`settings`); `prompt` son los tokens del texto de partida. Lo que no está
    en las tablas de arriba lo comprueba transformers, y `explain` lo cuenta.
    """
    vocab_size = config.vocab_size

    def wanted(name):
        return asked.get(name, getattr(settings, name, None))

    check_flags(**{name: wanted(name) for name in FLAGS if wanted(name) is not None})
    for name, rule in SETTINGS.items():
        value = wanted(name)
        if name == "temperature" and not wanted("do_sample") and type(value) in (int, float) and value == 0:
            continue  # así se escribe a menudo «sin sortear», y sin sortear no cuenta
        rule = rule._replace(high=vocab_size) if name in BRANCHES else rule
        if value is not None and not rule.accepts(value):
            raise ValueError(f"{name} tiene que ser {rule} y es {value!r:.40}.")
    for name, (told, *depth) in TOKENS.items():
        if wanted(name) is not None and not _are_ids(wanted(name), *depth, vocab_size):
            raise ValueError(
                f"{name} tiene que ser {told} del vocabulario, de 0 a {vocab_size - 1}, y es {wanted(name)!r:.40}."
            )
    _check_companions(asked)
    new, total = wanted("max_new_tokens"), wanted("max_length")
    if new is None and total is None:
        new = asked["max_new_tokens"] = max(min(DEFAULT_NEW, config.n_positions - prompt), 1)
        print(f"Aviso: no dices cuántos tokens quieres (max_new_tokens) y escribo hasta {new}.")
    new = total - prompt if new is None else new
    _check_together(wanted, prompt, new)
    useless = (
        not wanted("do_sample"),
        (wanted("num_beams") or 1) == 1,
        not wanted("return_dict_in_generate"),
        wanted("max_new_tokens") is not None,
        wanted("min_new_tokens") is not None,
        wanted("use_cache") is False,
    )
    for (when, names), ignored in zip(USELESS.items(), useless, strict=True):
        if ignored:
            if told := [name for name in names if asked.get(name)]:
                print(f"Aviso: {when} no cuenta {', '.join(told)}.")
            asked = {name: value for name, value in asked.items() if name not in names}
    whole = [name for name in asked if name in SETTINGS and SETTINGS[name].kind is float]
    # transformers no admite un 2 por un 2.0
    return asked | {name: float(asked[name]) for name in whole if asked[name] is not None}, new


def _are_ids(value, least: int, most: int, vocab_size: int) -> bool:
    """¿Son ids del vocabulario, entre `least` y `most` listas?"""
    value = value.tolist() if isinstance(value, torch.Tensor | numpy.ndarray) else value
    if isinstance(value, list | tuple):
        if not most or not (
            least or value
        ):  # una lista vacía no es «un id o varios», pero puede ser «ninguno»
            return False
        return all(_are_ids(one, max(least - 1, 0), most - 1, vocab_size) for one in value)
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return least == 0 and whole and 0 <= value < vocab_size


def _check_together(wanted, prompt: int, new: int) -> None:
    """Los ajustes que se dan casan unos con otros."""
    texts, beams = wanted("num_return_sequences") or 1, wanted("num_beams") or 1
    if texts > beams and (beams > 1 or not wanted("do_sample")):
        raise ValueError(
            f"num_return_sequences={texts} pide más textos que haces (num_beams={beams}): pide más haces o, con uno "
            "solo, do_sample=True."
        )
    if new < 1:
        raise ValueError(
            f"El texto de partida tiene {prompt} tokens y con max_length={prompt + new} no queda sitio para ninguno "
            "nuevo: pide max_new_tokens."
        )
    least = max(wanted("min_new_tokens") or 0, (wanted("min_length") or 0) - prompt)
    if least > new:
        raise ValueError(
            f"Pides al menos {least} tokens nuevos (min_new_tokens, min_length) y como mucho {new} (max_new_tokens, "
            "max_length): sube lo segundo o baja lo primero."
        )


def _check_companions(asked) -> None:
    """Lo que acompaña a la generación es lo que parece: la caché, quien la escribe, los filtros, el ayudante."""
    check_cache(asked.get("past_key_values"))
    streamer = asked.get("streamer")
    made = hasattr(streamer, "put") and hasattr(streamer, "end") and not isinstance(streamer, type)
    if streamer is not None and not made:
        raise ValueError(
            f"streamer tiene que ser como TextStreamer(tokenizer), con put y end, y es {streamer!r:.40}."
        )
    for name in ("logits_processor", "stopping_criteria"):
        found = asked.get(name)
        if found is not None and not (isinstance(found, list | tuple) and all(map(callable, found))):
            raise ValueError(f"{name} tiene que ser una lista de funciones y es {found!r:.40}.")
    chooses = asked.get("prefix_allowed_tokens_fn")
    if chooses is not None and not callable(chooses):
        raise ValueError(f"prefix_allowed_tokens_fn tiene que ser una función y es {chooses!r:.40}.")
    helper = asked.get("assistant_model")
    if helper is not None and not isinstance(helper, PreTrainedModel):
        raise ValueError(
            f"assistant_model tiene que ser un modelo, como el que da models.load, y es {helper!r:.40}."
        )
    for name in ("position_ids", "logits_to_keep"):  # los lleva la propia generación, token a token
        # un número, como el 1 que pone transformers al generar con ayudante, deja siempre la última
        if asked.get(name) is not None and not (name == "logits_to_keep" and type(asked[name]) is int):
            raise ValueError(f"generate calcula {name} en cada token: quítalo, o llama al modelo con él.")


def explain(error: Exception, asked: dict) -> None:
    """Lanza `ValueError`, con una frase, si falla transformers y se le ha pedido algo que no está en las tablas.

    Los errores de este curso y los de las funciones de quien llama ya dicen lo suyo.
    """
    place = error.__traceback__
    while place.tb_next:
        place = place.tb_next
    if place.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in THEIRS:
        return
    ours = {*SETTINGS, *FLAGS, *NAMES} - {"token_type_ids"}  # al modelo se le puede dar; a `generate`, no
    known = {*vars(GenerationConfig()), *signature(GenerationMixin.generate).parameters, *TOKENIZERS, *ours}
    names = [name for name, value in asked.items() if value is not None and name not in ours]
    for name in names:
        if name not in known:
            meant = get_close_matches(name, known, 1, 0.6)
            hint = f"¿querías decir {meant[0]}?" if meant else "quítalo."
            raise ValueError(f"generate no conoce {name}: {hint}") from error
    if names:
        told = " ".join(f"{error}".split()) or type(error).__name__
        raise ValueError(
            f"transformers no sabe generar con {', '.join(names)} así: «{told:.200}»."
        ) from error


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


class OnlyNumbers(LogitsProcessor):
    """De un NaN, `argmax` y los haces elegirían uno sin decirlo."""

    def __call__(self, input_ids, scores):
        if bool(scores.isnan().any()):
            refuse_logits(scores)
        return scores
