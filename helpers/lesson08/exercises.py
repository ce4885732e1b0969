"""Los ejercicios de la lección 08, «La arquitectura, desde cero»: referencia, casos y errores típicos de cada uno."""

import functools
import math

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F
from transformers import OpenAIGPTConfig

from helpers.exercises import Exercise, Mistake
from helpers.exercises.comparing import Stages, as_tensor, kind
from helpers.gpt import GPT1, Conv1D
from helpers.lesson08 import pieces
from helpers.models import MINI

INF = float("inf")


def _random(*shape, seed=0):
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 08-atencion: q, k, v [..., T, d] → mezcla de los valores [..., T, d] -----------------------------------------


def _attention(q, k, v, scale=True, dim=-1, allowed=torch.tril, fill=-INF, late=False):
    """La atención causal con los errores que se quieran."""
    scores = q @ k.transpose(-2, -1)
    if scale:
        d, length = q.shape[-1], q.shape[-2]
        scores = scores / {"d": d, "T": math.sqrt(length)}.get(scale, math.sqrt(d))
    seen = allowed(torch.ones_like(scores)).bool()
    weights = (scores if late else scores.masked_fill(~seen, fill)).softmax(dim=dim)
    return (weights * seen if late else weights) @ v


def _three(*shape, seed):
    return tuple(_random(*shape, seed=seed + place) for place in range(3))


# --- 08-mascara: puntuaciones [lote, cabezas, T, T] y máscara [1, 1, N, N] → pesos [lote, cabezas, T, T] ----------


def _masked(scores, bias, rows=None, columns=None, dim=-1, low=-1e9, late=False, transposed=False):
    length = scores.shape[-1]
    b = bias[:, :, slice(length) if rows is None else rows, slice(length) if columns is None else columns]
    b = b.transpose(-2, -1) if transposed else b
    if late:
        return scores.softmax(dim=dim) * b
    return (scores * b + low * (1 - b)).softmax(dim=dim)


def _one_element(scores, bias):
    length = scores.shape[-1]
    return _masked(scores, bias, rows=length, columns=length)


def _one_column(scores, bias):
    return _masked(scores, bias, columns=scores.shape[-1])


def _moved(scores, bias):
    return _masked(scores, bias, columns=slice(1, scores.shape[-1] + 1))


_BIAS = torch.ones(8, 8).tril().view(1, 1, 8, 8)


# --- 08-cabezas: x [lote, T, d], n_head y una función → lo mismo, con la función aplicada cabeza a cabeza ----------


def _per_head(heads):
    """[lote, cabezas, T, d / cabezas] → igual: suma hacia la izquierda y pesa cada cabeza por su número."""
    return heads.cumsum(dim=2) * torch.arange(1, heads.shape[1] + 1).view(-1, 1, 1)


def _split(x, n_head):
    return x.unflatten(-1, (n_head, -1)).transpose(1, 2)


def _through(x, n_head, f):
    return f(_split(x, n_head)).transpose(1, 2).flatten(2)


def _view_both_ways(x, n_head, f):
    return f(x.reshape(x.shape[0], n_head, x.shape[1], -1)).reshape(x.shape)


def _no_way_back(x, n_head, f):
    return f(_split(x, n_head)).reshape(x.shape)


def _no_transpose(x, n_head, f):
    return f(x.unflatten(-1, (n_head, -1))).flatten(2)


def _interleaved(x, n_head, f):
    heads = x.unflatten(-1, (-1, n_head)).permute(0, 3, 1, 2)
    return f(heads).permute(0, 2, 3, 1).flatten(2)


def _braided_back(x, n_head, f):
    return f(_split(x, n_head)).permute(0, 2, 3, 1).flatten(2)


def _sizes_swapped(x, n_head, f):
    return f(x.unflatten(-1, (-1, n_head)).transpose(1, 2)).transpose(1, 2).flatten(2)


# --- 08-gelu: x → GELU con tanh -----------------------------------------------------------------------------------


def _gelu(x, half=0.5, one=1.0, root=(2 / math.pi) ** 0.5, cubic=0.044715, power=3):
    return half * x * (one + torch.tanh(root * (x + cubic * x**power)))


# --- 08-sesgo: peso [d, clases] y sesgo [clases] sin iniciar → iniciados como en el código original ---------------


def _spread(answer):
    """De cada parte de la respuesta, lo que no depende de la semilla."""
    return [_portrait(part) for part in answer] if isinstance(answer, tuple | list) else _portrait(answer)


def _portrait(part):
    """La forma, la media cuadrática y la desviación de unos números, y cómo se reparten.

    Lo último, en números que no bailan: ¿media nula, por lo que cabe esperar del azar?; la curtosis, redondeada
    (1 si son dos valores, 2 si es uniforme, 3 si es normal), y ¿filas y columnas distintas entre sí?
    """
    x = as_tensor(part) if isinstance(part, torch.Tensor | np.ndarray | list | tuple) else None
    if x is None or not x.numel():
        return part
    mean, std, size = x.mean(), x.std(correction=0), x.square().mean().sqrt()
    constant = bool(std <= 1e-9 * size)
    kurtosis = torch.zeros(()) if constant else ((x - mean) / std).pow(4).mean().round()
    distinct = x.dim() != 2 or not constant and all(_mostly_distinct(x.sum(dim) / std) for dim in (0, 1))
    centred = distinct and bool(mean.abs() <= 5 * std / x.numel() ** 0.5)  # repetidos, son menos números
    return [list(x.shape), size, std, centred, kurtosis, distinct]


def _mostly_distinct(sums):
    return len((1e6 * sums).round().unique()) > len(sums) / 2


def _initialised(by_weight, by_bias):
    return lambda weight, bias: (by_weight(weight), by_bias(bias))


def _normal(mean=0.0, std=1.0):
    return lambda part: nn.init.normal_(part, mean, std)


# --- las clases: cada una se prueba con los pesos de gpt1-mini, y la frase dice tras qué etapa se aparta -----------


@functools.cache
def _mini():
    """(la configuración de gpt1-mini, sus pesos por el nombre que llevan en GPT1)."""
    saved = load_file(MINI / "model.safetensors")
    return OpenAIGPTConfig.from_pretrained(MINI), {
        name.removeprefix("transformer."): tensor.float() for name, tensor in saved.items()
    }


def _piece(prefix):
    """Los pesos de una pieza, «h.0.attn»; con «», los de todo el modelo."""
    start = f"{prefix}." if prefix else ""
    return {name.removeprefix(start): tensor for name, tensor in _mini()[1].items() if name.startswith(start)}


def _built(cls, prefix, sizes, given, born=False):
    """(la pieza con sus pesos, sus parámetros como etapa) o (`None`, la etapa que falla) o `None` si está vacía."""
    module = cls(*sizes).eval()
    buffers = dict(module.named_buffers())  # si se guardan, los pesos publicados no entran sin tocar nada
    found = {
        f"{name} (register_buffer, con persistent=False)" if name in buffers else name: list(one.shape)
        for name, one in module.state_dict().items()
    }
    if not found and not list(module.children()) and module(given) is None:
        return None
    saved = _piece(prefix)
    stages = Stages({"los parámetros": found})
    if found != {name: list(one.shape) for name, one in saved.items()}:
        return None, stages
    if born:
        vectors = {name: one.detach().clone() for name, one in module.named_parameters()}
        stages["los valores con que nacen"] = [vectors["weight"], vectors["bias"]]
    module.load_state_dict(saved)
    return module, stages


def _watched(prefix, sizes, outputs=None, inputs=None, born=False, clues=True):
    """El `run` de una clase: sus parámetros, lo que sale de `outputs`, lo que entra en `inputs` y el resultado.

    `outputs` e `inputs` son {subpieza: nombre de la etapa}, en el orden en que se esperan, y son solo pistas si la
    lección no mira después esas subpiezas (`clues`). Con `born`, cuentan además los valores con que nacen la ganancia
    y el sesgo.
    """
    order = [*(outputs or {}).values(), *(inputs or {}).values()]

    @torch.no_grad()
    def run(cls, where, index, x):
        built = _built(cls, prefix.format(index), sizes(_mini()[0]), x, born)
        if built is None or built[0] is None:
            return built and built[1]
        module, stages = built
        seen = {}
        for name, part in module.named_modules():
            if name in (outputs or {}):
                part.register_forward_hook(
                    lambda _, given, out, stage=outputs[name]: seen.update({stage: out})
                )
            if name in (inputs or {}):
                part.register_forward_pre_hook(
                    lambda _, given, stage=inputs[name]: seen.update({stage: given[0]})
                )
        result = module(x)
        stages.update({stage: seen[stage] for stage in order if stage in seen})
        return Stages(stages | {"el resultado": result}, order if clues else ())

    return run


@torch.no_grad()
def _run_model(cls, where, ids):
    built = _built(cls, "", _mini()[:1], ids)
    if built is None or built[0] is None:
        return built and built[1]
    model, stages = built
    states = model.hidden_states(ids)
    listed = isinstance(states, list | tuple)
    stages["lo que da hidden_states"] = {"una lista" if listed else kind(states): []}
    if listed:
        stages["la lista de estados"] = len(states)
        names = ["los embeddings", *(f"el bloque {layer}" for layer in range(1, len(states)))]
        stages.update(zip(names, states, strict=True))
    return Stages(stages | {"los logits": model(ids)})


def _inputs(seed, scale=1.0, shape=(2, 6, 256)):
    return scale * (_random(*shape, seed=seed) + 0.5)


def _norm(
    eps=1e-5,
    outside=0.0,
    ddof=0,
    gain=True,
    bias=True,
    centre=True,
    root=True,
    dim=-1,
    born=(torch.ones, torch.zeros),
    late=True,
):
    """Una LayerNorm con los errores que se quieran."""

    class Norm(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.weight, self.bias = (nn.Parameter(one(d)) for one in born)

        def forward(self, x):
            variance = x.var(dim=dim, keepdim=True, correction=ddof)
            variance = variance if late else (x**2).mean(dim=dim, keepdim=True)
            x = x - x.mean(dim=dim, keepdim=True) if centre else x
            x = x / ((variance + eps).sqrt() + outside if root else variance + eps)
            return x * (self.weight if gain else 1) + (self.bias if bias else 0)

    return Norm


def _bare_norm(*names):
    """Una clase que guarda parámetros con otros nombres."""

    class Norm(nn.Module):
        def __init__(self, d):
            super().__init__()
            for name in names:
                setattr(self, name, nn.Parameter(torch.ones(d)))

        def forward(self, x):
            return x

    return Norm


def _layer(order="qkv", split="right", back="right", heads=True, project=True, residual=False, **errors):
    """Una capa de atención con los errores que se quieran."""

    class Layer(nn.Module):
        def __init__(self, d, n_head):
            super().__init__()
            self.n_head = n_head if heads else 1
            self.c_attn, self.c_proj = Conv1D(d, 3 * d), Conv1D(d, d)

        def forward(self, x):
            given = self.c_attn(x)
            if split == "braided":
                given = given.unflatten(-1, (self.n_head, 3, -1)).transpose(-3, -2).flatten(-3)
            parts = dict(zip(order, given.chunk(3, dim=-1), strict=True))
            if split == "view":
                parts = {n: p.reshape(len(x), self.n_head, x.shape[1], -1) for n, p in parts.items()}
            elif split == "sizes":
                parts = {n: _split(p, p.shape[-1] // self.n_head) for n, p in parts.items()}
            elif split == "untransposed":
                parts = {n: p.unflatten(-1, (self.n_head, -1)) for n, p in parts.items()}
            else:
                parts = {n: _split(p, self.n_head) for n, p in parts.items()}
            mixed = _attention(parts["q"], parts["k"], parts["v"], **errors)
            mixed = mixed.reshape(x.shape) if back == "view" else mixed.transpose(1, 2).flatten(2)
            return (x if residual else 0) + (self.c_proj(mixed) if project else mixed)

    return Layer


def _mlp(first=pieces.gelu, last=None, wide=4, project=True, residual=False):
    """Una MLP con los errores que se quieran."""

    class Mlp(nn.Module):
        def __init__(self, d):
            super().__init__()
            self.c_fc, self.c_proj = Conv1D(d, wide * d), Conv1D(wide * d, d)

        def forward(self, x):
            h = self.c_fc(x)
            h = first(h) if first else h
            h = self.c_proj(h) if project else h
            h = last(h) if last else h
            return x + h if residual else h

    return Mlp


class _Parts(nn.Module):
    """Las piezas de un bloque, sin montar."""

    def __init__(self, d, n_head):
        super().__init__()
        self.attn, self.mlp = pieces.Attention(d, n_head), pieces.MLP(d)
        self.ln_1, self.ln_2 = pieces.LayerNorm(d), pieces.LayerNorm(d)


def _block(forward):
    """Un bloque con las piezas de siempre y el `forward` que se diga."""
    return type("Wrong", (_Parts,), {"forward": forward})


def _half_normed(self, x):
    n = x + self.attn(x)
    return self.ln_2(n + self.mlp(n))


def _last_bare(self, x):
    n = self.ln_1(x + self.attn(x))
    return n + self.mlp(n)


def _skipping(self, x):
    return self.ln_2(x + self.mlp(self.ln_1(x + self.attn(x))))


def _not_residual(self, x):
    return self.ln_2(self.mlp(self.ln_1(self.attn(x))))


def _one_norm(self, x):
    n = self.ln_1(x + self.attn(x))
    return self.ln_1(n + self.mlp(n))


def _no_first_sum(self, x):
    n = self.ln_1(self.attn(x))
    return self.ln_2(n + self.mlp(n))


def _no_second_sum(self, x):
    return self.ln_2(self.mlp(self.ln_1(x + self.attn(x))))


def _pre(self, x):
    n = x + self.attn(self.ln_1(x))
    return n + self.mlp(self.ln_2(n))


def _swapped_norms(self, x):
    n = self.ln_2(x + self.attn(x))
    return self.ln_1(n + self.mlp(n))


def _inner_norm(self, x):
    n = x + self.ln_1(self.attn(x))
    return n + self.ln_2(self.mlp(n))


def _parallel(self, x):
    return self.ln_2(self.ln_1(x + self.attn(x)) + self.mlp(x))


class _Pieces(nn.Module):
    """Un GPT-1 al que se le puede estropear un detalle."""

    start, scale, positions, final, first, last, soft = 0, False, True, False, True, True, False

    def __init__(self, config):
        super().__init__()
        d = config.n_embd
        self.tokens_embed = nn.Embedding(config.vocab_size, d)
        self.positions_embed = nn.Embedding(config.n_positions, d)
        self.h = nn.ModuleList(self.blocks(config))

    def blocks(self, config):
        return [pieces.Block(config.n_embd, config.n_head) for _ in range(config.n_layer)]

    def hidden_states(self, ids):
        x = self.tokens_embed(ids) * (self.tokens_embed.embedding_dim**0.5 if self.scale else 1)
        if self.positions:
            x = x + self.positions_embed(torch.arange(self.start, self.start + ids.shape[1]))
        states = [x]
        for block in self.h:
            states.append(block(states[-1]))
        return states[0 if self.first else 1 : None if self.last else -1]

    def forward(self, ids):
        x = self.hidden_states(ids)[-1]
        x = F.layer_norm(x, x.shape[-1:]) if self.final else x
        logits = x @ self.tokens_embed.weight.T
        return logits.softmax(-1) if self.soft else logits


def _model(**errors):
    return type("Wrong", (_Pieces,), errors)


class _Untied(_Pieces):
    def __init__(self, config):
        super().__init__(config)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)


def _one_block(self, config):
    return [pieces.Block(config.n_embd, config.n_head)] * config.n_layer


# --- 08-numpy: pesos, ids y cabezas → logits [T, vocabulario], solo con NumPy --------------------------------------


class _Weights(dict):
    """Los pesos de un modelo de juguete; se nombra así en los mensajes."""

    def __repr__(self):
        return "los pesos de juguete"


def _toy_weights(vocab_size=11, n_positions=9, d=8, n_layer=2, seed=0):
    """Pesos al azar con los nombres del modelo publicado. Ganancias y sesgos tampoco son triviales."""
    rng = np.random.default_rng(seed)
    shapes = {"tokens_embed.weight": (vocab_size, d), "positions_embed.weight": (n_positions, d)}
    for layer in range(n_layer):
        for name, shape in (
            ("attn.c_attn", (d, 3 * d)),
            ("attn.c_proj", (d, d)),
            ("mlp.c_fc", (d, 4 * d)),
            ("mlp.c_proj", (4 * d, d)),
            ("ln_1", (d,)),
            ("ln_2", (d,)),
        ):
            shapes |= {f"h.{layer}.{name}.weight": shape, f"h.{layer}.{name}.bias": shape[-1:]}
    return _Weights({name: 0.7 * rng.standard_normal(shape) for name, shape in shapes.items()})


def _faint_weights(faint=0.005):
    """Los de juguete, con lo que llega a la primera normalización tan pequeño que su ε se nota."""
    weights = _toy_weights(n_layer=1, seed=2)
    for name in weights:
        if name.endswith("embed.weight") or ".attn.c_proj." in name:
            weights[name] = faint * weights[name]
    return weights


def _numpy_norm(x, gain=1.0, bias=0.0, ddof=0, inside=1e-5, outside=0.0):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True, ddof=ddof)
    return (x - mean) / (np.sqrt(variance + inside) + outside) * gain + bias


def _numpy_gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _numpy_erf(x):
    return 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def _numpy_softmax(scores):
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def _numpy_attention(x, n_head, scale, mask, join):
    """x [T, 3d] (consultas, claves y valores) → [T, d]."""
    if join == "braided":  # como si cada cabeza llevara juntos su q, su k y su v
        x = x.reshape(len(x), n_head, 3, -1).swapaxes(1, 2).reshape(x.shape)
    q, k, v = np.split(x, 3, axis=-1)
    size, mixed = q.shape[-1] // n_head, []
    for place in range(0, q.shape[-1], size):
        part = slice(place, place + size)
        scores = q[:, part] @ k[:, part].T
        if scale:
            scores = scores / np.sqrt(q.shape[-1] if scale == "d" else size)
        if mask and mask != "late":
            scores = np.where(np.tri(len(scores), dtype=bool), scores, 0.0 if mask == "zero" else -np.inf)
        spread = _numpy_softmax(scores)
        mixed.append((np.tril(spread) if mask == "late" else spread) @ v[:, part])
    return np.stack(mixed).reshape(q.shape) if join == "mixed" else np.concatenate(mixed, axis=-1)


def numpy_forward(
    weights,
    ids,
    n_head,
    act=_numpy_gelu,
    scale=True,
    mask=True,
    positions=True,
    ddof=0,
    affine=True,
    pre=False,
    last=False,
    join="heads",
    project=True,
    residual="both",
    inside=1e-5,
    outside=0.0,
):
    """La pasada hacia delante de GPT-1 en NumPy, con los errores que se quieran."""
    x = weights["tokens_embed.weight"][ids]
    if positions:
        x = x + weights["positions_embed.weight"][: len(ids)]
    layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("h."))
    for layer in range(layers):
        w = {name.removeprefix(f"h.{layer}."): value for name, value in weights.items()}

        def dense(name, value, w=w):
            return value @ w[f"{name}.weight"] + w[f"{name}.bias"]

        def norm(name, value, w=w):
            return _numpy_norm(
                value,
                *((w[f"{name}.weight"], w[f"{name}.bias"]) if affine else ()),
                ddof=ddof,
                inside=inside,
                outside=outside,
            )

        def attend(value, dense=dense):
            mixed = _numpy_attention(dense("attn.c_attn", value), n_head, scale, mask, join)
            return dense("attn.c_proj", mixed) if project else mixed

        def mlp(value, dense=dense):
            return dense("mlp.c_proj", act(dense("mlp.c_fc", value)))

        if pre:
            x = x + attend(norm("ln_1", x))
            x = x + mlp(norm("ln_2", x))
        else:
            x = norm("ln_1", (x if residual != "mlp" else 0) + attend(x))
            x = norm("ln_2", (x if residual != "attn" else 0) + mlp(x))
    if last:
        x = _numpy_norm(x)
    return x @ weights["tokens_embed.weight"].T


def _forward(weights, ids, n_head):
    """La misma pasada con el modelo de helpers/gpt.py → logits [T, vocabulario]."""
    vocab_size, d = weights["tokens_embed.weight"].shape
    config = OpenAIGPTConfig(
        vocab_size=vocab_size,
        n_positions=len(weights["positions_embed.weight"]),
        n_embd=d,
        n_layer=sum(name.endswith("ln_1.bias") for name in weights),
        n_head=n_head,
    )
    model = GPT1(config).double().eval()
    model.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    with torch.no_grad():
        return model(torch.tensor([ids]))[0].numpy()


def _with(**errors):
    return lambda weights, ids, n_head: numpy_forward(weights, ids, n_head, **errors)


EXERCISES = {
    "08-norma": Exercise(
        goes_on=True,
        reference=pieces.LayerNorm,
        run=_watched("h.{}", lambda config: (config.n_embd,), born=True),
        cases=[
            ("los pesos de `h.0.ln_1`", "0.ln_1", _inputs(1)),
            ("los pesos de `h.3.ln_2` y números muy pequeños", "3.ln_2", _inputs(2, 0.003)),
        ],
        by_hand={
            "layer_norm": "el resultado está bien, pero tu clase llama a la de PyTorch: escríbela con la fórmula."
        },
        success="media 0 y varianza 1, y después la ganancia y el sesgo de gpt1-mini.",
        mistakes=[
            Mistake(
                _norm(eps=0.0, outside=1e-5),
                "la ε está fuera de la raíz: se suma a la varianza, dentro. Con números pequeños se nota.",
            ),
            Mistake(
                _norm(eps=0.0, outside=1e-5, ddof=1),
                "dos detalles: `std` divide entre d - 1 si no dices `correction=0`, y la ε va dentro de la raíz, con "
                "la varianza.",
            ),
            Mistake(
                _norm(born=(torch.zeros, torch.ones)),
                "la cuenta está bien, pero la ganancia nace a unos y el sesgo, a ceros: los has cambiado.",
            ),
            Mistake(
                _norm(born=(torch.ones, torch.ones)),
                "la cuenta está bien, pero el sesgo nace a ceros: con unos, desplaza todo desde el principio.",
            ),
            Mistake(_norm(eps=1e-6), "la ε es más pequeña de lo que toca: en GPT-1 vale 1e-5."),
            Mistake(
                _norm(late=False),
                "la varianza es la media de los cuadrados *después* de restar la media.",
            ),
            Mistake(
                _norm(eps=0.0),
                "falta la ε, o es más pequeña: es 1e-5, sumada a la varianza, dentro de la raíz.",
            ),
            Mistake(
                _norm(ddof=1),
                "la varianza divide entre d, no entre d - 1: `var` y `std` de PyTorch llevan `correction=0` para eso.",
            ),
            Mistake(
                _norm(gain=False, bias=False), "faltan la ganancia (`weight`) y el sesgo (`bias`) del final."
            ),
            Mistake(_norm(bias=False), "falta sumar el sesgo, `self.bias`."),
            Mistake(_norm(gain=False), "falta multiplicar por la ganancia, `self.weight`."),
            Mistake(_norm(centre=False), "falta restar la media antes de dividir."),
            Mistake(_norm(root=False), "divides por la varianza; se divide por su raíz."),
            Mistake(
                _norm(dim=1),
                "la media y la varianza son de cada token, sobre sus d números: `dim=-1`.",
            ),
            Mistake(
                _norm(dim=(1, 2)),
                "la media y la varianza son de cada token, no de todo el texto: `dim=-1`.",
            ),
            Mistake(
                _norm(dim=(0, 1, 2)),
                "la media y la varianza son de cada token, no de todo el tensor: `dim=-1` y `keepdim=True`.",
            ),
            Mistake(
                _bare_norm("gain", "bias"),
                "la ganancia se llama `weight`, y el sesgo, `bias`: así los buscan los pesos publicados.",
            ),
        ],
    ),
    "08-capa": Exercise(
        goes_on=True,
        reference=pieces.Attention,
        run=_watched(
            "h.{}.attn",
            lambda config: (config.n_embd, config.n_head),
            {"c_attn": "lo que sale de `c_attn`"},
            {"c_proj": "lo que entra en `c_proj`"},
            clues=False,  # ahí se engancha la lección para ver los mapas y apagar cabezas
        ),
        cases=[
            ("los pesos de `h.0.attn`", 0, _inputs(3, 0.3)),
            ("los pesos de `h.3.attn`", 3, _inputs(4, 0.3, (1, 4, 256))),
        ],
        success="consultas, claves y valores por cabezas, y c_proj mezcla lo que trae cada una.",
        mistakes=[
            Mistake(
                _layer(split="view"),
                "los números cuadran y los tokens no: un solo `reshape` a [lote, cabezas, T, …] los mezcla. Parte d y "
                "traspón.",
            ),
            Mistake(_layer(back="view"), "a la vuelta falta trasponer antes de juntar las cabezas."),
            Mistake(
                _layer(split="untransposed", back="view"),
                "falta el `transpose(1, 2)`: a `attend` le llega [lote, T, cabezas, …] y atiende entre cabezas, no "
                "entre tokens.",
            ),
            Mistake(
                _layer(split="sizes"),
                "has hecho tiras de tamaño n_head; tiene que haber n_head tiras: `unflatten(-1, (n_head, -1))`.",
            ),
            Mistake(
                _layer(residual=True),
                "la capa está bien, pero le sumas x: eso lo hará el bloque, en 08.8.",
            ),
            Mistake(
                _layer(split="braided"),
                "c_attn da todas las consultas, luego las claves y luego los valores: primero se parte en 3.",
            ),
            Mistake(
                _layer(order="kqv"), "has cambiado consultas y claves: c_attn da q, k y v, por ese orden."
            ),
            Mistake(
                _layer(order="vkq"), "has cambiado consultas y valores: c_attn da q, k y v, por ese orden."
            ),
            Mistake(_layer(heads=False), "atiendes con una sola cabeza: reparte q, k y v en n_head tiras."),
            Mistake(_layer(project=False), "falta pasar por c_proj lo que traen las cabezas."),
            Mistake(
                _layer(allowed=torch.ones_like),
                "falta la máscara: usa `attend`, la de 08.2, que ya tapa el futuro.",
            ),
            Mistake(_layer(scale=False), "falta dividir por la raíz: usa `attend`, la de 08.2."),
        ],
    ),
    "08-mlp": Exercise(
        goes_on=True,
        reference=pieces.MLP,
        run=_watched(
            "h.{}.mlp",
            lambda config: (config.n_embd,),
            {"c_fc": "lo que sale de `c_fc`"},
            {"c_proj": "lo que entra en `c_proj`"},
        ),
        cases=[("los pesos de `h.0.mlp`", 0, _inputs(5)), ("los pesos de `h.2.mlp`", 2, _inputs(6))],
        success="ensanchar a 4d, GELU y volver a d.",
        mistakes=[
            Mistake(
                _mlp(first=None, last=pieces.gelu),
                "la activación va en medio, tras c_fc; tras c_proj ya no hay ninguna.",
            ),
            Mistake(_mlp(last=pieces.gelu), "sobra la activación de después de c_proj."),
            Mistake(_mlp(first=None), "falta la activación: dos capas densas seguidas son una sola."),
            Mistake(_mlp(first=F.gelu), "esa es la GELU exacta; GPT-1 usa la tuya, `gelu`, la de la tanh."),
            Mistake(_mlp(first=torch.relu), "la activación de GPT-1 es la GELU, no ReLU."),
            Mistake(
                _mlp(residual=True), "la MLP está bien, pero le sumas x: eso lo hará el bloque, en 08.8."
            ),
            Mistake(_mlp(project=False), "falta c_proj, que vuelve de 4d a d."),
        ],
    ),
    "08-post": Exercise(
        goes_on=True,
        reference=pieces.Block,
        run=_watched(
            "h.{}",
            lambda config: (config.n_embd, config.n_head),
            {
                "attn": "lo que sale de `attn`",
                "ln_1": "lo que sale de `ln_1`",
                "mlp": "lo que sale de `mlp`",
                "ln_2": "lo que sale de `ln_2`",
            },
        ),
        cases=[
            ("los pesos del bloque 1", 0, _inputs(7)),
            ("los pesos del bloque 4", 3, _inputs(8, 1.0, (1, 4, 256))),
        ],
        success="sumar y después normalizar, dos veces: eso es post-LN.",
        mistakes=[
            Mistake(
                _block(_pre),
                "ese bloque existe y funciona, pero es pre-LN, el de GPT-2: normaliza antes de cada pieza.",
            ),
            Mistake(
                _block(_skipping),
                "la segunda suma parte de x y salta por encima de la atención: lo que se suma es `n + mlp(n)`.",
            ),
            Mistake(_block(_last_bare), "falta la segunda normalización: el bloque acaba en ln_2."),
            Mistake(
                _block(_half_normed),
                "falta la primera normalización, la que va justo tras sumar la atención.",
            ),
            Mistake(_block(_not_residual), "faltan las sumas: cada pieza se suma a lo que recibió."),
            Mistake(_block(_no_first_sum), "falta la primera suma: lo que da la atención se suma a x."),
            Mistake(_block(_no_second_sum), "falta la segunda suma: lo que da la MLP se suma a n."),
            Mistake(_block(_one_norm), "usas ln_1 dos veces: tras la MLP va ln_2."),
            Mistake(
                _block(_swapped_norms), "has cambiado las dos normalizaciones: ln_1 va tras la atención."
            ),
            Mistake(
                _block(_inner_norm),
                "normalizas lo que da cada pieza; se normaliza la suma: `ln_1(x + attn(x))`.",
            ),
            Mistake(
                _block(_parallel),
                "la MLP recibe n, lo que sale de ln_1; tú le das x.",
            ),
        ],
    ),
    "08-modelo": Exercise(
        goes_on=True,
        reference=pieces.GPT1,
        run=_run_model,
        cases=[
            ("los pesos de gpt1-mini", torch.tensor([[367, 1574, 281, 973, 286, 816]])),
            ("los pesos de gpt1-mini y dos textos", torch.tensor([[5, 900, 31], [281, 281, 7]])),
        ],
        success="los mismos estados y los mismos logits que gpt1-mini: eso es GPT-1.",
        mistakes=[
            Mistake(
                _model(positions=False), "faltan las posiciones: a cada token se le suma la fila de su sitio."
            ),
            Mistake(_model(start=1), "la primera posición es la 0."),
            Mistake(
                _model(scale=True),
                "has multiplicado los embeddings por la raíz de d, como el Transformer de 2017; GPT-1 no lo hace.",
            ),
            Mistake(
                _model(final=True),
                "has normalizado otra vez al final: la ln_f es de GPT-2; aquí el último ln_2 ya es la salida.",
            ),
            Mistake(
                _model(first=False), "hidden_states empieza por los embeddings: son n_layer + 1 estados."
            ),
            Mistake(
                _model(last=False), "falta el estado que sale del último bloque: son n_layer + 1 estados."
            ),
            Mistake(_model(soft=True), "se piden logits: sobra el softmax del final."),
            Mistake(
                _Untied,
                "la salida no tiene matriz propia: reutiliza tokens_embed.weight, traspuesta.",
            ),
            Mistake(
                _model(blocks=_one_block),
                "has repetido n_layer veces el mismo bloque: crea uno nuevo en cada vuelta.",
            ),
        ],
    ),
    "08-atencion": Exercise(
        goes_on=True,
        reference=pieces.attend,
        by_hand={
            "scaled_dot_product_attention": "el resultado está bien, pero tu función llama a la de PyTorch, y aquí "
            "se trata de escribirla: puntuaciones, máscara, softmax y mezcla."
        },
        cases=[_three(5, 4, seed=0), _three(2, 3, 6, 8, seed=3)],
        success="cada token mezcla valores de su izquierda y el suyo, y vale igual para un lote con cabezas.",
        mistakes=[
            Mistake(
                lambda q, k, v: _attention(q, k, v, late=True),
                "has puesto la máscara después del softmax: tus pesos ya no suman 1. Tapa las puntuaciones, antes.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, allowed=torch.ones_like),
                "falta la máscara: cada token está mirando también a los que vienen detrás.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, scale=False),
                "falta dividir las puntuaciones por la raíz de d: sin eso, el softmax se concentra demasiado.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, scale="d"),
                "has dividido por d; se divide por su raíz cuadrada.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, torch.eye(k.shape[-2]).expand(*k.shape[:-1], -1)),
                "esos son los pesos; falta la mezcla de valores: el producto de los pesos por v.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, scale="T"),
                "la d de la raíz es la última medida de q, lo largo de cada vector; has usado T, cuántos hay.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, dim=-2),
                "el softmax va sobre las claves (dim=-1): lo que suma 1 es lo que reparte cada consulta, una fila.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, allowed=torch.triu),
                "la máscara está traspuesta (triu): cada token mira al futuro y no al pasado. Es tril.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, allowed=lambda ones: ones.tril(-1)),
                "has tapado también la diagonal: el primer token no tiene a quién mirar y da nan. Cada uno se ve a sí.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, allowed=lambda ones: 1 - ones.tril()),
                "has tapado lo que se puede mirar: falta el ~.",
            ),
            Mistake(
                lambda q, k, v: _attention(q, k, v, fill=0.0),
                "has puesto 0 en lo tapado, y e^0 es 1: sigue recibiendo peso. Tiene que ser -inf.",
            ),
        ],
    ),
    "08-mascara": Exercise(
        goes_on=True,
        reference=_masked,
        cases=[(_random(1, 2, 5, 5), _BIAS), (_random(2, 1, 3, 3, seed=1), _BIAS)],
        success="con los dos puntos se recorta un triángulo; sin ellos se lee una casilla de la diagonal, que vale 1.",
        mistakes=[
            Mistake(
                _one_element,
                "lo que lees son todo unos y no se tapa nada: bias[:, :, T, T] es una casilla de la diagonal, y "
                "bias[:, :, T, :T], una fila llena. Hacen falta T filas y T columnas.",
            ),
            Mistake(
                _one_column,
                "has arreglado las filas, pero bias[:, :, :T, T] es una columna de ceros: todo queda igual de tapado.",
            ),
            Mistake(
                lambda scores, bias: _masked(scores, bias, low=0.0),
                "el recorte está bien, pero multiplicar por 0 no tapa: e^0 es 1. Falta el -1e9 · (1 - b).",
            ),
            Mistake(
                lambda scores, bias: _masked(scores, bias, low=1e9),
                "el signo está al revés: con +1e9 cada token mira solo lo prohibido.",
            ),
            Mistake(
                lambda scores, bias: _masked(scores, bias, transposed=True),
                "has traspuesto la máscara: así se tapa el pasado y se deja ver el futuro.",
            ),
            Mistake(
                lambda scores, bias: _masked(scores, bias, late=True),
                "el recorte está bien, pero la máscara va antes del softmax: tus filas no suman 1.",
            ),
            Mistake(
                lambda scores, bias: _masked(scores, bias, dim=-2),
                "la máscara está bien, pero el softmax va por filas: dim=-1.",
            ),
            Mistake(
                _moved,
                "has recortado una columna más a la derecha: la diagonal queda tapada. Las dos tiras empiezan en 0.",
            ),
        ],
    ),
    "08-cabezas": Exercise(
        goes_on=True,
        reference=_through,
        cases=[(_random(2, 5, 12), 3, _per_head), (_random(1, 4, 8, seed=1), 2, _per_head)],
        success="cada cabeza se lleva su tira del vector, con todos los tokens, y la devuelve a su sitio.",
        mistakes=[
            Mistake(
                _view_both_ways,
                "un solo reshape a [lote, cabezas, T, d/cabezas] mezcla tokens: parte primero d y después traspón.",
            ),
            Mistake(
                _no_way_back,
                "la ida está bien; a la vuelta falta deshacer el transpose antes de juntar, y se mezclan los tokens.",
            ),
            Mistake(
                _no_transpose,
                "falta el transpose(1, 2): a f le llega [lote, T, cabezas, …] y toma los tokens por cabezas.",
            ),
            Mistake(
                _interleaved,
                "cada cabeza es una tira seguida del vector: unflatten(-1, (n_head, -1)), con n_head delante.",
            ),
            Mistake(
                _braided_back,
                "a la vuelta has trenzado las cabezas: cada una ocupa un trozo seguido, no un número de cada n_head.",
            ),
            Mistake(
                _sizes_swapped,
                "has hecho cabezas de tamaño n_head; tiene que haber n_head cabezas, de tamaño d / n_head.",
            ),
            Mistake(
                lambda x, n_head, f: f(_split(x, n_head)),
                "falta la vuelta: devuelves [lote, cabezas, T, …] y se piden otra vez [lote, T, d].",
            ),
            Mistake(lambda x, n_head, f: x, "vas y vuelves sin aplicar f por el camino."),
        ],
    ),
    "08-gelu": Exercise(
        goes_on=True,
        reference=pieces.gelu,
        by_hand={"gelu": "el resultado está bien, pero tu función llama a F.gelu: escríbela con la fórmula."},
        cases=[(torch.linspace(-4, 4, 41),), (_random(2, 3),)],
        success="es la de train.py, líneas 22-23, y en transformers se llama gelu_new.",
        mistakes=[
            Mistake(
                F.gelu,
                "esa es la GELU exacta, con erf (la que da F.gelu si no dices nada): GPT-1 usa la de la tanh.",
            ),
            Mistake(torch.relu, "eso es ReLU: corta en seco todo lo negativo."),
            Mistake(
                lambda x: _gelu(x, half=1.0), "falta el 1/2 de delante: para x grande debe salir x, no 2x."
            ),
            Mistake(
                lambda x: _gelu(x, power=2),
                "es x al cubo; al cuadrado, la curva pierde la simetría de la tanh.",
            ),
            Mistake(
                lambda x: _gelu(x, cubic=0.0),
                "el término cúbico casi no llega: es 0,044715 · x³, con la constante fuera del cubo.",
            ),
            Mistake(
                lambda x: 0.5 * x * (1 + torch.tanh((2 / math.pi) ** 0.5 * x + 0.044715 * x**3)),
                "la raíz multiplica a todo el paréntesis, x + 0,044715x³, y no solo a x.",
            ),
            Mistake(
                lambda x: _gelu(x, root=2 / math.pi),
                "delante del paréntesis va la raíz de 2/π, no 2/π.",
            ),
            Mistake(
                lambda x: _gelu(x, root=2**0.5 / math.pi),
                "la raíz cubre toda la fracción: es la raíz de 2/π, no la de 2 entre π.",
            ),
            Mistake(
                lambda x: x * torch.sigmoid(1.702 * x),
                "esa es la otra aproximación, x · sigmoide(1,702x); la de GPT-1 es la de la tanh.",
            ),
            Mistake(
                lambda x: _gelu(x, one=0.0),
                "falta sumar 1 a la tanh: así lo negativo no se apaga, cambia de signo.",
            ),
        ],
    ),
    "08-enlace": Exercise(
        reference={"lm_head.weight": "transformer.tokens_embed.weight"},
        success="así se guarda la tabla de entrada, que es la que necesita el cuerpo, y la salida se rehace con ella.",
        mistakes=[
            Mistake(
                {"transformer.tokens_embed.weight": "lm_head.weight"},
                "esa es la línea con el fallo: la tabla de entrada es la copia, así que no se guarda.",
            ),
            Mistake(
                {
                    "lm_head.weight": "transformer.tokens_embed.weight",
                    "transformer.tokens_embed.weight": "lm_head.weight",
                },
                "cada una es copia de la otra, así que no se guardaría ninguna. Solo una puede ser el original.",
            ),
            Mistake(
                {"lm_head.weight": "tokens_embed.weight"},
                "el sentido está bien; en el modelo entero, el cuerpo va dentro de transformer y el nombre lo lleva.",
            ),
            Mistake(
                {"lm_head": "transformer.tokens_embed"},
                "el sentido está bien; faltan los .weight: lo que se ata es la matriz, no la capa.",
            ),
            Mistake(
                {"lm_head.weight": "transformer.positions_embed.weight"},
                "la salida puntúa tokens: comparte la tabla de tokens, no la de posiciones.",
            ),
            Mistake(
                {"tokens_embed.weight": "lm_head.weight"},
                "sigue al revés: la copia, que es lo que no se guarda, va antes de los dos puntos.",
            ),
            Mistake(
                ["lm_head.weight"],
                "así se declaraba antes; ahora hay que decir también cuál es el original: {copia: original}.",
            ),
            Mistake(
                {}, "sin atar nada, el archivo lleva dos tablas, y al entrenar se separan: ya no es GPT-1."
            ),
        ],
    ),
    "08-sesgo": Exercise(
        goes_on=True,
        reference=_initialised(_normal(0, 0.02), nn.init.zeros_),
        cases=[(torch.ones(64, 20_000), torch.ones(20_000))],
        measure=_spread,
        tolerance=0.03,  # las desviaciones de un sorteo bailan; con tantos números, menos de un 3 %
        success="W casi a cero y el sesgo, a cero: la cabeza empieza sin preferir ninguna clase.",
        mistakes=[
            Mistake(
                _initialised(_normal(0, 0.02), _normal(0)),
                "esa es la línea con el fallo: el segundo argumento de normal_ es la media; la desviación queda en 1.",
            ),
            Mistake(
                _initialised(_normal(0, 0.02), _normal(0, 0.02)),
                "el sesgo ya es pequeño, pero el original no lo sortea: lo pone a 0.",
            ),
            Mistake(
                _initialised(_normal(0.02), nn.init.zeros_),
                "el sesgo está bien; en W, 0,02 es la media y la desviación es 1. Escribe su nombre: `std=0.02`.",
            ),
            Mistake(
                _initialised(_normal(0, 0.02**2), nn.init.zeros_),
                "0,02 es la desviación, no la varianza: no hay que elevarlo al cuadrado.",
            ),
            Mistake(
                _initialised(nn.init.zeros_, nn.init.zeros_),
                "W también está a cero, y así el primer paso no le enseña nada al resto del modelo: W se sortea.",
            ),
            Mistake(
                _initialised(_normal(0, 0.02), lambda bias: bias),
                "el sesgo se ha quedado como estaba, sin iniciar: ponlo a 0.",
            ),
            Mistake(
                _initialised(lambda weight: weight, nn.init.zeros_),
                "W se ha quedado como estaba: sortéalo con `std=0.02`.",
            ),
            Mistake(
                _initialised(_normal(0, 0.2), nn.init.zeros_),
                "el sesgo está bien; la desviación de W tiene que ser 0,02 y es 0,2.",
            ),
            Mistake(
                _initialised(
                    lambda weight: nn.init.uniform_(weight, -0.02 * 3**0.5, 0.02 * 3**0.5), nn.init.zeros_
                ),
                "la desviación de W está bien, pero el sorteo es uniforme y el original es normal: `nn.init.normal_`.",
            ),
            Mistake(
                _initialised(lambda weight: nn.init.uniform_(weight, -0.02, 0.02), nn.init.zeros_),
                "has sorteado W por igual entre −0,02 y 0,02; el original es una normal de desviación 0,02.",
            ),
            Mistake(
                _initialised(lambda weight: 0.02 * torch.randn_like(weight).sign(), nn.init.zeros_),
                "en W solo hay dos valores, 0,02 y −0,02: sortéalos todos con una normal.",
            ),
            Mistake(
                _initialised(lambda weight: weight.copy_(0.02 * torch.randn_like(weight[0])), nn.init.zeros_),
                "en W se repite la misma fila, o la misma columna: hay que sortear cada valor.",
            ),
            Mistake(
                _initialised(_normal(0.004, 0.02), nn.init.zeros_),
                "la media de W no es 0: entre tantos números, la del azar sería mil veces menor que su desviación.",
            ),
            Mistake(
                lambda weight, bias: (nn.init.zeros_(bias), nn.init.normal_(weight, std=0.02)),
                "los has devuelto al revés: primero `weight` y después `bias`.",
            ),
            Mistake(
                lambda weight, bias: _normal(0, 0.02)(weight),
                "falta uno: devuelve los dos, `weight` y `bias`.",
            ),
            Mistake(
                lambda weight, bias: nn.init.zeros_(bias),
                "has devuelto solo el sesgo: hacen falta los dos, primero `weight` y después `bias`.",
            ),
            Mistake(
                _initialised(_normal(0, 0.02), lambda bias: 0),
                "`bias = 0` no toca el tensor: en el segundo lugar has devuelto un número. Ponlo a cero sin cambiarlo.",
            ),
            Mistake(
                _initialised(_normal(0, 0.02), lambda bias: None),
                "en el segundo lugar has devuelto None: tiene que ser el tensor `bias`, puesto a cero.",
            ),
            Mistake(
                _initialised(_normal(0, 0.02), lambda bias: torch.zeros(2)),
                "el sesgo tiene que conservar su forma: ponlo a cero sin crear otro, con `nn.init.zeros_(bias)`.",
            ),
        ],
    ),
    "08-numpy": Exercise(
        goes_on=True,
        reference=_forward,
        cases=[
            (_toy_weights(), [3, 1, 4, 1, 5], 2),
            (_toy_weights(n_layer=3, seed=1), [2, 7, 10, 8], 4),
            (_faint_weights(), [6, 0, 9], 2),
        ],
        by_hand=dict.fromkeys(
            ("layer_norm", "softmax", "gelu", "scaled_dot_product_attention", "matmul", "linear"),
            "los números están bien, pero tu función llama a PyTorch o a SciPy: aquí se pide solo NumPy.",
        ),
        success="GPT-1 entero con sumas, productos, una exponencial y una tanh.",
        mistakes=[
            Mistake(
                _with(pre=True), "normalizas antes de cada subcapa (pre-LN): en GPT-1, después de cada suma."
            ),
            Mistake(
                _with(act=_numpy_erf),
                "todo bien menos la activación: es la GELU con tanh, no la exacta con erf.",
            ),
            Mistake(
                _with(scale=False), "falta dividir las puntuaciones por la raíz del tamaño de la cabeza."
            ),
            Mistake(
                _with(mask=False), "falta la máscara causal: tapa las puntuaciones de los tokens futuros."
            ),
            Mistake(
                _with(mask="zero"),
                "has puesto 0 en lo tapado, y la exponencial de 0 es 1: antes del softmax tiene que ser -inf.",
            ),
            Mistake(
                _with(mask="late"),
                "la máscara va antes del softmax: después, las filas ya no suman 1.",
            ),
            Mistake(_with(residual="mlp"), "falta sumar x a lo que da la atención, antes de ln_1."),
            Mistake(_with(residual="attn"), "falta sumar lo que entró en la MLP a lo que sale de ella."),
            Mistake(
                _with(act=lambda x: np.maximum(x, 0)),
                "todo bien menos la activación: es la GELU con tanh, no ReLU.",
            ),
            Mistake(_with(act=lambda x: x), "falta la activación entre las dos capas de la MLP."),
            Mistake(
                _with(join="braided"),
                "c_attn da todas las consultas, luego las claves y luego los valores: el 3 va delante de n_head.",
            ),
            Mistake(
                _with(affine=False),
                "falta multiplicar por la ganancia (ln.weight) y sumar el sesgo (ln.bias).",
            ),
            Mistake(
                _with(positions=False),
                "faltan las posiciones: súmale a cada token su fila de positions_embed.",
            ),
            Mistake(_with(scale="d"), "la raíz es la del tamaño de la cabeza, d / n_head, no la de d."),
            Mistake(_with(join="mixed"), "a la vuelta falta trasponer antes de juntar las cabezas."),
            Mistake(_with(project=False), "falta c_proj tras juntar las cabezas."),
            Mistake(
                lambda weights, ids, n_head: _numpy_softmax(numpy_forward(weights, ids, n_head)),
                "se piden logits: sobra el softmax del final.",
            ),
            Mistake(
                _with(ddof=1),
                "la varianza de la normalización divide entre d, no entre d - 1 (en NumPy, ddof=0, lo que da var).",
            ),
            Mistake(
                lambda weights, ids, n_head: numpy_forward(weights, ids, 1),
                "atiendes con una sola cabeza: reparte q, k y v en n_head tiras y haz un softmax por tira.",
            ),
            Mistake(
                _with(inside=0.0, outside=1e-5),  # sin ella, o con otra más pequeña, sale lo mismo
                "falta la ε de la normalización donde cuenta: 1e-5 sumado a la varianza, dentro de la raíz. Fuera de "
                "ella, o más pequeña, casi no hace nada.",
            ),
            Mistake(
                _with(last=True),
                "has normalizado otra vez al final: la ln_f es de GPT-2; aquí el último ln_2 ya es la salida.",
            ),
        ],
    ),
}
