"""El tokenizador del curso frente al oráculo (ftfy + spaCy + BPE en Python), sobre los cuentos del curso.

Los dos recuerdan lo ya partido (el oráculo, las palabras, como el código original). Se miden en caliente, que es lo
habitual al preparar un corpus, y en frío, con las memorias vacías: ahí manda spaCy, que es el mismo en los dos.
"""

import os
import time
from pathlib import Path
from statistics import median

from helpers.environment import ROOT
from helpers.models import MINI
from helpers.tokenizer import GPT1Tokenizer
from tests.benchmarks.timing import side_by_side
from tests.tokenizer_oracle import Oracle

ROUNDS = 5


def main() -> None:
    folder = Path(os.environ.get("OPENAI_GPT_TOKENIZER") or MINI)
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "data/stories").glob("*.txt"))]
    size = sum(map(len, texts)) / 1e6
    ours, oracle = GPT1Tokenizer.from_pretrained(folder), Oracle(folder)
    for text in texts:
        assert ours.text_to_ids(text) == oracle.encode(text)

    cold_times, cold_slow_times = [], []

    def cold():
        fresh = GPT1Tokenizer.from_pretrained(folder)
        start = time.perf_counter()
        for text in texts:
            fresh.text_to_ids(text)
        cold_times.append(time.perf_counter() - start)

    def cold_slow():
        fresh = Oracle(folder)
        start = time.perf_counter()
        for text in texts:
            fresh.encode(text)
        cold_slow_times.append(time.perf_counter() - start)

    def warm():
        for text in texts:
            ours.text_to_ids(text)

    def called():
        ours(texts)

    def slow():
        for text in texts:
            oracle.encode(text)

    times = side_by_side(ROUNDS, oráculo=slow, curso=warm, **{"tokenizer(textos)": called})
    side_by_side(ROUNDS, oráculo=cold_slow, curso=cold)
    times |= {"oráculo, en frío": median(cold_slow_times), "curso, en frío": median(cold_times)}
    print(
        f"{len(texts)} cuentos, {size:.2f} MB, vocabulario de {ours.vocab_size} entradas; mismos ids comprobados."
    )
    for name, seconds in times.items():
        base = times["oráculo, en frío" if "frío" in name else "oráculo"]
        print(f"{name:>18}: {seconds:6.3f} s  {size / seconds:6.2f} MB/s  {base / seconds:5.1f}×")


if __name__ == "__main__":
    main()
