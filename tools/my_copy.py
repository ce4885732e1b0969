"""La copia de quien sigue el curso: sus cuadernos están en `mi_curso/`, que git no mira, y las lecciones no se tocan.

Cada copia lleva en sus metadatos la huella del texto con el que se entregó. Si su texto sigue teniéndola, aunque se
haya ejecutado, una edición nueva la sustituye; si no, la nueva se deja al lado: `03_….nuevo.ipynb`. La página de
consulta, que es para leer, se sustituye siempre.
"""

import hashlib
import itertools
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "mi_curso"
STAMP = "edicion_del_curso"


def refresh(root=ROOT):
    """Pone al día `mi_curso/` con lo que hay en `notebooks/`; devuelve una frase por cada cosa que ha cambiado.

    No toca nada de lo que se ha escrito en los cuadernos; lo borrado vuelve.
    """
    folder = root / FOLDER
    first_time = not folder.exists()
    folder.mkdir(exist_ok=True)
    sentences = [deliver(path, folder) for path in sorted((root / "notebooks").glob("*.ipynb"))]
    sentences += [deliver_page(path, folder) for path in sorted((root / "notebooks").glob("*.md"))]
    if first_time:
        return [f"Tus cuadernos están en {FOLDER}/: son tuyos y una edición nueva no los pisará."]
    return [sentence for sentence in sentences if sentence]


def deliver(path, folder):
    """Entrega un cuaderno en `folder`; devuelve qué ha hecho, o `None` si esa edición ya estaba."""
    edition = read(path)
    mark = fingerprint(edition)
    edition["metadata"][STAMP] = mark
    for number in itertools.count():
        suffix = ("", ".nuevo")[number] if number < 2 else f".nuevo-{number}"
        place = folder / f"{path.stem}{suffix}.ipynb"
        mine = read_mine(place)
        if mine is None or is_untouched(mine) and mark != mine["metadata"][STAMP]:
            text = json.dumps(edition, indent=1, ensure_ascii=False) + "\n"
            place.write_text(text, encoding="utf-8", newline="\n")
            if suffix:
                return f"{path.name}: como has escrito en la tuya, la edición nueva está al lado, en {place.name}."
            return f"{path.name}: puesta al día." if mine else f"{path.name}: copiada."
        if mark in (mine["metadata"].get(STAMP), fingerprint(mine)):
            return None


def deliver_page(path, folder):
    """Entrega una página para leer; devuelve qué ha hecho, o `None` si ya era la de esta edición."""
    place, text = folder / path.name, path.read_bytes()
    before = place.read_bytes() if place.exists() else None
    if before == text:
        return None
    place.write_bytes(text)
    return f"{path.name}: {'copiada' if before is None else 'puesta al día'}."


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_mine(path):
    """El cuaderno que hay en un sitio o `None`; uno estropeado cuenta como escrito por quien lo tiene."""
    try:
        return read(path) if path.exists() else None
    except ValueError:
        return {"cells": [], "metadata": {}}


def fingerprint(notebook):
    """Huella del texto de las celdas: ni salidas ni metadatos, que cambian al ejecutar, ni celdas vacías."""
    cells = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps([cell for cell in cells if cell[1].strip()]).encode()).hexdigest()[:16]


def is_untouched(notebook):
    return notebook["metadata"].get(STAMP) == fingerprint(notebook)


def main():
    print("\n".join(refresh()) or f"{FOLDER}/ ya tiene la última edición.", flush=True)


if __name__ == "__main__":
    main()
