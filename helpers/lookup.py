"""El buscador de las páginas de consulta: fichas de HTML que se filtran según se escribe.

Es una página de las de `helpers.explorers`: no necesita núcleo ni red. Sin JavaScript, las fichas están en un
desplegable. Los enlaces son HTML fijo, que es como JupyterLab sabe seguirlos.
"""

import html
import re
from dataclasses import dataclass

from IPython.display import HTML

from helpers import explorers

INLINE = (  # lo poco de Markdown que llevan los textos
    (re.compile(r"<!--.*?-->"), ""),
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*(.+?)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*(.+?)\*"), r"<em>\1</em>"),
)


@dataclass(frozen=True)
class Card:
    """Una ficha: su título, su texto (los dos, en Markdown), su clase y el enlace, `(dirección, cómo se lee)`."""

    title: str
    text: str
    kind: str
    link: tuple[str, str]


def inline(markdown: str) -> str:
    """Un texto de una línea, en HTML."""
    (comment, nothing), *marks = INLINE
    written = html.escape(comment.sub(nothing, markdown), quote=False)
    for form, tag in marks:
        written = form.sub(tag, written)
    return written


def search(ident: str, cards: list[Card], kinds: dict[str, str], label: str) -> HTML:
    """El buscador de unas fichas. `kinds`: {clase: su color}, en el orden en que se ofrecen; `label`, qué son."""
    names = list(kinds)
    written = "".join(
        f'<div class="ficha" data-kind="{names.index(card.kind)}" style="border-left:6px solid {kinds[card.kind]}">'
        f"<p><strong>{inline(card.title)}</strong></p><p>{inline(card.text)} "
        f'<a href="{html.escape(card.link[0])}">{html.escape(card.link[1])}</a></p></div>\n'
        for card in cards
    )
    data = {
        "kinds": [f"{name} ({sum(card.kind == name for card in cards)})" for name in names],
        "label": label,
    }
    static = (
        f"<style>{_STYLE.replace('%ID%', ident)}</style>\n"
        f'<p class="estado" role="status" aria-live="polite">{len(cards)} en total.</p>\n'
        f'<details class="fichas"><summary>Ver las fichas</summary>\n{written}</details>'
    )
    notice = (
        "Para buscar, ejecuta esta celda (Mayús + Intro) en JupyterLab o Colab. La lista entera está debajo."
    )
    return explorers.page(ident, data, static, _SCRIPT, notice)


_STYLE = """\
#%ID% .ficha { padding: .1rem .7rem; margin: .5rem 0 }
#%ID% .ficha p { margin: .15rem 0; font-size: 14px }
#%ID% .ficha a { color: inherit; text-decoration: underline }
#%ID% summary { cursor: pointer }
"""

_SCRIPT = """\
  // Sin tildes ni mayúsculas: «perdida» encuentra «pérdida»; la ñ sigue siendo ñ.
  const bare = (text) => text.normalize("NFD").replace(/[\\u0300-\\u036f]/g, "");
  const plain = (text) => bare(text.toLowerCase().replace(/ñ/g, "\\u0001"));
  const cards = [...root.querySelectorAll(".ficha")].map((node) => ({ node, words: plain(node.textContent) }));
  const query = field("q", "Buscar", "");
  const kind = choice("k", data.label, ["todo", ...data.kinds]);

  function draw() {
    const wanted = plain(query.value).split(/\\s+/).filter(Boolean);
    let shown = 0;
    for (const { node, words } of cards) {
      const ofKind = +kind.value === 0 || +node.dataset.kind === kind.value - 1;
      const fits = ofKind && wanted.every((word) => words.includes(word));
      node.style.display = fits ? "" : "none";
      shown += fits;
    }
    root.querySelector(".fichas").open = shown > 0 && (wanted.length > 0 || +kind.value > 0);
    const told = shown < cards.length ? `${shown} de ${cards.length}.` : `${shown} en total.`;
    root.querySelector(".estado").textContent = shown ? told : "Nada: prueba con otra palabra.";
  }
"""
