"""La receta del preentrenamiento (artículo, §4.1) sobre el `Trainer` de transformers."""

import json
import math
import time
from contextlib import closing
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import OpenAIGPTConfig, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_utils import EvalLoopOutput

from helpers import environment
from helpers.files import write_json
from helpers.hf import GPT1LMHeadModel
from helpers.memory import Batch, check_fits
from helpers.pretraining.corpus import TokenFile, Windows
from helpers.training import (
    TrainingError,
    clear_disk_errors,
    finished,
    keep_memory,
    last_checkpoint,
    mixed_precision,
    quiet,
    split_batch,
)


@dataclass(frozen=True)
class Recipe:
    """Tamaño y optimización. Los valores por defecto son los del artículo; `PRESETS` los escala."""

    n_layer: int = 12
    n_embd: int = 768
    n_head: int = 12
    n_positions: int = 512
    dropout: float = 0.1
    batch: int = 64  # ventanas por actualización, sumando todos los procesos
    micro_batch: int = 64  # ventanas que caben a la vez en la memoria de un dispositivo
    epochs: float = 100
    learning_rate: float = 2.5e-4
    warmup: int = 2000
    # «warmup_stable_decay» es constante hasta las últimas `decay_steps` actualizaciones: la misma orden, con otro
    # --max-steps, sigue desde un punto de control sin haber decidido al empezar cuánto se iba a entrenar
    schedule: str = "cosine"
    decay_steps: int = 0
    weight_decay: float = 0.01
    adam_beta2: float = 0.999
    max_grad_norm: float = 1.0  # el artículo no dice nada; el código de ajuste fino recorta a 1
    eval_windows: int = 256
    save_every: int = 500
    seed: int = 0


PRESETS = {
    "paper": Recipe(),
    "mini": Recipe(
        n_layer=4, n_embd=256, n_head=4, n_positions=256, dropout=0.0, batch=16, micro_batch=16, epochs=1,
        learning_rate=1e-3, warmup=200, adam_beta2=0.98, save_every=200,
    ),
    "gpu": Recipe(
        n_layer=8, n_embd=512, n_head=8, n_positions=512, batch=64, micro_batch=64, epochs=3,
        learning_rate=1e-3, warmup=1000, adam_beta2=0.98,
    ),
}  # fmt: skip

DROPOUTS = ("resid_pdrop", "embd_pdrop", "attn_pdrop")


def config_for(recipe: Recipe, vocab_size: int) -> OpenAIGPTConfig:
    """La configuración de un GPT-1 con las medidas de la receta."""
    return OpenAIGPTConfig(
        vocab_size=vocab_size,
        n_positions=recipe.n_positions,
        n_embd=recipe.n_embd,
        n_layer=recipe.n_layer,
        n_head=recipe.n_head,
        **dict.fromkeys(DROPOUTS, recipe.dropout),
    )


def log_spaced(first: int, last: int, per_doubling: int = 1) -> list[int]:
    """Actualizaciones en que se mide: `first`, y cada vez el doble (o más a menudo), hasta `last`."""
    count = max(1, math.ceil(per_doubling * math.log2(max(last / first, 1))))
    return sorted(
        {min(last, round(first * 2 ** (step / per_doubling))) for step in range(count + 1)} | {last}
    )


class History(TrainerCallback):
    """Mide en actualizaciones separadas logarítmicamente y lo guarda en `history.json`.

    Si se parte de unos pesos que traen su propia historia (`before`), es la misma historia, que sigue.
    """

    def __init__(self, path: Path, held_out: TokenFile, batch_tokens: int, probes=(), before=()):
        self.path, self.held_out, self.batch_tokens, self.probes = path, held_out, batch_tokens, list(probes)
        self.before = before[-1] if before else {"step": 0, "tokens": 0}
        self.records = json.loads(path.read_text()) if path.exists() else list(before)
        self.losses, self.started, self.moments = [], time.time(), set()

    def on_train_begin(self, args, state, control, **kwargs):
        done = self.before["step"] + state.global_step
        self.records = [record for record in self.records if record["step"] <= done]
        self.moments = set(log_spaced(16, state.max_steps))

    def on_step_end(self, args, state, control, **kwargs):
        control.should_evaluate |= state.global_step in self.moments
        return control

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])

    def on_evaluate(self, args, state, control, metrics=None, model=None, **kwargs):
        if not state.is_world_process_zero:
            return
        loss = metrics["eval_loss"]
        record = {
            "step": self.before["step"] + state.global_step,
            "tokens": self.before["tokens"] + state.global_step * self.batch_tokens,
            "train_loss": sum(self.losses[-5:]) / max(1, len(self.losses[-5:])) if self.losses else None,
            "held_out_loss": loss,
            "held_out_perplexity": math.exp(loss),
            "bits_per_byte": loss / math.log(2) / self.held_out.bytes_per_token,
            "seconds": round(time.time() - self.started, 1),
        }
        for probe in self.probes:
            record.update(probe(model))
        self.records = [*(old for old in self.records if old["step"] != record["step"]), record]
        write_json(self.path, self.records)


class WholeEvaluation(Trainer):
    """Al medir, cada ventana cuenta una vez, sean cuantas sean y las midan los procesos que las midan.

    El `Trainer` tira entonces también el último lote si se lo pide `dataloader_drop_last`; y, con varios procesos,
    promedia con él las ventanas que repite para que a todos les toquen las mismas.
    """

    def get_eval_dataloader(self, eval_dataset=None):
        drop, self.args.dataloader_drop_last = self.args.dataloader_drop_last, False
        try:
            return super().get_eval_dataloader(eval_dataset)
        finally:
            self.args.dataloader_drop_last = drop

    @torch.no_grad()
    def evaluation_loop(self, dataloader, *args, metric_key_prefix: str = "eval", **kwargs) -> EvalLoopOutput:
        self.model.eval()
        losses = []
        for batch in dataloader:
            ids = batch["input_ids"]
            logits = self.model(input_ids=ids).logits[:, :-1]
            each = F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none")
            losses.append(self.accelerator.gather_for_metrics(each.view(len(ids), -1).mean(dim=1)))
        losses = torch.cat(losses)
        return EvalLoopOutput(None, None, {f"{metric_key_prefix}_loss": losses.mean().item()}, len(losses))


def blank_model(recipe: Recipe, vocab_size: int, init=None) -> GPT1LMHeadModel:
    """Un GPT-1 con las medidas de la receta y pesos al azar, N(0, 0,02), o con los de la carpeta `init`."""
    torch.manual_seed(recipe.seed)
    if init is None:
        return GPT1LMHeadModel(config_for(recipe, vocab_size))
    dropouts = dict.fromkeys(DROPOUTS, recipe.dropout)
    return GPT1LMHeadModel.from_pretrained(init, dtype=torch.float32, **dropouts)


def trainer_for(
    recipe: Recipe, model, train: TokenFile, held_out: TokenFile, out,
    probes=(), precision: str = "auto", before=(), **settings,
) -> Trainer:  # fmt: skip
    """El `Trainer` que aplica la receta a `model`; los argumentos son los de `pretrain`."""
    model.config.use_cache = False  # al entrenar no se genera: la caché solo ocuparía memoria
    length = model.config.n_positions
    data = Windows(train, length)
    if len(data) < recipe.batch:
        raise TrainingError(
            f"El corpus da {len(data)} ventanas de {length} tokens y un lote pide {recipe.batch}: añade texto, o baja "
            "el lote (--batch) o las posiciones (--n-positions)."
        )
    micro_batch, accumulate = split_batch(recipe.batch, recipe.micro_batch)
    arguments = TrainingArguments(
        output_dir=str(Path(out) / "checkpoints"),
        per_device_train_batch_size=micro_batch,
        per_device_eval_batch_size=micro_batch,
        gradient_accumulation_steps=accumulate,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        lr_scheduler_kwargs=_final_decay(recipe),
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        adam_beta2=recipe.adam_beta2,
        max_grad_norm=recipe.max_grad_norm,
        logging_steps=20,
        save_steps=recipe.save_every,
        save_total_limit=2,
        eval_strategy="no",  # lo decide `History`
        seed=recipe.seed,
        data_seed=recipe.seed,
        dataloader_drop_last=True,
        dataloader_pin_memory=torch.cuda.is_available(),
        ddp_find_unused_parameters=False,
        report_to="none",
        **mixed_precision(precision),
        **settings,
    )
    tests = Windows(held_out, length, recipe.eval_windows)
    if not len(tests):
        raise TrainingError(
            f"Los textos apartados dan {held_out.tokens} tokens y hace falta al menos una ventana de {length}: aparta "
            "más (--held-out) o baja las posiciones (--n-positions)."
        )
    return WholeEvaluation(
        model=model,
        args=arguments,
        train_dataset=data,
        eval_dataset=tests,
        callbacks=[History(Path(out) / "history.json", held_out, recipe.batch * length, probes, before)],
    )


def _final_decay(recipe: Recipe) -> dict:
    stable = recipe.schedule == "warmup_stable_decay"
    if stable != bool(recipe.decay_steps):
        raise TrainingError(
            "La bajada final (`--decay-steps`) y `--schedule warmup_stable_decay` van juntas: da las dos o ninguna."
        )
    return {"num_decay_steps": recipe.decay_steps, "decay_type": "linear"} if stable else {}


def pretrain(
    recipe: Recipe, train: TokenFile, held_out: TokenFile, tokenizer, out, init=None, probes=(),
    precision: str = "auto", progress: bool = True, **settings,
):  # fmt: skip
    """Entrena y guarda en `out`: modelo, tokenizador, `history.json` y `recipe.json`. Devuelve el modelo.

    El modelo queda en fp32 y en el mejor dispositivo que haya, como con `models.load`. Si en `out/checkpoints` hay un
    punto de control entero, sigue desde él. `init` es una carpeta con pesos de partida (si trae `history.json`, la
    historia sigue donde iba); `probes` son funciones modelo → dict que se apuntan en cada medida; `precision` es la de
    `mixed_precision`; `settings` pasa a `TrainingArguments` (por ejemplo `max_steps=100` o `torch_compile=True`). Lanza
    `TrainingError` si el corpus no llena un lote, si el lote no se puede repartir o no cabe en la memoria, si en `out`
    hay a medias un modelo de otras medidas o si no se puede escribir.
    Artículo, §4.1. Lección 09.
    """
    out = Path(out)
    keep_memory()
    model = blank_model(recipe, len(tokenizer), init)
    trainer = trainer_for(recipe, model, train, held_out, out, probes, precision, _history(init), **settings)
    length = model.config.n_positions
    check_fits(trainer, lambda micro_batch: Batch(micro_batch, length, micro_batch * length))
    unfinished = last_checkpoint(trainer.args.output_dir)
    check_same_shape(model.config, unfinished)
    with clear_disk_errors(out), closing(quiet(trainer, "Preentrenamiento", progress)):
        trainer.train(resume_from_checkpoint=unfinished)
        model = finished(trainer, environment.device())
        if trainer.is_world_process_zero():
            # el ajuste fino usa los dropouts del artículo aunque el preentrenamiento no use ninguno
            model.config.update(dict.fromkeys(DROPOUTS, PRESETS["paper"].dropout) | {"use_cache": True})
            deepcopy(model).half().save_pretrained(out)
            tokenizer.save_pretrained(out)
            write_json(out / "recipe.json", asdict(recipe) | {"processes": trainer.args.world_size})
    return model


SHAPE = ("n_layer", "n_embd", "n_head", "n_positions", "vocab_size")


def check_same_shape(config, checkpoint) -> None:
    """`TrainingError` si el punto de control del que se iba a seguir es de un modelo con otras medidas."""
    if checkpoint is None:
        return
    saved = OpenAIGPTConfig.from_pretrained(checkpoint)
    other = [name for name in SHAPE if getattr(saved, name) != getattr(config, name)]
    if other:
        told = ", ".join(f"{name} {getattr(saved, name)} y no {getattr(config, name)}" for name in other)
        raise TrainingError(
            f"En {Path(checkpoint).parent} hay un entrenamiento a medias de otro modelo ({told}): elige otra carpeta "
            "con --out, o borra esa."
        )


def _history(init) -> list[dict]:
    path = Path(init) / "history.json" if init else None
    return json.loads(path.read_text()) if path and path.exists() else []
