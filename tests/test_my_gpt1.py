"""El GPT-1 del lector viaja de la lección 08 a la 09, y solo si calcula lo mismo que el del curso."""

import linecache
import sys

import pytest
from transformers import OpenAIGPTConfig

from helpers import exercises
from helpers.environment import ROOT
from helpers.exercises import my_gpt1, passport
from helpers.gpt import GPT1

CONFIG = OpenAIGPTConfig(n_layer=2, n_embd=16, n_head=2, n_positions=8, vocab_size=30)
SOURCE = (ROOT / "helpers" / "gpt.py").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def own_progress(tmp_path, monkeypatch):
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "progreso.json"))
    monkeypatch.delitem(sys.modules, "mi_gpt1", raising=False)
    yield
    sys.modules.pop("mi_gpt1", None)


def test_without_one_it_is_the_course_s():
    found, told = my_gpt1.bring(CONFIG)
    assert found is GPT1 and "el del curso" in told


def test_the_reader_s_own_class_comes():
    passport.write_source(SOURCE)
    found, told = my_gpt1.bring(CONFIG)
    assert found is not GPT1 and found.__name__ == "GPT1" and "el tuyo, el de la lección 08" in told
    assert sys.modules[found.__module__].GPT1 is found  # así se puede guardar un modelo de esa clase


def test_a_mask_kept_as_a_buffer_is_not_another_model():
    line = "self.drop = nn.Dropout(config.embd_pdrop)"
    passport.write_source(SOURCE.replace(line, line + '; self.register_buffer("mask", torch.ones(2))'))
    assert my_gpt1.bring(CONFIG)[0] is not GPT1


LOGITS, NAMES, START = "ya no da los mismos logits", "no tiene los mismos parámetros", "no arranca"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("self.ln_2(n + self.mlp(n)), weights", "n + self.mlp(self.ln_2(n)), weights", LOGITS),  # pre-LN
        ("causal = mask is None and q.shape[2] > 1", "causal = False", LOGITS),  # sin máscara
        ("mask, dropout, is_causal=causal)", "mask, dropout, is_causal=causal, scale=0.3)", LOGITS),
        ('approximate="tanh"', 'approximate="none"', LOGITS),
        ("x + self.positions_embed(positions)", "x", LOGITS),
        ("return F.linear(x, self.tokens_embed.weight)", "return x", LOGITS),
        ("self.c_fc", "self.fc", NAMES),
        ("class GPT1(nn.Module)", "class Other(nn.Module)", START),
        ("import math", "import maht", START),
        ("import math", "raise SystemExit", START),
        ("import math", "import math math", START),
    ],
)
def test_a_broken_one_does_not(before, after, problem):
    assert before in SOURCE
    passport.write_source(SOURCE.replace(before, after))
    found, told = my_gpt1.bring(CONFIG)
    assert found is GPT1 and "el del curso" in told and problem in told
    assert "mi_gpt1" not in sys.modules


def test_it_travels_with_the_progress_and_does_not_tread_on_another(tmp_path, monkeypatch, capsys):
    passport.record("08-gpt", True)
    passport.write_source(SOURCE)
    text = exercises.progress()
    assert "mi_gpt1" not in passport.path().read_text(encoding="utf-8")
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "colab" / "progreso.json"))
    passport.source_path().parent.mkdir(parents=True)
    exercises.progress(text)
    assert passport.source_path().read_text(encoding="utf-8") == SOURCE
    assert my_gpt1.bring(CONFIG)[0] is not GPT1 and passport.load_results() == {"08-gpt": True}
    assert "mi_gpt1" not in passport.path().read_text(encoding="utf-8")
    passport.write_source("# otro")
    exercises.progress(text)
    assert passport.source_path().read_text(encoding="utf-8") == "# otro"


CELLS = {
    "<norma>": "import math\n\nEPS = 1e-5  # la de GPT-1\n\n\n"
    "def root(x):  # así\n    return math.sqrt(x + EPS)\n\n\n"
    "class MyNorm:\n    name = 3\n\n    def f(self, x):\n        return root(x)\n\n\nroot(0)\n",
    "<modelo>": "class GPT1:\n    def f(self, x):\n        return Norm().f(x)\n",
}


@pytest.fixture
def written():
    """Lo que definen dos celdas de un cuaderno, y sus piezas por el nombre con que se usan."""
    space = {"__name__": "__main__"}
    for name, cell in CELLS.items():
        linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
        exec(compile(cell, name, "exec"), space)
    yield {"Norm": space["MyNorm"], "GPT1": space["GPT1"]}
    for name in CELLS:
        linecache.cache.pop(name, None)


def test_what_cannot_be_saved_is_told(tmp_path, capsys, written):
    (tmp_path / "runs").write_text("un archivo donde iría la carpeta")
    my_gpt1.keep(written)
    out = capsys.readouterr().out
    assert out.startswith("⚠️ No se puede guardar tu GPT-1") and out.count("\n") == 1


def test_the_source_of_what_was_written_in_cells(written, capsys):
    my_gpt1.keep(written)
    assert "Piezas tuyas: 2 de 2" in capsys.readouterr().out
    source = passport.source_path().read_text(encoding="utf-8")
    assert source.startswith(my_gpt1.HEADER + "\n\n\nimport math")
    assert "EPS = 1e-5  # la" in source and "def root(x):  # así\n    return math" in source
    assert "\n\n\nNorm = MyNorm\n\n\nclass GPT1:" in source and "root(0)" not in source
    alone = {}
    exec(source, alone)  # se basta sola, con lo que el lector escribió al lado de su clase
    assert alone["GPT1"]().f(4) == pytest.approx((4 + 1e-5) ** 0.5)


def test_the_cell_that_is_gone_is_told(written, capsys):
    del linecache.cache["<modelo>"]
    with pytest.raises(LookupError, match="la celda de GPT1"):
        my_gpt1.source_of(written)
    my_gpt1.keep(written)
    assert "la celda de GPT1: ejecútala otra vez" in capsys.readouterr().out
    assert not passport.source_path().exists()


def test_with_a_piece_of_the_course_it_is_not_the_reader_s(written, capsys):
    my_gpt1.keep(written | {"Block": GPT1})
    out = capsys.readouterr().out
    assert "Piezas tuyas: 2 de 3. Son del curso: Block." in out and not passport.source_path().exists()
