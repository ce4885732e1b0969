"""El explorador de la lección 05: su HTML sin scripts y, en un navegador de verdad, el mismo cálculo que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import base64
import json
import re
from html.parser import HTMLParser

import pytest
import torch
from conftest import set_control

from helpers import generation, models
from helpers.lesson05 import explorer

TOKENS = [f"palabra{n}</w>" for n in range(200)]
NASTY = ["</script><b>x", '"comillas"</w>', "&amp;</w>", "\n</w>", "año</w>", "pal", "<unk>"]
TOKENS[: len(NASTY)] = NASTY
SETTINGS = [  # temperatura, top-k, top-p
    (1.0, 0, 1.0),
    (0.1, 0, 1.0),
    (3.0, 0, 1.0),
    (1.0, 5, 1.0),
    (1.0, 0, 0.5),
    (1.0, 0, 0.05),
    (0.7, 12, 0.9),
    (2.5, 50, 0.6),
    (1.5, 3, 0.95),
    (1.0, 1, 0.3),
]


@pytest.fixture(scope="module")
def logits():
    """Logits con los tokens peligrosos arriba y un empate en la frontera de top-k=3."""
    values = 2 * torch.randn(len(TOKENS), generator=torch.Generator().manual_seed(0))
    values[: len(NASTY)] = torch.linspace(8, 5, len(NASTY))
    order = values.argsort(descending=True)
    values[order[3]] = values[order[2]]
    return values


@pytest.fixture(scope="module")
def page(logits):
    return explorer.explorer(logits, TOKENS, prompt='<i>dog</i> & "cat"', ident="prueba").data


class Table(HTMLParser):
    """El texto de cada celda de la tabla y los nombres de las etiquetas que abre la página."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.tags, self.caption, self._in = [], [], "", None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._in = tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        if self._in in ("th", "td"):
            self.rows[-1][-1] += data
        elif self._in == "caption":
            self.caption += data


def value(text):
    return 0.0 if text == "fuera" else float(text.replace(",", "."))


def expected(logits, rows, temperature=1.0, k=0, p=1.0):
    """Según Python: las probabilidades de los `rows` tokens mayores y de los demás juntos, y cuántos quedan."""
    probs = explorer.distribution(logits, temperature, k, p)
    order = logits.argsort(descending=True, stable=True)
    top = probs[order][:rows]
    kept = generation.top_p(generation.top_k(generation.temperature(logits, temperature), k), p).isfinite()
    return [*top.tolist(), 1 - float(top.sum())], int(kept.sum())


def test_static_table_has_the_probabilities_of_python(page, logits):
    rows = Table(page).rows[1:]
    values, _ = expected(logits, len(rows) - 1)
    assert [value(row[1]) for row in rows] == pytest.approx(values, abs=5.1e-4)
    assert all("," in row[1] and "." not in row[1] for row in rows)
    assert rows[-1][0] == "(los demás)"


def test_names_and_prompt_are_escaped(page):
    table = Table(page)
    names = [row[0] for row in table.rows[1:]]
    assert {"</script><b>x…", '"comillas"', "&amp;", "↵", "año", "pal…", "<unk>"} <= set(names)
    assert table.caption == 'Siguiente token tras «<i>dog</i> & "cat"»'
    assert not {"b", "i"} & set(table.tags)
    assert table.tags.count("script") == page.count("</script>") == 1


def test_page_is_self_contained_and_labelled(page):
    assert not re.search(r"https?:|//cdn|\bimport\b|\brequire\b|src=|fetch\(", page)
    assert "aria-live" in page and "aria-label" in page and 'scope="col"' in page
    assert page.count('id="prueba"') == 1
    assert not re.search(r"%[A-Z]+%", page)


def test_every_logit_travels_exactly(page, logits):
    data = json.loads(re.search(r"const data = (\{.*?\});", page)[1])
    sent = torch.frombuffer(bytearray(base64.b64decode(data["logits"])), dtype=torch.float32)
    assert torch.equal(sent, logits.sort(descending=True).values)


def test_same_input_gives_the_same_page(page, logits):
    assert explorer.explorer(logits, TOKENS, prompt='<i>dog</i> & "cat"', ident="prueba").data == page


def test_top_p_sees_the_distribution_after_top_k(logits):
    """Tras top-k los que quedan vuelven a sumar 1, así que top-p corta antes que con las probabilidades de partida."""
    values = torch.tensor([0.3, 0.25, 0.2, 0.15, 0.1]).log()
    assert int((explorer.distribution(values, k=3, p=0.7) > 0).sum()) == 2  # 0,40 + 0,33 ≥ 0,7
    assert int((explorer.distribution(values, k=0, p=0.7) > 0).sum()) == 3  # 0,30 + 0,25 + 0,20 ≥ 0,7


def test_wrong_shapes_are_refused(logits):
    with pytest.raises(ValueError, match="logits"):
        explorer.explorer(logits[None], TOKENS, prompt="")
    with pytest.raises(ValueError, match="200"):
        explorer.explorer(logits[:-1], TOKENS, prompt="")


# --- En un navegador ----------------------------------------------------------------------------------------------


def move(tab, **values):
    for key, setting in values.items():
        set_control(tab, f"prueba-{key}", setting)


@pytest.mark.parametrize(("temperature", "k", "p"), SETTINGS)
def test_browser_agrees_with_python(opened, logits, temperature, k, p):
    move(opened, t=temperature, k=k, p=p)
    shown = [value(text) for text in opened.locator("#prueba tbody .p").all_inner_texts()]
    values, kept = expected(logits, len(shown) - 1, temperature, k, p)
    assert shown == pytest.approx(values, abs=5.1e-4)
    assert f"Quedan {kept} de {len(TOKENS)} tokens" in opened.locator(".estado").inner_text()


def test_sliders_can_be_named_and_moved_with_the_keyboard(opened):
    assert opened.get_by_role("slider").count() == 3
    slider = opened.get_by_role("slider", name="temperatura")
    slider.press("ArrowRight")
    # sin este atributo, JupyterLab se queda con las flechas
    assert slider.get_attribute("data-lm-suppress-shortcuts") == "true"
    assert slider.get_attribute("aria-valuetext") == "1,1"
    assert opened.get_by_role("slider", name="top-k").get_attribute("aria-valuetext") == "sin filtro"
    assert opened.locator(".aviso").count() == 0


def test_without_javascript_the_table_stays(browser, page, logits):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_content(page)
    texts = tab.locator("#prueba tbody .p").all_inner_texts()
    assert [value(text) for text in texts] == pytest.approx(expected(logits, len(texts) - 1)[0], abs=5.1e-4)
    assert tab.locator(".aviso").is_visible() and tab.locator("input").count() == 0
    context.close()


@torch.no_grad()
def test_what_the_lesson_tells_of_the_three_experiments():
    """El plegado «Lo que se ve en los tres experimentos», con los logits de la lección."""
    model, tokenizer = models.load()
    ids = tokenizer("She opened the door and looked", return_tensors="pt").input_ids.to(model.device)
    after = model(ids).logits[0, -1].cpu()
    rest = [1 - explorer.distribution(after, t).topk(12).values.sum().item() for t in (1.0, 3.0)]
    assert [round(one, 3) for one in rest] == [0.223, 0.954]
    assert int((explorer.distribution(after, 3.0, 10) > 0).sum()) == 10
    temperatures = (0.1, 0.5, 1.0, 1.5, 2.0, 3.0)
    kept = [int((explorer.distribution(after, t, p=0.5) > 0).sum()) for t in temperatures]
    assert kept == [1, 1, 3, 25, 272, 1277]
