"""Los tokens guardados en data/golden.json son los que dan hoy el tokenizador del curso y el de transformers."""

import importlib.metadata
import json
import os
from pathlib import Path

import pytest

from helpers.lesson03 import exercises
from tools import make_golden_tokens

REAL = os.environ.get(make_golden_tokens.VARIABLE, "")
HF_PARTS = ("hf_tokens", "hf_ids")

needs_real = pytest.mark.skipif(
    not (REAL and Path(REAL, "vocab.json").is_file()),
    reason="hace falta el vocabulario de GPT-1: OPENAI_GPT_TOKENIZER=carpeta con vocab.json y merges.txt",
)


@pytest.fixture(scope="module")
def golden():
    return json.loads(make_golden_tokens.GOLDEN.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def again():
    return make_golden_tokens.compute(REAL)


def examples(tokens):
    return [*tokens["sentences"], *(pair[language] for pair in tokens["pairs"] for language in ("en", "es"))]


def test_the_file_is_written_by_its_script(golden):
    assert make_golden_tokens.GOLDEN.read_text(encoding="utf-8") == make_golden_tokens.dumps(golden)


def test_the_first_sentence_is_the_published_one(golden):
    first = golden["tokens"]["sentences"][0]
    assert (first["text"], first["ids"]) == (golden["seed"]["prompt"], golden["seed"]["ids"])


@needs_real
def test_tokens_of_gpt1(golden, again):
    for saved, found in zip(examples(golden["tokens"]), examples(again), strict=True):
        assert {**found, **{part: saved[part] for part in HF_PARTS}} == saved
    assert golden["tokens"]["vocabulary"] == again["vocabulary"]
    assert golden["tokens"]["source"] == again["source"]


@needs_real
def test_tokens_of_the_encode_of_lesson_03(golden):
    """El `encode` que se escribe en la lección lee como GPT-1 con su vocabulario, no solo con el del curso."""
    vocab = json.loads(Path(REAL, "vocab.json").read_text(encoding="utf-8"))
    lines = Path(REAL, "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
    ranks = {tuple(line.split()): rank for rank, line in enumerate(lines) if line}
    for saved in examples(golden["tokens"]):
        assert exercises.encode(saved["text"], ranks, vocab) == saved["ids"]


@needs_real
def test_tokens_of_transformers(golden, again):
    saved = golden["tokens"]["versions"]["transformers"]
    installed = importlib.metadata.version("transformers")
    if saved != installed:
        pytest.skip(f"lo guardado es de transformers {saved} y está instalado {installed}")
    assert examples(golden["tokens"]) == examples(again)
    assert golden["tokens"]["unreachable"] == again["unreachable"]
    assert golden["tokens"]["stories"] == again["stories"]
