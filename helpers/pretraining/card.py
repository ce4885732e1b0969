"""La ficha de un modelo preentrenado: datos, receta, coste, medidas y lo que escribe, tal como sale.

    python -m helpers.pretraining.card runs/mio [--notes notas.md]

El preentrenamiento la escribe al acabar (`README.md`). `--notes` añade lo que ningún programa puede saber: de dónde
salen los textos, sus sesgos y para qué no sirve el modelo.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch

from helpers import generation, models
from helpers.files import expanded, opened
from helpers.models import ModelError
from helpers.pretraining.corpus import TokenFile, Windows, all_window_losses, read_token_file
from helpers.pretraining.texts import CorpusError
from helpers.spanish import number, significant
from helpers.terminal import Parser, command
from helpers.zeroshot import PROBES

# Siempre los mismos, para poder comparar un modelo con otro.
PROMPTS = (
    "once upon a time there was a", "the old man looked at the", "she opened the door and", "it was a cold night, and",
    "the king said to his", "when the boy came home", "there was nobody in the", "the little girl did not",
    "in the middle of the forest", "he took the letter and", "the dog ran after the", "my mother used to say",
    "after a long silence,", "they walked along the river", "\"where is your brother?\"", "the captain of the ship",
    "at last the sun", "nobody knew why the", "the children were playing", "the next morning,",
)  # fmt: skip
NEW_TOKENS, TOP_K = 40, 20
CARD_WINDOWS = 600


@dataclass(frozen=True)
class Measure:
    """Pérdida media en nats por token y la mitad de su intervalo del 95 %, con las ventanas en que se midió."""

    loss: float
    half: float
    windows: int
    bytes_per_token: float

    @property
    def perplexity(self) -> float:
        return math.exp(self.loss)

    @property
    def bits_per_byte(self) -> float:
        return self.loss / math.log(2) / self.bytes_per_token


def measure(model, held_out: TokenFile, windows: int = CARD_WINDOWS) -> Measure:
    """La pérdida en `windows` ventanas repartidas por los textos apartados; el intervalo las supone independientes."""
    values = all_window_losses(model, Windows(held_out, model.config.n_positions, windows))
    half = 1.96 * values.std().item() / len(values) ** 0.5 if len(values) > 1 else math.nan
    return Measure(values.mean().item(), half, len(values), held_out.bytes_per_token)


def samples(model, tokenizer, prompts=PROMPTS, new_tokens: int = NEW_TOKENS, top_k: int = TOP_K) -> list[str]:
    """Lo que escribe tras cada comienzo que cabe, con top-k y la semilla 0, 1, 2…: sin elegir ni repetir."""
    written = []
    for seed, prompt in enumerate(prompts):
        ids = tokenizer(prompt, return_tensors="pt").input_ids.to(model.device)
        torch.manual_seed(seed)
        new = min(new_tokens, model.config.n_positions - ids.shape[1])
        if new > 0:
            written.append(tokenizer.decode(generation.generate(model, ids, new, top_k=top_k)[0]))
    return written


def card(folder, held_out: TokenFile | None = None, notes: str = "", name: str = "") -> str:
    """La ficha, en Markdown, del modelo que hay en `folder` (con `recipe.json` y `history.json`)."""
    folder = Path(folder)
    model, tokenizer = models.load(str(folder), verbose=False)
    recipe, history = (json.loads((folder / f"{part}.json").read_text()) for part in ("recipe", "history"))
    tests = measure(model, held_out) if held_out else None
    parts = [
        f"# {name or folder.resolve().name}\n\nUn GPT-1 pequeño: la arquitectura y el tratamiento del texto de Radford "
        "et al. (2018), entrenado con `python -m helpers.pretraining`. **No es GPT-1**.",
        _shape(model.config, model.num_parameters(), history[-1]["tokens"]),
        notes.strip(),
        "## Receta y coste\n\n" + _recipe(recipe, history),
        "## Qué tal lo hace\n\n" + _results(tests, history[-1]),
        "## Qué escribe\n\n" + _samples(samples(model, tokenizer)),
        "## Cómo cargarlo\n\n```python\nfrom helpers import models\n\n"
        f'model, tokenizer = models.load("{name or folder}")\n```',
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _shape(config, parameters: int, tokens: int) -> str:
    rows = (
        (
            "bloques × anchura, cabezas",
            f"{config.n_layer} × {config.n_embd}, {config.n_head}",
            "12 × 768, 12",
        ),
        ("posiciones", number(config.n_positions), "512"),
        ("vocabulario", number(config.vocab_size), number(40478)),
        ("parámetros", f"{number(parameters / 1e6, 1)} millones", "116,5 millones"),
        ("tokens leídos", f"{number(tokens / 1e6, 1)} millones", "BooksCorpus, 100 épocas (artículo, §4.1)"),
    )
    lines = ["| | este modelo | GPT-1 |", "|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _recipe(recipe: dict, history: list[dict]) -> str:
    hours = sum(_seconds(history)) / 3600
    schedules = {
        "cosine": "caída coseno",
        "linear": "caída lineal",
        "constant_with_warmup": "sin caída",
        "warmup_stable_decay": f"caída lineal en las últimas {number(recipe.get('decay_steps', 0))}",
    }
    schedule = schedules.get(recipe["schedule"], recipe["schedule"])
    muon = "Muon en las matrices de los bloques y, en lo demás, " if recipe.get("optimizer") == "muon" else ""
    return (
        f"{muon}AdamW (β = 0,9 y {significant(recipe['adam_beta2'])}; decaimiento "
        f"{significant(recipe['weight_decay'])} salvo en sesgos y ganancias), tasa máxima "
        f"{significant(recipe['learning_rate'])} con calentamiento de {number(recipe['warmup'])} actualizaciones y "
        f"{schedule}; {recipe['batch']} × {recipe['n_positions']} tokens "
        f"por actualización; dropout {significant(recipe['dropout'])}. En total, {number(history[-1]['step'])} "
        f"actualizaciones y {number(hours, 1)} horas. Los pesos se guardan en fp16."
    )


def _seconds(history: list[dict]) -> list[float]:
    """Lo que duró cada tramo: el reloj vuelve a cero cada vez que se sigue un entrenamiento."""
    clock = [record["seconds"] for record in history if "seconds" in record]
    return [now for now, after in zip(clock, [*clock[1:], 0.0], strict=True) if after < now]


def _results(tests: Measure | None, last: dict) -> str:
    lines = []
    if tests:
        lines.append(
            f"En los textos apartados ({number(tests.windows)} ventanas): pérdida de {number(tests.loss, 3)} ± "
            f"{number(tests.half, 3)} nats por token (intervalo del 95 %), **perplejidad "
            f"{number(tests.perplexity, 1)}** y **{number(tests.bits_per_byte, 2)} bits por byte**."
        )
    scores = {
        title: last[f"zero_shot_{name}"] for name, title in PROBES.items() if f"zero_shot_{name}" in last
    }
    if scores:
        told = "; ".join(f"{name}, {number(value, 2)}" for name, value in scores.items())
        lines.append(f"Disparo cero (zero-shot), con los datos del curso: {told}.")
    return "\n\n".join(lines) or "No se apartó ningún texto."


def _samples(written: list[str]) -> str:
    head = (
        f"{len(written)} comienzos fijos, {NEW_TOKENS} tokens más, top-k con k = {TOP_K} y las semillas 0, 1, 2…; tal "
        "como salieron.\n\n"
    )
    return head + "\n".join(
        f"{n}. *{' ↵ '.join(text.split(chr(10))).strip()}*" for n, text in enumerate(written, 1)
    )


def write_card(folder, held_out: TokenFile | None = None, notes: str = "", name: str = "") -> Path:
    """Escribe la ficha en `folder/README.md`."""
    path = Path(folder) / "README.md"
    path.write_text(card(folder, held_out, notes, name), encoding="utf-8")
    return path


@command(CorpusError, ModelError)
def main(arguments=None) -> int:
    parser = Parser(prog="python -m helpers.pretraining.card", description=__doc__)
    parser.add_argument("folder", type=expanded, help="carpeta del modelo")
    parser.add_argument("--held-out", type=expanded, help="archivo .bin con los tokens de prueba")
    parser.add_argument("--notes", type=expanded, help="Markdown con los datos, los límites y los sesgos")
    parser.add_argument("--name", default="", help="nombre del modelo")
    options = parser.parse_args(arguments)
    missing = [name for name in ("recipe.json", "history.json") if not (options.folder / name).is_file()]
    if missing:
        raise CorpusError(
            f"En {options.folder} falta {' y '.join(missing)}: no es lo que deja helpers.pretraining."
        )
    held_out, notes = read_token_file(options.held_out or options.folder / "held_out.bin"), ""
    if options.held_out and held_out is None:
        raise CorpusError(f"En {options.held_out} no hay un archivo de tokens entero, con su .json al lado.")
    if options.notes:
        with opened(options.notes, CorpusError) as file:
            notes = file.read()
    print(f"Ficha en {write_card(options.folder, held_out, notes, options.name)}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
