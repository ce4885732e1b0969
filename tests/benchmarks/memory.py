"""La memoria que `helpers.memory` calcula antes de entrenar frente a la que se gasta de verdad en el pico.

`python -m tests.benchmarks.memory [cuántos casos]`. Cada caso es un `fine_tune` o un `pretrain` entero de unas pocas
actualizaciones, en su proceso y con un hilo; lo medido es lo que crece su memoria residente, hasta el pico, desde que
se comprueba si cabe. No hace falta que la máquina esté en calma. Solo en Linux.
"""

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from datasets import DatasetDict
from transformers import OpenAIGPTConfig

from helpers import memory
from helpers.environment import ROOT
from helpers.finetuning import FineTuningRecipe, fine_tune
from helpers.finetuning import run as fine_tuning
from helpers.hf import GPT1LMHeadModel
from helpers.models import MINI
from helpers.pretraining import PretrainingRecipe
from helpers.pretraining import run as pretraining
from helpers.pretraining.corpus import TokenFile
from helpers.tasks import load_task
from helpers.tokenizer import GPT1Tokenizer

MINI_SHAPE, GPT1_SHAPE = (4, 256, 4, 8192), (12, 768, 12, 40478)
UPDATES = 3


@dataclass(frozen=True)
class Case:
    """Qué se entrena: ajuste fino o no, (bloques, ancho, cabezas, vocabulario), lote y tokens de cada ejemplo."""

    fine: bool
    shape: tuple
    micro_batch: int
    length: int
    accumulate: int = 1
    dropout: float = 0.1
    task: str = "sentiment"

    def __str__(self) -> str:
        what = f"ajuste fino ({self.task})" if self.fine else "preentrenar"
        layers, width, _, vocabulary = self.shape
        batch = f"{self.accumulate} × {self.micro_batch} × {self.length}"
        return f"{what}, {layers} × {width} × {vocabulary}, lote {batch}, dropout {self.dropout}"


CASES = [
    Case(True, MINI_SHAPE, 16, 40),
    Case(True, MINI_SHAPE, 8, 128, accumulate=2, task="story_cloze"),
    Case(False, MINI_SHAPE, 16, 256, dropout=0.0),
    Case(False, MINI_SHAPE, 8, 256, accumulate=2),
    Case(True, GPT1_SHAPE, 1, 64),
    Case(True, GPT1_SHAPE, 2, 128, accumulate=2),
    Case(True, GPT1_SHAPE, 4, 256),
    Case(True, GPT1_SHAPE, 1, 512, accumulate=2, task="story_cloze"),
    Case(False, GPT1_SHAPE, 1, 512),
    Case(False, GPT1_SHAPE, 2, 512, accumulate=2, dropout=0.0),
]


class Wide(GPT1Tokenizer):
    """El tokenizador de gpt1-mini, que dice tener el vocabulario del modelo."""

    extra = 0

    def __len__(self):
        return super().__len__() + self.extra


def measure(case: Case) -> dict[str, int]:
    """{"estimate", "measured"} de un caso, en bytes; en un proceso nuevo."""
    torch.set_num_threads(1)
    layers, width, heads, vocabulary = case.shape
    tokenizer, found = Wide.from_pretrained(MINI), {}
    tokenizer.extra = vocabulary - len(tokenizer)
    recipe = {
        "batch": case.micro_batch * case.accumulate, "micro_batch": case.micro_batch, "epochs": 1,
        "dropout": case.dropout,
    }  # fmt: skip

    def note(trainer, largest, kept=False):
        batch = largest(trainer.args.per_device_train_batch_size)
        found["estimate"] = memory.needed(
            trainer.model, batch, accumulates=case.accumulate > 1, copies=int(kept)
        )
        pages = Path("/proc/self/statm").read_text().split()[1]
        found["before"] = int(pages) * resource.getpagesize()

    places = (fine_tuning, "check_fits"), (pretraining, "check_fits")
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(*places[0], note),
        mock.patch.object(*places[1], note),
    ):
        if case.fine:
            shape = {"n_layer": layers, "n_embd": width, "n_head": heads, "n_positions": 512}
            model = GPT1LMHeadModel(OpenAIGPTConfig(vocab_size=vocabulary, **shape))
            fine_tune(
                model, case.task, _rows(case, recipe["batch"]), tokenizer=tokenizer, recipe=FineTuningRecipe(**recipe),
                progress=False,
            )  # fmt: skip
        else:
            tokens = UPDATES * recipe["batch"] * case.length
            np.random.default_rng(0).integers(1, 8192, tokens).astype("uint16").tofile(f"{folder}/ids.bin")
            file = TokenFile(f"{folder}/ids.bin", tokens, 4 * tokens, "uint16")
            recipe = PretrainingRecipe(
                n_layer=layers,
                n_embd=width,
                n_head=heads,
                n_positions=case.length,
                eval_windows=1,
                warmup=1,
                **recipe,
            )
            pretraining.pretrain(recipe, file, file, tokenizer, Path(folder), progress=False)
    # VmHWM y no ru_maxrss, que empieza en lo que había usado quien arrancó este proceso
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return {"estimate": found["estimate"], "measured": peak - found["before"]}


def _rows(case: Case, batch: int) -> DatasetDict:
    """Los datos del curso, con textos de la longitud pedida."""

    def same_length(row):
        rest = (
            2 if not row["options"] else 4
        )  # `_start_`, `_classify_` y, con opciones, `_delimiter_` y una palabra
        return {"text": " ".join(["the"] * (case.length - rest)), "options": ["end"] * len(row["options"])}

    data = load_task(case.task)
    return DatasetDict(
        train=data["train"].select(range(UPDATES * batch)).map(same_length),
        validation=data["validation"].select([0]),
    )


def alone(case: Case) -> dict[str, int]:
    """`measure(case)` en un proceso nuevo."""
    command = [sys.executable, "-m", "tests.benchmarks.memory", json.dumps(asdict(case))]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main(cases=CASES) -> None:
    print("| entrenamiento | calculado, MB | medido, MB | calculado / medido |\n|---|---|---|---|")
    for case in cases:
        found = alone(case)
        estimate, measured = (found[name] / 1e6 for name in ("estimate", "measured"))
        print(f"| {case} | {estimate:.0f} | {measured:.0f} | {estimate / measured:.2f} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1].startswith("{"):
        print(json.dumps(measure(Case(**json.loads(sys.argv[1])))))
    else:
        main(CASES[: int(sys.argv[1])] if sys.argv[1:] else CASES)
