"""Las heurísticas de disparo cero a lo largo del preentrenamiento de gpt1-mini, en `data/disparo_cero.json`.

    python -m tools.make_zero_shot --checkpoints CARPETA/step-64 CARPETA/step-256 …

El nombre de cada carpeta acaba en N, las actualizaciones que llevan sus pesos (las de `history.json`, desde el
principio); el último punto es `data/gpt1-mini`. El «modelo ajustado» de cada tarea es la media de test de
`data/ablaciones.json`, si está.
"""

import json
import sys
from pathlib import Path
from statistics import mean

from helpers import models
from helpers.environment import ROOT
from helpers.files import write_json
from helpers.hf import GPT1LMHeadModel
from helpers.terminal import Parser, command
from helpers.zeroshot import probes

CHANCE = {
    "minimal_pairs": 0.5, "acceptability": 0.0, "sentiment": 0.5, "pronouns": 0.5, "reading": 0.25, "story_cloze": 0.5,
}  # fmt: skip


def fine_tuned(path: Path) -> dict:
    """Exactitud media en test del modelo preentrenado y ajustado, por tarea; `None` si no se ha medido."""
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() else []
    found = dict.fromkeys(CHANCE)
    for task in CHANCE:
        values = [
            run["test"]
            for run in runs
            if (run["experiment"], run["task"], run["system"]) == ("pretraining", task, "pretrained")
        ]
        if values:
            found[task] = round(mean(values), 4)
    return found


@command(models.ModelError)
def main(arguments=None) -> int:
    parser = Parser(prog="python -m tools.make_zero_shot", description=__doc__)
    parser.add_argument("--checkpoints", nargs="*", type=Path, default=[])
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "disparo_cero.json")
    options = parser.parse_args(arguments)
    history = json.loads((models.MINI / "history.json").read_text(encoding="utf-8"))
    model, tokenizer = models.load("gpt1-mini", device="cpu")
    tokens_per_step = history[-1]["tokens"] // history[-1]["step"]
    moments = [(int(folder.name.rpartition("-")[2]), folder) for folder in options.checkpoints]
    measure, records = probes(tokenizer, limit=None), []
    for step, folder in [*sorted(moments), (history[-1]["step"], None)]:
        found = model if folder is None else GPT1LMHeadModel.from_pretrained(folder, dtype="float32").eval()
        records.append({"step": step, "tokens": step * tokens_per_step} | measure(found))
        print(records[-1], flush=True)
    write_json(
        options.data,
        {
            "model": "gpt1-mini",
            "chance": CHANCE,
            "fine_tuned": fine_tuned(ROOT / "data" / "ablaciones.json"),
            "records": records,
        },
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
