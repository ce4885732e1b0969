"""Lo que comparten el preentrenamiento y el ajuste fino: puntos de control, barra, precisión y discos que fallan."""

import ctypes
import json
import os
import sys
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors import SafetensorError
from tqdm.auto import tqdm
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback, ProgressCallback
from transformers.utils import logging

from helpers import environment
from helpers.spanish import number

STATE = "trainer_state.json"  # lo último que `Trainer` escribe de un punto de control


class TrainingError(Exception):
    """El entrenamiento no puede empezar o seguir; el mensaje dice qué ha pasado y qué hacer."""


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


M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # de malloc.h (glibc)


def keep_memory() -> bool:
    """Pide a la glibc que guarde la memoria que se libera en vez de devolverla: `True` si lo hace (Linux, sin GPU).

    Cada paso pide y suelta los mismos tensores de más de 100 MB; devueltos al sistema, este los vuelve a llenar de
    ceros página a página, y en eso se va una cuarta parte del paso (`tests/benchmarks/pretraining.py`; mallopt(3)).
    Si aún no se ha creado ningún tensor, PyTorch pedirá además páginas grandes (pytorch/pytorch#107697).
    """
    if not sys.platform.startswith("linux") or torch.cuda.is_available():
        return False
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl, por ejemplo, no la tiene
    return bool(mallopt and mallopt(M_MMAP_MAX, 0) and mallopt(M_TRIM_THRESHOLD, 2**31 - 1))


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


def quiet(trainer, title: str, progress: bool = True) -> QuietProgress:
    """Quita de `trainer` los avisos de serie y, si `progress`, pone la barra, que se devuelve para poder cerrarla."""
    for callback in list(trainer.callback_handler.callbacks):
        if isinstance(callback, (ProgressCallback, PrinterCallback)) or "Notebook" in type(callback).__name__:
            trainer.remove_callback(callback)
    logging.disable_progress_bar()  # las de transformers al guardar, en inglés
    bar = QuietProgress(title, disable=not progress)
    trainer.add_callback(bar)
    return bar
