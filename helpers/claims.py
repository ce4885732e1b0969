"""Las afirmaciones del artículo, `data/paper/claims.csv`: en qué ha quedado cada una."""

import csv
import re

from helpers.environment import ROOT

PATH = ROOT / "data" / "paper" / "claims.csv"
# Veredicto → (color, de la paleta para daltonismo; qué quiere decir)
VERDICTS = {
    "cuadra con sus tablas": (
        "#56B4E9",
        "sale con las cifras impresas; se repite la cuenta, no el experimento",
    ),
    "comprobada ejecutando": ("#009E73", "una celda del curso la ejecuta y sale"),
    "a escala": (
        "#E69F00",
        "se intenta con un modelo o unos datos mucho menores y se cuenta qué sale; que no salga así no desmiente al "
        "artículo",
    ),
    "no comprobable aquí": (
        "#C8C8C8",
        "hace falta algo que no se publicó, que no cabe en el curso o que el curso no mide",
    ),
    "difiere": ("#D55E00", "lo que se encuentra no es lo que pone"),
}


def claims() -> list[dict]:
    """Las filas, en el orden del artículo, con su parte («Resumen», «§1»…) en `part`."""
    with PATH.open(encoding="utf-8", newline="") as file:
        return [one | {"part": re.split(r" y |, |\.", one["where"])[0]} for one in csv.DictReader(file)]
