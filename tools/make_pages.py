"""Escribe las páginas de consulta, `make paginas`: el glosario y las afirmaciones; y la tabla de medidas del README.

Salen de `data/glossary.yml` y `data/paper/claims.csv`, que son lo que se edita. La lista es Markdown, para que se lea
igual en JupyterLab, en GitHub y en Colab; encima, una celda con el buscador (`helpers.lookup`). Como no llevan número,
nadie los toma por lecciones.
"""

import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import groupby

import nbformat
import yaml

from helpers.claims import VERDICTS, claims
from helpers.lookup import Card, search
from helpers.spanish import number
from tools import facts, lessons, measures, stamp_address

GLOSSARY = lessons.ROOT / "data" / "glossary.yml"
SQUARES = dict(zip(VERDICTS, "🟦🟩🟧⬜🟥", strict=True))  # los colores de la figura, en texto
NOTE = "*Página generada con `make paginas` a partir de `{source}`: se edita ahí.*"


def terms() -> list[dict]:
    return yaml.safe_load(GLOSSARY.read_text(encoding="utf-8"))


def alphabetical(text: str) -> str:
    """La clave con la que se ordena un término: sin tildes ni mayúsculas."""
    plain = unicodedata.normalize("NFD", text.lower().replace("ñ", "nzz"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


@cache
def link(lesson: str, section: str = "") -> str:
    """La dirección de una lección, o de la celda en que empieza una de sus secciones, desde otro cuaderno."""
    (path,) = lessons.find(lesson)
    if not section:
        return path.name
    for cell in lessons.read(path).cells:
        if cell.cell_type == "markdown" and re.search(
            rf"^##+ +{re.escape(section)} *$", cell.source, re.MULTILINE
        ):
            return f"{path.name}#cell-id={cell.id}"  # JupyterLab solo encuentra así los títulos con tildes
    raise SystemExit(f"La lección {lesson} no tiene ninguna sección «{section}».")


def fill(text: str) -> str:
    """Pone las cifras: `{perplejidad}` se escribe y se marca como en la prosa; `{a - b}` se calcula.

    Con un decimal, o con los que se pidan: `{a - b:2}`, con dos.
    """

    def figure(found):
        fact = facts.load().get(found[1])
        if fact is None:
            return number(facts.evaluate(found[1]), int(found[2] or 1))
        return f"{(fact['written'] or fact['also'])[0]}<!--h:{found[1]}-->"

    return re.sub(r"\{([^{}]+?)(?::(\d))?\}", figure, text)


@cache
def place_of(lesson: str, form: str) -> str:
    """La dirección de la primera celda de texto en que la lección escribe un término."""
    (path,) = lessons.find(lesson)
    for cell in lessons.read(path).cells:
        if cell.cell_type == "markdown" and re.search(
            rf"(?<!\w){re.escape(form)}", cell.source, re.IGNORECASE
        ):
            return f"{path.name}#cell-id={cell.id}"
    return path.name


def glossary_cards() -> list[Card]:
    cards = []
    for one in terms():
        english = f" (*{one['english']}*)" if "english" in one else ""
        form = one.get("appears", one["term"].split(" y ")[0])
        link = place_of(one["lesson"], form), f"→ lección {one['lesson']}"
        cards.append(Card(one["term"] + english, one["definition"], f"lección {one['lesson']}", link))
    return cards


def claims_cards() -> list[Card]:
    return [
        Card(
            f"{fill(one['claim'])} ({one['where']})", f"**{one['status'].capitalize()}.** {fill(one['why'])}",
            one["status"], (link(one["lesson"], one["section"]), f"→ {one['lesson']} · {one['section']}"),
        )
        for one in claims()
    ]  # fmt: skip


def glossary_page() -> list[str]:
    cells = [
        "# Glosario\n\nLos términos del curso, con el inglés que verás en artículos y en código, y un enlace al lugar "
        "de la lección que los presenta.\n\n" + NOTE.format(source="data/glossary.yml")
    ]
    cards = glossary_cards()
    for letter, group in groupby(cards, key=lambda one: alphabetical(one.title)[0].upper()):
        lines = [f"## {letter}\n"]
        for one in group:
            term, _, english = one.title.partition(" (")
            lines.append(
                f"- **{term}**{' (' + english if english else ''}. {one.text} [→ {one.kind[-2:]}]({one.link[0]})"
            )
        cells.append("\n".join(lines))
    return cells


def claims_page() -> list[str]:
    found = claims()
    count = Counter(one["status"] for one in found)
    legend = ["| | Veredicto | Cuántas | Qué quiere decir |", "|---|---|---:|---|"] + [
        f"| {SQUARES[status]} | **{status}** | {count[status]} | {meaning} |"
        for status, (_, meaning) in VERDICTS.items()
    ]
    cells = [
        "# Afirmaciones del artículo\n\nLo que el artículo de GPT-1 afirma, en qué ha quedado y la celda que lo trata. "
        f"Son {len(found)}. Tus veredictos, al lado de estos, en la [lección 10]({link('10')}).\n\n"
        + "\n".join(legend) + "\n\n" + NOTE.format(source="data/paper/claims.csv")
    ]  # fmt: skip
    for part, group in groupby(zip(found, claims_cards(), strict=True), key=lambda pair: pair[0]["part"]):
        lines = [f"## {part}\n"]
        lines += [
            f"- {SQUARES[card.kind]} {card.title}  \n  {card.text} [{card.link[1]}]({card.link[0]})"
            for _, card in group
        ]
        cells.append("\n".join(lines))
    return cells


def show(page: str):
    """El buscador de una página, «glosario» o «afirmaciones»: es lo que ejecuta su celda.

    Sus enlaces son siempre relativos: se ejecuta donde están los demás cuadernos. Los de la lista sí se sellan.
    """
    if page == "glosario":
        cards = glossary_cards()
        return search(
            "buscar-termino", cards, dict.fromkeys(sorted({one.kind for one in cards}), "#0072B2"), "Lección"
        )
    return search(
        "buscar-afirmacion",
        claims_cards(),
        {name: color for name, (color, _) in VERDICTS.items()},
        "Veredicto",
    )


PAGES = {"glosario.ipynb": glossary_page, "afirmaciones.ipynb": claims_page}
SEARCH = """\
# El buscador: ejecuta esta celda (Mayús + Intro) y escribe. La lista entera está debajo.
import sys
from pathlib import Path

sys.path[:0] = [str(p) for p in (Path.cwd(), *Path.cwd().parents) if (p / "helpers").is_dir()][:1]

from tools import make_pages

make_pages.show("{page}")"""


def notebook(name: str):
    """El cuaderno de una página, con los enlaces como pide la dirección del curso y su buscador ya dibujado."""
    repo, page = stamp_address.current(), name.removesuffix(".ipynb")
    first, *rest = (
        nbformat.v4.new_markdown_cell(stamp_address.link_notebooks(source, repo), id=f"pagina-{place:02}")
        for place, source in enumerate(PAGES[name]())
    )
    found = show(page)
    output = nbformat.v4.new_output(
        "execute_result",
        {"text/html": found.data, "text/plain": "<IPython.core.display.HTML object>"},
        execution_count=1,
    )
    code = nbformat.v4.new_code_cell(
        SEARCH.format(page=page), id="pagina-buscar", execution_count=1, outputs=[output]
    )
    return nbformat.v4.new_notebook(cells=[first, code, *rest])


def main():
    for name in PAGES:
        changed = lessons.write(lessons.NOTEBOOKS / name, notebook(name))
        print(f"notebooks/{name}: {'guardada' if changed else 'sin cambios'}")
    measures.fill_readme()


if __name__ == "__main__":
    main()
