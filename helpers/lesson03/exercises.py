"""Ejercicios de la lección 03 y las piezas con las que sigue el cuaderno aunque se dejen pendientes.

Un símbolo es un trozo de palabra; la última letra de cada palabra lleva pegada la marca `</w>`. Aquí todo es literal y
en Python puro: lo rápido, con los mismos ids, está en `helpers.tokenizer`.
"""

import re
from collections import Counter
from functools import cache
from itertools import combinations, pairwise

import ftfy
from spacy.lang.en import English
from spacy.tokens import Token

from helpers.exercises import Exercise, Mistake
from helpers.tokenizer import END_OF_WORD

SPELLINGS = {"—": "-", "–": "-", "―": "-", "…": "...", "´": "'"}
SIGNS = r"([-~!\";?+,)(/*\[\]}{|_])\1*"
english = cache(English)  # las reglas de spaCy: crearlas cuesta más que usarlas


def _spelled(text):
    for before, after in SPELLINGS.items():
        text = text.replace(before, after)
    return text


def standardize(text: str) -> str:
    """Rayas y puntos suspensivos de teclado, signos entre espacios y un solo espacio o salto de línea entre palabras.

    Fuente: text_utils.py, `text_standardize`. La barra invertida no está entre los signos: allí su patrón, `\\\\+`, no
    es una cadena *raw* y acaba siendo un signo más.
    """
    text = re.sub(SIGNS, r" \g<0> ", _spelled(text))
    text = re.sub(r"\s*\n\s*", " \n ", text)
    return re.sub(r"[^\S\n]+", " ", text).strip()


def words(text: str) -> list[str]:
    """Las palabras que ve el BPE: ftfy → `standardize` → spaCy → minúsculas; el salto de línea es una más."""
    return [word.text.strip(" ").lower() for word in english()(standardize(ftfy.fix_text(text)))]


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
    symbols = [*word[:-1], word[-1] + END_OF_WORD]
    steps = [(None, symbols)]
    while known := [pair for pair in pairwise(symbols) if pair in ranks]:
        best = min(known, key=ranks.get)
        symbols = merge_pair(symbols, best)
        steps.append((ranks[best], symbols))
    return steps


def bpe(word: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """Los tokens de una palabra: su último paso."""
    return bpe_steps(word, ranks)[-1][1]


def encode(text: str, ranks: dict[tuple[str, str], int], vocab: dict[str, int]) -> list[int]:
    """Los ids de un texto: las piezas de cada palabra en `vocab`, y 0 (`<unk>`) la que no está."""
    return [vocab.get(piece, 0) for word in words(text) for piece in bpe(word, ranks)]


def stages(text: str, tokenizer) -> list[tuple[str, list[str]]]:
    """El camino de un texto: [(nombre del paso, trozos en que queda), …]."""
    repaired = ftfy.fix_text(text)
    return [
        ("el texto tal como llega", [text]),
        ("1 · ftfy", [repaired]),
        ("2 · estandarizar", [standardize(repaired)]),
        ("3 y 4 · palabras de spaCy, en minúsculas", tokenizer.words(text)),
        ("5 · tokens del BPE (pegados, los de una misma palabra)", tokenizer.tokenize(text)),
    ]


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


def _glued_keys(words):
    return {"".join(pair): times for pair, times in count_pairs(words).items()}


def _overwritten(words):
    return {pair: times for symbols, times in words.items() for pair in pairwise(symbols)}


def _cleaned(signs=SIGNS, spelled=_spelled, blanks=" \n ", strip=True):
    """Una limpieza a la que le falla una de sus reglas."""

    def wrong(text):
        text = re.sub(signs, r" \g<0> ", spelled(text))
        text = re.sub(r"\s*\n\s*", blanks, text) if blanks else text
        text = re.sub(r"[^\S\n]+", " ", text)
        return text.strip() if strip else text

    return wrong


def _split(prepare=lambda text: standardize(ftfy.fix_text(text)), cut=None, finish=str.lower, blanks=" "):
    """Unas palabras con un paso de menos o fuera de su sitio."""
    cut = cut or (lambda text: [word.text for word in english()(text)])
    return lambda text: [finish(word.strip(blanks)) for word in cut(prepare(text))]


class _Words(Exercise):
    """Enseña lo obtenido; lo que no es texto se compara por lo que es: dos objetos de spaCy nunca son iguales."""

    def measured(self, found):
        return [
            [_kind_of_word(word) for word in one] if isinstance(one, list | tuple) else one for one in found
        ]


def _kind_of_word(word):
    if isinstance(word, Token):
        return f"{word.text} (objeto de spaCy)"
    return "función sin llamar" if callable(word) else word


def _encoded(unknown=0, cut=words, piece=lambda piece: piece):
    def wrong(text, ranks, vocab):
        pieces = [piece(one) for word in cut(text) for one in bpe(word, ranks)]
        return [vocab.get(one, unknown) for one in pieces if unknown is not None or one in vocab]

    return wrong


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
SMALL_RANKS = {("t", "h"): 0, ("th", "e</w>"): 1, ("a", "t</w>"): 2}
SMALL_VOCAB = {
    piece: place for place, piece in enumerate("<unk> t h c a a</w> .</w> th the</w> at</w>".split())
} | {"\n</w>": 10}
HISS_RANKS = {("s", "s"): 0, ("h", "s"): 1}

EXERCISES = {
    "03-limpiar": Exercise(
        reference=standardize,
        cases=[
            ("yes!!!(no)",),
            ("a\\b a+b",),
            ("1914–1918… It's 50% off; what?!",),
            ("  two  blanks\tand\n \n\nlines \n",),
            ("a_b--c ~~ ´tis",),
        ],
        mistakes=[
            Mistake(
                _cleaned(signs=r"[-~!\";?+,)(/*\[\]}{|_]"),
                "separas los signos repetidos uno a uno: «!!!» se queda junto, «yes !!! ( no )».",
            ),
            Mistake(
                _cleaned(signs=r"[-~!\";?+,)(/*\[\]}{|_]+"),
                "juntas signos distintos: «!!!(» son dos grupos, «!!!» y «(»; solo va junto el mismo signo repetido.",
            ),
            Mistake(
                _cleaned(signs=r"([-~!\";?+,)(/*\[\]}{|_\\])\1*"),
                "separas también la barra invertida: era lo que pretendía el original, pero no lo que hace.",
            ),
            Mistake(
                _cleaned(signs=r"([^\w\s\\])\1*"),
                "separas todos los signos; el apóstrofo, el punto o «%» no están en la lista.",
            ),
            Mistake(
                _cleaned(blanks=""),
                "dejas varios saltos de línea seguidos: con los espacios que los rodean, se quedan en uno solo.",
            ),
            Mistake(
                _cleaned(blanks="\n"),
                "al salto de línea le faltan sus espacios: « \\n », con uno a cada lado.",
            ),
            Mistake(
                _cleaned(blanks=" "),
                "te comes los saltos de línea: en GPT-1 son un token. Van antes que los espacios.",
            ),
            Mistake(_cleaned(strip=False), "quedan blancos en los bordes: falta el `strip()` final."),
            Mistake(
                _cleaned(spelled=str),
                "faltan los cambios de `SPELLINGS`: la raya, los puntos suspensivos y el acento suelto.",
            ),
        ],
        success="las tres reglas de `text_standardize`, con su despiste.",
        goes_on=True,
    ),
    "03-palabras": _Words(
        reference=words,
        cases=[
            ("The U.S. won.",),
            ("a_b/c",),
            ("Fish &amp; chips—now",),
            ("“Don’t go,” he said.\n\n\nMr. Smith   LAUGHED.",),
            ("Wait â€” my ID card",),
        ],
        mistakes=[
            Mistake(
                _split(lambda text: standardize(ftfy.fix_text(text)).lower()),
                "las minúsculas van después de spaCy, que usa las mayúsculas para reconocer abreviaturas, como «U.S.».",
            ),
            Mistake(
                _split(lambda text: ftfy.fix_text(standardize(text))),
                "la puntuación no se puede unificar mientras siga rota: primero ftfy deshace «â€”» y similares.",
            ),
            Mistake(
                _split(standardize), "falta ftfy: «&amp;» y las comillas tipográficas llegan sin reparar."
            ),
            Mistake(
                _split(ftfy.fix_text),
                "falta `standardize`: sin sus espacios, «a_b» le llega a spaCy como una sola palabra.",
            ),
            Mistake(
                _split(cut=lambda text: re.findall(r"\n|[^\s]+", text)),
                "has cortado por los espacios; spaCy, además, separa los puntos y parte «don't» en «do» y «n't».",
            ),
            Mistake(
                lambda text: list(english()(standardize(ftfy.fix_text(text)))),
                "cada elemento de `nlp(…)` es un objeto de spaCy: su palabra está en `.text`, y falta en minúsculas.",
            ),
            Mistake(
                lambda text: [word.lower for word in words(text)],
                "le faltan los paréntesis a una llamada, como `lower()`: sin ellos das la función, no su resultado.",
            ),
            Mistake(
                lambda text: [word.lower for word in english()(standardize(ftfy.fix_text(text)))],
                "`lower`, en un objeto de spaCy, es un número interno: las minúsculas son las de `.text.lower()`.",
            ),
            Mistake(_split(finish=str), "faltan las minúsculas: el vocabulario no tiene ninguna mayúscula."),
            Mistake(
                _split(blanks=""),
                'spaCy deja un espacio pegado al salto de línea, «\\n »: `strip(" ")` lo quita.',
            ),
            Mistake(
                lambda text: [word for word in _split(blanks=None)(text) if word],
                "has perdido el salto de línea: `strip()` sin argumentos también lo borra, y en GPT-1 es un token.",
            ),
            Mistake(
                _split(blanks=None),
                'el salto de línea se ha quedado en una palabra vacía: quita solo los espacios, con `strip(" ")`.',
            ),
        ],
        success="ftfy, puntuación, spaCy y minúsculas, en su orden.",
        goes_on=True,
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
            Mistake(
                _glued_keys,
                "la clave es la pareja, `(x, y)`: pegadas, «t» + «he» y «th» + «e» serían la misma.",
            ),
            Mistake(
                _overwritten,
                "escribes encima de la cuenta anterior: la misma pareja está en varias palabras, y hay que sumar.",
            ),
            Mistake(
                _count_with(_same, lambda symbols: combinations(symbols, 2)),
                "cuentas también símbolos que no se tocan: solo valen los vecinos.",
            ),
            Mistake(
                _count_with(_same, lambda symbols: zip(symbols[::2], symbols[1::2], strict=False)),
                "avanzas de dos en dos: en «c a s a</w>» también son vecinas «a» y «s».",
            ),
        ],
        success="así se decide qué se funde: la pareja más repetida.",
        goes_on=True,
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
        goes_on=True,
    ),
    "03-trozos": Exercise(
        reference=["the", "r", "e</w>"],
        mistakes=[
            Mistake(
                ["th", "er", "e</w>"],
                "casi: «th» + «e» es la fusión 14 y «e» + «r», la 19. Si caben las dos, va antes la de menor número.",
            ),
            Mistake(
                ["the</w>", "r", "e</w>"],
                "«the</w>» lleva la marca de fin de palabra, y en «there» esa primera «e» no es la última letra.",
            ),
            Mistake(
                ["the</w>", "re</w>"],
                "solo el último trozo puede llevar </w>: la primera «e» de «there» no cierra la palabra.",
            ),
            Mistake(
                ["the", "re</w>"],
                "«re</w>» no está entre esas veinte fusiones: «r» y «e</w>» se quedan separados.",
            ),
            Mistake(
                ["th", "ere</w>"],
                "«ere</w>» no está entre esas veinte fusiones; y «th» todavía se puede fundir con lo que le sigue.",
            ),
            Mistake(
                ["th", "e", "r", "e</w>"],
                "te has parado pronto: «th» y «e», sin marca, también se funden (la 14).",
            ),
            Mistake(
                ["t", "h", "er", "e</w>"],
                "te has saltado la primera fusión, que junta «t» y «h».",
            ),
            Mistake(
                ["the", "r", "e"],
                "esos son los trozos; falta la marca </w> en el último, que lo distingue de un trozo interior.",
            ),
            Mistake(
                ["there</w>"],
                "aunque salga en el cuento, con veinte fusiones no ha dado tiempo a construirla entera.",
            ),
            Mistake(
                ["th", "er", "e"],
                "falta la marca </w> en el último; y de «th» + «e», la 14, y «e» + «r», la 19, va antes la 14.",
            ),
            Mistake(
                ["the", "re"],
                "«r» no se funde con «e</w>» en esas veinte, y el último trozo lleva siempre la marca </w>.",
            ),
            Mistake(
                ["the", "er</w>"],
                "eso se lee «theer»: «er</w>» es para las palabras que acaban en «er», y esta acaba en «re».",
            ),
            Mistake(
                ["t", "h", "e", "r", "e</w>"],
                "esas son las letras de partida: ahora aplica las fusiones que quepan, la de menor número primero.",
            ),
            Mistake(
                ["t", "h", "e", "r", "e"],
                "esas son las letras: pon la marca </w> en la última y empieza a fundir por la fusión 1.",
            ),
            Mistake(
                "the r e</w>", "los trozos son esos; se escriben como una lista, cada uno entre comillas."
            ),
        ],
        success="tres trozos, aunque «the</w>» sea un token: mandan la marca y el orden.",
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
        goes_on=True,
    ),
    "03-encode": Exercise(
        reference=encode,
        cases=[
            ("a z", {}, {"a</w>": 1}),
            ("aah", {}, {"a": 1, "h</w>": 2}),  # una pieza repetida en la misma palabra
            ("ID", {("i", "d</w>"): 0}, {"id</w>": 1, "d</w>": 2}),
            ("U.S.", {("s", ".</w>"): 0}, {"u": 1, ".": 2, "s.</w>": 3}),  # las minúsculas, después de spaCy
            ("The cat.", SMALL_RANKS, SMALL_VOCAB),
            ("the hat", SMALL_RANKS, SMALL_VOCAB),
            ("A zoo\n\nthe cat", SMALL_RANKS, SMALL_VOCAB),
        ],
        mistakes=[
            Mistake(
                _encoded(unknown=None),
                "te saltas las piezas que no están en el vocabulario: cada una es un 0.",
            ),
            Mistake(
                _encoded(cut=lambda text: words(text.lower())),
                "pones minúsculas antes de `words`, y spaCy necesita las mayúsculas: «U.S.» e «ID» salen mal partidas.",
            ),
            Mistake(
                lambda text, ranks, vocab: [
                    vocab.get(p, 0) for w in words(text) for p in dict.fromkeys(bpe(w, ranks))
                ],
                "pierdes las piezas repetidas de una palabra: en «aah» hay dos «a», y cada una da su id.",
            ),
            Mistake(
                lambda text, ranks, vocab: list(dict.fromkeys(encode(text, ranks, vocab))),
                "pierdes los ids repetidos: si una pieza sale dos veces en el texto, su id también.",
            ),
            Mistake(_encoded(unknown=-1), "lo que no está en el vocabulario es el id 0, el de <unk>."),
            Mistake(
                _encoded(cut=str.split),
                "has cortado por los espacios: las palabras las da `words`, que además limpia y pone minúsculas.",
            ),
            Mistake(
                _encoded(cut=lambda text: text.lower().split()),
                "las minúsculas no bastan: `words` también separa los signos y conserva los saltos de línea.",
            ),
            Mistake(
                lambda text, ranks, vocab: [vocab.get(word + END_OF_WORD, 0) for word in words(text)],
                "buscas la palabra entera: antes hay que pasarla por `bpe` y buscar cada pieza.",
            ),
            Mistake(
                _encoded(piece=lambda piece: piece.removesuffix(END_OF_WORD)),
                "has quitado la marca: en el vocabulario, «the</w>» la lleva.",
            ),
            Mistake(
                lambda text, ranks, vocab: [[vocab.get(p, 0) for p in bpe(w, ranks)] for w in words(text)],
                "te sale una lista por palabra: se pide una sola lista de ids, seguidos.",
            ),
            Mistake(
                lambda text, ranks, vocab: [piece for word in words(text) for piece in bpe(word, ranks)],
                "esas son las piezas, como texto: falta cambiar cada una por su id, con `vocab`.",
            ),
            Mistake(
                lambda text, ranks, vocab: [ranks.get(p, 0) for w in words(text) for p in bpe(w, ranks)],
                "`ranks` da puestos de parejas; los ids de las piezas están en `vocab`.",
            ),
        ],
        success="texto → ids, de principio a fin.",
        goes_on=True,
    ),
}
