"""El decodificador con caché frente a `OpenAIGPTLMHeadModel` de transformers, que hace de oráculo."""

import copy
import gc
import math
import subprocess
import sys

import pytest
import torch
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel, TextStreamer

from helpers import chunked, gpt
from helpers.environment import ROOT
from helpers.hf import GPT1LMHeadModel, evaluating
from helpers.models import MINI
from helpers.tokenizer import GPT1Tokenizer

TINY = {"n_layer": 3, "n_embd": 48, "n_head": 4, "n_positions": 64, "vocab_size": 100}


def twins(**sizes):
    """(el del curso, el de transformers) con los mismos pesos; cada uno con su configuración."""
    torch.manual_seed(0)
    reference = OpenAIGPTLMHeadModel(OpenAIGPTConfig(**sizes)).eval()
    with torch.no_grad():  # con la inicialización de 0,02 todo sale casi uniforme y nada se notaría
        for name, weight in reference.named_parameters():
            if weight.dim() == 2 and "embed" not in name:
                weight.mul_(4)
    ours = GPT1LMHeadModel(OpenAIGPTConfig(**sizes)).eval()
    ours.load_state_dict(reference.state_dict())
    return ours, reference


@pytest.fixture(scope="module")
def tiny():
    return twins(**TINY)


@pytest.fixture
def ids():
    return torch.randint(1, 100, (3, 10), generator=torch.Generator().manual_seed(1))


def left_padding(ids):
    mask = torch.ones_like(ids)
    mask[0, :4] = 0
    mask[2, :7] = 0
    return mask, (mask.cumsum(-1) - 1).clamp(min=0)


def test_uses_sdpa_and_keeps_the_names(tiny):
    ours, reference = tiny
    assert ours.config._attn_implementation == "sdpa"
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in reference.named_parameters()]
    assert ours.lm_head.weight is ours.transformer.tokens_embed.weight


@torch.no_grad()
def test_the_decoder_alone_is_the_same_model(tiny, ids):
    ours, _ = tiny
    alone = gpt.GPT1(ours.config).eval()
    for table in (alone.tokens_embed, alone.positions_embed, alone.h[0].mlp.c_fc):
        assert table.weight.std().item() == pytest.approx(0.02, rel=0.05)
    alone.load_state_dict(ours.transformer.state_dict())
    torch.testing.assert_close(alone(ids), ours(ids).logits, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_the_decoder_is_short_and_needs_nothing_but_torch():
    """Sin transformers ni nada más del curso, con una configuración cualquiera, da logits."""
    assert len((ROOT / "helpers" / "gpt.py").read_text("utf-8").splitlines()) <= 180
    code = """
import sys
from types import SimpleNamespace
sys.modules["transformers"] = None  # importarlo sería un error
import torch
from helpers.gpt import GPT1
sizes = {"n_layer": 2, "n_embd": 8, "n_head": 2, "n_positions": 6, "vocab_size": 11, "layer_norm_epsilon": 1e-5}
rest = {"afn": "gelu", "embd_pdrop": 0.1, "attn_pdrop": 0.1, "resid_pdrop": 0.1}
print(list(GPT1(SimpleNamespace(**sizes, **rest))(torch.zeros(3, 6, dtype=torch.long)).shape))
print([name for name in sys.modules if name.startswith("helpers.")])
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.stdout.splitlines() == ["[3, 6, 11]", "['helpers.gpt']"], ran.stderr


@torch.no_grad()
def test_same_logits(tiny, ids):
    ours, reference = tiny
    torch.testing.assert_close(ours(ids).logits, reference(ids).logits, atol=1e-5, rtol=0)
    expected = reference(ids, labels=ids, output_hidden_states=True)
    found = ours(ids, labels=ids, output_hidden_states=True)
    torch.testing.assert_close(found.loss, expected.loss)
    for one, other in zip(found.hidden_states, expected.hidden_states, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("rows", [1, 5, 512])
@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize("count", [None, 7])
@pytest.mark.parametrize("scale", [1, 300])
def test_the_loss_in_chunks_is_the_loss(monkeypatch, ids, rows, ignored, count, scale):
    """La pérdida y los gradientes son los de transformers, que hace los logits enteros; con `scale`, exp desborda."""
    monkeypatch.setattr(chunked, "ROWS", rows)
    ours, reference = twins(**TINY)
    for model in (ours, reference):
        model.transformer.tokens_embed.weight.data *= scale
    labels = ids.masked_fill(torch.arange(ids.shape[1]) % 3 == 0, -100) if ignored else ids
    more = {} if count is None else {"num_items_in_batch": count}
    whole = reference(ids, labels=labels, **more).loss
    part = ours(ids, labels=labels, return_logits=False, **more)
    assert part.logits is None
    torch.testing.assert_close(part.loss, whole)
    for loss in (part.loss, whole):
        (loss / 2).backward()
    expected = dict(reference.named_parameters())
    for name, param in ours.named_parameters():
        largest = expected[name].grad.abs().max()
        torch.testing.assert_close(param.grad, expected[name].grad, rtol=1e-4, atol=1e-5 * float(largest))
    with torch.no_grad():  # sin gradientes no hay nada que ganar: es la de siempre
        assert ours(ids, labels=labels, return_logits=False, **more).logits is not None


def test_a_second_backward_is_refused_and_not_wrong(tiny, ids):
    loss = tiny[0](ids, labels=ids, return_logits=False).loss
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError):
        loss.backward()
    tiny[0].zero_grad()


def test_not_a_number_goes_through_the_chunks(ids):
    ours, _ = twins(**TINY)
    ours.transformer.tokens_embed.weight.data[3, 0] = math.nan
    assert ours(ids, labels=ids, return_logits=False).loss.isnan()


@torch.no_grad()
def test_same_logits_with_padding_on_either_side(tiny, ids):
    ours, reference = tiny
    mask, positions = left_padding(ids)
    expected = reference(ids, attention_mask=mask, position_ids=positions).logits
    torch.testing.assert_close(
        ours(ids, attention_mask=mask).logits[mask.bool()], expected[mask.bool()], atol=1e-5, rtol=0
    )
    right = mask.flip(-1)
    expected = reference(ids, attention_mask=right).logits
    torch.testing.assert_close(
        ours(ids, attention_mask=right).logits[right.bool()], expected[right.bool()], atol=1e-5, rtol=0
    )


@torch.no_grad()
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("pieces", [[10], [1] * 10, [4, 1, 5], [9, 1]])
def test_cache_changes_nothing(tiny, ids, pieces, padded):
    ours, _ = tiny
    mask = left_padding(ids)[0] if padded else torch.ones_like(ids)
    whole = ours(ids, attention_mask=mask).logits
    cache, start, parts = None, 0, []
    for length in pieces:
        end = start + length
        output = ours(ids[:, start:end], attention_mask=mask[:, :end], past_key_values=cache, use_cache=True)
        cache, start = output.past_key_values, end
        parts.append(output.logits)
    torch.testing.assert_close(torch.cat(parts, 1)[mask.bool()], whole[mask.bool()], atol=1e-5, rtol=0)
    assert cache.get_seq_length() == 10


@torch.no_grad()
@pytest.mark.parametrize("padded", [False, True])
def test_step_by_step_attention_is_the_same(tiny, ids, padded):
    """`attn_implementation="eager"`, con relleno y con la caché a medias."""
    ours, _ = tiny
    eager = copy.deepcopy(ours)
    eager.config._attn_implementation = eager.transformer.config._attn_implementation = "eager"
    mask = left_padding(ids)[0] if padded else torch.ones_like(ids)
    whole = ours(ids, attention_mask=mask).logits
    first = eager(ids[:, :7], attention_mask=mask[:, :7], use_cache=True)
    rest = eager(ids[:, 7:], attention_mask=mask, past_key_values=first.past_key_values)
    found = torch.cat([first.logits, rest.logits], 1)
    torch.testing.assert_close(found[mask.bool()], whole[mask.bool()], atol=1e-5, rtol=0)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_padding_with_nothing_to_look_at_gives_finite_numbers(ids, attention):
    """El relleno de la izquierda no mira a nadie: ni estados ni gradientes pueden ser NaN."""
    ours, _ = twins(**TINY)
    ours.config._attn_implementation = ours.transformer.config._attn_implementation = attention
    mask, _ = left_padding(ids)
    output = ours.train()(
        ids, attention_mask=mask, labels=ids.masked_fill(mask == 0, -100), output_hidden_states=True
    )
    output.loss.backward()
    assert all(state.isfinite().all() for state in output.hidden_states)
    assert all(weight.grad.isfinite().all() for weight in ours.parameters())


@torch.no_grad()
def test_attentions_can_be_asked_for(tiny, ids):
    ours, reference = tiny
    found, expected = (model(ids, output_attentions=True) for model in tiny)
    for one, other in zip(found.attentions, expected.attentions, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    torch.testing.assert_close(found.logits, ours(ids).logits, atol=1e-5, rtol=0)
    assert len(found.attentions) == 3 and ours(ids).attentions is None


GENERATIONS = {
    "voraz": {"do_sample": False},
    "muestreo": {"do_sample": True, "top_k": 0},
    "filtros": {"do_sample": True, "top_k": 20, "top_p": 0.9, "temperature": 0.7},
    "haces": {"do_sample": False, "num_beams": 3},
    "haces con sorteo": {"do_sample": True, "num_beams": 2, "top_k": 0},
    "varias": {"do_sample": True, "num_return_sequences": 3, "top_k": 0},
    "sin repetir": {"do_sample": False, "repetition_penalty": 1.3, "no_repeat_ngram_size": 3},
}


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("settings", GENERATIONS.values(), ids=GENERATIONS)
def test_generate_gives_the_same_tokens(tiny, ids, settings, padded):
    mask = left_padding(ids)[0] if padded else torch.ones_like(ids)
    found = []
    for model in tiny:
        torch.manual_seed(7)
        found.append(model.generate(ids, attention_mask=mask, max_new_tokens=40, pad_token_id=0, **settings))
    assert torch.equal(*found)


def test_each_row_of_a_batch_equals_that_row_alone(tiny, ids):
    ours, _ = tiny
    mask, _ = left_padding(ids)
    batch = ours.generate(ids, attention_mask=mask, do_sample=False, max_new_tokens=40, pad_token_id=0)
    for row, (line, start) in enumerate(zip(ids, (mask == 0).sum(-1).tolist(), strict=True)):
        alone = ours.generate(line[None, start:], do_sample=False, max_new_tokens=40, pad_token_id=0)
        assert torch.equal(batch[row, start:], alone[0])


def test_generate_really_uses_the_cache(tiny, ids):
    ours, _ = tiny
    lengths = []
    hook = ours.transformer.register_forward_pre_hook(
        lambda module, args, kwargs: lengths.append(args[0].shape[1]), with_kwargs=True
    )
    ours.generate(ids, do_sample=False, max_new_tokens=5, pad_token_id=0)
    hook.remove()
    assert lengths == [10, 1, 1, 1, 1]


def test_static_cache(tiny, ids):
    ours, _ = tiny
    settings = {"do_sample": False, "max_new_tokens": 20, "pad_token_id": 0}
    static = ours.generate(ids, cache_implementation="static", disable_compile=True, **settings)
    assert torch.equal(static, ours.generate(ids, **settings))


def test_streamer(tiny):
    ours, _ = tiny
    tokenizer = GPT1Tokenizer.from_pretrained(MINI)

    class Collector(TextStreamer):
        text = ""

        def on_finalized_text(self, text, stream_end=False):
            self.text += text

    streamer = Collector(tokenizer)
    out = ours.generate(
        torch.tensor([[5, 6, 7]]), streamer=streamer, do_sample=False, max_new_tokens=20, pad_token_id=0
    )
    assert streamer.text.split() == tokenizer.decode(out[0]).split()


@pytest.mark.parametrize("limit", [{"max_new_tokens": 55}, {"max_length": 65}])
def test_no_room_is_a_clear_error(tiny, ids, limit):
    ours, _ = tiny
    with pytest.raises(ValueError, match=r"10 tokens.*55.*64 posiciones.*como mucho 54"):
        ours.generate(ids, pad_token_id=0, **limit)
    assert ours.generate(ids, max_new_tokens=54, do_sample=False, pad_token_id=0).shape == (3, 64)


def test_empty_prompt_is_a_clear_error(tiny, ids):
    ours, _ = tiny
    for call in (ours, ours.generate):
        with pytest.raises(ValueError, match="0 tokens.*de 1 a 64"):
            call(ids[:, :0])


def test_too_long_a_text_is_a_clear_error(tiny):
    ours, _ = tiny
    with pytest.raises(ValueError, match="65 tokens.*64 posiciones"):
        ours(torch.ones(1, 65, dtype=torch.long))


WRONG_MASKS = {
    "más larga": lambda mask: torch.ones(3, 11),
    "más corta": lambda mask: mask[:, 1:],
    "de otro lote": lambda mask: mask[:2],
    "de un texto suelto": lambda mask: mask[0],
}


@pytest.mark.parametrize("change", WRONG_MASKS.values(), ids=WRONG_MASKS)
def test_a_mask_that_does_not_fit_is_a_clear_error(tiny, ids, change):
    ours, _ = tiny
    mask = change(torch.ones_like(ids))
    shown = rf"attention_mask tiene la forma \[{', '.join(map(str, mask.shape))}\] y hace falta \[3, 10\]"
    for call in (ours, ours.generate):
        with pytest.raises(ValueError, match=shown):
            call(ids, attention_mask=mask)
    cache = ours(ids[:, :4], use_cache=True).past_key_values
    with pytest.raises(ValueError, match=shown):
        ours(ids[:, 4:], attention_mask=mask, past_key_values=cache)


def test_with_a_cache_the_mask_of_the_new_tokens_alone_is_a_clear_error(tiny, ids):
    ours, _ = tiny
    cache = ours(ids[:, :4], use_cache=True).past_key_values
    with pytest.raises(ValueError, match=r"forma \[3, 6\] y hace falta \[3, 10\].*caché"):
        ours(ids[:, 4:], attention_mask=torch.ones(3, 6), past_key_values=cache)


WRONG_IDS = {
    "un texto sin lote": (lambda ids: ids[0], r"forma \[10\] y hace falta \[lote, T\].*ids\[None\]"),
    "tres dimensiones": (lambda ids: ids[None], r"forma \[1, 3, 10\] y hace falta \[lote, T\]"),
    "decimales": (lambda ids: ids.float(), r"torch\.float32.*enteros"),
    "una lista": (lambda ids: ids.tolist(), r"list.*tensor.*return_tensors"),
    "demasiado grande": (lambda ids: ids + 99, r"El id 19\d no está en el vocabulario, que va de 0 a 99"),
    "el primero que sobra": (lambda ids: ids.clamp(min=100), r"El id 100 no está en el vocabulario"),
    "negativo": (lambda ids: ids - 200, r"El id -\d+ no está en el vocabulario"),
}


@pytest.mark.parametrize(("change", "message"), WRONG_IDS.values(), ids=WRONG_IDS)
def test_what_are_not_ids_is_a_clear_error(tiny, ids, change, message):
    ours, _ = tiny
    for call in (ours, ours.generate, ours.transformer):
        with pytest.raises(ValueError, match=message):
            call(change(ids))


def test_right_padding_cannot_be_continued(tiny, ids):
    """El token nuevo saldría del relleno: con la máscara, o con la que transformers deduce de `pad_token_id`."""
    ours, _ = tiny
    mask = left_padding(ids)[0].flip(-1)
    for settings in ({"attention_mask": mask}, {"pad_token_id": 0}):
        with pytest.raises(ValueError, match="relleno a la derecha.*padding_side"):
            ours.generate(ids * mask, max_new_tokens=3, **settings)


@torch.no_grad()
def test_the_vocabulary_can_grow(ids):
    ours, _ = twins(**TINY)
    before = ours(ids).logits
    ours.resize_token_embeddings(104)
    assert ours.get_input_embeddings() is ours.transformer.tokens_embed
    assert ours.lm_head.weight is ours.transformer.tokens_embed.weight
    torch.testing.assert_close(ours(ids).logits[..., :100], before)
    assert ours(ids + 4).logits.shape == (3, 10, 104)


def test_training_gradients_are_the_same(ids):
    sizes = {**TINY, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    ours, reference = twins(**sizes)
    for model in (ours, reference):
        model.train()(ids, labels=ids).loss.backward()
    for (name, one), (_, other) in zip(ours.named_parameters(), reference.named_parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5, rtol=1e-4, msg=name)


def test_dropout_reaches_every_place(ids):
    """Con un solo tipo de dropout activo la salida de entrenamiento varía; con todos a cero, no."""
    zero = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    for active in (*zero, None):
        ours, _ = twins(**{**TINY, **zero, **({active: 0.3} if active else {})})
        ours.train()
        torch.manual_seed(0)
        assert torch.equal(ours(ids).logits, ours(ids).logits) == (active is None), active


def test_evaluating_leaves_the_model_as_it_was_even_after_an_error():
    model = torch.nn.Sequential(torch.nn.Embedding(100, 8), torch.nn.Dropout(0.5))
    for training in (True, False):
        model.train(training)
        with pytest.raises(KeyboardInterrupt), evaluating(model):
            assert not model.training and not model[1].training
            assert not model(torch.tensor([1])).requires_grad
            raise KeyboardInterrupt
        assert model.training == model[1].training == training and torch.is_grad_enabled()


@pytest.mark.slow
@torch.no_grad()
def test_full_shape():
    """Las medidas de GPT-1: 116 534 784 parámetros y los mismos logits, con y sin caché."""
    ours, reference = twins()
    assert ours.num_parameters() == 116_534_784
    ids = torch.randint(0, 40_478, (1, 24), generator=torch.Generator().manual_seed(2))
    expected = reference(ids).logits
    torch.testing.assert_close(ours(ids).logits, expected, atol=1e-4, rtol=0)
    first = ours(ids[:, :20], use_cache=True)
    rest = ours(ids[:, 20:], past_key_values=first.past_key_values).logits
    torch.testing.assert_close(torch.cat([first.logits, rest], 1), expected, atol=1e-4, rtol=0)
    del ours, reference
    gc.collect()


@torch.no_grad()
def test_embedded_model_gives_the_same_logits():
    ours = GPT1LMHeadModel.from_pretrained(MINI, dtype=torch.float32).eval()
    reference = OpenAIGPTLMHeadModel.from_pretrained(MINI, dtype=torch.float32).eval()
    ids = GPT1Tokenizer.from_pretrained(MINI)("the old man looked at the sea.", return_tensors="pt")[
        "input_ids"
    ]
    torch.testing.assert_close(ours(ids).logits, reference(ids).logits, atol=1e-4, rtol=0)
    settings = {"do_sample": False, "max_new_tokens": 60, "pad_token_id": 0}
    assert torch.equal(ours.generate(ids, **settings), reference.generate(ids, **settings))


def test_save_and_load_with_either_class(tiny, tmp_path, ids):
    ours, _ = tiny
    ours.save_pretrained(tmp_path)
    again = OpenAIGPTLMHeadModel.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(ids).logits, ours(ids).logits, atol=1e-5, rtol=0)


def test_unusable_configurations():
    with pytest.raises(ValueError, match="n_embd=50.*n_head=4"):
        GPT1LMHeadModel(OpenAIGPTConfig(**{**TINY, "n_embd": 50}))
    config = copy.copy(OpenAIGPTConfig(**TINY))
    config.afn = "mish"
    with pytest.raises(ValueError, match="mish"):
        GPT1LMHeadModel(config)
