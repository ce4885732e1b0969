"""El glosario y las afirmaciones del artículo: sus datos, y que las páginas guardadas son las que salen de ellos."""

import re

import nbformat
import pytest

from helpers.claims import VERDICTS
from tools import lessons, make_pages

TERMS = make_pages.terms()
CLAIMS = make_pages.claims()


def markdown(lesson):
    """La prosa de una lección, por su número."""
    (path,) = lessons.find(lesson)
    return "\n\n".join(cell.source for cell in lessons.read(path).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("name", make_pages.PAGES)
def test_page_is_what_its_tool_writes(name):
    expected = nbformat.writes(lessons.normalise(make_pages.notebook(name))) + "\n"
    saved = (lessons.NOTEBOOKS / name).read_text(encoding="utf-8")
    assert saved == expected, "`make paginas`"


def test_readme_links_to_the_pages():
    readme = (lessons.ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in make_pages.PAGES if f"](notebooks/{name})" not in readme] == []


def test_glossary_is_in_order_and_has_no_repeats():
    keys = [make_pages.alphabetical(term["term"]) for term in TERMS]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["term"])
def test_term_is_in_the_lesson_that_introduces_it(term):
    assert set(term) <= {"term", "english", "lesson", "appears", "definition", "forbidden"}
    assert term["definition"].endswith(".")
    form = term.get("appears", term["term"].split(" y ")[0])
    assert re.search(rf"(?<!\w){re.escape(form)}", markdown(term["lesson"]), re.IGNORECASE)


def test_claims_are_well_formed():
    names = [claim["id"] for claim in CLAIMS]
    assert len(set(names)) == len(names)
    assert {claim["status"] for claim in CLAIMS} == set(VERDICTS)
    for claim in CLAIMS:
        assert claim["claim"].endswith(".") and claim["why"].endswith(".") and claim["where"], claim["id"]


def test_claims_go_in_the_order_of_the_paper():
    parts = [claim["part"] for claim in CLAIMS]
    assert parts == sorted(parts, key=["Resumen", "§1", "§2", "§3", "§4", "§5", "§6"].index)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_claim_points_to_the_cell_of_its_section(claim):
    file, _, cell = make_pages.link(claim["lesson"], claim["section"]).partition("#cell-id=")
    (found,) = [one for one in lessons.read(lessons.NOTEBOOKS / file).cells if one.id == cell]
    # al principio: el enlace lleva al comienzo de la celda, no al título
    assert re.match(rf"##+ +{re.escape(claim['section'])}\n", found.source)


def test_glossary_links_to_the_cell_that_writes_the_term():
    for term, card in zip(TERMS, make_pages.glossary_cards(), strict=True):
        file, _, cell = card.link[0].partition("#cell-id=")
        (found,) = [one for one in lessons.read(lessons.NOTEBOOKS / file).cells if one.id == cell]
        assert re.search(
            re.escape(term.get("appears", term["term"].split(" y ")[0])), found.source, re.IGNORECASE
        )


@pytest.mark.parametrize("name", make_pages.PAGES)
def test_running_the_cell_of_a_page_draws_the_saved_search(name, monkeypatch):
    cell = lessons.read(lessons.NOTEBOOKS / name).cells[1]
    monkeypatch.chdir(lessons.NOTEBOOKS)
    *before, last = cell.source.splitlines()
    room = {}
    exec("\n".join(before), room)
    assert eval(last, room).data == cell.outputs[0].data["text/html"]


def test_a_section_that_does_not_exist_is_an_error():
    with pytest.raises(SystemExit, match="no tiene ninguna sección"):
        make_pages.link("01", "Fe de ratas")


def test_figures_are_filled_and_marked():
    assert make_pages.fill("da {perplejidad}.") == "da 18,4<!--h:perplejidad-->."
    assert make_pages.fill("son {glue - glue_anterior} puntos") == "son 3,9 puntos"
    with pytest.raises(NameError):
        make_pages.fill("da {perplegidad}")
