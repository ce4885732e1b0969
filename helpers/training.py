"""Lo que comparten el preentrenamiento y el ajuste fino: la receta, los puntos de control, la barra y los fallos."""

import argparse
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import get_args

import torch
from accelerate import PartialState
from safetensors import SafetensorError
from tqdm.auto import tqdm
from transformers import TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.utils import logging

from helpers import environment
from helpers.spanish import number

STATE = "trainer_state.json"  # lo último que `Trainer` escribe de un punto de control


class TrainingError(Exception):
    """El entrenamiento no puede empezar o seguir; el mensaje dice qué ha pasado y qué hacer."""


@dataclass(frozen=True)
class Recipe:
    """Lo que tiene cualquier receta; la del ajuste fino y la del preentrenamiento le añaden lo suyo.

    Es inmutable: otra receta se hace con `dataclasses.replace(MINI, epochs=2)`.
    """

    learning_rate: float = 6.25e-5
    epochs: float = 3
    max_steps: int = -1  # actualizaciones, en vez de épocas
    batch: int = 32  # ejemplos o ventanas por actualización, sumando todos los procesos
    micro_batch: int = 32  # los que caben a la vez en la memoria de un dispositivo
    dropout: float = 0.1  # embeddings, atención y salidas de cada bloque
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0  # norma global; no está en el artículo (opt.py, línea 31)
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    seed: int = 0
    save_every: int = 0  # actualizaciones entre puntos de control; 0, cada época; -1, ninguno
    precision: str = "auto"  # la de `mixed_precision`

    def identity(self) -> dict:
        """Lo que distingue un entrenamiento de otro: todo menos cómo se reparte, se guarda y se calcula."""
        how = ("micro_batch", "save_every", "precision")
        return {name: value for name, value in asdict(self).items() if name not in how}


def add_recipe_options(parser: argparse.ArgumentParser, presets: dict[str, Recipe], default: str | None):
    """Añade a una orden `--preset` y una opción por campo de la receta: `--learning-rate`, `--micro-batch`…"""
    group = parser.add_argument_group("receta (por defecto, la de --preset)")
    group.add_argument("--preset", choices=presets, default=default, help="receta de partida")
    for field in fields(next(iter(presets.values()))):
        flag = f"--{field.name.replace('_', '-')}"
        if field.type is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            kind = next(iter(get_args(field.type)), field.type)  # de `int | None`, int
            group.add_argument(flag, type=kind, default=None)


def recipe_from(options: argparse.Namespace, preset: Recipe) -> Recipe:
    """La receta `preset` con lo que se haya cambiado en la orden."""
    asked = {field.name: getattr(options, field.name) for field in fields(preset)}
    return replace(preset, **{name: value for name, value in asked.items() if value is not None})


def arguments_for(recipe: Recipe, out, **more) -> TrainingArguments:
    """La receta como la pide `Trainer`, con los puntos de control en `out/checkpoints`; `more` manda sobre ella."""
    micro_batch, accumulate = split_batch(recipe.batch, recipe.micro_batch)
    return TrainingArguments(**{
        "output_dir": str(Path(out) / "checkpoints"),
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": accumulate,
        "num_train_epochs": recipe.epochs,
        "max_steps": recipe.max_steps,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "adam_beta1": recipe.adam_beta1,
        "adam_beta2": recipe.adam_beta2,
        "adam_epsilon": recipe.adam_epsilon,
        "save_strategy": ("epoch", "steps", "no")[min(max(recipe.save_every, -1), 1)],
        "save_steps": max(recipe.save_every, 1),
        "save_total_limit": 2,
        "seed": recipe.seed,
        "data_seed": recipe.seed,
        "dataloader_pin_memory": torch.cuda.is_available(),
        "ddp_find_unused_parameters": False,
        "disable_tqdm": True,
        "report_to": "none",
        **mixed_precision(recipe.precision),
        **more,
    })  # fmt: skip


def last_checkpoint(folder) -> str | None:
    """El punto de control más reciente de `folder` que está entero, o `None`.

    `get_last_checkpoint` de transformers devuelve también el que se quedó a medias al morir el proceso, y entonces no
    se puede reanudar (huggingface/transformers#35782). Aquí cuenta solo si su último archivo se lee.
    """
    found = []
    for state in Path(folder).glob(f"checkpoint-*/{STATE}"):
        try:
            found.append((json.loads(state.read_text())["global_step"], str(state.parent)))
        except (ValueError, KeyError, OSError):
            continue
    return max(found, default=(0, None))[1]


@contextmanager
def clear_disk_errors(out):
    """Convierte los fallos al escribir en `out` (disco lleno, sin permiso, desconectado) en un `TrainingError`."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        # torch.save cuenta los fallos de disco como RuntimeError de su escritor de zip
        if isinstance(error, RuntimeError) and "PytorchStreamWriter" not in str(error):
            raise
        kept = last_checkpoint(Path(out) / "checkpoints") if Path(out).is_dir() else None
        state = (
            f"Lo hecho hasta {Path(kept).name} está a salvo"
            if kept
            else "Aún no había ningún punto de control"
        )
        raise TrainingError(
            f"No se puede escribir en {out}: {str(error).splitlines()[0]}. {state}: deja sitio en el disco (o elige "
            "otra carpeta) y repite la misma orden."
        ) from error


def mixed_precision(wanted: str = "auto") -> dict[str, bool]:
    """Los argumentos de `TrainingArguments` para `wanted`: "fp32", "bf16", "fp16" o "auto".

    "auto" es bf16 en las GPU que lo tienen, fp16 en las demás (la T4 de Colab) y fp32 en la CPU, donde bf16 se emula:
    medido en `tests/benchmarks/pretraining.py`. Lanza `TrainingError` si pide fp16 sin GPU.
    """
    if wanted not in ("auto", "fp32", "bf16", "fp16"):
        raise TrainingError(f"No conozco la precisión «{wanted}»: elige auto, fp32, bf16 o fp16.")
    gpu = torch.cuda.is_available()
    if wanted == "auto":
        wanted = (
            ("bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16") if gpu else "fp32"
        )
    if wanted == "fp16" and not gpu:
        raise TrainingError("fp16 necesita una GPU y aquí no hay ninguna: usa fp32.")
    # sin GPU, Trainer solo admite bf16 si se le dice que use la CPU, y solo así ve varios procesos (`processes`)
    use_cpu = environment.device() == "cpu" or (wanted == "bf16" and not gpu)
    return {"bf16": wanted == "bf16", "fp16": wanted == "fp16", "use_cpu": use_cpu}


def processes(**settings) -> PartialState:
    """Los procesos entre los que se reparte el trabajo, si se arrancó con `accelerate launch` o `torchrun`.

    En la CPU hay que decirlo, aquí y en `TrainingArguments` (`mixed_precision`): si no, accelerate no los ve y cada
    uno trabaja por su cuenta. `settings` pasa a `PartialState`.
    """
    return PartialState(cpu=environment.device() == "cpu", **settings)


def finished(trainer, device):
    """El modelo que ha entrenado `trainer`, sin el envoltorio de la precisión mixta (calcula en fp32) y en `device`."""
    return trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False).to(device)


def warn_if_alone(module: str) -> None:
    """Sin MPI, `accelerate launch --cpu --num_processes 2` arranca un solo proceso y no dice nada."""
    if (
        os.environ.get("ACCELERATE_USE_CPU") == "True"
        and "MASTER_PORT" in os.environ
        and "WORLD_SIZE" not in os.environ
    ):
        print(
            "Aviso: accelerate solo ha arrancado un proceso. Para repartir entre varios en la CPU usa torchrun "
            f"--nproc_per_node 2 -m {module} …",
            file=sys.stderr,
        )


def split_batch(batch: int, micro_batch: int) -> tuple[int, int]:
    """(ejemplos por dispositivo, acumulaciones) para que cada actualización vea `batch` ejemplos entre todos.

    Lanza `TrainingError` si no se puede repartir en partes iguales: la receta cambiaría sin avisar.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    per_device = min(micro_batch, max(1, batch // world))
    if batch % (per_device * world):
        raise TrainingError(
            f"Un lote de {batch} no se puede repartir entre {world} procesos de {per_device} en {per_device}: elige un "
            f"lote que sea múltiplo de {per_device * world}."
        )
    return per_device, batch // (per_device * world)


class QuietProgress(TrainerCallback):
    """Una sola barra en español con la última pérdida, en vez de los diccionarios que escribe `Trainer`."""

    def __init__(self, title: str, disable: bool = False):
        self.title, self.disable, self.bar = title, disable, None

    def on_train_begin(self, args, state, control, **kwargs):
        if state.is_world_process_zero and not self.disable:
            self.bar = tqdm(total=state.max_steps, initial=state.global_step, desc=self.title, unit="act")

    def on_step_end(self, args, state, control, **kwargs):
        if self.bar is not None:
            self.bar.update(state.global_step - self.bar.n)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if self.bar is not None and logs and "loss" in logs:
            self.bar.set_postfix_str(f"pérdida {number(float(logs['loss']), 3)}", refresh=False)

    def on_train_end(self, args, state, control, **kwargs):
        self.close()

    def close(self):
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def quiet(trainer, bar: QuietProgress) -> None:
    """Cambia los avisos de serie de `trainer`, en inglés, por `bar`."""
    for callback in list(trainer.callback_handler.callbacks):
        if isinstance(callback, (ProgressCallback, PrinterCallback)) or "Notebook" in type(callback).__name__:
            trainer.remove_callback(callback)
    trainer.add_callback(bar)


@contextmanager
def silence():
    """Sin avisos ni barras en inglés mientras se entrena: los errores siguen llegando."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
