"""`python -m helpers.pretraining --corpus … --out …`: del texto a un GPT-1 entrenado, reanudable."""

import argparse
import hashlib
import json
import sys
from datetime import timedelta
from pathlib import Path

from accelerate import PartialState

from helpers.files import write_json
from helpers.pretraining.bpe import count_words, train_bpe
from helpers.pretraining.card import write_card
from helpers.pretraining.corpus import TokenFile, read_token_file, tokenize_documents
from helpers.pretraining.recipe import PRESETS
from helpers.pretraining.run import pretrain
from helpers.pretraining.texts import CorpusError, find_files, read_documents, read_titles, split_held_out
from helpers.spanish import number
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import (
    TrainingError,
    add_recipe_options,
    clear_disk_errors,
    processes,
    recipe_from,
    warn_if_alone,
)
from helpers.zeroshot import probes

PARTS = ("train", "held_out")
LONG_WAIT = timedelta(hours=24)  # lo que esperan los demás procesos mientras uno prepara los tokens


def parse(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helpers.pretraining", description=__doc__)
    parser.add_argument(
        "--corpus", nargs="+", required=True, help="archivos o carpetas con .txt o .jsonl (también .xz o .gz)"
    )
    parser.add_argument("--out", required=True, type=Path, help="carpeta donde se deja todo")
    parser.add_argument(
        "--vocab-size", type=int, default=8192, help="entradas del vocabulario que se aprende"
    )
    parser.add_argument(
        "--tokenizer", type=Path, help="carpeta con un vocabulario ya hecho (no se aprende otro)"
    )
    parser.add_argument(
        "--tokens", type=Path, help="carpeta de los tokens, para compartirlos entre entrenamientos"
    )
    parser.add_argument("--init", type=Path, help="carpeta con pesos de partida")
    parser.add_argument(
        "--held-out", help="TSV con los títulos de prueba, o un número n: uno de cada n textos"
    )
    parser.add_argument("--processes", type=int, help="procesos para tokenizar")
    parser.add_argument(
        "--probes",
        type=int,
        default=100,
        help="ejemplos por tarea de disparo cero en cada medida (0: ninguno)",
    )
    add_recipe_options(parser, PRESETS, default="paper")
    return parser.parse_args(arguments)


def main(arguments=None) -> int:
    options = parse(arguments)
    warn_if_alone("helpers.pretraining")
    recipe = recipe_from(options, PRESETS[options.preset])
    try:
        # con `accelerate launch`, un proceso prepara los tokens y los demás los encuentran hechos
        with processes(timeout=LONG_WAIT).local_main_process_first(), clear_disk_errors(options.out):
            folder, files = prepare(options)
        tokenizer = GPT1Tokenizer.from_pretrained(folder, model_max_length=recipe.n_positions)
        pretrain(
            recipe, *files, tokenizer, options.out, options.init,
            probes=[probes(tokenizer, options.probes)] if options.probes else (),
        )  # fmt: skip
        if PartialState().is_main_process:
            print(f"Ficha del modelo en {write_card(options.out, files[1])}.")
    except (CorpusError, TrainingError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def prepare(options) -> tuple[Path, list[TokenFile]]:
    """(carpeta del tokenizador, [tokens de entrenamiento, tokens de prueba]); lo que ya está hecho no se repite."""
    tokens = options.tokens or options.out
    folder = options.tokenizer or tokens / "tokenizer"
    sources = tokens / "sources.json"
    now = _fingerprint(options)
    if sources.exists() and json.loads(sources.read_text()) != now:
        raise CorpusError(
            f"En {tokens} hay tokens de otro corpus, otros textos de prueba u otro vocabulario: elige otra carpeta o "
            "borra esa."
        )
    done = [read_token_file(tokens / f"{name}.bin") for name in PARTS]
    if all(done):
        return folder, done
    held_out = options.held_out or "20"
    every, titles = (int(held_out), None) if held_out.isdigit() else (0, read_titles(held_out))
    train, test = split_held_out(read_documents(options.corpus), titles, every)
    write_json(sources, now)
    if not (folder / "merges.txt").exists():
        print(f"Aprendo un vocabulario de {options.vocab_size} entradas con {len(train)} textos.")
        train_bpe(count_words(document.text for document in train), options.vocab_size, folder)
    files = [
        tokenize_documents(documents, folder, tokens / f"{name}.bin", options.processes)
        for name, documents in zip(PARTS, (train, test), strict=True)
    ]
    print(f"{number(files[0].tokens)} tokens para entrenar y {number(files[1].tokens)} de prueba.")
    return folder, files


def _fingerprint(options) -> dict:
    """De qué salen los tokens: archivos y tamaños, textos de prueba y vocabulario. Otro corpus da otra huella."""
    merges = options.tokenizer and options.tokenizer / "merges.txt"
    return {
        "corpus": [[path.name, path.stat().st_size] for path in find_files(options.corpus)],
        "held_out": options.held_out or "20",
        "vocabulary": hashlib.sha256(merges.read_bytes()).hexdigest() if merges else options.vocab_size,
    }


if __name__ == "__main__":
    raise SystemExit(main())
