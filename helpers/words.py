"""Las palabras de spaCy, también las de un texto larguísimo sin espacios, donde spaCy tarda como su cuadrado.

A cada signo que separa del borde de un trozo, spaCy vuelve a buscar en lo que queda: mil signos seguidos cuestan
cuatro veces lo que quinientos. `Splitter` toma sus reglas y da los mismos pasos que su tokenizador (tokenizer.pyx,
`_split_affixes`, `_attach_tokens` y `_apply_special_cases`), pero mirando solo los bordes y sin crear un `Doc`.
"""

import re
from array import array
from itertools import pairwise

from spacy.attrs import ORTH
from spacy.lang.en import English
from spacy.tokenizer import Tokenizer

LONG = 200  # un trozo sin espacios de más caracteres no se recuerda
_MEMORY = 20_000  # trozos y finales distintos que recuerda cada `Splitter`
# Caracteres del final en los que cabe cualquier sufijo con lo que mira delante; solo los puntos suspensivos son más.
_REACH = 16
_URL_START = r"(?u)^(?:(?:[\w\+\-\.]{2,})://)?(?:\S+(?::\S*)?@)?"
_SCHEME = re.compile(r"[\w+\-.]{2,}://")
_LABEL = re.compile(
    r"(?:[A-Za-z0-9\u00a1-\uffff][A-Za-z0-9\u00a1-\uffff_-]{0,62})?[A-Za-z0-9\u00a1-\uffff]\."
)
_IP_LABELS = 4


class Splitter:
    """`splitter(texto)` → las palabras que da el tokenizador inglés de spaCy, en un tiempo proporcional al texto.

    El texto tiene los blancos de `helpers.tokenizer.standardize`: un espacio entre palabras y ` \\n ` entre líneas.
    Las reglas son las de los modelos de spaCy, sin descargar ninguno. Lección 03.
    """

    def __init__(self):
        self.source = spacy = English().tokenizer
        self.rules = {case: [token[ORTH] for token in tokens] for case, tokens in spacy.rules.items()}
        self._longest_rule = max(map(len, self.rules))
        plain = Tokenizer(
            spacy.vocab,
            prefix_search=spacy.prefix_search,
            suffix_search=spacy.suffix_search,
            infix_finditer=spacy.infix_finditer,
            token_match=spacy.token_match,
            url_match=spacy.url_match,
        )
        # Los casos especiales como spaCy los busca: partidos en tokens como si no lo fueran.
        self.plain_rules = {case: [word.text for word in plain(case)] for case in self.rules if case.strip()}
        self.specials = {}  # {primer token: {cuántos tokens: {los tokens}}}
        for case, words in self.plain_rules.items():
            if spacy.find_prefix(case) or spacy.find_infix(case) or spacy.find_suffix(case):
                lengths = self.specials.setdefault(words[0], {})
                lengths.setdefault(len(words), set()).add(tuple(words))
        # Sin el «^» de cada una, para buscar desde cualquier sitio sin copiar lo que queda.
        self.prefix = re.compile("|".join(prefix for prefix in English.Defaults.prefixes if prefix.strip()))
        self._suffix_search, self._infixes = spacy.suffix_search, spacy.infix_finditer
        self._host = re.compile(spacy.url_match.__self__.pattern.removeprefix(_URL_START))
        self._known, self._suffixes = {}, {}

    def __call__(self, text: str) -> list[str]:
        words = []
        for number, line in enumerate(text.split("\n")):
            words += ["\n "] if number else []  # el salto se lleva el espacio que le sigue
            words += self._line(line.strip(" "))
        return words

    def _line(self, line: str) -> list[str]:
        tokens, spaces = [], bytearray()  # un 1 en `spaces`: detrás de ese token hay un espacio
        for chunk in line.split(" ") if line else ():
            tokens += self._remembered(chunk) if len(chunk) <= LONG else self._pieces(chunk)
            spaces.extend(bytes(len(tokens) - len(spaces)))
            spaces[-1] = 1
        return self._with_special_cases(tokens, spaces)

    def _remembered(self, chunk: str) -> list[str]:
        if chunk not in self._known:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            self._known[chunk] = self._pieces(chunk)
        return self._known[chunk]

    def _pieces(self, chunk: str) -> list[str]:
        """Los tokens de un trozo sin espacios: prefijos, lo de en medio y sufijos (spaCy: `_tokenize`)."""
        if (
            chunk.isascii() and chunk.isalpha()
        ):  # lo habitual: sin signos ni cifras, solo un caso especial («cannot»)
            return self.rules.get(chunk, [chunk])
        start, end, size = 0, len(chunk), 0
        before, after = [], []
        while start < end and end - start != size and not self._is_rule(chunk, start, end):
            size = end - start
            prefix = self.prefix.match(chunk, start, end)
            first = prefix.end() if prefix else start
            if first > start and self._is_rule(chunk, first, end):
                last = end
            else:
                last = self._suffix_start(chunk, first, end)
                if last < end and self._is_rule(chunk, start, last):
                    first = start
            if first > start:
                before.append(chunk[start:first])
            if last < end:
                after.append(chunk[last:end])
            start, end = first, last
        middle = chunk[start:end]
        if middle in self.rules:
            before += self.rules[middle]
        elif middle and not self._is_url(middle):
            before += self._split_inside(middle)
        elif middle:
            before.append(middle)
        before += reversed(after)
        return before

    def _is_rule(self, chunk: str, start: int, end: int) -> bool:
        return end - start <= self._longest_rule and chunk[start:end] in self.rules

    def _suffix_start(self, chunk: str, start: int, end: int) -> int:
        """Dónde empieza el sufijo de `chunk[start:end]`; `end` si no tiene."""
        tail = max(start, end - _REACH)
        text = chunk[tail:end]
        if text not in self._suffixes:
            if len(self._suffixes) >= _MEMORY:
                self._suffixes.clear()
            match = self._suffix_search(text)
            self._suffixes[text] = len(match[0]) if match else 0
        found = end - self._suffixes[text]
        if found == tail:  # puntos suspensivos, que son un solo sufijo por muchos que sean
            while found > start and chunk[found - 1] == ".":
                found -= 1
        return found

    def _is_url(self, text: str) -> bool:
        """Lo mismo que `url_match` de spaCy, que prueba cada `@` y cada `:` con todo lo que hay detrás."""
        scheme = _SCHEME.match(text)
        if self._is_host(text, 0) or (scheme and self._is_host(text, scheme.end())):
            return True
        return any(self._is_host(text, at.end()) for at in re.finditer("@", text) if at.start())

    def _is_host(self, text: str, start: int) -> bool:
        """¿Acaba `text`, desde `start`, como una dirección: servidor, puerto y ruta?"""
        labels, place, last = 0, start, start
        while label := _LABEL.match(text, place):
            labels, last, place = labels + 1, place, label.end()
        return self._host.match(text, start if labels <= _IP_LABELS else last) is not None

    def _split_inside(self, text: str):
        start = 0
        for found in self._infixes(text):
            if found.start():
                if found.start() > start:
                    yield text[start : found.start()]
                if found.end() > found.start():
                    yield found[0]
                start = found.end()
        if start < len(text):
            yield text[start:]

    def _with_special_cases(self, tokens: list[str], spaces: bytearray) -> list[str]:
        """Los casos especiales que han quedado partidos; si se pisan, gana el más largo y, si no, el primero.

        Como en spaCy, uno tapado tapa a otros, y entre dos tokens puede haber un espacio.
        """
        found, specials = {}, self.specials
        for place, token in enumerate(tokens):
            if token not in specials:
                continue
            for length, cases in specials[token].items():
                if tuple(tokens[place : place + length]) in cases:
                    found.setdefault(length, array("I")).append(place)
        if not found:
            return tokens
        seen, chosen = bytearray(len(tokens)), bytearray(len(tokens))
        for length in sorted(found, reverse=True):
            for place in found[length]:
                if not seen[place] and not seen[place + length - 1]:
                    chosen[place] = length
                seen[place : place + length] = b"\1" * length
        words, place = [], 0
        while place < len(tokens):
            length = chosen[place] or 1
            span = tokens[place : place + length]
            if chosen[place]:
                text = "".join(
                    word + " " * space
                    for word, space in zip(span, spaces[place : place + length], strict=True)
                )
                span = self.rules.get(text[: -1 if spaces[place + length - 1] else None], span)
            words += span
            place += length
        return words


def risky_edges(splitter: Splitter) -> list[tuple[re.Pattern, re.Pattern]]:
    """Bordes (comienzo de un trozo, final del anterior) entre los que spaCy podría ver un caso especial (`''`, `:)`).

    spaCy busca esos casos sobre los tokens ya separados, sin mirar si había un espacio, y uno falso, a caballo entre
    dos trozos, tapa a uno verdadero. Se comparan los tokens vecinos de cada caso: es raro en prosa y nunca se escapa.
    """
    before = {}
    for words in splitter.plain_rules.values():
        for left, right in pairwise(words):
            before.setdefault(right, set()).add(left)
    # spaCy nunca parte entre dos letras: un token que acaba (o empieza) en letra tiene que acabar ahí la palabra.
    no_letter_after, no_letter_before = r"(?![^\W\d_])", r"(?<![^\W\d_])"
    edges = []
    for right, lefts in before.items():
        start = re.escape(right) + (no_letter_after if right[-1].isalpha() else "")
        ends = "|".join(
            (no_letter_before if left[0].isalpha() else "") + re.escape(left) for left in sorted(lefts)
        )
        edges.append((re.compile(start), re.compile(f"(?:{ends})\\Z")))
    return edges
