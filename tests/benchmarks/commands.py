"""Lo que se espera: hasta la primera palabra, por `make curso` y por `make test`."""

import os
import re
import subprocess
import sys
import time

from tests.benchmarks.timing import alternate, at_most
from tools import lessons, setup_cell

IMPORTS = "import torch\nfrom transformers import OpenAIGPTLMHeadModel, PreTrainedTokenizer"
SPACY = IMPORTS + "\nimport spacy.lang.en"
FIRST_WORD = """
from helpers import generation, models
import torch
model, tokenizer = models.load(verbose=False)
ids = torch.tensor([tokenizer.text_to_ids("once upon a time")])
generation.generate(model, ids, 1, do_sample=False)
"""


def first_word(quick: bool) -> dict:
    """La celda de puesta en marcha, cargar el modelo y un token, en un proceso nuevo."""
    ways = {
        name: lambda code=code: subprocess.run(
            [sys.executable, "-c", code],
            cwd=lessons.ROOT / "notebooks",
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for name, code in (("imports", IMPORTS), ("spacy", SPACY), ("ours", setup_cell.render() + FIRST_WORD))
    }
    for way in ways.values():
        way()  # con los archivos ya en la memoria del sistema
    seconds = alternate(1 if quick else 5, ways)
    imports, spacy = (min(seconds[name]) for name in ("imports", "spacy"))
    return at_most(
        "Hasta la primera palabra", seconds["ours"], max(8, imports + 1),
        note=f"solo importar torch y transformers, {imports:.1f} s; con spaCy, que parte el texto, {spacy:.1f} s"
        .replace(".", ","),
    )  # fmt: skip


def second_start() -> dict:
    """De `make curso` a la dirección que se abre, con el entorno ya hecho."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        process = subprocess.Popen(
            ["make", "curso"], cwd=lessons.ROOT, env=os.environ | {"SIN_NAVEGADOR": "1"}, text=True,
            stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        next(line for line in process.stdout if line.startswith("http"))
        seconds.append(time.perf_counter() - start)
        os.killpg(process.pid, 15)
        process.communicate()
    return at_most("El segundo `make curso`", seconds, 10, note="hasta que da la dirección")


def whole_tests() -> dict:
    start = time.perf_counter()
    done = subprocess.run(["make", "test"], cwd=lessons.ROOT, capture_output=True, text=True)
    result = re.findall(r"\d+ passed.*", done.stdout)
    if done.returncode:
        raise RuntimeError(f"make test no pasa: {result}")
    return at_most("`make test`", [time.perf_counter() - start], 12 * 60)


def rows(quick: bool = False) -> list[dict]:
    if quick:
        return [first_word(quick)]
    return [first_word(quick), second_start(), whole_tests()]
