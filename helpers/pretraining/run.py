"""De una receta y unos tokens a un GPT-1 entrenado, de cero o sobre un texto propio. Lecciones 09 y 06."""

import math
import tempfile
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from helpers import environment, models
from helpers.files import opened, write_json
from helpers.hf import GPT1LMHeadModel
from helpers.memory import Batch, check_fits
from helpers.pretraining.corpus import TokenFile, Windows, all_window_losses
from helpers.pretraining.recipe import DROPOUTS, LANGUAGE, PAPER, PretrainingRecipe, blank_model
from helpers.pretraining.trainer import read_history, window_trainer
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import (
    QuietProgress,
    TrainingError,
    alone_in,
    check_kind,
    claim,
    clear_disk_errors,
    fingerprint,
    finished,
    last_checkpoint,
    mark_finished,
    output_folder,
    quiet,
    refuse_less,
    silence,
    step_of,
    total_steps,
    train,
)

WEIGHTS = "model.safetensors"
RECIPE = "La receta tiene que ser una `PretrainingRecipe` (como las de `PRESETS`)"
TOKENIZER = "El tokenizador tiene que ser un `GPT1Tokenizer`"
SHAPE = ("n_layer", "n_embd", "n_head", "n_positions")
HELD_OUT = 10  # de un texto propio se aparta una de cada diez ventanas, las del final, para medir


def pretrain(
    recipe: PretrainingRecipe, train_file: TokenFile, held_out: TokenFile, tokenizer, out, init=None, probes=(),
    progress: bool = True,
) -> GPT1LMHeadModel:  # fmt: skip
    """Entrena y guarda en `out`: modelo, tokenizador, `history.json` y `recipe.json`. Devuelve el modelo.

    El modelo queda en fp32, en modo evaluación y en el mejor dispositivo que haya, como con `models.load`. Si en
    `out/checkpoints` hay un punto de control entero, sigue desde él. `init` es una carpeta con pesos de partida, de los
    que salen las medidas (si trae `history.json`, la historia sigue donde iba); `probes` son funciones modelo → dict
    que se apuntan en cada medida. Si ya estaba acabado, lo dice y lo lee. Uno a tasa constante se puede alargar
    (`max_steps`, `epochs`, `schedule`, `decay_steps`): lo de antes queda en `run.json`. Lanza `TrainingError` si el
    corpus no llena un lote, si el lote no se puede repartir o no cabe en la memoria, si lo que hay en `out` es de otro
    entrenamiento, si diverge o si no se puede escribir. Artículo, §4.1. Lección 09.
    """
    out, bar = output_folder(out), QuietProgress("Preentrenamiento", disable=not progress)
    check_kind(RECIPE, recipe, PretrainingRecipe)
    check_kind(TOKENIZER, tokenizer, GPT1Tokenizer)
    for file in (train_file, held_out):
        check_kind("Los tokens tienen que ser lo que devuelve `tokenize_documents`", file, TokenFile)
        file.check(len(tokenizer))
    for probe in probes:
        check_kind("Las sondas (`probes`) tienen que ser funciones", probe, Callable)
    with silence(), clear_disk_errors(out), alone_in(out):
        model = blank_model(recipe, len(tokenizer), init)
        # con `init`, las medidas son las de sus pesos
        recipe = replace(recipe, **{name: getattr(model.config, name) for name in SHAPE})
        identity = {
            **recipe.identity(), "weights": init and fingerprint(Path(init) / "config.json", Path(init) / WEIGHTS),
            "data": fingerprint(*(part for file in (train_file, held_out) for part in file.content())),
            "vocabulary": fingerprint(tokenizer.get_vocab()),
        }  # fmt: skip
        trainer = window_trainer(recipe, model, train_file, held_out, out, probes, _history(init))
        quiet(trainer, bar)
        length = model.config.n_positions
        check_fits(trainer, lambda micro_batch: Batch(micro_batch, length, micro_batch * length))
        if claim(out, identity, recipe.how(), WEIGHTS, partial(_may_change, trainer)):
            return models.load(str(out), verbose=False)[0]
        train(trainer, bar)
        model = finished(trainer, environment.device())
        if trainer.is_world_process_zero():
            # el ajuste fino usa los dropouts del artículo aunque el preentrenamiento no use ninguno
            model.config.update(dict.fromkeys(DROPOUTS, PAPER.dropout) | {"use_cache": True})
            small = deepcopy(model).half()
            # en fp16, un peso de más de 65 504 sería infinito
            fits = all(weights.isfinite().all() for weights in small.parameters())
            (small if fits else model).save_pretrained(out)
            tokenizer.save_pretrained(out)
            write_json(out / "recipe.json", asdict(recipe) | {"processes": trainer.args.world_size})
            mark_finished(out)
    return model.eval()


def _may_change(trainer, before: dict) -> tuple[str, ...]:
    """A tasa constante se puede alargar, también con una bajada al final si aún no tenía que haber empezado.

    Si ya se han hecho las actualizaciones que se piden, o no hay punto de control desde el que seguir, no: quedaría
    apuntado un ajuste con el que no se ha entrenado. Lanza `TrainingError` si se han hecho más.
    """
    if before.get("schedule") != "constant_with_warmup":
        return ()
    args, last = trainer.args, last_checkpoint(trainer.args.output_dir, verbose=False)
    if not last:
        return ()
    done, total = step_of(last), total_steps(trainer)
    refuse_less(args, done, total)
    start = total - (args.lr_scheduler_kwargs or {}).get("num_decay_steps", 0)
    stable = args.lr_scheduler_type in ("constant_with_warmup", "warmup_stable_decay")
    if total == done or start < done or not stable:
        return ()
    return ("schedule", "decay_steps", "max_steps", *(["epochs"] if args.max_steps <= 0 else []))


def _history(init) -> list[dict]:
    path = Path(init) / "history.json" if init else None
    return read_history(path) if path and path.exists() else []


@dataclass
class FineTunedLanguage:
    """`model` en modo evaluación y su `tokenizer`; pérdidas antes y después, en nats por token; ventanas del texto."""

    model: GPT1LMHeadModel
    tokenizer: GPT1Tokenizer
    loss_before: float
    loss_after: float
    windows: int

    @property
    def perplexity(self) -> tuple[float, float]:
        """Perplejidad por token de la parte apartada: (antes, después)."""
        before, after = torch.tensor([self.loss_before, self.loss_after], dtype=torch.float64).exp().tolist()
        return before, after


def fine_tune_language(
    model, tokenizer, text, recipe: PretrainingRecipe = LANGUAGE, *, out=None, progress: bool = True
) -> FineTunedLanguage:
    """Sigue preentrenando `model` (que no cambia) con `text`: la ruta de un archivo UTF-8, o el propio texto.

    El texto se parte en ventanas de `n_positions` tokens y la décima parte final se aparta para medir. De `recipe` no
    cuentan las medidas, que son las de `model`, ni la subida, que es la vigésima parte de lo que dure: si pides otras,
    lo dice. Con `out` se guarda (y un punto de control por época, o cada `save_every` actualizaciones) y, si se
    interrumpe, la misma llamada sigue. El modelo ajustado queda en el dispositivo de `model`. Lanza `TrainingError` si
    el archivo no existe o no es texto, si no llena dos ventanas (una para aprender y otra para medir) o si un lote no
    cabe en la memoria, y `ModelError` si los pesos de `model` no son números. Lección 06.
    """
    out = None if out is None else output_folder(out)
    check_kind("El modelo tiene que ser lo que devuelve `models.load`", model, GPT1LMHeadModel)
    models.check_finite(model)
    if model.dtype == torch.float64:
        raise TrainingError(
            "Los pesos del modelo están en float64 y se entrena en float32: pasa model.float()."
        )
    check_kind(RECIPE, recipe, PretrainingRecipe)
    check_kind(TOKENIZER, tokenizer, GPT1Tokenizer)
    ids = tokenizer.text_to_ids(read_text(text))
    length = model.config.n_positions
    total = len(ids) // length
    if total < 2:
        raise TrainingError(
            f"El texto tiene {len(ids)} tokens y hacen falta al menos {2 * length}: una ventana de {length} para "
            "aprender y otra para medir. Elige un texto más largo o une varios."
        )
    learning = total - max(1, total // HELD_OUT)
    batch = min(recipe.batch, learning)  # un texto corto no llena el lote pedido
    micro_batch = max(size for size in range(1, min(batch, recipe.micro_batch) + 1) if batch % size == 0)
    steps = recipe.max_steps if recipe.max_steps > 0 else max(1, math.ceil(learning // batch * recipe.epochs))
    own = {name: getattr(model.config, name) for name in SHAPE} | {"warmup": max(1, steps // 20)}
    left_out = [name for name in own if getattr(recipe, name) not in (own[name], getattr(LANGUAGE, name))]
    if left_out:
        print(
            f"Aviso: de la receta no cuentan {', '.join(left_out)}: las medidas son las de tu modelo y la subida, la "
            "vigésima parte de las actualizaciones."
        )
    recipe = replace(
        recipe, batch=batch, micro_batch=micro_batch, save_every=recipe.save_every if out else -1, **own
    )
    with tempfile.TemporaryDirectory() as scratch, silence():
        scratch = Path(scratch)
        model.save_pretrained(scratch / "inicio")
        learnt = _token_file(ids[: learning * length], scratch / "train.bin")
        held_out = _token_file(ids[learning * length : total * length], scratch / "held_out.bin")
        tuned = pretrain(
            recipe,
            learnt,
            held_out,
            tokenizer,
            out or scratch / "salida",
            scratch / "inicio",
            progress=progress,
        )
        tests = Windows(held_out, length)
        before, after = (all_window_losses(either, tests).mean().item() for either in (model, tuned))
    return FineTunedLanguage(tuned.to(model.device), tokenizer, before, after, total)


def read_text(text) -> str:
    """El contenido de `text`, si es la ruta de un archivo (`Path` o algo acabado en .txt o .md), o él mismo."""
    if not isinstance(text, str | Path):
        raise TrainingError(f"El texto tiene que ser una ruta o el propio texto, y es {text!r:.60}.")
    if isinstance(text, str) and ("\n" in text or not text.lower().endswith((".txt", ".md"))):
        return text
    with opened(text, TrainingError) as file:
        return file.read()


def _token_file(ids: list[int], path: Path) -> TokenFile:
    path.write_bytes(np.asarray(ids, dtype=np.uint32).tobytes())
    return TokenFile(str(path), len(ids), text_bytes=4 * len(ids), dtype="uint32")
