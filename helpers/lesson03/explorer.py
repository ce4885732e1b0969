"""El explorador del BPE de la lección 03, fusión a fusión (qué es un explorador, en `helpers.explorers`).

La verdad es `tokens`, con el BPE de la lección. Corta las palabras por espacios y signos, sin ftfy ni spaCy, que no
caben en una página.
"""

import html
import re
import unicodedata

from IPython.display import HTML

from helpers import explorers
from helpers.lesson03.exercises import merge_pair
from helpers.spanish import number
from helpers.tokenizer import END_OF_WORD

READERS = {"Con acentos": False, "Sin acentos": True}
LONGEST = 80  # letras que se pueden escribir


def tokens(
    line: str, ranks: dict[tuple[str, str], int], bare: bool = False, limit: int | None = None
) -> list[str]:
    """Las piezas de `line` con las fusiones de puesto menor que `limit` (todas si es `None`); `bare` quita acentos."""
    line = unicodedata.normalize("NFD" if bare else "NFC", line.lower())
    if bare:
        line = "".join(letter for letter in line if unicodedata.category(letter) != "Mn")
    pieces = []
    for word in re.findall(r"[^\W_]+|\S", line):
        symbols = [*word[:-1], word[-1] + END_OF_WORD]
        while known := [
            pair
            for pair in zip(symbols, symbols[1:], strict=False)
            if pair in ranks and (limit is None or ranks[pair] < limit)
        ]:
            symbols = merge_pair(symbols, min(known, key=ranks.get))
        pieces += symbols
    return pieces


def explorer(line: str, ranks: dict[tuple[str, str], int], vocab: dict[str, int], ident: str = "bpe") -> HTML:
    """El explorador con las fusiones `ranks` y el vocabulario `vocab`; al abrirlo, `line` está troceada del todo."""
    merged = {"".join(pair) for pair in ranks}
    data = {
        "line": line,
        "longest": LONGEST,
        "merges": "\n".join(map(" ".join, ranks)),
        "letters": [piece for piece in vocab if piece not in merged],
    }
    rows = "".join(_row(name, tokens(line, ranks, bare), vocab) for name, bare in READERS.items())
    static = (
        f"<style>{_STYLE.replace('%ID%', html.escape(ident))}</style>\n{rows}"
        f'<p class="estado" role="status" aria-live="polite">Con las {number(len(ranks))} fusiones de gpt1-mini.</p>'
    )
    return explorers.page(ident, data, static, _SCRIPT)


def _row(name, pieces, vocab):
    spans = "".join(_piece(piece if piece in vocab else "<unk>") for piece in pieces)
    return f'<p class="lectura">{_title(name, pieces)}</p>\n<p class="piezas">{spans}</p>\n'


def _title(name, pieces):
    read = "".join(pieces).replace(END_OF_WORD, " ").strip()
    return f"{name}: {len(pieces)} token{'s' * (len(pieces) != 1)} · se lee «{html.escape(read)}»"


def _piece(piece):
    inside = html.escape(piece.removesuffix(END_OF_WORD))
    mark = f"<small>{html.escape(END_OF_WORD)}</small>" if piece.endswith(END_OF_WORD) else ""
    return f'<span class="pieza">{inside}{mark}</span>'


_STYLE = """
#%ID% .piezas { margin: .2rem 0 .8rem; line-height: 2.1; overflow-wrap: anywhere }
#%ID% .lectura { margin: .4rem 0 0 }
#%ID% .pieza { display: inline-block; border: 1px solid currentColor; border-radius: 4px; padding: 0 .3rem;
  margin-right: 2px; font-family: monospace; line-height: 1.6 }
#%ID% .pieza:has(small) { margin-right: .6rem }
#%ID% .pieza small { opacity: .75; font-size: .75em }
#%ID% .pieza.nueva { border: 2px solid #D55E00; font-weight: bold }
"""

_SCRIPT = """\
  const END = "</w>";
  const merges = data.merges.split("\\n");
  const ranks = new Map(merges.map((pair, rank) => [pair, rank]));
  const known = new Set([...data.letters, ...merges.map((pair) => pair.replace(" ", ""))]);
  const shown = [...root.querySelectorAll(".lectura")].map((title) => [title, title.nextElementSibling]);
  const names = shown.map(([title]) => title.textContent.split(":")[0]);
  const line = field("t", "escribe aquí", data.line);
  const done = slider("f", "fusiones hechas", { min: 0, max: 1, start: 1 });
  line.maxLength = data.longest;
  let before, used; // la última línea y los puestos de las fusiones que le sirven, de menor a mayor

  function words(text, bare) {
    text = text.toLowerCase().normalize(bare ? "NFD" : "NFC");
    return (bare ? text.replace(/\\p{Mn}/gu, "") : text).match(/[\\p{L}\\p{N}]+|\\S/gu) ?? [];
  }

  // Como la lección: mientras haya parejas conocidas, se funde la de menor puesto en toda la palabra.
  function bpe(word, limit, apply = () => {}) {
    let symbols = [...word];
    symbols.push(symbols.pop() + END);
    for (;;) {
      const pairs = symbols.slice(1).map((right, i) => ranks.get(symbols[i] + " " + right) ?? Infinity);
      const best = Math.min(...pairs);
      if (!(best < limit)) return symbols;
      apply(best);
      const pair = merges[best].split(" ");
      const merged = [];
      for (let i = 0; i < symbols.length; i++) {
        const here = symbols[i] === pair[0] && symbols[i + 1] === pair[1];
        merged.push(here ? pair.join("") : symbols[i]);
        if (here) i++;
      }
      symbols = merged;
    }
  }

  const tokens = (bare, limit, apply) => words(line.value, bare).flatMap((word) => bpe(word, limit, apply));

  function element(tag, text, kind = "") {
    return Object.assign(document.createElement(tag), { textContent: text, className: kind });
  }

  function draw() {
    if (line.value !== before) {
      before = line.value;
      const every = new Set();
      [false, true].forEach((bare) => tokens(bare, merges.length, (rank) => every.add(rank)));
      used = [...every].sort((a, b) => a - b);
      done.max = used.length; // antes que el valor, que no puede pasarlo
      done.value = used.length;
      done.dispatchEvent(new Event("input")); // escribe su valor y vuelve a dibujar
      return;
    }
    const last = used[+done.value - 1];
    const pair = last === undefined ? [] : merges[last].split(" ");
    [false, true].forEach((bare, i) => {
      const pieces = tokens(bare, last === undefined ? 0 : last + 1);
      const read = pieces.join("").replaceAll(END, " ").trim();
      const count = `${pieces.length} token${pieces.length === 1 ? "" : "s"}`;
      shown[i][0].textContent = `${names[i]}: ${count} · se lee «${read}»`;
      shown[i][1].replaceChildren(...pieces.map((piece) => {
        const name = known.has(piece) ? piece : "<unk>";
        const box = element("span", name.replace(END, ""), "pieza");
        if (name.endsWith(END)) box.append(element("small", END));
        if (pair.length && piece === pair.join("")) box.classList.add("nueva");
        return box;
      }));
    });
    root.querySelector(".estado").textContent = last === undefined
      ? `Letras sueltas, con la marca ${END} en la última. Mueve el deslizador a la derecha.`
      : `Fusión ${done.value} de ${used.length}: ${pair.join(" + ")} → ${pair.join("")}, ` +
        `la n.º ${last + 1} de las ${merges.length} de gpt1-mini.`;
  }
"""
