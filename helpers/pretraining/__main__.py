"""`python -m helpers.pretraining --corpus … --out …`: del texto a un GPT-1 entrenado, reanudable."""

import argparse
from datetime import timedelta
from pathlib import Path

from accelerate import PartialState

from helpers.files import expanded, read_json, write_json
from helpers.models import ModelError
from helpers.pretraining.bpe import count_words, train_bpe
from helpers.pretraining.card import write_card
from helpers.pretraining.corpus import TokenFile, read_token_file, tokenize_documents
from helpers.pretraining.recipe import PRESETS, check_init
from helpers.pretraining.run import WEIGHTS, pretrain
from helpers.pretraining.texts import CorpusError, find_files, read_documents, read_titles, split_held_out
from helpers.rules import COUNT, Rule
from helpers.spanish import number
from helpers.terminal import Parser, command
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import (
    TrainingError,
    add_recipe_options,
    check_value,
    clear_disk_errors,
    fingerprint,
    output_folder,
    processes,
    recipe_from,
    silence,
    warn_if_alone,
)
from helpers.zeroshot import probes

PARTS = ("train", "held_out")
VOCABULARY = ("vocab.json", "merges.txt")
SOURCES = {
    "corpus": "otro corpus",
    "held_out": "otros textos de prueba (--held-out)",
    "vocabulary": "otro vocabulario",
}
LONG_WAIT = timedelta(hours=24)  # lo que esperan los demás procesos mientras uno prepara los tokens


def parse(arguments=None) -> argparse.Namespace:
    parser = Parser(prog="python -m helpers.pretraining", description=__doc__)
    parser.add_argument(
        "--corpus", nargs="+", required=True, help="archivos o carpetas con .txt o .jsonl (también .xz o .gz)"
    )
    parser.add_argument("--out", required=True, type="folder", help="carpeta donde se deja todo")
    vocabulary = parser.add_mutually_exclusive_group()
    vocabulary.add_argument(
        "--vocab-size", type=int, default=8192, help="entradas del vocabulario que se aprende"
    )
    vocabulary.add_argument(
        "--tokenizer", type=expanded, help="carpeta con un vocabulario ya hecho (no se aprende otro)"
    )
    parser.add_argument(
        "--tokens", type="folder", help="carpeta de los tokens, para compartirlos entre entrenamientos"
    )
    parser.add_argument("--init", type=expanded, help="carpeta con pesos de partida")
    parser.add_argument(
        "--held-out",
        default="20",
        help="TSV con los títulos de prueba, o un número n: uno de cada n textos (si no, de cada 20)",
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


@command(CorpusError, ModelError, TrainingError)
def main(arguments=None) -> int:
    options = parse(arguments)
    warn_if_alone("helpers.pretraining")
    recipe = recipe_from(options, PRESETS[options.preset])
    check_value("probes", options.probes, Rule(int, 0))
    # tokenizers reserva la memoria de golpe y, si no la hay, acaba con el proceso: ni Python se entera
    check_value("vocab_size", options.vocab_size, COUNT._replace(high=1_000_000))
    check_value("processes", options.processes, COUNT._replace(also=(None,)))
    check_init(options.init)  # antes de los tokens, que en un corpus grande tardan horas
    out = output_folder(options.out)
    # con `accelerate launch`, un proceso prepara los tokens y los demás los encuentran hechos
    with processes(timeout=LONG_WAIT).local_main_process_first(), clear_disk_errors(out):
        folder, files = prepare(options)
    tokenizer = read_vocabulary(folder, model_max_length=recipe.n_positions)
    pretrain(
        recipe, *files, tokenizer, out, options.init,
        probes=[probes(tokenizer, options.probes)] if options.probes else (),
    )  # fmt: skip
    card = out / "README.md"  # si el modelo no ha cambiado, la ficha tampoco: puede llevar notas
    if PartialState().is_main_process and not is_newer(card, out / WEIGHTS):
        with silence():
            print(f"Ficha del modelo en {write_card(out, files[1])}.")
    return 0


def is_newer(path: Path, other: Path) -> bool:
    """¿Existe `path` y se escribió después que `other`?"""
    return path.exists() and path.stat().st_mtime >= other.stat().st_mtime


def prepare(options) -> tuple[Path, list[TokenFile]]:
    """(carpeta del tokenizador, [tokens de entrenamiento, tokens de prueba]); lo que ya está hecho no se repite.

    Lanza `CorpusError` si los textos o el vocabulario no valen, o si los tokens que hay son de otros.
    """
    tokens = Path(options.tokens or options.out)
    folder = options.tokenizer or tokens / "tokenizer"
    sources, now = tokens / "sources.json", _sources(options)
    before = read_json(sources, CorpusError) if sources.exists() else now
    if before != now:
        known = before if isinstance(before, dict) else {}
        others = [told for name, told in SOURCES.items() if known.get(name) != now[name]]
        raise CorpusError(f"En {tokens} hay tokens de {' y '.join(others)}: elige otra carpeta o borra esa.")
    done = [read_token_file(tokens / f"{name}.bin") for name in PARTS]
    if all(done):
        vocabulary = _vocabulary(folder)
        if any(file.vocabulary not in ("", vocabulary) for file in done):
            raise CorpusError(
                f"El vocabulario de {folder} no es aquel con que se hicieron los tokens de {tokens}: recupéralo, o "
                "elige otra carpeta para los tokens."
            )
        return folder, done
    by_number = options.held_out.isdecimal()
    every, titles = (int(options.held_out), None) if by_number else (0, read_titles(options.held_out))
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


def read_vocabulary(folder, **settings) -> GPT1Tokenizer:
    """El tokenizador de `folder`. Lanza `CorpusError` si falta alguno de sus archivos o no se entienden."""
    missing = [name for name in VOCABULARY if not (folder / name).is_file()]
    if missing:
        raise CorpusError(
            f"En {folder} falta {' y '.join(missing)}: --tokenizer espera una carpeta con los dos."
        )
    try:
        return GPT1Tokenizer.from_pretrained(folder, **settings)
    except (ValueError, OSError) as error:
        raise CorpusError(f"El vocabulario de {folder} no se entiende ({error}).") from error


def _sources(options) -> dict:
    """De qué salen los tokens, por su contenido: textos, textos de prueba y vocabulario. Otro corpus da otra huella."""
    titles = None if options.held_out.isdecimal() else "\n".join(read_titles(options.held_out))
    files = find_files(options.corpus)
    return {
        "corpus": fingerprint([path.name for path in files], *files),
        "held_out": titles or options.held_out,
        "vocabulary": _vocabulary(options.tokenizer) if options.tokenizer else options.vocab_size,
    }


def _vocabulary(folder: Path) -> str:
    read_vocabulary(folder)
    return fingerprint(*(folder / name for name in VOCABULARY))


if __name__ == "__main__":
    raise SystemExit(main())
