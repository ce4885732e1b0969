"""`python -m helpers.pretraining --corpus … --out …`: del texto a un GPT-1 entrenado, reanudable."""

import argparse
import sys
from dataclasses import fields, replace
from pathlib import Path

from helpers.pretraining.bpe import count_words, train_bpe
from helpers.pretraining.corpus import tokenize_documents
from helpers.pretraining.recipe import PRESETS, Recipe, pretrain
from helpers.pretraining.texts import CorpusError, read_documents, read_titles, split_held_out
from helpers.tokenizer import GPT1Tokenizer


def parse(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helpers.pretraining", description=__doc__)
    parser.add_argument(
        "--corpus", nargs="+", required=True, help="ficheros o carpetas con .txt o .jsonl (también .xz)"
    )
    parser.add_argument("--out", required=True, type=Path, help="carpeta donde se deja todo")
    parser.add_argument("--preset", choices=PRESETS, default="paper", help="receta de partida")
    parser.add_argument(
        "--vocab-size", type=int, default=8192, help="entradas del vocabulario que se aprende"
    )
    parser.add_argument(
        "--tokenizer", type=Path, help="carpeta con un vocabulario ya hecho (no se aprende otro)"
    )
    parser.add_argument("--init", type=Path, help="carpeta con pesos de partida")
    parser.add_argument(
        "--held-out", help="TSV con los títulos de prueba, o un número n: uno de cada n textos"
    )
    parser.add_argument(
        "--max-steps", type=int, default=-1, help="actualizaciones; por defecto, las épocas de la receta"
    )
    parser.add_argument("--processes", type=int, help="procesos para tokenizar")
    for field in fields(Recipe):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=field.type, default=None)
    return parser.parse_args(arguments)


def main(arguments=None) -> int:
    options = parse(arguments)
    changed = {field.name: getattr(options, field.name) for field in fields(Recipe)}
    recipe = replace(
        PRESETS[options.preset], **{name: value for name, value in changed.items() if value is not None}
    )
    try:
        held_out = options.held_out or "20"
        every, titles = (int(held_out), None) if held_out.isdigit() else (0, read_titles(held_out))
        train, test = split_held_out(read_documents(options.corpus), titles, every)
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 1
    folder = options.tokenizer or options.out / "tokenizer"
    if not (folder / "merges.txt").exists():
        print(f"Aprendo un vocabulario de {options.vocab_size} entradas con {len(train)} textos.")
        train_bpe(count_words(document.text for document in train), options.vocab_size, folder)
    tokenizer = GPT1Tokenizer.from_pretrained(folder, model_max_length=recipe.n_positions)
    files = [
        tokenize_documents(documents, folder, options.out / f"{name}.bin", options.processes)
        for name, documents in (("train", train), ("held_out", test))
    ]
    print(f"{files[0].tokens:,} tokens para entrenar y {files[1].tokens:,} de prueba.".replace(",", "\u202f"))
    pretrain(recipe, *files, tokenizer, options.out, options.init, max_steps=options.max_steps)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
