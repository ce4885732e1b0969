"""El explorador de la lección 01: lo que enseña, en un navegador de verdad, es lo que calcula Python."""

import math
import re

import pytest
import torch
from conftest import set_control

from helpers import models
from helpers.lesson01 import explorer

TEXTS = ["he took the key and opened the door .", "on one side the river and on the other"]
STATES = [(0, 8, 8), (0, 7, 2), (0, 1, 8), (1, 8, 8), (1, 8, 7), (1, 5, 1)]  # frase, tokens leídos, ventana


@pytest.fixture(scope="module")
def loaded():
    return models.load("gpt1-mini", device="cpu", verbose=False)


@pytest.fixture(scope="module")
def page(loaded):
    return explorer.explorer(*loaded, TEXTS, ident="prueba").data


def expected(loaded, sentence, t, k):
    """(token, P, log P, L1 hasta aquí, las cinco mayores): cada ventana, directamente con el modelo."""
    model, tokenizer = loaded
    ids = tokenizer(TEXTS[sentence])["input_ids"]

    def probs(place):
        seen = torch.tensor([ids[max(0, place - k) : place]])
        with torch.inference_mode():
            return model(seen).logits[0, -1].softmax(-1)

    logs = [probs(place)[ids[place]].log().item() for place in range(1, t + 1)]
    return (
        tokenizer.decode([ids[t]]),
        math.exp(logs[-1]),
        logs[-1],
        sum(logs),
        probs(t).topk(5).values.tolist(),
    )


def numbers(text):
    return [float(one.replace(",", ".").replace("−", "-")) for one in re.findall(r"−?\d+(?:,\d+)?", text)]


def agrees(loaded, state, told, shown):
    token, p, log, total, top = expected(loaded, *state)
    assert f"«{token}»" in told
    # [P, log P, el 1 de «L1», cuántos, L1]
    found = numbers(told)
    assert found[2:4] == [1, state[1]]
    assert [found[0], found[1], found[4]] == pytest.approx([100 * p, log, total], abs=0.0501)
    assert [numbers(one)[0] for one in shown] == pytest.approx([100 * q for q in top], abs=0.0501)


@pytest.mark.parametrize(("sentence", "t", "k"), STATES)
def test_browser_agrees_with_python(browser, page, loaded, sentence, t, k):
    tab = browser.new_page()
    tab.set_content(page)
    for key, setting in (("s", sentence), ("t", t), ("k", k)):
        set_control(tab, f"prueba-{key}", str(setting))
    told, shown = tab.locator(".estado").inner_text(), tab.locator("tbody .p").all_inner_texts()
    seen = tab.locator(".frase").inner_text()
    tab.close()
    agrees(loaded, (sentence, t, k), told, shown)
    words = TEXTS[sentence].split()
    assert f"Ve: {'… ' if k < t else ''}{' '.join(words[max(0, t - k) : t])} · adivina: {words[t]}" == seen


def test_without_javascript_the_start_stays(page, loaded):
    told = re.search(r'class="estado"[^>]*>([^<]*)<', page)[1]
    agrees(loaded, (0, 7, 8), told, re.findall(r'class="p">([^<]*)<', page))


def test_sentences_of_different_lengths_are_refused(loaded):
    with pytest.raises(ValueError, match=r"\[9, 3\]"):
        explorer.explorer(*loaded, [TEXTS[0], "he ran away"])
