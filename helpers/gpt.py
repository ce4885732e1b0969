"""GPT-1 de arriba abajo, con PyTorch y nada más: embeddings, atención, MLP, bloque post-LN y salida atada.

Es el decodificador que se construye en la lección 08, con los nombres de los parámetros de los pesos publicados. Lo
que hace de él un modelo de `transformers` (relleno, caché, límites, pérdida, `generate`) está en `helpers/hf.py`.
En las formas, T son los tokens de cada texto, d es `n_embd` y V el tamaño del vocabulario.

Fuente: Radford et al., 2018, §3.1 y §4.1, y `model` en train.py del código original.
"""

import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

# `afn` de la configuración → función; la GELU del código original es la aproximación con tanh.
ACTIVATIONS = {
    "gelu": partial(F.gelu, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
    "swish": F.silu,
}


class Conv1D(nn.Module):
    """x W + b, con W guardada como [entrada, salida]: al revés que `nn.Linear`, como en el código original."""

    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out))
        self.bias = nn.Parameter(torch.zeros(n_out))
        nn.init.normal_(self.weight, std=0.02)  # artículo, §4.1

    def forward(self, x):  # [..., n_in] → [..., n_out]
        return F.linear(x, self.weight.T, self.bias)


def causal_mask(length, total, past, device=None):
    """Máscara booleana [length, total]: el i-ésimo token nuevo, con `past` delante, mira las claves 0 … past + i."""
    return torch.ones(length, total, dtype=torch.bool, device=device).tril(past)


def causal_attention(q, k, v, mask=None, dropout=0.0):
    """La ecuación de la atención, paso a paso: softmax(q kᵀ / √d) v, sin mirar lo que tapa la máscara.

    `q` [..., T, d], `k` y `v` [..., total, d] → (mezcla de valores [..., T, d], pesos [..., T, total]).
    """
    length, total = q.shape[-2], k.shape[-2]
    if mask is None:
        mask = causal_mask(length, total, total - length, q.device)  # [T, total]
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])  # [..., T, total]
    weights = scores.masked_fill(~mask, torch.finfo(scores.dtype).min).softmax(dim=-1)  # [..., T, total]
    return F.dropout(weights, dropout) @ v, weights


class Attention(nn.Module):
    """Atención enmascarada de varias cabezas (§3.1; `attn` en train.py)."""

    def __init__(self, config, layer_idx):
        super().__init__()
        d, self.n_head = config.n_embd, config.n_head
        if d % self.n_head:
            raise ValueError(
                f"n_embd={d} no se reparte entre n_head={self.n_head} cabezas: usa un n_embd que sea múltiplo de "
                "n_head."
            )
        self.layer_idx, self.attn_pdrop = layer_idx, config.attn_pdrop
        self.c_attn, self.c_proj = Conv1D(d, 3 * d), Conv1D(d, d)
        self.resid_dropout = nn.Dropout(config.resid_pdrop)

    def forward(self, x, mask=None, cache=None, return_weights=False):
        """`x` [lote, T, d] → (salida [lote, T, d], pesos [lote, cabezas, T, total] o `None` si no se piden).

        `cache.update` añade claves y valores a los de antes: `total` los cuenta todos (lección 05). `mask` es booleana
        [lote o 1, 1, T, total], `True` = se puede mirar; `None` = causal, si no hay nada antes o el token nuevo es uno.
        """
        q, k, v = self.c_attn(x).chunk(3, dim=-1)  # [lote, T, d] cada una
        q, k, v = (part.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for part in (q, k, v))
        if cache is not None:  # q, k y v: [lote, cabezas, T, d / cabezas]
            k, v = cache.update(k, v, self.layer_idx)  # [lote, cabezas, total, d / cabezas]
        dropout = self.attn_pdrop if self.training else 0.0
        if return_weights:
            mixed, weights = causal_attention(q, k, v, mask, dropout)
        else:  # la misma cuenta de una sola vez, sin guardar los pesos; un único token nuevo mira todo lo anterior
            causal = mask is None and q.shape[2] > 1
            mixed = F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal=causal)
            weights = None
        mixed = mixed.transpose(1, 2).flatten(2)  # las cabezas, una al lado de otra: [lote, T, d]
        return self.resid_dropout(self.c_proj(mixed)), weights


class MLP(nn.Module):
    """Las dos capas densas de cada bloque, con la activación en medio (§4.1)."""

    def __init__(self, config):
        super().__init__()
        if config.afn not in ACTIVATIONS:
            raise ValueError(
                f"Activación afn={config.afn!r} desconocida: elige una de {sorted(ACTIVATIONS)}."
            )
        d, self.act = config.n_embd, ACTIVATIONS[config.afn]
        self.c_fc, self.c_proj = Conv1D(d, 4 * d), Conv1D(4 * d, d)
        self.dropout = nn.Dropout(config.resid_pdrop)

    def forward(self, x):  # [lote, T, d] → [lote, T, d]
        x = self.act(self.c_fc(x))  # [lote, T, 4d]
        return self.dropout(self.c_proj(x))  # [lote, T, d]


class Block(nn.Module):
    """Un bloque post-LN: se normaliza *después* de cada suma residual (`block` en train.py).

    Devuelve [lote, T, d] y los pesos de su atención.
    """

    def __init__(self, config, layer_idx):
        super().__init__()
        self.attn = Attention(config, layer_idx)
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)
        self.mlp = MLP(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon)

    def forward(self, x, mask=None, cache=None, return_weights=False):
        attended, weights = self.attn(x, mask, cache, return_weights)
        n = self.ln_1(x + attended)  # [lote, T, d]
        return self.ln_2(n + self.mlp(n)), weights  # [lote, T, d]


class GPT1(nn.Module):
    """El decodificador entero. `config` tiene los campos de `OpenAIGPTConfig`: `n_layer`, `n_embd`, `afn`…

    `base` es lo que pide la clase de `transformers` con la que se une en helpers/hf.py. Lanza `ValueError` si `n_embd`
    no es múltiplo de `n_head` o si `afn` no está en `ACTIVATIONS`. Lección 08.
    """

    def __init__(self, config, *base):
        super().__init__(*base)
        self.tokens_embed = nn.Embedding(config.vocab_size, config.n_embd)  # E: [V, d]
        self.positions_embed = nn.Embedding(config.n_positions, config.n_embd)  # P: [n_positions, d]
        for table in (self.tokens_embed, self.positions_embed):
            table.weight.data *= 0.02  # N(0, 1) → N(0, 0,02), como las demás matrices
        self.drop = nn.Dropout(config.embd_pdrop)
        self.h = nn.ModuleList([Block(config, index) for index in range(config.n_layer)])

    def forward(self, ids):
        """`ids` [lote, T] → logits [lote, T, V] del token que sigue a cada uno."""
        positions = torch.arange(ids.shape[1], device=ids.device)  # [T]
        x = self.hidden(self.tokens_embed(ids), positions)  # [lote, T, d]
        return F.linear(x, self.tokens_embed.weight)  # x Eᵀ, la salida atada a la entrada: [lote, T, V]

    def hidden(self, x, positions, mask=None, cache=None, return_weights=False, trace=None):
        """Vectores de los tokens [lote, T, d] y sus posiciones [lote, T] o [T] → estados finales [lote, T, d].

        `mask`, `cache` y `return_weights`, como en `Attention`. A `trace`, si es una lista, se le añade (estado, pesos)
        a la entrada, sin pesos, y a la salida de cada bloque.
        """
        x, weights = self.drop(x + self.positions_embed(positions)), None  # [lote, T, d]
        if trace is not None:
            trace.append((x, weights))
        for block in self.h:  # y sin normalización final: el bloque post-LN ya acaba en una
            x, weights = block(x, mask, cache, return_weights)  # [lote, T, d]
            if trace is not None:
                trace.append((x, weights))
        return x
