"""`Trainer` con la receta del original: su optimizador, su tasa de aprendizaje, sus lotes y sus dos pérdidas."""

import math
import tempfile
from functools import partial
from pathlib import Path

import torch
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Subset
from transformers import Trainer, TrainingArguments

from helpers.finetuning import metrics
from helpers.finetuning.batches import LengthBatches, by_length
from helpers.finetuning.callbacks import BestWeights, LiveLosses, SetEpoch
from helpers.finetuning.optimizer import OpenAIAdam, decay_groups, warmup_linear
from helpers.finetuning.recipe import Recipe
from helpers.tasks import TaskError, pad
from helpers.training import TrainingError, mixed_precision, quiet, split_batch

NOT_PREDICTIONS = ["clf_loss", "lm_loss"]  # salidas del modelo que no son predicciones


class TaskTrainer(Trainer):
    """Un `Trainer` para `GPT1ForTask`; anota en cada registro las dos pérdidas, además de la total."""

    def __init__(self, recipe: Recipe, lengths: list[int], **settings):
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
                betas=(self.recipe.adam_beta1, self.recipe.adam_beta2),
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
            if not math.isfinite(logs["loss"]):
                raise TrainingError(
                    f"La pérdida ha dejado de ser un número en la actualización {self.state.global_step}: la tasa de "
                    f"aprendizaje ({self.recipe.learning_rate:g}) es demasiado alta; prueba con la mitad."
                )
        super().log(logs, *args, **kwargs)


def metric_function(task, model):
    """La función de métricas que espera `Trainer`, para las predicciones de `model` en `task`."""

    def compute(evaluation):
        predicted = model.scores(torch.as_tensor(evaluation.predictions)).numpy()
        return metrics.compute(task.metrics, evaluation.label_ids, predicted)

    return compute


def trainer_for(
    model, tokenizer, task, encoded, recipe, seed, out, save_every, precision, progress, settings
) -> tuple[TaskTrainer, BestWeights, LiveLosses]:
    """El `Trainer` de `fine_tune`, listo para `train()`, quien guarda sus mejores pesos y su barra.

    `encoded` son los `EncodedTask` «train» y «validation»; lo demás, como en `fine_tune`. Lanza `TrainingError` si no
    hay para un lote o el lote no se puede repartir, y `TaskError` si algún ejemplo no tiene respuesta.
    """
    train, validation = encoded["train"], encoded["validation"]
    if len(train) < recipe.batch:
        raise TrainingError(
            f"{task.title} tiene {len(train)} ejemplos de entrenamiento y un lote pide {recipe.batch}: baja el lote "
            f"(por ejemplo, dataclasses.replace(receta, batch={max(1, len(train) // 4)}))."
        )
    for part, examples in encoded.items():
        unknown = sum(example["label"] < 0 and example["score"] != example["score"] for example in examples)
        if unknown:
            raise TaskError(
                f"En «{part}» hay {unknown} ejemplos sin respuesta: no sirven para entrenar ni validar."
            )
    micro_batch, accumulate = split_batch(recipe.batch, recipe.micro_batch)
    saving = "no" if out is None else "steps" if save_every else "epoch"
    arguments = TrainingArguments(
        output_dir=str(Path(out or tempfile.gettempdir()) / "checkpoints"),
        per_device_train_batch_size=micro_batch,
        per_device_eval_batch_size=2 * micro_batch,
        gradient_accumulation_steps=accumulate,
        num_train_epochs=recipe.epochs,
        learning_rate=recipe.learning_rate,
        max_grad_norm=recipe.max_grad_norm,
        eval_strategy="epoch",
        save_strategy=saving,
        save_steps=save_every or 500,
        save_total_limit=2,
        logging_steps=settings.pop("logging_steps", 1),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        label_names=["labels"],
        seed=seed,
        data_seed=seed,
        dataloader_pin_memory=torch.cuda.is_available(),
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
        report_to="none",
        **mixed_precision(precision),
        **settings,
    )
    best = BestWeights(task.metrics[0], Path(out) / "best.safetensors" if out else None)
    trainer = TaskTrainer(
        recipe,
        train.lengths,
        model=model,
        args=arguments,
        train_dataset=train,
        eval_dataset=Subset(validation, by_length(validation.lengths)),
        data_collator=partial(pad, pad_id=tokenizer.pad_token_id),
        compute_metrics=metric_function(task, model),
        callbacks=[best],
    )
    quiet(trainer, "", progress=False)
    bar = LiveLosses(f"Ajuste fino: {task.title}", task.metrics[0], disable=not progress)
    trainer.add_callback(bar)
    return trainer, best, bar
