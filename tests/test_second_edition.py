"""Las lecciones de la segunda edición: lo que se mira está en `second_edition.py`."""

import second_edition


def test_lesson_is_of_the_second_edition(lesson):
    assert second_edition.problems(lesson) == []
