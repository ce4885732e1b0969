"""`gpt1-mini` en el navegador: tokens por segundo y segundos hasta el primer texto. `python -m tests.benchmarks.site`.

Primero, la igualdad: el texto voraz de la página es el de PyTorch. Pide un navegador y tener montado el sitio.
"""

import statistics
import sys
import time

import torch

from helpers import generation, models
from tests.site_server import serving
from tools import browser, make_site

PROMPT, LENGTH, REPEATS = "She opened the door and saw", 200, 5
GREEDY = "([ids, n]) => { juego.ids = ids; return [...juego.continuation({ k: 1, seed: 0 }, n)] }"
TIMED = """([ids, n]) => {
  juego.ids = ids;
  const start = performance.now();
  for (const _ of juego.continuation({ temperature: 0.8, k: 40, seed: 1 }, n));
  return (1000 * n) / (performance.now() - start);
}"""


def main() -> int:
    from playwright.sync_api import sync_playwright

    folder = make_site.OUT / "html"
    if not folder.is_dir():
        sys.exit("Falta el sitio: make sitio.")
    model, tokenizer = models.load("gpt1-mini", device="cpu", verbose=False)
    ids = tokenizer.text_to_ids(PROMPT)
    expected = generation.generate(model, torch.tensor([ids]), LENGTH, do_sample=False)[
        0, len(ids) :
    ].tolist()
    with serving(folder) as base, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser.find(), args=browser.flags())
        page, first = chromium.new_page(), []
        for _ in range(REPEATS):
            start = time.perf_counter()
            page.goto(f"{base}/juega.html")
            page.wait_for_function("window.juego && juego.written.length > 0")
            first.append(time.perf_counter() - start)
            page.wait_for_function("juego.written.length === 40")
        assert page.evaluate(GREEDY, [ids, LENGTH]) == expected, "el navegador escribe otra cosa que PyTorch"
        speeds = [page.evaluate(TIMED, [ids, LENGTH]) for _ in range(REPEATS)]
    print(f"primer texto: {statistics.median(first):.2f} s (de {min(first):.2f} a {max(first):.2f})")
    print(f"{statistics.median(speeds):.0f} tokens por segundo (de {min(speeds):.0f} a {max(speeds):.0f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
