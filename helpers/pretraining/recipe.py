"""La receta del preentrenamiento (artículo, §4.1), el modelo en blanco que pide y las que trae el curso. Lección 09."""

from dataclasses import dataclass

import torch
from transformers import OpenAIGPTConfig

from helpers.hf import GPT1LMHeadModel
from helpers.training import Recipe


@dataclass(frozen=True)
class PretrainingRecipe(Recipe):
    """Tamaño y optimización. Los valores por defecto son los del artículo; `PRESETS` los escala."""

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
# Seguir con un texto propio (`fine_tune_language`): pasos menores que al preentrenar; la subida y los puntos de
# control salen de lo que dure.
LANGUAGE = PretrainingRecipe(learning_rate=2e-4, epochs=3, batch=8, micro_batch=8, schedule="linear")

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


def blank_model(recipe: PretrainingRecipe, vocab_size: int, init=None) -> GPT1LMHeadModel:
    """Un GPT-1 con las medidas de la receta y pesos al azar, N(0, 0,02), o con los de la carpeta `init`."""
    torch.manual_seed(recipe.seed)
    if init is None:
        return GPT1LMHeadModel(config_for(recipe, vocab_size))
    dropouts = dict.fromkeys(DROPOUTS, recipe.dropout)
    return GPT1LMHeadModel.from_pretrained(init, dtype=torch.float32, **dropouts)
