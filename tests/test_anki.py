"""Las tarjetas de Anki: una por pregunta, con su respuesta y en el formato que Anki importa."""

import subprocess
import sys
from html import escape

import pytest

from helpers.exercises.anki import HEADER
from helpers.exercises.quiz import bank
from tools.lessons import ROOT


@pytest.mark.slow
def test_every_question_becomes_a_card():
    run = subprocess.run(
        [sys.executable, "-m", "helpers.exercises.anki"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    lines = run.stdout.split("\n")[:-1]
    assert lines[: len(HEADER)] == HEADER and all(line.startswith("#") for line in HEADER)
    cards = [line.split("\t") for line in lines[len(HEADER) :]]
    assert [name for name, *_ in cards] == [f"gpt1-{name}" for name in bank()]
    for (_, front, back, tags), (name, question) in zip(cards, bank().items(), strict=True):
        right = question["options"][question["right"]]
        assert front.startswith(escape(question["question"])) and tags.split()[-1] == f"leccion-{name[:2]}"
        assert back.startswith(
            f"<b>{question['right']}) {escape(right['text'])}</b><br>{escape(right['why'])}"
        )
        assert all(
            escape(option["text"]) in front and escape(option["why"]) in back
            for option in question["options"].values()
        )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="con tuberías de POSIX")
def test_whoever_stops_reading_gets_no_trace():
    done = subprocess.run(
        f"{sys.executable} -m helpers.exercises.anki | head -1",
        shell=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.stdout.startswith("#separator") and done.stderr == ""
    done = subprocess.run(
        [sys.executable, "-m", "helpers.exercises.anki", "--nada"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 2 and "no conozco: --nada" in done.stderr
