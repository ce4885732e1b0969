"""El buscador de las páginas de consulta: sus fichas fijas y, en un navegador, lo que deja a la vista."""

import pytest

from helpers import lookup

CARDS = [
    lookup.Card(
        "Pérdida", "Lo que se **minimiza**: `loss`, en *nats*.", "uno", ("01_a.ipynb#cell-id=x", "→ 01")
    ),
    lookup.Card("Año <b>", "Lleva eñe. Da 18,4<!--h:perplejidad-->.", "dos", ("02_b.ipynb", "→ 02")),
    lookup.Card("Ano", "No la lleva.", "dos", ("02_b.ipynb", "→ 02")),
]
PAGE = lookup.search("prueba", CARDS, {"uno": "#0072B2", "dos": "#D55E00"}, "Clase").data


def test_inline_writes_the_markdown_of_a_line():
    assert lookup.inline("a **b** *c* `d<e` 1<!--h:x--> & f") == (
        "a <strong>b</strong> <em>c</em> <code>d&lt;e</code> 1 &amp; f"
    )


def test_every_card_is_there_without_javascript():
    assert PAGE.count('class="ficha"') == 3 and "Año &lt;b&gt;" in PAGE and "<!--" not in PAGE
    assert '<a href="01_a.ipynb#cell-id=x">→ 01</a>' in PAGE and "3 en total." in PAGE
    assert PAGE.index("<details") < PAGE.index('class="ficha"')  # plegadas: la lista está debajo


@pytest.fixture
def page():
    return PAGE


@pytest.mark.parametrize(
    ("query", "kind", "expected", "told"),
    [
        ("", 0, [], "3 en total."),
        ("perdida", 0, ["Pérdida"], "1 de 3."),
        ("NATS minimiza", 0, ["Pérdida"], "1 de 3."),
        ("año", 0, ["Año <b>"], "1 de 3."),
        ("ano", 0, ["Ano"], "1 de 3."),
        ("lleva", 2, ["Año <b>", "Ano"], "2 de 3."),
        ("", 1, ["Pérdida"], "1 de 3."),
        ("lleva", 1, [], "Nada: prueba con otra palabra."),
    ],
)
def test_search_leaves_what_fits(opened, query, kind, expected, told):
    opened.get_by_role("combobox").select_option(str(kind))
    opened.get_by_role("textbox").fill(query)
    visible = opened.evaluate(
        "[...document.querySelectorAll('.ficha')].filter((one) => one.checkVisibility())"
        ".map((one) => one.querySelector('strong').textContent)"
    )
    assert visible == expected and opened.locator(".estado").inner_text() == told
