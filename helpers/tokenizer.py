"""El tokenizador con el que se entrenó GPT-1: ftfy → puntuación → palabras de spaCy → minúsculas → BPE.

`transformers` 5 trocea el texto como BERT (quita los acentos, parte `don't` en `don ' t` y pierde los saltos
de línea); aquí se sigue el `text_utils.py` de openai/finetune-transformer-lm paso a paso. Se construye en la
lección 03.
"""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import ftfy
from spacy.lang.en import English
from spacy.tokenizer import Tokenizer
from tokenizers.models import BPE
from transformers import PreTrainedTokenizer

END_OF_WORD = "</w>"
NEWLINE = "\n" + END_OF_WORD  # el salto de línea es un token más, el último del vocabulario
# Los que añade el ajuste fino (train.py del original).
SPECIAL_TOKENS = ["_start_", "_delimiter_", "_classify_"]

# Texto que ftfy deja igual salvo las comillas tipográficas: así se evita su análisis (la parte más lenta).
_UNTOUCHED_BY_FTFY = re.compile("[\t\n -%'-;=-~‘’“”–—…]*")
_STRAIGHT_QUOTES = str.maketrans("‘’“”", "''\"\"")
_DASHES = str.maketrans({"—": "-", "–": "-", "―": "-", "…": "...", "´": "'"})
# La barra invertida NO está: en el original el patrón no es una cadena «raw» y `\\+` acaba siendo un `+` literal.
_PADDED_PUNCTUATION = re.compile(r'([-~!";?+,)(/*\[\]}{|_])\1*')
_NEWLINES = re.compile(r"\s*\n\s*")
_BLANKS = re.compile(r"[^\S\n]+")
_CACHE_LIMIT = 500_000  # trozos distintos que se recuerdan: unos 100 MB en el peor caso


def clean(text: str) -> str:
    """Repara la codificación como `ftfy.fix_text`, pero sin llamarlo donde no puede cambiar nada.

    Devuelve exactamente lo mismo que `ftfy.fix_text(text)`: ftfy trabaja línea a línea y su único estado entre
    líneas es si ha visto un `<` (entonces deja de interpretar entidades HTML). Fuente: text_utils.py, línea 96.
    """
    if _UNTOUCHED_BY_FTFY.fullmatch(text):
        return text.translate(_STRAIGHT_QUOTES)
    if "<" in text:
        return ftfy.fix_text(text)
    return "".join(
        line.translate(_STRAIGHT_QUOTES) if _UNTOUCHED_BY_FTFY.fullmatch(line) else ftfy.fix_text(line)
        for line in re.split(r"(?<=\n)", text)
    )


def standardize(text: str) -> str:
    """Unifica guiones, puntos suspensivos y blancos, y separa con espacios ciertos signos.

    Los blancos consecutivos quedan en un espacio y los saltos de línea en un solo ` \\n `. Fuente: text_utils.py,
    `text_standardize` (líneas 20-34).
    """
    text = _PADDED_PUNCTUATION.sub(r" \g<0> ", text.translate(_DASHES))
    return _BLANKS.sub(" ", _NEWLINES.sub(" \n ", text)).strip()


class GPT1Tokenizer(PreTrainedTokenizer):
    """El tokenizador de GPT-1, con la interfaz de cualquier tokenizador de `transformers`.

    `GPT1Tokenizer.from_pretrained(carpeta_o_nombre)` lee `vocab.json` y `merges.txt`. Como en GPT-1 no hay
    tokens de inicio, fin ni relleno, se rellena con el id 0 (`<unk>`), igual que el código original; la
    `attention_mask` dice qué es relleno. Lección 03.
    """

    vocab_files_names = {"vocab_file": "vocab.json", "merges_file": "merges.txt"}
    model_input_names = ["input_ids", "attention_mask"]

    def __init__(self, vocab_file, merges_file, unk_token="<unk>", pad_token="<unk>", **kwargs):
        self._encoder = _read_vocab(vocab_file)
        self._decoder = {index: token for token, index in self._encoder.items()}
        self._bpe = BPE(
            vocab=self._encoder,
            merges=_read_merges(merges_file, self._encoder),
            end_of_word_suffix=END_OF_WORD,
            unk_token=str(unk_token),
            cache_capacity=0,  # ya se recuerdan los trozos enteros
        )
        self._files = (str(vocab_file), str(merges_file))
        # Las mismas reglas que los modelos de spaCy, sin descargar ninguno.
        self._splitter = English().tokenizer
        self._edges = _risky_edges(self._splitter)
        self._any_edge = re.compile("|".join(right.pattern for right, _ in self._edges))
        self._newline_ids = (self._encoder.get(NEWLINE, self._encoder[str(unk_token)]),)
        self._forget()
        kwargs.setdefault("model_max_length", 512)
        if kwargs["model_max_length"] > 1e9:  # «sin límite» en transformers: GPT-1 sí lo tiene
            kwargs["model_max_length"] = 512
        kwargs.setdefault("clean_up_tokenization_spaces", True)
        super().__init__(unk_token=unk_token, pad_token=pad_token, **kwargs)

    # --- texto → ids -------------------------------------------------------------------------------------

    def words(self, text: str) -> list[str]:
        """Las palabras que ve el BPE: `clean` → `standardize` → spaCy → minúsculas. Lección 03."""
        _require_text(text)
        return [word.text.lower() for word in self._splitter(standardize(clean(text)))]

    def text_to_ids(self, text: str) -> list[int]:
        """Los ids de `text` (lista de enteros), sin tener en cuenta los tokens añadidos.

        Cada trozo sin espacios se resuelve una sola vez y se recuerda: ni el BPE ni (salvo raras parejas de signos,
        que aquí se dejan juntas) las reglas de spaCy miran más allá de un espacio. Lanza `TypeError` si `text` no es
        una cadena. Fuente: text_utils.py, `TextEncoder.encode`.
        """
        _require_text(text)
        # Partir por líneas y blancos ya hace lo que `standardize` con los espacios y los saltos de línea.
        lines = [chunks for line in clean(text).split("\n") if (chunks := line.split())]
        new = {chunk for chunks in lines for chunk in chunks}.difference(self._chunks)
        if len(self._chunks) + len(new) > _CACHE_LIMIT:
            self._forget()
            new = {chunk for chunks in lines for chunk in chunks}
        for chunk in new:
            self._learn(chunk)
        known, newline, ids = self._chunks, self._newline_ids, []
        for chunks in lines:
            if not self._risky_starts.keys().isdisjoint(chunks):
                chunks = self._glue(chunks)
            ids += newline if ids else ()
            for chunk in chunks:
                ids += known[chunk]
        return ids

    def _learn(self, chunk: str) -> None:
        """Calcula y recuerda los ids de un trozo (o de varios unidos por espacios), y si su comienzo es delicado."""
        text = standardize(chunk)
        self._chunks[chunk] = tuple(
            index for word in self._splitter(text) for index in self._word_ids(word.text.lower())
        )
        if self._any_edge.match(text):
            self._risky_starts[chunk] = [left for right, left in self._edges if right.match(text)]

    def _glue(self, chunks: list[str]) -> list[str]:
        """Une con un espacio los trozos vecinos que spaCy podría no tratar por separado (ver `_risky_edges`)."""
        risky, joins = self._risky_starts, set()
        for place, chunk in enumerate(chunks):
            if chunk in risky and place:
                before = chunks[place - 1].translate(_DASHES)
                if any(left.search(before) for left in risky[chunk]):
                    joins.add(place)
        if not joins:
            return chunks
        glued = chunks[:1]
        for place, chunk in enumerate(chunks[1:], 1):
            if place in joins:
                glued[-1] += " " + chunk
            else:
                glued.append(chunk)
        for chunk in glued:
            if chunk not in self._chunks:
                self._learn(chunk)
        return glued

    def _forget(self) -> None:
        self._chunks, self._risky_starts = {}, {}

    def _word_ids(self, word: str) -> list[int]:
        return [token.id for token in self._bpe.tokenize(word)]

    def _tokenize(self, text, **kwargs):
        return [self._decoder[index] for index in self.text_to_ids(text)]

    def __call__(self, text=None, text_pair=None, **kwargs):
        """Como en `transformers`: una cadena o una lista de cadenas → `input_ids` y `attention_mask`."""
        for value in (text, text_pair):
            if value is not None:
                _require_text(value, nested=True)
        if text is None:
            _require_text(text)
        return super().__call__(text, text_pair, **kwargs)

    def tokenize(self, text, **kwargs):
        """Los tokens de `text`, como texto: lo que no está en el vocabulario sale como `<unk>`."""
        _require_text(text)
        if any(token in text for token in self._added_tokens_encoder):
            return super().tokenize(text, **kwargs)
        return self._tokenize(text)  # lo habitual: sin tokens añadidos no hace falta buscarlos letra a letra

    # --- ids → texto -------------------------------------------------------------------------------------

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Une los tokens: `</w>` cierra palabra y el token de salto de línea vuelve a ser un salto."""
        added = self._added_tokens_encoder
        pieces = [
            f" {token} " if token in added and token not in self._encoder else token for token in tokens
        ]
        return "".join(pieces).replace(END_OF_WORD, " ").replace("  ", " ").strip(" ")

    def clean_up_tokenization(self, text: str) -> str:
        """Quita los espacios que sobran al leer (`i 'm` → `i'm`, `dog ,` → `dog,`). No recupera mayúsculas."""
        return "\n".join(_readable(line) for line in text.split("\n"))

    # --- vocabulario -------------------------------------------------------------------------------------

    @property
    def vocab_size(self) -> int:
        """Entradas del vocabulario sin contar los tokens añadidos (40 478 en GPT-1)."""
        return len(self._encoder)

    def get_vocab(self) -> dict[str, int]:
        return {**self._encoder, **self._added_tokens_encoder}

    def convert_tokens_to_ids(self, tokens):
        if isinstance(tokens, str):
            return self._convert_token_to_id_with_added_voc(tokens)
        added, known, unk = self._added_tokens_encoder, self._encoder, self._encoder[str(self.unk_token)]
        return [added[token] if token in added else known.get(token, unk) for token in tokens]

    def _convert_token_to_id(self, token):
        return self._encoder.get(token, self._encoder[str(self.unk_token)])

    def _convert_id_to_token(self, index):
        if index not in self._decoder:
            raise ValueError(f"El id {index} no existe: el vocabulario va del 0 al {len(self) - 1}.")
        return self._decoder[index]

    def add_fine_tuning_tokens(self) -> int:
        """Añade `_start_`, `_delimiter_` y `_classify_` (ids 40478-40480 en GPT-1); devuelve cuántos son nuevos.

        Después hay que ampliar el modelo: `model.resize_token_embeddings(len(tokenizer), mean_resizing=False)`.
        Fuente: train.py, líneas 372-376. Lección 06.
        """
        return self.add_special_tokens({"additional_special_tokens": SPECIAL_TOKENS})

    def save_vocabulary(self, save_directory, filename_prefix=None):
        folder = Path(save_directory)
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        names = [folder / (prefix + name) for name in self.vocab_files_names.values()]
        for source, target in zip(self._files, names, strict=True):
            if Path(source).resolve() != target.resolve():
                shutil.copyfile(source, target)
        return tuple(str(name) for name in names)


def _risky_edges(splitter) -> list[tuple[re.Pattern, re.Pattern]]:
    """Bordes (comienzo de un trozo, final del anterior) entre los que spaCy podría ver un caso especial (`''`, `:)`).

    spaCy busca esos casos sobre los tokens ya separados, sin mirar si había un espacio, y uno falso, a caballo entre
    dos trozos, tapa a uno verdadero. Se comparan los tokens vecinos de cada caso: es raro en prosa y nunca se escapa.
    """
    plain = Tokenizer(
        splitter.vocab,
        prefix_search=splitter.prefix_search,
        suffix_search=splitter.suffix_search,
        infix_finditer=splitter.infix_finditer,
        token_match=splitter.token_match,
        url_match=splitter.url_match,
    )
    before = {}
    for case in splitter.rules:
        for left, right in pairwise(word.text for word in plain(case)):
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


def _require_text(value, nested: bool = False) -> None:
    if isinstance(value, str):
        return
    if nested and isinstance(value, (list, tuple)):
        for item in value:
            _require_text(item, nested=True)
        return
    raise TypeError(
        f"El tokenizador espera texto (str) o una lista de textos y ha recibido {type(value).__name__}: {value!r:.60}."
    )


def _read_vocab(path) -> dict[str, int]:
    vocab = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(vocab, dict) or sorted(vocab.values()) != list(range(len(vocab))):
        raise ValueError(f"{Path(path).name} debe dar a cada token un id, de 0 en adelante y sin huecos.")
    return vocab


def _read_merges(path, vocab) -> list[tuple[str, str]]:
    """Las fusiones de `merges.txt`, de más a menos prioritaria; la primera línea es la versión del formato."""
    merges = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), 1):
        if number == 1 or not line:
            continue
        pair = tuple(line.split(" "))
        if len(pair) != 2 or not {*pair, "".join(pair)} <= vocab.keys():
            raise ValueError(
                f"{Path(path).name}, línea {number}: «{line}» no es una fusión de este vocabulario."
            )
        merges.append(pair)
    return merges


_CLOSING = re.compile(r" ([,.;:!?)\]}%]|\.\.\.)")
_OPENING = re.compile(r"([(\[{$]) ")
_CONTRACTION = re.compile(r" ('(?:s|m|d|re|ve|ll)|n't)(?!\w)")
_JOINED = re.compile(r"\b(can) (not)\b|\b(gon|wan) (na)\b|\b(got) (ta)\b")
_QUOTED = re.compile(r'" ?([^"]*?) ?(?="|$)("?)')


def _readable(line: str) -> str:
    """Una línea de tokens unidos por espacios, con los espacios de un texto corriente."""
    line = _CONTRACTION.sub(r"\1", _OPENING.sub(r"\1", _CLOSING.sub(r"\1", line.strip(" "))))
    line = _JOINED.sub(lambda match: match[0].replace(" ", ""), line)
    return _QUOTED.sub(r'"\1\2', line)
