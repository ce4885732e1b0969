"""El sitio, en un navegador de verdad: cada página se lee bien en cualquier pantalla y `gpt1-mini` es el de Python."""

import random
import re
from html.parser import HTMLParser

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from conftest import keep, set_control
from site_server import serving

from helpers import generation, models
from tools import lessons, make_site

SCREENS = {"teléfono, oscuro": (390, 844, "dark"), "portátil, claro": (1440, 900, "light")}
BOXED = """[...document.querySelectorAll(".cell_output .text_html")].some((box) =>
  box.querySelector(".explorador-gpt1, img") && getComputedStyle(box).backgroundColor !== "rgba(0, 0, 0, 0)")"""
ENGLISH = """[...new Set([...document.querySelectorAll("[title], [aria-label], [placeholder]")]
  .flatMap((node) => ["title", "aria-label", "placeholder"].map((name) => node.getAttribute(name) ?? ""))
  .filter((text) => /\\b(the|to|this|Toggle|Search|Link|Page|Main|Back|Copy|Dismiss)\\b/.test(text)))]"""
# Lo que no cabe a lo ancho y se desplaza sin que se vea por dónde sigue o sin que se llegue con el teclado
UNSEEN = """[...document.querySelectorAll("article *")].filter((box) =>
  box.checkVisibility() && ["auto", "scroll"].includes(getComputedStyle(box).overflowX)
  && box.scrollWidth > box.clientWidth + 1
  && !(box.classList.contains("hay-mas") && getComputedStyle(box).maskImage !== "none" && box.tabIndex === 0)
).map((box) => box.outerHTML.slice(0, 100))"""
PICTURED = ("index", "juega", "profesorado", "00_empieza_aqui", "04_logits_y_softmax", "10_lectura_critica")
NAMES = sorted(
    ["index", "juega", "profesorado", "consulta", "search"]
    + [path.stem for path in (lessons.ROOT / "notebooks").glob("*.ipynb")]
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """La dirección del sitio recién montado, en un servidor que solo reparte archivos, y su carpeta."""
    out = tmp_path_factory.mktemp("sitio")
    assert make_site.build(out) == 0, "Sphinx ha avisado de algo: está encima"
    with serving(out) as base:  # en una carpeta, como lo pone GitHub Pages
        yield f"{base}/html", out / "html"


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


@pytest.mark.timeout(600)  # la primera monta el sitio
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_is_spanish_accessible_and_fits(open_page, screen, name):
    width, height, scheme = SCREENS[screen]
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
    if unseen := page.evaluate(UNSEEN):
        found.append(f"se desplaza a los lados y no se ve: {unseen}")
    if page.locator(".hay-mas:has(table)").count():
        found.append("una tabla no cabe")
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
    if name in PICTURED:
        keep(page, f"sitio-{name}-{width}-{scheme}")
    assert found == []


@pytest.mark.timeout(120)
def test_what_is_wide_shows_where_it_goes_on_and_moves_with_the_keyboard(open_page):
    """Código, figuras y fórmulas en un teléfono; y una tabla, a la que se le pone una palabra que no cabe."""
    page = open_page("01_la_idea_del_articulo", 390, 844)
    page.locator(".pst-scrollable-table-container td").first.evaluate(
        "cell => { cell.innerHTML = 'x'.repeat(99) }"
    )
    for kind in (
        ".cell_input pre",
        '.cell_output [style*="overflow-x"]',
        "div.math mjx-container",
        ".pst-scrollable-table-container",
    ):
        box = page.locator(f"{kind}.hay-mas").first
        box.wait_for()
        assert "hay-antes" not in box.get_attribute("class")
        if kind != "div.math mjx-container":  # a esas, las flechas las llevan por la fórmula
            assert box.get_attribute("aria-label") == "Se desplaza a los lados"
            box.focus()
            page.keyboard.press("ArrowRight")
            page.wait_for_function("document.activeElement.classList.contains('hay-antes')")
            box = page.locator(":focus")
        handle = box.element_handle()
        handle.evaluate("box => { box.scrollLeft = box.scrollWidth }")
        page.wait_for_function("box => box.matches('.hay-antes:not(.hay-mas)')", arg=handle)

    page.locator("summary", has_text="Ver el código").first.click()  # lo plegado, al abrirse
    page.locator("div.tag_setup pre.hay-mas").wait_for()

    page = open_page("01_la_idea_del_articulo")
    page.wait_for_timeout(1_000)
    assert page.locator(".hay-mas").count() < page.locator(".cell_input pre").count()
    assert page.locator("[aria-label='Se desplaza a los lados']:not(.hay-mas)").count() == 0, (
        "esa no se desplaza"
    )


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
    "No.1", "\t", "日本語", "constructor", "toString",
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
    assert len(stories) == 52
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
    """Los de las dos últimas posiciones: leídas de una vez y siguiendo con la memoria (caché) de lo leído."""
    model, tokenizer = reference
    worst = {"de una vez": 0, "siguiendo": 0}
    for number in range(PROMPTS):
        ids = tokenizer.text_to_ids(stories[number])[: 4 + 2 * number]
        found = game.evaluate(
            """ids => {
              const { model } = juego;
              const logits = (read) => Array.from(model.logits(read.at(-1).states.at(-1)));
              const whole = model.read(model.start(), ids);
              const memory = model.start();
              return {
                "de una vez": [whole.slice(0, -1), whole].map(logits),
                "siguiendo": [ids.slice(0, -1), ids.slice(-1)].map((part) => logits(model.read(memory, part))),
              };
            }""",
            ids,
        )
        with torch.inference_mode():
            expected = model(torch.tensor([ids])).logits[0, -2:]
        for way, logits in found.items():
            worst[way] = max(worst[way], (torch.tensor(logits) - expected).abs().max().item())
    assert max(worst.values()) < 1e-3, worst


@pytest.mark.timeout(300)
def test_the_greedy_text_is_that_of_pytorch(game, reference, stories):
    model, tokenizer = reference
    for story in stories[:20]:
        ids = tokenizer.text_to_ids(story)[:12]
        expected = generation.generate(model, torch.tensor([ids]), 60, do_sample=False)[0, 12:].tolist()
        found = game.evaluate(
            "ids => { juego.ids = ids; return [...juego.continuation({ k: 1, seed: 0 }, 60)] }", ids
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
    rows.nth(1).wait_for()
    assert rows.count() == 2 and rows.nth(0).inner_text() != rows.nth(1).inner_text()


def typed_seed(page, keys):
    page.locator("#j-s").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type(keys)


@pytest.mark.timeout(200)
def test_an_odd_seed_is_told_and_the_last_good_one_goes_on(game):
    seed, told = game.locator("#j-s"), game.locator("#j-aviso")
    typed_seed(game, "7")
    playing(game)
    first = game.locator("#j-salida").inner_text()
    assert told.inner_text() == "" and seed.get_attribute("aria-invalid") == "false"
    for keys, why in {
        "": "Falta la semilla",
        "e-": "La semilla no es un número",
        "-3": "La semilla no puede ser -3",
        "1.5": "La semilla no puede ser 1,5",
        "99999": "La semilla no puede ser 99999",
        "1e999": "La semilla no es un número",
    }.items():
        typed_seed(game, "7")
        typed_seed(game, keys)
        playing(game)
        last = (
            "9999" if keys == "99999" else "1" if keys in ("1.5", "1e999") else "7"
        )  # la de a medio escribir
        assert told.inner_text() == f"{why}: hace falta un entero de 0 a 9999. Sigo con la {last}."
        assert seed.get_attribute("aria-invalid") == "true"
        if last == "7":
            assert game.locator("#j-salida").inner_text() == first, "con la misma semilla escribe otra cosa"
    typed_seed(game, "9999")
    game.locator("#j-otra").click()
    playing(game)
    assert seed.input_value() == "0" and told.inner_text() == ""


@pytest.mark.timeout(120)
def test_an_odd_temperature_or_filter_stays_within_its_limits(game):
    """Son mandos: el navegador acerca al límite lo que se sale y no admite lo que no es un número."""
    for name, low, high in (("t", 0.1, 2), ("k", 0, 100), ("p", 0.05, 1)):
        for odd in ("", "mucho", "-3", "1e9", "0.333"):
            set_control(game, f"j-{name}", odd)
            assert low <= float(game.locator(f"#j-{name}").input_value()) <= high
        playing(game)
        assert "NaN" not in game.locator("#juega").inner_text()


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "0 tokens: escribe algo."),
        ("   ", "0 tokens: solo hay espacios, y de ellos no lee nada. Escribe algo."),
        (" \n\t\n ", "0 tokens: solo hay espacios, y de ellos no lee nada. Escribe algo."),
        ("a", "1 token."),
        ("日本語 😀 <b>hola</b>", "tokens."),
        (
            "the king " * 300,
            "216 tokens: los últimos que le caben. Tiene 256 posiciones y deja 40 para seguir.",
        ),
        ("a" * 200_000, "los últimos que le caben"),
    ],
    ids=["vacío", "espacios", "blancos", "uno", "signos", "largo", "sin espacios"],
)
def test_an_odd_text_is_told(game, text, told):
    game.locator("#j-texto").fill(text)
    assert told in game.locator("#j-cuenta").inner_text()
    if game.evaluate("juego.ids.length"):
        playing(game)
        game.locator("#j-roto tbody tr").wait_for()
        assert game.locator("#juega b").count() == 0, "el texto se ha leído como HTML"
    else:
        for button in ("sigue", "uno", "otra", "queda"):
            game.locator(f"#j-{button}").click()
        assert (
            game.locator("#j-salida").inner_text() == "Aquí escribirá, cuando tu texto tenga algo que seguir."
        )
        assert game.locator("#j-tokens button, #juega table").count() == 0


@pytest.mark.timeout(120)
def test_when_no_more_fits_it_says_so(game):
    game.locator("#j-texto").fill("the king " * 300)
    playing(game)
    for _ in range(2):  # cabe uno más, y ya no otro
        game.locator("#j-uno").click()
        game.wait_for_function("juego.written.length === 41", timeout=60_000)
    full = "Hasta aquí: ha llenado sus 256 posiciones."
    game.locator("#j-aviso", has_text=full).wait_for(timeout=60_000)
    assert game.evaluate("juego.written.length") == 41


@pytest.mark.timeout(120)
def test_a_long_text_does_not_freeze_the_page_and_is_read_once(game):
    """Mientras compara, la página atiende; y lo que no ha cambiado del texto no se vuelve a leer."""
    game.locator("#j-texto").fill("the king " * 300)
    playing(game)
    game.locator("#j-roto tbody tr").wait_for()
    ticks = game.evaluate(
        """async () => {
          let ticks = 0;
          const timer = setInterval(() => ticks++);
          juego.off.heads.add("1.3");
          await juego.compare(juego.settings());
          clearInterval(timer);
          return ticks;
        }"""
    )
    assert ticks > 5 and game.locator("#j-roto tbody tr").count() == 2
    steps = game.evaluate(
        """async () => {
          const { model } = juego, step = model.step;
          let steps = 0;
          model.step = (...given) => (steps++, step.apply(model, given));
          juego.ids.push(juego.ids[0]);
          await juego.compare(juego.settings());
          delete model.step;
          return steps;
        }"""
    )
    assert steps == 2 + 39, "lee un token por modelo y escribe 40, el último sin leerlo: no cabe"


@pytest.mark.timeout(120)
def test_reading_a_long_text_does_not_freeze_the_page(game):
    """Mientras lee, atiende y lo anterior se ve apagado; y un botón pulsado entonces no deja nada a medias."""
    found = game.evaluate(
        """async () => {
          const busy = () => juego.at("espera").getAttribute("aria-busy");
          const settled = async () => {
            let ticks = 0;
            for (; !juego.written.length; ticks++) await new Promise((ready) => setTimeout(ready));
            return ticks;
          };
          juego.at("texto").value = "the king ".repeat(300);
          juego.read();
          const before = busy();
          await new Promise((ready) => setTimeout(ready, 50));
          juego.at("sigue").click();
          return { ticks: await settled(), before, after: busy() };
        }"""
    )
    assert found["ticks"] > 5 and (found["before"], found["after"]) == ("true", "false"), found
    assert game.locator("#j-espera caption").inner_text() == "Tras «king» espera…"
    assert game.locator("#j-atencion small").count() > 10


@pytest.mark.timeout(200)
def test_however_it_is_hurried_it_ends_as_a_fresh_page(open_page):
    def left(page):
        page.wait_for_function("!document.querySelector('#juega [aria-busy=true]')", timeout=60_000)
        return page.locator("#juega").inner_text()

    page = open_page("juega")
    playing(page)
    pieces = page.locator("#j-piezas input")
    page.locator("#j-texto").fill("The king said to his son that he was " * 9)
    pieces.nth(9).click()
    for pause in (0, 60, 400):
        page.locator("#j-texto").fill("the king " * 300)
        page.wait_for_timeout(pause)
        page.locator("#j-uno").click()
        page.locator("#j-texto").fill("")
        page.locator("#j-texto").press_sequentially("Once, the king", delay=10)
        page.locator("#j-t").fill("1.5")
        pieces.nth(5).click()
        page.wait_for_timeout(pause)
        page.locator("#j-tokens button").first.click()
        pieces.nth(5).click()
    page.locator("#j-tokens button").last.click()
    found = left(page)

    page = open_page("juega")
    playing(page)
    page.locator("#j-texto").fill("Once, the king")
    page.locator("#j-t").fill("1.5")
    pieces = page.locator("#j-piezas input")
    pieces.nth(9).click()
    assert found == left(page)


@pytest.mark.timeout(120)
def test_the_tab_key_stops_once_at_the_tokens_and_the_arrows_walk_them(game):
    game.locator("#j-texto").fill("She opened the door and saw the old man")
    playing(game)
    game.locator("#j-texto").press("Tab")

    def focused():
        return game.evaluate("[document.activeElement.parentElement.id, document.activeElement.innerText]")

    assert focused() == ["j-tokens", "man"]
    for pressed, token in [
        ("ArrowLeft", "old"),
        ("ArrowLeft", "the"),
        ("ArrowRight", "old"),
        ("Home", "she"),
    ]:
        game.keyboard.press(pressed)
        assert focused() == ["j-tokens", token]
    game.keyboard.press("ArrowLeft")  # no hay más
    game.keyboard.press("Enter")
    assert "Tras «she» espera" in game.locator("#j-espera").inner_text()
    game.keyboard.press("Tab")
    assert focused()[0] != "j-tokens"


@pytest.mark.timeout(120)
def test_a_screen_reader_waits_until_it_has_written(game):
    game.locator("#j-sigue").click()
    assert game.locator("#j-salida").get_attribute("aria-busy") == "true"
    playing(game)
    assert game.locator("#j-salida").get_attribute("aria-busy") == "false"


@pytest.mark.timeout(120)
def test_what_it_adds_is_joined_to_what_was_written(game):
    """Sin espacio delante de una coma; y, al quedárselo, el texto de quien escribe no cambia."""
    game.locator("#j-t").fill("0.1")
    for text in ("José 😀 said: Oh", "He went to the door. " * 30 + "Yes"):
        game.locator("#j-texto").fill(text)
        playing(game)
        whole = game.evaluate("juego.tokenizer.text(juego.ids.concat(juego.written))")
        assert game.locator("#j-salida").text_content() == whole
        game.locator("#j-queda").click()
        kept = game.locator("#j-texto").input_value()
        assert kept.startswith(text) and kept.endswith(whole[-30:])
    game.locator("#j-texto").fill("Oh")
    playing(game)
    assert game.locator("#j-salida").text_content().startswith("oh,"), (
        "esta prueba pide uno que siga con una coma"
    )


@pytest.mark.timeout(120)
def test_what_each_one_writes_is_read_on_a_phone(open_page):
    page = open_page("juega", 390, 844)
    playing(page)
    cell = page.locator("#j-roto td").last
    cell.wait_for()
    assert cell.bounding_box()["width"] > 250
    page.locator("#j-texto").fill("a" * 300)
    playing(page)
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), "se sale de la pantalla"


@pytest.mark.timeout(120)
def test_a_comparison_that_is_no_longer_wanted_is_left(game):
    playing(game)
    found = game.evaluate(
        """async () => {
          juego.off.heads.add("1.3");
          const first = juego.compare(juego.settings());
          juego.off.heads.clear();
          await juego.compare(juego.settings());
          await first;
          return document.querySelectorAll("#j-roto tbody tr").length;
        }"""
    )
    assert found == 1


OLD = {
    "sin JavaScript": "Tienes JavaScript apagado, y este juego lo necesita.",
    "sin módulos": "Si este aviso no se va, a tu navegador le falta algo",
    "sin servidor": "has abierto el archivo sin servidor",
    "sin los pesos": "No he podido cargar gpt1-mini",
    "sin enteros largos": "No he podido cargar gpt1-mini",
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("lack", OLD)
def test_a_browser_without_what_it_needs_gets_a_sentence_and_the_page(browser, site, lack):
    base, folder = site
    page = browser.new_page(java_script_enabled=lack != "sin JavaScript")
    if lack == "sin los pesos":
        page.route("**/model.safetensors", lambda route: route.abort())
    elif lack == "sin módulos":  # un navegador viejo no sabe leer el archivo
        page.route("**/juega.js", lambda route: route.fulfill(body="@", content_type="text/javascript"))
    elif lack == "sin enteros largos":
        page.add_init_script("delete DataView.prototype.getBigUint64")
    page.goto(f"{folder.as_uri() if lack == 'sin servidor' else base}/juega.html")
    told = page.locator("#juega")
    for _ in range(60):  # has_text no mira lo que hay en <noscript>
        page.wait_for_timeout(500)
        if OLD[lack] in told.inner_text():
            break
    page.wait_for_timeout(1_000)
    assert OLD[lack] in told.inner_text(), "el aviso se ha ido"
    assert page.locator("h2", has_text="Qué es y qué no").is_visible()
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
