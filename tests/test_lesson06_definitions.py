"""Lo que construye la lección 06 (transformaciones, cabeza, pérdidas y bucle) es lo mismo que hay en `helpers`."""

import pytest
import torch
from datasets import DatasetDict
from lesson_code import definitions, solutions
from test_finetuning import CLASSIFY, DELIMITER, START, FakeTokenizer, examples, tiny, tiny_language_model
from transformers import OpenAIGPTConfig

from helpers import tasks
from helpers.finetuning import FineTuningRecipe, GPT1ForTask, fine_tune
from helpers.hf import GPT1LMHeadModel
from helpers.pretraining.bpe import count_words, train_bpe
from helpers.tokenizer import GPT1Tokenizer
from tools.make_label_curve import freeze

TRANSFORMATIONS = {"classification", "pair", "similarity", "multiple_choice"}
N_POSITIONS = 14
CALM = {"dropout": 0.0, "clf_dropout": 0.0}


@pytest.fixture(scope="module")
def solved():
    """Lo que escribe el lector, según las soluciones plegadas."""
    return solutions("06", "my_entailment", "my_similarity", "read_last", "my_l3", "clip", torch=torch)


def lesson06(solved, *names, special=(START, DELIMITER, CLASSIFY), n_positions=N_POSITIONS, **known):
    """Las funciones de la lección, con lo que escribe el lector en su sitio."""
    reader = {
        "pack": solved["my_entailment"], "read": solved["read_last"], "l3": solved["my_l3"], "clipped": solved["clip"]
    }  # fmt: skip
    return definitions("06", *names, torch=torch, special=special, n_positions=n_positions, **reader, **known)


@pytest.mark.parametrize("lengths", [(1, 1), (3, 2), (20, 2), (2, 20), (20, 20)])
def test_the_four_transformations(solved, lengths):
    ours = lesson06(solved, *TRANSFORMATIONS)
    known = tasks.InputTokens(START, DELIMITER, CLASSIFY, N_POSITIONS)
    first, second = (list(range(length)) for length in lengths)
    assert ours["classification"](first) == tasks.classification(first, known)
    assert [ours["pair"](first, second)] == tasks.entailment(first, second, known)
    assert ours["similarity"](first, second) == tasks.similarity(first, second, known)
    choices = [second, first, [7]]
    assert ours["multiple_choice"](first, choices) == tasks.multiple_choice(first, choices, known)


def test_both_orders_are_read_as_in_the_library(solved):
    model = tiny("similarity")
    ours = lesson06(solved, *TRANSFORMATIONS)
    one, other = [3, 1, 4], [1, 5, 9, 2]
    with torch.inference_mode():
        found = solved["my_similarity"](
            lambda sequence: model.transformer(torch.tensor([sequence])).last_hidden_state[0, -1],
            model.clf_head, ours["pair"], one, other,
        )  # fmt: skip
        theirs = model(torch.tensor([ours["similarity"](one, other)])).logits[0]
    assert torch.allclose(found, theirs, atol=1e-5)


def test_the_head_starts_almost_blank(solved):
    torch.manual_seed(0)
    head = lesson06(solved, "new_head")["new_head"](64, 50)
    assert head.weight.shape == (50, 64) and head.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not head.bias.any()


@pytest.mark.parametrize("task", ["sentiment", "entailment"])
def test_head_and_objective(solved, task):
    model, batch = tiny(task, lm_coef=0.7), tasks.pad(examples(task))
    ids, mask = batch["input_ids"].flatten(0, 1), batch["attention_mask"].flatten(0, 1)
    assert not mask.all(), "sin relleno no se prueba nada"
    ours = lesson06(solved, "token_losses")
    with torch.inference_mode():
        hidden = model.transformer(ids).last_hidden_state
        logits = model.clf_head(solved["read_last"](hidden, mask))
        l2 = torch.nn.functional.cross_entropy(logits, batch["labels"], reduction="none")
        l1 = ours["token_losses"](hidden, ids, model.lm_head)
        theirs = model(**batch)
    assert torch.allclose(logits, theirs.logits, atol=1e-5)
    for weight, expected in ((0.7, theirs.loss), (0.5, theirs.clf_loss + 0.5 * theirs.lm_loss)):
        assert torch.allclose(solved["my_l3"](l2, l1, mask[:, 1:], weight), expected, atol=1e-5)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Un modelo diminuto sin entrenar y su tokenizador, con los tokens nuevos."""
    out, rows = tmp_path_factory.mktemp("diminuto"), tasks.load_task("sentiment")["train"]
    train_bpe(count_words(rows["text"]), 300, out)
    tokenizer = GPT1Tokenizer.from_pretrained(out, model_max_length=128)
    torch.manual_seed(0)
    shape = {"n_positions": 128, "n_embd": 32, "n_layer": 2, "n_head": 4}
    model = GPT1LMHeadModel(OpenAIGPTConfig(vocab_size=len(tokenizer), **shape))
    tokenizer.add_fine_tuning_tokens()
    return model, tokenizer


@pytest.fixture(scope="module")
def loop(solved, small):
    """El bucle de la lección y el orden en que da las frases."""
    model, tokenizer = small
    special = tokenizer.convert_tokens_to_ids(["_start_", "_delimiter_", "_classify_"])
    known = {"train": tasks.load_task("sentiment")["train"], "ids": tokenizer.text_to_ids, "tasks": tasks}
    names = ("classification", "batch_of", "token_losses", "train_loop")
    ours = lesson06(solved, *names, special=special, n_positions=128, **known)
    random = torch.Generator().manual_seed(0)
    return ours["train_loop"], torch.randperm(420, generator=random).tolist()


@pytest.mark.slow
def test_the_loop_agrees_with_fine_tune_for_twenty_steps(small, loop):
    model, tokenizer = small
    train_loop, order = loop
    torch.manual_seed(0)
    twin = GPT1ForTask.from_language_model(model, tokenizer, "sentiment", **CALM).train()
    ours = train_loop(twin, order[: 20 * 16])
    recipe = FineTuningRecipe(
        learning_rate=1e-3, batch=16, micro_batch=16, max_steps=20, by_length=False, precision="fp32", **CALM
    )
    data = tasks.load_task("sentiment")
    data = DatasetDict(
        {part: rows if part == "train" else rows.select(range(8)) for part, rows in data.items()}
    )
    steps = fine_tune(model, "sentiment", data, tokenizer=tokenizer, recipe=recipe, progress=False).steps
    assert len(ours) == len(steps) == 20 and steps[0]["clf_loss"] != pytest.approx(
        steps[-1]["clf_loss"], abs=1e-2
    )
    for (l2, loss), step in zip(ours, steps, strict=True):
        assert l2 == pytest.approx(step["clf_loss"], abs=1e-4)
        assert loss == pytest.approx(step["loss"], abs=1e-4)


def test_the_loop_only_moves_what_is_not_frozen(solved, small, loop):
    model, tokenizer = small
    train_loop, order = loop
    torch.manual_seed(0)
    learner = GPT1ForTask.from_language_model(model, tokenizer, "sentiment", **CALM).train()
    before = {name: weight.detach().clone() for name, weight in learner.named_parameters()}
    learner.requires_grad_(False)
    learner.clf_head.requires_grad_(True)
    seen = []
    train_loop(learner, order[: 3 * 16], seen.append)
    moved = {name for name, weight in learner.named_parameters() if not torch.equal(weight, before[name])}
    assert moved == {"clf_head.weight", "clf_head.bias"} and seen == [0, 1, 2]


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_what_is_frozen_is_what_the_stored_runs_froze(solved, blocks):
    ours, theirs = (
        GPT1ForTask.from_language_model(tiny_language_model(n_layer=4), FakeTokenizer(), "sentiment")
        for _ in range(2)
    )
    count = lesson06(solved, "freeze")["freeze"](ours, blocks)
    freeze(theirs, blocks)
    free = [
        {name for name, weight in one.named_parameters() if weight.requires_grad} for one in (ours, theirs)
    ]
    assert free[0] == free[1] and {name.split(".")[2] for name in free[0] if ".h." in name} == set(
        "0123"[4 - blocks :]
    )
    assert count == sum(weight.numel() for weight in theirs.parameters() if weight.requires_grad)
