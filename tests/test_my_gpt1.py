"""El GPT-1 del lector viaja de la lección 08 a la 09, y solo si calcula lo mismo que el del curso."""

import pytest
from transformers import OpenAIGPTConfig

from helpers.environment import ROOT
from helpers.exercises import my_gpt1
from helpers.gpt import GPT1

CONFIG = OpenAIGPTConfig(n_layer=1, n_embd=16, n_head=2, n_positions=8, vocab_size=30)
SOURCE = (ROOT / "helpers" / "gpt.py").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(my_gpt1, "PATH", tmp_path / "runs" / "mi_gpt1.py")


def test_without_one_it_is_the_course_s():
    found, told = my_gpt1.bring(CONFIG)
    assert found is GPT1 and "el del curso" in told


def test_the_reader_s_own_class_comes():
    my_gpt1.keep(SOURCE)
    found, told = my_gpt1.bring(CONFIG)
    assert found is not GPT1 and found.__name__ == "GPT1" and "el tuyo" in told


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("self.ln_2(n + self.mlp(n))", "n + self.mlp(self.ln_2(n))", "no da los mismos logits"),
        ("class GPT1(nn.Module)", "class Other(nn.Module)", "no arranca"),
        ("import math", "import maht", "no arranca"),
    ],
)
def test_a_broken_one_does_not(before, after, why):
    assert before in SOURCE
    my_gpt1.keep(SOURCE.replace(before, after))
    found, told = my_gpt1.bring(CONFIG)
    assert found is GPT1 and why in told
