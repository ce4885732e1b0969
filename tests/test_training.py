"""Lo que comparten los entrenamientos: de quién es una carpeta, desde dónde se sigue, qué vale y cómo se para."""

import errno
import io
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from datasets import DatasetDict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from test_finetuning_runs import RECIPE, few, folder  # noqa: F401
from transformers import OpenAIGPTConfig

from helpers import models
from helpers.files import write_json
from helpers.finetuning import FineTuned, FineTuningRecipe, fine_tune
from helpers.finetuning.__main__ import main as fine_tune_command
from helpers.hf import GPT1LMHeadModel
from helpers.pretraining import LANGUAGE, PRESETS, fine_tune_language, pretrain
from helpers.pretraining.__main__ import main as pretrain_command
from helpers.pretraining.corpus import TokenFile, read_token_file, tokenize_documents
from helpers.pretraining.run import FineTunedLanguage
from helpers.pretraining.texts import CorpusError, Document
from helpers.reproduction import main as reproduce_command
from helpers.tasks import TaskError, find_task
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import (
    CarefulTrainer,
    TrainingError,
    clear_disk_errors,
    fingerprint,
    last_checkpoint,
    steps,
)
from helpers.training.folder import _disk_problem
from tools import lessons

SMALL = replace(
    PRESETS["mini"], n_layer=1, n_embd=32, n_head=4, n_positions=16, batch=4, micro_batch=4, warmup=1, max_steps=8,
    save_every=4, eval_windows=4,
)  # fmt: skip
TINY = OpenAIGPTConfig(vocab_size=300, n_positions=16, n_embd=8, n_layer=1, n_head=1)


@pytest.fixture(scope="module")
def tokenizer(folder):  # noqa: F811
    return GPT1Tokenizer.from_pretrained(folder)


@pytest.fixture
def tokens(tmp_path):
    ids = np.random.default_rng(0).integers(1, 300, 16 * 64).astype("uint16")
    return token_file(tmp_path / "ids.bin", ids)


def token_file(path, ids):
    ids.tofile(path)
    return TokenFile(str(path), len(ids), 4 * len(ids), "uint16")


def train(tokens, tokenizer, out, recipe=SMALL, **settings):
    return pretrain(recipe, tokens, tokens, tokenizer, out, progress=False, **settings)


def tune(folder, out=None, task="sentiment", data=None, recipe=RECIPE):  # noqa: F811
    return fine_tune(str(folder), task, data or few(task), recipe=recipe, out=out, progress=False)


# --- lo acabado se reconoce por su contenido ---------------------------------------------------------------


def test_a_fingerprint_sees_any_change(folder, tmp_path):  # noqa: F811
    model, data = GPT1LMHeadModel.from_pretrained(folder), few("sentiment")
    assert fingerprint(model, data, {"a": 1}) == fingerprint(model, few("sentiment"), {"a": 1})
    seen = {fingerprint(model)}
    with torch.no_grad():
        model.transformer.h[1].ln_2.bias[3] += 1e-6
    seen |= {fingerprint(model), fingerprint(data), fingerprint(few("sentiment", train=31))}
    other = data["train"].map(lambda row: {"text": row["text"].replace("e", "é", 1)})
    seen |= {fingerprint(DatasetDict({**data, "train": other})), fingerprint({"a": 1}), fingerprint({"a": 2})}
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "b").write_bytes(b"124")
    seen |= {fingerprint(tmp_path / "a"), fingerprint(tmp_path / "b")}
    for name, value in {
        "afn": "relu",
        "n_head": 1,
        "layer_norm_epsilon": 1e-3,
    }.items():  # los pesos no cambian
        before = getattr(model.config, name)
        setattr(model.config, name, value)
        seen.add(fingerprint(model))
        setattr(model.config, name, before)
    assert len(seen) == 12


def test_other_data_of_the_same_size_is_another_run(folder, tmp_path):  # noqa: F811
    data = few("sentiment")
    first = tune(folder, tmp_path / "a")
    assert tune(folder, tmp_path / "a").steps == first.steps  # con los mismos, se lee
    other = DatasetDict({**data, "train": data["train"].map(lambda row: {"text": row["text"] + " Well."})})
    with pytest.raises(TrainingError, match=r"distinto \(cambia los datos\)"):
        tune(folder, tmp_path / "a", data=other)
    heavier = tmp_path / "otro"
    shutil.copytree(folder, heavier)
    weights = load_file(heavier / "model.safetensors")
    save_file(
        {name: value * 1.01 for name, value in weights.items()},
        heavier / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(TrainingError, match="cambia los pesos de partida"):
        tune(heavier, tmp_path / "a")


def test_a_plain_dict_and_other_vocabularies_and_heads_are_told_apart(folder, tmp_path):  # noqa: F811
    data = few("sentiment")
    tune(folder, tmp_path / "a", data=dict(data))
    other = {**data, "train": data["train"].map(lambda row: {"label": 1 - row["label"]})}
    with pytest.raises(TrainingError, match="cambia los datos"):
        tune(folder, tmp_path / "a", data=other)
    for name in ("letras", "cabezas"):
        shutil.copytree(folder, tmp_path / name)
    path = tmp_path / "letras" / "vocab.json"
    vocab = json.loads(path.read_text(encoding="utf-8"))
    vocab["a"], vocab["b"] = vocab["b"], vocab["a"]
    path.write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(TrainingError, match="cambia el vocabulario"):
        tune(tmp_path / "letras", tmp_path / "a")
    path = tmp_path / "cabezas" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"n_head": 2}))
    with pytest.raises(TrainingError, match="cambia los pesos de partida"):
        tune(tmp_path / "cabezas", tmp_path / "a")


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": ("f1",)},
        {"metrics": ("matthews", "accuracy")},  # la primera elige la mejor época
        {"labels": ("mala", "buena")},
        {"long_context": True},
    ],
)
def test_a_task_of_the_same_name_that_is_another_is_told_apart(folder, tmp_path, change):  # noqa: F811
    tune(folder, tmp_path / "a")
    with pytest.raises(TrainingError, match=f"cambia task: .*{next(iter(change))}"):
        tune(folder, tmp_path / "a", replace(find_task("sentiment"), **change), few("sentiment"))
    tune(folder, tmp_path / "a", replace(find_task("sentiment"), title="Otro título"), few("sentiment"))


@pytest.mark.parametrize(("metrics", "told"), [((), "ninguna métrica"), (("x",), "la métrica «x»")])
def test_metrics_that_are_not_are_told_before_training(folder, monkeypatch, metrics, told):  # noqa: F811
    monkeypatch.setattr(CarefulTrainer, "training_step", Mock(side_effect=AssertionError("ha entrenado")))
    with pytest.raises(TrainingError, match=told):
        tune(folder, None, replace(find_task("sentiment"), metrics=metrics), few("sentiment"))


def test_tokens_with_the_same_merges_and_other_ids_are_told_apart(texts, folder, tmp_path, capsys):  # noqa: F811
    shutil.copytree(folder, tmp_path / "letras")
    path = tmp_path / "letras" / "vocab.json"
    vocab = json.loads(path.read_text(encoding="utf-8"))
    vocab["a"], vocab["e"] = vocab["e"], vocab["a"]
    path.write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    settings = ["--corpus", texts, "--tokens", tmp_path / "tokens", "--held-out", "2", "--processes", "1",
                "--probes", "0", "--preset", "mini", "--n-layer", "1", "--n-embd", "16", "--n-positions", "16",
                "--batch", "2", "--micro-batch", "2", "--max-steps", "1"]  # fmt: skip
    for name, code in ((folder, 0), (tmp_path / "letras", 1)):
        out = tmp_path / f"con-{name.name}"
        assert pretrain_command([*map(str, settings), "--tokenizer", str(name), "--out", str(out)]) == code
    assert "hay tokens de otro vocabulario" in capsys.readouterr().err


def test_a_learnt_vocabulary_that_has_changed_is_told(texts, tmp_path, capsys):
    """Los tokens siguen siendo los de antes y el modelo aprendería con otros nombres."""
    settings = ["--corpus", texts, "--tokens", tmp_path / "tokens", "--held-out", "2", "--processes", "1",
                "--probes", "0", "--preset", "mini", "--n-layer", "1", "--n-embd", "16", "--n-positions", "16",
                "--batch", "2", "--micro-batch", "2", "--max-steps", "1", "--vocab-size", "300"]  # fmt: skip
    assert pretrain_command([*map(str, settings), "--out", str(tmp_path / "a")]) == 0
    path = tmp_path / "tokens" / "tokenizer" / "vocab.json"
    vocab = json.loads(path.read_text(encoding="utf-8"))
    vocab["a"], vocab["e"] = vocab["e"], vocab["a"]
    path.write_text(json.dumps(vocab, ensure_ascii=False), encoding="utf-8")
    assert pretrain_command([*map(str, settings), "--out", str(tmp_path / "b")]) == 1
    assert "no es aquel con que se hicieron los tokens" in capsys.readouterr().err


@pytest.mark.parametrize("change", [{"text_bytes": 9999}, {"dtype": "uint32", "tokens": 512}])
def test_what_is_said_of_the_tokens_counts_too(tokenizer, tmp_path, change):
    ids = np.tile(np.array([7, 0], dtype="uint16"), 8 * 64)  # como uint32, también son ids del vocabulario
    tokens = token_file(tmp_path / "ids.bin", ids)
    train(tokens, tokenizer, tmp_path / "a")
    with pytest.raises(TrainingError, match="cambia los datos"):
        train(replace(tokens, **change), tokenizer, tmp_path / "a")


def test_a_family_that_no_task_has_is_told():
    with pytest.raises(TaskError, match="La familia «pairs» no puede ser: .*entailment"):
        replace(find_task("sentiment"), family="pairs")


@pytest.mark.parametrize("damage", ["nan", "missing", "cut", "result"])
def test_a_damaged_result_is_not_given_as_good(folder, tmp_path, damage):  # noqa: F811
    tune(folder, tmp_path / "a")
    path = tmp_path / "a" / "model.safetensors"
    weights = load_file(path)
    if damage == "nan":
        weights["clf_head.weight"][0, 0] = math.nan
    if damage == "missing":
        weights = {name: value for name, value in weights.items() if "clf_head" not in name}
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "result":
        (tmp_path / "a" / "result.json").write_text('{"task": "sentiment"}')
    else:
        save_file(weights, path, {"format": "pt"})
    with pytest.raises(TrainingError, match="está dañado"):
        tune(folder, tmp_path / "a")


def test_a_tokenizer_of_another_model_and_another_recipe_are_refused(folder):  # noqa: F811
    model = GPT1LMHeadModel.from_pretrained(folder)
    with pytest.raises(TrainingError, match="El tokenizador tiene 8192 entradas y el modelo 300"):
        fine_tune(model, "sentiment", tokenizer=GPT1Tokenizer.from_pretrained(models.MINI))
    for recipe in (None, "mini", SMALL):
        with pytest.raises(TrainingError, match="La receta tiene que ser"):
            tune(folder, recipe=recipe)


def test_a_score_task_does_not_take_the_class_for_the_score(folder):  # noqa: F811
    data = few("similarity")
    assert {row["label"] for row in data["train"]} == {0, 1}
    blind = data.map(lambda row: {"label": -1})
    assert tune(folder, task="stsb", data=data).steps == tune(folder, task="stsb", data=blind).steps


def test_a_folder_with_something_of_unknown_origin_is_not_touched(folder, tokens, tokenizer, tmp_path):  # noqa: F811
    tune(folder).save(tmp_path / "a")
    with pytest.raises(TrainingError, match="hay result.json y no se sabe de qué entrenamiento es"):
        tune(folder, tmp_path / "a")
    shutil.copytree(folder, tmp_path / "b")
    with pytest.raises(TrainingError, match="hay model.safetensors y no se sabe"):
        train(tokens, tokenizer, tmp_path / "b")
    (tmp_path / "a" / "run.json").write_text("[")
    with pytest.raises(TrainingError, match="run.json está dañado"):
        tune(folder, tmp_path / "a")


def test_what_did_not_start_does_not_count(folder, tmp_path):  # noqa: F811
    """Una receta que no cabía se corrige en la misma carpeta."""
    with pytest.raises(TrainingError, match="un lote pide 4096"):
        tune(folder, tmp_path / "a", recipe=replace(RECIPE, batch=4096, micro_batch=8))
    assert len(tune(folder, tmp_path / "a").steps) == 8


def test_a_finished_pretraining_is_not_trained_again(tokens, tokenizer, tmp_path, capsys):
    first = train(tokens, tokenizer, tmp_path / "a")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*") if path.is_file()}
    again = train(tokens, tokenizer, tmp_path / "a")
    assert "ya estaba acabado: no se repite nada" in capsys.readouterr().out
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
    for one, other in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(one.half(), other.half())  # lo guardado está en fp16


def test_a_run_that_died_before_saving_does_not_train_one_step_more(tokens, tokenizer, tmp_path):
    out = tmp_path / "a"
    first = train(tokens, tokenizer, out)
    history = (out / "history.json").read_text()
    run = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps({key: run[key] for key in run if key != "finished"}))
    for name in ("model.safetensors", "recipe.json"):
        (out / name).unlink()
    again = train(tokens, tokenizer, out)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not (out / "checkpoints" / "checkpoint-9").exists()
    assert [record["step"] for record in json.loads((out / "history.json").read_text())] == [
        record["step"] for record in json.loads(history)
    ]


def test_tokens_of_other_texts_are_not_taken_for_these(tokenizer, folder, tmp_path):  # noqa: F811
    texts = [Document(str(n), f"The old man saw the sea {n} times.") for n in range(3)]
    others = [Document(str(n), f"The old man saw the sky {n} times.") for n in range(3)]
    file = tokenize_documents(texts, folder, tmp_path / "a.bin", processes=1)
    assert tokenize_documents(texts, folder, tmp_path / "a.bin", processes=1) == file
    with pytest.raises(CorpusError, match="son los tokens de otros textos"):
        tokenize_documents(others, folder, tmp_path / "a.bin", processes=1)
    # piezas que dejó a medias otro encargo
    pieces = tmp_path / "b.partes"
    pieces.mkdir()
    np.save(pieces / "000000.npy", np.asarray([1, 2], dtype="uint16"))
    (pieces / "origen.txt").write_text("de otros textos")
    assert (
        tokenize_documents(texts, folder, tmp_path / "b.bin", processes=1).array().tolist()
        == file.array().tolist()
    )
    # un archivo cortado no cuenta como hecho
    (tmp_path / "b.bin").write_bytes((tmp_path / "b.bin").read_bytes()[:-2])
    assert read_token_file(tmp_path / "b.bin") is None


@pytest.mark.slow
def test_two_processes_do_not_train_in_the_same_folder(folder, tokens, tokenizer, tmp_path):  # noqa: F811
    code = "import sys; from pathlib import Path; from helpers.training import alone_in\n"
    code += "with alone_in(Path(sys.argv[1])): print('dentro', flush=True); sys.stdin.read()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a")], cwd=lessons.ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert other.stdout.readline().strip() == b"dentro"
        for start in (lambda: tune(folder, tmp_path / "a"), lambda: train(tokens, tokenizer, tmp_path / "a")):
            with pytest.raises(TrainingError, match="Otro proceso está entrenando"):
                start()
        assert not list((tmp_path / "a").glob("*.json"))
    finally:
        other.kill()
        other.wait()
    assert len(tune(folder, tmp_path / "a").steps) == 8  # si muere, el cerrojo se suelta solo


# --- seguir con otros ajustes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"learning_rate": 5e-4}, "learning_rate: 0.001 y ahora 0.0005"),
        ({"batch": 8, "micro_batch": 8}, "batch: 4 y ahora 8"),
        ({"max_steps": 12}, "max_steps: 8 y ahora 12"),  # con la caída coseno serían otras tasas
        ({"seed": 1}, "seed: 0 y ahora 1"),
        ({"n_embd": 64}, "n_embd: 32 y ahora 64"),
    ],
)
def test_another_recipe_is_refused_with_both_values(tokens, tokenizer, tmp_path, change, told):
    train(tokens, tokenizer, tmp_path / "a")
    before = (tmp_path / "a" / "recipe.json").read_text()
    with pytest.raises(TrainingError, match=r"entrenamiento distinto") as problem:
        train(tokens, tokenizer, tmp_path / "a", replace(SMALL, **change))
    assert told in str(problem.value) and (tmp_path / "a" / "recipe.json").read_text() == before


def test_how_it_is_split_is_not_another_recipe(tokens, tokenizer, tmp_path, capsys):
    train(tokens, tokenizer, tmp_path / "a")
    train(tokens, tokenizer, tmp_path / "a", replace(SMALL, micro_batch=2, save_every=3))
    assert "no se repite nada" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"learning_rate": 1e-30}, "ningún peso ha cambiado. O la tasa de aprendizaje (1e-30)"),
        ({"warmup": 2000}, "la subida dura 2000 actualizaciones y el entrenamiento 8"),
        ({}, None),
    ],
)
def test_a_recipe_that_moves_nothing_says_so(tokens, tokenizer, tmp_path, capsys, change, told):
    train(tokens, tokenizer, tmp_path / "a", replace(SMALL, **change))
    out = capsys.readouterr().out
    assert told in out if told else "Aviso" not in out


@pytest.mark.parametrize(
    ("change", "told"),
    [({"learning_rate": 1e-30}, "ningún peso"), ({"warmup": 1.0}, "no ha acabado"), ({}, None)],
)
def test_a_fine_tuning_that_moves_nothing_says_so(folder, capsys, change, told):  # noqa: F811
    tune(folder, recipe=replace(RECIPE, **change))
    out = capsys.readouterr().out
    assert told in out if told else "Aviso" not in out


def test_other_probes_half_way_are_told(tokens, tokenizer, tmp_path, capsys):
    def probe(data):
        def measure(model):
            return {"zero_shot_x": 0.5}

        measure.data = data
        return measure

    constant = replace(SMALL, schedule="constant_with_warmup")
    train(tokens, tokenizer, tmp_path / "a", constant, probes=[probe(["one"])])
    train(tokens, tokenizer, tmp_path / "a", replace(constant, max_steps=10), probes=[probe(["one"])])
    assert "sondas" not in capsys.readouterr().out
    train(tokens, tokenizer, tmp_path / "a", replace(constant, max_steps=12), probes=[probe(["two"])])
    assert "las sondas (`probes`) ya no son las de las medidas" in capsys.readouterr().out


@pytest.mark.parametrize(
    "found", [3, None, {"x": np.float32(1)}, {"x": torch.tensor(1.0)}, {"held_out_loss": 0.0}]
)
def test_a_probe_that_does_not_give_numbers_is_told(tokens, tokenizer, tmp_path, found):
    with pytest.raises(TrainingError, match="tiene que devolver un diccionario de números"):
        train(tokens, tokenizer, tmp_path / "a", probes=[lambda model: found])
    train(tokens, tokenizer, tmp_path / "a", probes=[lambda model: {"x": 1.0}])


def test_a_constant_rate_can_go_on_and_both_settings_are_written_down(tokens, tokenizer, tmp_path):
    constant = replace(SMALL, schedule="constant_with_warmup")
    longer = replace(SMALL, schedule="warmup_stable_decay", decay_steps=4, max_steps=16)
    train(tokens, tokenizer, tmp_path / "a", constant)
    train(tokens, tokenizer, tmp_path / "a", longer)
    run = json.loads((tmp_path / "a" / "run.json").read_text())
    assert run["finished"] and (run["max_steps"], run["schedule"]) == (16, "warmup_stable_decay")
    assert run["stages"] == [
        {"max_steps": 8, "schedule": "constant_with_warmup", "decay_steps": 0, "until": 8}
    ]
    with pytest.raises(TrainingError, match="max_steps: 16 y ahora 20"):
        train(tokens, tokenizer, tmp_path / "a", replace(longer, max_steps=20))


@pytest.mark.parametrize(
    ("before", "after"), [({"epochs": 0.5}, {"epochs": 1.0}), ({"max_steps": 8}, {"epochs": 1.0})]
)
def test_a_longer_run_really_trains_longer(tokens, tokenizer, tmp_path, before, after):
    """También si lo que se alarga son las épocas: 64 ventanas en lotes de 4 son 16 actualizaciones por época."""
    constant = replace(SMALL, schedule="constant_with_warmup", max_steps=-1)
    train(tokens, tokenizer, tmp_path / "a", replace(constant, **before))
    train(tokens, tokenizer, tmp_path / "a", replace(constant, **after))
    assert json.loads((tmp_path / "a" / "history.json").read_text())[-1]["step"] == 16
    with pytest.raises(TrainingError, match="ya hay 16 actualizaciones y se piden 4"):
        train(tokens, tokenizer, tmp_path / "a", replace(constant, max_steps=4))


@pytest.mark.parametrize(
    "change",
    [
        {"schedule": "cosine"}, {"schedule": "linear"}, {"epochs": 3},
        {"schedule": "warmup_stable_decay", "decay_steps": 4},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("finished", [True, False])
def test_what_nothing_was_trained_with_is_not_written_down(tokens, tokenizer, tmp_path, change, finished):
    """Ya están hechas las ocho actualizaciones, todas a tasa constante: `recipe.json` no puede decir otra cosa."""
    constant = replace(SMALL, schedule="constant_with_warmup")
    train(tokens, tokenizer, tmp_path / "a", constant)
    if not finished:
        (tmp_path / "a" / "model.safetensors").unlink()
    before = {path: path.read_text() for path in tmp_path.rglob("*.json")}
    with pytest.raises(TrainingError, match=f"entrenamiento distinto .cambia .*{next(iter(change))}"):
        train(tokens, tokenizer, tmp_path / "a", replace(constant, **change))
    assert before == {path: path.read_text() for path in tmp_path.rglob("*.json")}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"max_steps": 4}, "ya hay 8 actualizaciones y se piden 4"),
        ({"max_steps": 4, "schedule": "cosine"}, "ya hay 8 actualizaciones y se piden 4"),
        ({"max_steps": 16, "schedule": "cosine"}, "cambia max_steps: 8 y ahora 16; schedule"),
        ({"max_steps": 10, "schedule": "warmup_stable_decay", "decay_steps": 7}, "entrenamiento distinto"),
        ({"max_steps": 16, "epochs": 3}, "entrenamiento distinto .*epochs"),
    ],
    ids=str,
)
def test_a_refused_order_leaves_a_run_at_a_constant_rate_as_it_was(
    tokens, tokenizer, tmp_path, capsys, changes, told
):
    """Pedir menos, o una bajada que ya tendría que haber empezado, no toca lo hecho, que se puede alargar."""
    constant, out = replace(SMALL, schedule="constant_with_warmup"), tmp_path / "a"
    train(tokens, tokenizer, out, constant)
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}
    with pytest.raises(TrainingError, match=told):
        train(tokens, tokenizer, out, replace(constant, **changes))
    assert before == {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}
    train(tokens, tokenizer, out, constant)
    assert "ya estaba acabado" in capsys.readouterr().out
    train(tokens, tokenizer, out, replace(constant, max_steps=12))
    assert json.loads((out / "history.json").read_text())[-1]["step"] == 12


def test_how_it_was_split_before_is_written_down(tokens, tokenizer, tmp_path, monkeypatch):
    """Seguir con otro reparto u otra precisión se puede, y `run.json` dice cómo se hizo lo de antes."""
    out = tmp_path / "a"
    with monkeypatch.context() as patch:
        patch.setattr("helpers.pretraining.run.mark_finished", lambda out: pytest.fail("corte"))
        with pytest.raises(pytest.fail.Exception):
            train(tokens, tokenizer, out)
    (out / "model.safetensors").unlink()
    shutil.rmtree(out / "checkpoints" / "checkpoint-8")
    train(tokens, tokenizer, out, replace(SMALL, micro_batch=2, save_every=8, precision="fp32"))
    run = json.loads((out / "run.json").read_text())
    assert run["stages"] == [{"micro_batch": 4, "save_every": 4, "precision": "auto", "until": 4}]
    assert (run["micro_batch"], run["save_every"], run["precision"]) == (2, 8, "fp32")
    train(tokens, tokenizer, out)  # acabado: ni se repite ni se apunta otra cosa
    assert json.loads((out / "run.json").read_text()) == run


def test_what_was_finished_without_checkpoints_cannot_go_on(tokens, tokenizer, tmp_path):
    """Sin un punto de control se haría todo de nuevo, y `run.json` diría que una parte se hizo como antes."""
    constant, out = replace(SMALL, schedule="constant_with_warmup", save_every=-1), tmp_path / "a"
    train(tokens, tokenizer, out, constant)
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}
    with pytest.raises(TrainingError, match="cambia max_steps: 8 y ahora 12"):
        train(tokens, tokenizer, out, replace(constant, max_steps=12))
    assert before == {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}


def test_a_run_that_no_longer_saves_goes_on_from_where_it_was(tokens, tokenizer, tmp_path, monkeypatch):
    constant, updates = replace(SMALL, schedule="constant_with_warmup", save_every=4), []
    longer, step = replace(constant, max_steps=12), CarefulTrainer.training_step
    train(tokens, tokenizer, tmp_path / "a", constant)
    train(tokens, tokenizer, tmp_path / "b", longer)
    monkeypatch.setattr(CarefulTrainer, "training_step", lambda *args: updates.append(1) or step(*args))
    train(tokens, tokenizer, tmp_path / "a", replace(longer, save_every=-1))
    assert len(updates) == 4, "ha empezado de cero"
    expected, found = (load_file(tmp_path / name / "model.safetensors") for name in "ba")
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize("micro_batch", [1, 2, 4])
def test_the_updates_do_not_depend_on_the_micro_batch(tokenizer, tmp_path, micro_batch):
    """66 ventanas en lotes de 4: dieciséis actualizaciones por época, y las dos que sobran no hacen otra."""
    ids = np.random.default_rng(0).integers(1, 300, 16 * 66).astype("uint16")
    odd = token_file(tmp_path / "ids.bin", ids)
    train(odd, tokenizer, tmp_path / "a", replace(SMALL, max_steps=-1, epochs=1, micro_batch=micro_batch))
    last = json.loads((tmp_path / "a" / "history.json").read_text())[-1]
    assert (last["step"], last["tokens"]) == (16, 16 * 4 * 16)


def test_with_other_weights_the_shape_is_theirs(tokens, tokenizer, tmp_path):
    train(tokens, tokenizer, tmp_path / "a")
    model = train(
        tokens, tokenizer, tmp_path / "b", replace(SMALL, n_layer=7, n_embd=64), init=tmp_path / "a"
    )
    recipe = json.loads((tmp_path / "b" / "recipe.json").read_text())
    assert (recipe["n_layer"], recipe["n_embd"]) == (1, 32) == (model.config.n_layer, model.config.n_embd)
    assert not model.training


def test_a_folder_with_a_model_is_not_overwritten(folder, tmp_path):  # noqa: F811
    shutil.copytree(folder, tmp_path / "modelo")
    before = (tmp_path / "modelo" / "model.safetensors").read_bytes()
    with pytest.raises(TrainingError, match="hay model.safetensors y no se sabe"):
        tune(folder, tmp_path / "modelo")
    assert (tmp_path / "modelo" / "model.safetensors").read_bytes() == before


# --- parar y seguir no pierde ninguna medida ---------------------------------------------------------------


def interrupt_at(monkeypatch, step):
    """Ctrl-C durante la actualización `step`."""
    from helpers.training.trainer import CarefulTrainer

    plain = CarefulTrainer.training_step

    def pressed(self, *args, **kwargs):
        if self.state.global_step + 1 == step:
            os.kill(os.getpid(), signal.SIGINT)
        return plain(self, *args, **kwargs)

    monkeypatch.setattr(CarefulTrainer, "training_step", pressed)


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 4, 8])  # a mitad de época, al final de la primera y al final de todo
@pytest.mark.parametrize("save_every", [0, 4])
def test_control_c_anywhere_loses_no_evaluation(folder, tmp_path, monkeypatch, step, save_every):  # noqa: F811
    recipe = replace(RECIPE, save_every=save_every)
    whole = tune(folder, recipe=recipe)
    interrupt_at(monkeypatch, step)
    if step < 8:
        with pytest.raises(KeyboardInterrupt, match=f"actualización {step}, que queda guardada"):
            tune(folder, tmp_path / "a", recipe=recipe)
    else:
        tune(folder, tmp_path / "a", recipe=recipe)  # ya había acabado
    monkeypatch.undo()
    again = tune(folder, tmp_path / "a", recipe=recipe)
    assert [one["step"] for one in again.evaluations] == [4, 8]
    assert again.steps == whole.steps and again.best == whole.best


@pytest.mark.slow
@pytest.mark.parametrize("fails_at", [4, 8])
def test_a_death_while_measuring_loses_no_evaluation(folder, tmp_path, monkeypatch, fails_at):  # noqa: F811
    from helpers.training.trainer import CarefulTrainer

    whole, plain = tune(folder), CarefulTrainer.evaluate

    def dies(self, *args, **kwargs):
        if self.state.global_step == fails_at:
            raise RuntimeError("se ha ido la luz")
        return plain(self, *args, **kwargs)

    recipe = replace(RECIPE, save_every=4)
    monkeypatch.setattr(CarefulTrainer, "evaluate", dies)
    with pytest.raises(RuntimeError, match="luz"):
        tune(folder, tmp_path / "a", recipe=recipe)
    monkeypatch.undo()
    again = tune(folder, tmp_path / "a", recipe=recipe)
    assert [one["step"] for one in again.evaluations] == [4, 8] and again.best == whole.best


def test_without_a_folder_nothing_is_left_behind(folder, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tune(folder)
    assert list(tmp_path.iterdir()) == []


# --- puntos de control dañados -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("model.safetensors", "cut"),
        ("optimizer.pt", "cut"),
        ("optimizer.pt", "flip"),
        ("optimizer.pt", "remove"),
        ("scheduler.pt", "remove"),
        ("trainer_state.json", "cut"),
        ("rng_state.pth", "cut"),
        ("rng_state.pth", "remove"),
        ("training_args.bin", "cut"),
    ],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(
    tokens, tokenizer, tmp_path, capsys, name, damage
):
    out = tmp_path / "a"
    whole = train(tokens, tokenizer, tmp_path / "entero")
    train(tokens, tokenizer, out)
    pretend_it_died(out)
    path = next((out / "checkpoints" / "checkpoint-8").glob(name))
    content = path.read_bytes()
    if damage == "remove":
        path.unlink()
    else:
        middle = len(content) // 2
        changed = bytes([content[middle] ^ 255])
        path.write_bytes(content[:middle] + (b"" if damage == "cut" else changed + content[middle + 1 :]))
    again = train(tokens, tokenizer, out)
    told = capsys.readouterr().out
    assert "checkpoint-8" in told and name in told and "sigo desde checkpoint-4" in told
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))


def pretend_it_died(out):
    """Como si el proceso hubiera muerto tras el último punto de control."""
    run = json.loads((out / "run.json").read_text())
    (out / "run.json").write_text(json.dumps({key: run[key] for key in run if key != "finished"}))
    (out / "model.safetensors").unlink()


@pytest.mark.parametrize("damage", ["nan", "missing"])
def test_a_checkpoint_with_wrong_weights_does_not_count(tokens, tokenizer, tmp_path, capsys, damage):
    train(tokens, tokenizer, tmp_path / "a")
    pretend_it_died(tmp_path / "a")
    path = tmp_path / "a" / "checkpoints" / "checkpoint-8" / "model.safetensors"
    weights = load_file(path)
    name = "transformer.h.0.ln_1.bias"
    if damage == "nan":
        weights[name][0] = math.nan
    else:
        del weights[name]
    save_file(weights, path, {"format": "pt"})
    train(tokens, tokenizer, tmp_path / "a")
    assert "checkpoint-8 (model.safetensors" in capsys.readouterr().out


def test_with_none_whole_it_starts_again_and_says_so(tokens, tokenizer, tmp_path, capsys):
    train(tokens, tokenizer, tmp_path / "a")
    pretend_it_died(tmp_path / "a")
    for place in (tmp_path / "a" / "checkpoints").iterdir():
        (place / "optimizer.pt").unlink()
    train(tokens, tokenizer, tmp_path / "a")
    assert "no queda ninguno entero y empiezo de cero" in capsys.readouterr().out


def test_what_is_no_use_does_not_take_the_place_of_the_new(tokens, tokenizer, tmp_path):
    train(tokens, tokenizer, tmp_path / "a")
    (tmp_path / "a" / "model.safetensors").unlink()
    for place in (tmp_path / "a" / "checkpoints").iterdir():
        (place / "trainer_state.json").write_text("{}")
        os.utime(
            place, (2**32, 2**32)
        )  # al rotar, `Trainer` mira la fecha: el más viejo sería el recién escrito
    train(tokens, tokenizer, tmp_path / "a", replace(SMALL, save_every=1))
    left = sorted(place.name for place in (tmp_path / "a" / "checkpoints").iterdir())
    assert left == ["checkpoint-7", "checkpoint-8"]


def test_an_unfinished_checkpoint_does_not_count(tokens, tokenizer, tmp_path, capsys):
    train(tokens, tokenizer, tmp_path / "a")
    checkpoints = tmp_path / "a" / "checkpoints"
    (checkpoints / "checkpoint-99").mkdir()
    (checkpoints / "checkpoint-cero").mkdir()
    assert (
        last_checkpoint(checkpoints).endswith("checkpoint-8") and last_checkpoint(tmp_path / "nada") is None
    )
    assert capsys.readouterr().out == ""


# --- divergencia -------------------------------------------------------------------------------------------


# con 1e39, que en fp32 es infinito, los pesos dejan de ser números antes que ninguna pérdida
@pytest.mark.parametrize(
    "recipe", [{"learning_rate": 1e30}, {"learning_rate": 1e10, "max_grad_norm": 0}, {"learning_rate": 1e39}]
)
def test_a_diverging_pretraining_stops_and_leaves_nothing_wrong(tokens, tokenizer, tmp_path, recipe):
    recipe = replace(SMALL, save_every=1, **recipe)
    with pytest.raises(TrainingError, match="actualización [234]: .* prueba con 0.0001"):
        train(tokens, tokenizer, tmp_path / "a", recipe)
    with pytest.raises(
        TrainingError, match="actualización [234]: .* prueba con 0.0001"
    ):  # sin mirar al guardar
        train(tokens, tokenizer, tmp_path / "b", replace(recipe, save_every=-1))
    assert not (tmp_path / "a" / "model.safetensors").exists()
    for path in (tmp_path / "a").rglob("*.safetensors"):
        assert all(torch.isfinite(weights).all() for weights in load_file(path).values())
    for path in (tmp_path / "a").rglob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)


def test_a_divergence_while_measuring_leaves_a_history_to_go_on_from(
    tokens, tokenizer, tmp_path, monkeypatch
):
    step = CarefulTrainer.training_step

    def spoils(self, model, *args, **kwargs):
        loss = step(self, model, *args, **kwargs)
        if self.state.global_step == 7:  # la última: la primera medida es después
            next(model.parameters()).grad[3, 3] = math.nan
        return loss

    with monkeypatch.context() as patch:
        patch.setattr(CarefulTrainer, "training_step", spoils)
        with pytest.raises(TrainingError, match="ha dejado de ser un número en la actualización 8"):
            train(tokens, tokenizer, tmp_path / "a")
    train(tokens, tokenizer, tmp_path / "a")
    history = json.loads((tmp_path / "a" / "history.json").read_text())
    assert [record["step"] for record in history] == [8] and history[0]["held_out_loss"] > 0


def test_weights_too_large_for_fp16_are_saved_whole(folder, tokens, tokenizer, tmp_path):  # noqa: F811
    large = GPT1LMHeadModel.from_pretrained(folder)
    with torch.no_grad():  # la normalización se lo lleva antes de la salida
        large.transformer.positions_embed.weight[0, 0] = 1e5
    large.save_pretrained(tmp_path / "grande")
    tokenizer.save_pretrained(tmp_path / "grande")
    trained = train(tokens, tokenizer, tmp_path / "a", init=tmp_path / "grande")
    loaded, _ = models.load(str(tmp_path / "a"), verbose=False)
    assert trained.transformer.positions_embed.weight[0, 0].item() == pytest.approx(1e5, rel=0.01)
    for weights, saved in zip(trained.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(weights, saved)


@pytest.mark.parametrize(
    ("recipe", "cause"),
    [
        ({"weight_decay": 1e30}, "La pérdida .* weight_decay .1e.30. sea demasiado alto"),
        ({"weight_decay": 1e10, "max_grad_norm": 0}, "weight_decay .1e.10. sea demasiado alto"),
        ({"adam_epsilon": 1e-300}, "adam_epsilon .1e-300. cuente como 0"),
        ({"adam_beta2": 0}, "La pérdida ha llegado a .* nats .* adam_beta2 .0. sea demasiado bajo"),
        ({"adam_beta2": 0.0, "adam_beta1": 0.99}, "adam_beta2 .0. sea demasiado bajo"),
        ({"learning_rate": 1e10, "weight_decay": 0.01}, "la tasa de aprendizaje .1e.10. sea demasiado alta"),
    ],
)
def test_what_really_diverged_is_blamed(tokens, tokenizer, tmp_path, recipe, cause):
    with pytest.raises(TrainingError, match=cause):
        train(tokens, tokenizer, tmp_path / "a", replace(SMALL, **recipe))
    assert not (tmp_path / "a" / "model.safetensors").exists()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_were_already_wrong_are_blamed(folder, value):  # noqa: F811
    model, tokenizer = GPT1LMHeadModel.from_pretrained(folder), GPT1Tokenizer.from_pretrained(folder)
    with torch.no_grad():
        model.transformer.h[0].ln_1.weight[0] = value
    told = "transformer.h.0.ln_1.weight .* valores que no son números"
    with pytest.raises(models.ModelError, match=told):
        fine_tune(model, "sentiment", few("sentiment"), tokenizer=tokenizer, recipe=RECIPE, progress=False)
    with pytest.raises(models.ModelError, match=told):
        fine_tune_language(model, tokenizer, "It was a day like any other. " * 900, progress=False)


@pytest.mark.parametrize("size", [1e4, 1e6, 1e30])
def test_huge_starting_weights_are_blamed_and_not_the_rate(folder, tokens, tokenizer, tmp_path, capsys, size):  # noqa: F811
    """Diverja o acabe, que depende de cuánto midan."""
    model, own = GPT1LMHeadModel.from_pretrained(folder), GPT1Tokenizer.from_pretrained(folder)
    with torch.no_grad():
        for weights in model.parameters():
            weights *= size
    model.save_pretrained(tmp_path / "inicio")
    own.save_pretrained(tmp_path / "inicio")
    for run in (
        lambda: fine_tune(model, "sentiment", few("sentiment"), tokenizer=own, recipe=RECIPE, progress=False),
        lambda: train(tokens, own, tmp_path / "a", init=tmp_path / "inicio"),
    ):
        try:
            run()
            told = capsys.readouterr().out
        except TrainingError as problem:
            told = str(problem)
        assert "los pesos de partida estén mal, porque llegan a " in told and "la tasa" not in told


def test_a_perplexity_that_is_not_a_number_stops_and_one_of_before_is_infinite(folder, tmp_path):  # noqa: F811
    model, tokenizer = GPT1LMHeadModel.from_pretrained(folder), GPT1Tokenizer.from_pretrained(folder)
    assert FineTunedLanguage(model, tokenizer, 800.0, 1.0, 3).perplexity == (math.inf, math.e)
    with torch.no_grad():
        for weights in model.parameters():
            weights *= 1e6
    text = " ".join(list(few("sentiment")["train"]["text"]) * 4)
    with pytest.raises(TrainingError, match="La pérdida ha llegado a .* nats por token"):
        fine_tune_language(model, tokenizer, text, out=tmp_path / "a", progress=False)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"recipe": RECIPE}, "La receta tiene que ser una `PretrainingRecipe`"),
        ({"recipe": None}, "La receta tiene que ser"),
        ({"recipe": {}}, "La receta tiene que ser"),
        ({"tokenizer": None}, "El tokenizador tiene que ser"),
        ({"tokenizer": "gpt1-mini"}, "El tokenizador tiene que ser"),
        ({"tokens": None}, "Los tokens tienen que ser"),
        ({"tokens": "tokens/train.bin"}, "Los tokens tienen que ser"),
        ({"probes": [3]}, "Las sondas ..probes.. tienen que ser funciones, y es 3"),
    ],
)
def test_what_a_pretraining_is_not_given(tokens, tokenizer, tmp_path, settings, told):
    given = {"tokens": tokens, "tokenizer": tokenizer, "out": tmp_path / "a"} | settings
    with pytest.raises(TrainingError, match=told):
        train(**given)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"text_bytes": 0}, "text_bytes=0 no puede ser"),
        ({"text_bytes": -5}, "text_bytes=-5 no puede ser"),
        ({"tokens": 10**6}, "ocupa 2048 bytes y 1000000 tokens de tipo uint16 serían 2000000"),
        ({"tokens": 0}, "tokens=0 no puede ser"),
        ({"dtype": "float64"}, "dtype='float64' no puede ser"),
        ({"dtype": "uint32"}, "ocupa 2048 bytes y 1024 tokens de tipo uint32 serían 4096"),
        ({"path": "nada.bin"}, "No existe nada.bin"),
    ],
    ids=str,
)
def test_tokens_described_wrongly_are_refused(tokens, tokenizer, tmp_path, change, told):
    with pytest.raises(TrainingError, match=told):
        train(replace(tokens, **change), tokenizer, tmp_path / "a")
    assert not (tmp_path / "a" / "run.json").exists()


def test_tokens_of_a_larger_vocabulary_are_refused(tokenizer, tmp_path):
    ids = np.full(16 * 64, len(tokenizer), dtype="uint16")
    with pytest.raises(TrainingError, match=f"está el id {len(tokenizer)} y el vocabulario"):
        train(token_file(tmp_path / "ids.bin", ids), tokenizer, tmp_path / "a")


def test_what_a_language_fine_tuning_leaves_out_is_told(folder, tmp_path, capsys):  # noqa: F811
    model, tokenizer = GPT1LMHeadModel.from_pretrained(folder), GPT1Tokenizer.from_pretrained(folder)
    text, out = "It was a day like any other. " * 300, tmp_path / "a"
    recipe = replace(LANGUAGE, max_steps=4, save_every=2, batch=2, n_layer=3, n_head=6, warmup=7)
    fine_tune_language(model, tokenizer, text, recipe, out=out, progress=False)
    told = capsys.readouterr().out
    assert "de la receta no cuentan n_layer, n_head, warmup" in told
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == ["checkpoint-2", "checkpoint-4"]
    fine_tune_language(model, tokenizer, text, replace(LANGUAGE, max_steps=1, batch=2), progress=False)
    assert "no cuentan" not in capsys.readouterr().out


@pytest.mark.parametrize("rate", [1e3, 1e4])
def test_a_fine_tuning_that_ends_absurd_says_so(folder, capsys, rate):  # noqa: F811
    tune(folder, recipe=replace(RECIPE, learning_rate=rate, max_steps=4))
    assert f"la tasa de aprendizaje ({rate:g}) sea demasiado alta" in capsys.readouterr().out
    tune(folder)
    assert "demasiado alta" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": "gpt1-mini"}, "El modelo tiene que ser lo que devuelve `models.load`, y es 'gpt1-mini'"),
        ({"model": None}, "El modelo tiene que ser"),
        ({"tokenizer": None}, "El tokenizador tiene que ser"),
        ({"model": GPT1LMHeadModel(TINY).double()}, "float64 y se entrena en float32"),
        ({"recipe": None}, "La receta tiene que ser"),
        ({"recipe": RECIPE}, "La receta tiene que ser una `PretrainingRecipe`"),
    ],
)
def test_what_a_language_fine_tuning_is_not_given(folder, tokenizer, settings, told):  # noqa: F811
    given = {"model": GPT1LMHeadModel.from_pretrained(folder), "tokenizer": tokenizer, "text": "a " * 900}
    with pytest.raises(TrainingError, match=told):
        fine_tune_language(**(given | settings), progress=False)


@pytest.mark.parametrize(
    ("recipe", "cause"),
    [
        ({"learning_rate": 1e30}, "prueba con 0.0001"),
        ({"learning_rate": 1e39, "max_steps": 2}, "prueba con 0.0001"),  # se nota al medir
        ({"weight_decay": 1e30}, "weight_decay .1e.30. sea demasiado alto"),
        ({"adam_epsilon": 1e-300}, "adam_epsilon .1e-300. cuente como 0"),
        ({"learning_rate": 1e12, "max_grad_norm": 0}, "prueba con 0.0001"),
        ({"lm_coef": 1e38}, "lm_coef .* el artículo usa 0,5"),
        # la pérdida cabe en fp32 y la norma de su gradiente, no: no se aprendería nada
        ({"lm_coef": 1e30}, "El gradiente ha dejado de ser un número .* lm_coef .* el artículo usa 0,5"),
    ],
)
def test_a_diverging_fine_tuning_stops(folder, tmp_path, recipe, cause):  # noqa: F811
    with pytest.raises(TrainingError, match=cause):
        tune(folder, tmp_path / "a", recipe=replace(RECIPE, **recipe))
    assert not (tmp_path / "a" / "result.json").exists()
    for path in (tmp_path / "a").rglob("*.safetensors"):
        assert all(torch.isfinite(weights).all() for weights in load_file(path).values()), path.name


def test_with_half_precision_an_infinite_gradient_is_only_noted(folder, tmp_path, monkeypatch):  # noqa: F811
    """En fp16, `GradScaler` no hace esa actualización y baja su escala: en una GPU T4 pasa siempre al empezar."""
    real = CarefulTrainer.log

    def log(self, logs, *args, **kwargs):
        if "grad_norm" in logs and self.state.global_step == 1:
            self.accelerator.scaler, logs["grad_norm"] = object(), math.inf
        real(self, logs, *args, **kwargs)
        self.accelerator.scaler = None

    monkeypatch.setattr(CarefulTrainer, "log", log)
    result = tune(folder, tmp_path / "a")
    assert [step["grad_norm"] is None for step in result.steps[:2]] == [True, False]


def test_a_result_is_strict_json_and_reads_the_same(folder, tmp_path):  # noqa: F811
    """La puntuación que no hay es NaN, que JSON no tiene: se escribe `null` y se lee NaN."""
    result = tune(folder, tmp_path / "a")
    json.loads((tmp_path / "a" / "result.json").read_text(), parse_constant=pytest.fail)
    again = FineTuned.load(tmp_path / "a")
    assert all(math.isnan(row["score"]) for row in again.validation.rows + result.validation.rows)
    assert [row["id"] for row in again.validation.rows] == [row["id"] for row in result.validation.rows]


def test_without_memory_it_says_what_to_lower(folder, tmp_path, monkeypatch):  # noqa: F811
    for error in (
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"),
    ):
        monkeypatch.setattr("transformers.Trainer.train", Mock(side_effect=error))
        with pytest.raises(TrainingError, match="memoria con micro_batch=.* prueba con la mitad"):
            tune(folder, tmp_path / "a")
    monkeypatch.setattr("transformers.Trainer.train", Mock(side_effect=RuntimeError("mat1 and mat2 shapes")))
    with pytest.raises(RuntimeError, match="mat1"):
        tune(folder, tmp_path / "a")


# --- una receta imposible se ve al escribirla --------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: replace(RECIPE, batch_size=3), "no tiene batch_size .¿querías decir batch"),
        (lambda: replace(RECIPE, lr=3), "no tiene lr: tiene learning_rate, "),
        (lambda: replace(SMALL, n_layers=3), "no tiene n_layers .¿querías decir n_layer"),
        (lambda: replace(SMALL, lm_coef=3), "no tiene lm_coef"),
        (lambda: type(SMALL)(epoch=3), "no tiene epoch .¿querías decir epochs"),
    ],
)
def test_a_name_no_recipe_has_is_told(make, told):
    with pytest.raises(TrainingError, match=told):
        make()


def test_a_decay_that_does_not_fit_is_refused(tokens, tokenizer, tmp_path):
    recipe = replace(SMALL, schedule="warmup_stable_decay", decay_steps=100, max_steps=12)
    with pytest.raises(TrainingError, match="no caben en 12, y la tasa daría un salto"):
        train(tokens, tokenizer, tmp_path / "a", recipe)


WRONG = [
    ("batch", -4), ("epochs", 1e300), ("batch", 10**400),
    ("batch", 0), ("batch", 2.5), ("batch", True), ("micro_batch", 0), ("epochs", 0),
    ("epochs", math.nan), ("epochs", "3"),  ("learning_rate", 0),
    ("learning_rate", math.inf), ("learning_rate", -1e-3), ("max_steps", 0),
    ("dropout", 1), ("dropout", -0.1), ("weight_decay", -1), ("max_grad_norm", math.nan), ("adam_beta1", 1.0),
    ("adam_beta2", -0.1), ("adam_epsilon", 0), ("seed", -1), ("seed", 2**32), ("save_every", -2), ("precision", "int8"),
    ("learning_rate", None), ("batch", torch.tensor(4.0)),
]  # fmt: skip
WRONG_FINE = [
    ("lm_coef", math.nan), ("lm_coef", -0.5), ("warmup", 2), ("clf_dropout", 1.0), ("by_length", "sí"),
    ("n_transfer", -2), ("objective", "blanda"), ("train_size", 0),
]  # fmt: skip
WRONG_PRE = [
    ("schedule", "foo"), ("n_layer", 0), ("n_layer", 10**6), ("n_embd", 10**9),
    ("n_head", 0), ("n_positions", 1), ("warmup", -1), ("warmup", 0.5),
    ("decay_steps", -1), ("eval_windows", 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("preset", "name", "value"),
    [(RECIPE, *case) for case in WRONG + WRONG_FINE] + [(SMALL, *case) for case in WRONG + WRONG_PRE],
)
def test_an_impossible_value_is_one_sentence(preset, name, value):
    with pytest.raises(TrainingError) as problem:
        replace(preset, **{name: value})
    told = str(problem.value)
    assert told.startswith(f"{name}=") and "tiene que ser" in told and "\n" not in told


def test_possible_values_are_accepted():
    FineTuningRecipe(batch=np.int64(4), epochs=0.5, learning_rate=np.float32(1e-3), max_grad_norm=0, warmup=0)
    replace(SMALL, dropout=0, weight_decay=0, warmup=0, save_every=-1, max_steps=-1)
    json.dumps(replace(SMALL, learning_rate=np.longdouble(1e-3), epochs=Fraction(1, 2)).identity())
    with pytest.raises(TrainingError, match="n_embd=30 .* múltiplo"):
        replace(SMALL, n_embd=30)
    with pytest.raises(TrainingError, match="van juntas"):
        replace(SMALL, schedule="warmup_stable_decay")


@pytest.fixture
def texts(tmp_path):
    place = tmp_path / "textos"
    place.mkdir()
    for n in range(4):
        (place / f"{n}.txt").write_text(
            f"The old man looked at the sea {n} times. He did not say a word. " * 20
        )
    return place


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--vocab-size", "0"], "vocab_size=0 no puede ser"),
        (
            ["--vocab-size", "1000000000"],
            "vocab_size=1000000000 no puede ser",
        ),  # tokenizers mataría el proceso
        (["--held-out", "VACÍO"], "falta la columna «title»"),
        (["--vocab-size", "10"], "vocabulario de 10 entradas"),
        (["--schedule", "foo"], "schedule='foo' no puede ser"),
        (
            ["--batch", "-4"],
            "batch=-4 no puede ser: tiene que ser un entero desde 1 hasta 1\u202f000\u202f000\u202f000.",
        ),
        (["--learning-rate", "nan"], "learning_rate=nan no puede ser"),
        (["--processes", "0"], "processes=0"),
        (["--probes", "-1"], "probes=-1"),
        (["--held-out", "nada.tsv"], "No existe nada.tsv: --held-out espera un TSV"),
        (["--held-out", "-1"], "No existe -1: --held-out espera un TSV"),
        (["--held-out", "2.5"], "No existe 2.5: --held-out espera un TSV"),
        (["--held-out", "0"], "han quedado 4 y 0: con --held-out, elige de 2 a 4"),
        (["--processes", "-2"], "tiene que ser un entero desde 1 hasta 1\u202f000\u202f000\u202f000.\n"),
        (["--held-out", "REPETIDO"], "la columna «title» está 2 veces"),
        (["--init", "~nadie-se-llama-así"], "En ~nadie-se-llama-así falta config.json"),
        (["--corpus", ""], "--corpus está vacío"),
        (["--batch", "9" * 400], "no puede ser: tiene que ser un entero desde 1"),
        (["--init", "nada"], "En nada falta config.json y model.safetensors"),
        (["--tokenizer", "nada"], "En nada falta vocab.json y merges.txt"),
        (["--n-embd", "30", "--n-head", "4"], "n_embd=30"),
    ],
)
def test_the_pretraining_command_says_it_in_one_line(texts, tmp_path, capsys, options, told):
    (tmp_path / "vacío.tsv").write_text("")
    (tmp_path / "repetido.tsv").write_text("title\ttitle\na\tb\n")
    options = [str(tmp_path / f"{one.lower()}.tsv") if one.isupper() else one for one in options]
    arguments = ["--corpus", str(texts), "--out", str(tmp_path / "a"), "--preset", "mini", "--held-out", "2"]
    assert pretrain_command([*arguments, "--probes", "0", "--processes", "1", *options]) == 1
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and "No se puede escribir" not in error


@pytest.mark.parametrize(
    ("command", "options", "told"),
    [
        *((command, ["--precision", "fp16"], "fp16 necesita una GPU") for command in range(3)),
        *((command, ["--batch", "8", "--micro-batch", "3"], "Un lote de 8") for command in range(3)),
        (0, ["--processes", "0"], "processes=0 no puede ser"),
        (2, ["--seeds", "0"], "seeds=0 no puede ser"),
    ],
)
def test_what_cannot_be_is_told_before_reading_anything(
    tmp_path, monkeypatch, capsys, command, options, told
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main, needed = (
        (pretrain_command, ["--corpus", "nada"]),
        (fine_tune_command, ["--task", "sentiment", "--source", "nada"]),
        (reproduce_command, ["--tasks", "cola", "--model", "nada"]),
    )[command]
    assert main([*needed, "--out", str(tmp_path / "a"), *options]) == 1
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and not (tmp_path / "a").exists()


@pytest.mark.parametrize("command", [fine_tune_command, pretrain_command])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--epochs", "tres"], "--epochs: tres no vale: tiene que ser un número"),
        (["--batch", "1.5"], "--batch: 1.5 no vale: tiene que ser un entero"),
        (["--preset", "enorme"], "--preset: enorme no vale: elige entre"),
        (["--nada"], "no conozco: --nada"),
        (["--epochs"], "--epochs: falta su valor"),
        (["--out", ""], "--out: está vacía"),
        (["--out=--"], "--out: no vale «--»"),
        (["--preset=--"], "--preset: no vale «--»"),
        (["--out=~nadie-se-llama-así/a"], "--out: no existe ~nadie-se-llama-así"),
        ([], "falta: "),
    ],
)
def test_the_options_are_explained_in_spanish(capsys, command, options, told):
    needed = ["--task", "sentiment", "--corpus", "a", "--out", "b"] if options else []
    if command is fine_tune_command:
        needed = [one for one in needed if one not in ("--corpus", "a")]
    else:
        needed = [one for one in needed if one not in ("--task", "sentiment")]
    with pytest.raises(SystemExit) as stop:
        command([*needed, *options])
    error = capsys.readouterr().err
    assert stop.value.code == 2 and told in error and error.count("\n") == 1, error


# --- los datos del lector se miran antes -------------------------------------------------------------------


def changed(task, part="validation", number=1, **values):
    data = few(task)
    rows = data[part].to_list()
    rows[number] |= values
    return DatasetDict({**data, part: type(data[part]).from_list(rows)})


@pytest.mark.parametrize(
    ("task", "data", "told"),
    [
        ("sentiment", lambda: few("sentiment", rest=0), "En la parte «validation» no hay ninguna fila"),
        ("sentiment", lambda: DatasetDict(train=few("sentiment")["train"]), "las partes train y validation"),
        ("sentiment", lambda: changed("sentiment", label=2), "fila 1: `label` debe ir de 0 a 1"),
        ("sentiment", lambda: changed("sentiment", "train", 3, label=-2), "«train», fila 3: `label`"),
        ("sentiment", lambda: changed("sentiment", text=" "), "text debe ser un texto con algo escrito"),
        ("entailment", lambda: changed("entailment", pair=""), "pair debe ser un texto"),
        ("story_cloze", lambda: changed("story_cloze", options=["Uno."]), "con 1 y 2 opciones"),
        ("story_cloze", lambda: changed("story_cloze", options=["Uno.", ""]), r"options\[1\] debe ser"),
        ("stsb", lambda: changed("similarity", label=-1, score=7.0), "`score` debe estar entre 0 y 5 y es 7"),
        ("sentiment", lambda: few("sentiment").remove_columns("label"), "faltan las columnas label"),
        ("sentiment", lambda: {"train": []}, "las partes train y validation"),
        ("sentiment", lambda: {part: [1] for part in ("train", "validation")}, "debe ser un `Dataset`"),
        ("stsb", lambda: changed("similarity", label=-1, score=None), "`score` debe ser un número"),
    ],
)
def test_bad_rows_are_told_before_training(folder, monkeypatch, task, data, told):  # noqa: F811
    monkeypatch.setattr(
        "helpers.finetuning.run.train", lambda *args, **more: pytest.fail("ha llegado a entrenar")
    )
    with pytest.raises(TaskError, match=told) as problem:
        fine_tune(str(folder), task, data(), recipe=RECIPE, progress=False)
    assert "\n" not in str(problem.value)


# --- el disco ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "no queda sitio en el disco. .* deja sitio"),
        (PermissionError(errno.EACCES, "Permission denied"), "no tienes permiso. .* elige otra carpeta"),
        (OSError(errno.EROFS, "Read-only file system"), "solo lectura"),
        (SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), "queda sitio"),
        (RuntimeError("[enforce fail at inline_container.cc:862] . PytorchStreamWriter failed writing file data/0"),
         "la escritura se ha cortado"),
        (RuntimeError("[enforce fail at inline_container.cc:659] . unexpected pos 576 vs 470"), "se ha cortado"),
        (RuntimeError("basic_ios::clear: iostream error"), "se ha cortado"),
        (OSError(errno.EMFILE, "Too many open files"), "demasiados archivos abiertos. .* cierra otros programas"),
        (OSError(errno.ESTALE, "Stale file handle"), "la carpeta de red ya no está. .* sigue conectado"),
        (OSError(errno.EBUSY, "Device or resource busy"), "otro programa lo está usando. .* otra carpeta"),
    ],
)  # fmt: skip
def test_a_disk_that_fails_is_told_by_its_cause(tmp_path, error, told):
    with pytest.raises(TrainingError, match=told) as problem, clear_disk_errors(tmp_path):
        raise error
    assert str(problem.value).startswith(f"No se puede escribir en {tmp_path}")


def test_what_is_not_writing_is_not_blamed_on_the_disk(tmp_path):
    inside = OSError(errno.ENOENT, "No such file", str(tmp_path / "a" / "b.bin"))
    assert _disk_problem(inside, tmp_path / "a") is not None
    for error in (
        FileNotFoundError(errno.ENOENT, "No such file", str(tmp_path / "nada.tsv")),
        ConnectionResetError(errno.ECONNRESET, "Connection reset"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        SafetensorError("Error while deserializing header: invalid header length"),
    ):
        with pytest.raises(type(error)), clear_disk_errors(tmp_path / "a"):
            raise error


@pytest.mark.parametrize("out", ["", " ", "."])
def test_an_empty_folder_name_is_refused(folder, tokens, tokenizer, out):  # noqa: F811
    with pytest.raises(TrainingError, match="está vacía"):
        tune(folder, out)
    with pytest.raises(TrainingError, match="está vacía"):
        train(tokens, tokenizer, out)


# --- Ctrl-C y consolas -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform == "win32", reason="en Windows, otra señal")
def test_control_c_saves_stops_and_the_same_command_ends_as_if_nothing(folder, tmp_path):  # noqa: F811
    whole, stopped = tmp_path / "seguido", tmp_path / "parado"
    options = [
        "--task",
        "sentiment",
        "--model",
        str(folder),
        "--batch",
        "8",
        "--micro-batch",
        "8",
        "--epochs",
        "6",
    ]
    options += ["--train-size", "64", "--quiet"]
    assert fine_tune_command([*options, "--out", str(whole)]) == 0
    command = [sys.executable, "-m", "helpers.finetuning", *options, "--out", str(stopped)]
    process = subprocess.Popen(
        command, cwd=lessons.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="cp1252",
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )  # fmt: skip
    while not list(stopped.glob("checkpoints/checkpoint-*/trainer_state.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    lines = [
        line for line in err.splitlines() if "Loading weights" not in line and "model shards" not in line
    ]
    assert process.returncode == 130 and len(lines) == 1, err
    assert "Interrumpido en la actualización" in lines[0] and "repite la misma orden" in lines[0]
    assert fine_tune_command([*options, "--out", str(stopped)]) == 0
    first, second = (json.loads((place / "result.json").read_text()) for place in (whole, stopped))
    assert first["steps"] == second["steps"] and first["evaluations"] == second["evaluations"]
    expected, found = (load_file(place / "model.safetensors") for place in (whole, stopped))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="el tope de tamaño es de POSIX")
def test_a_disk_that_fills_while_writing_tokens_is_told(tmp_path):
    """NumPy (`tofile`) no dice nada si no cabe, y el corpus quedaría cortado sin que nadie lo supiera."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name in "abcdefgh":  # cada uno cabe; los de entrenar, juntos, no
        words = "The old man looked at the sea and did not say a word.\n" * 150
        (corpus / f"{name}.txt").write_text(f"{name}\n{words}", encoding="utf-8")
    order = "--vocab-size 300 --held-out 4 --preset mini --n-layer 1 --n-embd 16 --n-head 2 --n-positions 32 --batch 8"
    order += " --micro-batch 1 --max-steps 2 --save-every -1 --probes 0 --processes 1"
    order = ["--corpus", str(corpus), "--out", str(tmp_path / "o"), *order.split()]
    code = (
        "import resource, sys; from helpers.pretraining.__main__ import main\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (20000, -1)); sys.exit(main({order!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=lessons.ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "pasa del tamaño" in done.stderr and "Traceback" not in done.stderr, (
        done.stderr
    )
    assert not (tmp_path / "o" / "train.json").exists()


@pytest.mark.parametrize(
    "change", [{"adam_beta1": 0}, {"adam_beta2": 0}, {"learning_rate": Fraction(1, 1000)}]
)
def test_what_the_recipe_lets_in_also_trains(folder, tmp_path, change):  # noqa: F811
    assert tune(folder, tmp_path / "a", recipe=replace(RECIPE, max_steps=2, **change)).steps


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="sin dispositivos de POSIX")
def test_a_device_is_written_and_never_replaced(monkeypatch):
    """Como administrador, `os.replace` cambiaría /dev/null por un archivo, para todos los programas."""
    monkeypatch.setattr("os.replace", lambda *names: pytest.fail(f"se ha sustituido {names[1]}"))
    write_json("/dev/null", {"a": 1})
    with pytest.raises(OSError):
        write_json("/dev/full", {"a": 1})


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="solo en Linux")
def test_where_the_output_goes_is_not_the_disk_of_the_training():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "helpers.exercises.anki"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=lessons.ROOT,
            check=False,
        )
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    assert "No se puede escribir lo que dice esta orden: no queda sitio en el disco" in done.stderr


def test_printing_where_there_is_no_room_is_not_blamed_on_the_folder(tmp_path, monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

        flush = write

    for output, wanted in ((Full(), OSError), (io.StringIO(), TrainingError)):
        monkeypatch.setattr(sys, "stdout", output)
        with pytest.raises(wanted) as found, clear_disk_errors(tmp_path):
            raise OSError(errno.ENOSPC, "No space left on device")
        assert found.type is wanted


def test_what_nobody_expected_is_one_line_too(monkeypatch, capsys, tmp_path):
    def surprise(*args, **more):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("helpers.finetuning.__main__.fine_tune", surprise)
    assert fine_tune_command(["--task", "sentiment", "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error que el curso no esperaba (ZeroDivisionError") and error.count("\n") == 1
    monkeypatch.setenv("CURSO_TRAZA", "1")
    with pytest.raises(ZeroDivisionError):
        fine_tune_command(["--task", "sentiment", "--out", str(tmp_path)])


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "No se puede leer o escribir en el disco: no queda sitio",
        ),
        (OSError(errno.EMFILE, "Too many open files", "a.json"), "a.json: hay demasiados archivos abiertos"),
        (OSError(999, "?", "a.json"), "a.json: error 999 del sistema"),
        (MemoryError(), "No cabe en la memoria"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            "No cabe en la memoria",
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "No cabe en la memoria"),
    ],
)
def test_the_machine_is_blamed_by_its_name(monkeypatch, capsys, tmp_path, error, told):
    monkeypatch.setattr("helpers.finetuning.__main__.fine_tune", Mock(side_effect=error))
    assert fine_tune_command(["--task", "sentiment", "--out", str(tmp_path)]) == 1
    line = capsys.readouterr().err
    assert told in line and line.count("\n") == 1 and "no esperaba" not in line


def test_control_c_before_starting_is_one_line(monkeypatch, capsys, tmp_path):
    def interrupted(*args, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("helpers.finetuning.__main__.fine_tune", interrupted)
    assert fine_tune_command(["--task", "sentiment", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().err == "Interrumpido.\n"


@pytest.mark.parametrize("module", ["finetuning", "pretraining", "reproduction", "pretraining.card"])
def test_control_c_while_importing_is_one_line(tmp_path, module):
    # Un módulo que se traga la excepción, como hacen algunos imports perezosos: tampoco así sigue.
    (tmp_path / "torch.py").write_text(
        "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", f"helpers.{module}"], cwd=lessons.ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 130 and done.stderr == "Interrumpido.\n"


@pytest.mark.slow
@pytest.mark.parametrize("module", ["helpers.environment", "helpers.exercises.anki"])
def test_a_cp1252_console_does_not_break_anything(module):
    done = subprocess.run(
        [sys.executable, "-m", module], cwd=lessons.ROOT, capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert b"Traceback" not in done.stderr and done.stdout and Path(lessons.ROOT).exists()


# --- cada archivo es el que se guardó ----------------------------------------------------------------------


def spoilt(path, other):
    """Las formas de estropear un archivo: vacío, cortado, con otra cosa que se lee, con el de otro y borrado."""
    whole = path.read_bytes()
    yield b""
    yield whole[: len(whole) // 2]
    yield b"{}"
    yield b"[3]"
    buffer = io.BytesIO()
    torch.save({"a": 1}, buffer)
    yield buffer.getvalue()
    yield other.read_bytes()
    yield None


def test_no_file_of_a_checkpoint_can_be_another(tokens, tokenizer, tmp_path, capsys):
    train(tokens, tokenizer, tmp_path / "a")
    train(tokens, tokenizer, tmp_path / "b", replace(SMALL, seed=1, learning_rate=5e-4))
    here, there = (tmp_path / name / "checkpoints" / "checkpoint-8" for name in "ab")
    tried = 0
    for path in sorted(here.iterdir()):
        whole = path.read_bytes()
        for content in spoilt(path, there / path.name):
            if content == whole:
                continue  # hay archivos iguales en los dos, como config.json
            path.unlink() if content is None else path.write_bytes(content)
            assert last_checkpoint(here.parent).endswith("checkpoint-4"), (path.name, content)
            told = capsys.readouterr().out
            assert path.name in told or "otro entrenamiento" in told or "sums.json" in told
            path.write_bytes(whole)
            tried += 1
    assert tried > 50 and last_checkpoint(here.parent).endswith("checkpoint-8")
    shutil.rmtree(here)
    shutil.copytree(there, here)  # y tampoco el punto entero
    assert last_checkpoint(here.parent).endswith("checkpoint-4")
    assert "checkpoint-8 (es de otro entrenamiento)" in capsys.readouterr().out


@pytest.mark.slow
def test_no_file_of_a_finished_run_can_be_another(folder, tokens, tokenizer, tmp_path):  # noqa: F811
    starts = {
        "p": lambda out, seed=0: train(tokens, tokenizer, out, replace(SMALL, seed=seed)),
        "f": lambda out, seed=0: tune(folder, out, recipe=replace(RECIPE, seed=seed)),
    }
    for name, start in starts.items():
        here, there = tmp_path / name, tmp_path / f"{name}2"
        start(here)
        start(there, 1)
        for path in sorted(path for path in here.iterdir() if path.is_file()):
            whole = path.read_bytes()
            for content in spoilt(path, there / path.name):
                if content == whole or (
                    content is None and path.name in ("result.json", "model.safetensors")
                ):
                    continue  # sin él, está por acabar
                path.unlink() if content is None else path.write_bytes(content)
                if path.name == "run.json" and content == b"{}":
                    match = "cambia la edición"
                elif path.name == "run.json":
                    match = "run.json|seed"
                else:
                    match = (
                        rf"está dañado \(.*{path.name}|{path.name} (está dañado|no es una lista de medidas)"
                    )
                with pytest.raises(TrainingError, match=match):
                    start(here)
                path.write_bytes(whole)
        start(here)


def test_a_history_of_another_run_is_refused(tokens, tokenizer, tmp_path):
    train(tokens, tokenizer, tmp_path / "a")
    train(tokens, tokenizer, tmp_path / "b", replace(SMALL, seed=1))
    path = tmp_path / "a" / "history.json"
    run = (tmp_path / "a" / "run.json").read_text()
    for content in (*spoilt(path, tmp_path / "b" / "history.json"), b'[{"step": "a"}]', b"null", b"[]"):
        (tmp_path / "a" / "run.json").write_text(run.replace("finished", "antes"))
        path.unlink(missing_ok=True) if content is None else path.write_bytes(content)
        with pytest.raises(TrainingError, match=r"history\.json"):
            train(tokens, tokenizer, tmp_path / "a", replace(SMALL))


@pytest.mark.parametrize(
    "out", [3, [], True, b"x", "", " ", ".", "a\0b", "a\nb", {}, 1.5, object(), "~nadie_así/x"]
)
def test_what_is_not_a_folder_is_one_sentence(folder, tokens, tokenizer, out):  # noqa: F811
    text = "The old man saw the sea. " * 200
    for start in (
        lambda: train(tokens, tokenizer, out),
        lambda: tune(folder, out),
        lambda: fine_tune_language(*models.load(str(folder), verbose=False), text, out=out, progress=False),
    ):
        with pytest.raises(TrainingError, match="La carpeta de salida"):
            start()


def test_steps_show_a_bar_and_leave_its_last_line(monkeypatch):
    shown = []

    class Handle:
        def update(self, line, raw):
            shown.append(line["text/plain"])

    monkeypatch.setattr(steps, "display", lambda line, **_: shown.append(line["text/plain"]) or Handle())
    monkeypatch.setattr(steps, "EVERY", -1)
    for step in (bar := steps.Steps(3, "Entrenando")):
        bar.say(f"pérdida {step}")
    assert shown[0] == "Entrenando " + 30 * "░" + " 0 de 3"
    assert shown[1].startswith("Entrenando " + 10 * "█") and "1 de 3 · quedan 0 s · pérdida 0" in shown[1]
    assert shown[-1] == "Entrenando " + 30 * "█" + " 3 de 3 · pérdida 2" and len(shown) == 4
