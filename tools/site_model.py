"""Lo que pide la página «Juega con gpt1-mini»: los pesos tal como se guardan, el vocabulario y las reglas de spaCy."""

import json
import shutil
from pathlib import Path

from helpers.models import MINI
from helpers.words import Splitter

FILES = ("model.safetensors", "config.json", "vocab.json", "merges.txt")
# Lo que en Python y en JavaScript (con la marca «u») se escribe distinto; dentro de [ ] y fuera es lo mismo.
SAME = {r"\w": r"[\p{L}\p{N}_]", r"\d": r"\p{Nd}"}
INSIDE = {r"\w": r"\p{L}\p{N}_", r"\d": r"\p{Nd}"}
KEPT = set(r"^$\.*+?()[]{}|/") | set("sSbBuxnrtfv")  # escapes que JavaScript entiende igual


def to_javascript(pattern: str) -> str:
    """La misma expresión regular de Python, para `new RegExp(…, "u")`."""
    out, inside, place = [], False, 0
    pattern = pattern.removeprefix("(?u)")
    while place < len(pattern):
        one = pattern[place]
        two = pattern[place : place + 2]
        if two[:1] == "\\":
            if two in SAME:
                out.append((INSIDE if inside else SAME)[two])
            elif two == r"\U":
                out.append(f"\\u{{{int(pattern[place + 2 : place + 10], 16):X}}}")
                place += 8
            elif two[1] in KEPT or (inside and two[1] == "-"):
                out.append(two)
            else:
                out.append(two[1])
            place += 2
            continue
        if inside and one == "[":
            out.append("\\[")
        else:
            inside = (inside or one == "[") and not (inside and one == "]")
            out.append(one)
        place += 1
    return "".join(out)


def words() -> dict:
    """Las reglas de `helpers.words.Splitter`, para que el navegador parta las palabras igual."""
    splitter = Splitter()
    source = splitter.source
    return {
        "rules": splitter.rules,
        "specials": {
            first: [case for cases in lengths.values() for case in sorted(cases)]
            for first, lengths in splitter.specials.items()
        },
        "prefix": to_javascript(splitter.prefix.pattern),
        "suffix": to_javascript(source.suffix_search.__self__.pattern),
        "infix": to_javascript(source.infix_finditer.__self__.pattern),
        "url": to_javascript(source.url_match.__self__.pattern),
    }


def export(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(MINI / name, folder / name)
    (folder / "words.json").write_text(json.dumps(words(), ensure_ascii=False), encoding="utf-8")
