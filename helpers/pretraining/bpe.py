"""Aprender un vocabulario BPE con el formato de GPT-1: `vocab.json` y `merges.txt`."""

import json
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import WhitespaceSplit
from tokenizers.trainers import BpeTrainer

from helpers.pretraining.texts import CorpusError
from helpers.tokenizer import END_OF_WORD, NEWLINE, clean, standardize
from helpers.words import Splitter

UNKNOWN = "<unk>"


def count_words(texts) -> Counter:
    """Cuántas veces sale cada palabra (las de spaCy, en minúsculas) en `texts`; los saltos de línea no cuentan."""
    chunks = Counter()
    for text in texts:
        chunks.update(standardize(clean(text)).split(" "))
    for blank in ("", "\n"):
        chunks.pop(blank, None)
    words, splitter = Counter(), Splitter()
    for chunk, times in chunks.items():
        for word in splitter(chunk):
            words[word.lower()] += times
    return words


def _alphabet(words: Counter, size: int) -> list[str]:
    """Los `size` caracteres más frecuentes; si dos empatan, el que va antes en Unicode."""
    times = Counter()
    for word, count in words.items():
        for character in word:
            times[character] += count
    return sorted(sorted(times, key=lambda character: (-times[character], character))[:size])


def train_bpe(words: Counter, vocab_size: int, folder, min_frequency: int = 3, alphabet: int = 150) -> Path:
    """Aprende `vocab_size` entradas y las escribe en `folder`, como en GPT-1: `<unk>` es la 0 y `\\n</w>` la última.

    `alphabet` limita los caracteres distintos que se conservan; los demás serán `<unk>`. Lanza `CorpusError` si ni los
    caracteres caben.
    """
    characters = _alphabet(words, alphabet)
    endings = sorted({word[-1] for word in words} & set(characters))
    least = len(characters) + len(endings) + 2  # y `<unk>` y el salto de línea
    if not words or vocab_size < least:
        why = (
            f"solo los caracteres de estos textos piden {least}" if words else "los textos no tienen palabras"
        )
        raise CorpusError(f"No se puede aprender un vocabulario de {vocab_size} entradas: {why}.")
    learner = Tokenizer(BPE(unk_token=UNKNOWN, end_of_word_suffix=END_OF_WORD))
    learner.pre_tokenizer = WhitespaceSplit()
    trainer = BpeTrainer(
        vocab_size=vocab_size - 1,  # la última se reserva para el salto de línea
        min_frequency=min_frequency,
        # Los empates entre fusiones los decide el número de cada pieza, y el de las letras finales depende de una
        # tabla sin orden fijo (huggingface/tokenizers#1794): ya numeradas, el mismo texto da el mismo vocabulario.
        special_tokens=[UNKNOWN, *(letter + END_OF_WORD for letter in endings)],
        initial_alphabet=characters,
        limit_alphabet=len(characters),
        end_of_word_suffix=END_OF_WORD,
        show_progress=False,
    )
    learner.train_from_iterator((" ".join([word] * times) for word, times in sorted(words.items())), trainer)
    learnt = json.loads(learner.to_str())["model"]
    vocab = dict(sorted(learnt["vocab"].items(), key=lambda item: item[1]))
    vocab[NEWLINE] = len(vocab)
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in learnt["merges"]]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    # al final: si está, el vocabulario está entero
    partial = folder / "merges.tmp"
    partial.write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    partial.replace(folder / "merges.txt")
    return folder
