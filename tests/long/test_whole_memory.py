"""La memoria que se calcula frente al pico de un entrenamiento entero, que va en un proceso aparte y tarda minutos."""

import json
import sys

import pytest

from tests.benchmarks.memory import CASES, alone


@pytest.mark.timeout(600)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="el pico se mide en kB solo en Linux")
def test_a_whole_run_needs_about_what_is_counted():
    """Los demás casos, con GPT-1 entero, están en `tests/benchmarks/memory.py`."""
    found = alone(CASES[0])
    assert 0.7 < found["estimate"] / found["measured"] < 1.5, json.dumps(found)
