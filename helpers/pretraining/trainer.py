"""`Trainer` con la receta del preentrenamiento: cuándo mide, sobre qué ventanas y qué apunta. Lección 09."""

import math
import sys
import time
from pathlib import Path

import torch
from torch.utils.data import RandomSampler
from transformers import TrainerCallback
from transformers.trainer_utils import EvalLoopOutput

from helpers.files import read_json, write_json
from helpers.pretraining.corpus import TokenFile, Windows, window_losses
from helpers.pretraining.recipe import PretrainingRecipe
from helpers.training import CarefulTrainer, TrainingError, arguments_for, fingerprint

MEASURED = ("step", "tokens", "held_out_loss")
MOST = math.log(sys.float_info.max)  # nats por token: con más, la perplejidad no cabe en un número


def doublings(first: int, last: int) -> list[int]:
    """Actualizaciones en que se mide: `first`, cada vez el doble, y `last`."""
    found = []
    while first < last:
        found.append(first)
        first *= 2
    return [*found, last]


def read_history(path: Path) -> list[dict]:
    """Las medidas que hay en `path`. Lanza `TrainingError` si no lo son."""
    records = read_json(path, TrainingError)
    if not isinstance(records, list) or not all(
        isinstance(record, dict) and all(type(record.get(name)) in (int, float) for name in MEASURED)
        for record in records
    ):
        raise TrainingError(
            f"{path} no es una lista de medidas con {', '.join(MEASURED)}: recupera el archivo."
        )
    return records


class History(TrainerCallback):
    """Mide en actualizaciones separadas logarítmicamente y lo guarda en `history.json`.

    Si se parte de unos pesos que traen su propia historia (`before`), es la misma historia, que sigue.
    """

    def __init__(self, path: Path, held_out: TokenFile, batch_tokens: int, probes=(), before=()):
        self.path, self.held_out, self.batch_tokens, self.probes = path, held_out, batch_tokens, list(probes)
        self.measured_on = (
            fingerprint(*(getattr(probe, "data", None) for probe in probes)) if probes else None
        )
        self.before = before[-1] if before else {"step": 0, "tokens": 0}
        self.records = read_history(path) if path.exists() else list(before)
        self.losses, self.started, self.moments = [], time.time(), set()

    def on_train_begin(self, args, state, control, **kwargs):
        done = self.before["step"] + state.global_step
        self.records = [record for record in self.records if record["step"] <= done]
        measured = {log["step"]: log["eval_loss"] for log in state.log_history if "eval_loss" in log}
        first = self.before["step"]
        if state.is_world_process_zero and measured != {
            record["step"] - first: record["held_out_loss"]
            for record in self.records
            if record["step"] > first
        }:
            raise TrainingError(
                f"{self.path} no es la historia de este entrenamiento: recupera el archivo o borra su carpeta."
            )
        self.moments = set(doublings(16, state.max_steps))
        known = self.records[-1].get("probes") if self.records else None
        if known not in (None, self.measured_on) and state.is_world_process_zero:
            print(
                f"Aviso: las sondas (`probes`) ya no son las de las medidas que hay en {self.path}: lo de antes y lo "
                "que se mida ahora no se pueden comparar."
            )

    def on_step_end(self, args, state, control, **kwargs):
        control.should_evaluate |= state.global_step in self.moments
        return control

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])

    def on_evaluate(self, args, state, control, metrics=None, model=None, **kwargs):
        loss = metrics["eval_loss"]
        if not state.is_world_process_zero or not math.isfinite(loss):  # `CarefulTrainer` lo para
            return
        record = {
            "step": self.before["step"] + state.global_step,
            "tokens": self.before["tokens"] + state.global_step * self.batch_tokens,
            "train_loss": sum(self.losses[-5:]) / max(1, len(self.losses[-5:])) if self.losses else None,
            "held_out_loss": loss,
            "held_out_perplexity": math.exp(loss),
            "bits_per_byte": loss / math.log(2) / self.held_out.bytes_per_token,
            "seconds": round(time.time() - self.started, 1),
        }
        if self.probes:
            record["probes"] = self.measured_on
        for probe in self.probes:
            found = probe(model)
            if not isinstance(found, dict) or not all(
                name not in record and type(value) in (int, float) for name, value in found.items()
            ):
                raise TrainingError(
                    "Una sonda (`probes`) tiene que devolver un diccionario de números (int o float) con nombres que "
                    f"no estén ya en la medida, y ha devuelto {found!r:.80}: cámbiala y repite la misma orden."
                )
            record.update(found)
        self.records = [*(old for old in self.records if old["step"] != record["step"]), record]
        write_json(self.path, self.records)


class WindowTrainer(CarefulTrainer):
    """Una época son lotes enteros de la receta; al medir, cada ventana cuenta una vez.

    El `Trainer` cuenta los lotes de `micro_batch`, y con otro reparto serían otras actualizaciones. Al medir tira
    también el último si se lo pide `dataloader_drop_last`; y, con varios procesos, promedia con él las ventanas que
    repite para que a todos les toquen las mismas.
    """

    def _get_train_sampler(self, train_dataset=None):
        args, data = self.args, self.train_dataset if train_dataset is None else train_dataset
        batch = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
        return RandomSampler(data, num_samples=len(data) - len(data) % batch)

    def compute_loss(self, model, inputs, *args, **kwargs):
        """Al entrenar basta la pérdida: sin los logits, va más deprisa y en menos memoria."""
        return super().compute_loss(model, inputs | {"return_logits": False}, *args, **kwargs)

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
            losses.append(self.accelerator.gather_for_metrics(window_losses(self.model, batch["input_ids"])))
        losses = torch.cat(losses)
        loss = losses.mean().item()
        if MOST < loss < math.inf:
            self.stop_diverged(what=f"La pérdida ha llegado a {loss:.2g} nats por token")
        return EvalLoopOutput(None, None, {f"{metric_key_prefix}_loss": loss}, len(losses))


def window_trainer(
    recipe: PretrainingRecipe, model, train: TokenFile, held_out: TokenFile, out, probes=(), before=()
) -> WindowTrainer:
    """El `Trainer` que aplica la receta a `model`; los argumentos son los de `pretrain`."""
    model.config.use_cache = False  # al entrenar no se genera: la caché solo ocuparía memoria
    length = model.config.n_positions
    data, tests = Windows(train, length), Windows(held_out, length, recipe.eval_windows)
    if len(data) < recipe.batch:
        raise TrainingError(
            f"El corpus da {len(data)} ventanas de {length} tokens y un lote pide {recipe.batch}: añade texto, o baja "
            "el lote (--batch) o las posiciones (--n-positions)."
        )
    if not len(tests):
        raise TrainingError(
            f"Los textos apartados dan {held_out.tokens} tokens y hace falta al menos una ventana de {length}: aparta "
            "más (--held-out) o baja las posiciones (--n-positions)."
        )
    steps = (
        recipe.max_steps if recipe.max_steps > 0 else math.ceil(recipe.epochs * (len(data) // recipe.batch))
    )
    if recipe.warmup + recipe.decay_steps > steps and recipe.decay_steps:
        raise TrainingError(
            f"La subida ({recipe.warmup} actualizaciones) y la bajada final (decay_steps={recipe.decay_steps}) no "
            f"caben en {steps}, y la tasa daría un salto: baja una de las dos o entrena más."
        )
    decay = {"num_decay_steps": recipe.decay_steps, "decay_type": "linear"} if recipe.decay_steps else {}
    # sin `eval_strategy`: cuándo se mide lo dice `History`
    arguments = arguments_for(
        recipe, out, lr_scheduler_type=recipe.schedule, lr_scheduler_kwargs=decay,
        warmup_steps=recipe.warmup, logging_steps=20, dataloader_drop_last=True, eval_strategy="no",
    )  # fmt: skip
    arguments.per_device_eval_batch_size = arguments.per_device_train_batch_size
    history = History(Path(out) / "history.json", held_out, recipe.batch * length, probes, before)
    return WindowTrainer(
        model=model, args=arguments, train_dataset=data, eval_dataset=tests, callbacks=[history]
    )
