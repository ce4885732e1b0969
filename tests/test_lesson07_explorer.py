"""El explorador de la lección 07: lo fijo y, en un navegador de verdad, las mismas casillas que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import pytest
import torch
from conftest import set_control
from sklearn.metrics import confusion_matrix, matthews_corrcoef

from helpers.lesson07 import explorer
from helpers.spanish import number

PARTS = {
    "entrenamiento": (
        torch.tensor([-2.1, -2.6, -3.0, -3.3, -3.9, -4.2, -4.8, -5.5, -6.25]),
        torch.tensor([True, True, True, False, True, True, False, False, True]),
    ),
    "prueba": (torch.tensor([-2.5, -3.5, -3.0, -6.0]), torch.tensor([False, True, True, False])),
}
SETTINGS = [
    (0, -4.0),
    (0, -3.3),
    (0, -7.0),
    (0, -2.0),
    (0, -6.25),
    (1, -4.0),
    (1, -2.75),
    (1, -7.0),
    (1, -2.0),
]


@pytest.fixture(scope="module")
def page():
    return explorer.explorer(PARTS, -3.98, ident="prueba").data


def status(counts, quality):
    tp, fp, fn, tn = counts
    right = number(100 * (tp + tn) / sum(counts), 1)
    return f"Dice que sí a {tp + fp} de {sum(counts)}. Exactitud, {right} %; Matthews, {number(quality, 2)}."


@pytest.mark.parametrize(("part", "threshold"), SETTINGS)
def test_the_truth_is_that_of_scikit_learn(part, threshold):
    scores, truth = [*PARTS.values()][part]
    said = scores.double() > threshold
    (tn, fp), (fn, tp) = confusion_matrix(truth, said, labels=[0, 1]).tolist()
    counts, quality = explorer.told(scores, truth, threshold)
    assert counts == [tp, fp, fn, tn] and quality == pytest.approx(matthews_corrcoef(truth, said))


def test_an_equal_score_does_not_pass():
    assert explorer.told(*PARTS["entrenamiento"], -6.25)[0] == [5, 3, 1, 0]


@pytest.mark.parametrize("setting", SETTINGS)
def test_browser_agrees_with_python(opened, setting):
    for key, value in zip("fu", setting, strict=True):
        set_control(opened, f"prueba-{key}", value)
    counts, quality = explorer.told(*[*PARTS.values()][setting[0]], setting[1])
    assert [int(text) for text in opened.locator("#prueba tbody .p").all_inner_texts()] == counts
    assert opened.locator(".estado").inner_text() == status(counts, quality)


def test_without_javascript_the_lesson_s_stays(browser, page):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_content(page)
    counts, quality = explorer.told(*PARTS["entrenamiento"], -4.0)  # −3,98, en el paso más cercano
    assert [int(text) for text in tab.locator("#prueba tbody .p").all_inner_texts()] == counts
    assert tab.locator(".estado").inner_text() == status(counts, quality)
    assert tab.locator("input").count() == 0
    context.close()
