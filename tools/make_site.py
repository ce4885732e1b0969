"""Monta el sitio en `_site/html`: las lecciones tal como están guardadas, para leerlas en un teléfono (`make sitio`).

No ejecuta nada ni necesita red. De los cuadernos solo cambia lo que un sitio pide de otra manera: los enlaces, lo que
viene plegado y las marcas que no se leen. Lo demás está en `site/`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from helpers.exercises.checking import catalogue
from tools import lessons, measures, setup_cell, site_model, stamp_address

ROOT = lessons.ROOT
OUT = ROOT / "_site"
TO_CELL = re.compile(r"\]\((\w+)\.ipynb#cell-id=([\w-]+)\)")
HTML_LINK = re.compile(
    r'href="(\w+)\.ipynb(?:#cell-id=([\w-]+))?"'
)  # el de un buscador, en la salida de una celda
MARK = re.compile(r"<!--h:[^>]*-->")
BADGE = re.compile(r"(\[!\[Abrir en Colab\]\()[^)]*\)")
NOTE = re.compile(r"\n\*Página generada con .*?\*(?=\n|$)")  # para quien edita el curso, no para quien lo lee
TITLE = re.compile(r"^### (Ejercicio .+)$", re.M)
MARKDOWN = re.compile(r"([\\<>*_$\[\]])")
TABLE = re.compile(r"^\| \| Lección .*?(?=\n\n)", re.M | re.S)


def prepared(source: str) -> str:
    """Un texto como lo quiere el sitio: enlaces a sus páginas, la insignia de Colab de aquí y nada que no se lea."""
    source = stamp_address.link_notebooks(NOTE.sub("", MARK.sub("", source)), "")
    source = BADGE.sub(r"\1abrir_en_colab.svg)", TO_CELL.sub(r"](#celda-\2)", source))
    return re.sub(r"\.\./README\.md(#las-lecciones)?", r"index.md\1", source)


def pages(cell) -> list[dict]:
    """Las salidas de una celda que llevan HTML."""
    return [output.data for output in cell.get("outputs", []) if "text/html" in output.get("data", {})]


def linked_cells(notebooks) -> set[str]:
    """Los identificadores de las celdas que enlaza algún texto o alguna salida."""
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    texts = [stamp_address.link_notebooks(cell.source, "") for cell in cells if cell.cell_type == "markdown"]
    written = [page["text/html"] for cell in cells for page in pages(cell)]
    return {ident for text in texts for _, ident in TO_CELL.findall(text)} | {
        ident for text in written for _, ident in HTML_LINK.findall(text)
    }


def cells_for_site(cells, linked):
    """Las celdas, con su ancla las que alguien enlaza y plegada la de puesta en marcha, que aquí no se ejecuta."""
    for cell in cells:
        # un ancla pide un párrafo detrás, y una celda puede empezar por HTML
        anchor = f"(celda-{cell.id})=\n<span></span>\n\n" if cell.id in linked else ""
        if cell.cell_type == "markdown":
            cell.source = anchor + prepared(cell.source)
        elif anchor:
            yield nbformat.v4.new_markdown_cell(anchor)
        if setup_cell.TAG in lessons.tags(cell):
            cell.metadata["tags"] = [*lessons.tags(cell), "hide-input"]
        if "make_pages.show(" in cell.source:  # el buscador ya está en marcha: su código no dice nada
            cell.metadata["tags"] = [*lessons.tags(cell), "remove-input"]
        for page in pages(cell):
            page["text/html"] = HTML_LINK.sub(_to_page, page["text/html"])
        yield cell


def _to_page(link: re.Match) -> str:
    return f'href="{link[1]}.html' + (f'#celda-{link[2]}"' if link[2] else '"')


def lesson_table() -> str:
    """La tabla de lecciones del README, que es donde se escribe."""
    (table,) = TABLE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    return table.replace("(notebooks/", "(")


def exercises(number: str):
    """(título, nombre) de los ejercicios de una lección, en su orden; alguno nació en otra."""
    (path,) = lessons.find(number)
    for cell in lessons.read(path).cells:
        if cell.cell_type == "markdown":
            title = (TITLE.findall(cell.source) or [""])[-1]
        for tag in lessons.tags(cell):
            if tag.startswith("exercise:"):
                yield title, tag.removeprefix("exercise:")


def literal(text: str) -> str:
    """Una frase de las que se imprimen, para que Markdown la deje igual: «<unk>» no es HTML. Respeta el `código`."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(piece if piece.startswith("`") else MARKDOWN.sub(r"\\\1", piece) for piece in pieces)


def mistakes(number: str) -> str:
    """Los errores típicos de una lección, del catálogo con que se corrigen sus ejercicios."""
    lines = []
    for title, name in exercises(number):
        told = dict.fromkeys(mistake.message for mistake in catalogue(name[:2])[name].mistakes)
        lines += [f"**{title}**", "", *(f"- {literal(message)}" for message in told), ""] if told else []
    if not lines:
        return ""
    return "\n".join(
        [f"<details><summary>Los errores típicos de la {number}</summary>", "", *lines, "</details>"]
    )


def filled(text: str) -> str:
    """Una página de `site/` con lo que se escribe en otra parte: la tabla de lecciones, sus minutos y sus errores."""
    rows = {row[:2]: row for row in re.findall(r"^\| (\d\d \|.*)$", lesson_table(), re.M)}

    def lesson(found: re.Match) -> str:
        _, title, _, reading, _ = (part.strip() for part in rows[found[1]].strip("|").split("|"))
        return "\n\n".join(filter(None, (f"{title}: {reading} de lectura y ejercicios.", mistakes(found[1]))))

    text = text.replace("<!-- lecciones -->", lesson_table())
    text = text.replace("<!-- medidas -->", measures.page("medidas.svg"))
    return re.sub(r"<!-- errores de la (\d\d) -->", lesson, text)


def prepare(folder: Path) -> None:
    """Deja en `folder` todo lo que lee Sphinx."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "site", folder)
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    notebooks = [lessons.read(path) for path in paths]
    linked = linked_cells(notebooks)
    for path, notebook in zip(paths, notebooks, strict=True):
        notebook.cells = list(cells_for_site(notebook.cells, linked))
        nbformat.write(notebook, folder / path.name)
    for name in ("portada.png", "abrir_en_colab.svg"):
        shutil.copy(ROOT / "data" / name, folder)
    shutil.copy(ROOT / "notebooks" / "consulta.md", folder)
    for page in folder.glob("*.md"):
        page.write_text(prepared(filled(page.read_text(encoding="utf-8"))), encoding="utf-8")
    measures.draw(folder / "medidas.svg")
    site_model.export(folder / "_static" / "gpt1-mini")


def build(out: Path = OUT) -> int:
    """Monta el sitio en `out/html`; un aviso de Sphinx (un enlace que no lleva a nada, por ejemplo) es un error."""
    prepare(out / "source")
    shutil.rmtree(out / "html", ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-b",
        "html",
        "-d",
        str(out / "doctrees"),
    ]
    return subprocess.run(
        [*command, str(out / "source"), str(out / "html")], cwd=ROOT, check=False
    ).returncode


def main() -> int:
    failed = build()
    if not failed:
        print("El sitio está en _site/html. Para verlo: .venv/bin/python -m http.server -d _site/html 8000")
    return failed


if __name__ == "__main__":
    sys.exit(main())
