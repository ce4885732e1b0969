"""La receta del preentrenamiento (artículo, §4.1), el modelo en blanco que pide y las que trae el curso. Lección 09."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from transformers import OpenAIGPTConfig

from helpers import models
from helpers.hf import GPT1LMHeadModel
from helpers.rules import COUNT, Rule
from helpers.training import Recipe, TrainingError


@dataclass(frozen=True)
class PretrainingRecipe(Recipe):
    """Tamaño y optimización. Los valores por defecto son los del artículo (§4.1); `PRESETS` los escala.

    En dos cosas, la receta es la de las bibliotecas y no la de opt.py, escrito para el ajuste fino: la caída coseno
    empieza cuando acaba la subida (en `warmup_cosine` de opt.py, ya en la primera actualización), y AdamW decae en
    proporción a la tasa tal cual (opt.py, a la corregida: `helpers.finetuning.optimizer`).
    """

    learning_rate: float = 2.5e-4
    epochs: float = 100
    batch: int = 64  # ventanas por actualización, sumando todos los procesos
    micro_batch: int = 64
    save_every: int = 500
    n_layer: int = 12
    n_embd: int = 768
    n_head: int = 12
    n_positions: int = 512
    warmup: int = 2000  # actualizaciones
    # «warmup_stable_decay» es constante hasta las últimas `decay_steps` actualizaciones: la misma orden, con otro
    # --max-steps, sigue desde un punto de control sin haber decidido al empezar cuánto se iba a entrenar
    schedule: str = "cosine"
    decay_steps: int = 0
    eval_windows: int = 256

    RULES: ClassVar[dict[str, Rule]] = Recipe.RULES | {
        "n_layer": Rule(int, 1, models.LARGEST["n_layer"]),
        "n_embd": Rule(int, 1, models.LARGEST["n_embd"]),
        "n_head": COUNT,
        "n_positions": Rule(int, 2, models.LARGEST["n_positions"]),
        "warmup": Rule(int, 0),
        "schedule": Rule(str, also=("cosine", "linear", "constant_with_warmup", "warmup_stable_decay")),
        "decay_steps": Rule(int, 0),
        "eval_windows": COUNT,
    }

    def __post_init__(self):
        super().__post_init__()
        if self.n_embd % self.n_head:
            raise TrainingError(
                f"n_embd={self.n_embd} no se puede repartir entre n_head={self.n_head} cabezas: tiene que ser múltiplo."
            )
        if (self.schedule == "warmup_stable_decay") != bool(self.decay_steps):
            raise TrainingError(
                "La bajada final (`decay_steps`) y `schedule='warmup_stable_decay'` van juntas: da las dos o "
                "ninguna."
            )


PAPER = PretrainingRecipe()
PRESETS = {
    "paper": PAPER,
    "mini": PretrainingRecipe(
        n_layer=4, n_embd=256, n_head=4, n_positions=256, dropout=0.0, batch=16, micro_batch=16, epochs=1,
        learning_rate=1e-3, warmup=200, adam_beta2=0.98, save_every=200,
    ),
    "gpu": PretrainingRecipe(
        n_layer=8, n_embd=512, n_head=8, n_positions=512, epochs=3, learning_rate=1e-3, warmup=1000, adam_beta2=0.98,
    ),
}  # fmt: skip
# Seguir con un texto propio (`fine_tune_language`): pasos menores que al preentrenar, y la subida sale de lo que dure.
LANGUAGE = PretrainingRecipe(
    learning_rate=2e-4, epochs=3, batch=8, micro_batch=8, schedule="linear", save_every=0
)

DROPOUTS = ("resid_pdrop", "embd_pdrop", "attn_pdrop")


def config_for(recipe: PretrainingRecipe, vocab_size: int) -> OpenAIGPTConfig:
    """La configuración de un GPT-1 con las medidas de la receta."""
    return OpenAIGPTConfig(
        vocab_size=vocab_size,
        n_positions=recipe.n_positions,
        n_embd=recipe.n_embd,
        n_layer=recipe.n_layer,
        n_head=recipe.n_head,
        **dict.fromkeys(DROPOUTS, recipe.dropout),
    )


def check_init(init) -> None:
    """Lanza `TrainingError` si en la carpeta `init` no hay unos pesos de partida; `None` es no partir de ninguno."""
    missing = [
        name for name in ("config.json", "model.safetensors") if init and not (Path(init) / name).is_file()
    ]
    if missing:
        raise TrainingError(
            f"En {init} falta {' y '.join(missing)}: ahí se esperaban los pesos de partida (`--init`)."
        )


def blank_model(recipe: PretrainingRecipe, vocab_size: int, init=None) -> GPT1LMHeadModel:
    """Un GPT-1 con las medidas de la receta y pesos al azar, N(0, 0,02), o con los de la carpeta `init`."""
    torch.manual_seed(recipe.seed)
    if init is None:
        try:
            return GPT1LMHeadModel(config_for(recipe, vocab_size))
        except (RuntimeError, MemoryError) as error:  # el reparto de PyTorch lo cuenta como RuntimeError
            raise TrainingError(
                "Un modelo de esas medidas no cabe en la memoria: baja n_embd, n_layer o n_positions."
            ) from error
    dropouts = dict.fromkeys(DROPOUTS, recipe.dropout)
    check_init(init)
    model = models.load_weights(Path(init), f"la carpeta {Path(init).name}", **dropouts)
    saved = model.config.vocab_size
    if saved != vocab_size:
        raise TrainingError(
            f"Los pesos de partida tienen {saved} entradas y el vocabulario {vocab_size}: usa el suyo "
            f"(--tokenizer {init})."
        )
    return model
