"""El explorador de la lección 09: lo fijo y, en un navegador de verdad, las mismas tasas que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import re

import pytest
from conftest import set_control

from helpers.lesson09 import explorer
from helpers.lesson09.exercises import EXERCISES

TOTAL = 512
SETTINGS = [  # calendario, máximo, calentamiento
    (0, 2.0, 25),
    (0, 8.0, 0),
    (0, 0.5, 80),
    (1, 1.0, 5),
    (1, 3.5, 0),
    (1, 2.0, 80),
    (2, 2.0, 10),
    (2, 6.5, 0),
]


@pytest.fixture(scope="module")
def page():
    return explorer.explorer(TOTAL, ident="prueba").data


def numbers(texts):
    return [float(text.replace(",", ".")) for text in texts]


def test_its_cosine_is_the_one_of_the_exercise():
    found = explorer.rates(TOTAL, 0, 2.0, 25)
    steps = [TOTAL * row // explorer.ROWS for row in range(explorer.ROWS + 1)]
    assert found == pytest.approx([EXERCISES["09-tasa"].reference(step, TOTAL, 128, 2.0) for step in steps])


def test_the_three_shapes_end_at_zero_and_reach_their_peak():
    for shape in range(3):
        found = explorer.rates(TOTAL, shape, 4.0, 25)
        assert found[0] == 0 and max(found) == 4 and found[-1] == pytest.approx(0)
    assert explorer.rates(TOTAL, 1, 4.0, 25)[4:14] == [4] * 10  # constante hasta el 85 %


@pytest.mark.parametrize("setting", SETTINGS)
def test_browser_agrees_with_python(opened, setting):
    for key, value in zip("spw", setting, strict=True):
        set_control(opened, f"prueba-{key}", value)
    expected = explorer.rates(TOTAL, *setting)
    assert numbers(opened.locator("#prueba tbody .p").all_inner_texts()) == pytest.approx(
        expected, abs=0.0051
    )
    told = opened.locator(".estado").inner_text()
    assert told.startswith(f"Calentamiento: {round(TOTAL * setting[2] / 100)} de {TOTAL} actualizaciones.")
    (mean,) = numbers(re.findall(r"tasa es de ([\d,]+)", told))
    assert mean == pytest.approx(sum(expected) / len(expected), abs=0.0051)


def test_without_javascript_the_lesson_s_stays(browser, page):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_content(page)
    expected = explorer.rates(TOTAL, *explorer.START.values())
    assert numbers(tab.locator("#prueba tbody .p").all_inner_texts()) == pytest.approx(expected, abs=0.0051)
    assert tab.locator("input").count() == 0
    context.close()
