"""Cuántas etiquetas ahorra preentrenar: aciertos con 20, 50, 100, 200 y 420 frases. Lección 06.

    python -m tools.make_label_curve [--systems pretrained scratch frozen tfidf last1 last2]

Las 600 frases de sentimiento, en cinco partes: cada una es una vez el test, y del resto salen 60 para elegir y las
demás para aprender. Todos los sistemas ven las mismas y eligen con las mismas 60: la época, los que se ajustan; la
regularización (y en TF-IDF, las palabras), los otros dos. En `data/etiquetas.json` queda si se acierta cada frase. Cada
parte se entrena con una semilla distinta, y un ajuste se apunta en cuanto acaba: la misma orden hace los que faltan.
`last1` y `last2` entrenan solo la cabeza y los últimos uno o dos bloques, con todas las frases; eligen también la tasa.
"""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from datasets import DatasetDict, concatenate_datasets
from filelock import FileLock
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import models
from helpers.environment import ROOT
from helpers.files import write_json
from helpers.finetuning import MINI, GPT1ForTask, fine_tune
from helpers.finetuning.result import predict_rows
from helpers.finetuning.trainer import NOT_PREDICTIONS, task_trainer
from helpers.hf import evaluating
from helpers.lesson10.runs import chosen
from helpers.tasks import encode_task, find_task, load_task
from helpers.terminal import Parser, command
from helpers.training import TrainingError, silence, train
from tools.make_ablations import as_digits, tfidf

SIZES, FOLDS, CHOOSING = (20, 50, 100, 200, 420), 5, 60
EPOCHS = {20: 30, 50: 16, 100: 10}  # con pocas frases, más: unas sesenta actualizaciones como poco
TUNED = {"pretrained": None, "scratch": -1}  # los que se ajustan, y cuántos bloques copian
LAST = {"last1": 1, "last2": 2}  # los que se ajustan por arriba, y cuántos bloques entrenan
RATES = (3e-4, 1e-3)
STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.1)


def folds(data) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Por parte: qué frases son de aprender (en el orden en que se van añadiendo), de elegir y de test."""
    labels, found = np.array(data["label"]), []
    split = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(labels, labels)
    for number, (rest, test) in enumerate(split):
        learn, choose = train_test_split(rest, test_size=CHOOSING, stratify=labels[rest], random_state=number)
        found.append((_alternating(learn, labels), choose, test))
    return found


def _alternating(indices, labels):
    """De una clase y de la otra, por turnos: con cualquier número de frases, la mitad de cada una."""
    groups = [indices[labels[indices] == label] for label in (0, 1)]
    return np.array([one for pair in zip(*groups, strict=True) for one in pair])


def vectors(model, tokenizer, texts) -> np.ndarray:
    """El vector del último token de cada texto, [textos, anchura], con el modelo tal como está."""
    with evaluating(model):
        rows = [
            model.transformer(torch.tensor([tokenizer.text_to_ids(text)])).last_hidden_state[0, -1]
            for text in texts
        ]
    return torch.stack(rows).numpy()


def frozen(features, labels, learn, choose, test) -> np.ndarray:
    """¿Acierta en cada frase de `test` una capa lineal sobre los vectores de un modelo que no cambia?"""
    tried = []
    for strength in STRENGTHS:
        head = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
        head.fit(features[learn], labels[learn])
        tried.append((head.score(features[choose], labels[choose]), head))
    best = max(tried, key=lambda one: one[0])[1]
    return best.predict(features[test]) == labels[test]


def freeze(task_model, trained: int) -> None:
    """Deja que cambien solo la cabeza y los `trained` últimos bloques."""
    task_model.requires_grad_(False)
    for part in (task_model.clf_head, *task_model.transformer.h[len(task_model.transformer.h) - trained :]):
        part.requires_grad_(True)


def partly(model, tokenizer, rows, recipe, trained: int):
    """(aciertos en validación, ¿acierta en cada frase de test?) si solo se entrenan los `trained` últimos bloques."""
    torch.manual_seed(recipe.seed)
    task, new = find_task("sentiment"), GPT1ForTask.from_language_model(model, tokenizer, "sentiment")
    freeze(new, trained)
    encoded = {
        part: encode_task(rows[part], task, tokenizer, new.config.n_positions)
        for part in ("train", "validation")
    }
    with tempfile.TemporaryDirectory() as scratch, silence():
        trainer = task_trainer(new, tokenizer, task, encoded, recipe, None, scratch, False)
        train(trainer, trainer.bar, ignore_keys_for_eval=NOT_PREDICTIONS)
    trainer.best.restore(new)
    found = predict_rows(new.eval(), tokenizer, task, rows["test"])
    return trainer.best.best, found.predicted == found.labels


@command(models.ModelError, TrainingError)
def main(arguments=None) -> int:
    parser = Parser(prog="python -m tools.make_label_curve", description=__doc__)
    parser.add_argument("--systems", nargs="+", default=[*TUNED, "frozen", "tfidf", *LAST], help="solo estos")
    parser.add_argument("--data", type=Path, default=ROOT / "data" / "etiquetas.json")
    options = parser.parse_args(arguments)
    model, tokenizer = models.load("gpt1-mini", device="cpu")
    data = concatenate_datasets(list(load_task("sentiment").values()))
    tokenizer.add_fine_tuning_tokens()
    labels, parts = np.array(data["label"]), folds(data)
    features = vectors(model, tokenizer, data["text"])
    ablations = _known(ROOT / "data" / "ablaciones.json")

    def right(system, size, fold) -> str:
        learn, choose, test = parts[fold]
        learn = learn[:size]
        if system == "frozen":
            return as_digits(frozen(features, labels, learn, choose, test))
        rows = DatasetDict(train=data.select(learn), validation=data.select(choose), test=data.select(test))
        if system == "tfidf":
            return tfidf(rows)["right"]
        # la receta que eligió con 420, entre las mismas cuatro
        own = chosen(ablations["runs"], "sentiment", "pretrained" if system in LAST else system)
        if system in LAST:
            tried = [
                partly(
                    model,
                    tokenizer,
                    rows,
                    replace(MINI, seed=fold, **own | {"learning_rate": rate}),
                    LAST[system],
                )
                for rate in RATES
            ]
            return as_digits(max(tried, key=lambda one: one[0])[1])
        own["epochs"] = EPOCHS.get(size, own["epochs"])
        recipe = replace(MINI, n_transfer=TUNED[system], seed=fold, **own)
        result = fine_tune(model, "sentiment", rows, tokenizer=tokenizer, recipe=recipe, progress=False)
        return as_digits(result.test.predicted == result.test.labels)

    for size in SIZES:
        for fold in range(FOLDS):
            for system in options.systems:
                if system in LAST and size < max(SIZES):
                    continue
                key = {"system": system, "size": size, "fold": fold}
                if any(key.items() <= run.items() for run in _known(options.data)["runs"]):
                    continue
                record = key | {"right": right(system, size, fold)}
                with FileLock(
                    Path(tempfile.gettempdir(), "curso-etiquetas.lock")
                ):  # dos procesos pueden repartirse los sistemas
                    known = _known(options.data)
                    known["test"] = [[int(one) for one in test] for *_, test in parts]
                    known["runs"].append(record)
                    write_json(options.data, known)
                print(size, fold, system, record["right"].count("1") / len(record["right"]), flush=True)
    return 0


def _known(path: Path) -> dict:
    return (
        json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"model": "gpt1-mini", "runs": []}
    )


if __name__ == "__main__":
    sys.exit(main())
