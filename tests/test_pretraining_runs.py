"""El preentrenamiento como proceso: lo matan y sigue, va en dos procesos, se acaba el disco, cambia el corpus."""

import json
import resource

import numpy as np
import pytest
import torch
from killable import kill_when, run_module
from safetensors.torch import load_file
from transformers import OpenAIGPTLMHeadModel

from helpers.pretraining.__main__ import main
from helpers.pretraining.bpe import count_words, train_bpe
from helpers.pretraining.corpus import Windows, read_token_file
from helpers.training import TrainingError, last_checkpoint, mixed_precision, split_batch

SHAPE = "--n-layer 1 --n-embd 32 --n-head 2 --n-positions 16 --warmup 5 --learning-rate 0.01"
SENTENCE = "The old man looked at the sea.\n\nHe didn't say a word; number {} was late again.\n"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Una carpeta con textos que no se repiten y otra con su vocabulario."""
    folder = tmp_path_factory.mktemp("textos")
    texts = ["".join(SENTENCE.format(line * file) for line in range(40)) for file in range(1, 9)]
    for number, text in enumerate(texts):
        (folder / f"{number}.txt").write_text(text)
    return folder, train_bpe(count_words(texts), 80, tmp_path_factory.mktemp("vocabulario"))


def arguments(corpus, out, *more):
    folder, vocabulary = corpus
    options = [
        "--corpus",
        folder,
        "--tokenizer",
        vocabulary,
        "--out",
        out,
        "--held-out",
        "8",
        "--processes",
        1,
    ]
    return list(
        map(
            str,
            [
                *options,
                "--preset",
                "mini",
                *SHAPE.split(),
                "--batch",
                8,
                "--micro-batch",
                4,
                "--probes",
                0,
                *more,
            ],
        )
    )


def held_out_losses(out):
    history = json.loads((out / "history.json").read_text())
    return {record["step"]: record["held_out_loss"] for record in history}


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_as_if_nothing_had_happened(corpus, tmp_path):
    whole, killed = tmp_path / "seguido", tmp_path / "cortado"
    settings = ["--max-steps", "160", "--save-every", "20"]
    assert main(arguments(corpus, whole, *settings)) == 0
    kill_when(
        lambda: last_checkpoint(killed / "checkpoints"),
        "helpers.pretraining",
        *arguments(corpus, killed, *settings),
    )
    assert not (killed / "model.safetensors").exists()
    # como si además hubiera muerto mientras guardaba otro: ese está a medias y no debe estorbar
    (killed / "checkpoints" / "checkpoint-159").mkdir()
    assert main(arguments(corpus, killed, *settings)) == 0
    assert held_out_losses(killed) == held_out_losses(whole)
    expected, found = (load_file(out / "model.safetensors") for out in (whole, killed))
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.mark.slow
def test_a_constant_run_can_be_finished_later_with_a_decay(corpus, tmp_path):
    """Lo que se entrenó a tasa constante vale como principio de un entrenamiento con bajada final."""
    whole, parts = tmp_path / "seguido", tmp_path / "por partes"
    decay = [
        "--schedule",
        "warmup_stable_decay",
        "--decay-steps",
        "20",
        "--max-steps",
        "60",
        "--save-every",
        "20",
    ]
    assert main(arguments(corpus, whole, *decay)) == 0
    constant = ["--schedule", "constant_with_warmup", "--max-steps", "40", "--save-every", "20"]
    assert main(arguments(corpus, parts, *constant)) == 0
    assert main(arguments(corpus, parts, *decay)) == 0
    expected, found = (load_file(out / "model.safetensors") for out in (whole, parts))
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    state = json.loads((parts / "checkpoints" / "checkpoint-60" / "trainer_state.json").read_text())
    rates = {log["step"]: log["learning_rate"] for log in state["log_history"] if "learning_rate" in log}
    assert rates[40] == 0.01 and 0 < rates[60] <= 0.001


def test_a_decay_needs_its_schedule(corpus, tmp_path, capsys):
    assert main(arguments(corpus, tmp_path, "--decay-steps", "5")) == 1
    assert "van juntas" in capsys.readouterr().err


@pytest.mark.slow
def test_a_disk_that_fails_keeps_what_was_done(corpus, tmp_path):
    out, longer = tmp_path / "modelo", ["--save-every", "2", "--schedule", "constant_with_warmup"]
    assert main(arguments(corpus, out, "--max-steps", "2", *longer)) == 0
    done = run_module(
        "helpers.pretraining",
        *arguments(corpus, out, "--max-steps", "4", *longer),
        # ningún archivo puede pasar de 8 kB: así falla un disco lleno, con un OSError al escribir
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),
    )
    message = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "No se puede escribir" in message and "checkpoint-2 está a salvo" in message
    assert last_checkpoint(out / "checkpoints").endswith("checkpoint-2")
    assert main(arguments(corpus, out, "--max-steps", "4", *longer)) == 0


def test_tokens_of_another_corpus_are_not_used_by_mistake(corpus, tmp_path, capsys):
    out = tmp_path / "modelo"
    assert main(arguments(corpus, out, "--max-steps", "1")) == 0
    other = tmp_path / "otros"
    other.mkdir()
    for number in range(8):
        (other / f"{number}.txt").write_text(SENTENCE * 3)
    assert main(arguments((other, corpus[1]), out, "--max-steps", "1")) == 1
    assert "tokens de otro corpus" in capsys.readouterr().err


def test_zero_shot_is_measured_along_the_training(corpus, tmp_path):
    out = tmp_path / "modelo"
    assert main(arguments(corpus, out, "--max-steps", "1", "--probes", "6", "--n-positions", "64")) == 0
    record = json.loads((out / "history.json").read_text())[-1]
    assert 0 <= record["zero_shot_minimal_pairs"] <= 1 and -1 <= record["zero_shot_acceptability"] <= 1
    assert (
        "zero_shot_story_cloze" not in record
    )  # con 40 fusiones un cuento no cabe en 64 posiciones: se deja fuera


def test_every_held_out_window_is_measured(corpus, tmp_path):
    out = tmp_path / "modelo"
    assert main(arguments(corpus, out, "--max-steps", "1")) == 0
    model, held_out = OpenAIGPTLMHeadModel.from_pretrained(out).eval(), read_token_file(out / "held_out.bin")
    windows = Windows(held_out, 16, 256)
    assert len(windows) % 4, "sin un lote incompleto no se prueba nada"
    with torch.inference_mode():
        losses = [
            model(**{k: v[None] for k, v in windows[n].items()}).loss.item() for n in range(len(windows))
        ]
    found = json.loads((out / "history.json").read_text())[-1]["held_out_loss"]
    assert found == pytest.approx(np.mean(losses), abs=1e-3)  # los pesos guardados son fp16


def test_too_little_held_out_text_says_so(corpus, tmp_path, capsys):
    texts = tmp_path / "textos"
    texts.mkdir()
    (texts / "1.txt").write_text(SENTENCE * 60)
    (texts / "2.txt").write_text("The end.")
    assert main(arguments((texts, corpus[1]), tmp_path / "modelo", "--held-out", "2")) == 1
    assert "hace falta al menos una ventana de 16" in capsys.readouterr().err


def test_another_shape_does_not_go_on_from_a_checkpoint(corpus, tmp_path, capsys):
    out = tmp_path / "modelo"
    assert main(arguments(corpus, out, "--max-steps", "2", "--save-every", "2")) == 0
    assert main(arguments(corpus, out, "--max-steps", "2", "--n-embd", "64")) == 1
    assert "distinto (cambia n_embd: 32 y ahora 64)" in capsys.readouterr().err


def test_a_corpus_smaller_than_a_batch_says_so(corpus, tmp_path, capsys):
    assert main(arguments(corpus, tmp_path / "modelo", "--batch", "4096", "--micro-batch", "4096")) == 1
    error = capsys.readouterr().err
    assert "ventanas de 16 tokens y un lote pide 4096" in error


def test_the_batch_is_split_exactly_or_not_at_all(monkeypatch):
    assert split_batch(64, 64) == (64, 1) and split_batch(64, 16) == (16, 4)
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert split_batch(64, 64) == (16, 1) and split_batch(64, 8) == (8, 2)
    monkeypatch.setenv("WORLD_SIZE", "3")
    with pytest.raises(TrainingError, match="Un lote de 64 no se puede repartir entre 3 procesos"):
        split_batch(64, 64)


def test_precision(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert mixed_precision() == {"bf16": False, "fp16": False, "use_cpu": True}
    assert mixed_precision("bf16")["use_cpu"]
    with pytest.raises(TrainingError, match="fp16 necesita una GPU"):
        mixed_precision("fp16")
    with pytest.raises(TrainingError, match="int8"):
        mixed_precision("int8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for native, expected in ((True, "bf16"), (False, "fp16")):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, n=native: n)
        assert mixed_precision()[expected]
