"""El explorador de la lección 04: su HTML sin scripts y, en un navegador de verdad, el mismo cálculo que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import re

import pytest
import torch
from conftest import set_control

from helpers.lesson04 import explorer
from helpers.spanish import number

TOKENS = [f"palabra{n}</w>" for n in range(200)]
TOKENS[:4] = ["</script><b>x", '"comillas"</w>', "\n</w>", "pal"]
IDS = torch.tensor([[4, 0, 1, 7, 2], [4, 0, 1, 7, 9]])  # dos frases: solo cambia la última palabra
ROWS = 8
STATES = [  # frase, posición, temperatura
    (0, 3, 1.0),
    (0, 0, 0.1),
    (0, 1, 3.0),
    (1, 3, 0.7),
    (1, 4, 1.0),
    (0, 4, 2.5),
    (1, 2, 1.3),
]


@pytest.fixture(scope="module")
def logits():
    values = 3 * torch.randn(2, 5, len(TOKENS), generator=torch.Generator().manual_seed(0))
    values[1, :4] = values[0, :4]  # la máscara: lo anterior a la palabra que cambia no se entera
    values[..., :4] += 4  # los nombres peligrosos, arriba
    return values


@pytest.fixture(scope="module")
def page(logits):
    return explorer.explorer(logits, IDS, TOKENS, ident="prueba").data


def told(logits, text, place, temperature):
    """(probabilidades, frase del estado) según Python."""
    following = IDS[text, place + 1].item() if place < 4 else None
    probs, entropy, came = explorer.expected(logits[text, place], temperature, following, ROWS)
    start = f"Entropía, {number(entropy, 2)} nats."
    return probs, f"{start} Venía «" if came else start, came


def test_expected_is_the_softmax_of_the_divided_logits():
    probs, entropy, came = explorer.expected(torch.tensor([0.0, 2.0, 4.0]), 2.0, 0, rows=2)
    every = torch.tensor([0.0, 1.0, 2.0]).softmax(-1)
    assert probs == pytest.approx(every.flip(0).tolist(), abs=1e-6)
    assert entropy == pytest.approx(-(every * every.log()).sum().item(), abs=1e-6)
    assert came == (3, pytest.approx(every[0].item(), abs=1e-6))


def test_static_part_is_the_start(page, logits):
    static = page[: page.index("<script>")]
    probs, start, came = told(logits, 0, 3, 1.0)
    shown = [float(value.replace(",", ".")) for value in re.findall(r'<td class="p">([^<]+)', static)]
    assert shown == pytest.approx(probs, abs=5.1e-4)
    assert start in static and f"puesto {came[0]}, probabilidad {number(came[1], 3)}" in static
    assert "<s>↵</s>" in static and "&lt;/script&gt;&lt;b&gt;x…" in static
    assert page.count("</script>") == 1


def test_sentences_that_differ_elsewhere_are_refused(logits):
    with pytest.raises(ValueError, match="última palabra"):
        explorer.explorer(logits, IDS.flip(1), TOKENS)
    with pytest.raises(ValueError, match="última palabra"):
        explorer.explorer(logits[..., :-1], IDS, TOKENS)


def move(tab, **values):
    for key, setting in values.items():
        set_control(tab, f"prueba-{key}", str(setting))


@pytest.mark.parametrize(("text", "place", "temperature"), STATES)
def test_browser_agrees_with_python(opened, logits, text, place, temperature):
    move(opened, where=place, t=temperature, last=text)
    shown = [float(one.replace(",", ".")) for one in opened.locator("#prueba tbody .p").all_inner_texts()]
    probs, start, came = told(logits, text, place, temperature)
    divided = opened.locator("#prueba tbody .z").all_inner_texts()
    best = logits[text, place].sort(descending=True).values[:ROWS] / temperature
    assert [float(one.replace(",", ".").replace("−", "-")) for one in divided[:-1]] == pytest.approx(
        best.tolist(), abs=5.1e-3
    )
    assert shown == pytest.approx(probs, abs=5.1e-4)
    status = opened.locator(".estado").inner_text()
    assert status.startswith(start)
    if came:
        rank, p = re.search(r"puesto (\d+), probabilidad ([\d,]+)", status).groups()
        assert int(rank) == came[0] and float(p.replace(",", ".")) == pytest.approx(came[1], abs=5.1e-4)
    else:
        assert "texto nuevo" in status
    names = [explorer.readable(TOKENS[one]) for one in IDS[text].tolist()]
    assert opened.locator(".frase s").text_content() == " ".join(names[place + 1 :])


def test_the_last_word_does_not_change_what_earlier_positions_expect(opened):
    move(opened, where=2)
    table, status = opened.locator("tbody"), opened.locator(".estado")
    before = table.inner_text(), status.inner_text()
    move(opened, last=1)
    assert (table.inner_text(), status.inner_text()) == before
    assert opened.locator(".frase s").text_content() == "palabra7 palabra9"
