"""Lo que se escribe en la lección 07: respuestas buenas escritas de otra manera, y las que solo lo parecen."""

import random

import numpy as np
import pytest
import torch
from sklearn.metrics import matthews_corrcoef

from helpers import zeroshot
from helpers.exercises import checking
from helpers.intervals import bootstrap
from helpers.lesson07 import exercises


def judge(name, answer):
    return checking.judge(exercises.EXERCISES[name], answer)


def with_numpy(units, statistic, times):
    random_numbers = np.random.default_rng(5)
    found = [
        float(statistic(units[random_numbers.integers(0, len(units), len(units))])) for _ in range(times)
    ]
    return tuple(np.percentile(found, [2.5, 97.5]))


def with_choices(units, statistic, times):
    found = sorted(
        float(statistic(units[random.choices(range(len(units)), k=len(units))])) for _ in range(times)
    )
    return found[int(0.025 * times)], found[int(0.975 * times)]


def all_at_once(units, statistic, times):
    rows = torch.randint(len(units), (times, len(units)))
    found = torch.tensor([statistic(units[row]) for row in rows])
    return found.quantile(0.025).item(), found.quantile(0.975).item()


@pytest.mark.parametrize("answer", [with_numpy, with_choices, all_at_once])
def test_any_draw_with_replacement_is_right(answer):
    random.seed(3)
    assert judge("07-remuestreo", answer)[0] == "✅"


def other_stack(ours, theirs, statistic, interval):
    both = torch.stack([theirs, ours], dim=-1)
    ends = interval(both, lambda rows: statistic(rows[..., 1]) - statistic(rows[..., 0]))
    return (statistic(ours) - statistic(theirs), *ends)


def by_index(ours, theirs, statistic, interval):
    def apart(rows):
        return statistic(ours[rows]) - statistic(theirs[rows])

    places = torch.arange(len(ours))
    return (apart(places), *interval(places, apart))


@pytest.mark.parametrize("answer", [other_stack, by_index])
def test_any_pairing_is_right(answer):
    assert judge("07-diferencia", answer)[0] == "✅"


def threshold_in_a_loop(scores, truth):
    best, chosen = -2.0, None
    order = scores.sort().values
    for candidate in [order[0] - 1, *(order[1:] + order[:-1]) / 2]:
        if (grade := matthews_corrcoef(truth, scores > candidate)) > best:
            best, chosen = grade, candidate.item()
    return chosen


def test_a_threshold_searched_in_a_loop_is_right():
    assert judge("07-umbral", threshold_in_a_loop)[0] == "✅"


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("07-umbral", lambda scores, truth: float(scores.median()), ""),
        ("07-remuestreo", lambda units, statistic, times: (0.0, 1.0), ""),
        ("07-longitud", lambda options, sizes: min(range(len(options)), key=lambda one: sizes[one]), ""),
    ],
)
def test_what_only_looks_right_is_not(name, answer, words):
    mark, sentence = judge(name, answer)
    assert mark == "❌" and words in sentence


def test_the_reader_s_interval_is_the_library_s():
    """La misma idea, con otros sorteos: casi los mismos extremos que `helpers.intervals.bootstrap`, con sus grupos."""
    hits = (torch.rand(150, 2, generator=torch.Generator().manual_seed(1)) < 0.7).float()
    ours = exercises.interval(hits, lambda rows: rows.mean().item(), 4000)
    counts = np.stack([hits.flatten().numpy(), np.ones(300)], axis=1)
    groups = [f"g{place // 2}" for place in range(300)]
    theirs = bootstrap(counts, lambda sums: sums[..., 0] / sums[..., 1], groups, 4000)
    assert ours == pytest.approx(theirs, abs=0.01)


def test_the_reader_s_threshold_is_the_library_s():
    scores = torch.randn(80, generator=torch.Generator().manual_seed(2)).double()
    truth = scores + torch.randn(80, generator=torch.Generator().manual_seed(3)) > 0
    assert threshold_in_a_loop(scores, truth) == pytest.approx(zeroshot.choose_threshold(scores, truth)[0])
