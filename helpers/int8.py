"""GPT-1 en int8, para escribir con `openai-gpt` en un portátil: cada peso, un entero de −127 a 127.

Se guarda una escala por columna de salida. De lo que entra en cada matriz van dos enteros de 7 bits, el redondeo y lo
que le falta: con uno solo, `gpt1-mini` cambiaba de token en uno de cada veinte pasos. Los dos se multiplican en la
misma lectura de los pesos, que es lo que cuesta. Las cuentas son de fbgemm, dentro de PyTorch, y solo para CPU x86.
"""

import warnings

import torch
from torch import nn

from helpers.gpt import Conv1D
from helpers.hf import GPT1LMHeadModel

ENGINE = "fbgemm"
WHOLE = "Un modelo en int8 no se guarda ni se ajusta: usa el de fp32, que se carga sin int8=True."
MOST = 63  # con 7 bits, la suma de dos productos cabe en los 16 de AVX2 (2 · 127 · 127 < 2¹⁵)


def rounded(weight):
    """`weight` [filas, columnas] → (int8 del mismo tamaño, escala [filas]): su producto es casi `weight`."""
    scale = weight.abs().amax(dim=1).clamp_min(torch.finfo(torch.float32).tiny * 127) / 127
    return (weight / scale[:, None]).round().to(torch.int8), scale


class Int8Linear(nn.Module):
    """x Wᵀ + b con W [salida, entrada] en int8."""

    def __init__(self, weight, bias=None):
        super().__init__()
        self.n_out, self.bias = weight.shape[0], bias
        values, scale = rounded(weight)
        zeros = torch.zeros(len(scale), dtype=torch.long)
        with warnings.catch_warnings():  # PyTorch 2.13 anuncia que retirará estos tensores (pytorch#184982)
            warnings.simplefilter("ignore", UserWarning)
            table = torch._make_per_channel_quantized_tensor(values.contiguous(), scale.double(), zeros, 0)
        before, torch.backends.quantized.engine = torch.backends.quantized.engine, ENGINE
        self.packed = torch.ops.quantized.linear_prepack(table, None)
        torch.backends.quantized.engine = before

    def forward(self, x):  # [..., entrada] → [..., salida]
        rows = x.reshape(-1, x.shape[-1])
        step = rows.abs().amax(dim=1, keepdim=True).clamp_min(1e-30) / MOST
        fine = rows / step  # cada fila con su escala: no depende de las demás del lote
        high = fine.round()
        low = (fine - high) * 2 * MOST  # lo que falta, de −63 a 63
        both = torch.cat([high, low])
        out = torch.ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(both, 1.0, 64, self.packed)
        high, low = out.chunk(2)
        out = (high + low / (2 * MOST)) * step
        out = out if self.bias is None else out + self.bias
        return out.reshape(*x.shape[:-1], self.n_out)


class Int8Embedding(nn.Module):
    """La tabla de embeddings en int8, con una escala por token."""

    def __init__(self, weight):
        super().__init__()
        values, scale = rounded(weight)
        self.register_buffer("values", values)
        self.register_buffer("scale", scale)

    @property
    def weight(self):
        """Lanza `ValueError`: quien la pide (el ajuste fino) quiere la de fp32."""
        raise ValueError(WHOLE)

    def forward(self, ids):  # [lote, T] → [lote, T, d]
        return self.values[ids] * self.scale[ids][..., None]


class GPT1Int8(GPT1LMHeadModel):
    """Un GPT-1 que solo lee y escribe: ni se entrena ni se guarda. Lo hace `quantize`."""

    def train(self, mode=True):
        """Solo evaluación: con `mode=True`, lanza `ValueError`."""
        if mode:
            raise ValueError("Un modelo en int8 no se puede entrenar: cárgalo sin int8.")
        return super().train(False)

    def state_dict(self, *args, **kwargs):
        """Lanza `ValueError`: lo piden guardar el modelo y el ajuste fino, que quieren el de fp32."""
        raise ValueError(WHOLE)


def supported() -> bool:
    """¿Sabe PyTorch hacer estas cuentas en este procesador?"""
    return ENGINE in torch.backends.quantized.supported_engines


@torch.no_grad()
def quantize(model: GPT1LMHeadModel) -> GPT1LMHeadModel:
    """Cambia `model`, en CPU y fp32, para que sus matrices sean int8, y lo devuelve; quedan en fp32 las
    normalizaciones, los sesgos y las posiciones.

    La tabla de los tokens está dos veces: la que se consulta y la de la salida, empaquetada para multiplicar.
    """
    model.eval()
    table = model.transformer.tokens_embed.weight.detach()
    model.lm_head = Int8Linear(table)
    model.transformer.tokens_embed = Int8Embedding(table)
    for part in list(model.modules()):
        for name, child in list(part.named_children()):
            if isinstance(child, Conv1D):
                setattr(part, name, Int8Linear(child.weight.detach().T, child.bias.detach()))
    model.requires_grad_(False)
    model.__class__ = GPT1Int8
    return model
