"""Las medidas de velocidad: que miden lo que dicen y que la tabla sale de ellas. Ningún tiempo se afirma."""

import math

import pytest

from helpers.files import read_json
from tests.benchmarks import GROUPS, measured
from tests.benchmarks.machine import exponent
from tests.benchmarks.timing import against, alternate, at_most
from tools import measures

SLOW = ("finetuning", "pretraining", "lessons", "commands")  # abren procesos
VERSUS = {"name", "rival", "unit", "other", "ours", "times", "spread", "goal", "note"}
ALONE = {"name", "unit", "ours", "spread", "limit", "note"}


def check_row(row):
    assert (VERSUS if "rival" in row else ALONE) <= row.keys(), row
    numbers = [row["ours"], *row["spread"]] + ([row["other"], row["times"]] if "rival" in row else [])
    assert all(math.isfinite(value) for value in numbers), row
    assert row["spread"][0] <= row["spread"][1]
    assert row.get("of", "leer") in measures.LIMITS and measures.sentence(row)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "group", [pytest.param(group, marks=[pytest.mark.slow] * (group in SLOW)) for group in GROUPS]
)
def test_each_group_measures_quickly_what_it_says(group):
    """En pequeño: la igualdad que cada grupo comprueba, y la forma de sus filas."""
    found = measured(group, quick=True)
    assert found["rows"] or group == "site"
    for row in found["rows"]:
        check_row(row)
    assert found["machine"]["read"] > 0 and measures.where(found["machine"])


def test_every_script_is_a_group():
    folder = measures.ROOT / "tests" / "benchmarks"
    support = {"__init__", "__main__", "machine", "timing", "memory"}
    assert {path.stem for path in folder.glob("*.py")} - support == set(GROUPS) == set(measures.TITLES)


def test_what_is_stored_is_whole_and_says_why():
    """Una fila que no llega a lo que busca y no dice nada no se publica."""
    stored = read_json(measures.DATA, ValueError)
    assert stored and set(stored) <= set(GROUPS)
    for found in stored.values():
        for row in found["rows"]:
            check_row(row)
            assert measures.met(row) is not False or row["note"], (
                f"«{row['name']}» no llega y no dice por qué"
            )


def test_the_readme_carries_the_measured_table(tmp_path):
    copy = tmp_path / "README.md"
    copy.write_bytes((measures.ROOT / "README.md").read_bytes())
    assert not measures.fill_readme(copy), "make paginas pone al día la tabla"


def test_times_and_goals():
    row = against("Algo", "otro", [4.0, 6.0, 5.0], [2.0, 2.0, 1.0], goal=2)
    assert (row["times"], row["spread"]) == (2.5, [2.0, 5.0]) and measures.met(row)
    assert not measures.met(row | {"goal": 3}) and measures.met(row | {"goal": None}) is None
    assert "≥ 2 ✓" in measures.table([row]) and "2,5 veces (de 2 a 5)" in measures.table([row])
    alone = at_most("Algo", [0.5, 0.25], limit=0.3)
    assert alone["ours"] == 0.375 and not measures.met(alone) and "≤ 300 ms ✗" in measures.table([alone])
    assert measures.met(at_most("Algo", [1.0])) is None


def test_turns_alternate():
    order = []
    alternate(2, {"a": lambda: order.append("a"), "b": lambda: order.append("b")})
    assert order == ["a", "b", "a", "b"]


def test_exponents():
    sizes = [10, 100, 1000]
    assert exponent(sizes, [3 * size for size in sizes]) == pytest.approx(1)
    assert exponent(sizes, [size**2 for size in sizes]) == pytest.approx(2)
