"""Lo que tarda una actualización al preentrenar: el curso frente a un paso como el de nanoGPT.

El rival se escribe aquí con las operaciones del paso de nanoGPT (pre-LN, `nn.Linear`, SDPA, GELU exacta, AdamW sin
fundir en la CPU, recorte a 1): no es nuestra arquitectura (post-LN, GELU con tanh, `Conv1D`), así que no hay igualdad
que comprobar entre los dos; sí se comprueba que nuestra pérdida es la de transformers con los mismos pesos. Cada medida
va en un proceso nuevo.
"""

import statistics
import tempfile
import time
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from transformers import OpenAIGPTLMHeadModel, TrainerCallback

from helpers.pretraining.corpus import TokenFile
from helpers.pretraining.recipe import PRESETS, blank_model, config_for
from helpers.pretraining.trainer import window_trainer
from helpers.training import QuietProgress, quiet
from tests.benchmarks.machine import gemm_peak
from tests.benchmarks.timing import against, alone

VOCAB = 8192
STEPS = 10
SHAPES = [  # (nombre, (bloques, ancho, cabezas, posiciones), lote)
    ("4 × 256", (4, 256, 4, 256), 16),
    ("12 × 768 (GPT-1)", (12, 768, 12, 512), 1),
]


class PreLNBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (
            part.view(batch, length, self.heads, -1).transpose(1, 2)
            for part in self.qkv(self.norm_1(x)).split(width, dim=2)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.project(y.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class PreLNModel(nn.Module):
    def __init__(self, layers, width, heads, positions):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCAB, width), nn.Embedding(positions, width)
        self.blocks = nn.ModuleList(PreLNBlock(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, VOCAB, bias=False)
        self.tokens.weight = self.head.weight

    def forward(self, ids, targets):
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


def nanogpt_like(shape, batch) -> float:
    """Segundos por paso del rival: los datos ya están en memoria, sin barra ni medidas."""
    layers, width, heads, positions = shape
    model = PreLNModel(layers, width, heads, positions)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    rest = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95), fused=False)
    ids = torch.randint(1, VOCAB, (batch, positions + 1))
    seconds = []
    for _ in range(STEPS):
        start = time.perf_counter()
        loss = model(ids[:, :-1], ids[:, 1:])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[2:])


class Clock(TrainerCallback):
    def __init__(self):
        self.times = []

    def on_step_end(self, args, state, control, **kwargs):
        self.times.append(time.perf_counter())


def course(shape, batch, steps=STEPS, **settings) -> float:
    """Segundos por actualización de nuestro `Trainer` entero: lectura de ventanas, paso, recorte y planificador."""
    layers, width, heads, positions = shape
    recipe = replace(
        PRESETS["mini"], n_layer=layers, n_embd=width, n_head=heads, n_positions=positions,
        batch=batch, micro_batch=batch, eval_windows=batch, warmup=2, save_every=-1, max_steps=steps, **settings,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/ids.bin"
        rng = np.random.default_rng(0)
        rng.integers(1, VOCAB, (steps + 2) * batch * positions).astype("uint16").tofile(path)
        file = TokenFile(path, (steps + 2) * batch * positions, 10**6, "uint16")
        model, clock = blank_model(recipe, VOCAB), Clock()
        trainer = window_trainer(recipe, model, file, file, folder)
        trainer.pop_callback(type(trainer.callback_handler.callbacks[-1]))  # sin medir sobre textos de prueba
        trainer.add_callback(clock)
        quiet(trainer, QuietProgress("", disable=True))
        trainer.train()
    return statistics.median(np.diff(clock.times)[1:])


def check(shape) -> None:
    """La pérdida del curso, como al entrenar, es la de transformers con los mismos pesos."""
    layers, width, heads, positions = shape
    recipe = replace(PRESETS["mini"], n_layer=layers, n_embd=width, n_head=heads, n_positions=positions)
    ours = blank_model(recipe, VOCAB).eval()
    theirs = OpenAIGPTLMHeadModel(config_for(recipe, VOCAB)).eval()
    theirs.load_state_dict(ours.state_dict())
    ids = torch.randint(1, VOCAB, (2, positions))
    torch.testing.assert_close(ours(ids, labels=ids, return_logits=False).loss, theirs(ids, labels=ids).loss)


def operations(shape, vocabulary: int = VOCAB) -> float:
    """Multiplicaciones y sumas de un token, ida y vuelta: seis por peso de matriz, y las de la atención."""
    layers, width, _, positions = shape
    return 6 * (12 * layers * width**2 + width * vocabulary) + 12 * layers * width * positions / 2


def rows(quick: bool = False) -> list[dict]:
    shapes = [("las medidas de la prueba", (1, 32, 2, 16), 4)] if quick else SHAPES
    found = []
    for label, shape, batch in shapes:
        torch.manual_seed(0)
        check(shape)
        limits = [gemm_peak(256 if quick else 2048)]
        ways = {"theirs": partial(nanogpt_like, shape, batch), "ours": partial(course, shape, batch)}
        seconds = {name: [] for name in ways}
        for _ in range(1 if quick else 3):  # alternados: el ruido de la máquina les toca a todos
            for name, way in ways.items():
                seconds[name].append(alone(way))
            limits.append(gemm_peak(256 if quick else 2048))
        tokens = batch * shape[3]
        ours = statistics.median(seconds["ours"])
        found.append(
            against(
                f"Preentrenar, {label}", "un paso como el de nanoGPT", seconds["theirs"], seconds["ours"], 1.05,
                share=operations(shape) * tokens / ours / max(limits), of="multiplicar",
                note=f"lotes de {batch} × {shape[3]} tokens; {tokens / ours:.0f} tokens por segundo",
            )
        )  # fmt: skip
    return found
