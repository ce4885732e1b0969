"""El explorador de la lección 00: lo fijo y lo que mueve el navegador son las probabilidades de Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import html
import re

import pytest
import torch
from conftest import set_control

from helpers import generation, models
from helpers.lesson00 import explorer

PROMPTS = ["uno <i>dos</i> &", "tres"]
TOKENS = [f"palabra{n}</w>" for n in range(300)]
TOKENS[:3] = ["</script><b>x", "\n</w>", "pal"]
ROWS = 8


@pytest.fixture(scope="module")
def logits():
    """Los de arriba, distintos en cada comienzo, y los tres tokens peligrosos entre ellos."""
    values = 2 * torch.randn(2, len(TOKENS), generator=torch.Generator().manual_seed(0))
    values[0, :3] = torch.tensor([9.0, 8.0, 7.0])
    return values


@pytest.fixture(scope="module")
def page(logits):
    return explorer.explorer(logits, TOKENS, PROMPTS, ROWS, ident="prueba").data


def expected(logits, place, temperature):
    """(nombres, probabilidades en %) según Python: las filas y, detrás, las demás juntas."""
    probs = generation.probabilities(logits[place], temperature).sort(descending=True, stable=True)
    names = [explorer.readable(TOKENS[index]) for index in probs.indices[:ROWS].tolist()]
    top = probs.values[:ROWS].tolist()
    return [*names, "(los demás)"], [100 * p for p in (*top, 1 - sum(top))]


def assert_told(shown, values):
    """Lo que se lee es `values` (en %): con un decimal o, por debajo del 1 %, con dos; lo ínfimo, «< 0,01 %»."""
    for text, value in zip(shown, values, strict=True):
        if text == "< 0,01 %":
            assert value < 0.0051
        else:
            (decimals,) = re.fullmatch(r"\d+,(\d+) %", text).groups()
            assert len(decimals) == (1 if value >= 1 else 2) or value == pytest.approx(1, abs=1e-4)
            assert number(text.removesuffix(" %")) == pytest.approx(value, abs=0.51 / 10 ** len(decimals))


def assert_said(sentence, name, value):
    """«De cada 100 sorteos, unos 44 darían…»; si son pocos, de cada 10 000: nunca «unos 0»."""
    total, times, said = re.fullmatch(
        r"De cada (100|10\s000) sorteos, unos (\d+) darían «(.*)»\.", sentence
    ).groups()
    assert said == name and number(total) == (100 if value >= 10 else 10_000)
    assert int(times) == pytest.approx(number(total) * value / 100, abs=0.51) and int(times) > 0


def number(text):
    return float(text.replace("\u202f", "").replace(",", "."))


def test_static_part_is_the_first_beginning_at_one(page, logits):
    names, values = expected(logits, 0, 1.0)
    assert_told(map(html.unescape, re.findall(r'<td class="p">([^<]*)</td>', page)), values)
    (status,) = re.findall(r'<p class="estado"[^>]*>([^<]*)</p>', page)
    assert_said(html.unescape(status), names[0], values[0])
    assert names[:2] == ["</script><b>x…", "↵"] and '<th scope="row">&lt;/script&gt;&lt;b&gt;x…</th>' in page
    assert "<caption>uno &lt;i&gt;dos&lt;/i&gt; &amp;…</caption>" in page
    assert page.count("</script>") == 1 and len(page) < 20_000


def test_the_slider_passes_through_one():
    assert explorer.temperatures()[0] == 0.1 and explorer.temperatures()[-1] == 3.0
    assert 1.0 in explorer.temperatures()


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("temperature", [0.1, 0.3, 0.7, 1.0, 1.4, 2.0, 3.0])
def test_browser_agrees_with_python(opened, logits, place, temperature):
    for key, value in {"c": place, "t": temperature}.items():
        set_control(opened, f"prueba-{key}", value)
    names, values = expected(logits, place, temperature)
    assert opened.locator("#prueba tbody th").all_inner_texts() == names
    assert_told(opened.locator("#prueba tbody .p").all_inner_texts(), values)
    assert opened.locator("caption").inner_text() == PROMPTS[place] + "…"
    assert_said(opened.locator(".estado").inner_text(), names[0], values[0])


def test_controls_say_what_they_are(opened):
    assert opened.get_by_role("combobox", name="comienzo").count() == 1
    slider = opened.get_by_role("slider", name="temperatura")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "1,1"


BEGINNINGS = ["he took the key and opened the", "she looked at him and"]
BEGINNINGS += ["i have never seen such a", "once upon a time there was a"]


def test_what_the_lesson_says_of_the_four_beginnings():
    """«En tres de los cuatro»; en el último, «se lo reparten dos»; a 3, casi todo es de los demás; nadie sale «0»."""
    model, tokenizer = models.load("gpt1-mini", device="cpu", verbose=False)
    for place, beginning in enumerate(BEGINNINGS):
        ids = tokenizer(beginning, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            last = model(ids).logits[:, -1]
        cold, one, hot = (_percentages(last, t) for t in (0.1, 1.0, 3.0))
        assert (cold[0] > 95) == (place < 3) and (cold[1] > 20) == (place == 3) and cold[0] + cold[1] > 95
        assert hot[-1] > 95 and (one[0] < 5) == (place == 3)


def _percentages(last, temperature):
    probs = generation.probabilities(last[0], temperature).sort(descending=True).values[:ROWS].tolist()
    return [100 * p for p in (*probs, 1 - sum(probs))]
