"""El decodificador de `helpers.gpt` como modelo de `transformers`: relleno, caché, límites, pérdida y `generate`.

Mismos parámetros, mismos nombres y mismos logits que `OpenAIGPTLMHeadModel`, que en `transformers` 5 no tiene
caché y recalcula todo el prefijo en cada token (tests/benchmarks lo mide). La caché se explica en la lección 05.
"""

from contextlib import contextmanager
from numbers import Integral

import torch
from torch import nn
from torch.nn import functional as F
from transformers import OpenAIGPTLMHeadModel
from transformers.cache_utils import DynamicCache
from transformers.generation import GenerationMixin, LogitsProcessorList
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.models.openai.modeling_openai import OpenAIGPTPreTrainedModel
from transformers.utils import can_return_tuple, logging

from helpers import chunked, given, settings
from helpers.gpt import GPT1, causal_mask


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
            given.check_names(kwargs)
        given.check_cache(past_key_values)
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        past = 0 if past_key_values is None else int(past_key_values.get_seq_length())
        x = inputs_embeds
        if x is None:
            # Mirar los ids de una GPU obliga a esperarla: allí, solo al empezar un texto y sin entrenar.
            given.check_ids(input_ids, self.config.vocab_size, on_gpu=not (past or self.training))
            x = self.tokens_embed(input_ids)
        else:
            given.check_embeds(x, self.config.n_embd)
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
            given.check_mask(padding, batch, past + length)
            if not compiling and bool(padding.all()):
                padding = None  # sin relleno no hace falta máscara y SDPA elige su camino rápido
        if position_ids is None:
            if padding is None:
                position_ids, last = torch.arange(past, past + length, device=x.device)[None], past + length
            else:
                position_ids = positions(padding)[:, -length:]
                last = 0 if compiling else int(position_ids.max()) + 1
            given.check_length(last, length, self.config.n_positions)
        else:
            given.check_positions(position_ids, batch, length, self.config.n_positions)
        if token_type_ids is not None:
            given.check_ids(token_type_ids, self.config.vocab_size, on_gpu=not (past or self.training))
            given.check_shape("token_type_ids", token_type_ids, batch, length)
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
    def forward(self, input_ids=None, labels=None, logits_to_keep=0, return_logits=True, **kwargs):
        """`input_ids` [lote, T] → `CausalLMOutputWithPast` con `logits` [lote, T, vocabulario].

        Con `labels` (los mismos ids; -100 = no cuenta) añade `loss`: entropía cruzada media en nats por token. Los
        `labels` se desplazan aquí dentro. `logits_to_keep=n` calcula solo las `n` últimas posiciones. Con
        `return_logits=False`, al entrenar, la pérdida sale por trozos y no hay `logits`. Lo demás, y los errores, como
        en `GPT1Model`.
        """
        given.check_kept(logits_to_keep)
        body = self.transformer(input_ids, **kwargs)
        if labels is not None:
            given.check_labels(
                labels, logits_to_keep, *body.last_hidden_state.shape[:2], self.config.vocab_size
            )
            labels = labels.long()
        if not (return_logits or labels is None) and chunked.applies(
            body.last_hidden_state, self.lm_head.weight
        ):
            loss = self._chunked_loss(body.last_hidden_state, labels, kwargs.get("num_items_in_batch"))
            return CausalLMOutputWithPast(loss=loss, past_key_values=body.past_key_values)
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

    def _chunked_loss(self, hidden, labels, count=None) -> torch.Tensor:
        """La pérdida de `loss_function`: la media de los tokens que cuentan, o su suma entre `count`."""
        flat, targets = hidden[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
        counted = (targets != -100).nonzero()[:, 0]
        if len(counted) < len(targets):
            flat, targets = flat.index_select(0, counted), targets[counted]
        count = len(counted) if count is None else count
        share = torch.ones(len(counted), device=flat.device) / count
        return chunked.linear_cross_entropy(flat, self.lm_head.weight, targets, share)

    def generate(self, inputs=None, generation_config=None, **kwargs):
        """Como `generate` de `transformers`, pero antes mira lo que se da (`given`) y lo que se pide (`settings`)."""
        ids, embeds = kwargs.get("input_ids"), kwargs.get("inputs_embeds")
        if inputs is not None and ids is not None:
            raise ValueError("Los ids van una vez: como primer argumento o como input_ids.")
        if inputs is not None:
            ids = kwargs["input_ids"] = inputs
        kwargs = settings.settings_in(generation_config) | kwargs
        if ids is not None:
            given.check_ids(ids, self.config.vocab_size)
        if embeds is not None or ids is None:
            given.check_embeds(embeds, self.config.n_embd)
        text = embeds if ids is None else ids
        shape = text.shape[:2]
        kwargs, new = settings.settled(kwargs, self.generation_config, self.config, shape[1])
        mask, pad, eos = (
            kwargs.get(name, getattr(self.generation_config, name, None))
            for name in ("attention_mask", "pad_token_id", "eos_token_id")
        )
        if ids is None:
            given.check_left(mask, *shape)
        else:
            if mask is None and pad is not None:
                # transformers solo la deduce si `forward` la nombra; sin ella, el relleno contaría
                mask = kwargs["attention_mask"] = (ids != pad).long()
            given.check_prompt(ids, mask, new, self.config)
            if mask is None:
                given.warn_if_padded(ids)
        if pad is None and eos is not None:  # es lo que hace transformers, que además avisa en inglés
            kwargs["pad_token_id"] = int(torch.as_tensor(eos).reshape(-1)[0])
            kwargs["attention_mask"] = (
                torch.ones(shape, dtype=torch.long, device=text.device) if mask is None else mask
            )
        filters = LogitsProcessorList([settings.OnlyNumbers(), *(kwargs.pop("logits_processor", None) or ())])
        try:
            return super().generate(logits_processor=filters, **kwargs)
        except Exception as error:
            settings.explain(error, kwargs)
            raise


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
