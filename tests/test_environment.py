"""El entorno en Colab: lo que falta se instala o se dice, y lo que allí sobra no se echa de menos."""

import os
import subprocess
import sys

import pytest
import torch

from helpers import environment, report


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """Colab sin ftfy y con un pip que apunta en una lista lo que le piden; su argumento, lo que contesta."""
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    find = environment.importlib.util.find_spec
    monkeypatch.setattr(
        environment.importlib.util, "find_spec", lambda name: None if name == "ftfy" else find(name)
    )

    def install_pip(answer):
        (tmp_path / "pip").write_text(
            f'#!/bin/sh\necho "$@" >> "{tmp_path}/pip.log"\necho "ERROR: noise" >&2\nexit {answer}\n'
        )
        (tmp_path / "pip").chmod(0o755)
        return tmp_path / "pip.log"

    return install_pip


@pytest.mark.skipif(os.name == "nt", reason="el pip de mentira es un guion de sh")
def test_on_colab_installs_only_ftfy(colab, capfd):
    log = colab(0)
    environment.prepare()
    assert log.read_text() == "install -q ftfy\n"
    assert capfd.readouterr() == ("Todo listo: semilla 0.\n", "")


@pytest.mark.skipif(os.name == "nt", reason="el pip de mentira es un guion de sh")
def test_when_ftfy_cannot_be_installed_one_sentence(colab, capfd):
    colab(1)
    with pytest.raises(environment.Stop, match=r"^No se puede instalar ftfy: .*\.$") as problem:
        environment.prepare()
    assert problem.value._render_traceback_() == [str(problem.value)]
    assert capfd.readouterr() == ("", "")


def test_the_wrong_kernel_is_one_sentence(monkeypatch, capsys):
    monkeypatch.setattr(environment, "NEEDED", ("torch", "no_instalado"))
    with pytest.raises(
        environment.Stop, match=r"^A este núcleo de Python le falta no_instalado: .*\.venv.*\.$"
    ):
        environment.prepare()
    assert capsys.readouterr().out == ""


def test_elsewhere_nothing_is_installed(colab, monkeypatch):
    log = colab(0)
    monkeypatch.delenv("COLAB_RELEASE_TAG")
    with pytest.raises(environment.Stop, match="le falta ftfy"):
        environment.prepare()
    assert not log.exists()


@pytest.mark.parametrize(("tag", "missing"), [("release-colab", 0), (None, 1)])
def test_report_on_colab_does_not_miss_jupyterlab(monkeypatch, tag, missing):
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    if tag:
        monkeypatch.setenv("COLAB_RELEASE_TAG", tag)
    found = report.versions()
    monkeypatch.setattr(report, "versions", lambda: found | {"jupyterlab": None})
    assert sum(not good for good, _ in report.findings()) == missing


@pytest.mark.slow
def test_flop_counter_says_nothing_in_red():
    """El aviso depende de cómo se compiló PyTorch (2.11 para CPU avisa; 2.13, no): se prueba por su registro."""
    code = (
        "import logging; from helpers import environment; environment.prepare()\n"
        "logging.getLogger('torch.utils.flop_counter').warning('triton not found')\n"
        "logging.getLogger('torch.utils.otro').warning('se ve')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=environment.ROOT, capture_output=True, text=True, check=True
    )
    assert "triton" not in done.stderr and "se ve" in done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda", "no hay ninguna GPU de NVIDIA"),
        ("cuda:1", "no hay ninguna GPU de NVIDIA"),
        ("mps", "no hay ninguna GPU de Apple"),
        ("cpu:3", "solo hay 1 CPU"),
        ("gpu", "No conozco el dispositivo «gpu»"),
        ("cuda:una", "No conozco el dispositivo «cuda:una»"),
        ("meta", "No conozco el dispositivo «meta»"),
        ("", "No conozco el dispositivo «»"),
    ],
)
def test_a_device_that_is_not_here_is_one_sentence(monkeypatch, name, message):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(environment.DeviceError, match=message) as problem:
        environment.check_device(name)
    sentence = str(problem.value)
    assert sentence.endswith(".") and sentence.count(". ") == 0 and "\n" not in sentence


def test_the_devices_that_are_here_pass(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("cpu", "cuda", "cuda:0", "cuda:1", torch.device("cuda", 1)):
        assert environment.check_device(name) == str(name)
    assert environment.check_device() == "cuda"
    with pytest.raises(environment.DeviceError, match="solo hay 2 GPU"):
        environment.check_device("cuda:2")
