"""El explorador de la lección 10: lo fijo y, en un navegador de verdad, el mismo cálculo que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import re

import numpy as np
import pytest
from conftest import set_control

from helpers.lesson10 import exercises, explorer

DIFFERENCES = {"tres <décimas>": 0.3, "uno y medio": 1.5, "menos cuatro": -4.0, "quince": 14.8}
SETTINGS = [
    (1.2, 1),
    (0.2, 1),
    (8.0, 1),
    (8.0, 200),
    (1.2, 126),
    (3.0, 5),
    (0.5, 40),
]  # cuánto baila, semillas


@pytest.fixture(scope="module")
def page():
    return explorer.explorer(DIFFERENCES, spread=1.2, seeds=5, ident="prueba").data


def expected(spread, seeds):
    return [
        (round(100 * explorer.power(value, spread, seeds)), explorer.needed(value, spread))
        for value in DIFFERENCES.values()
    ]


def read(cells):
    return int(re.sub(r"\D", "", cells))


@pytest.mark.parametrize(("difference", "spread", "seeds"), [(0.3, 1.2, 126), (1.0, 2.0, 8), (-4.0, 8.0, 20)])
def test_power_is_what_invented_experiments_see(difference, spread, seeds):
    means = np.random.default_rng(0).normal(difference, spread, (20_000, seeds)).mean(axis=1)
    seen = np.mean(np.abs(means) > 1.96 * spread / seeds**0.5)
    assert explorer.power(difference, spread, seeds) == pytest.approx(seen, abs=0.01)


def test_needed_is_the_exercise_and_sees_eight_of_ten():
    for difference, spread in ((0.3, 1.2), (1.5, 8.0), (0.6, 0.5)):
        seeds = explorer.needed(difference, spread)
        assert seeds == exercises.seeds_needed(spread, difference)
        assert (
            explorer.power(difference, spread, seeds)
            >= 0.799
            > explorer.power(difference, spread, seeds) - 0.2
        )


def test_static_table_has_the_numbers_of_python(page):
    rows = re.findall(r'<td class="p">(.*?)</td>.*?<td class="n">(.*?)</td>', page)
    assert [(read(p), read(n)) for p, n in rows] == expected(1.2, 5)
    assert "tres &lt;décimas&gt;" in page and page.count('id="prueba"') == 1
    assert "Con 5 semillas, el margen de la media es de ±1,05 puntos." in page
    assert not re.search(r"https?:|//cdn|\bimport\b|\brequire\b|src=|fetch\(|%[A-Z]+%", page)


def test_no_difference_is_refused():
    with pytest.raises(ValueError, match="distinta de cero"):
        explorer.explorer({"nada": 0.0})


# --- En un navegador ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spread", "seeds"), SETTINGS)
def test_browser_agrees_with_python(opened, spread, seeds):
    for key, value in (("s", spread), ("n", seeds)):
        set_control(opened, f"prueba-{key}", value)
    chances = [read(text) for text in opened.locator("tbody .p").all_inner_texts()]
    needed = [read(text) for text in opened.locator("tbody .n").all_inner_texts()]
    wanted = expected(spread, seeds)
    assert chances == pytest.approx([p for p, _ in wanted], abs=1) and needed == [n for _, n in wanted]
    assert f"Con {seeds} semilla" in opened.locator(".estado").inner_text()
