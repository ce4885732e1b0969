"""El explorador de la lección 03: el BPE en JavaScript, palabra a palabra, da lo mismo que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import re
import unicodedata

import pytest
from transformers import OpenAIGPTTokenizer

from helpers import models
from helpers.environment import ROOT
from helpers.lesson03 import exercises, explorer
from helpers.tokenizer import GPT1Tokenizer, clean, standardize

LINES = [
    "El año que viene, el ano que viene",
    "ESTÁ aquí: ¿sé o se? ¡Pingüino!",
    "The grandmother's flurbish wobbleton grintled.",
    "ssssh aaaa nn u\u0308 o\u0301",
    "😀 ½ ﬁ ß Ελλάς İstanbul snake_case 1,234.56",
    '</script><b>x & "y"</w> <unk>',
    " ",
]


@pytest.fixture(scope="module")
def ranks():
    lines = (models.MINI / "merges.txt").read_text(encoding="utf-8").split("\n")[1:]
    return {tuple(line.split()): rank for rank, line in enumerate(lines) if line}


@pytest.fixture(scope="module")
def tokenizer():
    return GPT1Tokenizer.from_pretrained(models.MINI)


@pytest.fixture(scope="module")
def page(ranks, tokenizer):
    return explorer.explorer("El <i>año", ranks, tokenizer.get_vocab(), ident="prueba").data


def stories():
    return [path.read_text(encoding="utf-8") for path in sorted((ROOT / "data/stories").glob("*.txt"))]


def plain_words():
    """Palabras de los cuentos y españolas, de letras solas: en ellas spaCy y los espacios cortan igual."""
    spanish = "año ano señor senor café niño pingüino comió está esta lloviznaba murciélago ñandú"
    return (
        sorted({word for story in stories()[::4] for word in re.findall(r"[a-z]+", story.lower())})
        + spanish.split()
    )


def named(pieces, vocab):
    return [piece if piece in vocab else "<unk>" for piece in pieces]


def test_the_lesson_reads_like_the_tokenizer_of_the_course(ranks, tokenizer):
    """El «52 de 52» de la lección, y unas líneas difíciles."""
    vocab = tokenizer.get_vocab()
    for text in [*stories(), *LINES]:
        assert exercises.encode(text, ranks, vocab) == tokenizer.text_to_ids(text)


def test_rows_are_the_two_tokenizers(ranks, tokenizer):
    modern, vocab = OpenAIGPTTokenizer.from_pretrained(models.MINI), tokenizer.get_vocab()
    for word in plain_words():
        assert named(explorer.tokens(word, ranks), vocab) == named(exercises.bpe(word, ranks), vocab)
        assert named(explorer.tokens(word, ranks, bare=True), vocab) == modern.tokenize(word)


def test_static_part_has_the_tokens_of_python_and_is_escaped(page):
    assert "Con acentos: 7 tokens · se lee «el &lt; i &gt; año»" in page
    assert "Sin acentos: 5 tokens · se lee «el &lt; i &gt; ano»" in page and "<i>" not in page
    assert len(page.encode()) < 200_000 and not re.search(r"%[A-Z]+%", page)


def test_stages_end_where_the_tokenizer_does(tokenizer):
    text = "“I can’t—the cafÃ©…”\n\n\nMr.  SMITH."
    found = [pieces for _, pieces in exercises.stages(text, tokenizer)]
    repaired = clean(text)
    assert found == [
        [text],
        [repaired],
        [standardize(repaired)],
        tokenizer.words(text),
        tokenizer.tokenize(text),
    ]


# --- En un navegador ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def opened(browser, page):
    """La página abierta, sin ningún error de JavaScript ni petición a la red."""
    tab, problems = browser.new_page(), []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: problems.append(request.url))
    tab.set_content(page)
    yield tab
    tab.close()
    assert problems == []


def shown(tab):
    """Las piezas de cada fila, como se ven."""
    return tab.evaluate(
        "[...document.querySelectorAll('#prueba .piezas')].map("
        " (row) => [...row.children].map((box) => box.textContent))"
    )


def write(tab, line):
    tab.get_by_role("textbox", name="escribe aquí").fill(line)


def expected(line, ranks, vocab, limit=None):
    return [named(explorer.tokens(line, ranks, bare, limit), vocab) for bare in (False, True)]


def test_browser_agrees_with_python_in_many_words(opened, ranks, tokenizer):
    vocab, words = tokenizer.get_vocab(), plain_words()
    assert len(words) > 1000
    lines = [" ".join(words[place : place + 6])[: explorer.LONGEST] for place in range(0, len(words), 6)]
    for line in [*LINES, *lines]:
        write(opened, line)
        assert shown(opened) == expected(line, ranks, vocab), line


def test_every_merge_can_be_undone(opened, ranks, tokenizer):
    line, vocab = "La grandmother del año", tokenizer.get_vocab()
    write(opened, line)
    slider, order = opened.get_by_role("slider", name="fusiones hechas"), list(ranks)
    done = int(slider.get_attribute("max"))
    assert slider.input_value() == str(done) and done > 10
    for left in range(done, 0, -1):
        said = opened.locator("#prueba .estado").inner_text()
        number = int(re.search(r"n\.º (\d+)", said)[1])
        assert said.startswith(f"Fusión {left} de {done}: {' + '.join(order[number - 1])} → ")
        assert shown(opened) == expected(line, ranks, vocab, number)
        assert opened.locator("#prueba .nueva").first.inner_text() == "".join(order[number - 1])
        slider.press("ArrowLeft")
    assert shown(opened) == expected(line, ranks, vocab, 0)
    assert "Letras sueltas" in opened.locator("#prueba .estado").inner_text()


def test_accents_are_lost_only_below(opened):
    write(opened, "the")
    assert opened.locator("#prueba .lectura").first.inner_text() == "Con acentos: 1 token · se lee «the»"
    write(opened, unicodedata.normalize("NFD", "El año que viene"))
    above, below = opened.locator("#prueba .lectura").all_inner_texts()
    assert above.endswith("se lee «el año que viene»") and below.endswith("se lee «el ano que viene»")
