"""Los números como se escriben en español y la tabla de texto: columnas alineadas, línea bajo la cabecera y errores."""

import pytest

from helpers.spanish import MINUS, THIN_SPACE, number, signed, significant, text_table

ROWS = [("tarea", "nota", "n"), ("uno", "9,5", "10"), ("dos y dos", "10,0", "")]


def test_columns_are_aligned_and_lines_do_not_end_in_spaces():
    assert text_table(ROWS).splitlines() == [
        "tarea      nota  n",
        "uno        9,5   10",
        "dos y dos  10,0",
    ]


def test_right_columns_separator_and_rule():
    assert text_table(ROWS, right=(1,), separator=" | ", rule=True).splitlines() == [
        "tarea     | nota | n",
        "--------- | ---- | --",
        "uno       |  9,5 | 10",
        "dos y dos | 10,0 |",
    ]


def test_a_row_with_other_columns_is_an_error():
    with pytest.raises(ValueError):
        text_table([("a", "b"), ("c",)])


def test_thousands_are_separated_from_five_digits_on():
    assert THIN_SPACE == "\u202f" and MINUS == "\u2212"
    assert [number(value) for value in (999, 1000, 9999, 10_000, 40_478)] == [
        "999", "1000", "9999", "10\u202f000", "40\u202f478",
    ]  # fmt: skip
    assert number(1_234_567.891, 2) == "1\u202f234\u202f567,89" and number(-12_345) == "\u221212\u202f345"
    assert number(9999.96, 1) == "10\u202f000,0"  # lo que cuenta es lo que se escribe


def test_signs_and_figures():
    assert [signed(value) for value in (1.5, -0.3, 0.0, -0.04)] == ["+1,5", "\u22120,3", "0,0", "0,0"]
    assert [significant(value) for value in (3.0, 0.00025, -1.5)] == ["3", "0,00025", "\u22121,5"]
