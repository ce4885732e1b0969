"""El curso está en español, escrito siempre igual y sin faltas. Qué se mira y cómo, en `language.py`."""

import contract
import language
import pytest

from tools import lessons

PAGES = language.markdown_pages()
LESSONS = {path.stem: path for path in lessons.find()}
MODULES = sorted((lessons.ROOT / "helpers").rglob("*.py"))
TERMS = (("ajuste fino", "fine-tuning"), ("disparo cero", "zero-shot"))
TEXT_CHECKS = (language.wrong_terms, language.unbalanced, language.english, language.spaced_thousands)


def problems(texts, *checks):
    return [problem for text in texts for check in checks for problem in check(text)]


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_written_in_the_course_style(page):
    assert problems(PAGES[page], *TEXT_CHECKS) == []


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_spelled_right(page):
    assert sorted(set(problems(PAGES[page], language.unknown_words))) == [], (
        "faltas, o palabras para palabras.txt"
    )


@pytest.mark.parametrize("page", LESSONS)
def test_the_english_goes_with_the_first_use_of_a_term(page):
    assert (
        problems([PAGES[page]], *(lambda cells, t=term: language.first_use(cells, *t) for term in TERMS))
        == []
    )


def test_questions_are_written_in_the_course_style():
    checks = (*TEXT_CHECKS, language.unknown_words)
    found = {name: problems(texts, *checks) for name, texts in language.questions().items()}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(lessons.ROOT).as_posix())
def test_messages_are_written_in_the_course_style(module):
    checks = (language.wrong_terms, language.unbalanced, language.english, language.unknown_words)
    assert problems(language.messages(module), *checks) == []


def alternatives(page):
    return [alt for _, alt in contract.figures(lessons.read(LESSONS[page]))]


@pytest.mark.parametrize("page", LESSONS)
def test_outputs_use_the_course_terms(page):
    assert problems([*language.printed(LESSONS[page]), *alternatives(page)], language.wrong_terms) == []


@pytest.mark.parametrize("page", LESSONS)
def test_every_figure_has_its_description_in_spanish(page):
    assert alternatives(page) and [alt for alt in alternatives(page) if not language.spanish(alt)] == []


def test_images_in_markdown_have_their_description_in_spanish():
    images = {
        page: [alt for text in texts for alt in language.MARKDOWN_IMAGE.findall(text)]
        for page, texts in PAGES.items()
    }
    assert images["README.md"]
    assert [
        (page, alt)
        for page, alts in images.items()
        for alt in alts
        if not language.SPANISH & set(alt.split())
    ] == []


def test_word_list_is_sorted_and_adds_something():
    words = (language.HERE / "palabras.txt").read_text(encoding="utf-8").split("\n")[:-1]
    assert words == sorted(set(words))
    assert [word for word in words if language.dictionary().lookup(word)] == []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (language.wrong_terms, "El Transformador lee el fichero."),
        (language.wrong_terms, "Baja la velocidad de aprendizaje."),
        (language.wrong_terms, "Mirad vuestras librerías."),
        (language.unbalanced, "Y esto, qué es?\n\n¿Está bien?"),
        (language.unbalanced, "¡Cuidado con la máscara."),
        (language.english, "Aquí queda una frase: this is the end of the line."),
        (language.spaced_thousands, "más de 7 000 libros"),
        (language.unknown_words, "La sigiente palabra."),
        (language.unknown_words, "Una funcion sin tilde."),
    ],
)
def test_each_check_can_fail(check, text):
    assert check(text)


@pytest.mark.parametrize(
    "text",
    [
        "El modelo sigue con *The old man **was** at the door* y con `what is this?`.",
        "Dice «the model is on the Hub?» y $a ? b$. ¿Y tú?",
        "```python\nprint('is it the end?')\n```\nMíralo.",
        "[El artículo](https://a.b/the-model-is-on-the-hub?x=1), 40 478 entradas.",
    ],
)
def test_checks_leave_code_quotes_and_italics_alone(text):
    assert problems([text], *TEXT_CHECKS, language.unknown_words) == []


def test_first_use_can_fail():
    assert language.first_use(["# Ajuste fino", "El ajuste fino es útil."], *TERMS[0])
    assert not language.first_use(
        ["# Ajuste fino", "El **ajuste fino (fine-tuning)** y el ajuste fino."], *TERMS[0]
    )


def test_a_figure_without_description_is_caught():
    assert not language.spanish("") and not language.spanish("Bar chart of the model's loss over training")
