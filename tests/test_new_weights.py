"""El ensayo de los pesos nuevos, en diminuto y con las mismas órdenes: piezas, pruebas, cortes, viajes y juicio."""

import json
import shutil

import pytest
import torch
from killable import kill_when
from safetensors.torch import load_file

from helpers import models
from helpers.pretraining import card
from helpers.pretraining.bpe import count_words, train_bpe
from helpers.pretraining.corpus import read_token_file
from helpers.pretraining.recipe import PretrainingRecipe, blank_model
from helpers.tasks import TaskError
from tools import gpu_train, new_weights

SENTENCE = "The old man looked at the sea.\n\nHe didn't say a word; number {} was late again.\n"
TOY = (
    "--check-updates 8 --batch 8 --warmup 4 --rates 0.003 0.01 --max-passes 4 --train-seconds 100000".split()
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Textos, un modelo al azar de ese vocabulario (`viejo`) y las piezas."""
    folder = tmp_path_factory.mktemp("gpu")
    texts = ["".join(SENTENCE.format(line * file) for line in range(40)) for file in range(1, 9)]
    (folder / "textos").mkdir()
    for number, text in enumerate(texts):
        (folder / "textos" / f"{number}.txt").write_text(text)
    old = train_bpe(count_words(texts), 80, folder / "viejo")
    recipe = PretrainingRecipe(n_layer=2, n_embd=32, n_head=2, n_positions=48)
    blank_model(recipe, len(json.loads((old / "vocab.json").read_text()))).half().save_pretrained(old)
    pack(folder, "piezas")
    return folder


def pack(folder, name):
    options = ["--held-out", 8, "--model", folder / "viejo", "--processes", 1, "--pieces", 3]
    order = ["pack", "--corpus", folder / "textos", "--out", folder / name, *options]
    assert new_weights.main(list(map(str, order))) == 0


def order(what, place, out, *more):
    return [what, "--data", str(place / "piezas"), "--out", str(out), *map(str, more)]


@pytest.fixture(scope="module")
def decided(place):
    """Una carpeta por optimizador con lo que decidió `check`: todo entrenamiento empieza por una copia."""
    for kind in ("adamw", "muon"):
        assert gpu_train.main(order("check", place, place / kind, *TOY, "--optimizers", kind)) == 0
    return place


def untimed(folder):
    return [record | {"seconds": 0} for record in json.loads((folder / "history.json").read_text())]


def same(one, other):
    first, second = (load_file(folder / "final.safetensors") for folder in (one, other))
    assert untimed(one) == untimed(other)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_pieces_are_the_tokens_and_a_damaged_one_is_missed(place, tmp_path):
    folder = shutil.copytree(place / "piezas", tmp_path / "piezas")
    corpus = gpu_train.Corpus(folder).load(whole=True)
    assert (corpus.tokens == read_token_file(folder / "train.bin").array()).all()
    (folder / "train-1.xz").write_bytes(b"nada")
    assert len(gpu_train.Corpus(folder).load(whole=False).tokens) < len(corpus.tokens)
    with pytest.raises(gpu_train.KitError, match=r"faltan piezas.*train-1\.xz\."):
        gpu_train.Corpus(folder).load(whole=True)


def test_plan_says_what_it_assumes_and_then_what_was_measured(decided, capsys):
    assert gpu_train.main(order("plan", decided, decided / "nada")) == 0
    assert "Suposición, sin medir nada" in capsys.readouterr().out
    assert gpu_train.main(order("plan", decided, decided / "muon", *TOY)) == 0
    told = capsys.readouterr().out
    assert "Velocidad medida en CPU" in told and "en total" in told


def test_check_goes_on_with_the_trials_it_lacks_and_chooses_the_lowest_loss(decided, tmp_path):
    path = shutil.copytree(decided / "adamw", tmp_path / "fuera") / "decision.json"
    decision = json.loads(path.read_text())
    assert len(decision["trials"]) == 2
    assert decision["chosen"]["rate"] == min(decision["trials"], key=lambda one: one["held_out_loss"])["rate"]
    decision["trials"][0]["held_out_loss"] = 0.5  # no se repite: si no, dejaría de valer esto
    write(path, decision)
    more = [*TOY, "--optimizers", "adamw", "--rates", 0.003, 0.01, 0.02]
    assert gpu_train.main(order("check", decided, path.parent, *more)) == 0
    found = json.loads(path.read_text())
    assert len(found["trials"]) == 3 and found["chosen"]["rate"] == 0.003
    assert gpu_train.main(order("check", decided, path.parent, *more, "--batch", 4)) == 1


def write(path, value):
    path.write_text(json.dumps(value))


@pytest.mark.slow
def test_killed_in_the_second_pass_it_ends_the_same(decided, tmp_path):
    """Con Muon, y con el dropout que llega al repetirse los textos."""
    straight, killed = (shutil.copytree(decided / "muon", tmp_path / name) for name in ("seguido", "matado"))
    more = ["--save-every", 25, "--moments", 60]
    assert gpu_train.main(order("train", decided, straight, *more)) == 0
    again = order("train", decided, killed, *more)
    kill_when((killed / "step-60.safetensors").exists, "tools.gpu_train", *again)
    assert not (killed / "final.safetensors").exists()
    assert gpu_train.main(again) == 0
    same(straight, killed)
    assert untimed(straight)[-1]["held_out_loss"] < untimed(straight)[0]["held_out_loss"]


def test_another_machine_goes_on_with_what_was_shipped(decided, tmp_path, monkeypatch):
    """Falla en la 50; otra máquina sigue con los trozos que volvieron, y los momentos llegan en dos viajes."""
    first, second = (shutil.copytree(decided / "adamw", tmp_path / name) for name in ("una", "otra"))
    whole = shutil.copytree(decided / "adamw", tmp_path / "seguida")
    more = ["--save-every", 20, "--moments", 16, 32, 40]
    assert gpu_train.main(order("train", decided, whole, *more)) == 0
    monkeypatch.setattr(gpu_train, "FILE", 50_000)
    monkeypatch.setattr(gpu_train, "TRIP_FILES", 9)
    update = gpu_train.Training.update

    def failing(training):
        if training.step == 50:
            raise gpu_train.KitError("se fue la luz")
        update(training)

    trips = [tmp_path / "viaje-1", tmp_path / "viaje-2"]
    with monkeypatch.context() as broken:
        broken.setattr(gpu_train.Training, "update", failing)
        assert gpu_train.main(order("train", decided, first, *more, "--ship", trips[0])) == 1
    parts = sorted(path.name for path in trips[0].glob("state-*"))
    assert len(parts) > 1 and all(name.startswith("state-40-") for name in parts)
    assert (
        len(list(trips[0].iterdir())) == 9
        and max(p.stat().st_size for p in trips[0].glob("state*")) <= 50_000
    )
    for path in [*trips[0].glob("state-*"), first / "shipped.json"]:
        shutil.copy(path, second)
    assert gpu_train.main(order("train", decided, second, *more, "--ship", trips[1])) == 0
    same(whole, second)
    (second / "decision.json").write_text(
        (second / "decision.json").read_text().replace('"seed": 0', '"seed": 1')
    )
    assert gpu_train.main(order("train", decided, second, *more)) == 1  # el estado es de otra decisión


def test_dropout_waits_for_the_second_pass_and_a_rising_loss_brings_the_final_descent(decided, tmp_path):
    training = gpu_train.Training(
        gpu_train.Corpus(decided / "piezas").load(whole=True),
        json.loads((decided / "adamw" / "decision.json").read_text())["settings"], compiled=False,
    )  # fmt: skip
    training.restart("adamw", 0.01, 1000, 10)
    each = training.per_pass
    for training.step, repeated in ((0, False), (each, True)):  # con dropout, solo lo que se repite
        training.update()
        assert training.model.training == repeated
    training.history = [
        {"step": step * each, "held_out_loss": loss} for step, loss in enumerate([3, 2, 2.1, 2.2], 1)
    ]
    assert not training.rises()
    training.history.append({"step": 5 * each, "held_out_loss": 2.0})
    assert training.rises()
    training.step = 5 * each
    training.finish()
    assert training.updates == 5 * each + 10 and training.rate_now() == 0.01
    training.step = training.updates - 1
    assert training.rate_now() == pytest.approx(0.001)


@pytest.mark.slow
def test_what_came_back_is_a_model_of_the_course_and_is_judged(decided, tmp_path, capsys):
    """La pérdida que midió `gpu_train` es la del modelo de la biblioteca; mejor que uno al azar, lo sustituye."""
    back = shutil.copytree(decided / "adamw", tmp_path / "vuelta")
    assert gpu_train.main(order("train", decided, back, "--moments", 16)) == 0
    old, new = shutil.copytree(decided / "viejo", tmp_path / "viejo"), tmp_path / "nuevo"

    def judge(*more):
        named = {"--back": back, "--data": decided / "piezas", "--out": new, "--model": old}
        return new_weights.main(["judge", *(str(one) for pair in named.items() for one in pair), *more])

    assert judge("--replace") == 0
    history = json.loads((old / "history.json").read_text())
    held_out = read_token_file(decided / "piezas" / "held_out.bin")
    model, _ = models.load(str(old), device="cpu", verbose=False)
    assert card.measure(model, held_out).loss == pytest.approx(history[-1]["held_out_loss"], abs=2e-3)
    early, _ = models.load(str(new / "momentos" / "step-16"), device="cpu", verbose=False)
    at_16 = next(record for record in history if record["step"] == 16)
    assert card.measure(early, held_out).loss == pytest.approx(at_16["held_out_loss"], abs=2e-3)
    recipe = json.loads((old / "recipe.json").read_text())
    assert recipe["optimizer"] == "adamw" and len(recipe["data"]["train"]) == 7
    told = [card._recipe(recipe | {"optimizer": kind}, history) for kind in ("adamw", "muon")]
    assert ["Muon" in one for one in told] == [False, True]  # la ficha dice cuál se usó
    assert "## Los comienzos, ahora" in (new / "comparacion.md").read_text()
    before = (old / "model.safetensors").read_bytes()
    assert judge("--replace") == 1  # los mismos otra vez: ya no bajan
    assert "los bits por byte no bajan claramente" in capsys.readouterr().err
    assert (old / "model.safetensors").read_bytes() == before
    (back / "final.safetensors").unlink()
    assert judge() == 1


def test_a_measure_that_gets_worse_forbids_the_change():
    bits = new_weights._row("bits por byte", 1.4, 1.3, (-0.11, -0.09), -1)
    noise, worse = (new_weights._row("pares", 0.8, 0.7, ends, 1) for ends in ((-0.2, 0.01), (-0.2, -0.01)))
    assert new_weights.why_not([bits, noise]) == ""
    assert new_weights.why_not([bits, noise, worse]) == "empeora pares"
    assert "no bajan" in new_weights.why_not([new_weights._row("bits", 1.4, 1.39, (-0.03, 0.01), -1)])


def test_blimp_is_read_a_few_pairs_of_each_set(tmp_path):
    row = json.dumps({"sentence_good": "The cat sleeps.", "sentence_bad": "The cat sleep."})
    (tmp_path / "agreement.jsonl").write_text((row + "\n") * 50)
    pairs = new_weights.read_blimp(tmp_path)
    assert len(pairs) == 40 and pairs[0].phenomenon == "agreement"
    (tmp_path / "agreement.jsonl").unlink()
    with pytest.raises(TaskError, match=r"no hay ningún \.jsonl"):
        new_weights.read_blimp(tmp_path)
