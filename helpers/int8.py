"""El modelo con un byte por peso, para ejecutar `openai-gpt` en un portátil: menos memoria y más tokens por segundo.

Con un lote de 1, generar es leer los pesos de memoria una vez por token: con la cuarta parte de bytes se tarda menos.
Cada fila de salida de una matriz se redondea a enteros de -127 a 127 con su propia escala; los vectores que entran, a
dos mitades de 7 bits en cada paso, y el producto es de enteros, el de PyTorch (FBGEMM o QNNPACK). Así ni se entrena ni
se guarda. Fuente de la idea: Jacob et al., 2018, arXiv:1712.05877.
"""

import warnings

import torch
from torch import nn

from helpers.gpt import Conv1D

LEVELS = 63  # enteros de 1 a 127: con los 8 bits enteros, sin VNNI el producto se desborda


class Int8Error(RuntimeError):
    """Con int8 no se puede; el mensaje dice por qué y qué hacer."""


def to_int8(model):
    """Cambia las matrices de `model` (un `GPT1LMHeadModel` en la CPU) por las suyas en int8 y lo devuelve.

    Lanza `Int8Error` si el modelo no está en la CPU o si este PyTorch no trae productos de enteros.
    """
    if model.device.type != "cpu":
        raise Int8Error(f"El modelo está en {model.device} e int8 es para la CPU: cárgalo con device='cpu'.")
    if torch.backends.quantized.engine == "none":
        raise Int8Error("Este PyTorch no trae productos de enteros: carga el modelo sin int8.")
    body = model.transformer
    for part in body.modules():
        for name, child in list(part.named_children()):
            if isinstance(child, Conv1D):
                setattr(part, name, Int8Linear(child.weight.T, child.bias))
    table = body.tokens_embed.weight
    model.lm_head = Int8Linear(table)
    body.tokens_embed = Int8Embedding(table)
    return model.requires_grad_(False).eval()


def rounded(weight):
    """(enteros [filas, columnas], escala de cada fila [filas]): `weight` ≈ enteros · escala."""
    scale = weight.detach().abs().amax(dim=1).clamp(min=torch.finfo(weight.dtype).tiny) / 127
    return (weight.detach() / scale[:, None]).round().to(torch.int8), scale


class Int8Linear(nn.Module):
    """x Wᵀ + b, con W [salida, entrada] en int8. `x` [..., entrada] → [..., salida], en fp32."""

    def __init__(self, weight, bias=None):
        super().__init__()
        whole, scale = rounded(weight)
        zeros = torch.zeros(len(scale), dtype=torch.long)
        with warnings.catch_warnings():  # los tensores cuantizados se van de PyTorch: pytorch/pytorch#184982
            warnings.simplefilter("ignore", UserWarning)
            W = torch._make_per_channel_quantized_tensor(whole, scale.double(), zeros, 0)
        self.packed, self.bias = torch.ops.quantized.linear_prepack(W, None), bias

    def _save_to_state_dict(self, *args):
        raise Int8Error("Un modelo en int8 no se guarda ni se ajusta: cárgalo sin int8=True.")

    def forward(self, x):
        if self.training:
            raise Int8Error("Un modelo en int8 no se entrena: cárgalo sin int8=True.")
        # Cada vector, con su escala y en dos mitades de 7 bits: la segunda es lo que le falta a la primera. Van en el
        # mismo producto, así que W se lee una vez.
        size = x.abs().amax(dim=-1, keepdim=True).clamp(min=torch.finfo(x.dtype).tiny)
        x = x / size
        high = (x * LEVELS).round() / LEVELS
        low = (x - high) * 2 * LEVELS  # de -1 a 1, como `high`
        product = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32
        y, rest = product(torch.stack([high, low]), 1 / LEVELS, LEVELS + 1, self.packed)
        y = size * (y + rest / (2 * LEVELS))
        return y if self.bias is None else y + self.bias


class Int8Embedding(nn.Module):
    """La tabla de embeddings [V, d] en int8: ids [...] → vectores [..., d], en fp32."""

    def __init__(self, weight):
        super().__init__()
        whole, scale = rounded(weight)
        self.register_buffer("whole", whole, persistent=False)
        self.register_buffer("scale", scale, persistent=False)

    def forward(self, ids):
        return self.whole[ids] * self.scale[ids][..., None]
