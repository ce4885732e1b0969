"""Lo que pasa mientras se ajusta: los mejores pesos, la barra y la historia."""

import math
import os
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback

from helpers.spanish import number
from helpers.training import QuietProgress

EXTRA_EVALUATIONS = (1000, 2000, 4000, 8000, 16000, 32000)  # solo en la primera época (train.py, línea 434)


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
        self.best = max((record[self.metric] for record in known), default=-math.inf)

    def on_step_end(self, args, state, control, **kwargs):
        control.should_evaluate |= state.epoch < 1 and state.global_step in EXTRA_EVALUATIONS
        return control

    def on_evaluate(self, args, state, control, metrics=None, model=None, **kwargs):
        value = metrics[f"eval_{self.metric}"]
        if value <= self.best:
            return
        self.best = value
        if self.path is None:
            self.weights = {name: tensor.detach().cpu().clone() for name, tensor in _weights(model).items()}
        elif state.is_world_process_zero:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial_file = self.path.with_suffix(".tmp")
            save_file({name: tensor.contiguous() for name, tensor in _weights(model).items()}, partial_file)
            os.replace(partial_file, self.path)

    def restore(self, model) -> None:
        """Deja en `model` los mejores pesos."""
        PartialState().wait_for_everyone()
        weights = self.weights if self.path is None else load_file(self.path)
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
