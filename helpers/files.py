"""Leer archivos de texto de modo que todo error diga en cuál y dónde, y escribir JSON de una vez."""

import csv
import errno
import gzip
import json
import lzma
import math
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

OPENERS = {".xz": lzma.open, ".gz": gzip.open}
# Qué ha pasado, por el número de error del sistema. En Windows faltan algunos.
WHY = {
    getattr(errno, name): told
    for name, told in {
        "ENOSPC": "no queda sitio en el disco",
        "EDQUOT": "has agotado tu cuota de disco",
        "EFBIG": "el archivo pasa del tamaño que se admite",
        "EROFS": "el disco es de solo lectura",
        "EACCES": "no tienes permiso",
        "EPERM": "no tienes permiso",
        "ENOTDIR": "una parte de la ruta es un archivo",
        "EISDIR": "es una carpeta",
        "EEXIST": "ya hay un archivo con ese nombre",
        "ENOENT": "no existe",
        "ENAMETOOLONG": "el nombre es demasiado largo",
        "EINVAL": "el nombre no vale",
        "ELOOP": "la ruta da vueltas entre enlaces",
        "EBUSY": "otro programa lo está usando",
        "ETXTBSY": "otro programa lo está usando",
        "EMFILE": "hay demasiados archivos abiertos",
        "ENFILE": "hay demasiados archivos abiertos",
        "EIO": "el disco ha fallado",
        "ENODEV": "el disco ya no está",
        "ENXIO": "el disco ya no está",
        "ESTALE": "la carpeta de red ya no está",
        "ETIMEDOUT": "la carpeta de red no contesta",
    }.items()
    if hasattr(errno, name)
}


def why(error: OSError) -> str:
    """Qué ha pasado, en español y sin punto; lo que el sistema no numera es un archivo cortado."""
    if error.errno is None:
        return "está cortado o dañado"
    return WHY.get(error.errno) or f"error {error.errno} del sistema"


def expanded(path) -> Path:
    """`path` con su `~`, si lo lleva, cambiado por la carpeta personal, que la terminal deja en `--out=~/x`."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no hay tal usuario: una ruta que no existe
        return Path(path)


class Place:
    """Un sitio de un archivo: da nombre a las filas y a los errores, que son de la clase `kind`."""

    def __init__(self, path, line: int | None = None, *, kind: type[Exception]):
        self.path, self.line, self.kind = Path(path), line, kind

    def error(self, found: str) -> Exception:
        where = f"{self.path}, línea {self.line}" if self.line else f"{self.path}"
        return self.kind(f"{where}: {found}")

    @property
    def id(self) -> str:
        return f"{self.path.stem}:{self.line}"


@contextmanager
def opened(path, kind: type[Exception], newline: str | None = None):
    """Abre un texto en UTF-8 (con o sin marca inicial; también .xz y .gz); si no se puede leer, lanza un `kind`."""
    path = expanded(path)
    try:
        with OPENERS.get(path.suffix, open)(path, "rt", encoding="utf-8-sig", newline=newline) as file:
            yield file
    except FileNotFoundError:
        raise kind(f"No existe {path}: comprueba la ruta.") from None
    except UnicodeDecodeError:
        raise kind(
            f"{path} no está en UTF-8: guárdalo como UTF-8 (por ejemplo, con iconv -t utf-8)."
        ) from None
    except IsADirectoryError:
        raise kind(f"{path} es una carpeta y se esperaba un archivo.") from None
    except OSError as error:
        raise kind(f"No se puede leer {path}: {why(error)}.") from None
    except (EOFError, lzma.LZMAError, zlib.error):
        raise kind(f"No se puede leer {path}: está cortado o dañado.") from None
    except csv.Error as error:
        raise kind(f"{path} no es un CSV que se pueda leer: {error}.") from None


def lines(path, kind: type[Exception]) -> Iterator[tuple[Place, str]]:
    """Cada línea no vacía con su sitio. Solo `\\n` separa líneas: un texto puede llevar dentro otros blancos."""
    empty = True
    with opened(path, kind, newline="\n") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\r\n")
            if line.strip():
                empty = False
                yield Place(path, number, kind=kind), line
    if empty:
        raise Place(path, kind=kind).error("está vacío y hace falta al menos una línea.")


def json_lines(path, kind: type[Exception]) -> Iterator[tuple[Place, dict]]:
    """Cada línea de un JSONL, un objeto, con su sitio."""
    for place, line in lines(path, kind):
        yield place, parse_object(place, line)


class _Repeated(ValueError):
    """La clave que un objeto JSON repite: Python se quedaría, sin decirlo, con la última."""


def _once(pairs: list) -> dict:
    if len(row := dict(pairs)) < len(pairs):
        raise _Repeated(Counter(key for key, _ in pairs).most_common(1)[0][0])
    return row


def parse_object(place: Place, text: str) -> dict:
    """El objeto JSON que hay en `text`, o un error que dice en qué carácter deja de serlo."""
    try:
        row = json.loads(text, object_pairs_hook=_once)
        if "\\u" in text:
            json.dumps(row, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise place.error(f"no es JSON válido (carácter {error.pos + 1}): {text[:60]!r}.") from None
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):x}"
        raise place.error(f"trae media letra ({half}) y se esperaba una entera: borra esa línea.") from None
    except _Repeated as error:
        raise place.error(f"la clave «{error!s:.60}» está dos veces: deja una.") from None
    except (ValueError, RecursionError):
        raise place.error(
            "no se puede leer: trae listas dentro de listas sin fin, o un número de miles de cifras; borra esa línea."
        ) from None
    if not isinstance(row, dict):
        raise place.error(f"se esperaba un objeto JSON y es {text[:60]!r}.")
    return row


def column(place: Place, row: dict, name: str):
    """`row[name]`, o un error que dice qué columnas hay."""
    if row.get(name) is None:
        known = ", ".join(key for key, value in row.items() if value is not None) or "ninguna"
        raise place.error(f"falta la columna «{name}»; se han encontrado: {known}.")
    return row[name]


def read_json(path, kind: type[Exception]):
    """Lo que hay en un JSON, o un `kind` si no está o no se entiende."""
    with opened(path, kind) as file:
        try:
            return json.load(file)
        except (ValueError, RecursionError):
            raise kind(f"{path} está dañado: no es JSON. Recupera el archivo o borra su carpeta.") from None


def write_json(path, value) -> None:
    """Escribe `value` en `path`, de una vez; lo que no es un número finito, que JSON no tiene, va como `null`."""
    try:
        text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), indent=1, ensure_ascii=False)
    write_text(path, text)


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_finite, value))
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_text(path, text: str) -> None:
    """Escribe `text` en `path` de una vez: si el proceso muere, queda el archivo de antes y no uno a medias."""
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):  # /dev/null no se sustituye por un archivo
        path.write_text(text, encoding="utf-8")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".tmp")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()  # con el disco lleno, se crea y se queda vacío
        error.filename = error.filename or str(path)  # lo que falla al escribir no dice dónde
        raise
