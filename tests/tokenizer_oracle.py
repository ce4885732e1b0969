"""Oráculo del tokenizador: el algoritmo de GPT-1 escrito despacio y sin atajos, para comparar con `helpers`.

Independiente a propósito: no importa nada de `helpers` ni usa la biblioteca `tokenizers`. El orden de los pasos
es el de text_utils.py (openai/finetune-transformer-lm).
"""

import json
from pathlib import Path

import ftfy
from spacy.lang.en import English

PADDED = '-~!";?+,)(/*[]}{|_'


class Oracle:
    def __init__(self, folder):
        folder = Path(folder)
        self.ids = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
        self.rank = {tuple(line.split()): position for position, line in enumerate(lines) if line}
        self.nlp = English()
        self.nlp.max_length = 10**9
        self.seen = {}

    def encode(self, text: str) -> list[int]:
        doc = self.nlp.make_doc(standardize(ftfy.fix_text(text)))
        return [self.ids.get(piece, 0) for word in doc for piece in self.pieces(word.text.lower())]

    def pieces(self, word: str) -> list[str]:
        if word not in self.seen:
            self.seen[word] = self.merge(word)
        return self.seen[word]

    def merge(self, word: str) -> list[str]:
        if word.strip() == "":
            return ["\n</w>"]
        symbols = [*word[:-1], word[-1] + "</w>"]
        while len(symbols) > 1:
            pairs = list(zip(symbols, symbols[1:], strict=False))
            best = min(pairs, key=lambda pair: self.rank.get(pair, float("inf")))
            if best not in self.rank:
                break
            merged, position = [], 0
            while position < len(symbols):
                if tuple(symbols[position : position + 2]) == best:
                    merged.append(best[0] + best[1])
                    position += 2
                else:
                    merged.append(symbols[position])
                    position += 1
            symbols = merged
        return symbols


def standardize(text: str) -> str:
    for found, wanted in {"—": "-", "–": "-", "―": "-", "…": "...", "´": "'"}.items():
        text = text.replace(found, wanted)
    text = _pad(text)
    lines = [" ".join(line.split()) for line in _split_newlines(text)]
    return " \n ".join(_drop_blank_lines(lines)).strip()


def _pad(text: str) -> str:
    """Cada racha de un mismo signo de PADDED queda entre dos espacios."""
    out, position = [], 0
    while position < len(text):
        end = position + 1
        if text[position] in PADDED:
            while end < len(text) and text[end] == text[position]:
                end += 1
            out.append(" " + text[position:end] + " ")
        else:
            out.append(text[position])
        position = end
    return "".join(out)


def _split_newlines(text: str) -> list[str]:
    return text.split("\n")


def _drop_blank_lines(lines: list[str]) -> list[str]:
    """Varios saltos seguidos cuentan como uno; los de los extremos los quita el `strip` final."""
    return [line for position, line in enumerate(lines) if line or position in (0, len(lines) - 1)]
