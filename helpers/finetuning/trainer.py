"""`Trainer` con la receta del original: su optimizador, su tasa de aprendizaje, sus lotes y sus dos pérdidas."""

import math
import os
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Subset
from transformers import TrainerCallback

from helpers.finetuning import metrics
from helpers.finetuning.batches import LengthBatches, by_length
from helpers.finetuning.optimizer import OpenAIAdam, decay_groups, warmup_linear
from helpers.finetuning.recipe import FineTuningRecipe
from helpers.spanish import number
from helpers.tasks import TaskError, pad
from helpers.training import CarefulTrainer, QuietProgress, TrainingError, arguments_for, quiet
from helpers.training.folder import fingerprint, run_name

EXTRA_EVALUATIONS = (1000, 2000, 4000, 8000, 16000, 32000)  # solo en la primera época (train.py, línea 434)
NOT_PREDICTIONS = ["clf_loss", "lm_loss"]  # salidas del modelo que no son predicciones


class SetEpoch(TrainerCallback):
    """Dice al muestreo en qué época va: al reanudar a mitad de una, accelerate no siempre llega hasta él."""

    def __init__(self, sampler):
        self.sampler = sampler

    def on_epoch_begin(self, args, state, control, **kwargs):
        self.sampler.set_epoch(int(state.epoch or 0))


class BestWeights(TrainerCallback):
    """Guarda los pesos de la mejor validación según `metric`; a igualdad, los primeros (train.py, `log`).

    En memoria, o en `path` si se da, para poder reanudar.
    """

    def __init__(self, metric: str, path: Path | None = None):
        self.metric, self.path, self.weights, self.best = metric, path, None, -math.inf

    def on_train_begin(self, args, state, control, **kwargs):
        known = validation_history(state.log_history)
        if known and self.path is not None:
            self._read()
        self.best = max((record[self.metric] for record in known), default=-math.inf)

    def on_step_end(self, args, state, control, **kwargs):
        control.should_evaluate |= state.epoch < 1 and state.global_step in EXTRA_EVALUATIONS
        return control

    def on_evaluate(self, args, state, control, metrics=None, model=None, **kwargs):
        value = metrics[f"eval_{self.metric}"]
        if value <= self.best or not math.isfinite(metrics.get("eval_loss", 0.0)):  # `CarefulTrainer` lo para
            return
        self.best = value
        if self.path is None:
            self.weights = {name: tensor.detach().cpu().clone() for name, tensor in _weights(model).items()}
        elif state.is_world_process_zero:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial_file = self.path.with_suffix(".tmp")
            weights = {name: tensor.cpu().contiguous() for name, tensor in _weights(model).items()}
            save_file(weights, partial_file, {"of": fingerprint(weights, run_name(self.path.parent))})
            os.replace(partial_file, self.path)

    def _read(self) -> dict[str, torch.Tensor]:
        """Lo que se guardó en `path`. Lanza `TrainingError` si no está, no está entero o lo guardó otro ajuste."""
        with suppress(OSError, SafetensorError), safe_open(self.path, framework="pt") as file:
            weights = load_file(self.path)
            if (file.metadata() or {}).get("of") == fingerprint(weights, run_name(self.path.parent)):
                return weights
        raise TrainingError(
            f"Falta {self.path}, con los mejores pesos hasta ahora, o no es el que se guardó: borra su carpeta y "
            "repite la misma orden."
        )

    def restore(self, model) -> None:
        """Deja en `model` los mejores pesos."""
        PartialState().wait_for_everyone()
        weights = self.weights if self.path is None else self._read()
        model.load_state_dict(weights, strict=False)  # lm_head no está: comparte pesos con los embeddings
        model.tie_weights()


def _weights(model) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in model.state_dict().items() if name != "lm_head.weight"}


class LiveLosses(QuietProgress):
    """La barra, con la pérdida de la tarea, la de lenguaje y la última validación."""

    def __init__(self, title: str, metric: str, disable: bool = False):
        super().__init__(title, disable)
        self.metric, self.shown = metric, {}

    def on_log(self, args, state, control, logs=None, **kwargs):
        if self.bar is None or not logs:
            return
        for name, key in (
            ("tarea", "clf_loss"),
            ("lenguaje", "lm_loss"),
            ("validación", f"eval_{self.metric}"),
        ):
            if key in logs:
                self.shown[name] = f"{name} {number(logs[key], 3)}"
        self.bar.set_postfix_str(" · ".join(self.shown.values()), refresh=False)


def step_history(log_history: list[dict]) -> list[dict]:
    """De los registros de `Trainer`, uno por actualización: pérdidas, tasa de aprendizaje y norma del gradiente."""
    names = ("step", "epoch", "loss", "clf_loss", "lm_loss", "learning_rate", "grad_norm")
    return [{name: log[name] for name in names if name in log} for log in log_history if "clf_loss" in log]


def validation_history(log_history: list[dict]) -> list[dict]:
    """De los registros de `Trainer`, uno por evaluación: época, pérdida de la tarea (`loss`) y métricas."""
    timing = ("runtime", "samples_per_second", "steps_per_second", "model_preparation_time")
    return [
        {"step": log["step"], "epoch": log["epoch"]}
        | {
            name[5:]: value
            for name, value in log.items()
            if name.startswith("eval_") and name[5:] not in timing
        }
        for log in log_history
        if "eval_loss" in log
    ]


class TaskTrainer(CarefulTrainer):
    """Un `Trainer` para `GPT1ForTask`; anota en cada registro las dos pérdidas, además de la total."""

    def __init__(self, recipe: FineTuningRecipe, lengths: list[int], **settings):
        super().__init__(**settings)
        self.recipe, self._parts = recipe, []
        self.sampler = LengthBatches(lengths, recipe.batch, self.args.seed, recipe.by_length)
        self.add_callback(SetEpoch(self.sampler))

    def _get_train_sampler(self, train_dataset=None):
        return self.sampler

    def create_optimizer(self, model=None):
        if self.optimizer is None:
            groups = decay_groups(self.model if model is None else model, self.recipe.weight_decay)
            self.optimizer = OpenAIAdam(
                groups,
                lr=self.recipe.learning_rate,
                betas=(float(self.recipe.adam_beta1), float(self.recipe.adam_beta2)),
                eps=self.recipe.adam_epsilon,
                fused=not self.args.fp16,  # con fp16, el núcleo fundido se salta actualizaciones que aquí se contarían
            )
        return self.optimizer

    def create_scheduler(self, num_training_steps, optimizer=None):
        if self.lr_scheduler is None:
            factor = partial(warmup_linear, total=num_training_steps, warmup=self.recipe.warmup)
            self.lr_scheduler = LambdaLR(optimizer or self.optimizer, factor)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def compute_loss(self, model, inputs, return_outputs=False, **kwargs):
        """En validación solo se mide la pérdida de la tarea, como en train.py (`va_cost`)."""
        outputs = model(**inputs, with_lm=model.training)
        if model.training:
            lm_loss = outputs.clf_loss * 0 if outputs.lm_loss is None else outputs.lm_loss
            self._parts.append(torch.stack([outputs.clf_loss, lm_loss]).detach())
        return (outputs.loss, outputs) if return_outputs else outputs.loss

    def log(self, logs, *args, **kwargs):
        if "loss" in logs and self._parts:
            parts = self.accelerator.reduce(torch.stack(self._parts).mean(0), "mean")
            self._parts = []
            logs["clf_loss"] = parts[0].item()
            if self.recipe.lm_coef:
                logs["lm_loss"] = parts[1].item()
        super().log(logs, *args, **kwargs)


def metric_function(task, model):
    """La función de métricas que espera `Trainer`, para las predicciones de `model` en `task`."""

    def compute(evaluation):
        predicted = model.scores(torch.as_tensor(evaluation.predictions)).numpy()
        return metrics.compute(task.metrics, evaluation.label_ids, predicted)

    return compute


def task_trainer(model, tokenizer, task, encoded, recipe, out, scratch, progress) -> TaskTrainer:
    """El `Trainer` de `fine_tune`, listo para `train()`; `best` guarda sus mejores pesos y `bar` es su barra.

    `encoded` son los `EncodedTask` «train» y «validation»; `scratch`, dónde trabaja sin `out`; lo demás, como
    en `fine_tune`. Lanza `TrainingError` si no
    hay para un lote o el lote no se puede repartir, y `TaskError` si algún ejemplo no tiene respuesta.
    """
    train, validation = encoded["train"], encoded["validation"]
    if len(train) < recipe.batch:
        raise TrainingError(
            f"{task.title} tiene {len(train)} ejemplos de entrenamiento y un lote pide {recipe.batch}: baja el lote "
            f"(replace(receta, batch={max(1, len(train) // 4)}) o, en la terminal, --batch {max(1, len(train) // 4)})."
        )
    for part, examples in encoded.items():
        unknown = sum(example["label"] < 0 and example["score"] != example["score"] for example in examples)
        if unknown:
            raise TaskError(
                f"En «{part}» hay {unknown} ejemplos sin respuesta: no sirven para entrenar ni validar."
            )
    if not task.regression and len({example["label"] for example in train}) == 1 and progress:
        print(
            "Aviso: todos los ejemplos de entrenamiento tienen la misma respuesta: no hay nada que aprender."
        )
    arguments = arguments_for(
        recipe if out else replace(recipe, save_every=-1), out or scratch, eval_strategy="epoch",
        logging_steps=1, logging_nan_inf_filter=False, remove_unused_columns=False, label_names=["labels"],
    )  # fmt: skip
    arguments.per_device_eval_batch_size = 2 * arguments.per_device_train_batch_size
    trainer = TaskTrainer(
        recipe,
        train.lengths,
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=Subset(validation, by_length(validation.lengths)),
        data_collator=partial(pad, pad_id=tokenizer.pad_token_id),
        compute_metrics=metric_function(task, model),
    )
    trainer.best = BestWeights(task.metrics[0], Path(out) / "best.safetensors" if out else None)
    trainer.bar = LiveLosses(f"Ajuste fino: {task.title}", task.metrics[0], disable=not progress)
    quiet(trainer, trainer.bar)
    trainer.add_callback(trainer.best)
    return trainer
