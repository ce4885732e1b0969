"""El explorador de la lección 00: lo fijo y lo que mueve el navegador son las probabilidades de Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import re

import pytest
import torch

from helpers import generation
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


def percentages(texts):
    return [float(text.removesuffix(" %").replace(",", ".")) for text in texts]


def test_static_part_is_the_first_beginning_at_one(page, logits):
    names, values = expected(logits, 0, 1.0)
    assert percentages(re.findall(r'<td class="p">([^<]*)</td>', page)) == pytest.approx(values, abs=0.051)
    assert names[:2] == ["</script><b>x…", "↵"] and '<th scope="row">&lt;/script&gt;&lt;b&gt;x…</th>' in page
    assert "<caption>uno &lt;i&gt;dos&lt;/i&gt; &amp;…</caption>" in page
    assert page.count("</script>") == 1 and len(page) < 20_000


def test_the_slider_passes_through_one():
    assert explorer.temperatures()[0] == 0.1 and explorer.temperatures()[-1] == 3.0
    assert 1.0 in explorer.temperatures()


@pytest.fixture
def opened(browser, page):
    tab, problems = browser.new_page(), []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: problems.append(request.url))
    tab.set_content(page)
    yield tab
    tab.close()
    assert problems == []


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("temperature", [0.1, 0.3, 0.7, 1.0, 1.4, 2.0, 3.0])
def test_browser_agrees_with_python(opened, logits, place, temperature):
    for key, value in {"c": place, "t": temperature}.items():
        opened.evaluate(
            "([id, value]) => { const i = document.getElementById(id); i.value = value;"
            " i.dispatchEvent(new Event('input', { bubbles: true })) }",
            [f"prueba-{key}", value],
        )
    names, values = expected(logits, place, temperature)
    assert opened.locator("#prueba tbody th").all_inner_texts() == names
    shown = percentages(opened.locator("#prueba tbody .p").all_inner_texts())
    assert shown == pytest.approx(values, abs=0.051)
    assert opened.locator("caption").inner_text() == PROMPTS[place] + "…"
    (times,) = re.findall(r"unos (\d+) darían", opened.locator(".estado").inner_text())
    assert (
        int(times) == pytest.approx(values[0], abs=0.51)
        and names[0] in opened.locator(".estado").inner_text()
    )


def test_controls_say_what_they_are(opened):
    assert opened.get_by_role("combobox", name="comienzo").count() == 1
    slider = opened.get_by_role("slider", name="temperatura")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "1,1"
