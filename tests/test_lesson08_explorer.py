"""El explorador de la lección 08: lo fijo y, en un navegador de verdad, las mismas miradas que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import re

import pytest
import torch
from conftest import set_control

from helpers.figures import readable
from helpers.lesson08 import explorer

TOKENS = [
    ["mary</w>", "</script><b>x", '"</w>', "said</w>", "\n</w>", "mary</w>", "&amp;</w>", "old</w>"],
    ["the</w>", "old</w>", "man</w>"],
]
SETTINGS = [  # frase, bloque, cabeza y token, los tres desde 1
    (0, 2, 1, 8),
    (0, 1, 3, 1),
    (0, 2, 3, 4),
    (1, 1, 2, 3),
    (1, 2, 1, 2),
    (0, 1, 1, 7),
]


def weights(seed, length):
    scores = 3 * torch.randn(2, 3, length, length, generator=torch.Generator().manual_seed(seed))
    hidden = torch.ones(length, length).triu(1).bool()
    found = scores.masked_fill(hidden, float("-inf")).softmax(-1)
    found[0, 0, -1] = 1 / length  # un empate: gana el que va antes
    return found


SENTENCES = [(tokens, weights(seed, len(tokens))) for seed, tokens in enumerate(TOKENS)]


@pytest.fixture(scope="module")
def page():
    return explorer.explorer(SENTENCES, layer=1, head=0, ident="prueba").data


def expected(sentence, layer, head, place):
    tokens, found = SENTENCES[sentence]
    seen = explorer.looked(found[layer - 1, head - 1], place - 1)
    return [(f"{readable(tokens[index])} ({index + 1})", weight) for index, weight in seen]


def shown(tab):
    rows = zip(
        tab.locator("#prueba tbody th").all_inner_texts(),
        tab.locator("#prueba tbody .p").all_inner_texts(),
        strict=True,
    )
    return [(name, float(p.replace(",", "."))) for name, p in rows if name]


def assert_same(found, wanted):
    assert [name for name, _ in found] == [name for name, _ in wanted]
    assert [p for _, p in found] == pytest.approx([p for _, p in wanted], abs=5.1e-4)


def test_looked_is_in_order_and_never_to_the_right():
    found = explorer.looked(torch.tensor([[1.0, 0, 0], [0.4, 0.6, 0], [0.3, 0.3, 0.4]]), 1)
    assert found == [(1, pytest.approx(0.6)), (0, pytest.approx(0.4))]
    tied = explorer.looked(torch.full((7, 7), 1 / 7), 6)
    assert [index for index, _ in tied] == [0, 1, 2, 3, 4]


def test_page_is_self_contained_and_escaped(page):
    assert not re.search(r"https?:|//cdn|\bimport\b|\brequire\b|src=|fetch\(|%[A-Z]+%", page)
    assert page.count("<script>") == page.count("</script>") == 1 and "<b>x" not in page
    assert "aria-live" in page and 'scope="col"' in page and page.count('id="prueba"') == 1


def test_wrong_shapes_and_long_sentences_are_refused():
    with pytest.raises(ValueError, match="deberían medir"):
        explorer.explorer([(["the</w>"], weights(0, 2))])
    with pytest.raises(ValueError, match="41 tokens y caben 40"):
        explorer.explorer([(["the</w>"] * 41, weights(0, 41))])


@pytest.mark.parametrize("setting", SETTINGS)
def test_browser_agrees_with_python(opened, setting):
    for key, value in zip("fbct", setting, strict=True):
        set_control(opened, f"prueba-{key}", value)
    assert_same(shown(opened), expected(*setting))
    sentence, layer, head, place = setting
    told = opened.locator("#prueba .estado").inner_text()
    assert told.startswith(
        f"Bloque {layer}, cabeza {head}: «{readable(TOKENS[sentence][place - 1])}» ({place})"
    )
    assert opened.locator("#prueba .frase span").count() == len(TOKENS[sentence])
    assert opened.locator("#prueba .mira").count() == 1
    assert opened.locator("#prueba .tapado").count() == len(TOKENS[sentence]) - place


def test_another_sentence_moves_the_slider_to_its_end(opened):
    opened.evaluate(
        "() => { const i = document.getElementById('prueba-f'); i.value = 1;"
        " i.dispatchEvent(new Event('input', { bubbles: true })) }"
    )
    slider = opened.get_by_role("slider", name="token que mira")
    assert slider.get_attribute("max") == "3" and slider.get_attribute("aria-valuetext") == "man"
    assert_same(shown(opened), expected(1, 2, 1, 3))


def test_without_javascript_the_start_stays(browser, page):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_content(page)
    assert_same(shown(tab), expected(0, 2, 1, 7))
    assert tab.locator("input").count() == 0 and tab.locator("#prueba .mira").inner_text() == "&amp;"
    context.close()
