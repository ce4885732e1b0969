"""Las trampas sencillas de la lección 07: los empates se reparten y el lado se elige en entrenamiento."""

import pytest
import torch
from sklearn.metrics import matthews_corrcoef

from helpers import zeroshot
from helpers.lesson07 import tricks


def choose(scores, truth):
    return zeroshot.choose_threshold(scores, truth)[0]


def test_a_tie_shares_the_hit():
    found = tricks.hits([[1.0, 2.0], [3.0, 3.0], [2.0, 1.0, 2.0], [5.0, 1.0]], [1, 0, 1, 0])
    assert found.tolist() == [[1], [0.5], [0], [1]]


def test_the_longest_and_the_shortest():
    found = tricks.by_size([[3, 1, 2], [4, 4, 5]], [1, 2])
    assert found["la más larga"].tolist() == [[0], [1]] and found["la más corta"].tolist() == [[1], [0]]


@pytest.mark.parametrize(("long_is_good", "expected"), [(True, [True, False]), (False, [False, True])])
def test_the_side_is_chosen_in_training(long_is_good, expected):
    sizes = [2, 3, 4, 9, 10, 11]
    truth = torch.tensor([(size > 5) == long_is_good for size in sizes])
    found = tricks.by_threshold(sizes, truth, [8, 3], choose, matthews_corrcoef)
    assert found.tolist() == expected
