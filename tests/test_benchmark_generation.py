"""La medida de la generación, con un modelo diminuto: iguales antes de medir y la forma de sus filas, ningún tiempo."""

from tests.benchmarks import generation


def test_each_row_says_the_same_things():
    found = generation.rows(quick=True, rounds=2)
    assert len({row["name"] for row in found}) == len(found) == 3
    for row in found:
        assert set(row) == {"name", "other", "ours", "times", "goal", "spread", "note"}
        low, high = row["spread"]
        assert 0 < low <= high and row["other"] > 0 and row["ours"] > 0 and row["goal"] > 1


def test_the_sizes_that_the_course_promises():
    assert generation.GOALS == {(32, 64): 4.0, (32, 480): 14.0, (256, 256): 6.0}
