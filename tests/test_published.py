"""Los veredictos de «Con el GPT-1 de verdad»: ni callan ni detienen la lección."""

import pytest
import torch

from helpers.published import golden, verdict


def test_without_weights_nothing_is_claimed():
    assert verdict([1, 2]) == "Veredicto: pendiente. Sin los pesos de OpenAI no hay nada que comparar."


def test_ids_are_compared_one_by_one():
    known = golden()["greedy"][0]["ids"]
    assert verdict(known, list(known)) == "Veredicto: coincide. Los 20 ids son los publicados."
    other = [*known[:4], 5, *known[5:]]
    assert verdict(known, other) == "Veredicto: no coincide. Se separan en el id 5.º: publicado 963, aquí 5."


@pytest.mark.parametrize(
    ("shift", "words"), [(0.004, "coincide; la mayor diferencia es 0,0040"), (0.03, "no coincide; la mayor")]
)
def test_numbers_are_compared_by_their_largest_difference(shift, words):
    known = golden()["seed"]["logits"]
    here = torch.tensor(known, dtype=torch.float64)
    here[3, 2] -= shift  # una sola columna de una sola fila, y no la primera
    assert f"Veredicto: {words}" in verdict(known, here, tolerance=0.01)


def test_nan_does_not_coincide():
    assert "no coincide" in verdict([1.0, 2.0], [1.0, float("nan")], tolerance=0.01)


def test_different_shapes_are_an_error():
    with pytest.raises(ValueError, match=r"mide \[2\] y lo calculado \[3\]"):
        verdict([1, 2], [1, 2, 3])
