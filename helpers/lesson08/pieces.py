"""Las piezas del GPT-1 de la lección 08, como se escriben en ella: con ellas sigue quien aún no tiene las suyas.

Lo mismo que `helpers.gpt` en lo más corto, sin dropout ni caché, y con lo que la lección mira por dentro: `Attention`,
`MLP` y `Block` van de [lote, T, d] a [lote, T, d], y `GPT1.hidden_states` da todos los estados.
"""

import torch
from torch import nn
from torch.nn import functional as F

from helpers.gpt import Conv1D


def attend(q, k, v):
    """q, k y v [..., T, d] → la mezcla de valores de cada token [..., T, d], sin mirar al futuro."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=True)


def gelu(x):
    """La GELU con tanh, elemento a elemento."""
    return F.gelu(x, approximate="tanh")


class LayerNorm(nn.LayerNorm):
    def __init__(self, d):
        super().__init__(d, eps=1e-5)


class Attention(nn.Module):
    def __init__(self, d, n_head):
        super().__init__()
        self.n_head = n_head
        self.c_attn, self.c_proj = Conv1D(d, 3 * d), Conv1D(d, d)

    def forward(self, x):
        q, k, v = self.c_attn(x).chunk(3, dim=-1)
        q, k, v = (part.unflatten(-1, (self.n_head, -1)).transpose(1, 2) for part in (q, k, v))
        return self.c_proj(attend(q, k, v).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.c_fc, self.c_proj = Conv1D(d, 4 * d), Conv1D(4 * d, d)

    def forward(self, x):
        return self.c_proj(gelu(self.c_fc(x)))


class Block(nn.Module):
    def __init__(self, d, n_head):
        super().__init__()
        self.attn, self.ln_1 = Attention(d, n_head), LayerNorm(d)
        self.mlp, self.ln_2 = MLP(d), LayerNorm(d)

    def forward(self, x):
        n = self.ln_1(x + self.attn(x))
        return self.ln_2(n + self.mlp(n))


class GPT1(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.tokens_embed = nn.Embedding(config.vocab_size, config.n_embd)
        self.positions_embed = nn.Embedding(config.n_positions, config.n_embd)
        self.h = nn.ModuleList([Block(config.n_embd, config.n_head) for _ in range(config.n_layer)])

    def hidden_states(self, ids):
        positions = torch.arange(ids.shape[1], device=ids.device)
        states = [self.tokens_embed(ids) + self.positions_embed(positions)]
        for block in self.h:
            states.append(block(states[-1]))
        return states

    def forward(self, ids):
        return self.hidden_states(ids)[-1] @ self.tokens_embed.weight.T
