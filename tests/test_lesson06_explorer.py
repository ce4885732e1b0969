"""El explorador de la lección 06: lo fijo y, en un navegador de verdad, los mismos aciertos que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import re

import pytest
import torch
from conftest import set_control

from helpers.lesson06 import explorer

LABELS = [1, 0, 1, 1, 0, 0, 1]
TEXTS = ["</script><b>It rained.", "The sun & the sea."]
STEPS = (0, 8, 52)
STATES = [(0, 50), (1, 50), (2, 50), (2, 5), (2, 95), (1, 70)]  # momento, umbral


@pytest.fixture(scope="module")
def moments():
    random = torch.Generator().manual_seed(0)
    found = {step: torch.rand(len(LABELS) + len(TEXTS), generator=random) for step in STEPS}
    found[0].fill_(0.5)  # justo en el umbral: se dice «buena»
    return found


@pytest.fixture(scope="module")
def page(moments):
    return explorer.explorer(moments, LABELS, TEXTS, ident="prueba").data


def numbers(texts):
    return [float(re.search(r"[\d,]+", text)[0].replace(",", ".")) for text in texts]


def test_verdict_counts_each_class():
    assert explorer.verdict(torch.tensor([0.9, 0.2, 0.5, 0.4]), [1, 0, 1, 1], 50) == (2, 1)
    assert explorer.verdict(torch.tensor([0.9, 0.2, 0.5, 0.4]), [1, 0, 1, 1], 95) == (0, 1)
    assert explorer.verdict(torch.tensor([0.9, 0.2, 0.5, 0.4]), [0, 0, 1, 0], 5) == (1, 0)


def test_static_part_is_the_end_with_half(page, moments):
    static = page[: page.index("<script>")]
    good, bad = explorer.verdict(moments[52][:7], LABELS, 50)
    assert f"Tras 52 actualizaciones acierta {good + bad} de 7" in static
    assert f"{good} de 4 buenas y {bad} de 3 malas" in static
    assert numbers(re.findall(r'<td class="p">([^<]+)', static)) == pytest.approx(
        (100 * moments[52][7:]).tolist(), abs=0.051
    )
    assert "&lt;/script&gt;&lt;b&gt;It rained." in static and page.count("</script>") == 1


def test_sizes_that_do_not_match_are_refused(moments):
    with pytest.raises(ValueError, match="9 probabilidades"):
        explorer.explorer({0: torch.rand(8)}, LABELS, TEXTS)
    with pytest.raises(ValueError, match="9 probabilidades"):
        explorer.explorer({}, LABELS, TEXTS)


@pytest.mark.parametrize(("moment", "threshold"), STATES)
def test_browser_agrees_with_python(opened, moments, moment, threshold):
    for key, value in (("m", moment), ("u", threshold)):
        set_control(opened, f"prueba-{key}", value)
    probabilities = moments[STEPS[moment]]
    good, bad = explorer.verdict(probabilities[:7], LABELS, threshold)
    told = opened.locator(".estado").inner_text()
    assert told.startswith(f"Tras {STEPS[moment]} actualizaciones acierta {good + bad} de 7 (")
    assert told.endswith(f"{good} de 4 buenas y {bad} de 3 malas.")
    shown = opened.locator("#prueba tbody .p").all_inner_texts()
    assert numbers(shown) == pytest.approx((100 * probabilities[7:]).tolist(), abs=0.051)
    expected = ["buena" if 100 * p >= threshold else "mala" for p in probabilities[7:].tolist()]
    assert opened.locator("#prueba tbody .dice").all_inner_texts() == expected
