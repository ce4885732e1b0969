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
    tokens, positions, blocks = vocab_size * n_embd, n_positions * n_embd, n_layer * block(n_embd)
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
        "widths": WIDTHS, "blocks": [block(width) for width in WIDTHS], "vocabularies": VOCABULARIES,
        "positions": POSITIONS, "marks": list(marks.values()),
    }  # fmt: skip
    return explorers.page(ident, data, static, _SCRIPT)


def _row(name: str, size: int, longest: int) -> str:
    bar = f'<span class="barra" aria-hidden="true" style="width:{100 * size / longest:.1f}%"></span>'
    return f'<tr><th scope="row">{name}</th><td class="p">{number(size / 1e6, 1)}</td><td>{bar}</td></tr>'


def _status(found: dict) -> str:
    fp32, fp16, adam = (number(found[key] / 1e9, 2) for key in ("fp32", "fp16", "adam"))
    share = number(100 * found["looking"] / found["flops"], 1)
    return (
        f"Memoria: {fp32} GB en fp32, {fp16} en fp16 y {adam} para entrenar con Adam. "
        f"Cálculo: {number(found['flops'] / 1e6)} millones de FLOPs por token, el {share} % en mirar al contexto. "
        f"Cada cabeza trabaja con {START['n_embd'] // HEADS} números."
    )


_SCRIPT = """\
  const grouped = (x) => (x < 1e4 ? `${x}` : `${x}`.replace(/\\B(?=(\\d{3})+$)/g, "\\u202f"));
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
      row.querySelector(".p").textContent = text(sizes[i] / 1e6, 1);
      row.querySelector(".barra").style.width = ((100 * sizes[i]) / longest).toFixed(1) + "%";
    });
    const [fp32, fp16, adam] = [4, 2, 16].map((each) => text((each * total) / 1e9, 2));
    root.querySelector(".estado").textContent =
      `Memoria: ${fp32} GB en fp32, ${fp16} en fp16 y ${adam} para entrenar con Adam. ` +
      `Cálculo: ${text(flops / 1e6)} millones de FLOPs por token, el ${text((100 * looking) / flops, 1)} % ` +
      "en mirar al contexto. " +
      (d % h ? `${d} números no se reparten entre ${h} cabezas: este modelo no se puede construir.`
             : `Cada cabeza trabaja con ${d / h} números.`);
  }
"""
