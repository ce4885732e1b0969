"""`gpt1-mini` en el navegador: tokens por segundo y segundos hasta el primer texto.

Primero, la igualdad: el texto voraz de la página es el de PyTorch. Pide un navegador y tener montado el sitio.
"""

import statistics
import time

import torch

from helpers import generation, models
from tests.benchmarks.timing import at_most
from tests.site_server import serving
from tools import browser, make_site

PROMPT, LENGTH, REPEATS = "She opened the door and saw", 200, 5
GREEDY = "([ids, n]) => { juego.ids = ids; return [...juego.continuation({ k: 1, seed: 0 }, n)] }"
# milisegundos desde que acaba la descarga de los pesos hasta que hay texto
FIRST = """() => {
  const weights = performance.getEntriesByType("resource").find(({ name }) => name.endsWith("model.safetensors"));
  return window.juego && juego.written.length && performance.now() - weights.responseEnd;
}"""
TIMED = """([ids, n]) => {
  juego.ids = ids;
  const start = performance.now();
  for (const _ of juego.continuation({ temperature: 0.8, k: 40, seed: 1 }, n));
  return (1000 * n) / (performance.now() - start);
}"""


def rows(quick: bool = False) -> list[dict]:
    """Sin filas si aquí no hay navegador o no se ha montado el sitio (`make sitio`)."""
    from playwright.sync_api import sync_playwright

    folder = make_site.OUT / "html"
    if quick or not folder.is_dir() or not browser.find():
        return []
    model, tokenizer = models.load("gpt1-mini", device="cpu", verbose=False)
    ids = tokenizer.text_to_ids(PROMPT)
    expected = generation.generate(model, torch.tensor([ids]), LENGTH, do_sample=False)[
        0, len(ids) :
    ].tolist()
    with serving(folder) as base, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=browser.flags())
        page, first, asked = chromium.new_page(), [], []
        for _ in range(REPEATS):
            start = time.perf_counter()
            page.goto(f"{base}/juega.html")
            first.append(page.wait_for_function(FIRST).json_value() / 1000)
            asked.append(time.perf_counter() - start)
            page.wait_for_function("juego.written.length === 40")
        assert page.evaluate(GREEDY, [ids, LENGTH]) == expected, "el navegador escribe otra cosa que PyTorch"
        speeds = [page.evaluate(TIMED, [ids, LENGTH]) for _ in range(REPEATS)]
    return [
        at_most("Primer texto en el navegador", first, 2,
               note=f"desde que acaba la descarga; {statistics.median(asked):.1f} s desde que se pide la página"
               .replace(".", ",")),
        at_most(
            "Un token en el navegador", [1 / speed for speed in speeds], 1 / 60,
            note=f"{statistics.median(speeds):.0f} tokens por segundo",
        ),
    ]  # fmt: skip
