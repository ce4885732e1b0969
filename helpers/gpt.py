"""El decodificador de GPT-1 para `transformers`, con atención SDPA y caché de claves y valores (KV).

Mismos parámetros, mismos nombres y mismos logits que `OpenAIGPTLMHeadModel`, que en `transformers` 5 no tiene
caché y recalcula todo el prefijo en cada token (tests/benchmarks lo mide). La arquitectura se construye en la
lección 08 y la caché se explica en la lección 05.
"""

import torch
from torch import nn
from torch.nn import functional as F
from transformers import OpenAIGPTLMHeadModel
from transformers.activations import ACT2FN
from transformers.cache_utils import DynamicCache
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast
from transformers.models.openai.modeling_openai import OpenAIGPTPreTrainedModel
from transformers.pytorch_utils import Conv1D

# `afn` de la configuración → nombre en transformers; «gelu» es la aproximación con tanh del código original.
ACTIVATIONS = {"gelu": "gelu_new", "relu": "relu", "silu": "silu", "swish": "silu"}


class Attention(nn.Module):
    """Atención enmascarada de varias cabezas. Artículo §3.1; `attn` en train.py del código original. Lección 08."""

    def __init__(self, config, layer_idx):
        super().__init__()
        if config.n_embd % config.n_head:
            raise ValueError(
                f"n_embd={config.n_embd} no se reparte entre n_head={config.n_head} cabezas: usa un n_embd que sea "
                "múltiplo de n_head."
            )
        self.layer_idx, self.n_head, self.attn_pdrop = layer_idx, config.n_head, config.attn_pdrop
        self.c_attn = Conv1D(3 * config.n_embd, config.n_embd)
        self.c_proj = Conv1D(config.n_embd, config.n_embd)
        self.resid_dropout = nn.Dropout(config.resid_pdrop)

    def forward(self, x, mask=None, cache=None, return_weights=False):
        """`x` [lote, T, n_embd] → (salida [lote, T, n_embd], pesos [lote, cabezas, T, T_total] o `None`).

        `mask` booleana [lote o 1, 1, T, T_total] (`True` = se puede mirar); `None` = causal a secas.
        """
        q, k, v = (
            part.unflatten(-1, (self.n_head, -1)).transpose(1, 2)  # [lote, cabezas, T, n_embd / cabezas]
            for part in self.c_attn(x).chunk(3, dim=-1)
        )
        if cache is not None:
            k, v = cache.update(k, v, self.layer_idx)
        dropout = self.attn_pdrop if self.training else 0.0
        if return_weights:
            out, weights = _explicit_attention(q, k, v, mask, dropout)
        else:
            # Con un solo token nuevo y sin máscara se puede mirar todo lo anterior: no hace falta «causal».
            causal = mask is None and q.shape[2] > 1
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal)
            weights = None
        return self.resid_dropout(self.c_proj(out.transpose(1, 2).flatten(2))), weights


def _explicit_attention(q, k, v, mask, dropout):
    """La misma atención, paso a paso, para cuando se piden los pesos."""
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is None:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril(
            scores.shape[-1] - scores.shape[-2]
        )
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)
    return F.dropout(weights, dropout) @ v, weights


class MLP(nn.Module):
    """Las dos capas densas de cada bloque, con GELU (aproximación tanh) en medio. Artículo §4.1."""

    def __init__(self, config):
        super().__init__()
        if config.afn not in ACTIVATIONS:
            raise ValueError(
                f"Activación afn={config.afn!r} desconocida: elige una de {sorted(ACTIVATIONS)}."
            )
        self.c_fc = Conv1D(4 * config.n_embd, config.n_embd)
        self.c_proj = Conv1D(config.n_embd, 4 * config.n_embd)
        # gelu(approximate="tanh") es la misma fórmula que gelu_new en un solo paso
        self.act = nn.GELU(approximate="tanh") if config.afn == "gelu" else ACT2FN[ACTIVATIONS[config.afn]]
        self.dropout = nn.Dropout(config.resid_pdrop)

    def forward(self, x):
        return self.dropout(self.c_proj(self.act(self.c_fc(x))))


class Block(nn.Module):
    """Un bloque post-LN: la normalización va *después* de cada suma residual (train.py, `block`). Lección 08."""

    def __init__(self, config, layer_idx):
        super().__init__()
        self.attn = Attention(config, layer_idx)
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = MLP(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)

    def forward(self, x, mask=None, cache=None, return_weights=False):
        attended, weights = self.attn(x, mask, cache, return_weights)
        n = self.ln_1(x + attended)
        return self.ln_2(n + self.mlp(n)), weights


class GPT1Model(OpenAIGPTPreTrainedModel):
    """El cuerpo del modelo: embeddings de token y posición y `n_layer` bloques, sin normalización final."""

    _supports_sdpa = True

    def __init__(self, config):
        super().__init__(config)
        self.tokens_embed = nn.Embedding(config.vocab_size, config.n_embd)
        self.positions_embed = nn.Embedding(config.n_positions, config.n_embd)
        self.drop = nn.Dropout(config.embd_pdrop)
        self.h = nn.ModuleList([Block(config, index) for index in range(config.n_layer)])
        self.post_init()

    def get_input_embeddings(self):
        return self.tokens_embed

    def set_input_embeddings(self, new_embeddings):
        self.tokens_embed = new_embeddings

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        inputs_embeds=None,
        past_key_values=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        **kwargs,
    ):
        """Estados ocultos del texto.

        - `input_ids` [lote, T] (o `inputs_embeds` [lote, T, n_embd]): solo los tokens que no están en la caché.
        - `attention_mask` [lote, T_total], 1 = token real: vale el relleno por la derecha o por la izquierda.
        - Devuelve `BaseModelOutputWithPast` con `last_hidden_state` [lote, T, n_embd].

        Lanza `ValueError` si no hay tokens o si no caben en `n_positions`.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Pasa input_ids o inputs_embeds: exactamente uno de los dos.")
        x = self.tokens_embed(input_ids) if inputs_embeds is None else inputs_embeds
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        past = int(past_key_values.get_seq_length()) if past_key_values is not None else 0
        length = x.shape[1]
        fixed_size = past_key_values is not None and getattr(past_key_values, "is_compileable", False)
        total = _cache_size(past_key_values) if fixed_size else past + length
        if attention_mask is not None and attention_mask.dim() == 2 and not torch.compiler.is_compiling():
            if bool(attention_mask.all()):  # sin relleno no hace falta máscara y SDPA elige su camino rápido
                attention_mask = None
        if position_ids is None:
            position_ids = _positions(attention_mask, past, length, x.device)
            _check_length(
                past + length if attention_mask is None else int(position_ids.max()) + 1, length, self.config
            )
        x = x + self.positions_embed(position_ids)
        if token_type_ids is not None:
            x = x + self.tokens_embed(token_type_ids)
        x = self.drop(x)

        mask = _attention_mask(attention_mask, past, length, total, x.device)
        output_attentions = _asked(output_attentions, self.config.output_attentions)
        output_hidden_states = _asked(output_hidden_states, self.config.output_hidden_states)
        explicit = output_attentions or self.config._attn_implementation == "eager"
        hidden, attentions = (x,), ()
        for block in self.h:
            x, weights = block(x, mask, past_key_values, explicit)
            hidden, attentions = (*hidden, x) if output_hidden_states else hidden, (*attentions, weights)
        return BaseModelOutputWithPast(
            last_hidden_state=x,
            past_key_values=past_key_values,
            hidden_states=hidden if output_hidden_states else None,
            attentions=attentions if output_attentions else None,
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

    def forward(self, input_ids=None, labels=None, logits_to_keep=0, return_dict=None, **kwargs):
        """`input_ids` [lote, T] → `CausalLMOutputWithPast` con `logits` [lote, T, vocabulario].

        Con `labels` (los mismos ids; -100 = no cuenta) añade `loss`: entropía cruzada media en nats por token. Los
        `labels` se desplazan aquí dentro. `logits_to_keep=n` calcula solo las `n` últimas posiciones.
        """
        body = self.transformer(
            input_ids, **{key: kwargs.pop(key) for key in _BODY_ARGUMENTS & kwargs.keys()}
        )
        keep = (
            slice(-logits_to_keep, None)
            if isinstance(logits_to_keep, int) and logits_to_keep
            else slice(None)
        )
        logits = self.lm_head(
            body.last_hidden_state[:, keep if isinstance(logits_to_keep, int) else logits_to_keep]
        )
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs
            )
        output = CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=body.past_key_values,
            hidden_states=body.hidden_states,
            attentions=body.attentions,
        )
        return output if _asked(return_dict, self.config.return_dict) else output.to_tuple()

    def generate(self, inputs=None, generation_config=None, **kwargs):
        """Como `generate` de `transformers`, pero avisa antes de empezar si el texto no cabe.

        Lanza `ValueError` si el texto de partida está vacío o si, con los tokens nuevos, pasa de `n_positions`.
        """
        ids = inputs if inputs is not None else kwargs.get("input_ids")
        if ids is not None:
            settings = generation_config if generation_config is not None else self.generation_config
            mask = kwargs.get("attention_mask")
            prompt = int(mask.sum(-1).max()) if mask is not None and mask.numel() else ids.shape[-1]
            new = kwargs.get("max_new_tokens", settings.max_new_tokens)
            limit = kwargs.get("max_length", settings.max_length)
            if new is None:
                new = max((limit or 0) - ids.shape[-1], 0)
            check_room(prompt, new, self.config.n_positions)
        return super().generate(inputs, generation_config=generation_config, **kwargs)


_BODY_ARGUMENTS = {
    "attention_mask",
    "token_type_ids",
    "position_ids",
    "inputs_embeds",
    "past_key_values",
    "use_cache",
    "output_attentions",
    "output_hidden_states",
}


def check_room(prompt: int, new: int, n_positions: int) -> None:
    """Lanza `ValueError` si un texto de `prompt` tokens está vacío o no caben `new` tokens más en `n_positions`."""
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


def _check_length(total: int, length: int, config) -> None:
    if length == 0:
        check_room(0, 0, config.n_positions)
    if total > config.n_positions:
        raise ValueError(
            f"El texto tiene {total} tokens y este modelo solo tiene {config.n_positions} posiciones: recórtalo a "
            f"{config.n_positions} (por ejemplo con truncation=True en el tokenizador)."
        )


def _positions(attention_mask, past, length, device):
    """Posición de cada token nuevo [lote o 1, T]; el relleno no cuenta, esté al lado que esté."""
    if attention_mask is None or attention_mask.dim() != 2:
        return torch.arange(past, past + length, device=device)[None]
    return (attention_mask.long().cumsum(-1) - 1).clamp(min=0)[:, -length:]


def _attention_mask(attention_mask, past, length, total, device):
    """Máscara booleana [lote o 1, 1, T, total] o `None` si basta la causal de SDPA (sin caché ni relleno).

    `total` son las claves que verá la atención: más de `past + length` si la caché es de tamaño fijo.
    """
    if attention_mask is not None and attention_mask.dim() == 4:  # ya preparada por transformers
        return attention_mask if attention_mask.dtype == torch.bool else attention_mask >= 0
    if attention_mask is None and total == past + length and (past == 0 or length == 1):
        return None
    queries, keys = (
        torch.arange(past, past + length, device=device)[:, None],
        torch.arange(total, device=device),
    )
    causal = keys <= queries
    if attention_mask is None:
        return causal[None, None]
    real = F.pad(attention_mask.bool(), (0, total - attention_mask.shape[-1]))
    # Un token de relleno se mira a sí mismo: una fila sin nada que mirar daría NaN.
    return (causal & real[:, None, None, :]) | (keys == queries)


def _cache_size(cache) -> int:
    """Las posiciones de una caché de tamaño fijo; el método cambió de nombre entre transformers 5.15 y 5.23."""
    size = getattr(cache, "get_max_length", None) or cache.get_max_cache_shape
    return size()


def _asked(value, default):
    return default if value is None else value
