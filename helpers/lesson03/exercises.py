"""Ejercicios de la lección 03 y las piezas del BPE con las que sigue el cuaderno aunque se dejen pendientes.

Un símbolo es un trozo de palabra; la última letra de cada palabra lleva pegada la marca `</w>`.
"""

from collections import Counter
from itertools import chain, pairwise

from tokenizers.models import BPE

from helpers.exercises import Exercise, Mistake
from helpers.tokenizer import END_OF_WORD


def count_pairs(words: dict[tuple[str, ...], int]) -> dict[tuple[str, str], int]:
    """Veces que aparece cada pareja de símbolos vecinos; `words` es {símbolos de la palabra: veces que aparece}."""
    counts = Counter()
    for symbols, times in words.items():
        for pair in pairwise(symbols):
            counts[pair] += times
    return dict(counts)


def merge_pair(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    """Los mismos símbolos con cada aparición de `pair` fundida en uno, de izquierda a derecha."""
    merged, place = [], 0
    while place < len(symbols):
        if tuple(symbols[place : place + 2]) == tuple(pair):
            merged.append(pair[0] + pair[1])
            place += 2
        else:
            merged.append(symbols[place])
            place += 1
    return merged


def bpe_steps(word: str, ranks: dict[tuple[str, str], int]) -> list[tuple[int | None, list[str]]]:
    """El camino de una palabra: [(None, letras), (puesto de la fusión usada, símbolos), …]."""
    symbols = [*word[:-1], word[-1] + "</w>"]
    steps = [(None, symbols)]
    while len(symbols) > 1:
        best = min(pairwise(symbols), key=lambda pair: ranks.get(pair, float("inf")))
        if best not in ranks:
            break
        symbols = merge_pair(symbols, best)
        steps.append((ranks[best], symbols))
    return steps


def bpe(word: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """Los tokens de una palabra según `tokenizers`, la biblioteca que hay debajo del tokenizador de GPT-1."""
    letters = [*word[:-1], word[-1] + END_OF_WORD]
    pieces = dict.fromkeys(chain(letters, *ranks, map("".join, ranks)))
    vocab = {piece: index for index, piece in enumerate(pieces)}
    model = BPE(vocab, sorted(ranks, key=ranks.get), end_of_word_suffix=END_OF_WORD)
    return [token.value for token in model.tokenize(word)]


# --- errores típicos -------------------------------------------------------------------------------------------


def _count_with(weight, pairs_of=pairwise):
    def wrong(words):
        counts = Counter()
        for symbols, times in words.items():
            for pair in pairs_of(symbols):
                counts[pair] += weight(times)
        return counts

    return wrong


def _same(times):
    return times


def _first_only(symbols, pair):
    for place in range(len(symbols) - 1):
        if tuple(symbols[place : place + 2]) == tuple(pair):
            return [*symbols[:place], "".join(pair), *symbols[place + 2 :]]
    return list(symbols)


def _without_skipping(symbols, pair):
    found = [tuple(symbols[place : place + 2]) == tuple(pair) for place in range(len(symbols))]
    return ["".join(pair) if hit else symbol for symbol, hit in zip(symbols, found, strict=True)]


def _any_order(symbols, pair):
    merged, place = [], 0
    while place < len(symbols):
        if set(symbols[place : place + 2]) == set(pair) and len(symbols[place : place + 2]) == 2:
            merged.append("".join(symbols[place : place + 2]))
            place += 2
        else:
            merged.append(symbols[place])
            place += 1
    return merged


def _from_the_right(symbols, pair):
    return [
        symbol[::-1]
        for symbol in merge_pair([s[::-1] for s in symbols[::-1]], (pair[1][::-1], pair[0][::-1]))
    ][::-1]


def _as_text(symbols, pair):
    return " ".join(symbols).replace(" ".join(pair), "".join(pair)).split()


def _bpe_choosing(choose, start=lambda word: [*word[:-1], word[-1] + "</w>"], limit=None):
    """Un BPE que elige mal la pareja, empieza con otros símbolos o se para antes."""

    def wrong(word, ranks):
        symbols, done = start(word), 0
        while limit is None or done < limit:
            known = [pair for pair in pairwise(symbols) if pair in ranks]
            if not known:
                break
            symbols, done = merge_pair(symbols, choose(known, ranks)), done + 1
        return symbols

    return wrong


def _lowest(known, ranks):
    return min(known, key=ranks.get)


def _bpe_from_the_right(word, ranks):
    symbols = [*word[:-1], word[-1] + "</w>"]
    while known := [pair for pair in pairwise(symbols) if pair in ranks]:
        symbols = _from_the_right(symbols, _lowest(known, ranks))
    return symbols


def _longest_match(word, ranks):
    """Busca desde la izquierda el trozo más largo del vocabulario, como hace BERT."""
    vocab, symbols, rest = {"".join(pair) for pair in ranks}, [], word + "</w>"
    while rest:
        letter = 1 + len("</w>") if rest[1:] == "</w>" else 1
        size = max([n for n in range(1, len(rest) + 1) if rest[:n] in vocab] or [letter])
        symbols.append(rest[:size])
        rest = rest[size:]
    return symbols


TOY = {tuple("cas") + ("a</w>",): 6, tuple("casa") + ("s</w>",): 3, tuple("cos") + ("a</w>",): 4}
TOY_RANKS = {
    ("s", "a</w>"): 0,
    ("c", "a"): 1,
    ("a", "s</w>"): 2,
    ("o", "sa</w>"): 3,
    ("ca", "sa</w>"): 4,
    ("l", "as</w>"): 5,
}
CROSSED_RANKS = {
    ("e", "r</w>"): 0,
    ("t", "h"): 1,
    ("h", "e"): 2,
    ("th", "er</w>"): 3,
    ("o", "t"): 4,
    ("b", "c"): 5,
    ("a", "bc"): 6,
    ("a", "b"): 7,
}
HISS_RANKS = {("s", "s"): 0, ("h", "s"): 1}

EXERCISES = {
    "03-orden": Exercise(
        reference=["c", "e", "d", "b", "a"],
        mistakes=[
            Mistake(
                ["c", "e", "b", "d", "a"],
                "casi: las minúsculas van después de spaCy, que usa las mayúsculas para reconocer abreviaturas.",
            ),
            Mistake(
                ["b", "c", "e", "d", "a"],
                "has puesto las minúsculas al principio. El original las aplica palabra a palabra, después de spaCy.",
            ),
            Mistake(
                ["e", "c", "d", "b", "a"],
                "la puntuación no se puede unificar mientras siga rota: primero ftfy deshace «â€™» y similares.",
            ),
            Mistake(
                ["c", "d", "e", "b", "a"],
                "spaCy corta por los blancos que pone el otro paso: sin él, «a_b» le llega como una sola palabra.",
            ),
            Mistake(
                ["c", "e", "d", "a", "b"],
                "el vocabulario no tiene mayúsculas: si el BPE va antes de las minúsculas, «Hello» empieza por <unk>.",
            ),
        ],
        success="ftfy, puntuación, spaCy, minúsculas y BPE.",
    ),
    "03-pares": Exercise(
        reference=count_pairs,
        cases=[(TOY,), ({tuple("bababa") + ("s</w>",): 2, ("a</w>",): 7},)],
        mistakes=[
            Mistake(
                _count_with(lambda times: 1),
                "has sumado 1 por pareja sin mirar cuántas veces aparece la palabra: suma `times`.",
            ),
            Mistake(
                _count_with(_same, lambda symbols: set(pairwise(symbols))),
                "cuentas cada pareja una vez por palabra, pero puede repetirse: en «bababas», «b a» sale tres veces.",
            ),
            Mistake(
                _count_with(_same, lambda symbols: (tuple(sorted(pair)) for pair in pairwise(symbols))),
                "el orden importa: («a», «s») y («s», «a») son parejas distintas.",
            ),
            Mistake(
                _count_with(_same, lambda symbols: pairwise(symbols[:-1])),
                "te has dejado la última pareja de cada palabra, justo la que lleva la marca de fin.",
            ),
            Mistake(
                _count_with(_same, lambda symbols: symbols),
                "has contado símbolos sueltos; se piden parejas de vecinos.",
            ),
        ],
        success="así se decide qué se funde: la pareja más repetida.",
    ),
    "03-fusionar": Exercise(
        reference=merge_pair,
        cases=[
            (["c", "a", "s", "a", "c", "a"], ("c", "a")),
            (["a", "a", "a"], ("a", "a")),
            (["ac", "a", "c", "a"], ("c", "a")),
            (["s", "o", "l</w>"], ("s", "a")),
        ],
        mistakes=[
            Mistake(
                _first_only,
                "solo fundes la primera aparición; en «casaca» la pareja «c a» está dos veces.",
            ),
            Mistake(
                _without_skipping,
                "al fundir una pareja hay que saltarse su segundo símbolo; tú lo vuelves a usar.",
            ),
            Mistake(
                _any_order,
                "fundes también la pareja al revés: «a c» no es «c a».",
            ),
            Mistake(
                _from_the_right,
                "vas de derecha a izquierda: en «a a a» se funden las dos primeras, no las dos últimas.",
            ),
            Mistake(
                _as_text,
                "al sustituir dentro de un texto con espacios, la «c» final de otro símbolo también casa: «ac a» no "
                "contiene la pareja («c», «a»). Compara símbolo a símbolo.",
            ),
        ],
        success="es la única operación que cambia los símbolos, al aprender y al trocear.",
    ),
    "03-mano": Exercise(
        reference=["ca", "s", "as</w>"],
        mistakes=[
            Mistake(
                ["casa</w>", "s</w>"],
                "«casa</w>» lleva la marca de fin de palabra, y en «casas» esa segunda «a» no es la última letra.",
            ),
            Mistake(
                ["casa", "s</w>"],
                "«casa» sin marca no está en la lista: la fusión 5 da «casa</w>», que solo vale al final de palabra.",
            ),
            Mistake(
                ["ca", "sa", "s</w>"],
                "la fusión 1 es «s» con «a</w>», la «a» final; aquí las dos «a» de dentro no llevan marca.",
            ),
            Mistake(
                ["ca", "s", "a", "s</w>"],
                "te has parado pronto: la fusión 3 junta «a» y «s</w>».",
            ),
            Mistake(
                ["c", "a", "s", "as</w>"],
                "te has saltado la fusión 2, que junta «c» y «a».",
            ),
            Mistake(
                ["ca", "s", "as"],
                "esos son los trozos; falta la marca </w> en el último, que lo distingue de un trozo interior.",
            ),
            Mistake(
                ["casas</w>"],
                "aunque salía en el corpus, con seis fusiones no ha dado tiempo a construirla entera.",
            ),
        ],
        success="tres trozos, aunque «casa</w>» sea un token: la marca manda.",
    ),
    "03-bpe": Exercise(
        reference=bpe,
        cases=[
            ("casa", TOY_RANKS),
            ("casas", TOY_RANKS),
            ("rosa", TOY_RANKS),
            ("a", TOY_RANKS),
            ("other", CROSSED_RANKS),
            ("abcd", CROSSED_RANKS),
            ("then", CROSSED_RANKS),
            ("sssh", HISS_RANKS),  # de «s s s» se funden las dos primeras
            ("hsssssh", HISS_RANKS),
        ],
        mistakes=[
            Mistake(
                _bpe_choosing(_lowest, start=list),
                'falta la marca: la última letra tiene que empezar siendo letra + "</w>".',
            ),
            Mistake(
                _bpe_choosing(_lowest, start=lambda word: [*word, "</w>"]),
                "la marca va pegada a la última letra; tú la has puesto como un símbolo aparte.",
            ),
            Mistake(
                _bpe_choosing(lambda known, ranks: known[0]),
                "fundes la primera pareja que encuentras por la izquierda; hay que fundir la de menor puesto.",
            ),
            Mistake(
                _bpe_choosing(lambda known, ranks: max(known, key=ranks.get)),
                "fundes la pareja de mayor puesto: las primeras fusiones aprendidas son las de número más bajo.",
            ),
            Mistake(
                _bpe_choosing(_lowest, limit=1),
                "te paras tras la primera fusión; hay que repetir hasta que ninguna pareja esté en la lista.",
            ),
            Mistake(
                _bpe_from_the_right,
                "si la pareja se repite, como en «s s s», se funde de izquierda a derecha; tú empiezas por el final.",
            ),
            Mistake(
                _longest_match,
                "eso es buscar el trozo más largo desde la izquierda, que es lo que hace BERT; el BPE repite fusiones "
                "en el orden en que se aprendieron.",
            ),
        ],
        success="es el algoritmo de GPT-1, el mismo que `TextEncoder.bpe` de text_utils.py.",
    ),
}
