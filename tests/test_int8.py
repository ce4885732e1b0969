"""El modelo con un byte por peso: que escribe casi lo mismo, ocupa un tercio y dice qué no puede hacer."""

import copy
import math

import pytest
import torch
from torch.nn import functional as F
from transformers import OpenAIGPTConfig

from helpers import generation, models
from helpers.environment import ROOT
from helpers.finetuning import fine_tune
from helpers.hf import GPT1LMHeadModel
from helpers.int8 import Int8Embedding, Int8Error, Int8Linear, rounded, to_int8
from helpers.tasks import load_task


@pytest.fixture(scope="module")
def mini():
    return models.load("gpt1-mini", device="cpu", verbose=False)


@pytest.fixture(scope="module")
def small(mini):
    return to_int8(copy.deepcopy(mini[0]))


@pytest.fixture(scope="module")
def stories(mini):
    paths = sorted((ROOT / "data" / "stories").glob("*.txt"))
    every = [mini[1].text_to_ids(path.read_text(encoding="utf-8"))[:200] for path in paths]
    return torch.tensor([ids for ids in every if len(ids) == 200][:16])


@pytest.mark.parametrize("rows, width", [(5, 8), (300, 64)])
def test_each_row_keeps_its_own_scale(rows, width):
    torch.manual_seed(0)
    weight = torch.randn(rows, width) * torch.logspace(-3, 3, rows)[:, None]
    whole, scale = rounded(weight)
    assert whole.dtype == torch.int8 and int(whole.abs().max()) == 127
    assert ((weight - whole * scale[:, None]).abs() <= scale[:, None] / 2 * 1.0001).all()


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e4])
def test_the_product_is_the_one_of_the_rounded_weights(size):
    """Lo que añade redondear lo que entra es cien veces menor que lo que añade redondear los pesos."""
    torch.manual_seed(0)
    weight, bias, x = torch.randn(70, 48), torch.randn(70) * size, torch.randn(3, 4, 48) * size
    x[0, 0] *= 1000  # un vector enorme no estropea a sus vecinos
    whole, scale = rounded(weight)
    expected = F.linear(x, whole * scale[:, None], bias)
    got = Int8Linear(weight, bias).eval()(x)
    assert ((got - expected).abs().amax(-1) <= 2e-4 * expected.abs().amax(-1)).all()
    assert torch.equal(Int8Linear(weight).eval()(torch.zeros(1, 48)), torch.zeros(1, 70))


def test_it_writes_almost_what_fp32_writes(mini, small, stories):
    model = mini[0]
    written = generation.generate(model, stories[:, :20], 100, do_sample=False)
    with torch.inference_mode():
        steps = [one(written).logits[:, 20:].argmax(-1) for one in (model, small)]
        losses = [one(stories, labels=stories).loss.item() for one in (model, small)]
    assert (steps[0] == steps[1]).float().mean() >= 0.99
    assert abs(math.exp(losses[1] - losses[0]) - 1) <= 0.01


def test_the_cache_and_generate_agree(small, stories):
    ids = stories[:2, :10]
    loop = generation.generate(small, ids, 12, do_sample=False)
    theirs = small.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False, pad_token_id=0
    )
    assert torch.equal(loop, theirs)


def test_a_third_of_the_memory_at_the_real_shape():
    with torch.device("meta"):
        whole = GPT1LMHeadModel(OpenAIGPTConfig()).num_parameters() * 4
    model = to_int8(GPT1LMHeadModel(OpenAIGPTConfig()))
    kept = {id(one): one.nbytes for one in (*model.parameters(), *model.buffers())}
    packed = [part for part in model.modules() if isinstance(part, Int8Linear)]
    kept |= {id(part): torch.ops.quantized.linear_unpack(part.packed)[0].numel() for part in packed}
    assert len(packed) == 12 * 4 + 1 and isinstance(model.transformer.tokens_embed, Int8Embedding)
    assert sum(kept.values()) <= whole / 3


def test_loading_says_it(capsys):
    model, _ = models.load("gpt1-mini", int8=True)
    assert "en int8" in capsys.readouterr().out and isinstance(model.lm_head, Int8Linear)
    with pytest.raises(models.ModelError, match="int8 es True o False"):
        models.load("gpt1-mini", int8="sí")


@pytest.mark.parametrize(
    "attempt",
    [
        lambda model, words, folder: model.save_pretrained(folder),
        lambda model, words, folder: model.state_dict(),
        lambda model, words, folder: model.train()(torch.tensor([[1, 2]])),
        lambda model, words, folder: fine_tune(model, "sentiment", load_task("sentiment"), tokenizer=words),
    ],
    ids=["save_pretrained", "state_dict", "train", "fine_tune"],
)
def test_what_it_cannot_do_it_says(mini, attempt, tmp_path):
    model = to_int8(copy.deepcopy(mini[0]))
    with pytest.raises(Int8Error, match="int8"):
        attempt(model, mini[1], tmp_path)


def test_only_on_the_cpu(mini, monkeypatch):
    with pytest.raises(Int8Error, match="es para la CPU"):
        to_int8(GPT1LMHeadModel(mini[0].config).to("meta"))
    monkeypatch.setattr(torch.backends.quantized.__class__, "engine", "none", raising=False)
    with pytest.raises(Int8Error, match="productos de enteros"):
        to_int8(copy.deepcopy(mini[0]))
