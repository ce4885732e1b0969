"""De archivos a textos: lee `.txt` y `.jsonl` (también comprimidos con xz o gzip) y aparta los libros de prueba."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from helpers.files import column, expanded, json_lines, opened

SUFFIXES = (".txt", ".jsonl", ".txt.xz", ".jsonl.xz", ".txt.gz", ".jsonl.gz")


class CorpusError(Exception):
    """El corpus no se puede usar; el mensaje dice qué archivo falla y qué hacer."""


@dataclass(frozen=True)
class Document:
    """Un texto con su título y su autor (vacío si no se sabe)."""

    title: str
    text: str
    author: str = ""

    @property
    def name(self) -> str:
        return f"{self.author} - {self.title}" if self.author else self.title


def find_files(paths) -> list[Path]:
    """Los archivos de texto de `paths` (archivos o carpetas), en orden. Lanza `CorpusError` si no hay ninguno."""
    found = []
    for path in map(expanded, paths):
        if str(path) == ".":
            raise CorpusError(
                "--corpus está vacío o es la carpeta en la que estás: di cuál es la de los textos."
            )
        if path.is_dir():
            found += sorted(
                file for file in path.rglob("*") if file.name.endswith(SUFFIXES) and file.is_file()
            )
        elif path.is_file():
            found.append(path)
        else:
            raise CorpusError(f"No existe {path}: --corpus espera archivos o carpetas de texto.")
    found = list({path.resolve(): path for path in found}.values())  # la misma carpeta dos veces cuenta una
    if not found:
        raise CorpusError(
            f"No hay textos en {', '.join(map(str, paths))}: se leen archivos {', '.join(SUFFIXES)}."
        )
    return found


def read_documents(paths) -> Iterator[Document]:
    """Cada texto no vacío: un `.txt` es uno; en un `.jsonl` hay uno por línea (`{"title", "author", "text"}`)."""
    for path in find_files(paths):
        if ".jsonl" in path.suffixes:
            for place, row in json_lines(path, CorpusError):
                text = column(place, row, "text")
                if not isinstance(text, str):
                    raise place.error(f"la columna «text» debe ser un texto y es {text!r:.60}.")
                if text.strip():
                    yield Document(str(row.get("title") or place.id), text, str(row.get("author") or ""))
            continue
        with opened(path, CorpusError) as file:
            text = file.read()
        if text.strip():
            yield Document(path.name.split(".")[0], text)


def split_held_out(documents, titles=None, every: int = 0) -> tuple[list[Document], list[Document]]:
    """(entrenamiento, prueba). La prueba son los `titles` dados o, si no, uno de cada `every` documentos.

    Lanza `CorpusError` si alguno de los `titles` no está o si alguna de las dos partes queda vacía.
    """
    documents = list(documents)
    if titles:
        wanted = set(titles)
        missing = wanted - {document.title for document in documents}
        if missing:
            raise CorpusError(
                f"En el corpus faltan {len(missing)} libros de prueba, por ejemplo «{min(missing)}»."
            )
        held_out = [document for document in documents if document.title in wanted]
    else:
        held_out = documents[every - 1 :: every] if every else []
    chosen = set(map(id, held_out))
    training = [document for document in documents if id(document) not in chosen]
    if not training or not held_out:
        raise CorpusError(
            f"Hacen falta textos para entrenar y para probar, y han quedado {len(training)} y {len(held_out)}: "
            + (
                "añade documentos."
                if len(documents) < 2
                else f"con --held-out, elige de 2 a {len(documents)}."
            )
        )
    return training, held_out


def read_titles(path) -> list[str]:
    """Los títulos de la columna `title` de un archivo TSV con cabecera. Lanza `CorpusError` si no los hay."""
    if not expanded(path).exists():
        raise CorpusError(
            f"No existe {path}: --held-out espera un TSV con la columna «title», o un entero n, desde 2, para "
            "apartar uno de cada n textos."
        )
    with opened(path, CorpusError) as file:
        lines = file.read().splitlines() or [""]
    columns = lines[0].split("\t")
    if columns.count("title") > 1:
        raise CorpusError(f"{path}: la columna «title» está {columns.count('title')} veces: deja una.")
    if "title" not in columns:
        raise CorpusError(f"{path}: falta la columna «title» (hay {', '.join(columns)}).")
    rows = [line.split("\t") for line in lines[1:] if line.strip()]
    if any(len(row) <= columns.index("title") for row in rows):
        raise CorpusError(f"{path}: hay filas sin la columna «title», o no están separadas por tabuladores.")
    return [row[columns.index("title")] for row in rows]
