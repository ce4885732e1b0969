"""El bucle del curso frente a `generate` de transformers, y los filtros frente a su definición."""

import numpy as np
import pytest
import torch
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from helpers import generation
from helpers.gpt import GPT1LMHeadModel


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(0)
    sizes = {"n_layer": 2, "n_embd": 32, "n_head": 4, "n_positions": 48, "vocab_size": 60}
    reference = OpenAIGPTLMHeadModel(OpenAIGPTConfig(**sizes, initializer_range=0.3)).eval()
    ours = GPT1LMHeadModel(OpenAIGPTConfig(**sizes)).eval()
    ours.load_state_dict(reference.state_dict())
    return ours, reference


@pytest.fixture
def ids():
    return torch.randint(1, 60, (2, 6), generator=torch.Generator().manual_seed(3))


SETTINGS = [
    {"do_sample": False},
    {"do_sample": True},
    {"do_sample": True, "temperature": 0.6},
    {"do_sample": True, "top_k": 5},
    {"do_sample": True, "top_p": 0.7},
    {"do_sample": True, "temperature": 1.4, "top_k": 12, "top_p": 0.8},
]


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_agrees_with_transformers_token_for_token(models, ids, settings, seed):
    ours, reference = models
    torch.manual_seed(seed)
    expected = reference.generate(ids, max_new_tokens=40, pad_token_id=0, **{"top_k": 0, **settings})
    for model, use_cache in [(ours, True), (ours, False), (reference, False)]:
        torch.manual_seed(seed)
        assert torch.equal(generation.generate(model, ids, 40, use_cache=use_cache, **settings), expected)


def test_temperature_is_a_division():
    logits = torch.tensor([[1.0, 2.0, 4.0]])
    assert generation.temperature(logits, 2.0).tolist() == [[0.5, 1.0, 2.0]]


@pytest.mark.parametrize("k", [1, 3, 59, 60, 100])
def test_top_k_keeps_the_k_largest(k):
    logits = torch.randn(4, 60, generator=torch.Generator().manual_seed(0))
    kept = generation.top_k(logits, k).isfinite()
    for row, mask in zip(logits.numpy(), kept.numpy(), strict=True):
        assert set(np.flatnonzero(mask)) == set(np.argsort(-row)[:k])


@pytest.mark.parametrize("p", [0.05, 0.3, 0.8, 0.999])
def test_top_p_keeps_the_smallest_set_that_reaches_p(p):
    logits = 3 * torch.randn(4, 60, generator=torch.Generator().manual_seed(1))
    kept = generation.top_p(logits, p).isfinite()
    for row, mask in zip(logits.softmax(-1).double().numpy(), kept.numpy(), strict=True):
        order = np.argsort(-row)
        size = int(np.searchsorted(np.cumsum(row[order]), p)) + 1
        assert set(np.flatnonzero(mask)) == set(order[:size])


def test_top_p_always_keeps_one():
    assert generation.top_p(torch.tensor([[10.0, 0.0, -5.0]]), 0.01).isfinite().sum() == 1


def test_no_filter_changes_nothing():
    logits = torch.randn(2, 9)
    assert torch.equal(generation.top_p(generation.top_k(logits, 0), 1.0), logits)


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("temperature", 0.0),
        ("temperature", -1.0),
        ("top_k", -1),
        ("top_k", 2.5),
        ("top_p", 0.0),
        ("top_p", 1.2),
    ],
)
def test_impossible_settings(function, value):
    with pytest.raises(ValueError, match=str(value)):
        getattr(generation, function)(torch.zeros(1, 5), value)


def test_every_token_is_announced(models, ids):
    seen = []
    out = generation.generate(
        models[0], ids, 7, do_sample=False, on_token=lambda new: seen.append(new.tolist())
    )
    assert torch.tensor(seen).T.tolist() == out[:, 6:].tolist()


def test_no_room_and_empty(models, ids):
    with pytest.raises(ValueError, match="6 tokens.*43.*48 posiciones.*como mucho 42"):
        generation.generate(models[0], ids, 43)
    with pytest.raises(ValueError, match="0 tokens"):
        generation.generate(models[0], ids[:, :0], 1)
    assert generation.generate(models[0], ids, 0).tolist() == ids.tolist()
