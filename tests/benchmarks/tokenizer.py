"""El tokenizador del curso frente al oráculo (ftfy + spaCy + BPE en Python), sobre los cuentos del curso.

Los dos recuerdan lo ya partido (el oráculo, las palabras, como el código original). Se miden en caliente, que es lo
habitual al preparar un corpus, y en frío, con las memorias vacías. Al final, lo que al oráculo le cuesta el cuadrado:
signos seguidos y un texto sin espacios, en segundos de CPU, con los mismos ids comprobados donde el oráculo acaba.
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
SIZES = (1000, 10_000, 100_000, 1_000_000)
ORACLE_LIMIT = 10_000  # caracteres: con cien mil signos ya son unos diez minutos


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
    without_spaces(ours, oracle, "".join("".join(texts).split()))


def without_spaces(ours, oracle, story: str) -> None:
    story *= 1 + SIZES[-1] // len(story)
    for name, text in (("«!» seguidos", "!" * SIZES[-1]), ("cuentos sin espacios", story)):
        for size in SIZES:
            start = time.process_time()
            ids = ours.text_to_ids(text[:size])
            line = f"{size:>9} de {name}: {time.process_time() - start:8.3f} s"
            if size <= ORACLE_LIMIT:
                start = time.process_time()
                assert ids == oracle.encode(text[:size])
                line += f"; oráculo {time.process_time() - start:8.3f} s"
            print(line)


if __name__ == "__main__":
    main()
