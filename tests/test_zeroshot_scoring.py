"""Las log-probabilidades frente a `OpenAIGPTLMHeadModel` de transformers y un log_softmax a mano."""

import pytest
import torch
from transformers import OpenAIGPTConfig, OpenAIGPTLMHeadModel

from helpers.hf import GPT1LMHeadModel
from helpers.models import MINI
from helpers.tokenizer import NEWLINE, GPT1Tokenizer
from helpers.zeroshot import PARAGRAPH, TextTooLong, log_prob, log_prob_batch

SHORT = "The old man looked at the sea."
LONG = "The boat was gone, and the boy who had promised to mind it was asleep under a tree; he didn't stir."
ITEMS = [
    (SHORT, "He sighed."),
    ("", LONG),
    (LONG, "said"),
    (PARAGRAPH, SHORT),
    (LONG + " " + SHORT, "Nobody had seen it go, nobody but the cat."),
]
GROUPS = [
    (SHORT, ["Yes", "He sighed and went home.", "No, never!"]),
    (LONG, ["He", "She"]),
    (PARAGRAPH, [SHORT, LONG]),
    ("", [SHORT, LONG]),
    (LONG + " " + SHORT, ["The end.", LONG, "And then the cat came back, wet and cross.", "a"]),
]


@pytest.fixture(scope="module")
def tokenizer():
    return GPT1Tokenizer.from_pretrained(MINI)


@pytest.fixture(scope="module")
def twins(tokenizer):
    """(el del curso, el de transformers), con los mismos pesos al azar y en evaluación."""
    torch.manual_seed(0)
    config = {"n_layer": 2, "n_embd": 32, "n_head": 4, "n_positions": 64, "vocab_size": len(tokenizer)}
    reference = OpenAIGPTLMHeadModel(OpenAIGPTConfig(**config)).eval()
    with torch.no_grad():  # con la inicialización de 0,02 todo sale casi uniforme y nada se notaría
        for weight in reference.parameters():
            if weight.dim() == 2:
                weight.mul_(4)
    ours = GPT1LMHeadModel(OpenAIGPTConfig(**config)).eval()
    ours.load_state_dict(reference.state_dict())
    return ours, reference


def encode(tokenizer, text):
    return [tokenizer.convert_tokens_to_ids(NEWLINE)] if text == PARAGRAPH else tokenizer.text_to_ids(text)


@torch.no_grad()
def by_hand(reference, tokenizer, context, continuation):
    """Los log P de la continuación con el modelo de transformers, sin relleno ni caché."""
    start, ids = encode(tokenizer, context), tokenizer.text_to_ids(continuation)
    table = reference(torch.tensor([start + ids])).logits[0].log_softmax(-1)
    places = range(max(len(start), 1), len(start) + len(ids))
    wanted = (start + ids)[places.start :]
    return [table[place - 1, id].item() for place, id in zip(places, wanted, strict=True)]


def values(results):
    return [one.values for one in results]


@pytest.mark.parametrize("item", ITEMS)
def test_equals_log_softmax_of_the_logits_of_transformers(twins, tokenizer, item):
    ours, reference = twins
    expected = by_hand(reference, tokenizer, *item)
    found = log_prob(ours, tokenizer, *item)
    assert found.values == pytest.approx(expected, abs=1e-5)
    assert found.total == pytest.approx(sum(expected), abs=1e-4)
    assert found.mean == pytest.approx(sum(expected) / len(expected), abs=1e-5)
    assert log_prob(reference, tokenizer, *item).values == pytest.approx(expected, abs=1e-5)


def test_the_first_token_of_a_text_has_no_prediction(twins, tokenizer):
    ours, _ = twins
    tokens = tokenizer.tokenize(SHORT)
    alone = log_prob(ours, tokenizer, "", SHORT)
    assert alone.tokens == tuple(tokens[1:]) and len(alone.values) == len(tokens) - 1
    assert alone.unscored == tokens[0]
    after = log_prob(ours, tokenizer, PARAGRAPH, SHORT)
    assert after.tokens == tuple(tokens) and after.unscored is None
    context, _, rest = SHORT.partition(" ")
    assert log_prob(ours, tokenizer, context, rest).values == pytest.approx(alone.values, abs=1e-5)


@pytest.mark.parametrize("batch_tokens", [1, 60, 10_000])
def test_a_padded_batch_equals_one_by_one(twins, tokenizer, batch_tokens):
    ours, _ = twins
    alone = [log_prob(ours, tokenizer, *item) for item in ITEMS]
    batch = log_prob_batch(ours, tokenizer, ITEMS, batch_tokens=batch_tokens)
    for one, other in zip(batch, alone, strict=True):
        assert one.tokens == other.tokens
        assert one.values == pytest.approx(other.values, abs=1e-5)


@pytest.mark.parametrize("batch_tokens", [1, 150, 10_000])
def test_sharing_the_context_equals_scoring_each_option(twins, tokenizer, batch_tokens):
    ours, reference = twins
    shared = log_prob_batch(ours, tokenizer, GROUPS, batch_tokens=batch_tokens)
    for (context, options), results in zip(GROUPS, shared, strict=True):
        assert len(results) == len(options)
        for option, one in zip(options, results, strict=True):
            assert one.values == pytest.approx(by_hand(reference, tokenizer, context, option), abs=1e-4)
    for model, share in ((ours, False), (reference, True)):  # el de transformers no tiene caché que compartir
        apart = log_prob_batch(model, tokenizer, GROUPS, share_prefix=share)
        for one, other in zip(shared, apart, strict=True):
            for left, right in zip(values(one), values(other), strict=True):
                assert left == pytest.approx(right, abs=1e-4)


def test_the_shared_context_goes_through_the_model_once(twins, tokenizer):
    ours, _ = twins
    seen = []
    hook = ours.transformer.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].numel()))
    options = ["He sighed.", "She ran."]
    try:
        log_prob_batch(ours, tokenizer, [(LONG, options)])
        together = sum(seen)
        seen.clear()
        log_prob_batch(ours, tokenizer, [(LONG, options)], share_prefix=False)
    finally:
        hook.remove()
    context, lengths = (
        len(tokenizer.text_to_ids(LONG)),
        [len(tokenizer.text_to_ids(text)) for text in options],
    )
    assert together == context + sum(length - 1 for length in lengths)
    assert sum(seen) == 2 * context + sum(length - 1 for length in lengths)


def test_too_long_says_how_many_and_how_many_fit(twins, tokenizer):
    ours, reference = twins
    context = " ".join([LONG] * 3)
    total, last = len(tokenizer.text_to_ids(context)), len(tokenizer.text_to_ids(SHORT))
    with pytest.raises(
        TextTooLong,
        match=rf"\({total} tokens\).*\({last}\) suman {total + last} tokens .* caben 64: .*truncate",
    ) as error:
        log_prob(ours, tokenizer, context, SHORT)
    assert isinstance(error.value, ValueError)
    with pytest.raises(TextTooLong, match="acorta la continuación"):
        log_prob(ours, tokenizer, "", context, truncate=True)

    kept = tokenizer.text_to_ids(context)[last - 64 :]  # el final del contexto, que es lo que está más cerca
    with torch.no_grad():
        table = reference(torch.tensor([kept + tokenizer.text_to_ids(SHORT)])).logits[0].log_softmax(-1)
    expected = [table[len(kept) - 1 + n, id].item() for n, id in enumerate(tokenizer.text_to_ids(SHORT))]
    assert log_prob(ours, tokenizer, context, SHORT, truncate=True).values == pytest.approx(
        expected, abs=1e-5
    )


def test_exactly_what_fits_is_scored(twins, tokenizer):
    ours, _ = twins
    text = " ".join(["sea"] * 64)
    assert len(log_prob(ours, tokenizer, "", text).values) == 63
    assert len(log_prob(ours, tokenizer, " ".join(["sea"] * 60), "sea sea sea sea").values) == 4
    shared = log_prob_batch(ours, tokenizer, [(" ".join(["sea"] * 60), ["sea sea sea sea", "old"])])
    assert [len(one.values) for one in shared[0]] == [4, 1]


def test_truncation_leaves_the_same_context_to_every_option(twins, tokenizer):
    ours, _ = twins
    context, options = " ".join([LONG] * 3), ["sea", SHORT]
    together = log_prob_batch(ours, tokenizer, [(context, options)], truncate=True)[0]
    room = 64 - len(tokenizer.text_to_ids(SHORT))
    kept = tokenizer.decode(tokenizer.text_to_ids(context)[-room:], clean_up_tokenization_spaces=False)
    assert tokenizer.text_to_ids(kept) == tokenizer.text_to_ids(context)[-room:]
    assert together[0].values == pytest.approx(log_prob(ours, tokenizer, kept, "sea").values, abs=1e-4)


def test_dropout_is_off_and_the_model_is_left_as_it_was(twins, tokenizer):
    ours, _ = twins
    expected = log_prob(ours, tokenizer, LONG, SHORT).values
    ours.train()
    try:
        assert log_prob(ours, tokenizer, LONG, SHORT).values == expected
        assert ours.training and ours.transformer.h[0].attn.training
        with pytest.raises(TextTooLong):
            log_prob(ours, tokenizer, LONG * 9, SHORT)
        assert ours.training
    finally:
        ours.eval()


@pytest.mark.parametrize(
    ("item", "error", "words"),
    [
        (("", "sea"), ValueError, "hacen falta dos o más"),
        ((SHORT, " "), ValueError, "escribe al menos una palabra"),
        ((SHORT, ["sea", ""]), ValueError, "escribe al menos una palabra"),
        ((SHORT,), ValueError, "continuación"),
        ((SHORT, 7), ValueError, "con textos"),
        ((None, "sea"), ValueError, "con textos"),
    ],
)
def test_unusable_items_say_what_is_expected(twins, tokenizer, item, error, words):
    with pytest.raises(error, match=words):
        log_prob_batch(twins[0], tokenizer, [(SHORT, SHORT), item])


def test_nothing_asked_nothing_returned(twins, tokenizer):
    assert log_prob_batch(twins[0], tokenizer, []) == []
    assert log_prob_batch(twins[0], tokenizer, [(SHORT, [])]) == [[]]


@pytest.mark.parametrize("given", [[3], None, 3, b"b", {"b"}, ["b", ["c"]], {"x": 1}])
def test_what_is_not_a_text_is_one_sentence(twins, tokenizer, given):
    with pytest.raises(ValueError, match="La continuación tiene que ser un texto"):
        log_prob(twins[0], tokenizer, "a", given)
    for item in (("a", given), (given, "a")):
        with pytest.raises(ValueError, match="Cada elemento tiene que ser"):
            log_prob_batch(twins[0], tokenizer, [item])


@pytest.mark.parametrize("given", [["b", "c"], ("b",), []])
def test_several_continuations_are_not_one(twins, tokenizer, given):
    with pytest.raises(ValueError, match="para varias, `log_prob_batch`"):
        log_prob(twins[0], tokenizer, "a", given)
