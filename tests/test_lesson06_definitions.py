"""Lo que construye la lección 06 (transformaciones, cabeza, L1 y L3) es lo mismo que hay en `helpers`."""

import pytest
import torch
from lesson_code import definitions
from test_finetuning import CLASSIFY, DELIMITER, START, examples, tiny

from helpers import tasks

NAMES = {
    "classification", "entailment", "similarity", "multiple_choice",
    "new_head", "read_classify", "lm_losses", "objective",
}  # fmt: skip
N_POSITIONS = 14


@pytest.fixture(scope="module")
def lesson06():
    """Las funciones de la lección, con los ids de un vocabulario de juguete."""
    ids = {"start": START, "delimiter": DELIMITER, "classify": CLASSIFY}
    return definitions("06", *NAMES, torch=torch, n_positions=N_POSITIONS, **ids)


@pytest.mark.parametrize("lengths", [(1, 1), (3, 2), (20, 2), (2, 20), (20, 20)])
def test_the_four_transformations(lesson06, lengths):
    known = tasks.InputTokens(START, DELIMITER, CLASSIFY, N_POSITIONS)
    first, second = (list(range(length)) for length in lengths)
    assert lesson06["classification"](first) == tasks.classification(first, known)
    for name in ("entailment", "similarity"):
        assert lesson06[name](first, second) == getattr(tasks, name)(first, second, known)
    answers = [second, first, [7]]
    assert lesson06["multiple_choice"](first, answers) == tasks.multiple_choice(first, answers, known)


def test_the_head_starts_almost_blank(lesson06):
    torch.manual_seed(0)
    head = lesson06["new_head"](64, 50)
    assert head.weight.shape == (50, 64) and head.weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not head.bias.any()


@pytest.mark.parametrize("task", ["sentiment", "entailment"])
def test_head_and_objective(lesson06, task):
    model, batch = tiny(task, lm_coef=0.7), tasks.pad(examples(task))
    ids, mask = batch["input_ids"].flatten(0, 1), batch["attention_mask"].flatten(0, 1)
    assert not mask.all(), "sin relleno no se prueba nada"
    with torch.inference_mode():
        hidden = model.transformer(ids).last_hidden_state
        logits = model.clf_head(lesson06["read_classify"](hidden, ids))
        l2 = torch.nn.functional.cross_entropy(logits, batch["labels"], reduction="none")
        l1 = lesson06["lm_losses"](hidden, ids, mask, model.lm_head)
        theirs = model(**batch)
    assert torch.allclose(logits, theirs.logits, atol=1e-5)
    assert torch.allclose(l1.mean(), theirs.lm_loss, atol=1e-5)
    assert torch.allclose(lesson06["objective"](l2, l1, 0.7), theirs.loss, atol=1e-5)
    assert torch.allclose(lesson06["objective"](l2, l1), theirs.clf_loss + 0.5 * theirs.lm_loss, atol=1e-5)
