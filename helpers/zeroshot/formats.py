"""Los formatos públicos de DPR, WSC, BLiMP y LAMBADA: cada fila, de un archivo o del Hub, es un registro."""

import re
from functools import partial
from pathlib import Path

from helpers.files import Place, column, json_lines, lines
from helpers.tasks import TaskError
from helpers.zeroshot.records import LastWord, MinimalPair, PronounSchema

_POSSESSIVES = ("my", "your", "his", "its", "our", "their")


def dpr_row(place: Place, row: dict) -> PronounSchema:
    """Rahman y Ng (2012): `sentence`, `pronoun`, `candidates` y `label`.

    Si el pronombre sale varias veces, es el primero: así lo dicen sus autores.
    """
    sentence, pronoun = column(place, row, "sentence"), column(place, row, "pronoun")
    found = re.search(rf"\b{re.escape(pronoun)}\b", sentence, re.IGNORECASE)
    if not found:
        raise place.error(f"el pronombre «{pronoun}» no está en «{sentence}».")
    return _schema(
        place, sentence, found.span(), column(place, row, "candidates"), column(place, row, "label")
    )


def wsc_row(place: Place, row: dict) -> PronounSchema:
    """Winograd Schema Challenge: `text`, `pronoun`, `pronoun_loc` (en caracteres), `options` y `label`."""
    text, pronoun, start = (column(place, row, name) for name in ("text", "pronoun", "pronoun_loc"))
    end = start + len(pronoun)
    if text[start:end].lower() != pronoun.lower():
        raise place.error(f"en la posición {start} se esperaba «{pronoun}» y está «{text[start:end]}».")
    return _schema(place, text, (start, end), column(place, row, "options"), column(place, row, "label"))


def _schema(place, text, span, candidates, right) -> PronounSchema:
    """Un pronombre posesivo se sustituye por un candidato con `'s`; `her` se deja como está, porque puede no serlo."""
    before, after = text[: span[0]].strip(), text[span[1] :].strip()
    if not after:
        raise place.error(f"en «{text}» no queda nada detrás del pronombre: no hay resto que puntuar.")
    if not 0 <= int(right) < len(candidates):
        raise place.error(
            f"la columna «label» dice «{right}» y hay {len(candidates)} candidatos, desde el 0."
        )
    if text[slice(*span)].lower() in _POSSESSIVES:
        candidates = [name if name.endswith(("'s", "s'")) else f"{name}'s" for name in candidates]
    return PronounSchema(before, after, tuple(candidates), int(right))


def blimp_row(place: Place, row: dict) -> MinimalPair:
    """BLiMP: `sentence_good` y `sentence_bad`; el fenómeno, en `linguistics_term` (12) o, si falta, en `UID` (67)."""
    phenomenon = row.get("linguistics_term") or row.get("UID") or place.path.stem
    return MinimalPair(column(place, row, "sentence_good"), column(place, row, "sentence_bad"), phenomenon)


def lambada_row(place: Place, row: dict) -> LastWord:
    """LAMBADA: `text`; la palabra que se pide es la última."""
    context, _, word = column(place, row, "text").strip().rpartition(" ")
    if not context.strip():
        raise place.error(f"«{row['text']}» no tiene texto antes de la última palabra.")
    return LastWord(context.strip(), word)


def dpr_blocks(path: Path):
    """El archivo original de DPR: frase, pronombre, candidatos separados por comas, respuesta y una línea en blanco."""
    found = list(lines(path, TaskError))
    for start in range(0, len(found), 4):
        place, block = found[start][0], [line.strip() for _, line in found[start : start + 4]]
        if len(block) < 4:
            raise place.error("se esperaban cuatro líneas: frase, pronombre, candidatos y respuesta.")
        sentence, pronoun, names, answer = block
        candidates = [name.strip() for name in names.split(",")]
        if answer not in candidates:
            raise place.error(f"la respuesta «{answer}» no es ninguno de los candidatos «{names}».")
        label = candidates.index(answer)
        yield place, {"sentence": sentence, "pronoun": pronoun, "candidates": candidates, "label": label}


def text_lines(path: Path):
    """El LAMBADA de texto: un párrafo por línea."""
    for place, line in lines(path, TaskError):
        yield place, {"text": line}


# Nombre → (una fila, qué archivos se buscan en una carpeta, cómo se leen los que no son JSONL)
FORMATS = {
    "dpr": (dpr_row, "test.c.txt", dpr_blocks),
    "wsc": (wsc_row, "*.jsonl", None),
    "blimp": (blimp_row, "*.jsonl", None),
    "lambada": (lambada_row, "lambada*test*", text_lines),
}


def read_files(name: str, path: Path) -> list:
    """Los registros de un archivo o de todos los de una carpeta. Lanza `TaskError` con archivo y línea."""
    convert, pattern, read_text = FORMATS[name]
    files = [path] if path.is_file() else sorted(file for file in path.rglob(pattern) if file.is_file())
    if not files:
        raise TaskError(
            f"En {path} no hay ningún archivo {pattern}, donde se esperaban los datos de «{name}»."
        )
    records = []
    for file in files:
        read = partial(json_lines, kind=TaskError) if ".jsonl" in file.suffixes else read_text
        if read is None:
            raise TaskError(f"{file}: se esperaba un archivo .jsonl con los datos de «{name}».")
        records += [convert(place, row) for place, row in read(file)]
    return records
