"""El bucle del curso frente a `generate` de transformers, y los filtros frente a su definición."""

import contextlib
import copy
import logging
import math
import re
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from transformers import GenerationConfig, OpenAIGPTConfig, OpenAIGPTLMHeadModel, StaticCache, TextStreamer

from helpers import generation
from helpers.hf import GPT1LMHeadModel


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


@pytest.mark.parametrize("dtype", [torch.long, torch.bool])
def test_each_text_of_a_padded_batch_comes_out_as_alone(models, ids, dtype):
    ours, reference = (copy.deepcopy(model) for model in models)
    for model in (ours, reference):  # que se note de qué posición se habla
        model.transformer.positions_embed.weight.data *= 20
    mask = torch.ones_like(ids, dtype=dtype)
    mask[1, :4] = 0
    for model, use_cache in [(ours, True), (ours, False), (reference, False)]:
        out = generation.generate(model, ids, 42, do_sample=False, use_cache=use_cache, attention_mask=mask)
        assert out.shape == (2, 48)
        for row, start in enumerate([0, 4]):
            alone = generation.generate(ours, ids[row : row + 1, start:], 42, do_sample=False)
            assert torch.equal(out[row, start:], alone[0])


@pytest.mark.parametrize(
    ("row", "place", "warned"),
    [
        (0, 0, 1),
        (1, -1, 1),
        (slice(None), 0, 0),
        (0, 3, 0),
        (slice(None), slice(2), 1),
        (0, slice(4, None), 1),
    ],
)
def test_a_padded_batch_without_its_mask_is_said(models, ids, row, place, warned, capsys):
    ids[row, place] = 0
    generation.generate(models[0], ids, 2)
    assert capsys.readouterr().out.count("pásala si lo has rellenado") == warned
    generation.generate(models[0], ids, 2, attention_mask=torch.ones_like(ids))
    assert capsys.readouterr().out == ""


def test_padding_leaves_more_room(models, ids):
    mask = torch.tensor([[0, 0, 0, 0, 1, 1]])
    assert generation.generate(models[0], ids[:1], 46, attention_mask=mask).shape == (1, 52)
    with pytest.raises(ValueError, match="2 tokens.*47.*como mucho 46"):
        generation.generate(models[0], ids[:1], 47, attention_mask=mask)


WRONG_MASKS = {
    "relleno a la derecha": (
        torch.tensor([[1] * 6, [1] * 4 + [0] * 2]),
        "relleno a la derecha.*padding_side",
    ),
    "una fila vacía": (torch.tensor([[1] * 6, [0] * 6]), "relleno a la derecha"),
    "más larga": (torch.ones(2, 7), r"forma \[2, 7\] y hace falta \[2, 6\]"),
    "más corta": (torch.ones(2, 5), r"forma \[2, 5\] y hace falta \[2, 6\]"),
    "menos unos": (-torch.ones(2, 6).long(), "otros valores"),
    "doses": (torch.full((2, 6), 2), "otros valores"),
    "mitades": (torch.full((2, 6), 0.5), "otros valores"),
    "nada": (torch.full((2, 6), float("nan")), "otros valores"),
    "una lista": ([[1] * 6] * 2, "es list y se esperaba un tensor"),
    "un texto": ("111111", "es str y se esperaba un tensor"),
}


@pytest.mark.parametrize(("mask", "message"), WRONG_MASKS.values(), ids=WRONG_MASKS)
def test_masks_that_cannot_be(models, ids, mask, message):
    with pytest.raises(ValueError, match=message):
        generation.generate(models[0], ids, 3, attention_mask=mask)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ids: ids[0], r"forma \[6\] y hace falta \[lote, T\]"),
        (lambda ids: ids.float(), "torch.float32.*enteros"),
        (lambda ids: ids.tolist(), "list.*tensor"),
        (lambda ids: ids + 60, "no está en el vocabulario, que va de 0 a 59"),
        (lambda ids: ids - 60, "no está en el vocabulario, que va de 0 a 59"),
    ],
)
def test_what_are_not_ids(models, ids, change, message):
    with pytest.raises(ValueError, match=message):
        generation.generate(models[0], change(ids), 3)


@pytest.mark.parametrize("count", [-1, 2.0, 2.5, float("nan"), "3", None])
def test_impossible_lengths(models, ids, count):
    with pytest.raises(ValueError, match=f"tokens nuevos.*entero de 0 en adelante.*{count!r}"):
        generation.generate(models[0], ids, count)


@pytest.mark.parametrize(
    "mask", [torch.full((2, 6), 2), -torch.ones(2, 6), torch.full((2, 6), 0.5), [[1] * 6] * 2]
)
def test_the_model_refuses_them_too(models, ids, mask):
    with pytest.raises(ValueError, match="attention_mask"):
        models[0](ids, attention_mask=mask)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 1e-45},
        {"temperature": 1e-7},
        {"temperature": 1e-5},
        {"temperature": 5e-324},
        {"top_p": 1e-300},
        {"top_p": 5e-324},
    ],
    ids=str,
)
def test_at_the_edge_of_the_numbers_the_likeliest_always_comes(models, ids, settings):
    likeliest = generation.generate(models[0], ids, 4, do_sample=False)
    assert torch.equal(generation.generate(models[0], ids, 4, **settings), likeliest)


def test_an_enormous_temperature_makes_all_equal():
    for value in (1e308, 10**30, 10**400):
        probs = generation.probabilities(torch.tensor([[1.0, 900.0, -900.0, float("-inf")]]), value)
        assert probs.tolist() == [pytest.approx([1 / 3] * 3 + [0])]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("value", [1e-45, 1e-5, 1e-3])
def test_a_cold_temperature_never_overflows(dtype, value):
    for logits in ([900.0, 901.0, -900.0], [-60000.0, 60000.0, 0.0], [0.0, 5.0, float("-inf")]):
        probs = generation.probabilities(torch.tensor([logits], dtype=dtype), value)
        likeliest = (torch.tensor(logits, dtype=dtype) == max(torch.tensor(logits, dtype=dtype))).to(dtype)
        assert torch.equal(probs[0], likeliest / likeliest.sum())


def test_a_hole_in_the_mask_is_a_token_that_is_not_there(models, ids):
    mask = torch.ones_like(ids)
    mask[:, 2] = 0
    without = torch.cat([ids[:, :2], ids[:, 3:]], dim=1)
    found = generation.generate(models[0], ids, 4, do_sample=False, attention_mask=mask)[:, ids.shape[1] :]
    assert torch.equal(
        found, generation.generate(models[0], without, 4, do_sample=False)[:, without.shape[1] :]
    )


@pytest.mark.parametrize(
    "mask", [torch.ones(2, 1, 1, 6).long(), torch.ones(2, 1, 6, 6).long(), torch.ones(2, 1, 1, 6).bool()]
)
def test_a_mask_of_four_dimensions_does_not_show_the_future(models, ids, mask):
    with pytest.raises(ValueError, match="attention_mask tiene la forma"):
        models[0](ids, attention_mask=mask)


CANNOT = [
    *({"num_beams": value} for value in (0, -1, 1.5, "x")),
    *({"num_return_sequences": value} for value in (0, -2, "x")),
    *({"max_length": value} for value in (0, -3, "x")),
    *({"generation_config": value} for value in ({}, 3, "x")),
    *({"past_key_values": value} for value in (3, "x", (), [1])),
    {"max_new_tokens": -1},
    {"max_new_tokens": True},
    {"num_beams": 10**6},
    {"num_return_sequences": 10**6, "do_sample": True},
    {"min_new_tokens": -1},
    {"do_sample": "no"},
    {"do_sample": 3},
    {"use_cache": "no"},
    {"streamer": "x"},
    {"streamer": print},
    {"streamer": TextStreamer},
    {"top_k": -1},
    {"top_k": True},
    {"num_beams": True},
    {"temperature": True},
    {"temperature": 0.0, "do_sample": True},
    *({"top_p": value} for value in (0, 2.0, math.nan, "x")),
    *({"temperature": value} for value in (-1.0, math.nan, math.inf, "x")),
    *({"pad_token_id": value} for value in ("x", [0], 60, -1, 10**400, math.nan)),
    {"max_new_tokens": 0},
    *({"min_length": value} for value in (-1, 0.5, "x")),
    *({"no_repeat_ngram_size": value} for value in (-1, 1.5, "x")),
    *({"repetition_penalty": value} for value in (0, -1.0, math.nan, "x", torch.tensor([1, 2]))),
    *({"typical_p": value} for value in (0, 1.5, "x")),
    *({"min_p": value} for value in (-0.5, 2, "x")),
    *({"epsilon_cutoff": value} for value in (-1, 1, "x")),
    *({"length_penalty": value} for value in (math.nan, "x", [])),
    *({"max_time": value} for value in (-1, math.nan, "x")),
    *({"early_stopping": value} for value in ("x", 2, [])),
    *({"output_scores": value} for value in ("no", 2, torch.tensor([1, 2]))),
    *({"eos_token_id": value} for value in (-1, 60, "x", [], [60], 0.5)),
    *({"forced_eos_token_id": value} for value in (-1, 60, {}, [[1]])),
    *({"suppress_tokens": value} for value in (5, [60], ["x"], {})),
    *({"bad_words_ids": value} for value in (5, [5], [[60]], "x")),
    *({"logits_processor": value} for value in (3, "x", [0], len)),
    *({"stopping_criteria": value} for value in (3, "x", [0])),
    {"prefix_allowed_tokens_fn": 3},
    *({"assistant_model": value} for value in (3, "gpt1-mini", len)),
    {"inputs_embeds": 3},
]


def as_config(settings):
    """Los mismos en un `GenerationConfig`, o `None` si no son suyos o no los admite."""
    if settings.keys() <= vars(GenerationConfig()).keys():
        with contextlib.suppress(Exception):
            return {"generation_config": GenerationConfig(**settings)}


@pytest.mark.parametrize("settings", CANNOT, ids=str)
def test_settings_of_transformers_that_cannot_be(models, ids, settings):
    with pytest.raises(ValueError, match=r"tiene[n]? que ser"):
        models[0].generate(ids, **({"max_new_tokens": 2, "do_sample": False} | settings))


@pytest.mark.parametrize("settings", list(filter(as_config, CANNOT)), ids=str)
def test_settings_in_a_config_that_cannot_be(models, ids, settings):
    config = as_config({"max_new_tokens": 2, "do_sample": False} | settings)
    with pytest.raises(ValueError, match=r"tiene[n]? que ser"):
        models[0].generate(ids, **config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_return_sequences": 2, "do_sample": False}, "num_return_sequences=2 .*num_beams=1"),
        ({"num_return_sequences": 3, "num_beams": 2}, "num_return_sequences=3 .*num_beams=2"),
        ({"num_return_sequences": 3, "num_beams": 2, "do_sample": True}, "más textos que haces"),
        ({"min_new_tokens": 3}, "al menos 3 tokens nuevos .* como mucho 2"),
        ({"min_length": 20}, "al menos 14 tokens nuevos .* como mucho 2"),
        ({"max_length": 6, "max_new_tokens": None}, "tiene 6 tokens y con max_length=6 no queda sitio"),
        ({"max_tokens": 3}, "no conoce max_tokens: ¿querías decir max_new_tokens?"),
        ({"temprature": 0.5}, "no conoce temprature: ¿querías decir temperature?"),
        ({"token_type_ids": torch.zeros(2, 6).long()}, "no conoce token_type_ids"),
        ({"zzz": 1}, "no conoce zzz: quítalo"),
        ({"input_ids": torch.ones(2, 6).long()}, "Los ids van una vez"),
        ({"stop_strings": ["a"]}, "transformers no sabe generar con stop_strings así: «"),
        ({"sequence_bias": 3}, "transformers no sabe generar con sequence_bias así: «"),
        ({"cache_implementation": "x"}, "transformers no sabe generar con cache_implementation así: «"),
        ({"dola_layers": "x"}, "transformers no sabe generar con dola_layers así: «"),
        ({"bad_words_ids": []}, "transformers no sabe generar con bad_words_ids así: «"),
    ],
)
def test_settings_that_do_not_go_together_or_are_not_of_this_course(models, ids, settings, message):
    with pytest.raises(ValueError, match=message):
        models[0].generate(ids, **({"max_new_tokens": 2} | settings))


def test_nothing_to_go_on_is_told(models):
    with pytest.raises(ValueError, match="inputs_embeds tiene que ser"):
        models[0].generate(max_new_tokens=2)


def test_the_error_of_the_reader_is_theirs(models, ids):
    with pytest.raises(ZeroDivisionError):
        models[0].generate(ids, max_new_tokens=2, stopping_criteria=[lambda ids, scores: 1 / 0])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"temperature": 0.5, "top_p": 0.9}, "sin do_sample=True no cuenta temperature, top_p"),
        (
            {"length_penalty": 2.0, "early_stopping": True},
            "con un solo haz .num_beams. no cuenta early_stopping",
        ),
        ({"output_scores": True}, "sin return_dict_in_generate=True no cuenta output_scores"),
        ({"max_length": 30}, "con max_new_tokens no cuenta max_length"),
        ({"min_new_tokens": 1, "min_length": 3}, "con min_new_tokens no cuenta min_length"),
        ({"max_new_tokens": None}, "no dices cuántos tokens quieres .max_new_tokens. y escribo hasta 20"),
    ],
)
@pytest.mark.parametrize("apart", [False, True], ids=["sueltos", "en GenerationConfig"])
def test_a_setting_that_does_not_count_is_told_in_spanish(
    models, ids, settings, told, apart, capsys, recwarn
):
    """Y no dos veces: transformers, que lo diría en inglés, se calla."""
    settings = {"max_new_tokens": 2, "do_sample": False} | settings
    settings = {"generation_config": GenerationConfig(**settings)} if apart else settings
    heard = []
    logger = logging.getLogger("transformers")
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.getMessage())
    logger.addHandler(handler)
    try:
        found = models[0].generate(ids, **settings)
    finally:
        logger.removeHandler(handler)
    assert re.search(told, capsys.readouterr().out)
    assert heard == [] and list(recwarn) == []
    new = found.shape[1] - ids.shape[1]
    assert torch.equal(found, models[0].generate(ids, max_new_tokens=new, do_sample=False))


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 2, "do_sample": True}, {"repetition_penalty": 2}, {"typical_p": 1, "do_sample": True},
        {"repetition_penalty": Fraction(3, 2)}, {"min_p": 0, "do_sample": True}, {"max_time": 60},
    ],
    ids=str,
)  # fmt: skip
def test_a_whole_number_is_as_good_as_a_decimal(models, ids, settings):
    exact = {name: value if value is True else float(value) for name, value in settings.items()}
    for reference in (partial(models[0].generate, **exact), partial(models[1].generate, **exact)):
        torch.manual_seed(0)
        expected = reference(ids, max_new_tokens=6)
        torch.manual_seed(0)
        assert torch.equal(models[0].generate(ids, max_new_tokens=6, **settings), expected)


def test_what_has_ended_is_padded_as_transformers_does(models, ids, capsys):
    ours, reference = models
    written = ours.generate(ids, max_new_tokens=8, do_sample=False)
    for end in (int(written[0, 8]), [int(written[0, 8]), 3], torch.tensor([int(written[0, 8])])):
        settings = {"max_new_tokens": 8, "do_sample": False, "eos_token_id": end}
        assert torch.equal(ours.generate(ids, **settings), reference.generate(ids, **settings))


def test_what_nobody_asked_for_is_not_told(models, ids, capsys):
    for settings in (
        {"assistant_model": copy.deepcopy(models[0])},
        {"temperature": 1.0, "top_k": 50, "top_p": 1},
    ):
        models[0].generate(ids[:1], max_new_tokens=4, do_sample=False, **settings)
    assert capsys.readouterr().out == ""


def test_a_config_says_the_same_as_its_settings(models, ids):
    for settings in (
        {"max_new_tokens": 5, "num_beams": 2, "length_penalty": 0.5}, {"max_length": 12, "repetition_penalty": 1.5},
        {"max_new_tokens": 5, "bad_words_ids": [[5], [7, 8]], "suppress_tokens": [1, 2]},
    ):  # fmt: skip
        expected = models[1].generate(ids, **settings)
        assert torch.equal(models[0].generate(ids, **settings), expected)
        assert torch.equal(models[0].generate(ids, generation_config=GenerationConfig(**settings)), expected)


@pytest.mark.parametrize("name", ["position_ids", "logits_to_keep"])
def test_what_generation_works_out_by_itself(models, ids, name):
    with pytest.raises(ValueError, match=f"generate calcula {name} en cada token: quítalo"):
        models[0].generate(ids, max_new_tokens=2, **{name: torch.zeros_like(ids)})


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
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", "0.7"),
        ("temperature", None),
        ("temperature", True),
        ("top_k", True),
        ("top_p", True),
        ("top_k", -1),
        ("top_k", 2.5),
        ("top_k", 2.0),
        ("top_k", float("nan")),
        ("top_k", "5"),
        ("top_p", 0.0),
        ("top_p", 1.2),
        ("top_p", float("nan")),
        ("top_p", "0.9"),
    ],
)
def test_impossible_settings(models, ids, function, value):
    with pytest.raises(ValueError, match=str(value)):
        getattr(generation, function)(torch.zeros(1, 5), value)
    with pytest.raises(ValueError, match=str(value)):
        generation.generate(models[0], ids, 1, **{function: value})


def test_settings_may_come_in_a_tensor():
    logits = torch.tensor([[1.0, 2.0, 4.0]])
    for function, value in [("temperature", 0.5), ("top_k", 2), ("top_p", 0.9)]:
        apply = getattr(generation, function)
        assert torch.equal(apply(logits, torch.tensor(value)), apply(logits, value))


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


def test_generate_without_a_mask_sees_padding_as_transformers_does(models):
    """Quien dice cuál es el relleno no tiene por qué dar también la máscara."""
    ours, reference = models
    ids = torch.tensor([[5, 9, 33, 7, 8], [0, 0, 0, 44, 3], [0, 0, 0, 0, 10]])
    settings = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}
    masked = ours.generate(ids, attention_mask=(ids != 0).long(), **settings)
    assert torch.equal(ours.generate(ids, **settings), masked)


def test_generate_without_a_mask_warns_as_the_course_loop_does(models, capsys):
    padded = torch.tensor([[5, 9, 33], [0, 0, 3]])
    models[0].generate(padded, max_new_tokens=1)
    assert "pásala si lo has rellenado" in capsys.readouterr().out
    models[0].generate(padded, max_new_tokens=1, attention_mask=(padded != 0).long())
    assert capsys.readouterr().out == ""


def test_right_padding_is_refused_also_in_vectors(models, ids):
    embeds = models[0].transformer.tokens_embed(ids)
    mask = torch.ones_like(ids)
    mask[0, -1] = 0
    with pytest.raises(ValueError, match="Hay relleno a la derecha"):
        models[0].generate(inputs_embeds=embeds, attention_mask=mask, max_new_tokens=2)
    mask = mask.flip(1)
    found = models[0].generate(inputs_embeds=embeds, attention_mask=mask, max_new_tokens=4, do_sample=False)
    expected = models[0].generate(ids, attention_mask=mask, max_new_tokens=4, do_sample=False)
    assert torch.equal(found, expected[:, ids.shape[1] :])


@pytest.mark.parametrize(
    "settings", [{"do_sample": False}, {"do_sample": True}, {"num_beams": 2, "do_sample": False}], ids=str
)
def test_generate_chooses_nothing_among_what_are_not_numbers(models, ids, settings):
    broken = copy.deepcopy(models[0])
    broken.transformer.h[0].ln_1.weight.data.fill_(math.nan)
    with pytest.raises(ValueError, match="que traen NaN"):
        broken.generate(ids, max_new_tokens=2, **settings)
    with pytest.raises(ValueError, match="que traen NaN"):
        models[0].generate(inputs_embeds=torch.full((1, 3, 32), math.nan), max_new_tokens=2, **settings)


def test_what_people_do_with_transformers_still_works(models, ids):
    """Con ayudante, con temperatura 0 y sin sortear, y con una lista de filtros propia sale lo mismo."""
    ours, _ = models
    expected = ours.generate(ids[:1], max_new_tokens=6, do_sample=False)
    helper = copy.deepcopy(ours)
    helper.transformer.h[0].ln_1.weight.data *= 1.5
    for settings in (
        {"assistant_model": helper}, {"temperature": 0.0}, {"temperature": 0}, {"logits_to_keep": 1},
        {"logits_processor": [lambda ids, scores: scores]},
        {"generation_config": GenerationConfig(max_new_tokens=6, do_sample=False, temperature=0.0)},
    ):  # fmt: skip
        found = ours.generate(ids[:1], **({"max_new_tokens": 6, "do_sample": False} | settings))
        assert torch.equal(found, expected), settings


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.01, 0.3, 0.5])
def test_logits_at_the_edge_of_their_type_are_still_numbers(dtype, value):
    edge = torch.finfo(dtype).max * 0.9
    logits = torch.tensor([edge, -edge, 1.0], dtype=dtype)
    for settings in ({}, {"k": 2}, {"p": 0.5}):
        assert generation.probabilities(logits, value, **settings).tolist() == [1, 0, 0]


def test_a_fraction_is_a_number():
    logits = torch.tensor([[1.0, 2.0, 4.0]])
    half = Fraction(1, 2)
    assert torch.equal(
        generation.probabilities(logits, half, 0, half), generation.probabilities(logits, 0.5, 0, 0.5)
    )


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (torch.eye(2).to_sparse(), "dispersos"),
        ([1.0, 2.0], "Los logits son list y hace falta un tensor"),
        (torch.tensor([[1 + 1j]]), "son torch.complex64"),
        (torch.tensor([[True, False]]), "son torch.bool"),
        (None, "son NoneType"),
        (torch.zeros(2, 0), "la forma .2, 0. y hace falta"),
        (torch.tensor(1.0), "la forma ..?. y hace falta"),
    ],
)
def test_what_are_not_logits(logits, message):
    for function in (
        partial(generation.temperature, value=2.0), partial(generation.top_k, k=1), partial(generation.top_p, p=0.5),
        generation.probabilities, generation.sample,
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"{message}|elige antes la posición"):
            function(logits)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ([1.0, math.nan], "NaN"),
        ([math.inf, 1.0], "inf"),
        ([-math.inf] * 2, "solo -inf"),
        ([math.nan] * 2, "NaN"),
    ],
)
def test_nothing_is_chosen_among_what_are_not_numbers(row, found):
    logits = torch.tensor([[1.0, 2.0], row])
    for function in (generation.sample, generation.probabilities):
        with pytest.raises(ValueError, match=f"estos logits, que traen {found}: revisa"):
            function(logits)


def test_a_model_that_diverged_writes_nothing(models, ids):
    broken = copy.deepcopy(models[0])
    broken.transformer.h[0].ln_1.weight.data.fill_(math.nan)
    for do_sample in (True, False):
        with pytest.raises(ValueError, match="que traen NaN"):
            generation.generate(broken, ids, 2, do_sample=do_sample)


def test_whole_logits_count_as_numbers():
    assert generation.sample(torch.tensor([[0, 50, 0]])).item() == 1
    assert generation.top_k(torch.tensor([1, 2, 3]), 2).tolist() == [-math.inf, 2, 3]


@pytest.mark.parametrize(
    "settings",
    [
        {"do_sample": "no"}, {"do_sample": None}, {"use_cache": "no"}, {"use_cache": 2}, {"on_token": "x"},
        {"on_token": 3},
    ],
)  # fmt: skip
def test_a_word_is_not_yes_or_no(models, ids, settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        generation.generate(models[0], ids, 2, **settings)


def test_a_name_is_not_a_model(ids):
    with pytest.raises(ValueError, match="El modelo es str: pasa lo que devuelve"):
        generation.generate("gpt1-mini", ids, 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"position_ids": lambda ids: ids * 0 + 10**6}, "position_ids va de 1000000 .* posiciones de la 0 a"),
        ({"position_ids": lambda ids: ids * 0 - 1}, "position_ids va de -1 a -1"),
        ({"position_ids": lambda ids: ids[:, :1]}, "position_ids tiene que ser .* de forma"),
        ({"position_ids": lambda ids: ids.float()}, "position_ids tiene que ser un tensor de enteros"),
        ({"position_ids": lambda ids: [0, 1]}, "position_ids tiene que ser .* y es .0, 1."),
        ({"token_type_ids": lambda ids: ids + 10**6}, "no está en el vocabulario"),
        ({"token_type_ids": lambda ids: ids[:, :1]}, "token_type_ids tiene que ser"),
        ({"logits_to_keep": lambda ids: -1}, "logits_to_keep tiene que ser un entero de 0 .* y es -1"),
        ({"logits_to_keep": lambda ids: "a"}, "logits_to_keep tiene que ser"),
        ({"labels": lambda ids: ids + 10**6}, "labels lleva 1000"),
        ({"labels": lambda ids: ids * 0 - 1}, "labels lleva -1, .* lo que no cuenta lleva -100"),
        ({"labels": lambda ids: ids[:, :1]}, "labels tiene que ser"),
        ({"labels": lambda ids: ids.float()}, "labels tiene que ser"),
        ({"labels": lambda ids: ids[:1]}, "labels tiene 1 textos y los ids 2"),
        ({"labels": lambda ids: ids, "logits_to_keep": lambda ids: 1}, "quita uno de los dos"),
        ({"logits_to_keep": lambda ids: torch.tensor(1)}, "logits_to_keep tiene que ser"),
        ({"logits_to_keep": lambda ids: torch.tensor([0.5])}, "logits_to_keep tiene que ser"),
        ({"past_key_values": lambda ids: "x"}, "past_key_values tiene que ser una caché"),
        ({"past_key_values": lambda ids: ((1,),)}, "past_key_values tiene que ser una caché"),
        (
            {"atention_mask": lambda ids: ids * 0 + 1},
            "no conoce atention_mask: ¿querías decir attention_mask",
        ),
        ({"position_id": lambda ids: ids}, "querías decir position_ids"),
        ({"label": lambda ids: ids}, "querías decir labels"),
    ],
)
def test_what_a_model_is_not_given(models, ids, settings, message):
    with pytest.raises(ValueError, match=message):
        models[0](ids, **{name: value(ids) for name, value in settings.items()})


def test_labels_may_be_short_integers(models, ids):
    loss = models[0](ids, labels=ids).loss
    assert torch.equal(models[0](ids, labels=ids.int()).loss, loss)


@pytest.mark.parametrize(
    "embeds", [torch.zeros(3, 32), torch.zeros(1, 3, 7), [[1.0]], torch.zeros(1, 3, 32).long(), "x"], ids=str
)
def test_what_are_not_vectors_of_this_model(models, embeds):
    for call in (models[0], partial(models[0].generate, max_new_tokens=2)):
        with pytest.raises(ValueError, match=r"inputs_embeds tiene que ser .* .lote, T, 32. y es"):
            call(inputs_embeds=embeds)


def test_a_cache_that_is_too_small(models, ids):
    cache = StaticCache(config=models[0].config, max_cache_len=7)
    with pytest.raises(ValueError, match="caben 7 tokens y con estos serían 8"):
        models[0].generate(ids, max_new_tokens=5, past_key_values=cache)
