"""El tokenizador del curso frente al oráculo (ftfy + spaCy + BPE en Python) y al de transformers, con los cuentos.

Los tres recuerdan lo ya partido (el oráculo, las palabras, como el código original). Se miden en caliente, que es lo
habitual al preparar un corpus, y en frío, con las memorias vacías. Después, lo que al oráculo le cuesta el cuadrado:
signos seguidos y un texto sin espacios, en segundos de CPU, con los mismos ids comprobados donde el oráculo acaba.
"""

import os
import time
import tracemalloc
from functools import partial
from pathlib import Path

from transformers import OpenAIGPTTokenizer

from helpers.environment import ROOT
from helpers.models import MINI
from helpers.spanish import significant
from helpers.tokenizer import GPT1Tokenizer
from tests.benchmarks.machine import exponent
from tests.benchmarks.timing import against, alternate, at_most
from tests.tokenizer_oracle import Oracle

ORACLE_LIMIT = 10_000  # caracteres: con cien mil signos ya son unos diez minutos


def rows(quick: bool = False) -> list[dict]:
    folder = Path(os.environ.get("OPENAI_GPT_TOKENIZER") or MINI)
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "data/stories").glob("*.txt"))]
    texts = texts[:2] if quick else texts
    ours, oracle = GPT1Tokenizer.from_pretrained(folder), Oracle(folder)
    theirs = OpenAIGPTTokenizer.from_pretrained(folder)
    for text in texts:
        assert ours.text_to_ids(text) == oracle.encode(text)

    same = sum(theirs(text).input_ids == ours.text_to_ids(text) for text in texts)

    def every(encode):
        return lambda: [encode(text) for text in texts]

    rounds = 1 if quick else 5
    warm = alternate(
        rounds,
        {"original": every(oracle.encode), "transformers": lambda: theirs(texts), "curso": every(ours.text_to_ids)},
    )  # fmt: skip
    cold = {"original": [], "curso": []}
    for _ in range(rounds):  # cargar el vocabulario no cuenta
        for name, encode in (
            ("original", Oracle(folder).encode),
            ("curso", GPT1Tokenizer.from_pretrained(folder).text_to_ids),
        ):
            cold[name] += alternate(1, {name: every(encode)})[name]
    note = f"{len(texts)} cuentos, {sum(map(len, texts)) / 1e6:.2f} MB, {ours.vocab_size} entradas".replace(
        ".", ","
    )
    return [
        against("Tokenizador, en caliente", "el algoritmo original", warm["original"], warm["curso"], 10, note=note),
        against(
            "Tokenizador, frente a transformers", "`OpenAIGPTTokenizer`", warm["transformers"], warm["curso"],
            note=f"los mismos ids en {same} de {len(texts)} cuentos",
        ),
        against("Tokenizador, en frío", "el algoritmo original", cold["original"], cold["curso"], 2, note=note),
        *growth(ours, oracle, "".join("".join(texts).split()), quick),
    ]  # fmt: skip


def growth(ours, oracle, story: str, quick: bool) -> list[dict]:
    """Con qué exponente crecen el tiempo y la memoria con el largo de un texto sin espacios."""
    sizes = (500, 1000) if quick else (10_000, 100_000, 1_000_000, 10_000_000)
    story *= 1 + sizes[-1] // len(story)
    found = []
    for name, text in (("«!» seguidos", "!" * sizes[-1]), ("cuentos sin espacios", story)):
        short = text[: min(sizes[0], ORACLE_LIMIT)]
        assert ours.text_to_ids(short) == oracle.encode(short)
        seconds = [
            alternate(1, {"": partial(ours.text_to_ids, text[:size])}, time.process_time)[""][0]
            for size in sizes
        ]
        found.append(
            at_most(
                f"Exponente del tiempo, {name}", [exponent(sizes, seconds)], 1.1, unit="",
                note=f"de {sizes[0]} a {sizes[-1]} caracteres: " + "; ".join(f"{significant(s, 2)} s" for s in seconds),
            )
        )  # fmt: skip
    found.append(memory(ours, quick))
    return found


def memory(ours, quick: bool) -> dict:
    """Lo que crece la memoria de Python entre partir diez veces el mismo corpus de palabras nuevas y una."""
    count = 2_000 if quick else 40_000  # más palabras distintas que las que se recuerdan
    peaks = []
    for turn in range(3):
        text = " ".join(f"w{turn}x{number}" for number in range(count))
        tracemalloc.start()
        for line in range(0, len(text), 10_000):
            ours.text_to_ids(text[line : line + 10_000])
        peaks.append(tracemalloc.get_traced_memory()[0] / 1e6)
        tracemalloc.stop()
    return at_most("Memoria que queda ocupada tras un corpus de palabras nuevas", peaks, 30, unit="MB")
