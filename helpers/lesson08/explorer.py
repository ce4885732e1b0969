"""El explorador de la lección 08: a quién mira cada token, cabeza a cabeza, en las frases que se le den.

La verdad es `looked`. Qué es un explorador y qué tienen todos, en `helpers.explorers`.
"""

import html

import torch
from IPython.display import HTML

from helpers import explorers
from helpers.figures import readable
from helpers.spanish import number

ROWS = 5  # de los tokens que mira, cuántos salen en la tabla
LONGEST = 40  # tokens: con más, ni la frase se lee de un vistazo ni la página es pequeña
TITLE = 26  # letras de cada frase en la lista


def looked(weights: torch.Tensor, place: int) -> list[tuple[int, float]]:
    """De los pesos [T, T] de una cabeza: [(posición, atención)] de lo que más mira el token `place`, en orden."""
    row = weights[place, : place + 1]
    order = row.argsort(descending=True, stable=True)[:ROWS]
    return [(int(index), float(row[index])) for index in order]


def explorer(
    sentences: list[tuple[list[str], torch.Tensor]],
    layer: int = 0,
    head: int = 0,
    place: int | None = None,
    ident: str = "atencion",
) -> HTML:
    """El explorador de varias frases: de cada una, sus T tokens y sus pesos de atención [bloques, cabezas, T, T].

    Empieza en la primera, con el bloque y la cabeza que se digan (desde 0) y el token `place` (si no, el penúltimo: el
    último suele ser un punto). Lanza `ValueError` si las formas no casan o una frase pasa de `LONGEST` tokens.
    """
    layers, heads = sentences[0][1].shape[:2]
    shown = []
    for tokens, weights in sentences:
        if weights.shape != (layers, heads, len(tokens), len(tokens)):
            raise ValueError(
                f"Los pesos tienen forma {list(weights.shape)} y deberían medir "
                f"{[layers, heads, len(tokens), len(tokens)]}: bloques, cabezas, tokens y tokens."
            )
        if len(tokens) > LONGEST:
            raise ValueError(f"La frase tiene {len(tokens)} tokens y caben {LONGEST}: acórtala.")
        rows, columns = torch.tril_indices(len(tokens), len(tokens))
        names = [readable(token) for token in tokens]
        title = " ".join(names)
        shown.append(
            {
                "title": title if len(title) <= TITLE else f"{title[: TITLE - 1].rstrip()}…",
                "tokens": names,
                "weights": explorers.packed(weights.detach().cpu()[..., rows, columns]),
            }
        )
    names, weights = shown[0]["tokens"], sentences[0][1][layer, head].detach().float().cpu()
    place = max(0, len(names) - 2) if place is None else place
    start = {"layer": layer, "head": head, "place": place}
    data = {"sentences": shown, "layers": layers, "heads": heads, "start": start, "rows": ROWS}
    found = looked(weights, place)
    body = "".join(_row(names, *one) for one in found) + _row(names, None, 0.0) * (ROWS - len(found))
    static = (
        f'<p class="frase">{_sentence(names, weights, place)}</p>\n'
        f'<p class="estado" role="status" aria-live="polite">{_status(names, layer, head, place, found)}</p>\n'
        f"<table><caption>Lo que más mira, hasta {ROWS} tokens</caption>\n"
        '<thead><tr><th scope="col">token</th><th scope="col">atención</th><th scope="col">barra</th></tr></thead>\n'
        f"<tbody>{body}</tbody></table>"
    )
    return explorers.page(
        ident, data, f"<style>{_STYLE.replace('%ID%', html.escape(ident))}</style>\n{static}", _SCRIPT
    )


def _sentence(names, weights, place) -> str:
    spans = []
    for index, name in enumerate(names):
        kind = ' class="mira"' if index == place else ' class="tapado"' if index > place else ""
        weight = float(weights[place, index]) if index <= place else 0.0
        spans.append(
            f'<span{kind} style="background:rgba(0,114,178,{weight:.3f})">{html.escape(name)}</span>'
        )
    return " ".join(spans)


def _row(names, index, weight) -> str:
    name = "" if index is None else f"{html.escape(names[index])} ({index + 1})"
    told = "" if index is None else number(weight, 3)
    bar = f'<span class="barra" aria-hidden="true" style="width:{100 * weight:.1f}%"></span>'
    return f'<tr><th scope="row">{name}</th><td class="p">{told}</td><td class="b">{bar}</td></tr>'


def _status(names, layer, head, place, found) -> str:
    most, equal = found[0][0], number(1 / (place + 1), 3)
    return (
        f"Bloque {layer + 1}, cabeza {head + 1}: «{html.escape(names[place])}» ({place + 1}) mira sobre todo a "
        f"«{html.escape(names[most])}» ({most + 1}). A partes iguales serían {equal}."
    )


_STYLE = """\
#%ID% .frase { line-height: 2 }
#%ID% .frase span { padding: .15rem .2rem; border-radius: 3px }
#%ID% .frase .mira { outline: 2px solid currentColor; font-weight: bold }
#%ID% .frase .tapado { opacity: .45 }
"""

_SCRIPT = """\
  const packs = data.sentences.map((one) => unpack(one.weights));
  const sentence = choice("f", "1. frase", data.sentences.map((one) => one.title));
  const layer = slider("b", "2. bloque", { min: 1, max: data.layers, start: data.start.layer + 1 });
  const head = slider("c", "3. cabeza", { min: 1, max: data.heads, start: data.start.head + 1 });
  const names = () => data.sentences[+sentence.value].tokens;
  const looking = slider("t", "4. token que mira",
    { min: 1, max: names().length, start: data.start.place + 1, told: (x) => names()[x - 1] ?? "" });
  let drawn = 0;

  function draw() {
    const tokens = names(), size = (tokens.length * (tokens.length + 1)) / 2;
    if (drawn !== +sentence.value) { // otra frase: el mando llega hasta su último token
      drawn = +sentence.value;
      looking.max = tokens.length;
      looking.value = tokens.length;
      looking.dispatchEvent(new Event("input"));
      return;
    }
    const place = +looking.value - 1;
    const from = ((+layer.value - 1) * data.heads + (+head.value - 1)) * size + (place * (place + 1)) / 2;
    const row = packs[drawn].slice(from, from + place + 1);
    root.querySelector(".frase").replaceChildren(...tokens.flatMap((name, i) => {
      const span = document.createElement("span");
      span.textContent = name;
      span.className = i === place ? "mira" : i > place ? "tapado" : "";
      span.style.background = `rgba(0,114,178,${(row[i] ?? 0).toFixed(3)})`;
      return [span, " "];
    }));
    const found = row.map((p, i) => [p, i]).sort((a, b) => b[0] - a[0]).slice(0, data.rows);
    root.querySelectorAll("tbody tr").forEach((line, i) => {
      const [p, index] = found[i] ?? [0, -1];
      line.querySelector("th").textContent = index < 0 ? "" : `${tokens[index]} (${index + 1})`;
      line.querySelector(".p").textContent = index < 0 ? "" : text(p, 3);
      line.querySelector(".barra").style.width = (100 * p).toFixed(1) + "%";
    });
    const most = found[0][1];
    root.querySelector(".estado").textContent =
      `Bloque ${layer.value}, cabeza ${head.value}: «${tokens[place]}» (${place + 1}) mira sobre todo a ` +
      `«${tokens[most]}» (${most + 1}). A partes iguales serían ${text(1 / (place + 1), 3)}.`;
  }
"""
