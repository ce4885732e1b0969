"""El sitio, en un navegador de verdad: cada página se lee bien en cualquier pantalla y `gpt1-mini` es el de Python."""

import random
import re
from html.parser import HTMLParser

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from site_server import serving

from helpers import generation, models
from tools import lessons, make_site

SCREENS = {"teléfono, oscuro": (390, 844, "dark"), "portátil, claro": (1440, 900, "light")}
BOXED = """[...document.querySelectorAll(".cell_output .text_html")].some((box) =>
  box.querySelector(".explorador-gpt1, img") && getComputedStyle(box).backgroundColor !== "rgba(0, 0, 0, 0)")"""
ENGLISH = """[...new Set([...document.querySelectorAll("[title], [aria-label], [placeholder]")]
  .flatMap((node) => ["title", "aria-label", "placeholder"].map((name) => node.getAttribute(name) ?? ""))
  .filter((text) => /\\b(the|to|this|Toggle|Search|Link|Page|Main|Back|Copy|Dismiss)\\b/.test(text)))]"""
NAMES = sorted(
    ["index", "juega", "profesorado", "consulta", "search"]
    + [path.stem for path in (lessons.ROOT / "notebooks").glob("*.ipynb")]
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """La dirección del sitio recién montado, en un servidor que solo reparte archivos, y su carpeta."""
    out = tmp_path_factory.mktemp("sitio")
    assert make_site.build(out) == 0, "Sphinx ha avisado de algo: está encima"
    with serving(out / "html") as base:
        yield base, out / "html"


@pytest.fixture
def open_page(browser, site):
    """`open_page(nombre, ancho, alto, tema)` → la página; al acabar, que no haya pedido nada fuera ni fallado."""
    base, _ = site
    opened, wrong = [], []

    def go(name, width=1440, height=900, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
        opened.append(page)
        page.on(
            "request",
            lambda request: request.url.startswith((base, "data:", "blob:")) or wrong.append(request.url),
        )
        page.on("response", lambda got: got.status < 400 or wrong.append(f"{got.status} {got.url}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{base}/{name}.html")
        return page

    yield go
    for page in opened:
        page.close()
    assert wrong == []


def playing(page):
    page.wait_for_function("window.juego && juego.written.length === 40", timeout=60_000)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_is_spanish_accessible_and_fits(open_page, screen):
    width, height, scheme = SCREENS[screen]
    problems = []
    for name in NAMES:
        page = open_page(name, width, height, scheme)
        if name == "juega":
            playing(page)
        page.wait_for_timeout(800)
        found = [
            f"{rule['id']}: {rule['nodes'][0]['html'][:150]}"
            for rule in Axe().run(page, options={"preload": False}).response["violations"]
            if rule["impact"] in ("serious", "critical")
        ]
        if page.locator("html").get_attribute("lang") != "es":
            found.append("no dice que está en español")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append("se sale de la pantalla")
        if english := page.evaluate(ENGLISH):
            found.append(f"nombres en inglés: {english}")
        if scheme == "dark" and page.evaluate(BOXED):
            found.append("un explorador o una figura sale en un recuadro claro")
        if page.locator(".explorador-gpt1 .aviso").count():
            found.append("un explorador no ha arrancado")
        if page.locator("article img:not([alt]), article img[alt='']").count():
            found.append("una imagen no tiene texto alternativo")
        if page.locator("mjx-merror").count():
            found.append("una fórmula no se entiende")
        problems += [f"{name}: {one}" for one in found]
        page.close()
    assert problems == []


class Links(HTMLParser):
    """Los `href` y los `id` de una página."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.ids.add(given.get("id"))
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])


def test_no_link_leads_nowhere(site):
    _, folder = site
    pages = {path.name: Links(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}
    lost = []
    for name, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            target, _, place = link.partition("#")
            target = target or name
            if target in pages and place and place not in pages[target].ids:
                lost.append(f"{name} → {link}")
            elif target not in pages and not (folder / target).is_file():
                lost.append(f"{name} → {link}")
    assert lost == []


@pytest.mark.timeout(120)
def test_what_waits_to_be_asked_for_is_folded(open_page):
    page = open_page("04_logits_y_softmax")
    outputs = page.locator("details.hide.below-input")
    assert outputs.count() >= 3 and page.locator("details.hide.below-input[open]").count() == 0
    assert outputs.first.locator("summary").inner_text().strip() == "Ver la salida"
    answers = page.locator("details", has=page.locator("summary", has_text="Solución"))
    assert answers.count() >= 4 and page.locator("details[open]").count() == 0
    answers.first.locator("summary").click()
    answers.first.locator("pre").first.wait_for(state="visible")
    setup = page.locator("div.tag_setup details.hide summary")
    assert setup.count() == 1 and setup.inner_text().strip() == "Ver el código"
    assert page.locator("summary[aria-label]").count() == 0, "un plegado se llama en inglés"


def test_each_typical_mistake_is_in_the_lesson_of_its_exercise_and_is_read_whole():
    assert "**Ejercicio 10.1 · Ordena la receta**" in make_site.mistakes("10")
    assert "Ordena la receta" not in make_site.mistakes("01")  # su nombre empieza por 01: nació allí
    assert make_site.literal("el de <unk>, «a</w>» y _start_") == r"el de \<unk\>, «a\</w\>» y \_start\_"
    assert make_site.literal("`probs[ids]` da [T]") == r"`probs[ids]` da \[T\]"


# --- gpt1-mini en la página --------------------------------------------------------------------------------------

PIECES = [
    "can't", "I'm", "\"", "'", "—", "–", "…", "...", "2.5", "100%", "$3", "año", "niño", "¿qué?", "¡ah!", "Mr.",
    "U.S.", "e-mail", "(so)", "[x]", "a.m.", "well-known", "he'll", "they're", "o'", "'s", "'twas", ":)", "!",
    "?!", "\n", "word", "the", "Wasn't", "11th", "3pm", "&", "*", "~", "<b>", "/", "\\", "l’eau", "“Hi”", "‘a’",
    "é", "ü", "km", "5km", "Jan.", "x_y", "a+b", "a=b", "-5", "--", "http://a.org/b?c=1", "me@x.org", "😀",
    "1,000,000", "2:30", "''", "``", "gonna", "cannot", "y'all", "she'd've", "corazón,", "pingüino", "«sí»",
    "No.1", "\t", "日本語",
]  # fmt: skip
PROMPTS = 50


@pytest.fixture(scope="module")
def reference():
    return models.load("gpt1-mini", device="cpu", verbose=False)


@pytest.fixture(scope="module")
def stories():
    return [
        path.read_text(encoding="utf-8") for path in sorted((lessons.ROOT / "data/stories").glob("*.txt"))
    ]


@pytest.fixture
def game(open_page):
    page = open_page("juega")
    playing(page)
    return page


@pytest.mark.timeout(300)
def test_the_tokens_are_those_of_python(game, reference, stories):
    _, tokenizer = reference
    chance = random.Random(0)
    texts = [chance.choice([" ", "  ", ""]).join(chance.choices(PIECES, k=8)) for _ in range(300)]
    lost = [
        text[:80]
        for text in stories + texts + PIECES + ["", " ", "\n\n", "a" * 300]
        if game.evaluate("text => juego.tokenizer.encode(text)", text) != tokenizer.text_to_ids(text)
    ]
    assert lost == []
    ids = tokenizer.text_to_ids(stories[0])
    assert game.evaluate("ids => juego.tokenizer.text(ids)", ids) == tokenizer.decode(ids)


@pytest.mark.timeout(300)
def test_the_logits_are_those_of_pytorch(game, reference, stories):
    """Token a token, con su caché, y de una sola vez en PyTorch."""
    model, tokenizer = reference
    worst = 0
    for number in range(PROMPTS):
        ids = tokenizer.text_to_ids(stories[number])[: 4 + 2 * number]
        found = game.evaluate(
            "ids => Array.from(juego.model.logits(juego.model.read(juego.model.start(), ids).at(-1).states.at(-1)))",
            ids,
        )
        with torch.inference_mode():
            expected = model(torch.tensor([ids])).logits[0, -1]
        worst = max(worst, (torch.tensor(found) - expected).abs().max().item())
    assert worst < 1e-3


@pytest.mark.timeout(300)
def test_the_greedy_text_is_that_of_pytorch(game, reference, stories):
    model, tokenizer = reference
    for story in stories[:20]:
        ids = tokenizer.text_to_ids(story)[:12]
        expected = generation.generate(model, torch.tensor([ids]), 60, do_sample=False)[0, 12:].tolist()
        found = game.evaluate(
            "ids => { juego.ids = ids; return [...juego.continuation({ k: 1 }, 0, 60)] }", ids
        )
        assert found == expected


@pytest.mark.parametrize(
    ("temperature", "k", "p"), [(1, 0, 1), (0.5, 0, 0.9), (1.5, 40, 1), (1, 5, 0.5), (0.1, 3, 0.05)]
)
def test_what_is_drawn_from_is_what_python_draws_from(game, reference, temperature, k, p):
    model, tokenizer = reference
    ids = tokenizer.text_to_ids("She opened the door and saw")
    with torch.inference_mode():
        expected = generation.probabilities(model(torch.tensor([ids])).logits[0, -1], temperature, k, p)
    found = game.evaluate(
        """async ([ids, options]) => {
          const { candidates } = await import(new URL("_static/vivo/model.js", location));
          const state = juego.model.read(juego.model.start(), ids).at(-1).states.at(-1);
          return candidates(juego.model.logits(state), options);
        }""",
        [ids, {"temperature": temperature, "k": k, "p": p}],
    )
    assert {index for index, _ in found} == set(expected.nonzero().flatten().tolist())
    for index, share in found:
        assert share == pytest.approx(expected[index].item(), abs=1e-4)


@pytest.mark.timeout(120)
def test_a_head_that_is_off_adds_nothing_as_in_lesson_08(game, reference):
    """La perplejidad con la cabeza 2.4 apagada es la de PyTorch con sus columnas de `c_proj` a cero."""
    model, tokenizer = reference
    ids = torch.tensor([tokenizer.text_to_ids("She opened the door and saw the old man in the garden.")])
    weight = model.transformer.h[1].attn.c_proj.weight
    kept = weight.detach().clone()
    with torch.inference_mode():
        whole = model(ids, labels=ids).loss.exp().item()
    with torch.no_grad():
        weight[3 * 64 :] = 0
        broken = model(ids, labels=ids).loss.exp().item()
        weight.copy_(kept)
    game.evaluate("ids => { juego.ids = ids }", ids[0].tolist())
    off = "juego.perplexity({ blocks: new Set(), heads: new Set(['1.3']) })"
    assert game.evaluate("juego.perplexity({ blocks: new Set(), heads: new Set() })") == pytest.approx(
        whole, rel=1e-3
    )
    assert game.evaluate(off) == pytest.approx(broken, rel=1e-3)


@pytest.mark.timeout(120)
def test_it_is_played_with_the_hands(open_page):
    page = open_page("juega", 390, 844)
    playing(page)
    first = page.locator("#j-salida").inner_text()
    page.locator("#j-otra").click()
    playing(page)
    assert page.locator("#j-salida").inner_text() != first
    page.locator("#j-s").fill("1")
    playing(page)
    assert page.locator("#j-salida").inner_text() == first, "con la misma semilla escribe otra cosa"

    page.locator("#j-tokens button", has_text="door").press("Enter")
    assert "Tras «door»" in page.locator("#j-espera caption").inner_text()
    assert "Venía «and»" in page.locator("#j-espera caption").inner_text()
    page.locator("#j-piezas label", has_text="cabeza 4").nth(1).click()
    rows = page.locator("#j-roto tbody tr")
    assert rows.count() == 2 and rows.nth(0).inner_text() != rows.nth(1).inner_text()

    page.locator("#j-texto").fill("")
    assert page.locator("#j-tokens button").count() == 0
    page.locator("#j-texto").fill("the king " * 200)
    page.wait_for_timeout(500)
    assert "los últimos que le caben" in page.locator("#j-cuenta").inner_text()


def test_without_the_weights_it_says_so(browser, site):
    base, _ = site
    page = browser.new_page()
    page.route("**/model.safetensors", lambda route: route.abort())
    page.goto(f"{base}/juega.html")
    page.locator("#juega .aviso", has_text="No he podido cargar gpt1-mini").wait_for(timeout=30_000)
    page.close()


def test_what_the_page_downloads_is_small(browser, site):
    """Los pesos y, como mucho, 5 MB más; una vez cargada, sigue sin conexión."""
    base, _ = site
    page, sizes = browser.new_page(), {}
    page.on("response", lambda got: sizes.update({got.url: len(got.body())}))
    page.goto(f"{base}/juega.html")
    playing(page)
    weights = sum(size for url, size in sizes.items() if url.endswith(".safetensors"))
    assert weights < 16 * 2**20 and sum(sizes.values()) - weights < 5 * 2**20
    page.context.set_offline(True)
    page.locator("#j-texto").fill("The old man looked at the sea")
    playing(page)
    assert "sea" in page.locator("#j-salida").inner_text()
    page.close()
