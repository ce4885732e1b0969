"""Lo que escribe gpt1-mini en cada momento de su preentrenamiento, en `data/momentos.json`: lo enseña la lección 09.

    python -m tools.make_milestones --checkpoints CARPETA/step-64 CARPETA/step-256 …

El nombre de cada carpeta acaba en N, las actualizaciones que llevan sus pesos (las de `history.json`, desde el
principio); el último momento es `data/gpt1-mini`. Siempre el mismo comienzo, la misma semilla y los mismos filtros.
"""

import json
import sys
from pathlib import Path

import torch

from helpers import generation, models
from helpers.environment import ROOT
from helpers.files import write_json
from helpers.hf import GPT1LMHeadModel
from helpers.terminal import Parser, command

OPENING = "The old man"
SAMPLING = {"seed": 0, "new_tokens": 60, "temperature": 0.8, "top_k": 40}


def written(model, tokenizer) -> str:
    """El comienzo y lo que `model` le añade, con el sorteo de `SAMPLING`."""
    ids = tokenizer(OPENING, return_tensors="pt").input_ids.to(model.device)
    torch.manual_seed(SAMPLING["seed"])
    told = generation.generate(
        model, ids, SAMPLING["new_tokens"], temperature=SAMPLING["temperature"], top_k=SAMPLING["top_k"]
    )
    return tokenizer.decode(told[0])


@command(models.ModelError)
def main(arguments=None) -> int:
    parser = Parser(prog="python -m tools.make_milestones", description=__doc__)
    parser.add_argument("--checkpoints", nargs="*", type=Path, default=[])
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "momentos.json")
    options = parser.parse_args(arguments)
    history = json.loads((models.MINI / "history.json").read_text(encoding="utf-8"))
    measured = {record["step"]: record for record in history}
    last, tokenizer = models.load("gpt1-mini", device="cpu")
    moments = []
    for folder in options.checkpoints:
        step = folder.name.rpartition("-")[2]
        if not step.isdecimal() or int(step) not in measured:
            raise models.ModelError(
                f"{folder} tiene que acabar en -N, una de las actualizaciones de history.json: "
                f"{', '.join(map(str, measured))}."
            )
        moments.append((int(step), folder))
    records = []
    for step, folder in [*sorted(moments), (history[-1]["step"], None)]:
        model = last if folder is None else GPT1LMHeadModel.from_pretrained(folder, dtype="float32").eval()
        told = {key: measured[step][key] for key in ("step", "tokens", "held_out_loss")}
        records.append(told | {"text": written(model, tokenizer)})
        print(records[-1], flush=True)
    write_json(
        options.data, {"model": "gpt1-mini", "opening": OPENING, "sampling": SAMPLING, "records": records}
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
