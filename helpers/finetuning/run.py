"""`fine_tune`: el ajuste fino del artículo, de un nombre de tarea a un modelo que la resuelve. Lección 06."""

import shutil
import tempfile
import time
from contextlib import nullcontext
from copy import deepcopy
from functools import partial
from pathlib import Path

import torch
from accelerate import PartialState
from datasets import DatasetDict

from helpers import environment, models
from helpers.finetuning.batches import largest
from helpers.finetuning.metrics import check_metrics
from helpers.finetuning.model import GPT1ForTask
from helpers.finetuning.recipe import PAPER, FineTuningRecipe
from helpers.finetuning.result import RESULT, FineTuned, predict_rows
from helpers.finetuning.trainer import NOT_PREDICTIONS, step_history, task_trainer, validation_history
from helpers.hf import GPT1LMHeadModel
from helpers.memory import check_fits
from helpers.tasks import TASKS, Task, check_data, encode_task, find_task, load_task
from helpers.tokenizer import SPECIAL_TOKENS, GPT1Tokenizer
from helpers.training import (
    TrainingError,
    alone_in,
    check_kind,
    claim,
    clear_disk_errors,
    fingerprint,
    finished,
    mark_finished,
    output_folder,
    processes,
    silence,
    train,
)


def fine_tune(
    model="auto", task: Task | str = "sentiment", data="course", *, tokenizer=None,
    recipe: FineTuningRecipe = PAPER, out=None, progress: bool = True,
) -> FineTuned:  # fmt: skip
    """Ajusta GPT-1 a una tarea minimizando L3 = L2 + λ·L1 y devuelve un `FineTuned`. Artículo, §3.2 y §4.1.

    - `model`: un nombre de `models.load` («auto», «gpt1-mini», «openai-gpt», una carpeta), o un modelo ya cargado; con
      él hay que pasar su `tokenizer`. Ninguno de los dos cambia. Se entrena en el mejor dispositivo que haya y el
      resultado queda en el del modelo dado o, con un nombre, donde lo dejaría `models.load`.
    - `task` y `data`: como `name` y `source` en `load_task`; o `data`, un `DatasetDict` propio con sus mismas columnas.
    - `recipe`: `PAPER` o `MINI`, o `dataclasses.replace(MINI, seed=1, n_transfer=0)` para cambiar algo.
    - `out`: carpeta para el resultado y los puntos de control (cada época, o cada `recipe.save_every` actualizaciones).
      Si el proceso muere, la misma llamada sigue donde iba; si ya acabó, devuelve lo guardado. Sin `out` no queda
      nada escrito.

    Con la misma semilla, en CPU y con los mismos hilos, da los mismos números. Se queda con los pesos de la mejor
    validación según la primera métrica de la tarea. Lanza `TaskError` por los datos, `ModelError` por el modelo y
    `TrainingError` si la receta no encaja o no cabe en la memoria (y dice con qué `micro_batch` cabría), `out` es de
    otro ajuste, no se puede escribir o la pérdida diverge.
    """
    out = None if out is None else output_folder(out)
    check_kind(
        "La receta tiene que ser una `FineTuningRecipe` (como `PAPER` o `MINI`)", recipe, FineTuningRecipe
    )
    check_kind(
        "El modelo tiene que ser un nombre («gpt1-mini»), una carpeta o lo que devuelve `models.load`",
        model, str | Path | GPT1LMHeadModel,
    )  # fmt: skip
    with (
        silence(),
        tempfile.TemporaryDirectory() as scratch,  # `Trainer` quiere una carpeta aunque no guarde nada
        nullcontext() if out is None else clear_disk_errors(out),
        nullcontext() if out is None else alone_in(out),
    ):
        processes()
        task, started = find_task(task), time.time()
        check_metrics(task.metrics)
        data = load_task(task, data) if isinstance(data, str | Path) else check_data(data, task)
        data = _fewer(data, recipe.train_size)
        home = environment.device() if isinstance(model, str | Path) else model.device
        model, tokenizer = _language_model(model, tokenizer, progress)
        entries = len(tokenizer)
        tokenizer.add_fine_tuning_tokens()
        # los tres tokens nuevos pueden estar ya en el tokenizador, o también en el modelo
        if len(tokenizer) - model.config.vocab_size not in (0, len(SPECIAL_TOKENS)):
            raise TrainingError(
                f"El tokenizador tiene {entries} entradas y el modelo {model.config.vocab_size}: no son el uno para el "
                "otro; cárgalos juntos con models.load."
            )
        if out is not None:  # las huellas leen los pesos y los datos enteros: solo si se va a guardar
            identity = {
                "weights": fingerprint(model),
                "vocabulary": fingerprint(tokenizer.get_vocab()),
                "task": _identity(task),
                "data": fingerprint(data),
                **recipe.identity(),
            }
            if claim(out, identity, recipe.how(), RESULT):
                return FineTuned.load(out, task, home)
        torch.manual_seed(recipe.seed)
        new = GPT1ForTask.from_language_model(
            model, tokenizer, task, n_transfer=recipe.n_transfer, objective=recipe.objective,
            lm_coef=recipe.lm_coef, clf_dropout=recipe.clf_dropout, dropout=recipe.dropout,
        )  # fmt: skip
        encode = partial(encode_task, task=task, tokenizer=tokenizer, n_positions=new.config.n_positions)
        encoded = {part: encode(data[part], verbose=progress) for part in ("train", "validation")}
        trainer = task_trainer(new, tokenizer, task, encoded, recipe, out, scratch, progress)
        check_fits(trainer, partial(largest, encoded["train"], with_lm=recipe.lm_coef > 0), kept=out is None)
        train(trainer, trainer.bar, ignore_keys_for_eval=NOT_PREDICTIONS)
        trainer.best.restore(new)
        finished(trainer, trainer.args.device).eval()
        result = _result(new, tokenizer, task, recipe, data, trainer)
        result.seconds = round(time.time() - started, 1)
        if out is not None and trainer.is_world_process_zero():
            result.save(out)
            mark_finished(out)
            # con el resultado a salvo, ya no hacen falta
            shutil.rmtree(trainer.args.output_dir, ignore_errors=True)
            trainer.best.path.unlink(missing_ok=True)
        PartialState().wait_for_everyone()
        result.model.to(home)
    return result


def _identity(task: Task) -> str:
    """El nombre de `task` y, si no es la del catálogo, en qué se distingue de otra que se llame igual."""
    names = ("family", "labels", "metrics", "long_context")
    own = {name: getattr(task, name) for name in names}
    if task.name in TASKS and own == {name: getattr(TASKS[task.name], name) for name in names}:
        return task.name
    return f"{task.name} ({', '.join(f'{name}={value}' for name, value in own.items())})"


def _language_model(model, tokenizer, progress: bool):
    """(modelo, copia del tokenizador)."""
    if isinstance(model, str | Path):
        name = models.choose(str(model))[0]
        return models.load(name, device="cpu", verbose=progress and PartialState().is_main_process)
    if not isinstance(tokenizer, GPT1Tokenizer):
        raise TrainingError("Con un modelo ya cargado hay que pasar también su tokenizador: tokenizer=….")
    models.check_finite(model)
    return model, deepcopy(tokenizer)


def _fewer(data, size: int | None):
    if size is None:
        return data
    total = len(data["train"])
    if not 0 < size <= total:
        raise TrainingError(f"train_size={size} no puede ser: hay {total} ejemplos de entrenamiento.")
    return DatasetDict({**data, "train": data["train"].shuffle(seed=0).select(range(size))})


def _result(model, tokenizer, task, recipe, data, trainer) -> FineTuned:
    evaluations, best = validation_history(trainer.state.log_history), trainer.best
    predict = partial(predict_rows, model, tokenizer, task, batch=2 * recipe.micro_batch)
    known = "test" in data and all(
        row["label"] >= 0 or row["score"] == row["score"]
        for row in data["test"].select_columns(["label", "score"])
    )
    return FineTuned(
        model=model,
        tokenizer=tokenizer,
        task=task,
        recipe=recipe,
        steps=step_history(trainer.state.log_history),
        evaluations=evaluations,
        best=next(record for record in evaluations if record[best.metric] == best.best),
        validation=predict(data["validation"]),
        test=predict(data["test"]) if known else None,
    )
