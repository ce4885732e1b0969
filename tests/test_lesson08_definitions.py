"""Lo que la lección 08 construye es lo mismo que usa el curso: con los mismos pesos, las mismas salidas."""

import gc

import pytest
import torch
from lesson_code import definitions, solutions
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from helpers import gpt, hf
from helpers.lesson08 import pieces
from helpers.models import MINI

WRITTEN = {  # el nombre con que se usa cada pieza: el que tiene en su solución
    "LayerNorm": "MyLayerNorm",
    "attend": "my_attention",
    "through": "through_heads",
    "Attention": "MyAttention",
    "gelu": "my_gelu",
    "MLP": "MyMLP",
    "Block": "MyBlock",
    "GPT1": "MyGPT1",
}
SIZES = {"n_layer": 3, "n_embd": 48, "n_head": 4, "n_positions": 64, "vocab_size": 100}


def written():
    """Las soluciones de los ejercicios, cada una con las demás."""
    conv = definitions("08", "Conv1D")["Conv1D"]
    space = solutions("08", *WRITTEN.values(), Conv1D=conv)
    space |= {
        name: space[answer] for name, answer in WRITTEN.items()
    }  # se ven unas a otras, como en el cuaderno
    return space


@pytest.fixture(scope="module", params=["lo que se escribe", "lo del curso"])
def built(request):
    space = written() if request.param == "lo que se escribe" else dict(vars(pieces))
    return space | definitions("08", "pre_ln", "PreLN", GPT1=space["GPT1"], LayerNorm=space["LayerNorm"])


@pytest.fixture(scope="module")
def ours():
    """El modelo del curso, con pesos lo bastante grandes para que todo se note y nada neutro."""
    torch.manual_seed(0)
    model = hf.GPT1LMHeadModel(OpenAIGPTConfig(**SIZES)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.add_(torch.randn_like(weight) * (0.3 if "ln_" in name else 0.1))
    return model


def x(seed=0):
    return torch.randn(2, 10, SIZES["n_embd"], generator=torch.Generator().manual_seed(seed))


def load(module, source):
    module.load_state_dict(source.state_dict())  # estricto: los mismos nombres y las mismas medidas
    return module


def assert_same(found, expected, atol=1e-5):
    torch.testing.assert_close(found, expected, atol=atol, rtol=0)


@torch.no_grad()
def test_attention_and_the_weights_it_shows_with_the_identity(built):
    q, k, v = torch.randn(3, 2, 4, 7, 12, generator=torch.Generator().manual_seed(1))
    mixed, weights = gpt.causal_attention(q, k, v, None, 0.0)
    assert_same(built["attend"](q, k, v), mixed)
    assert_same(built["attend"](q, k, torch.eye(7).expand(2, 4, -1, -1)), weights)


@torch.no_grad()
def test_attention_layer(built, ours):
    theirs = ours.transformer.h[0].attn
    attention = load(built["Attention"](SIZES["n_embd"], SIZES["n_head"]), theirs)
    assert_same(attention(x()), theirs(x())[0])


@torch.no_grad()
def test_mlp_and_gelu(built, ours):
    theirs = ours.transformer.h[0].mlp
    assert_same(load(built["MLP"](SIZES["n_embd"]), theirs)(x()), theirs(x()))
    grid = torch.linspace(-6, 6, 2001)
    assert_same(built["gelu"](grid), theirs.act(grid), atol=1e-6)


@torch.no_grad()
def test_layer_norm(built, ours):
    theirs = ours.transformer.h[0].ln_1
    for scale in (1.0, 1e-3):  # con entradas pequeñas se nota dónde va la épsilon
        assert_same(load(built["LayerNorm"](SIZES["n_embd"]), theirs)(scale * x()), theirs(scale * x()))


@torch.no_grad()
def test_block(built, ours):
    for theirs in ours.transformer.h:
        block = load(built["Block"](SIZES["n_embd"], SIZES["n_head"]), theirs)
        assert_same(block(x()), theirs(x())[0])


@torch.no_grad()
def test_the_rival_block_is_another_block_with_the_same_pieces(built, ours):
    theirs = ours.transformer.h[0]
    block = load(built["Block"](SIZES["n_embd"], SIZES["n_head"]), theirs)
    n = x() + theirs.attn(theirs.ln_1(x()))[0]
    assert_same(built["pre_ln"](block, x()), n + theirs.mlp(theirs.ln_2(n)))
    rival, ids = built["PreLN"](OpenAIGPTConfig(**SIZES)).eval(), torch.arange(12)[None]
    states = rival.hidden_states(ids)
    for block, before, after in zip(rival.h, states, states[1:], strict=False):
        assert_same(after, built["pre_ln"](block, before))
    assert_same(rival(ids), rival.ln_f(states[-1]) @ rival.tokens_embed.weight.T)


@torch.no_grad()
def test_model(built, ours):
    model = load(built["GPT1"](OpenAIGPTConfig(**SIZES)), ours.transformer)
    ids = torch.randint(0, 100, (3, 20), generator=torch.Generator().manual_seed(2))
    expected = ours(ids, output_hidden_states=True)
    assert_same(model(ids), expected.logits)
    for found, state in zip(model.hidden_states(ids), expected.hidden_states, strict=True):
        assert_same(found, state)


@torch.no_grad()
def test_embedded_model_equals_transformers(built):
    reference = OpenAIGPTLMHeadModel.from_pretrained(MINI, dtype=torch.float32).eval()
    config = reference.config
    model = load(built["GPT1"](config), reference.transformer)
    ids = torch.randint(0, config.vocab_size, (2, 200), generator=torch.Generator().manual_seed(3))
    assert_same(model(ids), reference(ids).logits, atol=1e-4)
    del reference, model
    gc.collect()


def test_full_shape(built):
    config = OpenAIGPTConfig()
    with torch.device("meta"):
        model = built["GPT1"](config)
        theirs = hf.GPT1Model(config)
    assert sum(tensor.numel() for tensor in model.parameters()) == 116_534_784
    assert {name: tensor.shape for name, tensor in model.state_dict().items()} == {
        name: tensor.shape for name, tensor in theirs.state_dict().items()
    }
