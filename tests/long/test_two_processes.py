"""Los entrenamientos repartidos entre dos procesos: cada uno arranca PyTorch y tarda más que el propio ajuste."""

import json

import pytest
from killable import run_two_processes
from test_finetuning_runs import FLAGS, command, folder  # noqa: F401
from test_pretraining_runs import arguments, corpus, held_out_losses  # noqa: F401

from helpers.finetuning.__main__ import main as fine_tune
from helpers.pretraining.__main__ import main as pretrain


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_fine_tuning_in_two_processes_gives_the_losses_of_one(folder, tmp_path):  # noqa: F811
    """Dos procesos que acumulan dos lotes de 2 frente a uno con lotes de 8: la media es la misma."""
    alone, both = tmp_path / "uno", tmp_path / "dos"
    settings = ["--dropout", "0", "--clf-dropout", "0"]
    assert fine_tune(command(folder, alone, *settings)) == 0
    done = run_two_processes("helpers.finetuning", *command(folder, both, *settings, "--micro-batch", 2))
    assert json.loads((both / "run.json").read_text())["processes"] == 2
    assert done.stdout.count("Guardado en") == 1 and "Traceback" not in done.stderr
    first, second = (json.loads((out / "result.json").read_text()) for out in (alone, both))
    assert len(first["steps"]) == len(second["steps"]) == 16
    for expected, found in zip(first["steps"], second["steps"], strict=True):
        for name in ("loss", "clf_loss", "lm_loss", "grad_norm", "learning_rate"):
            assert found[name] == pytest.approx(expected[name], abs=2e-4), name
    for expected, found in zip(first["evaluations"], second["evaluations"], strict=True):
        assert found["accuracy"] == expected["accuracy"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_pretraining_in_two_processes_gives_the_losses_of_one(corpus, tmp_path):  # noqa: F811
    alone, both = tmp_path / "uno", tmp_path / "dos"
    settings = ["--max-steps", "32", "--save-every", "100"]
    assert pretrain(arguments(corpus, alone, *settings)) == 0
    run_two_processes("helpers.pretraining", *arguments(corpus, both, *settings), timeout=240)
    assert json.loads((both / "recipe.json").read_text())["processes"] == 2
    expected, found = held_out_losses(alone), held_out_losses(both)
    assert found.keys() == expected.keys() == {16, 32}
    for step in expected:
        assert found[step] == pytest.approx(expected[step], abs=2e-4)
    assert json.loads((both / "history.json").read_text())[-1]["tokens"] == 32 * 8 * 16


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_reproduction_shares_each_run_between_two_processes(folder, tmp_path):  # noqa: F811
    options = ["--tasks", "sentiment", "--model", folder, "--seeds", 1, "--keep", *FLAGS.split()]
    run_two_processes("helpers.reproduction", *options, "--max-steps", 2, "--out", tmp_path)
    run = json.loads((tmp_path / "sentiment" / "semilla-0" / "run.json").read_text())
    assert run["processes"] == 2
