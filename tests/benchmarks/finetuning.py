"""Ejemplos por segundo y memoria al ajustar: el curso frente a `Trainer` con la clase de dos cabezas de transformers.

El sentimiento del curso y las medidas de gpt1-mini con 512 posiciones. El rival es `OpenAIGPTDoubleHeadsModel` con las
mismas pérdidas (de tarea y de lenguaje, por secuencias) en el `Trainer` de serie: lotes barajados y relleno dinámico,
o hasta 512. Primero se comprueba, sin dropout, que las pérdidas son las mismas. Cada medida va en su proceso, para ver
su pico de memoria, y por turnos. Se cuentan segundos de CPU con un hilo, que no dependen de quién más use la máquina.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from torch import nn
from torch.nn import functional as F
from transformers import OpenAIGPTConfig, OpenAIGPTDoubleHeadsModel, Trainer, TrainingArguments
from transformers.utils import logging

from helpers.finetuning import FineTuningRecipe, GPT1ForTask
from helpers.finetuning.trainer import task_trainer
from helpers.hf import GPT1LMHeadModel
from helpers.models import MINI
from helpers.tasks import EncodedTask, encode_task, find_task, load_task, pad
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import QuietProgress, quiet
from tests.benchmarks.machine import gemm_peak
from tests.benchmarks.pretraining import operations
from tests.benchmarks.timing import against

POSITIONS, BATCH = 512, 32
WAYS = {
    "ours": "curso",
    "ours_random": "curso, lotes sin agrupar",
    "dynamic": "transformers, relleno dinámico",
    "full": f"transformers, relleno hasta {POSITIONS}",
}


class Peer(nn.Module):
    """La clase de transformers con las pérdidas del original: logits de lenguaje en todas las posiciones."""

    def __init__(self, ours: GPT1ForTask):
        super().__init__()
        config = OpenAIGPTConfig(**{**ours.config.to_dict(), "summary_first_dropout": ours.config.clf_pdrop})
        config._attn_implementation = "eager"
        self.model, self.lm_coef = OpenAIGPTDoubleHeadsModel(config), ours.config.lm_coef
        # su cabeza da una puntuación por secuencia; para clasificar hacen falta tantas como clases
        self.model.multiple_choice_head.summary = nn.Linear(config.n_embd, ours.clf_head.out_features)
        self.choice = ours.config.family == "multiple_choice"
        weights = {f"transformer.{name}": value for name, value in ours.transformer.state_dict().items()}
        weights["lm_head.weight"] = ours.lm_head.weight
        for name, value in ours.clf_head.state_dict().items():
            weights[f"multiple_choice_head.summary.{name}"] = value
        self.model.load_state_dict(weights, strict=False)

    def forward(self, input_ids, attention_mask, classify_position, labels):
        output = self.model(
            input_ids, attention_mask=attention_mask.flatten(0, 1), mc_token_ids=classify_position
        )
        logits = output.mc_logits if self.choice else output.mc_logits.view(len(labels), -1)
        words = F.cross_entropy(
            output.logits[..., :-1, :].flatten(0, -2), input_ids[..., 1:].flatten(), reduction="none"
        )
        real = attention_mask[..., 1:].float()
        lm_loss = ((words.view_as(real) * real).sum(-1) / real.sum(-1)).mean()
        return {"loss": F.cross_entropy(logits, labels) + self.lm_coef * lm_loss}


def prepare(options, dropout: float) -> tuple[GPT1ForTask, GPT1Tokenizer, EncodedTask]:
    torch.manual_seed(0)
    tokenizer, (layers, width, heads) = GPT1Tokenizer.from_pretrained(MINI), options.shape
    shape = {"n_layer": layers, "n_embd": width, "n_head": heads, "n_positions": POSITIONS}
    language = GPT1LMHeadModel(OpenAIGPTConfig(vocab_size=len(tokenizer), **shape))
    tokenizer.add_fine_tuning_tokens()
    task = find_task(options.task)
    rows = load_task(task, options.source)["train"].shuffle(seed=0)
    rows = rows.select(range(min(len(rows), options.examples) // BATCH * BATCH))
    encoded = encode_task(rows, task, tokenizer, POSITIONS)
    if task.family == "similarity":
        raise SystemExit(
            "transformers no tiene una clase que sume los dos órdenes: elige una tarea de otra familia."
        )
    model = GPT1ForTask.from_language_model(
        language, tokenizer, task, lm_coef=options.lm_coef, clf_dropout=dropout, dropout=dropout
    )
    return model, tokenizer, encoded


def check_equal(options) -> float:
    """La mayor diferencia de pérdida, sin dropout, en los cuatro primeros lotes."""
    model, _, encoded = prepare(options, dropout=0.0)
    peer, worst = Peer(model).eval(), 0.0
    model.eval()
    for start in range(0, 4 * 8, 8):  # con gradientes: es como se mide
        batch = pad(encoded[start : start + 8])
        worst = max(worst, abs(model(**batch).loss.item() - peer(**batch)["loss"].item()))
    assert worst < 1e-4, f"las pérdidas no coinciden: {worst}"
    return worst


def pad_to_the_end(batch):
    padded = pad(batch)
    room = POSITIONS - padded["input_ids"].shape[-1]
    return padded | {name: F.pad(padded[name], (0, room)) for name in ("input_ids", "attention_mask")}


def measure(options) -> dict:
    """Una pasada de entrenamiento de `options.way`: segundos de CPU por ejemplo, MB de más en el pico y qué parte se
    aprovecha de lo que la máquina multiplica con un hilo, contando solo los tokens de verdad."""
    model, tokenizer, encoded = prepare(options, dropout=0.1)
    task, way = find_task(options.task), options.way
    if way == "full":  # el relleno hasta 512 es tan caro que basta con dos lotes
        encoded.examples = encoded.examples[: 2 * BATCH]
    folder = tempfile.mkdtemp()
    if way.startswith("ours"):
        recipe = FineTuningRecipe(
            precision="fp32",
            batch=BATCH,
            micro_batch=BATCH,
            epochs=1,
            lm_coef=options.lm_coef,
            by_length=way == "ours",
        )
        parts = {"train": encoded, "validation": EncodedTask(task, encoded[:1], encoded.truncation)}
        trainer = task_trainer(model, tokenizer, task, parts, recipe, None, folder, False)
        trainer.args.eval_strategy = "no"
    else:
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=BATCH, num_train_epochs=1, report_to="none", save_strategy="no",
            logging_steps=10_000, remove_unused_columns=False, use_cpu=True, disable_tqdm=True,
            dataloader_pin_memory=False,
        )  # fmt: skip
        trainer = Trainer(
            Peer(model),
            arguments,
            train_dataset=encoded,
            data_collator=pad if way == "dynamic" else pad_to_the_end,
        )
        quiet(trainer, QuietProgress("", disable=True))
    before, start, wall = _peak(), time.process_time(), time.perf_counter()
    trainer.train()
    seconds, elapsed = time.process_time() - start, time.perf_counter() - wall
    count = len(encoded)
    memory = max(_peak() - before, 1)  # en MB; con un modelo diminuto el pico puede no moverse
    tokens = sum(encoded.lengths) / count
    needed = tokens * operations((*options.shape, tokens), len(tokenizer))
    return {
        "cpu": seconds / count, "wall": elapsed / count, "memory": memory,
        "share": needed * count / seconds / gemm_peak(),
    }  # fmt: skip


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # en Linux, kB


def parse(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.finetuning", description=__doc__)
    parser.add_argument("--task", default="sentiment")
    parser.add_argument("--source", default="course")
    parser.add_argument("--shape", type=int, nargs=3, default=(4, 256, 4), help="capas, ancho y cabezas")
    parser.add_argument("--examples", type=int, default=960)
    parser.add_argument("--lm-coef", type=float, default=0.5)
    parser.add_argument("--way", choices=WAYS, required=True)
    return parser.parse_args(arguments)


def alone(way: str, *arguments: str) -> dict:
    """`measure` en un proceso nuevo."""
    command = [sys.executable, "-m", "tests.benchmarks.finetuning", *arguments, "--way", way]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def rows(quick: bool = False) -> list[dict]:
    arguments = ("--examples", "64", "--shape", "1", "32", "2") if quick else ()
    options = parse([*arguments, "--way", "ours"])
    worst = check_equal(options)
    _, _, encoded = prepare(options, dropout=0.0)
    found = {way: [] for way in WAYS if way != "full" or not quick}
    for _ in range(1 if quick else 2):
        for way, runs in found.items():
            runs.append(alone(way, *arguments))
    note = (
        f"{len(encoded)} frases de {sum(encoded.lengths) / len(encoded):.1f} tokens, lotes de {BATCH}, un hilo; "
        f"las pérdidas difieren en {worst:.0e} como mucho"
    ).replace(".", ",")
    goals = {"dynamic": (2, 1 / 0.7), "full": (None, None), "ours_random": (None, None)}

    def compared(what, key, way, goal, unit):
        values = [[run[key] for run in found[which]] for which in (way, "ours")]
        if key == "memory":
            return against(f"Ajuste fino, {what}", WAYS[way], *values, goal, unit=unit, note=note)
        return against(
            f"Ajuste fino, {what}", WAYS[way], *values, goal, unit=unit,
            share=statistics.median(run["share"] for run in found["ours"]), of="multiplicar",
            note=f"lo más son productos de matrices que hacen los dos; {note}",
        )  # fmt: skip

    return [
        compared(what, key, way, goals[way][number], unit)
        for way in goals
        if way in found
        for number, (what, key, unit) in enumerate(
            [("segundos de CPU por ejemplo", "cpu", "s"), ("memoria de más en el pico", "memory", "MB")]
        )
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    logging.set_verbosity_error()
    print(json.dumps(measure(parse())))
