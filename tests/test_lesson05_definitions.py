"""El bucle y los filtros que la lección 05 construye dan lo mismo que `helpers.generation`."""

import pytest
import torch
from lesson_code import definitions, solutions
from transformers import OpenAIGPTConfig

from helpers import generation
from helpers.hf import GPT1LMHeadModel


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    shape = {"n_layer": 2, "n_embd": 32, "n_head": 4, "n_positions": 64, "vocab_size": 90}
    model = GPT1LMHeadModel(OpenAIGPTConfig(**shape)).eval()
    with torch.no_grad():
        model.transformer.tokens_embed.weight.mul_(
            20
        )  # que los logits se separen: con los de fábrica todo es azar
    return model


@pytest.fixture(scope="module")
def ids():
    return torch.randint(0, 90, (1, 7), generator=torch.Generator().manual_seed(1))


def test_the_loop(model, ids):
    built = definitions("05", "continue_ids", model=model)["continue_ids"]
    torch.manual_seed(3)
    ours = built(ids, 20)
    torch.manual_seed(3)
    assert torch.equal(ours, generation.generate(model, ids, 20, temperature=0.7))


def test_the_greedy_loop(model, ids):
    built = solutions("05", "greedy")["greedy"]
    ours = built(lambda ids: model(ids).logits, ids, 20)
    assert torch.equal(ours, generation.generate(model, ids, 20, do_sample=False))


def test_the_filters():
    built = solutions("05", "my_top_k", "my_top_p")
    logits = 3 * torch.randn(6, 50, generator=torch.Generator().manual_seed(0))
    for k in (1, 5, 50):
        assert torch.equal(built["my_top_k"](logits, k), generation.top_k(logits, k))
    for p in (0.05, 0.5, 0.9, 0.999):
        assert torch.equal(built["my_top_p"](logits, p), generation.top_p(logits, p))
