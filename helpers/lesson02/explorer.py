"""El explorador de la lección 02: capas, anchura, vocabulario… y lo que salen de parámetros, memoria y cálculo.

La verdad es `costs`; el guion solo multiplica y suma. Lo que mide un bloque lo pone la función que se le pasa.
"""

from collections.abc import Callable

from IPython.display import HTML
from transformers import PretrainedConfig

from helpers import explorers
from helpers.spanish import number

WIDTHS = list(range(64, 2049, 64))
VOCABULARIES = [256, 8192, 40478, 50257, 100_000, 200_000]
POSITIONS = [128, 256, 512, 1024, 2048]
START = {"n_layer": 12, "n_embd": 768, "vocab_size": 40478, "n_positions": 512}
HEADS = 12


def costs(block: Callable[[int], int], n_layer: int, n_embd: int, vocab_size: int, n_positions: int) -> dict:
    """Parámetros de cada parte, bytes por uso y FLOPs por token (con el contexto lleno) de un modelo así.

    `block` da los parámetros de un bloque de la anchura que se le pida. Los FLOPs cuentan dos por parámetro de los
    bloques, también los pocos que no están en una matriz.
    """
    tokens, positions, blocks = vocab_size * n_embd, n_positions * n_embd, n_layer * int(block(n_embd))
    total = tokens + positions + blocks
    looking = 4 * n_layer * n_positions * n_embd
    return {
        "tokens": tokens, "posiciones": positions, "bloques": blocks, "total": total,
        "fp32": 4 * total, "fp16": 2 * total, "adam": 16 * total,
        "flops": 2 * (blocks + tokens) + looking, "looking": looking,
    }  # fmt: skip


def explorer(
    block: Callable[[int], int], known: dict[str, PretrainedConfig], ident: str = "explorador"
) -> HTML:
    """El explorador, con las fichas `known` (nombre → configuración) como marcas para comparar."""
    marks = {
        name: costs(block, one.n_layer, one.n_embd, one.vocab_size, one.n_positions)["total"]
        for name, one in known.items()
    }
    found = costs(block, **START)
    rows = {name: found[name] for name in ("tokens", "posiciones", "bloques")}
    rows |= {"el tuyo": found["total"], **marks}
    body = "".join(_row(name, size, max(rows.values())) for name, size in rows.items())
    static = (
        f'<p class="estado" role="status" aria-live="polite">{_status(found)}</p>\n'
        "<table><caption>Parámetros: las tres partes de tu modelo, el total y otros tres para comparar</caption>\n"
        '<thead><tr><th scope="col">parte o modelo</th><th scope="col">millones</th><th scope="col">barra</th></tr>'
        f"</thead>\n<tbody>{body}</tbody></table>"
    )
    data = {
        "widths": WIDTHS, "blocks": [int(block(width)) for width in WIDTHS], "vocabularies": VOCABULARIES,
        "positions": POSITIONS, "marks": list(marks.values()),
    }  # fmt: skip
    return explorers.page(ident, data, static, _SCRIPT)


def _short(value: float, least: int = 0) -> str:
    """`value` con los decimales que hacen falta para que lo pequeño no se lea 0; los grandes llevan `least`."""
    return number(value, 3 if value < 1 else 2 if value < 10 else max(least, 1) if value < 100 else least)


def _size(size: float) -> str:
    """Bytes en MB o, desde mil, en GB: como los cuenta la lección."""
    return f"{_short(size / 1e9)} GB" if size >= 1e9 else f"{_short(size / 1e6)} MB"


def _row(name: str, size: int, longest: int) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{100 * size / longest:.1f}%"></span>'
    return f'<tr><th scope="row">{name}</th><td class="p">{_short(size / 1e6, 1)}</td><td>{bar}</td></tr>'


def _status(found: dict) -> str:
    fp32, fp16, adam = (_size(found[key]) for key in ("fp32", "fp16", "adam"))
    share = number(100 * found["looking"] / found["flops"], 1)
    return (
        f"Memoria: {fp32} en fp32, {fp16} en fp16 y {adam} para entrenar con Adam. "
        f"Cálculo: {_short(found['flops'] / 1e6)} millones de FLOPs por token; de ellos, "
        f"{_short(found['looking'] / 1e6)} en mirar al contexto (el {share} %). "
        f"Cada cabeza trabaja con {START['n_embd'] // HEADS} números."
    )


_SCRIPT = """\
  const grouped = (x) => (x < 1e4 ? `${x}` : `${x}`.replace(/\\B(?=(\\d{3})+$)/g, "\\u202f"));
  const short = (x, least = 0) => text(x, x < 1 ? 3 : x < 10 ? 2 : x < 100 ? Math.max(least, 1) : least);
  const size = (x) => (x < 1e9 ? `${short(x / 1e6)} MB` : `${short(x / 1e9)} GB`);
  const pick = (key, label, values, start) => {
    const input = slider(key, label,
      { min: 0, max: values.length - 1, start: values.indexOf(start), told: (x) => grouped(values[x]) });
    return () => values[+input.value];
  };
  const layers = slider("l", "capas (n_layer)", { min: 1, max: 48, start: 12 });
  const width = pick("d", "anchura (n_embd)", data.widths, 768);
  const vocabulary = pick("v", "vocabulario (vocab_size)", data.vocabularies, 40478);
  const positions = pick("p", "posiciones (n_positions)", data.positions, 512);
  const heads = slider("h", "cabezas (n_head)", { min: 1, max: 32, start: 12 });

  function draw() {
    const L = +layers.value, d = width(), T = positions(), h = +heads.value;
    const parts = [vocabulary() * d, T * d, L * data.blocks[data.widths.indexOf(d)]];
    const total = parts.reduce((a, b) => a + b);
    const looking = 4 * L * T * d;
    const flops = 2 * (parts[0] + parts[2]) + looking;
    const sizes = [...parts, total, ...data.marks];
    const longest = Math.max(...sizes);
    root.querySelectorAll("tbody tr").forEach((row, i) => {
      row.querySelector(".p").textContent = short(sizes[i] / 1e6, 1);
      row.querySelector(".barra").style.width = ((100 * sizes[i]) / longest).toFixed(1) + "%";
    });
    const [fp32, fp16, adam] = [4, 2, 16].map((each) => size(each * total));
    root.querySelector(".estado").textContent =
      `Memoria: ${fp32} en fp32, ${fp16} en fp16 y ${adam} para entrenar con Adam. ` +
      `Cálculo: ${short(flops / 1e6)} millones de FLOPs por token; de ellos, ${short(looking / 1e6)} ` +
      `en mirar al contexto (el ${text((100 * looking) / flops, 1)} %). ` +
      (d % h ? `${d} números no se reparten entre ${h} cabezas: este modelo no se puede construir.`
             : `Cada cabeza trabaja con ${d / h} números.`);
  }
"""
