"""Las soluciones de las lecciones que entrenan, en su sitio y en una GPU, de verdad o simulada."""

import pytest
from test_solutions import SLOW, failing

from tools import lessons


@pytest.mark.timeout(900)
@pytest.mark.parametrize("path", lessons.find(" ".join(SLOW)), ids=lambda path: path.stem)
def test_solutions_pass_their_checks_on_a_gpu(path, tmp_path, monkeypatch):
    assert failing(path, tmp_path, monkeypatch) == {}
