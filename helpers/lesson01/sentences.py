"""Las frases que mide la lección 01: están en `data/sentences.json`."""

import json

from helpers.environment import ROOT

_WRITTEN = json.loads((ROOT / "data" / "sentences.json").read_text(encoding="utf-8"))

# Cada palabra, al final de tres frases: en las dos primeras quiere decir lo mismo; en la tercera, otra cosa.
SENSES: dict[str, list[str]] = _WRITTEN["senses"]

# Diez frases de cada clase, fáciles y difíciles.
REGISTERS: dict[str, list[str]] = _WRITTEN["registers"]
