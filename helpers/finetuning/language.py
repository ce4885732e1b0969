"""Seguir preentrenando con un texto propio para que el modelo escriba en su estilo. Lección 06, última sección."""

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from helpers.files import opened
from helpers.finetuning.training import silence
from helpers.hf import GPT1LMHeadModel
from helpers.pretraining.corpus import TokenFile, Windows
from helpers.pretraining.recipe import Recipe, pretrain
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import TrainingError

HELD_OUT = 10  # se aparta una de cada diez ventanas, las del final, para medir


@dataclass
class FineTunedLanguage:
    """`model` en modo evaluación y su `tokenizer`; pérdidas antes y después, en nats por token."""

    model: GPT1LMHeadModel
    tokenizer: GPT1Tokenizer
    loss_before: float
    loss_after: float
    windows: int

    @property
    def perplexity(self) -> tuple[float, float]:
        """Perplejidad por token de la parte apartada: (antes, después)."""
        return math.exp(self.loss_before), math.exp(self.loss_after)


def fine_tune_language(
    model, tokenizer, text, *, epochs: float = 3, learning_rate: float = 2e-4, batch: int = 8,
    micro_batch: int | None = None, seed: int = 0, out=None, precision: str = "auto", progress: bool = True,
    **settings,
) -> FineTunedLanguage:  # fmt: skip
    """Ajusta `model` (que no cambia) al texto `text`: la ruta de un archivo UTF-8, o el propio texto.

    El texto se parte en ventanas de `n_positions` tokens y la décima parte final se aparta para medir. La receta es la
    del preentrenamiento (`helpers.pretraining.pretrain`) con subida corta y descenso lineal; `settings` llega hasta
    `TrainingArguments`. Con `out` se guarda y, si se interrumpe, la misma llamada sigue. El modelo ajustado queda en el
    dispositivo de `model`. Lanza `TrainingError` si el archivo no existe o no es texto, si no llena dos ventanas (una
    para aprender y otra para medir) o si un lote no cabe en la memoria: `micro_batch` lo reparte en trozos menores.
    """
    ids = tokenizer.text_to_ids(read_text(text))
    length = model.config.n_positions
    total = len(ids) // length
    if total < 2:
        raise TrainingError(
            f"El texto tiene {len(ids)} tokens y hacen falta al menos {2 * length}: una ventana de {length} para "
            "aprender y otra para medir. Elige un texto más largo o une varios."
        )
    learning = total - max(1, total // HELD_OUT)
    batch = min(batch, learning)
    # `pretrain` mide por lotes enteros: los de medir no pueden ser mayores que la parte apartada
    most = micro_batch or total - learning
    micro_batch = max(size for size in range(1, batch + 1) if batch % size == 0 and size <= most)
    steps = settings.get("max_steps") or max(1, math.ceil(learning // batch * epochs))
    recipe = Recipe(
        batch=batch, micro_batch=micro_batch, epochs=epochs, learning_rate=learning_rate, warmup=max(1, steps // 20),
        schedule="linear", save_every=max(1, steps // 4), seed=seed, dropout=0.1,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch, silence():
        scratch = Path(scratch)
        model.save_pretrained(scratch / "inicio")
        train = _token_file(ids[: learning * length], scratch / "train.bin")
        held_out = _token_file(ids[learning * length : total * length], scratch / "held_out.bin")
        if out is None:
            settings["save_strategy"] = "no"
        tuned = pretrain(
            recipe, train, held_out, tokenizer, out or scratch / "salida", scratch / "inicio",
            precision=precision, progress=progress, **settings,
        ).eval()  # fmt: skip
        tuned.config.use_cache = True
        before, after = (mean_loss(either, Windows(held_out, length)) for either in (model, tuned))
    return FineTunedLanguage(tuned.to(model.device), tokenizer, before, after, total)


def read_text(text) -> str:
    """El contenido de `text`, si es la ruta de un archivo (`Path` o algo acabado en .txt o .md), o él mismo."""
    if isinstance(text, str) and ("\n" in text or not text.endswith((".txt", ".md"))):
        return text
    with opened(text, TrainingError) as file:
        return file.read()


@torch.inference_mode()
def mean_loss(model, windows: Windows) -> float:
    """Entropía cruzada media de `model` en unas ventanas, en nats por token."""
    was_training = model.training
    model.eval()
    losses = []
    for index in range(len(windows)):
        ids = windows[index]["input_ids"][None].to(model.device)
        losses.append(model(ids, labels=ids).loss.item())
    model.train(was_training)
    return sum(losses) / len(losses)


def _token_file(ids: list[int], path: Path) -> TokenFile:
    np.asarray(ids, dtype=np.uint32).tofile(path)
    return TokenFile(str(path), len(ids), text_bytes=4 * len(ids), dtype="uint32")
