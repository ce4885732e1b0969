"""Entrena el mismo corpus con varios tamaños y deja en `data/escala.json` las curvas que dibuja la lección 09.

    python -m tools.make_scale --corpus CARPETA --vocab-size 1024 --warmup 100 --out runs/escala --max-steps 640

Lo que no es `--data` ni `--about` pasa a `helpers.pretraining`; si se interrumpe, la misma orden sigue donde iba.
"""

import json
import sys
from pathlib import Path

from helpers.environment import ROOT
from helpers.files import write_json
from helpers.models import ModelError, load
from helpers.pretraining.__main__ import main as pretrain
from helpers.terminal import Parser, command

# nombre → (capas, ancho, cabezas): cada uno, unas cuatro veces los parámetros de los bloques del anterior
SIZES = {"diminuto": (2, 64, 2), "pequeño": (3, 128, 4), "mini": (4, 256, 4)}


@command(ModelError)
def main(arguments=None) -> int:
    parser = Parser(prog="python -m tools.make_scale", description=__doc__)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--about", default="", help="qué textos son, para que la lección lo diga")
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "escala.json")
    options, rest = parser.parse_known_args(arguments)
    runs = []
    for name, (layers, width, heads) in SIZES.items():
        out = options.out / name
        shape = ["--n-layer", str(layers), "--n-embd", str(width), "--n-head", str(heads)]
        common = ["--out", str(out), "--tokens", str(options.out), "--preset", "mini"]
        if pretrain([*common, *shape, *rest]):
            return 1
        model, _ = load(str(out), device="cpu", verbose=False)
        runs.append(
            {
                "name": name,
                "n_layer": layers,
                "n_embd": width,
                "parameters": model.num_parameters(),
                "records": json.loads((out / "history.json").read_text()),
            }
        )
    tokens = json.loads((options.out / "train.json").read_text())["tokens"]
    recipe = json.loads((options.out / name / "recipe.json").read_text())
    recipe["vocab_size"] = model.config.vocab_size
    shared = {key: value for key, value in recipe.items() if key not in ("n_layer", "n_embd", "n_head")}
    write_json(options.data, {"corpus": options.about, "tokens": tokens, "recipe": shared, "runs": runs})
    return 0


if __name__ == "__main__":
    sys.exit(main())
