"""Escribe las páginas de consulta, `make paginas`: el glosario y las afirmaciones del artículo.

Salen de `data/glossary.yml` y `data/paper/claims.csv`, que son lo que se edita. Son cuadernos sin código para que se
lean igual en JupyterLab, en GitHub y en Colab; como no llevan número, nadie los toma por lecciones.
"""

import csv
import re
import unicodedata
from collections import Counter
from functools import cache
from itertools import groupby

import nbformat
import yaml

from helpers.spanish import number
from tools import facts, lessons, stamp_address

GLOSSARY = lessons.ROOT / "data" / "glossary.yml"
CLAIMS = facts.PAPER / "claims.csv"
STATUSES = {
    "verificada": "se comprueba en la lección, ejecutándola o haciendo la cuenta con las cifras impresas",
    "a escala reducida": "se intenta lo mismo con un modelo o unos datos mucho menores y se cuenta qué sale; que no "
    "salga a esta escala no desmiente al artículo",
    "no reproducible aquí": "hace falta algo que no se publicó, que no cabe en el curso o que el curso no mide",
    "difiere": "lo que se encuentra no es lo que pone",
}
NOTE = "*Página generada con `make paginas` a partir de `{source}`: se edita ahí.*"


def terms() -> list[dict]:
    return yaml.safe_load(GLOSSARY.read_text(encoding="utf-8"))


def claims() -> list[dict]:
    with CLAIMS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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


def glossary_page() -> list[str]:
    cells = [
        "# Glosario\n\nLos términos del curso, con el inglés que verás en artículos y en código, y la lección que "
        "los presenta.\n\n" + NOTE.format(source="data/glossary.yml")
    ]
    for letter, group in groupby(terms(), key=lambda one: alphabetical(one["term"])[0].upper()):
        lines = [f"## {letter}\n"]
        for one in group:
            english = f" (*{one['english']}*)" if "english" in one else ""
            lines.append(
                f"- **{one['term']}**{english}. {one['definition']} → [{one['lesson']}]({link(one['lesson'])})"
            )
        cells.append("\n".join(lines))
    return cells


def claims_page() -> list[str]:
    found = claims()
    count = Counter(one["status"] for one in found)
    legend = [f"- **{status}** ({count[status]}): {meaning}." for status, meaning in STATUSES.items()]
    cells = [
        "# Afirmaciones del artículo\n\nLo que el artículo de GPT-1 afirma, dónde lo tratamos y en qué ha quedado.\n\n"
        + "\n".join(legend)
        + "\n\n"
        + NOTE.format(source="data/paper/claims.csv")
    ]
    for part, group in groupby(found, key=lambda one: re.split(r" y |, |\.", one["where"])[0]):
        lines = [f"## {part}\n"]
        for one in group:
            place = f"[{one['lesson']} · {one['section']}]({link(one['lesson'], one['section'])})"
            lines.append(
                f"- {fill(one['claim'])} ({one['where']})  \n"
                f"  **{one['status'].capitalize()}**: {fill(one['why'])} → {place}"
            )
        cells.append("\n".join(lines))
    return cells


PAGES = {"glosario.ipynb": glossary_page, "afirmaciones.ipynb": claims_page}


def notebook(sources: list[str]):
    """El cuaderno de una página, con los enlaces como pide la dirección del curso."""
    repo = stamp_address.current()
    cells = [
        nbformat.v4.new_markdown_cell(stamp_address.link_notebooks(source, repo), id=f"pagina-{place:02}")
        for place, source in enumerate(sources)
    ]
    return nbformat.v4.new_notebook(cells=cells)


def main():
    for name, build in PAGES.items():
        changed = lessons.write(lessons.NOTEBOOKS / name, notebook(build()))
        print(f"notebooks/{name}: {'guardada' if changed else 'sin cambios'}")


if __name__ == "__main__":
    main()
