"""Las comparaciones de la lección 10 (λ, preentrenamiento, bloques copiados), con semillas, en `data/ablaciones.json`.

    python -m tools.make_ablations [--glue CARPETA] [--only lambda transfer …]

Cada ajuste se apunta en cuanto acaba: si se interrumpe, la misma orden hace solo los que faltan. `--glue` añade SST-2 y
CoLA (subcarpetas `SST-2` y `CoLA`, con su `train.tsv` y su `dev.tsv`): se entrena con parte del entrenamiento, la época
se elige con otra parte y el `dev` hace de test, porque el test de GLUE no publica sus respuestas.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from datasets import DatasetDict
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from helpers import models
from helpers.environment import ROOT
from helpers.files import write_json
from helpers.finetuning import MINI, fine_tune, metrics
from helpers.lesson10.runs import RECIPE, chosen
from helpers.tasks import TaskError, find_task, load_task
from helpers.terminal import Parser, command
from helpers.training import TrainingError

EXPERIMENTS = ("pretraining", "lambda", "transfer", "baseline", "tuning")
COURSE = ("sentiment", "entailment", "similarity", "story_cloze")
TUNED = ("sentiment",)  # de las otras se aprende demasiado poco para elegir receta
SEEDS, FINAL_SEEDS = range(5), range(10)  # las segundas, con la receta elegida
# Empezar de cero pide otra receta (con la de MINI apenas aprende): cada cual elige, en validación, entre ella y estas.
TUNING = (
    {"epochs": 6, "learning_rate": 1e-3, "lm_coef": 0.0},
    {"epochs": 6, "learning_rate": 3e-4, "lm_coef": 0.5},
    {"epochs": 6, "learning_rate": 3e-4, "lm_coef": 0.0},
)
REAL = {"sst2": (8000, 872), "cola": (7500, 1000)}  # ejemplos para entrenar y para elegir la época
REAL_SEEDS = range(3)
TFIDF_FEATURES = (("word", (1, 2)), ("word", (1, 1)), ("char_wb", (2, 4)))
TFIDF_C = (10, 1, 100)
REAL_TUNING = TUNING[2:]  # cada ajuste son minutos: solo la que mejor sienta a la red en blanco


def planned(experiments, real, layers: int) -> list[dict]:
    """Todos los ajustes que hay que hacer."""
    runs = []
    for task in COURSE:
        runs += [
            _run("pretraining", task, system, seed) for seed in SEEDS for system in ("pretrained", "scratch")
        ]
    runs += [_run("lambda", "sentiment", "pretrained", seed, lm_coef=0.0) for seed in SEEDS]
    runs += [_run("lambda", "sentiment", "pretrained", seed) for seed in SEEDS]
    runs += [
        _run("transfer", "sentiment", "pretrained", seed, n_transfer=k)
        for seed in SEEDS
        for k in range(-1, layers + 1)
    ]
    runs += [_run("baseline", task, "tfidf", 0) for task in COURSE if task != "story_cloze"]
    for task in real:
        runs += [
            _run("pretraining", task, system, seed)
            for seed in REAL_SEEDS[:1]  # las demás, solo con la receta elegida: `finals`
            for system in ("pretrained", "scratch")
        ]
        runs.append(_run("baseline", task, "tfidf", 0))
    searches = [(task, SEEDS, TUNING) for task in TUNED] + [
        (task, REAL_SEEDS[:1], REAL_TUNING) for task in real
    ]
    for task, seeds, recipes in searches:
        runs += [
            _run("tuning", task, system, seed, **recipe)
            for system in ("pretrained", "scratch")
            for recipe in recipes
            for seed in seeds
        ]
    return [run for run in runs if not experiments or run["experiment"] in experiments]


def finals(runs: list[dict], real) -> list[dict]:
    """La receta que eligió cada cual, con más semillas.

    Con datos de verdad, donde cada ajuste son minutos, se ha elegido con una sola.
    """
    return [
        _run("tuning", task, system, seed, **chosen(runs, task, system))
        for task in (*TUNED, *real)
        for system in ("pretrained", "scratch")
        for seed in (REAL_SEEDS if task in real else FINAL_SEEDS)
    ]


def _run(experiment, task, system, seed, n_transfer=None, **recipe) -> dict:
    return {
        "experiment": experiment, "task": task, "system": system, "n_transfer": n_transfer, "seed": seed,
        **{name: recipe.get(name, getattr(MINI, name)) for name in RECIPE},
    }  # fmt: skip


def identity(run: dict, layers: int) -> tuple:
    """Lo que distingue un ajuste de otro: el mismo puede servir a dos experimentos y no se repite.

    Copiar todos los bloques es partir del modelo preentrenado; no copiar nada, empezar de cero.
    """
    blocks = {"pretrained": layers, "scratch": -1, "tfidf": "tfidf"}[run["system"]]
    copied = blocks if run["n_transfer"] is None else run["n_transfer"]
    return run["task"], copied, *(run[name] for name in RECIPE), run["seed"]


def measure(run: dict, data: DatasetDict, model, tokenizer) -> dict:
    """El resultado de un ajuste, con su métrica en validación y en test."""
    metric = find_task(run["task"]).metrics[0]
    if run["system"] == "tfidf":
        values = tfidf(data, metric)
    else:
        result = fine_tune(
            model, run["task"], data, tokenizer=tokenizer, progress=False,
            recipe=replace(
                MINI, seed=run["seed"], n_transfer=run["n_transfer"] if run["system"] == "pretrained" else -1,
                **{name: run[name] for name in RECIPE},
            ),
        )  # fmt: skip
        values = {"validation": result.best[metric], "test": result.test.metrics[metric]}
        values["right"] = as_digits(result.test.predicted == result.test.labels)
    return run | {"train_size": len(data["train"]), "metric": metric} | values


def as_digits(right) -> str:
    """Qué frases del test se aciertan, en su orden: «0110…». Con ellas se comparan dos sistemas frase a frase."""
    return "".join("1" if one else "0" for one in right)


def tfidf(data: DatasetDict, metric: str = "accuracy") -> dict:
    """Lo que saca una regresión logística sobre palabras y parejas de palabras, con su mejor receta en validación.

    También el rival elige: cuánto se regulariza, cuántas palabras seguidas mira y si cuenta palabras o trozos. A igual
    nota, la primera de la lista.
    """

    def texts(part):
        return [f"{row['text']} {row['pair']}".strip() for row in data[part]]

    def score(part, classifier):
        return metrics.compute((metric,), data[part]["label"], classifier.predict(texts(part)))[metric]

    tried = []
    for analyzer, ngrams in TFIDF_FEATURES:
        for strength in TFIDF_C:
            features = TfidfVectorizer(analyzer=analyzer, ngram_range=ngrams)
            classifier = make_pipeline(features, LogisticRegression(C=strength, max_iter=1000))
            classifier.fit(texts("train"), data["train"]["label"])
            tried.append((score("validation", classifier), classifier, [analyzer, *ngrams, strength]))
    validation, best, recipe = max(tried, key=lambda one: one[0])
    right = best.predict(texts("test")) == np.array(data["test"]["label"])
    return {"validation": validation, "test": score("test", best), "right": as_digits(right), "tfidf": recipe}


def real_task(name: str, folder: Path) -> DatasetDict:
    """La tarea repartida: entrenar y elegir salen de `train.tsv`, barajado siempre igual; el test es `dev.tsv`."""
    train, validation = REAL[name]
    data = load_task(name, folder)
    if len(data["train"]) < train + validation:
        sys.exit(
            f"{folder / find_task(name).layout.folder / 'train.tsv'} trae {len(data['train'])} ejemplos y hacen falta "
            f"{train + validation}: usa el archivo entero de GLUE."
        )
    mixed = data["train"].shuffle(seed=0)
    return DatasetDict(
        train=mixed.select(range(train)),
        validation=mixed.select(range(train, train + validation)),
        test=data["validation"],
    )


@command(models.ModelError, TaskError, TrainingError)
def main(arguments=None) -> int:
    parser = Parser(prog="python -m tools.make_ablations", description=__doc__)
    parser.add_argument(
        "--glue", type=Path, help="carpeta con los datos de GLUE: SST-2/train.tsv, CoLA/dev.tsv…"
    )
    parser.add_argument("--only", nargs="+", default=(), choices=EXPERIMENTS, help="solo estos experimentos")
    parser.add_argument("--model", default="gpt1-mini")
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "ablaciones.json")
    options = parser.parse_args(arguments)
    model, tokenizer = models.load(options.model, device="cpu")
    known = (
        json.loads(options.data.read_text())
        if options.data.exists()
        else {"model": options.model, "runs": []}
    )
    real = {task: real_task(task, options.glue) for task in REAL} if options.glue else {}
    data = {task: load_task(task) for task in COURSE} | real
    # los de una edición que no apuntaba los aciertos frase a frase se repiten, si están sus datos
    known["runs"] = [run for run in known["runs"] if "right" in run or run["task"] not in data]

    def fit(runs):
        for run in runs:
            if any(run.items() <= done.items() for done in known["runs"]):
                continue
            same = identity(run, model.config.n_layer)
            twin = next(
                (done for done in known["runs"] if identity(done, model.config.n_layer) == same), None
            )
            record = {**twin, **run} if twin else measure(run, data[run["task"]], model, tokenizer)
            known["runs"].append(record)
            write_json(options.data, known)
            print(record, flush=True)

    fit(planned(options.only, real, model.config.n_layer))
    if not options.only or "tuning" in options.only:
        fit(finals(known["runs"], real))
    return 0


if __name__ == "__main__":
    sys.exit(main())
