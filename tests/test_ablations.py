"""Los experimentos largos que se guardan en data/: qué se ajusta, con qué datos de verdad y qué no se repite."""

import json
import shutil

import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from helpers import models
from helpers.environment import ROOT
from helpers.lesson10 import runs
from helpers.tasks import load_task
from tools import make_ablations, make_milestones

LAYERS = 4


@pytest.fixture
def glue(tmp_path, monkeypatch):
    """Un SST-2 diminuto, con su reparto a la medida: 12 para entrenar y 4 para elegir."""
    folder = tmp_path / "SST-2"
    folder.mkdir()
    for name, count in (("train", 20), ("dev", 6)):
        rows = [f"{name} {('dull', 'merry')[n % 2]} sentence {n}\t{n % 2}" for n in range(count)]
        (folder / f"{name}.tsv").write_text("\n".join(["sentence\tlabel", *rows]), encoding="utf-8")
    monkeypatch.setattr(make_ablations, "REAL", {"sst2": (12, 4)})
    return tmp_path


def test_real_data_never_shares_sentences_between_parts(glue):
    data = make_ablations.real_task("sst2", glue)
    texts = {part: set(data[part]["text"]) for part in data}
    assert {part: len(found) for part, found in texts.items()} == {"train": 12, "validation": 4, "test": 6}
    assert not texts["train"] & texts["validation"]
    assert all(text.startswith("train") for text in texts["train"] | texts["validation"])
    assert all(text.startswith("dev") for text in texts["test"])


def test_too_little_real_data_is_said_with_the_file(glue, monkeypatch):
    monkeypatch.setattr(make_ablations, "REAL", {"sst2": (18, 4)})
    with pytest.raises(SystemExit, match=r"SST-2/train\.tsv trae 20 ejemplos y hacen falta 22"):
        make_ablations.real_task("sst2", glue)


def test_counting_words_is_judged_with_the_metric_of_the_task(glue):
    data = make_ablations.real_task("sst2", glue)
    found = make_ablations.tfidf(data, "matthews")
    assert (found["validation"], found["test"]) == (1.0, 1.0)
    labels = data["test"]["label"]
    wrong = [1 - labels[0], *labels[1:]]  # una respuesta cambiada: 5 aciertos de 6
    data["test"] = data["test"].remove_columns("label").add_column("label", wrong)
    assert make_ablations.tfidf(data)["test"] == pytest.approx(5 / 6)
    # Matthews a mano: (VP·VN − FP·FN) / √((VP+FP)(VP+FN)(VN+FP)(VN+FN)) con 3, 2, 0 y 1 (o 2, 3, 1 y 0)
    assert make_ablations.tfidf(data, "matthews")["test"] == pytest.approx(6 / (3 * 4 * 2 * 3) ** 0.5)


def test_counting_words_chooses_among_all_its_recipes():
    """Cada rival con la suya: más o menos regularización, palabras o letras. A igual nota, la primera de la lista."""
    data, scores = load_task("sentiment"), {}
    texts, labels = ({part: data[part][column] for part in data} for column in ("text", "label"))
    for analyzer, ngrams in (("word", (1, 2)), ("word", (1, 1)), ("char_wb", (2, 4))):
        for strength in (10, 1, 100):
            features = TfidfVectorizer(analyzer=analyzer, ngram_range=ngrams)
            rival = make_pipeline(features, LogisticRegression(C=strength, max_iter=1000))
            rival.fit(texts["train"], labels["train"])
            scores[analyzer, *ngrams, strength] = rival.score(texts["validation"], labels["validation"])
    best = max(scores, key=scores.get)
    found = make_ablations.tfidf(data)
    assert found["tfidf"] == list(best) and found["validation"] == pytest.approx(scores[best])
    assert best[-1] != 10  # si no, quitar las demás no se notaría


@pytest.mark.parametrize("system", ["pretrained", "scratch"])
def test_on_real_data_too_each_system_tries_every_recipe(system):
    runs = make_ablations.planned((), ("cola",), LAYERS)
    runs = [run for run in runs if (run["task"], run["system"]) == ("cola", system)]
    recipes = {tuple(run[name] for name in make_ablations.RECIPE) for run in runs}
    assert len(recipes) == 1 + len(make_ablations.REAL_TUNING)
    assert not any(run["task"] == "cola" for run in make_ablations.planned((), (), LAYERS))


def test_the_recipe_is_chosen_on_validation_with_the_seeds_all_of_them_tried():
    mini, other = (
        make_ablations._run("tuning", "cola", "scratch", 0, learning_rate=lr) for lr in (1e-3, 3e-4)
    )
    runs = [
        mini | {"validation": 0.30, "test": 0.1},
        mini | {"validation": 0.90, "test": 0.1, "seed": 1},  # la otra no la probó: no cuenta
        other | {"validation": 0.40, "test": 0.0},
        other | {"validation": 0.99, "test": 0.0, "n_transfer": 1},  # de otro experimento
        other | {"validation": 0.99, "test": 0.0, "system": "pretrained"},
    ]
    assert make_ablations.chosen(runs, "cola", "scratch")["learning_rate"] == 3e-4
    runs[0]["validation"] = 0.5
    assert make_ablations.chosen(runs, "cola", "scratch")["learning_rate"] == 1e-3


def test_with_real_data_the_chosen_recipe_is_repeated_with_every_seed(glue, monkeypatch):
    def measure(run, *_):
        good = run["learning_rate"] == 3e-4 and run["lm_coef"] == 0.0
        return run | {"validation": 0.9 if good else 0.5, "test": 0.5, "right": "01"}

    monkeypatch.setattr(make_ablations, "measure", measure)
    monkeypatch.setattr(make_ablations, "COURSE", ())
    monkeypatch.setattr(make_ablations, "TUNED", ())
    (path := glue / "ablaciones.json").write_text('{"model": "gpt1-mini", "runs": []}')
    assert make_ablations.main(["--only", "tuning", "--glue", str(glue), "--data", str(path)]) == 0
    for system in ("pretrained", "scratch"):
        runs = [run for run in json.loads(path.read_text())["runs"] if run["system"] == system]
        seeds = [run["seed"] for run in runs if (run["learning_rate"], run["lm_coef"]) == (3e-4, 0.0)]
        assert sorted(seeds) == list(make_ablations.REAL_SEEDS)
        assert len(runs) == len(make_ablations.REAL_TUNING) + len(make_ablations.REAL_SEEDS) - 1


def test_what_is_already_written_down_is_not_fitted_again(tmp_path, monkeypatch):
    measured = []

    def measure(run, *_):
        measured.append(run)
        return run | {"validation": 0.5, "test": 0.5, "right": "01"}

    monkeypatch.setattr(make_ablations, "measure", measure)
    path = tmp_path / "ablaciones.json"
    options = ["--only", "lambda", "transfer", "--data", str(path)]
    assert make_ablations.main(options) == 0
    runs = make_ablations.planned(("lambda", "transfer"), (), LAYERS)
    # copiar los cuatro bloques es el ajuste con λ = 0,5: se apunta en los dos sitios y se hace una vez
    assert len(measured) == len(runs) - len(make_ablations.SEEDS)
    assert len(json.loads(path.read_text())["runs"]) == len(runs)

    saved = json.loads(path.read_text())
    saved["runs"] = [run for run in saved["runs"] if (run["experiment"], run["seed"]) != ("lambda", 3)]
    path.write_text(json.dumps(saved))
    measured.clear()
    assert make_ablations.main(options) == 0
    assert [(run["experiment"], run["lm_coef"], run["seed"]) for run in measured] == [("lambda", 0.0, 3)]


def test_runs_without_their_sentences_are_fitted_again(tmp_path, monkeypatch):
    """Lo apuntado por una edición que no guardaba los aciertos frase a frase se repite, si se puede."""
    monkeypatch.setattr(
        make_ablations, "measure", lambda run, *_: run | {"validation": 0.5, "test": 0.5, "right": "01"}
    )
    old = [make_ablations._run("lambda", task, "pretrained", 0) for task in ("sentiment", "sst2")]
    path = tmp_path / "ablaciones.json"
    path.write_text(json.dumps({"model": "gpt1-mini", "runs": [run | {"test": 0.9} for run in old]}))
    assert make_ablations.main(["--only", "lambda", "--data", str(path)]) == 0
    runs = json.loads(path.read_text())["runs"]
    assert [run["test"] for run in runs if "right" not in run] == [0.9] and len(runs) == 11
    assert {run["task"] for run in runs if "right" not in run} == {"sst2"}


def test_the_rival_chooses_its_recipe_too():
    data = load_task("sentiment")
    found = make_ablations.tfidf(data)
    assert len(found["right"]) == len(data["test"])
    assert found["right"].count("1") / len(found["right"]) == pytest.approx(found["test"])
    analyzer, low, high, strength = found["tfidf"]
    features = TfidfVectorizer(analyzer=analyzer, ngram_range=(low, high))
    best = make_pipeline(features, LogisticRegression(C=strength, max_iter=1000))
    best.fit(list(data["train"]["text"]), data["train"]["label"])
    assert best.score(list(data["validation"]["text"]), data["validation"]["label"]) == found["validation"]
    fixed = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression(C=10, max_iter=1000))
    fixed.fit(list(data["train"]["text"]), data["train"]["label"])
    assert found["validation"] >= fixed.score(list(data["validation"]["text"]), data["validation"]["label"])


# --- helpers.lesson10.runs: lo que se lee de lo apuntado ----------------------------------------------------------


def noted(system, seed, right, validation=0.5, **recipe):
    """Un ajuste apuntado."""
    return make_ablations._run("tuning", "sentiment", system, seed, **recipe) | {
        "right": right, "validation": validation
    }  # fmt: skip


def test_rights_go_by_seed_and_only_with_the_seeds_of_both():
    ours = runs.select(
        [noted("pretrained", seed, right) for seed, right in ((2, "110"), (0, "011"), (1, "000"))]
    )
    theirs = runs.select([noted("scratch", seed, right) for seed, right in ((0, "100"), (2, "001"))])
    assert list(ours) == [0, 1, 2]
    a, b = runs.rights(ours, theirs)
    assert a.tolist() == [[0, 1, 1], [1, 1, 0]] and b.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_own_is_the_recipe_that_validation_chose():
    """La receta se elige con la semilla que probaron las dos, la 0; y se devuelven todas las suyas."""
    good, bad = {"epochs": 6}, {"epochs": 4}
    every = [
        noted("scratch", 0, "1", 0.7, **good), noted("scratch", 1, "0", 0.1, **good),
        noted("scratch", 0, "0", 0.6, **bad), noted("pretrained", 0, "1", 0.9, **bad),
    ]  # fmt: skip
    found = runs.own(every, "sentiment", "scratch")
    assert list(found) == [0, 1] and {run["epochs"] for run in found.values()} == {6}


def test_the_stored_moments_are_what_the_tool_writes(tmp_path, capsys):
    """El último momento se vuelve a escribir; y unos pesos dados como los de otro dan lo mismo, con sus medidas."""
    stored = json.loads((ROOT / "data" / "momentos.json").read_text(encoding="utf-8"))
    folder, out = tmp_path / "step-256", tmp_path / "momentos.json"
    shutil.copytree(models.MINI, folder)
    assert make_milestones.main(["--checkpoints", str(folder), "--data", str(out)]) == 0
    written = json.loads(out.read_text(encoding="utf-8"))
    early, last = written.pop("records")
    records = stored.pop("records")
    assert written == stored and last == records[-1]
    assert early == next(one for one in records if one["step"] == 256) | {"text": last["text"]}
    for name in ("pesos", "step-7"):
        assert make_milestones.main(["--checkpoints", name, "--data", str(out)]) == 1
        assert "tiene que acabar en -N" in capsys.readouterr().err
