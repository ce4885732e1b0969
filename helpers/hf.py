"""El decodificador de `helpers.gpt` como modelo de `transformers`: relleno, caché, límites, pérdida y `generate`.

Mismos parámetros, mismos nombres y mismos logits que `OpenAIGPTLMHeadModel`, que en `transformers` 5 no tiene
caché y recalcula todo el prefijo en cada token (tests/benchmarks lo mide). La caché se explica en la lección 05.
"""

import math
from contextlib import contextmanager
from difflib import get_close_matches
from numbers import Integral, Real

import torch
from torch import nn
from torch.nn import functional as F
from transformers import GenerationConfig, OpenAIGPTLMHeadModel
from transformers.cache_utils import Cache, DynamicCache
from transformers.generation import GenerationMixin, LogitsProcessor, LogitsProcessorList
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.models.openai.modeling_openai import OpenAIGPTPreTrainedModel
from transformers.utils import can_return_tuple, logging

from helpers.gpt import GPT1, causal_mask

# Lo que se le puede dar al modelo por su nombre: lo demás lo pasa por alto, como todos los de transformers.
NAMES = (
    "input_ids", "attention_mask", "token_type_ids", "position_ids", "inputs_embeds", "past_key_values", "use_cache",
    "labels", "logits_to_keep", "output_attentions", "output_hidden_states",
)  # fmt: skip


class GPT1Model(GPT1, OpenAIGPTPreTrainedModel):
    """El cuerpo del modelo: embeddings de token y posición y `n_layer` bloques, sin la salida."""

    _supports_sdpa = True
    _input_embed_layer = "tokens_embed"

    def __init__(self, config):
        super().__init__(config, config)
        self.post_init()

    def forward(
        self, input_ids=None, attention_mask=None, token_type_ids=None, position_ids=None, inputs_embeds=None,
        past_key_values=None, use_cache=None, output_attentions=None, output_hidden_states=None, **kwargs,
    ):  # fmt: skip
        """Estados ocultos del texto.

        - `input_ids` [lote, T] (o `inputs_embeds` [lote, T, n_embd]): solo los tokens que no están en la caché.
        - `attention_mask` [lote, T_total], 1 = token real: vale el relleno por la derecha o por la izquierda.
        - Devuelve `BaseModelOutputWithPast` con `last_hidden_state` [lote, T, n_embd].

        Lanza `ValueError` si no hay tokens, si no caben en `n_positions`, si no son ids [lote, T] del vocabulario o si
        la máscara no tiene una columna por token.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Pasa input_ids o inputs_embeds: exactamente uno de los dos.")
        compiling = torch.compiler.is_compiling()  # entonces el camino no puede depender de los valores
        if kwargs and not compiling:
            _check_names(kwargs)
        _check_cache(past_key_values)
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        past = 0 if past_key_values is None else int(past_key_values.get_seq_length())
        x = inputs_embeds
        if x is None:
            # Mirar los ids de una GPU obliga a esperarla: allí, solo al empezar un texto y sin entrenar.
            check_ids(input_ids, self.config.vocab_size, on_gpu=not (past or self.training))
            x = self.tokens_embed(input_ids)
        else:
            _check_embeds(x, self.config.n_embd)
        batch, length, _ = x.shape
        fixed_size = getattr(past_key_values, "is_compileable", False)
        total = _cache_size(past_key_values) if fixed_size else past + length
        if not compiling and past + length > total:
            raise ValueError(
                f"En la caché caben {total} tokens y con estos serían {past + length}: pide una mayor (max_cache_len)."
            )

        # la que ya ha preparado transformers: una fila por token, booleana o de sumandos
        ready = isinstance(attention_mask, torch.Tensor) and attention_mask.dim() == 4
        ready = (
            ready
            and attention_mask.shape[2] == length
            and attention_mask.dtype not in (torch.int64, torch.int32)
        )
        padding = None if ready else attention_mask
        if padding is not None:
            _check_mask(padding, batch, past + length)
            if not compiling and bool(padding.all()):
                padding = None  # sin relleno no hace falta máscara y SDPA elige su camino rápido
        if position_ids is None:
            if padding is None:
                position_ids, last = torch.arange(past, past + length, device=x.device)[None], past + length
            else:
                position_ids = positions(padding)[:, -length:]
                last = 0 if compiling else int(position_ids.max()) + 1
            _check_length(last, length, self.config.n_positions)
        else:
            _check_positions(position_ids, batch, length, self.config.n_positions)
        if token_type_ids is not None:
            check_ids(token_type_ids, self.config.vocab_size, on_gpu=not (past or self.training))
            _check_shape("token_type_ids", token_type_ids, batch, length)
            x = x + self.tokens_embed(token_type_ids)
        if ready:
            mask = attention_mask if attention_mask.dtype == torch.bool else attention_mask >= 0
        else:
            mask = _attention_mask(padding, past, length, total, x.device)

        if output_attentions is None:
            output_attentions = self.config.output_attentions
        if output_hidden_states is None:
            output_hidden_states = self.config.output_hidden_states
        explicit = output_attentions or self.config._attn_implementation == "eager"
        trace = [] if output_attentions or output_hidden_states else None
        x = self.hidden(x, position_ids, mask, past_key_values, explicit, trace)
        return BaseModelOutputWithPast(
            last_hidden_state=x,
            past_key_values=past_key_values,
            hidden_states=tuple(state for state, _ in trace) if output_hidden_states else None,
            attentions=tuple(weights for _, weights in trace[1:]) if output_attentions else None,
        )


class GPT1LMHeadModel(OpenAIGPTLMHeadModel):
    """GPT-1 como modelo de lenguaje: el cuerpo más una salida que comparte pesos con los embeddings.

    Carga los mismos pesos que `OpenAIGPTLMHeadModel` y da los mismos logits; `generate()` (voraz, muestreo, haces,
    lotes, «streamers») usa la caché. Artículo §3.1. Lecciones 04, 05 y 08.
    """

    _supports_sdpa = True
    # Los pesos del Hub traen la máscara causal guardada como si fuera un parámetro: aquí se calcula.
    _keys_to_ignore_on_load_unexpected = [r"\.attn\.bias$"]
    prepare_inputs_for_generation = GenerationMixin.prepare_inputs_for_generation

    def __init__(self, config):
        OpenAIGPTPreTrainedModel.__init__(self, config)  # el cuerpo de transformers no se llega a crear
        self.loss_type = "ForCausalLM"
        self.transformer = GPT1Model(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.post_init()

    @can_return_tuple
    def forward(self, input_ids=None, labels=None, logits_to_keep=0, **kwargs):
        """`input_ids` [lote, T] → `CausalLMOutputWithPast` con `logits` [lote, T, vocabulario].

        Con `labels` (los mismos ids; -100 = no cuenta) añade `loss`: entropía cruzada media en nats por token. Los
        `labels` se desplazan aquí dentro. `logits_to_keep=n` calcula solo las `n` últimas posiciones. Lo demás, y los
        errores, como en `GPT1Model`.
        """
        if isinstance(logits_to_keep, torch.Tensor):  # las posiciones que se quieren
            right = logits_to_keep.dim() == 1 and logits_to_keep.dtype in (torch.int64, torch.int32)
        else:
            right = isinstance(logits_to_keep, Integral) and logits_to_keep >= 0
        if not right:
            raise ValueError(
                "logits_to_keep tiene que ser un entero de 0 (todas las posiciones) en adelante y es "
                f"{logits_to_keep!r:.40}."
            )
        body = self.transformer(input_ids, **kwargs)
        if labels is not None:
            _check_labels(labels, *body.last_hidden_state.shape[:2], self.config.vocab_size)
            labels = labels.long()
            if isinstance(logits_to_keep, torch.Tensor) or logits_to_keep != 0:
                raise ValueError(
                    "labels pide la pérdida de todas las posiciones y logits_to_keep deja unas pocas: quita uno de los "
                    "dos."
                )
        keep = slice(-logits_to_keep, None) if isinstance(logits_to_keep, Integral) else logits_to_keep
        logits = self.lm_head(body.last_hidden_state[:, keep])
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs
            )
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=body.past_key_values,
            hidden_states=body.hidden_states,
            attentions=body.attentions,
        )

    def generate(self, inputs=None, generation_config=None, **kwargs):
        """Como `generate` de `transformers`, pero comprueba el texto de partida antes de empezar: `check_prompt`."""
        ids = inputs if inputs is not None else kwargs.get("input_ids")
        embeds = kwargs.get("inputs_embeds")
        if ids is None and embeds is not None:
            _check_embeds(embeds, self.config.n_embd)
            _check_left(kwargs.get("attention_mask"), *embeds.shape[:2])
        if ids is not None:
            settings = generation_config if generation_config is not None else self.generation_config
            if not isinstance(settings, GenerationConfig):
                raise ValueError(
                    f"generation_config tiene que ser un `GenerationConfig` y es {settings!r:.60}."
                )
            _check_settings(kwargs, settings, self.config.vocab_size)
            mask, pad = kwargs.get("attention_mask"), kwargs.get("pad_token_id", settings.pad_token_id)
            new = kwargs.get("max_new_tokens", settings.max_new_tokens)
            limit = kwargs.get("max_length", settings.max_length)
            check_ids(ids, self.config.vocab_size)
            _check_pad(pad, self.config.vocab_size)
            if mask is None and pad is not None:
                # transformers solo la deduce si `forward` la nombra; sin ella, el relleno contaría
                mask = kwargs["attention_mask"] = (ids != pad).long()
            if new is None:
                new = max((limit or 0) - ids.shape[-1], 0)
            check_prompt(ids, mask, new, self.config)
            if mask is None:
                warn_if_padded(ids)
        given = kwargs.get("logits_processor")
        if given is None or isinstance(given, list):
            kwargs["logits_processor"] = LogitsProcessorList([_OnlyNumbers(), *(given or ())])
        return super().generate(inputs, generation_config=generation_config, **kwargs)


@contextmanager
def evaluating(model):
    """Dentro de `with evaluating(model):`, sin gradientes ni dropout; al salir, el modelo queda como estaba.

    También si hay un error: una sonda mide en pleno entrenamiento, que debe poder seguir.
    """
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        model.train(training)


def _check_settings(asked: dict, settings: GenerationConfig, vocab_size: int) -> None:
    """Los ajustes de `generate` con los que transformers daría otra cosa sin decirlo, o un error de otro sitio."""
    # más haces que tokens no hay al empezar, y con millones no se acaba nunca
    whole = {"num_beams": (1, vocab_size), "num_return_sequences": (1, vocab_size), "max_length": (1, None)}
    for name, (low, high) in (whole | {"min_new_tokens": (0, None), "top_k": (0, None)}).items():
        value = asked.get(name, getattr(settings, name))
        whole_number = isinstance(value, Integral) and not isinstance(value, bool)
        right = whole_number and low <= value and (high is None or value <= high)
        if value is not None and not right:
            told = f"de {low} en adelante" if high is None else f"de {low} a {high}"
            raise ValueError(f"{name} tiene que ser un entero {told} y es {value!r:.40}.")
    sampled = asked.get("do_sample", settings.do_sample)
    for name, high in (("temperature", math.inf), ("top_p", 1)):
        value = asked.get(name, getattr(settings, name))
        if name == "temperature" and not sampled and type(value) in (int, float) and value == 0:
            continue  # así se escribe a menudo «sin sortear», y sin sortear no cuenta
        number = isinstance(value, Real) and not isinstance(value, bool)
        if value is not None and not (number and 0 < value <= high and value < math.inf):
            told = " y menor o igual que 1" if high == 1 else ""
            raise ValueError(f"{name} tiene que ser un número mayor que 0{told} y es {value!r:.40}.")
    check_flags(**{name: asked[name] for name in ("do_sample", "use_cache") if asked.get(name) is not None})
    _check_cache(asked.get("past_key_values"))
    streamer = asked.get("streamer")
    made = hasattr(streamer, "put") and hasattr(streamer, "end") and not isinstance(streamer, type)
    if streamer is not None and not made:
        raise ValueError(
            f"streamer tiene que ser como TextStreamer(tokenizer), con put y end, y es {streamer!r:.40}."
        )
    for name in ("position_ids", "logits_to_keep"):  # los lleva la propia generación, token a token
        # un número, como el 1 que pone transformers al generar con ayudante, deja siempre la última
        if asked.get(name) is not None and not (name == "logits_to_keep" and type(asked[name]) is int):
            raise ValueError(f"generate calcula {name} en cada token: quítalo, o llama al modelo con él.")


def check_flags(**flags) -> None:
    """Lanza `ValueError` si alguno no es `True` o `False`: un texto, como «no», contaría como `True`."""
    for name, value in flags.items():
        if not (isinstance(value, Integral) and value in (0, 1)):
            raise ValueError(f"{name} tiene que ser True o False y es {value!r:.40}.")


def check_prompt(ids, attention_mask, new: int, config) -> None:
    """Comprueba que un modelo con esa `config` puede añadir `new` tokens a `ids` [lote, T], con o sin máscara.

    Lanza `ValueError` si no son ids del vocabulario, si el texto está vacío, si el relleno está a la derecha (el token
    nuevo saldría detrás del relleno y no del texto) o si no hay sitio en `n_positions`.
    """
    check_ids(ids, config.vocab_size)
    prompt = ids.shape[1]
    if attention_mask is not None and prompt:
        _check_left(attention_mask, *ids.shape)
        prompt = int(attention_mask.sum(-1).max())
    check_room(prompt, new, config.n_positions)


def _check_left(attention_mask, batch: int, length: int) -> None:
    """La máscara de un texto que se va a continuar: el relleno no puede estar a la derecha."""
    if attention_mask is None:
        return
    _check_mask(attention_mask, batch, length)
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


def refuse_logits(logits: torch.Tensor) -> None:
    """Lanza `ValueError`: entre unos logits que no son números no se puede elegir."""
    found = (
        "NaN" if bool(logits.isnan().any()) else "inf" if bool((logits == math.inf).any()) else "solo -inf"
    )
    raise ValueError(
        f"No se puede elegir entre estos logits, que traen {found}: revisa las cuentas o los pesos de que salen."
    )


class _OnlyNumbers(LogitsProcessor):
    """De un NaN, `argmax` y los haces elegirían uno sin decirlo."""

    def __call__(self, input_ids, scores):
        if bool(scores.isnan().any()):
            refuse_logits(scores)
        return scores


def _check_names(given) -> None:
    """Lanza `ValueError` si uno parece otro mal escrito: `atention_mask` se pasaría por alto, con otro resultado."""
    for name in given:
        meant = get_close_matches(name, NAMES, 1, 0.85)
        if meant and name not in NAMES:
            raise ValueError(f"El modelo no conoce {name}: ¿querías decir {meant[0]}?")


def _check_cache(cache) -> None:
    if cache is not None and not isinstance(cache, Cache):
        raise ValueError(f"past_key_values tiene que ser una caché, como DynamicCache(), y es {cache!r:.40}.")


def _check_embeds(embeds, n_embd: int) -> None:
    right = isinstance(embeds, torch.Tensor) and embeds.is_floating_point()
    if not right or embeds.dim() != 3 or embeds.shape[-1] != n_embd:
        found = (
            f"{embeds.dtype} {list(embeds.shape)}" if isinstance(embeds, torch.Tensor) else f"{embeds!r:.40}"
        )
        raise ValueError(
            f"inputs_embeds tiene que ser un tensor de números con decimales [lote, T, {n_embd}] y es {found}."
        )


def _check_pad(pad, vocab_size: int) -> None:
    pad = pad.item() if isinstance(pad, torch.Tensor) and pad.numel() == 1 else pad
    if pad is not None and not (isinstance(pad, Integral) and 0 <= pad < vocab_size):
        raise ValueError(
            f"pad_token_id tiene que ser un id del vocabulario, de 0 a {vocab_size - 1}, y es {pad!r:.40}."
        )


def check_ids(ids, vocab_size: int, on_gpu: bool = True) -> None:
    """Lanza `ValueError` si `ids` no es un tensor de enteros [lote, T] o si alguno no es un id del vocabulario.

    Con `on_gpu=False` no mira los valores que están en una GPU; compilado, ninguno.
    """
    if not isinstance(ids, torch.Tensor):
        raise ValueError(
            f"Los ids de los tokens son {type(ids).__name__} y hace falta un tensor de enteros [lote, T]: usa "
            'tokenizer(texto, return_tensors="pt").input_ids.'
        )
    if ids.dim() != 2:
        raise ValueError(
            f"Los ids tienen la forma {list(ids.shape)} y hace falta [lote, T]: con un solo texto, pasa ids[None]."
        )
    if ids.dtype not in (torch.int64, torch.int32):
        raise ValueError(f"Los ids son de tipo {ids.dtype} y hacen falta enteros: pasa ids.long().")
    look = (on_gpu or ids.device.type == "cpu") and not torch.compiler.is_compiling()
    if look and ids.numel():
        low, high = (int(value) for value in ids.aminmax())
        if low < 0 or high >= vocab_size:
            raise ValueError(
                f"El id {low if low < 0 else high} no está en el vocabulario, que va de 0 a {vocab_size - 1}: usa el "
                "tokenizador de este modelo."
            )


def check_room(prompt: int, new: int, n_positions: int) -> None:
    """Lanza `ValueError` si un texto de `prompt` tokens está vacío o no caben `new` tokens más en `n_positions`."""
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


def _check_length(total: int, length: int, n_positions: int) -> None:
    if length == 0:
        check_room(0, 0, n_positions)
    if total > n_positions:
        raise ValueError(
            f"El texto tiene {total} tokens y este modelo solo tiene {n_positions} posiciones: recórtalo a "
            f"{n_positions} (por ejemplo con truncation=True en el tokenizador)."
        )


def _check_positions(position_ids, batch: int, length: int, n_positions: int) -> None:
    _check_shape("position_ids", position_ids, batch, length)
    # en una GPU, mirar los valores la haría esperar a cada token
    look = position_ids.device.type == "cpu" and not torch.compiler.is_compiling() and position_ids.numel()
    if look and not (0 <= int(position_ids.min()) and int(position_ids.max()) < n_positions):
        raise ValueError(
            f"position_ids va de {int(position_ids.min())} a {int(position_ids.max())} y este modelo tiene las "
            f"posiciones de la 0 a la {n_positions - 1}."
        )


def _check_shape(name: str, ids, batch: int, length: int) -> None:
    whole = isinstance(ids, torch.Tensor) and ids.dtype in (torch.int64, torch.int32)
    if not whole or ids.shape not in ((batch, length), (1, length)):
        found = f"de forma {list(ids.shape)}" if whole else f"{ids!r:.40}"
        raise ValueError(
            f"{name} tiene que ser un tensor de enteros {[batch, length]}, uno por token, y es {found}."
        )


def _check_labels(labels, batch: int, length: int, vocab_size: int) -> None:
    _check_shape("labels", labels, batch, length)
    if len(labels) != batch:
        raise ValueError(f"labels tiene {len(labels)} textos y los ids {batch}: hace falta uno por texto.")
    look = labels.device.type == "cpu" and not torch.compiler.is_compiling()
    wrong = labels[(labels != -100) & ((labels < 0) | (labels >= vocab_size))] if look else ()
    if len(wrong):
        raise ValueError(
            f"labels lleva {int(wrong[0])}, que no está en el vocabulario (de 0 a {vocab_size - 1}); lo que no cuenta "
            "lleva -100."
        )


def _check_ones(attention_mask) -> None:
    if attention_mask.dtype != torch.bool and not bool(((attention_mask == 0) | (attention_mask == 1)).all()):
        raise ValueError(
            "attention_mask lleva un 1 por token real y un 0 por relleno, y aquí hay otros valores."
        )


def _check_mask(attention_mask, batch: int, total: int) -> None:
    if not isinstance(attention_mask, torch.Tensor):
        raise ValueError(
            f"attention_mask es {type(attention_mask).__name__} y se esperaba un tensor de unos y ceros."
        )
    # en una GPU, mirar los valores a cada token la haría esperar; allí los mira `check_prompt` una vez
    if attention_mask.device.type == "cpu" and not torch.compiler.is_compiling():
        _check_ones(attention_mask)
    if attention_mask.shape not in ((batch, total), (1, total)):
        raise ValueError(
            f"attention_mask tiene la forma {list(attention_mask.shape)} y hace falta {[batch, total]}: un 1 o un 0 "
            "por token, también por los que ya están en la caché."
        )


def positions(attention_mask):
    """Posición de cada token [lote, T] según su máscara; el relleno no cuenta, esté al lado que esté."""
    return (attention_mask.long().cumsum(-1) - 1).clamp(min=0)


def _attention_mask(padding, past, length, total, device):
    """Máscara booleana [lote o 1, 1, T, total] o `None` si basta la causal de SDPA (sin caché ni relleno).

    `total` son las claves que verá la atención: más de `past + length` si la caché es de tamaño fijo.
    """
    if padding is None and total == past + length and (past == 0 or length == 1):
        return None
    causal = causal_mask(length, total, past, device)[None, None]  # [1, 1, T, total]
    if padding is None:
        return causal
    return causal & F.pad(padding.bool(), (0, total - padding.shape[1]))[:, None, None]  # [lote, 1, T, total]


def _cache_size(cache) -> int:
    """Las posiciones de una caché de tamaño fijo; el método cambió de nombre entre transformers 5.15 y 5.23."""
    size = getattr(cache, "get_max_length", None) or cache.get_max_cache_shape
    return size()


@contextmanager
def silence():
    """Sin los avisos ni las barras de transformers, que están en inglés: los errores siguen llegando."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
