"""`helpers.reproduction` repartida entre dos procesos: cada uno arranca PyTorch y tarda más que el propio ajuste."""

import json

import pytest
from killable import run_two_processes
from test_finetuning_runs import FLAGS, folder  # noqa: F401


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_reproduction_shares_each_run_between_two_processes(folder, tmp_path):  # noqa: F811
    arguments = ["--tasks", "sentiment", "--model", folder, "--seeds", 1, "--keep", *FLAGS.split()]
    run_two_processes("helpers.reproduction", *arguments, "--max-steps", 2, "--out", tmp_path)
    run = json.loads((tmp_path / "sentiment" / "semilla-0" / "run.json").read_text())
    assert run["processes"] == 2
