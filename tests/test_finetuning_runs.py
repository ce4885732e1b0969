"""`fine_tune` entero: repetible, reanudable tras SIGKILL, en dos procesos, por familias, guardado y en la terminal."""

import contextlib
import json
from dataclasses import replace
from unittest import mock

import accelerate.accelerator
import numpy as np
import pytest
import torch
from datasets import DatasetDict
from killable import kill_when
from safetensors.torch import load_file
from simulated_gpu import SimulatedGPU
from transformers import OpenAIGPTConfig

from helpers import generation, models, reproduction
from helpers.finetuning import FineTuned, FineTuningRecipe, TrainingError, fine_tune
from helpers.finetuning.__main__ import main
from helpers.hf import GPT1LMHeadModel
from helpers.models import MINI as MINI_FOLDER
from helpers.pretraining import LANGUAGE, fine_tune_language
from helpers.pretraining.bpe import count_words, train_bpe
from helpers.tasks import find_task, load_task
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import trainer as training_room

RECIPE = FineTuningRecipe(learning_rate=2e-3, epochs=2, batch=8, micro_batch=8)
FLAGS = "--batch 8 --micro-batch 8 --epochs 2 --learning-rate 0.002 --train-size 64 --quiet"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Un modelo diminuto y sin entrenar, con un vocabulario de 300 entradas, en una carpeta."""
    out = tmp_path_factory.mktemp("diminuto")
    rows = load_task("sentiment")["train"]
    train_bpe(count_words(rows["text"]), 300, out)
    tokenizer = GPT1Tokenizer.from_pretrained(out, model_max_length=128)
    torch.manual_seed(0)
    shape = {"n_positions": 128, "n_embd": 32, "n_layer": 2, "n_head": 4}
    GPT1LMHeadModel(OpenAIGPTConfig(vocab_size=len(tokenizer), **shape)).save_pretrained(out)
    tokenizer.save_pretrained(out)
    return out


def few(task, train=32, rest=12):
    data = load_task(task)
    return DatasetDict({part: data[part].select(range(train if part == "train" else rest)) for part in data})


def run(folder, task="sentiment", **settings):
    settings = {"recipe": RECIPE, "progress": False} | settings
    return fine_tune(str(folder), task, settings.pop("data", None) or few(task), **settings)


@pytest.mark.parametrize("task", ["sentiment", "entailment", "similarity", "story_cloze"])
def test_every_family_runs_and_gives_everything(folder, task):
    result = run(folder, task)
    assert len(result.steps) == 8 and [record["epoch"] for record in result.evaluations] == [1.0, 2.0]
    assert result.steps[0].keys() == {
        "step",
        "epoch",
        "loss",
        "clf_loss",
        "lm_loss",
        "learning_rate",
        "grad_norm",
    }
    metric = result.task.metrics[0]
    assert result.best[metric] == max(record[metric] for record in result.evaluations)
    # los pesos son los de la mejor época: las predicciones de validación dan justo su medida
    assert result.validation.metrics[metric] == pytest.approx(result.best[metric])
    assert len(result.test) == 12 and result.test.confusion.sum() == 12
    wrong = int((result.test.predicted != result.test.labels).sum())
    assert len(result.test.errors()) == wrong == 12 - np.trace(result.test.confusion)
    probabilities = result.test.probabilities
    assert np.allclose(probabilities.sum(1), 1) and (probabilities.argmax(1) == result.test.predicted).all()
    assert not result.model.training


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(folder):
    first, again, other = run(folder), run(folder), run(folder, recipe=replace(RECIPE, seed=1))
    assert first.steps == again.steps and first.evaluations[0]["loss"] == again.evaluations[0]["loss"]
    assert all(
        torch.equal(a, b) for a, b in zip(first.model.parameters(), again.model.parameters(), strict=True)
    )
    assert first.steps != other.steps


def test_it_learns(folder):
    """Sabe distinguir una palabra: sin dropout y con veinte épocas, acierta todo lo que ha visto."""
    data = few("sentiment")
    marked = data["train"].map(lambda row: {"text": ("good " if row["label"] else "bad ") + row["text"][:20]})
    result = run(
        folder, data=DatasetDict(train=marked, validation=marked),
        recipe=replace(RECIPE, epochs=20, dropout=0.0, clf_dropout=0.0),
    )  # fmt: skip
    assert result.validation.metrics["accuracy"] == 1.0 and result.test is None
    assert result.predict(["good day", "bad day"]).answers == ["positive", "negative"]


def test_without_lambda_there_is_no_language_loss(folder):
    result = run(folder, recipe=replace(RECIPE, lm_coef=0.0))
    assert all(
        "lm_loss" not in step and step["loss"] == pytest.approx(step["clf_loss"]) for step in result.steps
    )


def test_what_is_given_does_not_change(folder):
    from helpers import models

    model, tokenizer = models.load(str(folder), verbose=False)
    before = [param.clone() for param in model.parameters()]
    size, training = len(tokenizer), model.training
    result = fine_tune(
        model, "sentiment", tokenizer=tokenizer, recipe=RECIPE, data=few("sentiment"), progress=False
    )
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert len(tokenizer) == size == model.config.vocab_size and model.training == training
    assert len(result.tokenizer) == size + 3
    with pytest.raises(TrainingError, match="tokenizer="):
        fine_tune(model, "sentiment")


def test_saved_and_loaded_predicts_the_same(folder, tmp_path):
    result = run(folder, "story_cloze")
    result.save(tmp_path / "guardado")
    again = FineTuned.load(tmp_path / "guardado")
    assert (again.steps, again.best, again.recipe, again.task) == (
        result.steps, result.best, result.recipe, result.task,
    )  # fmt: skip
    assert np.array_equal(again.test.predicted, result.test.predicted)
    assert np.allclose(again.test.probabilities, result.test.probabilities)
    assert again.test.errors() == result.test.errors() or np.isnan(again.test.rows[0]["score"])
    story, endings = "The dog ran away.", ["It came back.", "The sun is a star."]
    expected, found = (either.predict(story, options=endings) for either in (result, again))
    assert (
        np.allclose(found.probabilities, expected.probabilities, atol=1e-6)
        and found.answers == expected.answers
    )
    with pytest.raises(TrainingError, match="falta result.json"):
        FineTuned.load(tmp_path)


def test_predictions_keep_the_order_and_do_not_depend_on_company(folder):
    result = run(folder)
    texts = [
        "Short.",
        "A much longer sentence, which needs many more tokens than the first one did.",
        "Medium size.",
    ]
    together = result.predict(texts)
    alone = [result.predict(text).probabilities[0] for text in texts]
    assert np.allclose(together.probabilities, alone, atol=1e-5)
    assert together.labels is None and together.metrics == {} and len(together) == 3
    with pytest.raises(TrainingError, match="`pairs`"):
        result.predict(texts, pairs=texts)
    with pytest.raises(TrainingError, match="al menos un texto"):
        result.predict([])
    for odd in (None, "", " ", 3, float("nan"), b"x", {"a": 1}, [None], ["a", ""], ["a", 3], [["a", "b"]]):
        with pytest.raises(TrainingError, match="hace falta un texto, o una lista de textos, ninguno vacío"):
            result.predict(odd)
    for batch in (0, -1, 1.5, None, "x"):
        with pytest.raises(TrainingError, match="batch=.* no puede ser"):
            result.evaluate([], batch=batch)


@pytest.mark.parametrize(
    "task, name, wrong",
    [
        *(
            ("entailment", "pairs", odd)
            for odd in ("", " ", [""], [None], 3, [3], {"a": 1}, float("nan"), [["a"]])
        ),
        *(
            ("story_cloze", "options", odd)
            for odd in (
                "ab",
                [None],
                3,
                ["a"],
                [["a"]],
                [["a", ""]],
                [[1, 2]],
                [[]],
                {"a": 1},
                True,
                [{"a", "b"}],
            )
        ),
    ],
)
def test_pairs_and_options_that_cannot_be(task, name, wrong):
    result = FineTuned(None, None, find_task(task), RECIPE, [], [], {}, None)
    with pytest.raises(TrainingError, match=f"En `{name}` hace falta un.* sin vacíos"):
        result.predict("the sea", **{name: wrong})


@pytest.mark.parametrize("model", [None, 3, object(), torch.nn.Linear(2, 2)])
def test_what_is_not_a_model_is_told(model):
    with pytest.raises(TrainingError, match="El modelo tiene que ser un nombre"):
        fine_tune(model, "sentiment", recipe=RECIPE, progress=False)


def test_a_tokenizer_that_is_not_one_is_told(folder):
    model, tokenizer = models.load(str(folder), device="cpu", verbose=False)
    for other in (None, model, "gpt1-mini", 3):
        with pytest.raises(TrainingError, match="hay que pasar también su tokenizador"):
            fine_tune(model, "sentiment", tokenizer=other, recipe=RECIPE, progress=False)
    with pytest.raises(TrainingError, match="El modelo tiene que ser"):
        fine_tune(tokenizer, "sentiment", recipe=RECIPE, progress=False)


@pytest.mark.slow
def test_scores_as_soft_labels_and_as_regression(folder):
    data = few("similarity").map(lambda row: {"label": -1})
    for objective in (None, "regression"):
        result = run(folder, "stsb", data=data, recipe=replace(RECIPE, objective=objective))
        assert -1 <= result.test.metrics["pearson"] <= 1 and result.test.predicted.dtype.kind == "f"
        differences = [abs(row["difference"]) for row in result.test.errors()]
        assert differences == sorted(differences, reverse=True) and len(differences) == 12
        assert result.predict("One.", "Two.").answers[0] == pytest.approx(
            result.predict("Two.", "One.").answers[0]
        )
        with pytest.raises(TrainingError, match="puntuación"):
            _ = result.test.confusion


def weights(out):
    return load_file(out / "model.safetensors")


def command(folder, out, *more):
    options = ["--task", "sentiment", "--model", folder, "--out", out, *FLAGS.split(), *more]
    return list(map(str, options))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(folder, tmp_path, capsys):
    whole, killed = tmp_path / "seguido", tmp_path / "cortado"
    saving = ["--save-every", "3", "--epochs", "6"]  # 8 actualizaciones por época: se corta a mitad de una
    assert main(command(folder, whole, *saving)) == 0
    from helpers.training import last_checkpoint

    kill_when(
        lambda: last_checkpoint(killed / "checkpoints"),
        "helpers.finetuning",
        *command(folder, killed, *saving),
    )
    assert not (killed / "result.json").exists()
    assert main(command(folder, killed, *saving)) == 0
    expected, found = weights(whole), weights(killed)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    first, second = (json.loads((out / "result.json").read_text()) for out in (whole, killed))
    assert first["steps"] == second["steps"] and len(first["steps"]) == 48
    assert first["best"] == second["best"] and first["test"] == second["test"]
    assert not (killed / "checkpoints").exists() and not (killed / "best.safetensors").exists()
    # ya acabado, la misma orden no repite nada, y otra receta no lo pisa
    stamp = (killed / "result.json").stat().st_mtime_ns
    assert main(command(folder, killed, *saving)) == 0
    assert (killed / "result.json").stat().st_mtime_ns == stamp
    capsys.readouterr()
    assert main(command(folder, killed, *saving, "--lm-coef", "0")) == 1
    assert "distinto (cambia lm_coef: 0.5 y ahora 0.0)" in capsys.readouterr().err


def test_the_command_speaks_spanish_and_little(folder, tmp_path, capfd):
    assert main(command(folder, tmp_path / "a", "--max-steps", "2")) == 0
    out, err = capfd.readouterr()
    assert out.splitlines()[0].startswith("Validación (90 ejemplos): exactitud ") and "Prueba (90" in out
    assert err == ""
    result = run(folder, progress=True)
    out, err = capfd.readouterr()
    assert (
        "Ajuste fino: Sentimiento" in err and "tarea 0," in err and "lenguaje" in err and "validación" in err
    )
    assert "{'" not in out + err and "Warning" not in out + err and len(result.steps) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--task", "nada"], "No hay ninguna tarea «nada»"),
        (["--task", "rte"], "no viene con el curso"),
        (["--model", "no/existe"], "No existe el modelo"),
        (["--batch", "4096"], "un lote pide 4096"),
        (["--train-size", "100000"], "hay 420 ejemplos"),
        (["--n-transfer", "9"], "tiene 2 bloques"),
        (["--precision", "fp16"], "fp16 necesita una GPU"),
        (["--learning-rate", "1e9", "--max-grad-norm", "0"], "dejado de ser un número"),
    ],
)
def test_mistakes_are_explained(folder, tmp_path, capsys, options, message):
    if torch.cuda.is_available() and "fp16" in options:
        pytest.skip("hay una GPU")
    assert main([*command(folder, tmp_path / "a"), *options]) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


@pytest.mark.slow
def test_reproduction_ends_with_a_table_and_does_not_repeat(folder, tmp_path, capsys):
    arguments = ["--tasks", "sentiment", "story_cloze", "--model", str(folder), "--seeds", "2"]
    arguments += ["--out", str(tmp_path), *FLAGS.split(), "--max-steps", "2"]
    assert reproduction.main(arguments) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert [part.strip() for part in lines[0].split("|")] == [
        "tarea", "métrica", "artículo", "nuestro (media ± dt)", "diferencia", "medido en",
    ]  # fmt: skip
    assert len({line.rindex("|") for line in lines[:1] + lines[2:4]}) == 1
    rows = json.loads((tmp_path / "resultados.json").read_text())
    assert [row["task"] for row in rows] == ["sentiment", "story_cloze"] and rows[0]["part"] == "test"
    for row in rows:
        assert row["mean"] == pytest.approx(np.mean(row["values"])) and row["sd"] == pytest.approx(
            np.std(row["values"], ddof=1)
        )
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/semilla-*.json")}
    assert len(stamps) == 4 and not list(tmp_path.rglob("*.safetensors"))
    assert reproduction.main(arguments) == 0 and capsys.readouterr().out == printed
    assert stamps == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/semilla-*.json")}
    assert reproduction.main([*arguments, "--lm-coef", "0"]) == 1
    assert "distinto (cambia lm_coef: 0.5 y ahora 0.0)" in capsys.readouterr().err


def test_the_numbers_of_the_paper():
    expected = {
        "cola": 45.4,
        "sst2": 91.3,
        "stsb": 82.0,
        "mnli": 82.1,
        "rte": 56.0,
        "rocstories": 86.5,
        "race": 59.0,
    }
    assert {name: reproduction.paper_value(name) for name in expected} == expected
    assert reproduction.paper_value("sentiment") is None
    assert reproduction.paper_value("cola", auxiliary=False) == 47.9
    assert reproduction.paper_value("mnli", pretrained=False) == 75.7
    assert reproduction.paper_value("race", pretrained=False) is None


@pytest.mark.slow
def test_language_fine_tuning_learns_the_text(folder, tmp_path):
    model = GPT1LMHeadModel.from_pretrained(folder)
    tokenizer = GPT1Tokenizer.from_pretrained(folder, model_max_length=128)
    before = [param.clone() for param in model.parameters()]
    text = "\n".join("The old man looked at the sea and did not say a word." for _ in range(120))
    quick = replace(LANGUAGE, epochs=8, learning_rate=3e-3, batch=2)
    path = tmp_path / "mío.txt"
    path.write_text(text, encoding="utf-8")
    result = fine_tune_language(model, tokenizer, path, quick, progress=False)
    assert result.perplexity[1] < result.perplexity[0] / 3 and not result.model.training
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    prompt = tokenizer("The old", return_tensors="pt")
    assert (
        result.model.generate(**prompt, max_new_tokens=4, do_sample=False).shape[1]
        == prompt.input_ids.shape[1] + 4
    )
    same = fine_tune_language(model, tokenizer, text, quick, progress=False)
    assert same.loss_after == result.loss_after


@pytest.mark.parametrize(
    ("windows", "asked", "found"),
    [
        (14, {}, {"batch": 8, "micro_batch": 8}),
        (14, {"micro_batch": 3}, {"batch": 8, "micro_batch": 2}),
        (14, {"batch": 4, "micro_batch": 8}, {"batch": 4, "micro_batch": 4}),
        (6, {}, {"batch": 5, "micro_batch": 5}),
        (6, {"micro_batch": 4}, {"batch": 5, "micro_batch": 1}),
        (14, {"max_steps": 40}, {"save_every": 0, "warmup": 2}),
        (14, {"max_steps": -1, "epochs": 8, "save_every": 3}, {"save_every": 3, "warmup": 1}),
    ],
)
def test_language_fine_tuning_fits_its_recipe_to_the_text(
    folder, tmp_path, monkeypatch, windows, asked, found
):
    """El lote no pasa de lo que hay para aprender y el trozo es su mayor divisor que cabe; se guarda cuando pide."""
    seen = []

    def caught(recipe, *args, **more):
        seen.append(recipe)
        raise TrainingError("basta")

    monkeypatch.setattr("helpers.pretraining.run.pretrain", caught)
    model = GPT1LMHeadModel.from_pretrained(folder)
    tokenizer = GPT1Tokenizer.from_pretrained(folder)
    text = "\n".join(["the sea"] * (windows * 128 // len(tokenizer.text_to_ids("the sea\nthe sea")) * 2))
    while len(tokenizer.text_to_ids(text)) // 128 < windows:
        text += "\nthe sea"
    for out in (tmp_path / "a", None):
        with pytest.raises(TrainingError, match="basta"):
            fine_tune_language(model, tokenizer, text, replace(LANGUAGE, **asked), out=out, progress=False)
    assert {name: getattr(seen[0], name) for name in found} == found
    assert seen[1].save_every == -1


def test_language_fine_tuning_explains_what_is_missing(folder, tmp_path):
    model = GPT1LMHeadModel.from_pretrained(folder)
    tokenizer = GPT1Tokenizer.from_pretrained(folder)
    with pytest.raises(TrainingError, match="hacen falta al menos 256"):
        fine_tune_language(model, tokenizer, "Too short a text.")
    with pytest.raises(TrainingError, match="No existe .*nada.txt"):
        fine_tune_language(model, tokenizer, tmp_path / "nada.txt")
    (tmp_path / "latin.txt").write_bytes("año".encode("latin-1"))
    with pytest.raises(TrainingError, match="UTF-8"):
        fine_tune_language(model, tokenizer, str(tmp_path / "latin.txt"))


def test_the_embedded_model_fits():
    """La tarea del curso con más tokens cabe en el contexto del modelo incluido, y el preset es el suyo."""
    config = OpenAIGPTConfig.from_pretrained(MINI_FOLDER)
    tokenizer = GPT1Tokenizer.from_pretrained(MINI_FOLDER)
    tokenizer.add_fine_tuning_tokens()
    from helpers.tasks import encode_task

    encoded = encode_task(load_task("story_cloze")["train"], "story_cloze", tokenizer, config.n_positions)
    assert max(encoded.lengths) <= config.n_positions and encoded.truncation.tokens == 0


STORY = "The old man looked at the sea and did not say a word.\n" * 60


@pytest.mark.parametrize("given", ["name", "cpu", "cuda"])
def test_the_result_is_where_the_model_given_was(folder, tmp_path, given):
    """Se entrena en la GPU, que es simulada, y se vuelve a donde estaba el modelo; con un nombre, a la GPU."""
    with SimulatedGPU():
        tokenizer = GPT1Tokenizer.from_pretrained(folder)
        model = str(folder) if given == "name" else GPT1LMHeadModel.from_pretrained(folder).to(given)
        settings = {"data": few("sentiment"), "recipe": RECIPE, "progress": False, "out": tmp_path / "a"}
        for _ in range(2):  # la segunda vez ya está hecho y se lee
            result = fine_tune(model, "sentiment", tokenizer=tokenizer, **settings)
            assert result.model.device.type == ("cpu" if given == "cpu" else "cuda")
            assert result.predict(["good day", "bad day"]).predicted.shape == (2,)
        for device in (None, "cpu"):
            assert FineTuned.load(tmp_path / "a", device=device).model.device.type == (device or "cuda")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_language_fine_tuning_ends_where_the_model_was(folder, device):
    with SimulatedGPU():
        model = GPT1LMHeadModel.from_pretrained(folder).to(device)
        tokenizer = GPT1Tokenizer.from_pretrained(folder, model_max_length=128)
        result = fine_tune_language(
            model, tokenizer, STORY, replace(LANGUAGE, epochs=1, batch=2), progress=False
        )
        assert result.model.device == model.device and model.device.type == device
        ids = tokenizer("The old", return_tensors="pt").input_ids.to(device)
        assert generation.generate(result.model, ids, 3).device == ids.device


@pytest.fixture
def t4():
    """Una GPU simulada sin bf16: `Trainer` con fp16 y su `GradScaler`, con los mismos cálculos hechos en la CPU."""
    half = {"bf16": False, "fp16": True, "use_cpu": False}
    scaler = torch.amp.GradScaler("cpu")
    context = torch.autocast("cpu", torch.float16)
    places = {
        (training_room, "mixed_precision"): lambda wanted: half,
        (accelerate.accelerator, "get_grad_scaler"): lambda *args, **kwargs: scaler,
        (accelerate.accelerator, "get_mixed_precision_context_manager"): lambda *args, **kwargs: context,
    }
    with SimulatedGPU(), contextlib.ExitStack() as stack:
        for place, value in places.items():
            stack.enter_context(mock.patch.object(*place, value))
        yield scaler


def test_fp16_gives_nearly_the_losses_of_fp32(folder, t4, tmp_path):
    half = run(folder, out=tmp_path / "a")
    with mock.patch.object(training_room, "mixed_precision", lambda wanted: {}):
        full = run(folder)
    found, expected = ([step["loss"] for step in one.steps] for one in (half, full))
    assert found == pytest.approx(expected, abs=2e-3) and found != expected
    assert t4.get_scale() > 1
    kept = load_file(tmp_path / "a" / "model.safetensors")
    assert {tensor.dtype for tensor in kept.values()} == {torch.float32}
    # el resultado calcula en fp32, como cuando se vuelve a leer
    again = FineTuned.load(tmp_path / "a").predict("good day").probabilities
    assert np.allclose(half.predict("good day").probabilities, again, atol=1e-7)


def test_an_fp16_overflow_skips_the_update_and_goes_on(folder, t4):
    t4._init_scale = 2.0**40
    result = run(folder)
    assert all(np.isfinite(step["loss"]) for step in result.steps) and t4.get_scale() < 2.0**40
    before, after = GPT1LMHeadModel.from_pretrained(folder).transformer, result.model.transformer
    assert torch.equal(before.h[0].mlp.c_fc.weight, after.h[0].mlp.c_fc.weight.cpu())


def test_fp16_padding_on_the_left_is_finite(folder):
    result = run(folder)
    ids = torch.tensor([[[0, 0, 5, 6, 7]], [[1, 2, 3, 4, 5]]])
    with torch.autocast("cpu", torch.float16):
        output = result.model(ids, attention_mask=(ids > 0).long(), labels=torch.tensor([0, 1]))
        heads = result.model.transformer(
            ids[:, 0], attention_mask=(ids > 0).long()[:, 0], output_attentions=True
        )
    assert output.loss.dtype == torch.float32 and torch.isfinite(output.loss)
    assert torch.isfinite(output.logits).all()
    assert all(torch.isfinite(weights).all() for weights in heads.attentions)
