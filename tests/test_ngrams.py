"""Los n-gramas, contra cuentas hechas a mano, contra la fórmula escrita de otro modo y contra sus propiedades."""

import math
import random
from fractions import Fraction

import pytest

from helpers.pretraining.ngrams import NGram

HALF = Fraction(1, 2)
TEXT = [0, 1, 0, 1, 2]  # vocabulario de 4: el token 3 no sale nunca


@pytest.mark.parametrize(
    ("order", "token", "context", "expected"),
    [
        # unigrama: c = 2, 2, 1, 0 de 5 y tres tipos vistos; la mitad de descuento reparte 0,3 por igual entre los 4
        (1, 0, (), (2 - HALF) / 5 + HALF * 3 / 5 * Fraction(1, 4)),
        (1, 2, (), (1 - HALF) / 5 + HALF * 3 / 5 * Fraction(1, 4)),
        (1, 3, (), HALF * 3 / 5 * Fraction(1, 4)),
        # bigrama: 0→1 dos veces, 1→0 y 1→2 una; por debajo, cada uno de 0, 1 y 2 tiene un solo token delante
        (2, 1, (0,), (2 - HALF) / 2 + HALF * 1 / 2 * Fraction(7, 24)),
        (2, 2, (0,), HALF * 1 / 2 * Fraction(7, 24)),
        (2, 3, (0,), HALF * 1 / 2 * Fraction(1, 8)),
        (2, 0, (1,), (1 - HALF) / 2 + HALF * 2 / 2 * Fraction(7, 24)),
        (2, 0, (2,), Fraction(7, 24)),  # tras el 2 no se ha visto nada: manda el orden inferior
        # trigrama: 01→0, 10→1 y 01→2, una vez cada uno; p(0|1) es la del bigrama de arriba, 19/48
        (3, 0, (0, 1), (1 - HALF) / 2 + HALF * 2 / 2 * Fraction(19, 48)),
        (
            3,
            0,
            (9, 0, 1),
            (1 - HALF) / 2 + HALF * 2 / 2 * Fraction(19, 48),
        ),  # del contexto solo cuenta el final
    ],
)
def test_agrees_with_the_sums_done_by_hand(order, token, context, expected):
    model = NGram(order, vocab_size=4, discount=0.5).fit([TEXT])
    assert model.prob(token, context) == pytest.approx(float(expected), abs=1e-12)


def test_lower_orders_count_contexts_not_times():
    """El 5 sale mucho, pero siempre tras el 4; el 3, poco y tras tokens distintos: en un contexto nuevo gana el 3."""
    model = NGram(2, vocab_size=7).fit([[4, 5] * 10, [0, 3], [1, 3], [2, 3]])
    assert model.prob(3, (6,)) > model.prob(5, (6,))
    assert NGram(1, vocab_size=7).fit([[4, 5] * 10, [0, 3, 1, 3, 2, 3]]).prob(5) > 0.3


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_every_distribution_adds_up_to_one_and_nothing_is_impossible(order):
    rng = random.Random(order)
    text = [rng.choice([0, 0, 0, 1, 1, 2, 3, 4]) for _ in range(300)]
    model = NGram(order, vocab_size=6).fit([text[:150], text[150:]])
    for context in ((), (0,), (5,), (0, 1), (3, 5), (5, 3), (0, 0, 1), (4, 4, 4)):
        probs = [model.prob(token, context) for token in range(6)]
        assert sum(probs) == pytest.approx(1) and min(probs) > 0


def test_agrees_with_the_recursive_formula():
    """La misma definición, escrita como en el artículo de Chen y Goodman: recursiva y contando con listas."""
    rng = random.Random(0)
    text = [rng.randrange(5) for _ in range(120)]
    grams = {n: [tuple(text[i : i + n]) for i in range(len(text) - n + 1)] for n in (1, 2, 3)}
    grams[2] = [gram[1:] for gram in set(grams[3])]
    grams[1] = [gram[1:] for gram in set(grams[2])]

    def probability(gram):
        if not gram:
            return 1 / 6
        context = [other for other in grams[len(gram)] if other[:-1] == gram[:-1]]
        if not context:
            return probability(gram[1:])
        kept = max(context.count(gram) - 0.75, 0)
        return (kept + 0.75 * len(set(context)) * probability(gram[1:])) / len(context)

    model = NGram(3, vocab_size=6).fit([text])
    for context in ((0, 1), (4, 2), (5, 3), (1, 5)):
        for token in range(6):
            assert model.prob(token, context) == pytest.approx(probability((*context, token)))


def test_contexts_do_not_cross_sequences():
    apart, together = (NGram(2, vocab_size=3).fit(texts) for texts in ([[0, 1], [2, 1]], [[0, 1, 2, 1]]))
    assert together.prob(2, (1,)) > apart.prob(2, (1,))


def test_losses_skip_the_first_token():
    model = NGram(3, vocab_size=4, discount=0.5).fit([TEXT])
    expected = [model.prob(1, (0,)), model.prob(0, (0, 1)), model.prob(3, (1, 0))]
    assert model.losses([0, 1, 0, 3]) == pytest.approx([-math.log(p) for p in expected])
    assert model.losses([2]) == [] and NGram(2, 4).losses([1, 2, 3]) == pytest.approx([math.log(4)] * 2)


@pytest.mark.parametrize(("order", "discount"), [(0, 0.5), (2, 0.0), (2, 1.0)])
def test_refuses_what_makes_no_sense(order, discount):
    with pytest.raises(ValueError, match="orden"):
        NGram(order, 10, discount)
