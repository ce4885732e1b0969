"""Las figuras dicen lo que deben: sus datos, leídos de los ejes, y su texto alternativo, con los mismos números.

`test_lessonNN_nombre` prueba `helpers.lessonNN.figures.nombre`, y ninguna se queda sin prueba.
"""

import base64
import importlib
import io
import math
from itertools import pairwise
from types import SimpleNamespace

import figure_data as data
import matplotlib.colors
import matplotlib.pyplot as plt
import numpy as np
import PIL.Image
import pytest
from matplotlib.patches import Rectangle

from helpers import figures
from helpers.lesson08 import figures as lesson08


@pytest.fixture(autouse=True)
def drawing():
    """El estilo del curso, y ninguna figura abierta al acabar."""
    with plt.rc_context():
        figures.use_style()
        yield
    plt.close("all")


def draw(name, *args, **kwargs):
    """(figura, sus ejes, con datos y sin barras de color) de «lesson04.surprise»."""
    lesson, _, function = name.partition(".")
    figure = getattr(importlib.import_module(f"helpers.{lesson}.figures"), function)(*args, **kwargs)
    return figure, [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]


def test_every_figure_has_its_test():
    tested = {
        name.removeprefix("test_").replace("_", ".", 1)
        for name in globals()
        if name.startswith("test_lesson")
    }
    assert tested == data.names(), "a cada figura, su prueba; y ninguna prueba de una figura que ya no existe"


# --- lo común ---------------------------------------------------------------------------------------------------------


def test_a_colour_bar_keeps_its_ends(monkeypatch):
    """Reducir la imagen a 256 colores no aplana los que ocupan poco, aunque casi todo sea de otro color."""
    shown = []
    monkeypatch.setattr(figures, "display", lambda bundle, raw: shown.append(bundle["image/png"]))
    figure, ax = plt.subplots()
    values = np.concatenate([np.full(6000, 0.9), np.linspace(-1, 1, 400)]).reshape(80, 80)
    figure.colorbar(ax.imshow(values, cmap="cividis"))
    figure.savefig(before := io.BytesIO(), format="png")
    figures.show(figures.describe(figure, "Casi todo de un color y una barra entera."))
    first, second = (
        np.asarray(PIL.Image.open(one).convert("RGB"), dtype=int)
        for one in (before, io.BytesIO(base64.b64decode(shown[0])))
    )
    assert first.shape == second.shape and abs(first - second).max() <= 12


def test_show_gives_the_description_and_an_opaque_picture(monkeypatch):
    shown = []
    monkeypatch.setattr(figures, "display", lambda bundle, raw: shown.append((bundle, raw)))
    figure, ax = plt.subplots()
    figures.show(figures.describe(figure, 'Una "recta"\nque baja de 2 a < 1.'))
    ((bundle, raw),) = shown
    assert raw and bundle["text/html"].startswith(
        '<div style="overflow-x: auto"><img alt="Una &quot;recta&quot; que baja de 2 a &lt; 1." src="data:image/png'
    )
    assert bundle["image/png"] in bundle["text/html"] and "max-width: 100%" in bundle["text/html"]
    width = PIL.Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).width
    assert f"min-width: {0.8 * width:.0f}px" in bundle["text/html"]
    picture = PIL.Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert "transparency" not in picture.info and picture.convert("RGBA").getpixel((0, 0)) == (
        255,
        255,
        255,
        255,
    )
    assert not plt.fignum_exists(figure.number)


def test_show_wants_a_description():
    with pytest.raises(ValueError, match="le falta su descripción"):
        figures.show(plt.figure())


@pytest.mark.parametrize(
    ("token", "text"),
    [("dog</w>", "dog"), ("hel", "hel…"), ("\n</w>", "↵"), ("<unk>", "<unk>"), (".</w>", ".")],
)
def test_readable(token, text):
    assert figures.readable(token) == text


def test_with_comma():
    _, ax = plt.subplots()
    figures.with_comma(ax.yaxis)
    assert [data.written(ax.yaxis, value) for value in (-0.5, 0.25, 3.0)] == ["−0,5", "0,25", "3"]


def test_boxes_and_arrows_go_where_they_are_told():
    figure, ax = figures.canvas((4, 2), (0, 40), (0, 20))
    assert (ax.get_xlim(), ax.get_ylim(), ax.axison) == ((0, 40), (0, 20), False)
    figures.box(ax, (2, 4), (10, 6), "dentro", figures.GREEN)
    figures.arrow(ax, (12, 7), (20, 7))
    (text,) = ax.texts
    assert (text.get_text(), text.get_position()) == ("dentro", (7, 7))
    box, arrow = ax.patches
    assert box.get_path().get_extents().bounds == pytest.approx((2, 4, 10, 6))
    ends = ax.transData.inverted().transform(arrow.get_transform().transform(arrow.get_path().vertices))
    assert ends[0] == pytest.approx((12, 7)) and ends[:, 0].max() == pytest.approx(20, abs=0.5)


# --- 00 ---------------------------------------------------------------------------------------------------------------


def test_lesson00_course_map():
    figure, (ax,) = draw("lesson00.course_map")
    assert [text for text in data.texts(ax) if text.isdigit()] == [f"{number:02}" for number in range(11)]
    arrows = [patch for patch in ax.patches if hasattr(patch, "get_arrowstyle")]
    assert len(arrows) == 12 and "10 se apoya en 06 y 07." in figure.get_label()


def test_lesson00_cover():
    figure, (ax,) = draw(
        "lesson00.cover", [("she", 511), ("ran", 4002)], [("away", 0.5), ("to", 0.25)], 3, "mini"
    )
    written = data.texts(ax)
    assert [text for text in written if text.isdigit()] == ["511", "4002"]
    assert [text for text in written if text.startswith("bloque")] == ["bloque 1", "bloque 2", "bloque 3"]
    bars = [bar for group in ax.containers for bar in group]
    assert [bar.get_width() for bar in bars] == [13, 6.5] and bars[0].get_y() > bars[1].get_y()
    assert written.index("she") < written.index("ran") and written[written.index("away") + 1] == "50,0 %"
    assert "25,0 %" in written and written[-1].endswith("salida real de mini")
    assert (
        "«she ran»" in figure.get_label()
        and "3 bloques" in figure.get_label()
        and "«away»" in figure.get_label()
    )


def test_lesson00_next_token():
    figure, (ax,) = draw(
        "lesson00.next_token", "She opened the", [("door", 0.5), ("\n", 0.25), (" box", 0.125)], "mini"
    )
    assert data.rows(ax) == [(0, 0, 50), (1, 0, 25), (2, 0, 12.5)] and ax.yaxis_inverted()
    assert data.ticks(ax.yaxis) == ["door", "↵", "box"] and data.texts(ax) == ["50,0 %", "25,0 %", "12,5 %"]
    title, x, _ = data.labels(ax)
    assert "«She opened the»" in title and "mini" in title and x == "probabilidad (%)"
    assert data.spoken(figure) == [50, 25, 12.5]


def test_lesson00_gather():
    """Columnas por orden alfabético; cada fila elige la de su palabra, y a la derecha sale esa casilla."""
    probs = [[0.5, 0.25], [0.0625, 0.0001]]
    figure, (ax,) = draw("lesson00.gather", ["She opened the", "He"], ["door", "boy"], probs)
    written = [text for text in data.texts(ax) if text.endswith("%")]
    assert written == ["25,0 %", "50,0 %", "50,0 %", "< 0,1 %", "6,2 %", "< 0,1 %"]
    assert [text for text in data.texts(ax) if text in ("door", "boy")] == ["boy", "door"]
    bold = [text.get_text() for text in ax.texts if text.get_weight() == "bold"]
    assert bold == ["sale", "50,0 %", "50,0 %", "< 0,1 %", "< 0,1 %"]
    assert "de «She opened the», la de «door», 50,0 %; de «He», la de «boy», < 0,1 %." in figure.get_label()


# --- 01 ---------------------------------------------------------------------------------------------------------------


def test_lesson01_two_stages():
    figure, (ax,) = draw("lesson01.two_stages")
    left, right = (
        {text.get_text() for text in ax.texts if low < text.get_position()[0] < low + 46} for low in (0, 57)
    )
    assert {"1 · Preentrenamiento", "miles de libros,\nsin etiquetas", "maximizar $L_1$"} <= left
    assert {"2 · Ajuste fino", "maximizar $L_3 = L_2 + \\lambda\\,L_1$"} <= right
    assert "los mismos pesos" in data.texts(ax) and "L3 = L2 + λ·L1" in figure.get_label()


def test_lesson01_decoder():
    figure, (ax,) = draw("lesson01.decoder", 4, 256, 8, 128, "mini")
    assert data.labels(ax)[0] == "mini: 4 bloques iguales, 256 números por token, 8 cabezas de atención"
    written = data.texts(ax)
    assert "256 → 1024 → 256\n(GELU en medio)" in written and "1" in written and "4" in written
    assert any("128" in text for text in written if "posición" in text)
    squares = [patch for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_width() == 3.7]
    blue = [matplotlib.colors.same_color(square.get_facecolor(), figures.BLUE) for square in squares]
    assert np.reshape(blue, (5, 5)).tolist() == np.tri(5, dtype=bool).tolist()  # la máscara causal
    assert data.spoken(figure)[-4:] == [4, 256, 1024, 256]


def test_lesson01_input_formats():
    figure, (ax,) = draw("lesson01.input_formats")
    written = data.texts(ax)
    assert written.count("Transformer") == 7 and written.count("extraer") == 7  # 1 + 1 + 2 + 3 secuencias
    assert written.count("separador") == 6 and written.count("+ lineal") == 1
    rows = {}
    for text in ax.texts:
        x, y = text.get_position()
        if 16 < x < 72:
            rows.setdefault(round(y, 2), []).append((x, text.get_text()))
    sequences = [[name for _, name in sorted(parts)] for _, parts in sorted(rows.items(), reverse=True)]
    assert sequences[:4] == [
        ["inicio", "texto", "extraer"],
        ["inicio", "premisa", "separador", "hipótesis", "extraer"],
        ["inicio", "texto A", "separador", "texto B", "extraer"],
        ["inicio", "texto B", "separador", "texto A", "extraer"],
    ]
    assert "Clasificación: inicio · texto · extraer → clase" in figure.get_label()


def test_lesson01_spread():
    figure, (ax,) = draw("lesson01.spread", {"uno": [4.0, 2.0, 9.0], "dos": [1.5]}, "Un título", "bits")
    points = [[x for x, _ in group.get_offsets()] for group in ax.collections]
    assert points == [[4, 2, 9], [1.5]] and ax.yaxis_inverted()
    assert [row for group in ax.collections for _, row in group.get_offsets()] == [0, 0, 0, 1]
    assert data.ticks(ax.yaxis) == ["uno", "dos"] and data.labels(ax)[:2] == ("Un título", "bits")
    assert [line.get_xdata()[0] for line in ax.lines] == [4, 1.5] and data.texts(ax) == ["4,0", "1,5"]
    assert data.spoken(figure) == [3, 4, 2, 9, 1, 1.5, 1.5, 1.5]


def test_lesson01_attention():
    figure, axes = draw(
        "lesson01.attention", ["he", "ran", "the"], {"cabeza 0": [0.25, 0.5, 0.25], "cabeza 3": [1, 0, 0]}
    )
    assert [ax.get_title() or ax.get_title("left") for ax in axes] == ["cabeza 0", "cabeza 3"]
    assert data.bars(axes[0]) == [(0, 0.25), (1, 0.5), (2, 0.25)] and data.bars(axes[1])[0] == (0, 1)
    assert data.ticks(axes[1].xaxis) == ["he", "ran", "the"] and data.texts(axes[0]) == [
        "0,25",
        "0,50",
        "0,25",
    ]
    assert axes[0].get_ylabel() == "peso de la atención (de 0 a 1)"
    assert data.spoken(figure) == [0, 0.25, 0.5, 0.25, 3, 1, 0, 0]


# --- 02 ---------------------------------------------------------------------------------------------------------------


def test_lesson02_anatomy():
    sections = [
        ("embeddings de token", 3_000_000),
        ("embeddings de posición", 500_000),
        ("bloque 1", 1_250_000),
        ("bloque 2", 1_250_000),
    ]
    block = [("c_attn", "atención", 400_000), ("ln_1", "normalización", 1_000), ("c_fc", "MLP", 849_000)]
    figure, (top, bottom) = draw("lesson02.anatomy", sections, block)
    assert [(start, end) for _, start, end in data.rows(top)] == [(0, 3), (3, 3.5), (3.5, 4.75), (4.75, 6)]
    assert [(start, end) for _, start, end in data.rows(bottom)] == [
        (0, 0.4), (0.4, pytest.approx(0.401)), (0.401, pytest.approx(1.25))
    ]  # fmt: skip
    assert "El modelo entero: 6\u202f000\u202f000 parámetros" in data.labels(top)[0]
    assert {"embeddings de token\n3,0 M", "posiciones: 0,5 M", "2 bloques iguales"} <= set(data.texts(top))
    assert "ln_1: 1000" in data.texts(bottom) and "MLP\nc_fc\n849\u202f000" in data.texts(bottom)
    assert top.get_xlabel() == bottom.get_xlabel() == "millones de parámetros"
    assert data.labels(bottom)[0].endswith("1\u202f250\u202f000 parámetros")
    assert data.spoken(figure) == [6_000_000, 2]


def test_lesson02_memory():
    figure, (ax,) = draw(
        "lesson02.memory", [("pesos", {"fp32": 466.4, "fp16": 233.2}), ("Adam", {"fp32": 1865.0})]
    )
    assert [end for _, _, end in data.rows(ax)] == [466.4, 1865.0, 233.2]
    assert data.ticks(ax.yaxis) == ["pesos", "Adam"] and data.legend(ax) == ["fp32", "fp16"]
    assert data.texts(ax) == ["466 MB", "1865 MB", "233 MB"] and "megabytes" in data.labels(ax)[1]
    assert data.spoken(figure)[2:] == [466, 1865]


def test_lesson02_flops():
    _, (ax,) = draw("lesson02.flops", [1, 512], {"logits": [62, 62], "atención": [0.1, 18.9]})
    tops = [area.get_paths()[0].vertices[:, 1].max() for area in ax.collections]
    assert tops == pytest.approx([62, 80.9]) and data.legend(ax) == ["atención", "logits"]
    assert data.labels(ax)[1:] == ("tokens a los que se mira (contexto)", "millones de FLOPs por token")


def test_lesson02_gelu():
    x, exact, tanh = np.array([-1.0, 0, 1]), np.array([-0.16, 0, 0.84]), np.array([-0.1601, 0, 0.8402])
    _, (left, right) = draw("lesson02.gelu", x, exact, tanh)
    drawn = data.lines(left)
    assert drawn["ReLU"][1] == [0, 0, 1] and drawn["GELU exacta"] == [[-1, 0, 1], exact.tolist()]
    assert drawn["GELU con tanh (la de GPT-1)"][1] == tanh.tolist()
    assert data.lines(right)[0][1] == pytest.approx([-1, 0, 2]) and "diezmilésimas" in data.labels(right)[2]


# --- 03 ---------------------------------------------------------------------------------------------------------------


def test_lesson03_pipeline():
    figure, (ax,) = draw(
        "lesson03.pipeline",
        [("original", ["Hi\n", "you"]), ("minúsculas", ["hi", "you"]), ("BPE", ["h", "i</w>", "<unk>"])],
    )
    rows = [["original", "Hi↵", "you"], ["minúsculas", "hi", "you"], ["BPE", "h", "i", "</w>", "<unk>"]]
    assert data.texts(ax)[1:] == sum(rows, [])
    heights = [text.get_position()[1] for text in ax.texts]
    assert heights == sorted(heights) and ax.yaxis_inverted()
    plain, h, i, unknown = (patch.get_path().get_extents() for patch in ax.patches[-4:])
    assert i.x0 == pytest.approx(h.x1) and unknown.x0 == pytest.approx(i.x1 + 0.8)  # hueco solo tras </w>
    assert i.width > h.width and plain.width == pytest.approx(
        3 + 0.9
    )  # la marca ocupa; una palabra no la lleva
    tints = [matplotlib.colors.to_hex(patch.get_facecolor()) for patch in ax.patches[-3:]]
    assert tints[0] == tints[1] != tints[2]  # un tono por palabra
    assert "BPE: h | i</w> | <unk>." in figure.get_label()


def test_lesson03_compare():
    figure, (ax,) = draw(
        "lesson03.compare", [("Hi you", ["hi</w>", "you</w>"], ["h", "i</w>", "you</w>"])], ["uno", "otro"]
    )
    one, other = ["uno (2)", "hi", "</w>", "you", "</w>"], ["otro (3)", "h", "i", "</w>", "you", "</w>"]
    assert data.texts(ax)[1:] == ["Hi you", *one, *other]
    assert "uno: hi</w> | you</w>. otro: h | i</w> | you</w>." in figure.get_label()
    assert data.spoken(figure) == []


def test_lesson03_merges():
    steps = [(None, ["c", "a", "t</w>"]), (4, ["ca", "t</w>"]), (11999, ["cat</w>"])]
    figure, (ax,) = draw("lesson03.merges", "cat", steps)
    assert data.texts(ax)[1:] == [
        *("c", "a", "t", "</w>", "letras sueltas", "ca", "t", "</w>", "fusión n.º 5"),
        *("cat", "</w>", "fusión n.º 12\u202f000"),
    ]
    assert "c a t</w>; ca t</w>; cat</w>." in figure.get_label()


def test_lesson03_compression():
    figure, (ax,) = draw("lesson03.compression", [0, 100, 8000], [4.5, 2.0, 1.05])
    assert data.lines(ax)[0] == [[0, 100, 8000], [4.5, 2.0, 1.05]]
    assert data.texts(ax)[1:] == ["4,50", "1,05"] and data.spoken(figure) == [4.5, 1.05]
    assert data.labels(ax)[1:] == ("fusiones que se usan", "tokens por palabra")


def test_lesson03_fertility():
    pairs = [("Buenos días.", 1.2, 2.5), ("Adiós.", 1.0, 3.0)]
    figure, (left, right) = draw("lesson03.fertility", pairs, [("GPT-1", 1.1, 2.75), ("mini", 1.3, 3.5)])
    english, spanish = (group.get_offsets().tolist() for group in left.collections)
    assert english == [[1.2, 0], [1.0, 1]] and spanish == [[2.5, 0], [3.0, 1]]
    assert data.ticks(left.yaxis) == ["Buenos días.", "Adiós."]
    assert [end for _, _, end in data.rows(right)] == [1.1, 1.3, 2.75, 3.5]
    assert data.spoken(figure)[-4:] == [1.1, 2.75, 1.3, 3.5]


# --- 04 ---------------------------------------------------------------------------------------------------------------

WORDS = ["she</w>", "opened</w>", "the</w>"]
CANDIDATES = [["was</w>", "opened</w>"], ["the</w>", "it</w>"], ["door</w>", "box</w>"]]
P = [[0.5, 0.125], [0.75, 0.0625], [0.625, 0.25]]


def test_lesson04_prediction_map():
    figure, (ax,) = draw("lesson04.prediction_map", WORDS, CANDIDATES, P)
    assert data.image(ax).tolist() == P and ax.yaxis_inverted()
    assert data.texts(ax)[:4] == ["was", "0,500", "opened", "0,125"]
    assert data.frames(ax, figures.RED) == [
        (1, 0),
        (0, 1),
    ]  # (columna, fila) del que venía; tras el último, ninguno
    assert data.ticks(ax.xaxis) == ["1.º", "2.º"] and data.ticks(ax.yaxis) == [
        "0 · she",
        "1 · opened",
        "2 · the",
    ]
    assert data.labels(ax)[1:] == ("candidato, del más probable al menos", "posición y token leído")
    assert "tras «opened», the (0,75); tras «the», door (0,62)" in figure.get_label()


def test_lesson04_temperature_curves():
    steps, shares, entropies = [0.5, 1.0, 2.0], [[0.9, 0.1], [0.7, 0.2], [0.4, 0.3]], [0.3, 0.8, 1.3]
    figure, (left, right) = draw(
        "lesson04.temperature_curves", steps, shares, ["door</w>", "box</w>"], entropies, 8192
    )
    assert data.lines(left)["door"] == [steps, [0.9, 0.7, 0.4]] and data.lines(left)["box"][1] == [
        0.1,
        0.2,
        0.3,
    ]
    assert data.lines(right)[0] == [steps, entropies]
    assert data.levels(right) == [pytest.approx(math.log(8192))] and "ln 8192 = 9,01" in data.texts(right)[0]
    assert left.get_ylim() == (0, 1) and data.labels(right)[1:] == ("temperatura", "entropía (nats)")
    assert data.spoken(figure)[-1] == 9.01 and "es de door y" in figure.get_label()


def test_lesson04_surprise():
    nats, expected = [6.0, 0.5, 1.0], [3.25, 0.75, 2.0]
    figure, (ax,) = draw("lesson04.surprise", [*WORDS, "door</w>"], nats, expected, 8192)
    assert data.bars(ax) == [(0, 6.0), (1, 0.5), (2, 1.0)]
    assert ax.collections[0].get_offsets().tolist() == [[0, 3.25], [1, 0.75], [2, 2.0]]
    assert data.ticks(ax.xaxis) == [
        "opened\n6,00",
        "the\n0,50",
        "door\n1,00",
    ]  # el primero no lo predice nadie
    assert data.levels(ax) == [2.5, pytest.approx(math.log(8192))]  # la media de los tres; el azar, en nats
    assert data.texts(ax) == ["media (pérdida)\n2,50", "al azar\nln 8192 = 9,01"]
    assert data.labels(ax) == (
        "Sorpresa de cada token",
        "token que había que adivinar y su sorpresa",
        "sorpresa, −ln p (nats)",
    )
    assert ax.get_ylim()[0] == 0 and data.spoken(figure) == [6, 3.25, 0.5, 0.75, 1, 2, 2.5, 9.01]


@pytest.mark.parametrize("length", [15, 16, 38, 60])
def test_a_long_sentence_in_lesson04_surprise(length):
    figure, (ax,) = draw(
        "lesson04.surprise", ["elephant</w>"] * (length + 1), [2.0] * length, [1.0] * length, 8192
    )
    assert ("2,00" in data.ticks(ax.xaxis)[0]) == (length <= 15) == ("su sorpresa" in data.labels(ax)[1])
    if length > 15:  # de pie, ninguna etiqueta pisa a la siguiente
        figure.draw_without_rendering()
        boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
        assert all(left.x1 <= right.x0 for left, right in zip(boxes, boxes[1:], strict=False))


def test_lesson04_gradient():
    figure, (left, right) = draw("lesson04.gradient", ["opened</w>", "looked</w>"], [0.5, 0.125], 1)
    widths = [[bar.get_width() for bar in ax.patches] for ax in (left, right)]
    assert widths == [[0.5, 0.125], [0.5, -0.875]]
    assert data.texts(left) == ["0,500", "0,125"] and data.texts(right) == ["+0,500", "−0,875"]
    assert data.ticks(left.yaxis) == ["opened", "looked"] and left.yaxis_inverted()
    assert data.labels(right)[1] == "gradiente del logit (nats)"
    assert "es looked, el único con gradiente negativo: opened +0,500, looked −0,875" in figure.get_label()


# --- 05 ---------------------------------------------------------------------------------------------------------------


def test_lesson05_draws():
    published = {"dog</w>": 7, "cat</w>": 3}
    figure, (left, right) = draw(
        "lesson05.draws", published, ["a</w>", "b</w>"], [60, 40], [55.5, 44.5], 100, "Mini"
    )
    assert [height for _, height in data.bars(left)] == [7, 3] and data.ticks(left.xaxis) == ["dog", "cat"]
    assert data.bars(right) == [(0, 60), (1, 40)] and data.ticks(right.xaxis) == ["a", "b"]
    assert data.lines(right)["veces que le tocaban: sorteos × probabilidad"] == [[0, 1], [55.5, 44.5]]
    assert data.labels(right)[0] == "Mini: 100 vueltas del bucle" and "«dog» 7, «cat» 3" in figure.get_label()


def test_lesson05_repetition():
    figure, (ax,) = draw("lesson05.repetition", {"voraz": [1, 0.5], "puro": [1, 1, 0.9]})
    assert data.lines(ax) == {"voraz": [[1, 2], [1, 0.5]], "puro": [[1, 2, 3], [1, 1, 0.9]]}
    assert ax.get_ylim()[0] == 0 and data.spoken(figure)[1:] == [0.5, 0.9]


def test_lesson05_token_forwards():
    figure, (without, cached) = draw("lesson05.token_forwards", 3, 2)
    assert data.image(without).tolist() == [[2, 2, 2, 0], [2, 2, 2, 2]]
    assert data.image(cached).tolist() == [[2, 2, 2, 0], [1, 1, 1, 2]]
    assert data.labels(without)[0].endswith(": 7 cálculos de un token") and ": 4 " in data.labels(cached)[0]
    assert data.spoken(figure) == [3, 2, 7, 4]


def test_lesson05_speed():
    figure, (ax,) = draw("lesson05.speed", [0.5, 2.0], [0.25, 0.5], 12)
    assert list(data.lines(ax).values()) == [[[1, 2], [0.5, 2.0]], [[1, 2], [0.25, 0.5]]]
    assert (
        data.texts(ax) == ["sin caché: 2,0 s", "con caché: 0,5 s"] and "12 de partida" in data.labels(ax)[1]
    )
    assert ax.get_ylim()[0] == 0 and data.spoken(figure) == [2, 2.0, 0.5]


# --- 06 ---------------------------------------------------------------------------------------------------------------


def test_lesson06_sequences():
    figure, (ax,) = draw(
        "lesson06.sequences", {"Pares": [["_start_", "it</w>", "rain", "_classify_"], ["_start_", "a</w>"]]}
    )
    assert data.texts(ax) == ["Pares", "_start_", "it", "rain…", "_classify_", "_start_", "a"]
    heights = [text.get_position()[1] for text in ax.texts]
    assert len(set(heights[1:5])) == 1 and heights[0] < heights[1] < heights[5] and ax.yaxis_inverted()
    places = [text.get_position()[0] for text in ax.texts[1:5]]
    assert places == sorted(places)
    special = [text.get_text() for text in ax.texts[1:] if text.get_weight() == "bold"]
    assert special == ["_start_", "_classify_", "_start_"]
    assert "Pares: _start_ it rain… _classify_ | _start_ a." in figure.get_label()


def test_lesson06_curves():
    task, language = [2.0 - 0.05 * step for step in range(20)], [6.0, *[3.0] * 19]
    steps = [
        {"epoch": step / 10, "clf_loss": one, "lm_loss": other}
        for step, (one, other) in enumerate(zip(task, language, strict=True))
    ]
    ends = [
        {"epoch": 1, "loss": 0.75, "accuracy": 0.625},
        {"epoch": 2, "loss": 0.5, "accuracy": 0.875},
        {"epoch": 3, "loss": 0.625, "accuracy": 0.75},
    ]
    figure, (left, middle, right) = draw("lesson06.curves", steps, ends)
    epochs = [step / 10 for step in range(20)]
    assert data.lines(left)["cada lote"] == [epochs, task]
    assert data.lines(left)["validación"] == [[1, 2, 3], [0.75, 0.5, 0.625]]
    # en una recta, la media de los 15 últimos es la del que está 7 antes; al principio, la de los que haya
    smooth = data.lines(left)["media móvil"][1]
    assert smooth[14:] == pytest.approx(task[7:13]) and smooth[:3] == pytest.approx([2.0, 1.975, 1.95])
    smooth = data.lines(middle)["media móvil"][1]
    assert (smooth[0], smooth[1], smooth[14], smooth[15]) == pytest.approx((6, 4.5, 3.2, 3))
    assert data.lines(right)[0] == [[1, 2, 3], [62.5, 87.5, 75]]
    assert data.lines(right)[1] == [[2], [87.5]] and data.levels(right) == [50]  # la mejor, rodeada; el azar
    assert [data.labels(ax)[2] for ax in (left, middle, right)] == [
        "nats por ejemplo", "nats por token", "exactitud (%)"
    ]  # fmt: skip
    assert left.get_ylim()[0] == 0 and right.get_ylim() == (45, 100) and left.get_xlabel() == "épocas"
    assert data.spoken(figure) == [2, 1.4, 0.62, 62, 88, 75, 2]


def test_lesson06_verdicts():
    found = SimpleNamespace(
        labels=np.array([0, 0, 0, 1, 1]),
        predicted=np.array([0, 0, 1, 1, 1]),
        probabilities=np.array([[0.92, 0.08], [0.71, 0.29], [0.17, 0.83], [0.04, 0.96], [0.48, 0.52]]),
        confusion=np.array([[2, 1], [0, 2]]),
    )
    figure, (left, right) = draw("lesson06.verdicts", found, ["malo", "bueno"])
    assert data.image(left).tolist() == [[2, 1], [0, 2]]
    assert [(text.get_position(), text.get_text()) for text in left.texts] == [
        ((0, 0), "2 ✓"), ((1, 0), "1"), ((0, 1), "0"), ((1, 1), "2 ✓")
    ]  # fmt: skip
    assert data.ticks(left.xaxis) == data.ticks(left.yaxis) == ["malo", "bueno"]
    assert data.labels(left)[1:] == ("lo que dice el modelo", "lo que es")
    good, bad = ([bar.get_height() for bar in group] for group in right.containers)
    assert (
        good == [1, 0, 0, 0, 1, 0, 0, 0, 1, 1] and bad == [0] * 6 + [1] + [0] * 3
    )  # tramos de 5 en 5, desde 50
    assert right.patches[0].get_x() == 50 and right.patches[9].get_x() == 95
    assert data.legend(right) == ["aciertos (4)", "fallos (1)"] and "(%)" in right.get_xlabel()
    assert data.spoken(figure) == [2, 1, 0, 2, 4, 1, 83]


def test_verdicts_without_failures():
    found = SimpleNamespace(
        labels=np.array([1]), predicted=np.array([1]), probabilities=np.array([[0.25, 0.75]]),
        confusion=np.array([[0, 0], [0, 1]]),
    )  # fmt: skip
    figure, _ = draw("lesson06.verdicts", found, ["malo", "bueno"])
    assert data.spoken(figure)[-3:] == [1, 0, 0]


def test_lesson06_label_curve():
    scores = {
        name: {20: (low, low - 4, low + 4), 420: (low + 20, low + 17, low + 22)}
        for name, low in {"pretrained": 60.0, "frozen": 58.0, "tfidf": 52.0, "scratch": 50.0}.items()
    }
    figure, (ax,) = draw("lesson06.label_curve", scores)
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == [
        "preentrenado y ajustado",
        "preentrenado y congelado, con su capa",
        "contar palabras (TF-IDF)",
        "desde cero",
    ]
    lines = [container.lines[0] for container in ax.containers]
    assert [[round(y) for y in line.get_ydata()] for line in lines] == [
        [60, 80],
        [58, 78],
        [52, 72],
        [50, 70],
    ]
    for line in lines:
        assert list(line.get_xdata()) == pytest.approx([20, 420], rel=0.06)
    (bars,) = ax.containers[0].lines[2]
    assert [(low, high) for (_, low), (_, high) in bars.get_segments()] == [(56, 64), (77, 82)]
    assert ax.get_xscale() == "log" and "desde cero, 50, 70" in figure.get_label()


# --- 07 ---------------------------------------------------------------------------------------------------------------


def test_lesson07_word_boxes():
    rows = [("Una", ["the</w>", "rain", "s</w>"], [None, -3.0, -1.5]), ("Otra", ["\n</w>"], [-20.0])]
    figure, (ax,) = draw("lesson07.word_boxes", rows, "Dos frases")
    (bar,) = ax.child_axes
    assert data.texts(ax) == [
        *("Una  ·  media −2,25", "the", "rain…", "−3,0", "s", "−1,5", "Otra  ·  media −20,00", "↵", "−20,0"),
        "trazo discontinuo: no se puntúa",
    ]
    styles = [patch.get_linestyle() for patch in ax.patches]
    assert styles == ["--", "-", "-", "-"] and ax.patches[0].get_facecolor()[:3] == (1, 1, 1)
    dark = [sum(patch.get_facecolor()[:3]) for patch in ax.patches[1:]]
    assert dark[2] < dark[0] < dark[1]  # cuanto menos probable, más oscura
    assert bar.get_xlim() == (-12, 0) and "nats" in bar.get_xlabel() and ax.yaxis_inverted()
    assert data.spoken(figure) == [-2.25, -3, -1.5, -20, -20]
    assert figure.get_label().startswith(
        "Dos frases. Una (media −2,25): the sin puntuar, rain… −3,0, s −1,5; Otra"
    )


def test_a_long_sentence_goes_on_in_another_line():
    _, (ax,) = draw("lesson07.word_boxes", [("Una", ["embarrassment</w>"] * 12, [-1.0] * 12)], "Larga")
    corners = [patch.get_path().get_extents() for patch in ax.patches]
    lines = sorted({round(box.y0, 3) for box in corners})
    assert len(lines) > 1 and all(box.x1 <= 10.2 + 0.01 for box in corners)


def test_lesson07_one_threshold():
    pairs = [(-2.0, -4.0), (-2.5, -2.25), (-5.0, -6.0), (-3.0, -3.5), (-1.0, -3.0)]
    figure, (left, right) = draw("lesson07.one_threshold", [-4.0, -3.0, -2.0], [0.1, 0.5, 0.25], -3.0, pairs)
    assert data.lines(left)[0] == [[-4, -3, -2], [0.1, 0.5, 0.25]] and data.lines(left)[1] == [[-3], [0.5]]
    good, bad = (group.get_offsets().tolist() for group in right.collections)
    assert good == [
        [-5, 0],
        [-3, 1],
        [-2, 2],
        [-2.5, 3],
        [-1, 4],
    ]  # de abajo arriba, por la suma de su pareja
    assert bad == [[-6, 0], [-3.5, 1], [-4, 2], [-2.25, 3], [-3, 4]]
    assert data.lines(right)["umbral"][0] == [-3, -3] and data.texts(left) == ["−3,00"]
    assert data.legend(right) == ["la gramatical", "su gemela", "umbral"]
    assert left.get_ylim()[1] == pytest.approx(0.645) and "(nats por token)" in right.get_xlabel()
    assert data.labels(left)[1:] == ("umbral probado (log P medio, nats)", "coeficiente de Matthews")
    # cuatro bien ordenadas; las separan −2 > −3 ≥ −4 y −1 > −3 ≥ −3, y no la que empata por arriba
    assert data.spoken(figure) == [-3, 5, 4, 2]


def test_lesson07_class_words():
    scores = [[-2.0, -3.0], [-4.0, -6.0], [-5.0, -4.5], [-1.0, -1.5]]
    figure, (one, other) = draw(
        "lesson07.class_words",
        {"pocas": (scores, [1, 1, 0, 0], 0.75), "más": ([[-3.0, -2.0], [-4.0, -4.0]], [1, 0], -0.5)},
    )
    positive, negative = (group.get_offsets().tolist() for group in one.collections)
    assert positive == [[-3, -2], [-6, -4]] and negative == [
        [-4.5, -5],
        [-1.5, -1],
    ]  # (x, y) = (negativas, positivas)
    assert data.lines(one)["sin calibrar"] == [[-6.5, -0.5]] * 2
    ends, raised = data.lines(one)["calibrado"]
    assert ends == [-6.5, -0.5] and raised == pytest.approx([-5.75, 0.25])  # 0,75 por encima
    assert data.lines(other)["calibrado"][1] == pytest.approx([-5.0, -2.0])  # −0,5: baja
    assert one.get_xlim() == one.get_ylim() == (-6.5, -0.5)
    assert data.labels(one) == (
        "pocas", "log P de las palabras negativas (nats)", "log P de las palabras positivas (nats)"
    )  # fmt: skip
    assert data.legend(other) == ["es positivo", "es negativo", "sin calibrar", "calibrado"]
    assert data.spoken(figure) == [75, 0] and "más: sin calibrar, el 0 %" in figure.get_label()


def test_lesson07_length_choices():
    panels = {
        "cuatro": {
            "suma": [0.5, 0.25, 0.125, 0.125],
            "por token": [0.25, 0.25, 0.375, 0.125],
            "por byte": [0.375, 0.25, 0.25, 0.125],
        },
        "dos": {"suma": [0.75, 0.25], "por token": [0.5, 0.5], "por byte": [0.625, 0.375]},
    }
    figure, (four, two) = draw("lesson07.length_choices", panels)
    bars = data.bars(four)
    assert [height for _, height in bars] == [50, 25, 12.5, 12.5, 25, 25, 37.5, 12.5, 37.5, 25, 25, 12.5]
    assert [place for place, _ in bars[::4]] == pytest.approx([-0.28, 0, 0.28])
    assert [height for _, height in data.bars(two)] == [75, 25, 50, 50, 62.5, 37.5]
    assert data.levels(four) == [25] and data.levels(two) == [50]
    assert data.ticks(four.xaxis) == ["la más\ncorta", "2.ª", "3.ª", "la más\nlarga"]
    assert data.ticks(two.xaxis) == ["la más\ncorta", "la más\nlarga"]
    assert data.texts(two) == ["75", "25", "50", "50", "62", "38"]
    assert {"suma", "por token", "por byte"} <= set(data.legend(four))
    assert four.get_ylim() == pytest.approx((0, 90)) and data.labels(four)[2] == "veces que se elige (%)"
    assert data.spoken(figure) == [50, 25, 38, 75, 50, 62]


def test_lesson07_phenomena():
    figure, (ax,) = draw("lesson07.phenomena", {"wh_gap": (1.0, 10), "word_order": (0.5, 20)})
    assert data.ticks(ax.yaxis) == ["orden de las palabras", "huecos de las preguntas"]
    drawn = data.lines(ax)
    assert drawn[0][0] == pytest.approx([29.93, 70.07], abs=0.01) and drawn[1][0] == [
        50
    ]  # Wilson, por su fórmula
    assert drawn[2][0] == pytest.approx([72.25, 100], abs=0.01) and drawn[3] == [[100], [1]]
    assert data.texts(ax) == ["10 de 20", "10 de 10", "azar"] and "%" in data.labels(ax)[1]
    assert data.spoken(figure) == [100, 50]


def test_lesson07_summary():
    def result(task, score, interval, chance, best):
        return SimpleNamespace(
            task=task, metric="exactitud", score=score, interval=interval, chance=chance, best_baseline=best
        )

    results = [
        result("lejos", 0.75, (0.65, 0.85), 0.5, ("la más larga", 0.6)),
        result("cerca", 0.55, (0.45, 0.65), 0.5, None),
        result("debajo", 0.3, (0.2, 0.4), 0.5, None),
    ]
    figure, (ax,) = draw("lesson07.summary", results)
    drawn = [line for line in ax.lines if len(line.get_xdata())]
    assert [line.get_xdata()[0] for line in drawn if line.get_marker() == "o"] == [0.3, 0.55, 0.75]
    assert [list(line.get_xdata()) for line in drawn if line.get_linestyle() == "-"] == [
        [0.2, 0.4], [0.45, 0.65], [0.65, 0.85]
    ]  # fmt: skip
    faces = [line.get_markerfacecolor() for line in drawn if line.get_marker() == "o"]
    assert faces == [figures.BLUE, "white", figures.BLUE]  # hueco: el intervalo toca el azar
    assert [line.get_xdata()[0] for line in drawn if line.get_marker() == "X"] == [0.6]
    assert data.ticks(ax.yaxis) == [f"{name}\n(exactitud)" for name in ("debajo", "cerca", "lejos")]
    assert figure.get_label() == (
        "lejos 0,75, se aparta del azar; cerca 0,55, no se distingue del azar; debajo 0,30, se aparta del azar."
    )


def test_lesson07_curves():
    paper = {
        "updates": [100, 1000],
        "transformer": {
            "Sentimiento (SST-2)": [None, 0.5],
            "Winograd (DPRD)": [0.25, 0.375],
            "Aceptabilidad (CoLA)": [0.125, 0.75],
            "Preguntas (RACE)": [0.0625, 0.25],
        },
    }
    ours = {
        "model": "mini",
        "chance": {"sentiment": 0.5, "pronouns": 0.5},
        "fine_tuned": {
            "sentiment": 0.9,
            "pronouns": 0.55,
        },  # el segundo apenas supera al azar: no sirve de escala
        "records": [
            {"tokens": 0, "zero_shot_sentiment": 0.5, "zero_shot_pronouns": 0.5},
            {"tokens": 1000, "zero_shot_sentiment": 0.6, "zero_shot_pronouns": 0.5},
            {"tokens": 4000, "zero_shot_sentiment": 0.7, "zero_shot_pronouns": 0.75},
        ],
    }
    figure, (left, right) = draw("lesson07.curves", paper, ours)
    drawn = data.lines(left)
    assert drawn["Sentimiento (SST-2)"] == [[32_768_000], [0.5]]  # 1000 actualizaciones de 64 × 512 tokens
    assert drawn["Winograd (DPRD)"] == [[3_276_800, 32_768_000], [0.25, 0.375]]
    tasks = [line for line in right.lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] == 1000]
    assert [line.get_linestyle() for line in tasks] == ["-", "--"] and tasks[1].get_label().endswith(" *")
    assert tasks[0].get_ydata() == pytest.approx([0.25, 0.5])  # (0,7 − 0,5) / (0,9 − 0,5)
    assert tasks[1].get_ydata() == pytest.approx([0, 0.5])  # (0,75 − 0,5) / (1 − 0,5)
    assert left.get_xscale() == right.get_xscale() == "log" and data.levels(right) == [0, 1]
    assert "tokens leídos" in left.get_xlabel() and "(0 = azar)" in left.get_ylabel()
    assert data.spoken(figure)[1:] == [-2, 0.5, 0.38, 0.75, 0.25, 0.5, 0.5]  # la primera, de «SST-2»


# --- 08 ---------------------------------------------------------------------------------------------------------------


def test_lesson08_masking():
    late = [[0.5, 0.0], [0.25, 0.75]]
    figure, panels = draw("lesson08.masking", ["el", "gato"], [[1.0, 5.0], [0.0, math.log(3)]], late)
    assert data.image(panels[2]) == pytest.approx(np.array([[1, 0], [0.25, 0.75]]))
    assert data.image(panels[3]).tolist() == late
    assert data.texts(panels[1])[:4] == ["1,0", "−∞", "0,0", "1,1"]
    assert data.texts(panels[2])[4:] == ["= 1,00", "= 1,00"] and data.texts(panels[3])[4:] == [
        "= 0,50",
        "= 1,00",
    ]
    assert data.labels(panels[0])[2] == "quién mira" and data.labels(panels[0])[1] == "a quién mira"
    assert data.spoken(figure)[-2:] == [0.5, 1]


def test_lesson08_heads():
    figure, (whole, right, wrong) = draw("lesson08.heads", 2, 6, 3)
    cells = data.texts(whole)
    assert cells == ["t0"] * 6 + ["t1"] * 6
    assert data.texts(right) == [*["t0", "t0", "t1", "t1", "cabeza 1"], *["t0", "t0", "t1", "t1", "cabeza 2"],
                                 *["t0", "t0", "t1", "t1", "cabeza 3"]]  # fmt: skip
    assert data.texts(wrong) == [
        *["t0"] * 4,
        "cabeza 1",
        *["t0", "t0", "t1", "t1"],
        "cabeza 2",
        *["t1"] * 4,
        "cabeza 3",
    ]

    def strips(ax):  # de qué franja de columnas viene cada casilla, por su color
        faces = [matplotlib.colors.to_hex(patch.get_facecolor()).upper() for patch in ax.patches]
        return [figures.PALETTE.index(face) for face in faces]

    assert strips(whole) == [0, 0, 1, 1, 2, 2] * 2
    assert strips(right) == [0] * 4 + [1] * 4 + [2] * 4
    assert strips(wrong) == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]
    corners = [patch.get_xy() for patch in right.patches]
    assert corners[:5] == [(0, 0), (1, 0), (0, -1), (1, -1), (3, 0)]
    assert data.labels(wrong)[0] == "mal: view(3, 2, 2)" and data.spoken(figure) == [2, 6]


def test_lesson08_activations():
    x = np.array([-2.0, 0, 2])
    curves = {
        "tanh": np.array([-0.0454, 0, 1.9546]),
        "erf": np.array([-0.0455, 0, 1.9545]),
        "ReLU": [0, 0, 2],
    }
    inputs = np.array([[-9.0, -0.1, -0.1], [0.5, 7.0, 7.0], [0.0, 0.1, 0.9], [4.9, 2.0, -5.0]])
    figure, (left, middle, right) = draw("lesson08.activations", x, curves, inputs)
    drawn = data.lines(left)
    assert (
        drawn["ReLU"] == [[-2, 0, 2], [0, 0, 2]] and drawn["GELU exacta (erf)"][1] == curves["erf"].tolist()
    )
    assert drawn["GELU de GPT-1 (tanh)"][1] == curves["tanh"].tolist()
    assert data.lines(middle)[0][1] == pytest.approx([1, 0, 1]) and "diezmilésimas" in middle.get_ylabel()
    bars = {round(bar.get_x(), 6): bar.get_height() for bar in right.patches if bar.get_height()}
    one = 100 / 12  # cada tramo mide 0,2, y lo que se sale por un lado cuenta en el último
    assert bars == pytest.approx(
        {-5: 2 * one, -0.2: 2 * one, 0: 2 * one, 0.4: one, 0.8: one, 2: one, 4.8: 3 * one}
    )
    assert sum(bars.values()) == pytest.approx(100) and right.get_ylabel() == "% de las entradas"
    assert right.get_xlim() == (-5, 5) and data.spoken(figure) == [33]


def test_lesson08_blocks():
    figure, (ax,) = draw("lesson08.blocks")
    order = {
        side: [text.get_text() for text in sorted(ax.texts, key=lambda one: one.get_position()[1])
               if abs(text.get_position()[0] - center) < 10]
        for side, center in (("post", 25), ("pre", 75))
    }  # fmt: skip
    assert order["post"] == ["x", "atención", "+", "ln_1", "MLP", "+", "ln_2", "post-LN: GPT-1"]
    assert order["pre"] == ["x", "ln_1", "atención", "+", "ln_2", "MLP", "+", "pre-LN: GPT-2"]
    assert "ln_1, atención, suma, ln_2, MLP, suma" in figure.get_label()


def test_lesson08_race():
    falling = [4.0 - 0.1 * step for step in range(12)]
    panels = {
        "GPT-1": {"post-LN": falling, "pre-LN": [3.0] * 7 + [8.0]},
        "grande": {"post-LN": [2.0] * 5, "pre-LN": [1.0] * 6},
    }
    figure, (left, right) = draw("lesson08.race", panels, 2.85)
    steps, means = data.lines(left)["post-LN"]
    assert steps == [5, 6, 7, 8, 9, 10, 11, 12] and means == pytest.approx(
        falling[2:10]
    )  # en una recta, el de en medio
    assert data.lines(left)["pre-LN"] == [[5, 6, 7, 8], pytest.approx([3, 3, 3, 4])]
    assert data.lines(right)["post-LN"] == [[5], pytest.approx([2])] and data.levels(right) == [2.85]
    assert data.labels(left) == (
        "GPT-1", "actualizaciones", "pérdida (nats por carácter),\nmedia de 5 actualizaciones"
    )  # fmt: skip
    assert data.legend(right) == ["post-LN", "pre-LN", "solo frecuencias de letras"]
    assert "GPT-1, post-LN, 3,10; GPT-1, pre-LN, 4,00; grande, post-LN, 2,00" in figure.get_label()


def test_lesson08_positions():
    size = 16
    # a distancia g, las parejas valen 1 − g / 16, y la primera, una décima más: la media sabe cuántas hay
    table = np.array(
        [
            [1 - abs(i - j) / size + 0.1 * (min(i, j) == 0 and i != j) for j in range(size)]
            for i in range(size)
        ]
    )
    figure, (left, right) = draw("lesson08.positions", table)
    assert data.image(left).tolist() == table.tolist() and left.images[0].get_clim() == (table.min(), 1)
    gaps, means = data.lines(right)[0]
    assert gaps == list(range(1, 12))
    assert means == pytest.approx([1 - gap / size + 0.1 / (size - gap) for gap in gaps])
    assert data.labels(right)[1:] == ("distancia (tokens)", "coseno medio") and data.levels(right) == [0]
    assert data.labels(left)[1:] == ("posición", "posición")
    assert data.spoken(figure) == [16, 16, 1, 0.94, 2, 0.88, 8, 0.51]


def test_lesson08_head_scores():
    figure, (one, control) = draw(
        "lesson08.head_scores",
        {"anterior": ([[0.1, 0.2], [0.9, 0.3]], 0.25), "al azar": ([[0.02, 0.03]] * 2, 0.02)},
    )
    assert data.image(one) == pytest.approx(np.array([[0.4, 0.8], [3.6, 1.2]]))  # veces el reparto igual
    assert one.images[0].get_clim() == (1, 10) == control.images[0].get_clim()  # una sola escala
    assert data.texts(one) == ["×0,4", "×0,8", "×3,6", "×1,2"]
    assert data.frames(one, figures.RED) == [(0, 1)] and data.frames(control, figures.RED) == []
    assert data.labels(one) == ("anterior", "cabeza", "bloque")
    assert figure.axes[-1].get_ylabel() == "veces el reparto igual"
    assert data.ticks(one.yaxis) == ["1", "2"] and data.spoken(figure) == [3.6, 2, 1, 1.5, 1, 2]


def test_lesson08_silenced():
    panels = {"ceros": [[10.0, 200.0], [-1.0, 20.0]], "su media": [[5.0, 100.0], [0.0, 8.0]]}
    figure, (zeros, means) = draw("lesson08.silenced", panels)
    assert data.image(zeros).tolist() == panels["ceros"] and data.image(means).tolist() == panels["su media"]
    assert zeros.images[0].get_clim() == (0, 200) == means.images[0].get_clim()  # se comparan entre sí
    assert data.texts(zeros) == ["+10 %", "+200 %", "−1 %", "+20 %"]
    assert data.labels(zeros) == ("en su lugar, ceros", "cabeza", "bloque")
    assert data.ticks(zeros.yaxis) == ["1", "2"] and data.spoken(figure) == [2, 1, 200, 20, 2, 1, 100, 8]


def test_lesson08_lens():
    names = [["it</w>", "rain"], ["\n</w>", "the</w>"], ["rain", "s</w>"]]
    figure, (ax,) = draw("lesson08.lens", ["it</w>", "rain"], names)
    assert not ax.yaxis_inverted()  # la entrada, abajo
    assert [(text.get_position(), text.get_text()) for text in ax.texts] == [
        *(((0, 0), "it"), ((1, 0), "rain…"), ((0, 1), "↵"), ((1, 1), "the"), ((0, 2), "rain…"), ((1, 2), "s"))
    ]
    faces = [matplotlib.colors.to_hex(patch.get_facecolor()).upper() for patch in ax.patches]
    same, came, other = lesson08.SELF, lesson08.RIGHT, "#FFFFFF"
    assert faces == [same, same, other, other, came, other]  # del último no se sabe qué venía
    assert [text.get_text() for text in ax.texts if text.get_weight() == "bold"] == ["rain…"]  # el que venía
    assert data.ticks(ax.yaxis) == ["embeddings", "bloque 1", "bloque 2"]
    assert data.ticks(ax.xaxis) == ["it", "rain…"] and data.labels(ax)[1:] == (
        "token de la entrada",
        "estado que se lee",
    )
    assert data.legend(ax) == ["el mismo que acaba de leer", "el que venía"]
    assert (
        "Tras leer it, rain…: en los embeddings se lee it, rain…; tras el último bloque, rain…, s."
        in figure.get_label()
    )


def test_lesson08_depths():
    figure, (ax,) = draw("lesson08.depths", [0.99, 0.5, 0.02], [0.0, 0.1, 0.4])
    drawn = data.lines(ax)
    assert drawn["repite el que acaba de leer"] == [[0, 1, 2], [99, 50, 2]] and ax.get_ylim() == (-3, 103)
    assert drawn["acierta el que viene"] == [[0, 1, 2], pytest.approx([0, 10, 40])]
    assert data.ticks(ax.xaxis) == ["emb.", "1", "2"] and ax.get_ylabel() == "% de posiciones"
    assert data.spoken(figure) == [99, 50, 2, 0, 10, 40]


def test_lesson08_details():
    rows = [("sin máscara", 300.0), ("otra GELU", 20.05), ("sin nada", 1e9)]
    figure, (ax,) = draw("lesson08.details", rows, 20.0, 8000.0)
    (dots,) = ax.collections
    assert dots.get_offsets().tolist() == [
        [300, 0],
        [20.05, 1],
        [800_000, 2],
    ]  # cien veces a ciegas, como mucho
    assert data.texts(ax) == ["300", "20", "más de 800\u202f000"]
    colors = [matplotlib.colors.to_hex(color).upper() for color in dots.get_facecolors()]
    assert colors == [figures.RED, figures.SKY, figures.RED]  # menos de un 1 % no es daño
    assert data.legend(ax) == ["bien hecho: 20", "a ciegas: 8000"] and ax.get_xscale() == "log"
    assert data.ticks(ax.yaxis) == ["sin máscara", "otra GELU", "sin nada"] and ax.yaxis_inverted()
    assert data.spoken(figure) == [20, 300, 20, 800_000]


# --- 09 ---------------------------------------------------------------------------------------------------------------


def test_lesson09_windows():
    tokens = ["once</w>", "up", "on</w>", "a</w>", "time</w>"]
    figure, (strip, zoom) = draw("lesson09.windows", [5, 3, 4], 4, [7, 0, 6, 2], tokens)
    boxes = [(bar.get_x(), bar.get_y(), bar.get_width()) for bar in strip.patches]
    assert boxes[:3] == [(0, 0, 5), (5, 0, 3), (8, 0, 4)]
    assert boxes[3:] == [(7, 1.15, 4), (0, 1.65, 4), (6, 2.15, 4), (2, 1.15, 4)]
    assert data.texts(strip) == ["cuento 1", "cuento 2", "cuento 3"]
    assert [text.get_position()[0] for text in strip.texts] == [2.5, 6.5, 10]
    assert strip.get_xlim() == (0, 12) and strip.get_xlabel() == "posición en la tira de tokens"
    words = [text for text in data.texts(zoom) if text]
    assert words == ["once", "up…", "on", "a", "entra", "up…", "on", "a", "time", "objetivo"]
    above, below = (sorted(bar.get_x() for bar in zoom.patches if bar.get_y() == y) for y in (0, -1.6))
    assert above == below == pytest.approx([0.04, 1.04, 2.04, 3.04])
    assert data.spoken(figure) == [12, 3, 4, 4]
    assert "«once» → «up…», «up…» → «on», «on» → «a»…" in figure.get_label()


def test_lesson09_live():
    records = [
        {"step": 16, "train_loss": 5.0, "held_out_loss": 5.25},
        {"step": 32, "train_loss": 3.0, "held_out_loss": 3.5},
        {"step": 64, "train_loss": 1.0, "held_out_loss": 3.75},
    ]
    lines = {"bigrama": 3.9, "unigrama": 5.5, "trigrama": 3.8}
    figure, (ax,) = draw("lesson09.live", records, lines)
    assert data.lines(ax)["cuentos de entrenamiento"] == [[0, 1, 2], [5, 3, 1]]
    assert data.lines(ax)["cuentos apartados"] == [[0, 1, 2], [5.25, 3.5, 3.75]]
    assert data.levels(ax) == [5.5, 3.9, 3.8] and data.texts(ax) == ["unigrama", "bigrama", "trigrama"]
    heights = [text.get_position()[1] for text in ax.texts]
    assert heights == pytest.approx([5.5, 3.9, 3.71])  # casi a la misma altura: el segundo nombre se baja
    assert data.ticks(ax.xaxis) == ["16", "32", "64"] and ax.get_ylabel() == "pérdida (nats por token)"
    assert data.spoken(figure) == [5.25, 1, 3.75, 3.9, 5.5, 3.8]


def test_lesson09_perplexities():
    figure, (ax,) = draw(
        "lesson09.perplexities", [("unigrama", 400.0, 350.0, 450.0), ("mini", 25.5, 24.0, 27.0)]
    )
    assert [bar.lines[0].get_xdata().tolist() for bar in ax.containers] == [[400], [25.5]]
    assert data.ticks(ax.yaxis) == ["unigrama", "mini"] and data.texts(ax) == ["400", "25,5"]
    assert ax.get_xscale() == "log" and data.spoken(figure) == [400, 350, 450, 25.5, 24, 27]


def test_lesson09_units():
    figure, (left, right) = draw("lesson09.units", [("palabras", 90.0, 1.25), ("letras", 2.5, 1.5)])
    assert [end for *_, end in data.rows(left)] == [90, 2.5] and [end for *_, end in data.rows(right)] == [
        1.25,
        1.5,
    ]
    assert data.texts(left) == ["90,0", "2,5"] and data.texts(right) == ["1,25", "1,50"]
    assert "En perplejidad gana letras; en bits por byte, palabras." in figure.get_label()


def test_lesson09_stability():
    figure, (ax,) = draw("lesson09.stability", {"0,002": [4.0] * 10 + [3.0] * 10}, 5.5)
    steps, means = data.lines(ax)["0,002"]
    assert (steps[0], steps[-1]) == (1, 20) and means[9:15] == pytest.approx([4, 3.9, 3.8, 3.7, 3.6, 3.5])
    assert means[:3] == pytest.approx([4, 4, 4])  # al principio, la media de los que haya
    assert data.levels(ax) == [5.5] and "nats por token" in data.labels(ax)[2]
    assert data.spoken(figure)[1:] == [3, 5.5]


def test_lesson09_history():
    records = [
        {"tokens": 200_000, "train_loss": 6.0, "held_out_loss": 6.25},
        {"tokens": 9_000_000, "train_loss": 4.5, "held_out_loss": 4.25},
        {"tokens": 10_000_000, "train_loss": 4.25, "held_out_loss": 4.125},
        {"tokens": 11_000_000, "train_loss": None, "held_out_loss": 4.375},
        {"tokens": 20_000_000, "train_loss": 4.0, "held_out_loss": 4.0},
        {"tokens": 32_800_000, "train_loss": 3.0, "held_out_loss": 3.5},
    ]
    rates = [(10_000_000, 0.0), (11_000_000, 1e-3), (32_800_000, 0.0)]
    figure, (whole, zoom, rate) = draw("lesson09.history", records, 10_000_000, rates)
    assert data.lines(whole)["libros apartados"][1] == [6.25, 4.25, 4.125, 4.375, 4, 3.5]
    assert data.lines(whole)["libros de entrenamiento"][1] == [6, 4.5, 4.25, 4, 3]
    # en la ampliación, las dos etapas no se unen: se midieron con otras ventanas
    parts = [line.get_ydata().tolist() for line in zoom.lines[:4]]
    assert parts == [[4.5, 4.25], [4, 3], [4.25, 4.125], [4.375, 4, 3.5]]
    assert [line.get_alpha() for line in zoom.lines[:4]] == [0.4, 1, 0.4, 1]
    assert zoom.get_xscale() == "linear" and whole.get_xscale() == "log"
    outline = rate.collections[0].get_paths()[0].vertices
    assert outline[:, 1].max() == 1 and data.written(rate.xaxis, 2e7) == "20 M"
    assert data.labels(whole)[1:] == ("tokens leídos (escala logarítmica)", "pérdida (nats por token)")
    assert data.spoken(figure) == [6.25, 3.5, 200, 32.8, 10, 4.38]


def test_lesson09_milestones():
    records = [
        {"tokens": 262_144, "text": "the old\nman"}, {"tokens": 71_806_976, "text": "the old man " + 20 * "sat "}
    ]  # fmt: skip
    figure, (ax,) = draw("lesson09.milestones", records)
    assert data.texts(ax)[:2] == ["262 mil", "the old ↵ man"] and data.texts(ax)[2] == "71,8 M"
    assert data.texts(ax)[3].split() == records[1]["text"].split() and "\n" in data.texts(ax)[3]
    first, second = ax.patches
    assert first.get_y() + first.get_height() < second.get_y()  # no se pisan
    assert all(record["text"].strip().replace("\n", " ↵ ") in figure.get_label() for record in records)


def test_lesson09_scale():
    def run(layers, width, parameters, losses):
        records = [
            {"tokens": 10**power, "held_out_loss": loss} for power, loss in zip((5, 6), losses, strict=True)
        ]
        start = {"tokens": 0, "held_out_loss": 9.0}
        return {"n_layer": layers, "n_embd": width, "parameters": parameters, "records": [start, *records]}

    runs = [run(4, 256, 5_300_000, [5.0, 3.5]), run(2, 64, 640_000, [6.0, 4.5])]
    figure, (left, right) = draw("lesson09.scale", runs)
    assert data.lines(left) == {
        "2 × 64: 0,64 M": [[10**5, 10**6], [6, 4.5]], "4 × 256: 5,3 M": [[10**5, 10**6], [5, 3.5]]
    }  # fmt: skip
    assert list(data.lines(right).values()) == [
        [[640_000], [4.5]], [[5_300_000], [3.5]], [[640_000, 5_300_000], [4.5, 3.5]]
    ]  # fmt: skip
    assert data.ticks(right.xaxis) == ["0,64 M", "5,3 M"] and left.get_xscale() == right.get_xscale() == "log"
    assert data.labels(left)[2] == data.labels(right)[2] == "pérdida en lo apartado\n(nats por token)"
    assert data.labels(left)[0].startswith("Varios tamaños")
    assert data.spoken(figure) == [2, 64, 0.64, 4.5, 1, 4, 256, 5.3, 3.5, 1]


# --- 10 ---------------------------------------------------------------------------------------------------------------


def test_lesson10_results():
    table = [
        {"name": "Gana", "metric": "F1", "prior": 60.0, "gpt1": 65.5},
        {"name": "Pierde", "metric": "acc", "prior": 61.7, "gpt1": 56.0},
    ]
    figure, (ax,) = draw("lesson10.results", table)
    assert data.ticks(ax.yaxis) == ["Pierde · acc", "Gana · F1"]
    assert [points[0] for points in data.lines(ax).values()] == [[61.7, 56.0], [60.0, 65.5]]
    assert data.texts(ax)[:2] == ["−5,7", "+5,5"] and "1 de 2 conjuntos" in data.labels(ax)[0]
    assert data.spoken(figure) == [65.5, 60, 5.5, 56, 61.7, -5.7]


def test_lesson10_ablations():
    table = {
        "columns": ["Media", "QQP", "RTE"],
        "rows": [
            {"method": "Transformer con objetivo auxiliar", "values": [65.0, 70.5, 60.0]},
            {"method": "Transformer sin objetivo auxiliar", "values": [66.0, 68.0, 60.5]},
        ],
    }
    figure, (left, right) = draw("lesson10.ablations", table, {"QQP": 364_000, "RTE": 2_500})
    assert [end for *_, end in data.rows(left)] == [65, 66] and data.texts(left) == ["65,0", "66,0"]
    assert data.ticks(left.yaxis)[0] == "Transformer\ncon objetivo auxiliar" and left.get_xlabel().endswith(
        "(puntos)"
    )
    assert [start + end for _, start, end in data.rows(right)] == pytest.approx([-0.5, 2.5])
    assert data.ticks(right.yaxis) == ["RTE · 2,5 mil", "QQP · 364 mil"] and data.texts(right) == [
        "−0,5",
        "+2,5",
    ]
    assert "(puntos)" in right.get_xlabel() and right.yaxis_inverted()
    assert data.spoken(figure) == [66, 65, -0.5, 2.5]


def test_lesson10_beside():
    ours = {"uno": (24.0, 10.0, 38.5), "dos": (-1.0, -6.0, 4.0)}
    figure, (ax,) = draw("lesson10.beside", ours, {"suyo": 14.8})
    assert data.ticks(ax.yaxis) == ["uno", "dos", "suyo"] and data.texts(ax) == ["+24,0", "−1,0", "+14,8"]
    bars = [group.lines[2][0].get_segments()[0][:, 0].tolist() for group in ax.containers]
    assert bars == [[10, 38.5], [-6, 4]]
    assert [group.lines[0].get_color() for group in ax.containers] == [figures.BLUE, figures.GRAY]
    assert "(puntos)" in ax.get_xlabel() and ax.yaxis_inverted()
    assert data.spoken(figure)[-7:] == [24, 10, 38.5, -1, -6, 4, 14.8]


def test_lesson10_transfer():
    read = {"layers": list(range(14)), "mnli_dev": list(range(60, 74)), "race_dev": list(range(40, 54))}
    figure, (left, right) = draw("lesson10.transfer", {0: [50, 54], 1: [60, 70]}, read)
    assert data.lines(left)["media"] == [[0, 1], [52, 65]]
    assert [points[1] for points in data.lines(right).values()] == [read["mnli_dev"], read["race_dev"]]
    assert data.texts(right) == ["MultiNLI", "RACE"] and left.get_ylabel() == "exactitud en test (%)"
    assert data.spoken(figure)[1:5] == [0, 52, 1, 65] and data.spoken(figure)[-4:] == [60, 73, 40, 53]


def test_lesson10_orders():
    figure, (ax,) = draw("lesson10.orders", [0.25, 0.5, 0.5, 0.75], 0.5)
    assert data.bars(ax) == [(0.25, 25), (0.5, 50), (0.75, 25)]
    assert [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [
        figures.SKY, figures.ORANGE, figures.ORANGE
    ]  # fmt: skip
    assert "el 75 %" in data.labels(ax)[0] and data.spoken(figure) == [4, 75, 0.5, 5]


def test_lesson10_panorama():
    claims = [
        {"id": "a", "part": "§1", "status": "sí"},
        {"id": "b", "part": "§1", "status": "no"},
        {"id": "c", "part": "§2", "status": "no"},
    ]
    figure, (ax,) = draw(
        "lesson10.panorama", claims, {"no": "#D55E00", "sí": "#009E73"}, {"a": "sí", "b": "sí", "c": None}
    )
    placed = [
        (patch.get_x(), matplotlib.colors.to_hex(patch.get_facecolor()).upper()) for patch in ax.patches
    ]
    assert placed == [(0.06, "#D55E00"), (1.06, "#009E73"), (0.06, "#D55E00")]
    assert data.texts(ax) == ["≠", "✓"] and data.ticks(ax.yaxis) == ["§1", "§2"]
    assert data.legend(ax) == ["no (2)", "sí (1)"] and data.spoken(figure) == [3, 2, 1, 2, 1]


# --- con un modelo mayor caben más cabezas y tokens más largos, y nada se pisa ---------------------------------------

LONG = [
    "unfortunately</w>",
    "straightforward</w>",
    "responsibility</w>",
    "and</w>",
    ".</w>",
    "embarrassment</w>",
]
SHORT = [".</w>", "and</w>", "she</w>", "the</w>", '"</w>', "said</w>"]


def boxes(texts):
    texts[0].figure.draw_without_rendering()
    return [text.get_window_extent() for text in texts]


@pytest.mark.parametrize(("names", "angle"), [(SHORT * 2, 0), (LONG * 2, 30)], ids=["cortos", "largos"])
def test_long_tokens_are_slanted_and_short_ones_are_not(names, angle):
    _, (_, right) = draw("lesson05.draws", {".</w>": 10}, names, range(len(names)), range(len(names)), 100)
    assert {label.get_rotation() for label in right.get_xticklabels()} == {angle}


@pytest.mark.parametrize(("heads", "shown"), [(4, "1 2 3 4"), (12, "2 4 6 8 10 12")])
def test_head_numbers_do_not_touch(heads, shown):
    panels = {f"cosa {n}": (np.full((heads, heads), 0.1), 0.1) for n in range(6)}
    _, axes = draw("lesson08.head_scores", panels)
    for ax in axes:
        labels = ax.get_xticklabels()
        assert " ".join(label.get_text() for label in labels) == shown
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes(labels)))


def test_a_long_token_stays_in_its_cell():
    tokens = (LONG * 2)[:11]
    _, (ax,) = draw("lesson08.lens", tokens, [tokens] * 13)
    widths = [box.width for box in boxes(ax.texts)]
    assert max(widths) < 1.02 * ax.get_window_extent().width / len(tokens)
