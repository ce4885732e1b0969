"""Los exploradores que guardan las lecciones, en un navegador de verdad; sus cálculos los prueba cada uno aparte."""

import re

import pytest
import second_edition

from tools import lessons

THEMES = [("rgb(0, 0, 0)", "white"), ("rgb(255, 255, 255)", "#111111")]
SAVED = [
    pytest.param(page, id=path.stem[:2])
    for path in lessons.find()
    for page in second_edition.explorers(lessons.read(path))
]
CONTROLS = "input, select"


@pytest.mark.parametrize("page", SAVED)
def test_page_is_self_contained(page):
    assert not re.search(r"https?:|//cdn|\bimport\b|\brequire\b|src=|fetch\(", page)
    assert page.count("<script>") == 1 and len(page) < 200_000


@pytest.mark.parametrize("page", SAVED)
def test_every_control_has_a_name_and_changes_the_page(browser, page):
    tab, problems = browser.new_page(viewport={"width": 390, "height": 800}), []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: problems.append(request.url))
    tab.set_content(page)
    root = tab.locator(".explorador-gpt1")
    assert root.locator(CONTROLS).count() >= 1 and tab.locator(".aviso").count() == 0
    for place in range(root.locator(CONTROLS).count()):
        one = root.locator(CONTROLS).nth(place)
        assert one.get_attribute("aria-label") and one.get_attribute("data-lm-suppress-shortcuts") == "true"
        before = root.inner_html()
        kind = one.evaluate("node => node.type")
        if kind == "range":
            at_the_end = one.evaluate("node => node.value === node.max")
            for _ in range(3):
                one.press("ArrowLeft" if at_the_end else "ArrowRight")
        elif kind == "select-one":
            one.focus()
            one.evaluate("node => { node.selectedIndex = (node.selectedIndex + 1) % node.length;"
                         " node.dispatchEvent(new Event('input', { bubbles: true })) }")  # fmt: skip
        else:
            one.fill("zebra")
        assert root.inner_html() != before, f"el mando {one.get_attribute('aria-label')} no cambia nada"
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390, "a 390 px se sale de la pantalla"
    tab.close()
    assert problems == []


@pytest.mark.parametrize("page", SAVED)
@pytest.mark.parametrize(("ink", "paper"), THEMES, ids=["claro", "oscuro"])
def test_text_takes_the_colour_of_the_theme(browser, page, ink, paper):
    tab = browser.new_page()
    tab.set_content(page)
    tab.add_style_tag(content=f"body {{ color: {ink}; background: {paper} }}")
    colours = tab.evaluate(
        "[...document.querySelectorAll('.explorador-gpt1 :is(p, label, output, th, td, caption, select, text)')]"
        ".map(node => node.tagName === 'text' ? getComputedStyle(node).fill : getComputedStyle(node).color)"
    )
    tab.close()
    assert colours and set(colours) == {ink}


@pytest.mark.parametrize("page", SAVED)
def test_without_javascript_something_stays(browser, page):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_content(page)
    assert tab.locator(".aviso").is_visible() and tab.locator(CONTROLS).count() == 0
    assert re.search(r"\d", tab.locator(".explorador-gpt1").inner_text())
    context.close()
