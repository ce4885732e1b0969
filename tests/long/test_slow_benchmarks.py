"""Las medidas de velocidad que abren procesos nuevos, en pequeño: pasan del minuto."""

import pytest
from test_benchmarks import SLOW, check_group


@pytest.mark.timeout(900)
@pytest.mark.parametrize("group", SLOW)
def test_each_group_measures_quickly_what_it_says(group):
    check_group(group)
