"""`Trainer` como lo usa el curso: con la receta, una barra en español, y parándose a tiempo si algo va mal."""

import argparse
import math
import os
import signal
import sys
import threading
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path

import torch
from accelerate import PartialState
from tqdm.auto import tqdm
from transformers import Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback, ProgressCallback, TrainerState

from helpers import environment
from helpers.spanish import number
from helpers.terminal import out_of_memory
from helpers.training.folder import CHECKPOINTS, STATE, drop_later, last_checkpoint, seal
from helpers.training.recipe import Recipe, TrainingError, check_value


def arguments_for(recipe: Recipe, out, **more) -> TrainingArguments:
    """La receta como la pide `Trainer`, con los puntos de control en `out/checkpoints`; `more` manda sobre ella."""
    micro_batch, accumulate = split_batch(recipe.batch, recipe.micro_batch)
    return TrainingArguments(**{
        "output_dir": str(Path(out) / CHECKPOINTS),
        "per_device_train_batch_size": micro_batch,
        "gradient_accumulation_steps": accumulate,
        "num_train_epochs": recipe.epochs,
        "max_steps": recipe.max_steps,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "adam_beta1": float(recipe.adam_beta1),  # PyTorch no admite un 0 entero
        "adam_beta2": float(recipe.adam_beta2),
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


def mixed_precision(wanted: str = "auto") -> dict[str, bool]:
    """Los argumentos de `TrainingArguments` para `wanted`: "fp32", "bf16", "fp16" o "auto".

    "auto" es bf16 en las GPU que lo tienen, fp16 en las demás (la T4 de Colab) y fp32 en la CPU, donde bf16 se emula:
    medido en `tests/benchmarks/pretraining.py`. Lanza `TrainingError` si pide fp16 sin GPU.
    """
    check_value("precision", wanted, Recipe.RULES["precision"])
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


HUGE = (
    1000  # ningún peso de un GPT-1 que escriba algo llega a tanto: en los que trae el curso, a unas decenas
)


class CarefulTrainer(Trainer):
    """Un `Trainer` que se para en cuanto la pérdida o los pesos dejan de ser números, antes de guardarlos."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.largest_at_first = largest_weight(self.model)

    def training_step(self, *args, **kwargs):
        loss = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            self.stop_diverged(self.state.global_step + 1)
        return loss

    def evaluate(self, *args, **kwargs):
        found = super().evaluate(*args, **kwargs)
        if not math.isfinite(found.get("eval_loss", 0.0)):
            self.stop_diverged()
        return found

    def log(self, logs, *args, **kwargs):
        if not math.isfinite(logs.get("grad_norm", 0.0)):
            if self.accelerator.scaler is None:
                self.stop_diverged(what="El gradiente ha dejado de ser un número")
            logs["grad_norm"] = None  # con fp16 es normal al empezar: esa actualización no se hace
        super().log(logs, *args, **kwargs)

    def _save_checkpoint(self, model, trial):
        self.check_weights()
        if self.is_world_process_zero():
            # de ellos no se pudo seguir, y al rotar ocuparían el sitio del que se escribe ahora
            drop_later(self.args.output_dir, self.state.global_step)
        super()._save_checkpoint(model, trial)
        PartialState().wait_for_everyone()  # cada proceso escribe el estado de su azar
        if self.is_world_process_zero():
            seal(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}")

    def check_weights(self) -> None:
        """Lanza `TrainingError` si algún peso no es un número finito."""
        if not all(torch.isfinite(weights).all() for weights in self.model.parameters()):
            self.stop_diverged()

    def stop_diverged(self, step: int | None = None, what: str = "La pérdida ha dejado de ser un número"):
        saves = self.args.save_strategy != "no"
        kept = last_checkpoint(self.args.output_dir, verbose=False) if saves else None
        raise TrainingError(
            f"{what} en la actualización {step or self.state.global_step}: {self.likely_cause(step)}"
            + (f", en otra carpeta ({Path(kept).name}, de antes, sigue entero)." if kept else ".")
        )

    def likely_cause(self, step: int | None = None) -> str:
        """Por qué algo deja de ser un número o crece sin medida en la actualización `step`, y qué se cambia."""
        return f"lo más probable es que {next(cause for suspect, cause in self._suspects(step) if suspect)}"

    def _suspects(self, step: int | None) -> list[tuple[bool, str]]:
        """(¿puede ser?, causa), de la más rara a la más corriente."""
        args, lm_coef = self.args, getattr(getattr(self, "recipe", None), "lm_coef", 0)
        rate, decay, epsilon = args.learning_rate, args.weight_decay, args.adam_epsilon
        beta1, beta2 = args.adam_beta1, args.adam_beta2
        return [
            (lm_coef > 100, f"lm_coef ({lm_coef:g}) sea demasiado alto; el artículo usa 0,5"),
            # cada actualización multiplica los pesos por 1 - tasa · decaimiento
            (decay * min(rate, 1) > 1, f"weight_decay ({decay:g}) sea demasiado alto; el artículo usa 0,01"),
            (
                epsilon < torch.finfo(torch.float32).tiny,
                f"adam_epsilon ({epsilon:g}) cuente como 0; prueba con 1e-8",
            ),
            (beta2 < beta1**2, f"adam_beta2 ({beta2:g}) sea demasiado bajo; prueba con 0.999"),
            (
                self.largest_at_first > HUGE,
                f"los pesos de partida estén mal, porque llegan a {self.largest_at_first:.2g}; carga otros",
            ),
            (step == 1, "los pesos de partida estén mal, porque aún no ha cambiado ninguno; carga otros"),
            (
                True,
                f"la tasa de aprendizaje ({rate:g}) sea demasiado alta; prueba con "
                + ("0.0001" if rate > 0.1 else "la mitad"),
            ),
        ]


def largest_weight(model) -> float:
    """El mayor valor absoluto de los pesos de `model`."""
    return max(weights.detach().abs().max().item() for weights in model.parameters())


def finished(trainer, device):
    """El modelo que ha entrenado `trainer`, sin el envoltorio de la precisión mixta (calcula en fp32) y en `device`.

    Lanza `TrainingError` si no ha llegado a entrenarse o sus pesos no son números.
    """
    if not trainer.state.global_step:
        raise TrainingError("No se ha hecho ninguna actualización: añade datos o épocas.")
    trainer.check_weights()
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
        where = f" entre {world} procesos" if world > 1 else ""
        raise TrainingError(
            f"Un lote de {batch} no se puede repartir{where} de {per_device} en {per_device}: elige otro micro_batch "
            f"(--micro-batch) o un lote que sea múltiplo de {per_device * world}."
        )
    return per_device, batch // (per_device * world)


def recipe_from(options: argparse.Namespace, preset: Recipe) -> Recipe:
    """La receta `preset` con lo que se haya cambiado en la orden. Lanza `TrainingError` si algo no vale aquí."""
    asked = {field.name: getattr(options, field.name) for field in fields(preset)}
    recipe = replace(preset, **{name: value for name, value in asked.items() if value is not None})
    mixed_precision(recipe.precision)
    split_batch(recipe.batch, recipe.micro_batch)
    return recipe


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


class _SaveOnceMeasured(TrainerCallback):
    """Guarda en el buen momento y, si `asked` deja de estar vacía, para tras guardar.

    La última actualización de una época se guarda después de medir, y no antes: si no, al seguir desde ahí esa medida
    faltaría. Si se para a mitad de una época, en cambio, ni se mide ni se guarda otra vez.
    """

    def __init__(self, asked: list):
        self.asked, self.owed, self.middle = asked, False, False

    def on_step_end(self, args, state, control, **kwargs):
        last = state.global_step >= state.max_steps or abs(state.epoch - round(state.epoch)) < 1e-6
        if self.asked and not last:
            control.should_save = control.should_training_stop = self.middle = True
        elif last and args.eval_strategy == "epoch" and (control.should_save or self.asked):
            control.should_save, self.owed = False, True
        return control

    def on_epoch_end(self, args, state, control, **kwargs):
        if self.middle:
            control.should_save = control.should_evaluate = False
        elif self.owed or self.asked:
            control.should_save = args.save_strategy != "no"
            control.should_training_stop |= bool(self.asked)
            self.owed = False
        return control


def total_steps(trainer) -> int:
    """Cuántas actualizaciones pide la receta de `trainer`."""
    args = trainer.args
    if args.max_steps > 0:
        return args.max_steps
    batches = len(trainer.get_train_dataloader())
    return math.ceil(args.num_train_epochs * max(1, math.ceil(batches / args.gradient_accumulation_steps)))


def refuse_less(args, done: int, total: int) -> None:
    """Lanza `TrainingError` si las actualizaciones hechas, `done`, son más que las que se piden, `total`."""
    if done > total:
        raise TrainingError(
            f"En {Path(args.output_dir).parent} ya hay {done} actualizaciones y se piden {total}: pide más, o elige "
            "otra carpeta."
        )


def train(trainer, bar: QuietProgress, **more) -> None:
    """Entrena, desde el último punto de control entero si los hay; `more` pasa a `trainer.train`.

    Si ese ya es el final (el proceso murió antes de guardar el resultado), solo se lee: `Trainer` daría otro paso. Al
    acabar, dice si la receta no ha llegado a cambiar nada, si los pesos acaban siendo enormes o si la tasa de
    aprendizaje no ha acabado de subir.
    Lanza `TrainingError` si ya se ha entrenado más de lo que se pide o se acaba la memoria.
    """
    args, before = trainer.args, _as_saved(trainer.model)
    unfinished = last_checkpoint(args.output_dir)  # también si ya no hay que guardar más
    if unfinished:
        state, total = TrainerState.load_from_json(str(Path(unfinished) / STATE)), total_steps(trainer)
        refuse_less(args, state.global_step, total)
        if state.global_step == total:
            trainer._load_from_checkpoint(unfinished)
            trainer.state = state
            trainer.callback_handler.on_train_begin(args, state, trainer.control)
            bar.close()
            if args.eval_strategy == "epoch" and "eval_loss" not in state.log_history[-1]:
                trainer.evaluate(ignore_keys=more.get("ignore_keys_for_eval"))
            return
    with interruptible(trainer), closing(bar):
        try:
            trainer.train(resume_from_checkpoint=unfinished, **more)
        except (RuntimeError, MemoryError) as error:  # el reparto de PyTorch lo cuenta como RuntimeError
            if not out_of_memory(error):
                raise
            raise TrainingError(
                f"No cabe en la memoria con micro_batch={args.per_device_train_batch_size}: prueba con la mitad "
                "(el lote de la receta no cambia)."
            ) from None
    if not trainer.is_world_process_zero():
        return
    if all(map(torch.equal, before, _as_saved(trainer.model))):
        print(
            f"Aviso: ningún peso ha cambiado. O la tasa de aprendizaje ({args.learning_rate:g}) es demasiado pequeña "
            "o son pocas actualizaciones (mientras la tasa sube, la primera la lleva a 0): sube una de las dos."
        )
    if (largest := largest_weight(trainer.model)) > HUGE:
        print(f"Aviso: hay pesos que llegan a {largest:.2g} y no servirán: {trainer.likely_cause()}.")
    total = trainer.state.max_steps
    warmup = trainer.recipe.warmup * total if hasattr(trainer, "recipe") else args.warmup_steps
    if warmup >= total > 1:
        print(
            f"Aviso: la tasa de aprendizaje no ha acabado de subir, porque la subida dura {warmup:g} actualizaciones y "
            f"el entrenamiento {total}: baja `warmup` o entrena más."
        )


def _as_saved(model) -> list[torch.Tensor]:
    """Los pesos en fp16, como se guardan: lo que ahí no se nota no es un cambio."""
    return [weights.detach().half().cpu() for weights in model.parameters()]


@contextmanager
def interruptible(trainer):
    """Dentro, Ctrl-C (o el botón de parar de un cuaderno) acaba la actualización, guarda un punto de control y para.

    Lanza entonces `KeyboardInterrupt` con una frase que dice cómo seguir. La segunda vez para en el acto. Si no se
    guardan puntos de control, no cambia nada.
    """
    asked, before = [], signal.getsignal(signal.SIGINT)
    trainer.add_callback(_SaveOnceMeasured(asked))
    if trainer.args.save_strategy == "no" or threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number, frame):
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked and trainer.state.global_step < trainer.state.max_steps:
        raise KeyboardInterrupt(
            f"Interrumpido en la actualización {trainer.state.global_step}, que queda guardada: repite la misma orden "
            "para seguir."
        )
