"""Lo que se escribe en la lección 05 (sus soluciones) da lo mismo que `helpers.generation` y que `transformers`."""

import pytest
import torch
from lesson_code import solutions
from transformers import OpenAIGPTConfig

from helpers import generation
from helpers.exercises import checking
from helpers.hf import GPT1LMHeadModel
from helpers.lesson05 import exercises
from helpers.lesson05.exercises import fast_loop, likeliest, loop


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


@pytest.fixture(scope="module")
def built():
    named = {"keep_k": generation.top_k, "keep_p": generation.top_p}
    return solutions("05", "my_loop", "my_fast_loop", "my_top_k", "my_top_p", "my_sample", **named)


@pytest.mark.parametrize("name", ["my_loop", "my_fast_loop", "loop", "fast_loop"])
def test_the_loops(built, model, ids, name):
    """Los de las soluciones y los que siguen en el cuaderno si no se hace el ejercicio."""
    written = (built | {"loop": loop, "fast_loop": fast_loop})[name]
    assert torch.equal(
        written(model, ids, 20, likeliest), generation.generate(model, ids, 20, do_sample=False)
    )
    torch.manual_seed(3)
    ours = written(model, ids, 20, lambda logits: built["my_sample"](logits, 0.7, 0, 1.0))
    torch.manual_seed(3)
    assert torch.equal(ours, generation.generate(model, ids, 20, temperature=0.7))


@pytest.mark.parametrize("setting", [(1.0, 1, 1.0), (1.0, 0, 1.0), (0.8, 20, 0.9), (1.5, 0, 0.5)])
def test_the_sampler_is_that_of_transformers(built, model, ids, setting):
    temperature, k, p = setting
    options = {"do_sample": True, "temperature": temperature, "top_k": k, "top_p": p, "pad_token_id": 0}
    torch.manual_seed(0)
    theirs = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, **options)
    torch.manual_seed(0)
    ours = built["my_fast_loop"](model, ids, 20, lambda logits: built["my_sample"](logits, *setting))
    assert torch.equal(ours, theirs)


def test_the_filters(built):
    logits = 3 * torch.randn(6, 50, generator=torch.Generator().manual_seed(0))
    for k in (1, 5, 50):
        assert torch.equal(built["my_top_k"](logits, k), generation.top_k(logits, k))
    for p in (0.05, 0.5, 0.9, 0.999):
        assert torch.equal(built["my_top_p"](logits, p), generation.top_p(logits, p))


# --- Las comprobaciones que no comparan valor a valor -----------------------------------------------------------------


def judged(name, answer):
    return checking.judge(exercises.EXERCISES[name], answer)


def by_gumbel(logits, temperature, k, p):
    probs = generation.probabilities(logits, temperature, k, p)
    return (probs.log() - torch.empty_like(probs).exponential_().log()).argmax(dim=-1, keepdim=True)


def by_categorical(logits, temperature, k, p):
    logits = generation.top_p(generation.top_k(logits / temperature, k), p)
    return torch.distributions.Categorical(logits=logits).sample()[:, None]


def row_by_row(logits, temperature, k, p):
    probs = generation.probabilities(logits, temperature, k, p)
    return torch.stack([torch.multinomial(row, 1) for row in probs])


@pytest.mark.parametrize("answer", [by_gumbel, by_categorical, row_by_row])
def test_another_way_of_drawing_is_right(answer):
    assert judged("05-muestreo", answer)[0] == "✅"


def test_frequencies_do_not_depend_on_luck():
    for seed in range(20):
        torch.manual_seed(seed)
        assert judged("05-muestreo", generation.sample)[0] == "✅"


def one_token_at_a_time(model, ids, n, pick):
    """También el texto de partida: cada token pasa una sola vez por el modelo."""
    past = None
    for place in range(ids.shape[1] + n - 1):
        output = model(ids[:, place : place + 1], past_key_values=past, use_cache=True)
        past = output.past_key_values
        if place == ids.shape[1] - 1:
            ids = torch.cat([ids, pick(output.logits[:, -1])], dim=1)
    return ids


def once_too_often(model, ids, n, pick):
    """El último token también pasa por el modelo, cuando ya no hace falta: escribe lo mismo."""
    output = model(ids, use_cache=True)
    for _ in range(n):
        new = pick(output.logits[:, -1])
        ids = torch.cat([ids, new], dim=1)
        output = model(new, past_key_values=output.past_key_values, use_cache=True)
    return ids


@pytest.mark.parametrize("answer", [one_token_at_a_time, once_too_often])
def test_another_way_of_using_the_cache_is_right(answer):
    assert judged("05-cache", answer)[0] == "✅"


def test_the_loop_may_already_use_the_cache():
    assert judged("05-bucle", fast_loop)[0] == "✅" and judged("05-cache", loop)[0] == "❌"


def test_a_loop_that_draws_on_its_own_is_told_so():
    def drawing(logits):
        return torch.multinomial(logits.softmax(dim=-1), num_samples=1)

    found = judged("05-bucle", lambda model, ids, n, pick: loop(model, ids, n, drawing))
    assert found[0] == "❌" and "pick(logits)" in found[1]
