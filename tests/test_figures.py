"""Con un modelo mayor caben más cabezas y tokens más largos, y las etiquetas de las figuras no se pisan."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers.lesson05.figures import draws
from helpers.lesson08.figures import head_scores, lens

LONG = [
    "unfortunately</w>",
    "straightforward</w>",
    "responsibility</w>",
    "and</w>",
    ".</w>",
    "embarrassment</w>",
]
SHORT = [".</w>", "and</w>", "she</w>", "the</w>", '"</w>', "said</w>"]


def boxes(texts):
    texts[0].figure.draw_without_rendering()
    return [text.get_window_extent() for text in texts]


@pytest.mark.parametrize(("names", "angle"), [(SHORT * 2, 0), (LONG * 2, 30)], ids=["cortos", "largos"])
def test_long_tokens_are_slanted_and_short_ones_are_not(names, angle):
    figure = draws({".</w>": 10}, names, range(len(names)), range(len(names)), 100)
    assert {label.get_rotation() for label in figure.axes[1].get_xticklabels()} == {angle}
    plt.close(figure)


@pytest.mark.parametrize(("heads", "shown"), [(4, "1 2 3 4"), (12, "2 4 6 8 10 12")])
def test_head_numbers_do_not_touch(heads, shown):
    panels = {f"cosa {n}": (np.full((heads, heads), 0.1), 0.1) for n in range(6)}
    figure = head_scores(panels)
    for ax in figure.axes:
        labels = ax.get_xticklabels()
        assert " ".join(label.get_text() for label in labels) == shown
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes(labels)))
    plt.close(figure)


def test_a_long_token_stays_in_its_cell():
    tokens = (LONG * 2)[:11]
    figure = lens(tokens, [tokens] * 13, np.zeros((13, 11)))
    ax = figure.axes[0]
    widths = [box.width for box in boxes(ax.texts)]
    assert max(widths) < 1.02 * ax.get_window_extent().width / len(tokens)
    plt.close(figure)
