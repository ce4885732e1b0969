"""Recalcula la parte `tokens` de data/golden.json: los tokens de GPT-1 que enseña la lección 03 sin su vocabulario.

Necesita `vocab.json` y `merges.txt` de openai-community/openai-gpt en la carpeta que diga OPENAI_GPT_TOKENIZER:
`OPENAI_GPT_TOKENIZER=carpeta .venv/bin/python -m tools.make_golden_tokens`. `tests/test_golden.py` repite el cálculo.
"""

import importlib.metadata
import json
import os
import re
import unicodedata
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from transformers import OpenAIGPTTokenizer  # noqa: E402

from helpers.tokenizer import END_OF_WORD, NEWLINE, GPT1Tokenizer  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "data" / "golden.json"
VARIABLE = "OPENAI_GPT_TOKENIZER"
PACKAGES = ("transformers", "tokenizers", "spacy", "ftfy")
STORIES = [f"a{number:02}.txt" for number in range(1, 27)]
SENTENCES = [
    ("saludo", "Hello, my dog is cute"),
    ("contracciones", "I don't know what you're doing, and she won't say."),
    ("contracciones", "They'd have told us if they couldn't come, I'm sure."),
    ("contracciones", "You cannot go; I'm gonna stay."),
    ("contracciones", "It's six o'clock, isn't it, ma'am?"),
    ("comillas tipográficas", "“I can’t,” she said. “I won’t.”"),
    ("comillas tipográficas", "‘No,’ he’d said."),
    ("rayas", "Well—no one answered."),
    ("rayas", "The years 1914–1918 were hard - very hard."),
    ("puntos suspensivos", "And then… nothing."),
    ("puntos suspensivos", "And then... nothing."),
    ("saltos de línea", "The door opened.\nNo one came in."),
    ("saltos de línea", '"Who is there?"\n\n\n"Only me."'),
    ("números", "It cost 3.14 dollars at 5 p.m. on July 4, 1776."),
    ("números", "1,234.56 + 7/8 = 50% of $9.99"),
    ("abreviaturas", "Mr. Smith, Mrs. Jones and Dr. Brown live in the U.S. near St. Paul."),
    ("direcciones", "See https://example.org/a_b?q=1 or write to ana@example.org."),
    ("emoji", "What a day 😀 :-)"),
    ("codificación rota", "The cafÃ© was closed, donâ€™t go."),
    ("entidades HTML", "Fish &amp; chips"),
    ("tokens que no existen", "<|endoftext|>"),
    ("mayúsculas", "THE END"),
    ("palabras largas", "antidisestablishmentarianism"),
    ("palabras inventadas", "The flurbish wobbleton grintled."),
    ("blancos", "two  spaces\tand a tab"),
    ("barra invertida", "a\\b a+b"),
    ("español", "año"),
    ("español", "ano"),
    ("español", "café"),
    ("español", "cafe"),
    ("español", "señor"),
    ("español", "¿Qué año es este? ¡El del pingüino!"),
    ("español", "El niño comió café con la señora Muñoz."),
]
PAIRS = [
    ("The old man looked at the sea.", "El viejo miró el mar."),
    ("She opened the door and smiled.", "Ella abrió la puerta y sonrió."),
    ("I don't know where my brother is.", "No sé dónde está mi hermano."),
    ("The children were playing in the garden.", "Los niños jugaban en el jardín."),
    ("It was raining, and nobody wanted to leave the house.", "Llovía y nadie quería salir de casa."),
    ("Tomorrow we will travel to the mountains by train.", "Mañana viajaremos en tren a las montañas."),
    ("My mother bought bread, coffee and oranges.", "Mi madre compró pan, café y naranjas."),
    ("He told me the truth, but I did not believe him.", "Me dijo la verdad, pero no le creí."),
    ("The king had three daughters and a black horse.", "El rey tenía tres hijas y un caballo negro."),
    ("Why are you crying?", "¿Por qué lloras?"),
]
# Por qué transformers no puede producir una entrada; el orden es el de la lección.
REASONS = ("inner_punctuation", "accent", "newline", "removed_character", "bare_punctuation")
# Contextos en los que se busca cada una de esas entradas con el tokenizador de GPT-1 ({} es la entrada).
ENDINGS = [*"abcdefghijklmnopqrstuvwxyz1234567890éñóú.'-="]
CONTEXTS = [
    "{}",
    "a{}",
    "do{}",
    "I{}",
    "Smith{}",
    *("{}" + letter for letter in ENDINGS),
    "a{}b",
    "1{}1",
    "a\n{}b",
]


def read_vocabulary(folder):
    """(vocabulario, fusiones en orden) de una carpeta con los dos archivos de GPT-1."""
    vocab = json.loads((Path(folder) / "vocab.json").read_text(encoding="utf-8"))
    lines = (Path(folder) / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
    return vocab, [tuple(line.split()) for line in lines if line]


def tokenizers(folder):
    """(el de GPT-1, el que trae hoy transformers), los dos con el mismo vocabulario."""
    vocab, merges = read_vocabulary(folder)
    return GPT1Tokenizer.from_pretrained(folder), OpenAIGPTTokenizer(vocab=vocab, merges=merges)


def compute(folder):
    """La parte `tokens` entera, como se guarda."""
    vocab, merges = read_vocabulary(folder)
    gpt1, hf = tokenizers(folder)
    lost = unreachable(vocab, hf)
    return {
        "source": (
            "Calculado en este proyecto con el vocabulario publicado de GPT-1 (vocab.json y merges.txt de "
            "openai-community/openai-gpt): `tokens` e `ids` con helpers.tokenizer, que sigue text_utils.py de "
            "openai/finetune-transformer-lm; `hf_tokens` y `hf_ids` con transformers.OpenAIGPTTokenizer."
        ),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "vocabulary": vocabulary_facts(vocab, merges),
        "unreachable": {reason: describe(entries, gpt1) for reason, entries in lost.items()},
        "stories": stories(vocab[NEWLINE], lost, gpt1, hf),
        "sentences": [{"kind": kind, **both(text, gpt1, hf)} for kind, text in SENTENCES],
        "pairs": [{"en": both(en, gpt1, hf), "es": both(es, gpt1, hf)} for en, es in PAIRS],
    }


def both(text, gpt1, hf):
    ids, hf_ids = gpt1.text_to_ids(text), hf(text)["input_ids"]
    return {
        "text": text,
        "tokens": gpt1.convert_ids_to_tokens(ids),
        "ids": ids,
        "hf_tokens": hf.convert_ids_to_tokens(hf_ids),
        "hf_ids": hf_ids,
    }


def vocabulary_facts(vocab, merges):
    """De qué está hecho el vocabulario; las fusiones ocupan ids seguidos, en su orden."""
    base = {token for token in vocab if len(core(token)) == 1}
    first = vocab["".join(merges[0])]
    return {
        "entries": len(vocab),
        "merges": len(merges),
        "base": {
            "inside": sum(not token.endswith(END_OF_WORD) for token in base),
            "final": sum(token.endswith(END_OF_WORD) for token in base),
        },
        "unknown": vocab["<unk>"],
        "newline": vocab[NEWLINE],
        "first_merge_id": first,
        "merges_in_id_order": all(vocab["".join(pair)] == first + rank for rank, pair in enumerate(merges)),
        "first_merges": [list(pair) for pair in merges[:10]],
        "spanish": sum(any(letter in token for letter in "áéíóúüñ") for token in vocab),
    }


def core(token):
    """El texto de una entrada, sin la marca de fin de palabra."""
    return token.removesuffix(END_OF_WORD)


def why_unreachable(token, normalizer, splitter):
    """Por qué `OpenAIGPTTokenizer` no puede dar nunca una entrada, o `None` si nada se lo impide.

    Antes del BPE normaliza (quita acentos y caracteres de control) y separa cada signo en su propia palabra.
    """
    text = core(token)
    if token == "<unk>":
        return None
    if text == "\n":
        return "newline"
    pieces = splitter.pre_tokenize_str(text)
    if len(text) > 1 and len(pieces) > 1:
        return "inner_punctuation"
    decomposed = unicodedata.normalize("NFD", text)
    if any(unicodedata.combining(letter) for letter in decomposed):
        return "accent"
    if normalizer.normalize_str(text) != text:
        return "removed_character"
    alone = len(splitter.pre_tokenize_str(text + "a")) > 1
    return "bare_punctuation" if alone and not token.endswith(END_OF_WORD) else None


def unreachable(vocab, hf):
    """Las entradas que `OpenAIGPTTokenizer` no puede producir: causa → [(token, id)], por orden de id."""
    backend = hf.backend_tokenizer
    groups = {reason: [] for reason in REASONS}
    for token, index in sorted(vocab.items(), key=lambda item: item[1]):
        if reason := why_unreachable(token, backend.normalizer, backend.pre_tokenizer):
            groups[reason].append((token, index))
    return groups


def describe(entries, gpt1):
    """Cuántas son, a cuántas llega el tokenizador de GPT-1 (al menos) y las primeras que se pueden leer."""
    return {
        "count": len(entries),
        "reached_by_gpt1": sum(is_reached(token, index, gpt1) for token, index in entries),
        "examples": [token for token, _ in entries if core(token).isprintable() and "\ufffd" not in token][
            :12
        ],
    }


def is_reached(token, index, gpt1):
    return any(index in gpt1.text_to_ids(context.format(core(token))) for context in CONTEXTS)


def stories(newline, lost, gpt1, hf):
    """La diferencia medida sobre cuentos del curso: tokens, saltos de línea y líneas que cambian."""
    lost = {index for entries in lost.values() for _, index in entries}
    texts = [(ROOT / "data" / "stories" / name).read_text(encoding="utf-8") for name in STORIES]
    ids = [index for text in texts for index in gpt1.text_to_ids(text)]
    hf_ids = [index for text in texts for index in hf(text)["input_ids"]]
    assert not lost & set(hf_ids), "una entrada contada como inalcanzable ha salido"
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    return {
        "files": f"data/stories, de {STORIES[0]} a {STORIES[-1]}",
        "characters": sum(map(len, texts)),
        "tokens": len(ids),
        "hf_tokens": len(hf_ids),
        "newlines": ids.count(newline),
        "from_unreachable": sum(index in lost for index in ids),
        "lines": len(lines),
        "lines_that_differ": sum(gpt1.text_to_ids(line) != hf(line)["input_ids"] for line in lines),
    }


def dumps(golden):
    """JSON legible: una línea por campo, con las listas de números o de tokens en una sola línea."""
    text = json.dumps(golden, ensure_ascii=False, indent=1)
    one_line = re.compile(r'\[\s*((?:"(?:[^"\\]|\\.)*"|[-\d.]+)(?:,\s*(?:"(?:[^"\\]|\\.)*"|[-\d.]+))*)\s*\]')
    return one_line.sub(lambda match: "[" + re.sub(r",\n\s*", ", ", match[1]) + "]", text) + "\n"


def main():
    folder = os.environ.get(VARIABLE)
    if not folder or not (Path(folder) / "vocab.json").is_file():
        raise SystemExit(
            f"Pon en {VARIABLE} la carpeta con vocab.json y merges.txt de openai-community/openai-gpt."
        )
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    golden["tokens"] = compute(folder)
    GOLDEN.write_text(dumps(golden), encoding="utf-8")
    print(f"✓ {GOLDEN.name}: {len(SENTENCES)} frases y {len(PAIRS)} parejas.")


if __name__ == "__main__":
    main()
