"""El explorador de la lección 02: lo fijo y, en un navegador de verdad, las mismas cuentas que Python.

Lo común a todos (teclado, tema, teléfono) está en `test_explorers.py`.
"""

import re

import numpy as np
import pytest
from conftest import set_control
from transformers import GPT2Config, OpenAIGPTConfig

from helpers import models
from helpers.lesson02 import explorer
from helpers.lesson02.exercises import block_parameters, total_parameters

KNOWN = {
    "gpt1-mini": OpenAIGPTConfig.from_pretrained(models.MINI), "GPT-1": OpenAIGPTConfig(), "GPT-2": GPT2Config()
}  # fmt: skip
SETTINGS = [  # capas, anchura, vocabulario, posiciones, cabezas
    (12, 768, 40478, 512, 12),
    (4, 256, 8192, 256, 4),
    (12, 768, 50257, 1024, 10),
    (48, 2048, 200_000, 2048, 32),
    (1, 64, 256, 128, 1),  # el mínimo
    (7, 1600, 100_000, 128, 25),
]


@pytest.fixture(scope="module")
def page():
    return explorer.explorer(block_parameters, KNOWN, ident="prueba").data


UNITS = {"MB": 1e6, "GB": 1e9}


def numbers(text):
    return [float(one.replace(",", ".")) for one in re.findall(r"\d+(?:,\d+)?", text)]


def expected(layers, width, vocabulary, positions):
    """Los millones de cada fila y las cifras de la línea de estado, según Python."""
    found = explorer.costs(block_parameters, layers, width, vocabulary, positions)
    assert found["total"] == total_parameters(vocabulary, positions, width, layers)
    rows = [found[key] / 1e6 for key in ("tokens", "posiciones", "bloques", "total")]
    share = 100 * found["looking"] / found["flops"]
    memory = [found[key] for key in ("fp32", "fp16", "adam")]
    return rows, memory, [found["flops"] / 1e6, found["looking"] / 1e6], share


def agrees(root, *setting):
    """Lo que se lee en la página es lo de Python, y con cifras que lo pequeño no redondea a cero."""
    rows, memory, flops, share = expected(*setting)
    seen = numbers(" ".join(root.locator("tbody .p").all_inner_texts()))
    assert seen == pytest.approx([*rows, 5.3217, 116.5348, 124.4383], rel=0.02, abs=0.0006)
    told, _, rest = root.locator(".estado").inner_text().partition("Cálculo")
    read = [float(one.replace(",", ".")) * UNITS[unit] for one, unit in re.findall(r"([\d,]+) (MB|GB)", told)]
    assert read == pytest.approx(memory, rel=0.006) and min(read) > 0
    assert [unit for _, unit in re.findall(r"([\d,]+) (MB|GB)", told)] == [
        "GB" if size >= 1e9 else "MB" for size in memory
    ]
    *read, part = numbers(rest)[:3]
    assert read == pytest.approx(flops, rel=0.006, abs=0.0006) and part == pytest.approx(share, abs=0.0501)


@pytest.mark.parametrize("setting", SETTINGS)
def test_browser_agrees_with_python(browser, page, setting):
    tab, problems = browser.new_page(), []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.set_content(page)
    *sizes, heads = setting
    layers, width, vocabulary, positions = sizes
    places = {
        "l": layers, "d": explorer.WIDTHS.index(width), "v": explorer.VOCABULARIES.index(vocabulary),
        "p": explorer.POSITIONS.index(positions), "h": heads,
    }  # fmt: skip
    for key, value in places.items():
        set_control(tab, f"prueba-{key}", value)
    root = tab.locator("#prueba")
    agrees(root, *sizes)
    told = root.locator(".estado").inner_text()
    each = f"Cada cabeza trabaja con {width // heads} números."
    assert told.endswith("este modelo no se puede construir." if width % heads else each)
    tab.close()
    assert problems == []


def test_without_javascript_gpt1_stays(browser, page):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.set_content(page)
    agrees(tab.locator("#prueba"), *explorer.START.values())
    context.close()


def test_block_is_the_one_it_is_given():
    page = explorer.explorer(lambda d: 1_000_000 * d, KNOWN).data
    assert '"blocks": [64000000, 128000000,' in page and ">9216,0</td>" in page  # 12 · 768 millones


def test_block_may_give_another_kind_of_integer():
    assert explorer.explorer(lambda d: np.int64(block_parameters(d)), KNOWN, ident="prueba").data == (
        explorer.explorer(block_parameters, KNOWN, ident="prueba").data
    )
