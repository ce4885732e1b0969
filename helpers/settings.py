"""Los ajustes de `generate`: cuáles puede tener un GPT-1, cuáles no cuentan y qué pasa con los que no admite."""

from difflib import get_close_matches
from inspect import signature
from numbers import Integral

import numpy
import torch
from transformers import GenerationConfig, PreTrainedModel
from transformers.generation import GenerationMixin, LogitsProcessor

from helpers import given
from helpers.rules import BELOW_ONE, FRACTION, POSITIVE, Rule

# Los que tiene sentido pedirle a un GPT-1. Con otros valores, transformers da un error suyo, otro
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
NEUTRAL = {
    "temperature": 1,
    "top_k": 50,
    "top_p": 1,
    "typical_p": 1,
    "length_penalty": 1,
}  # lo mismo que no pedirlos
DEFAULT_NEW = 20  # los tokens nuevos que escribe transformers si no se le dice
THEIRS = ("transformers", "torch", "huggingface_hub")
TOKENIZERS = ("tokenizer", "assistant_tokenizer", "trust_remote_code")  # los lee `generate` entre los demás


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

    given.check_flags(**{name: wanted(name) for name in FLAGS if wanted(name) is not None})
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
            told = [name for name in names if asked.get(name) and asked[name] != NEUTRAL.get(name)]
            if told and not asked.get(
                "is_assistant"
            ):  # a un ayudante se lo pide transformers, y no quien lee
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
    given.check_cache(asked.get("past_key_values"))
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
    ours = {*SETTINGS, *FLAGS, *given.NAMES} - {
        "token_type_ids"
    }  # al modelo se le puede dar; a `generate`, no
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


class OnlyNumbers(LogitsProcessor):
    """De un NaN, `argmax` y los haces elegirían uno sin decirlo."""

    def __call__(self, input_ids, scores):
        if bool(scores.isnan().any()):
            given.refuse_logits(scores)
        return scores
