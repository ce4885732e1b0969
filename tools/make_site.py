"""Monta el sitio en `_site/`: las lecciones tal como están guardadas, para leerlas en un teléfono. `make sitio` lo llama.

No ejecuta nada ni necesita red. Cada cuaderno pasa por `prepared`, que solo cambia lo que un sitio pide de otra manera:
los enlaces entre cuadernos y a una celda, y las marcas que no se leen.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from helpers.exercises.checking import catalogue
from tools import lessons, make_site_model

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "site"
OUT = ROOT / "_site"
TO_CELL = re.compile(r"\]\((\w+)\.ipynb#cell-id=([\w-]+)\)")
MARK = re.compile(r"<!--h:[^>]*-->")


def prepared(source: str) -> str:
    """El texto de una celda: sin marcas y con los enlaces que entiende el sitio."""
    source = TO_CELL.sub(r"](#\2)", MARK.sub("", source))
    return source.replace("../README.md#las-lecciones", "index.md#las-lecciones").replace(
        "../README.md", "index.md"
    )


def linked_cells(notebooks) -> set[str]:
    return {
        ident
        for notebook in notebooks
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for _, ident in TO_CELL.findall(cell.source)
    }


def with_targets(cells, wanted):
    """Las celdas, con un ancla delante de las que alguien enlaza."""
    for cell in cells:
        if cell.id in wanted and cell.cell_type == "markdown":
            cell.source = f"({cell.id})=\n{cell.source}"
        elif cell.id in wanted:
            yield nbformat.v4.new_markdown_cell(f"({cell.id})=\n\n")
        yield cell


README_TABLE = re.compile(r"^\| \| Lección .*?(?=\n\n)", re.M | re.S)
EXERCISE = re.compile(r"^### Ejercicio (\S+) · (.+?)(?: [●○]+.*)?$", re.M)


def lesson_table() -> str:
    """La tabla de lecciones del README, que es donde se escribe."""
    (table,) = README_TABLE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    return table.replace("(notebooks/", "(")


def mistakes(number: str) -> str:
    """Los errores típicos de una lección, del catálogo con que se corrigen sus ejercicios."""
    lines = []
    for name, exercise in catalogue(number).items():
        told = dict.fromkeys(mistake.message for mistake in exercise.mistakes)
        lines += [f"**`{name}`**", "", *(f"- {message}" for message in told), ""] if told else []
    summary = f"Los errores típicos de la {number}"
    return "\n".join([f"<details><summary>{summary}</summary>", "", *lines, "</details>"]) if lines else ""


def for_teachers(text: str) -> str:
    """La página para quien da clase, con el título, los minutos y los errores de cada lección en su sitio."""
    rows = {row[:2]: row for row in re.findall(r"^\| (\d\d \|.*)$", lesson_table(), re.M)}

    def section(found: re.Match) -> str:
        number = found[1]
        _, title, _, reading, _ = (part.strip() for part in rows[number].strip("|").split("|"))
        return f"### {number} · {title}\n\n{reading} de lectura y ejercicios.\n\n{mistakes(number)}\n\n**Para discutir**"

    return re.sub(r"%LECCIÓN (\d\d)%", section, text)


def prepare(folder: Path) -> None:
    """Deja en `folder` todo lo que lee Sphinx."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SITE, folder)
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    notebooks = [lessons.read(path) for path in paths]
    wanted = linked_cells(notebooks)
    for path, notebook in zip(paths, notebooks, strict=True):
        notebook.cells = list(with_targets(notebook.cells, wanted))
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = prepared(cell.source)
        nbformat.write(notebook, folder / path.name)
    guide = (ROOT / "notebooks" / "consulta.md").read_text(encoding="utf-8")
    (folder / "consulta.md").write_text(prepared(guide), encoding="utf-8")
    shutil.copy(ROOT / "data" / "portada.png", folder)
    for name, change in (
        ("index.md", lambda text: text.replace("%LECCIONES%", lesson_table())),
        ("profesorado.md", for_teachers),
    ):
        page = folder / name
        page.write_text(prepared(change(page.read_text(encoding="utf-8"))), encoding="utf-8")
    make_site_model.export(folder / "_static" / "gpt1-mini")


def build(source: Path, out: Path) -> int:
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-d", str(source.parent / "doctrees")]
    return subprocess.run([*command, str(source), str(out)], check=False).returncode


def main() -> int:
    prepare(OUT / "source")
    return build(OUT / "source", OUT / "html")


if __name__ == "__main__":
    sys.exit(main())
