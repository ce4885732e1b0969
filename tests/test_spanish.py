"""La tabla de texto: columnas alineadas a mano, la línea bajo la cabecera y lo que no es una tabla."""

import pytest

from helpers.spanish import text_table

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
