"""La prosa, los datos y el código dan las mismas cifras: `data/paper/facts.json`."""

import inspect
import re

import pytest

from tools import facts, lessons

STATUSES = {"impreso", "calculado", "digitalizado", "externo"}
NOT_MARKED_YET: set[str] = set()
PAGES = {path.stem: path for path in lessons.find() if path.stem[:2] not in NOT_MARKED_YET}
PAGES |= {name: lessons.NOTEBOOKS / f"{name}.ipynb" for name in ("glosario", "afirmaciones")}
PAGES |= {"README": lessons.ROOT / "README.md", "consulta": lessons.NOTEBOOKS / "consulta.md"}
IN_RECIPE = {
    "pretraining": {
        "layers": "n_layer",
        "hidden_size": "n_embd",
        "heads": "n_head",
        "tokens_per_sequence": "n_positions",
        "max_learning_rate": "learning_rate",
        "warmup_updates": "warmup",
        "epochs": "epochs",
        "batch": "batch",
        "dropout": "dropout",
        "weight_decay": "weight_decay",
    },
    "fine_tuning": {
        "learning_rate": "learning_rate",
        "batch": "batch",
        "epochs": "epochs",
        "warmup_fraction": "warmup",
        "classifier_dropout": "clf_dropout",
        "lambda": "lm_coef",
    },
}


def texts(path):
    """Los trozos de Markdown de una página."""
    if path.suffix == ".md":
        return [path.read_text(encoding="utf-8")]
    return [cell.source for cell in lessons.read(path).cells if cell.cell_type == "markdown"]


@pytest.mark.parametrize("fact", facts.load().values(), ids=lambda fact: fact["id"])
def test_fact_says_where_it_comes_from_and_agrees_with_itself(fact):
    assert fact["status"] in STATUSES and fact["source"] and fact["what"]
    assert ("value" in fact) != ("from" in fact), "o trae su valor, o dice de dónde sale"
    number = facts.value(fact["id"])
    assert [form for form in facts.written(fact) if not facts.agrees(form, number)] == []
    assert {other: facts.evaluate(other) for other in fact.get("equals", [])} == pytest.approx(
        dict.fromkeys(fact.get("equals", []), number)
    )


def test_each_written_form_means_one_thing():
    forms = [form for fact in facts.load().values() for form in fact["written"]]
    assert sorted(forms) == sorted(set(forms))
    names = [fact["id"] for fact in facts.load().values()]
    text = (facts.PAPER / "facts.json").read_text(encoding="utf-8")
    assert names == re.findall(r'^  \{"id": "([^"]+)"', text, re.MULTILINE), "hay un identificador repetido"


@pytest.mark.parametrize("page", PAGES)
def test_marks_follow_their_figure(page):
    for text in texts(PAGES[page]):
        for name, before in facts.marks(text):
            assert name in facts.load(), f"la marca «{name}» no es de ninguna cifra"
            assert facts.says(before, facts.load()[name]), f"«…{before}» no dice «{name}»"
        hidden = [part.group() for part in facts.NOT_PROSE.finditer(text)]
        assert [part for part in hidden if not part.startswith("<!--") and facts.MARK.search(part)] == []


@pytest.mark.parametrize("page", PAGES)
def test_known_figures_are_marked(page):
    assert [
        f"«{figure}» ({name})" for text in texts(PAGES[page]) for _, name, figure in facts.unmarked(text)
    ] == []


def test_every_fact_is_used():
    prose = [text for path in PAGES.values() for text in texts(path)]
    used = {name for text in prose for name, _ in facts.marks(text)}
    for path in lessons.find(" ".join(NOT_MARKED_YET)) if NOT_MARKED_YET else []:
        used |= {name for text in texts(path) for _, name, _ in facts.unmarked(text)}
    assert sorted(set(facts.load()) - used) == []


@pytest.mark.parametrize("stage", IN_RECIPE)
def test_recipes_are_the_ones_in_the_table(stage):
    printed = facts.evaluate(f"tables('setup.{stage}')")
    place = stage.replace("_", "")
    recipe = {ours: facts.evaluate(f"{place}('{ours}')") for ours in IN_RECIPE[stage].values()}
    assert recipe == {ours: printed[theirs] for theirs, ours in IN_RECIPE[stage].items()}


def test_the_diagram_draws_gpt1():
    from helpers.lesson01 import figures

    drawn = [given.default for given in inspect.signature(figures.decoder).parameters.values()]
    assert drawn[:4] == [facts.value(name) for name in ("capas", "anchura", "cabezas", "posiciones")]


@pytest.mark.parametrize(
    "text",
    [
        "tiene 116,5 millones de parámetros",
        "**116\u202f534\u202f784** números",
        "un 86,5 % de aciertos",
        "la tasa, 2,5·10⁻⁴",
        "perplejidad 18,4.",
    ],
)
def test_detector_sees_a_figure_without_its_mark(text):
    ((end, name, figure),) = facts.unmarked(text)
    assert facts.agrees(figure, facts.value(name))
    marked = f"{text[:end]}<!--h:{name}-->{text[end:]}"
    assert facts.unmarked(marked) == []
    assert [facts.says(before, facts.load()[name]) for _, before in facts.marks(marked)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "`18,4`",
        "$18{,}4$",
        "# 116,5 millones",
        "líneas 413-417",
        "118,4",
        "18,45",
        "[a](http://18,4)",
        "140\u202f478",
    ],
)
def test_detector_leaves_the_rest_alone(text):
    assert facts.unmarked(text) == []


@pytest.mark.parametrize(
    ("form", "number", "expected"),
    [
        ("116,5 millones", 116_534_784, True),
        ("116,5", 116_534_784, True),
        ("117 millones", 116_534_784, True),
        ("116,6 millones", 116_534_784, False),
        ("6,25·10⁻⁵", 6.25e-5, True),
        ("6,52·10⁻⁵", 6.25e-5, False),
        ("algo más de 7000", 7185, True),
        ("18,4", 18.04, False),
        ("479 MB", 478_722_048, True),
    ],
)
def test_a_written_form_is_read_as_a_number(form, number, expected):
    assert facts.agrees(form, number) is expected


def test_a_mark_on_the_wrong_figure_is_caught():
    assert not facts.says("perplejidad de 14,8", facts.load()["perplejidad"])
    assert not facts.says("la media es 118,4", facts.load()["perplejidad"])


def test_a_mark_may_follow_a_formula():
    ((name, before),) = facts.marks(r"con un peso $\lambda = 0{,}5$<!--h:lambda-->.")
    assert facts.says(before, facts.load()[name])
    ((name, before),) = facts.marks(r"con un peso $\lambda = 0{,}6$<!--h:lambda-->.")
    assert not facts.says(before, facts.load()[name])
