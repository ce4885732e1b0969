"""Leer archivos línea a línea, de modo que todo error diga en cuál y dónde."""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.tasks.task import TaskError


class Place:
    """Un sitio de un archivo: da nombre a los errores y a las filas."""

    def __init__(self, path, line: int | None = None):
        self.path, self.line = Path(path), line

    def error(self, found: str) -> TaskError:
        where = f"{self.path}, línea {self.line}" if self.line else f"{self.path}"
        return TaskError(f"{where}: {found}")

    @property
    def id(self) -> str:
        return f"{self.path.stem}:{self.line}"


@contextmanager
def opened(path: Path, newline: str):
    """Abre un archivo en UTF-8 (con o sin marca inicial) y convierte los errores de lectura en `TaskError`."""
    try:
        with open(path, encoding="utf-8-sig", newline=newline) as file:
            yield file
    except FileNotFoundError:
        raise TaskError(f"No existe {path}.") from None
    except OSError as error:
        raise TaskError(f"No se puede leer {path} ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} no está en UTF-8 (byte {error.start}): conviértelo antes.") from None
    except csv.Error as error:
        raise TaskError(f"{path} no es un CSV que se pueda leer: {error}.") from None


def lines(path: Path) -> Iterator[tuple[Place, str]]:
    """Cada línea no vacía con su sitio. Solo `\\n` separa líneas: un texto puede llevar dentro otros blancos."""
    empty = True
    with opened(path, newline="\n") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\r\n")
            if line.strip():
                empty = False
                yield Place(path, number), line
    if empty:
        raise Place(path).error("está vacío.")


def json_lines(path: Path) -> Iterator[tuple[Place, dict]]:
    for place, line in lines(path):
        yield place, parse_object(place, line)


def parse_object(place: Place, text: str) -> dict:
    try:
        row = json.loads(text)
    except json.JSONDecodeError as error:
        raise place.error(f"no es JSON válido (carácter {error.pos + 1}): {text[:60]!r}.") from None
    if not isinstance(row, dict):
        raise place.error(f"se esperaba un objeto JSON y es {text[:60]!r}.")
    return row


def column(place: Place, row: dict, name: str):
    """`row[name]`, o un `TaskError` que dice qué columnas hay."""
    if row.get(name) is None:
        known = ", ".join(key for key, value in row.items() if value is not None) or "ninguna"
        raise place.error(f"falta la columna «{name}»; se han encontrado: {known}.")
    return row[name]
