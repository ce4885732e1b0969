"""El tokenizador con el que se entrenó GPT-1: ftfy → puntuación → palabras de spaCy → minúsculas → BPE.

`transformers` 5 trocea el texto como BERT (quita los acentos, parte `don't` en `don ' t` y pierde los saltos
de línea); aquí se sigue el `text_utils.py` de openai/finetune-transformer-lm paso a paso. Se construye en la
lección 03.
"""

import re
import shutil
import unicodedata
from itertools import groupby, pairwise
from pathlib import Path

import ftfy
from tokenizers.models import BPE
from transformers import PreTrainedTokenizer

from helpers.files import Place, opened, parse_object
from helpers.words import LONG, Splitter, risky_edges

VOCAB, MERGES = "vocab.json", "merges.txt"
# Los que puede haber además en la carpeta: transformers los lee, pero si no son un objeto JSON no dice cuál falla.
OPTIONAL = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json")
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
_BLANKS = re.compile(r"\s+")
_CACHE_LIMIT = (
    500_000  # trozos distintos que se recuerdan, de hasta `LONG` caracteres: con prosa, unos 100 MB
)

# ftfy trabaja por líneas, partidas cada millón de caracteres. Dentro de una hay dos cosas que le cuestan el cuadrado:
_SEGMENT = 1_000_000
_LAYERS = 64  # deshacer entidades HTML metidas unas en otras (`&amp;amp;amp;…`): una vuelta entera por capa
_MARKS = re.compile(r"[^\w\s!-~]{200,}")  # ordenar una letra con miles de tildes
_LONG_LINE = 5000  # caracteres a partir de los cuales se mira si las hay


class VocabularyError(ValueError):
    """Un archivo del tokenizador falta, está dañado o no casa con los demás; `found` dice qué hay y qué se esperaba."""

    def __init__(self, found: str):
        self.found = found.rstrip(".")
        super().__init__(
            f"{self.found}. Vuelve a copiar la carpeta entera, con los archivos de un mismo modelo."
        )


def clean(text: str) -> str:
    """Repara la codificación como `ftfy.fix_text`, pero sin llamarlo donde no puede cambiar nada.

    Devuelve lo mismo que `ftfy.fix_text(text)`: ftfy trabaja línea a línea y su único estado entre líneas es si ha
    visto un `<` (entonces deja de interpretar entidades HTML). Tarda un tiempo proporcional al texto, y ftfy no: ver
    `_fixed`. Fuente: text_utils.py, línea 96.
    """
    if _UNTOUCHED_BY_FTFY.fullmatch(text):
        return text.translate(_STRAIGHT_QUOTES)
    unescape, out = "auto", []
    for line in re.split(r"(?<=\n)", text):
        for start in range(0, len(line), _SEGMENT):
            segment = line[start : start + _SEGMENT]
            if "<" in segment:
                unescape = False
            if _UNTOUCHED_BY_FTFY.fullmatch(segment):
                out.append(segment.translate(_STRAIGHT_QUOTES))
            else:
                out.append(_fixed(segment, unescape))
    return "".join(out)


def _fixed(segment: str, unescape) -> str:
    """`ftfy.fix_text` de un segmento, en tiempo lineal.

    Con más de `_LAYERS` capas de entidades se deshacen todas antes de llamarlo y, con cientos de tildes desordenadas
    tras una letra, se ordenan aquí. Solo entonces podría no coincidir con ftfy, si además el segmento tiene otra
    codificación estropeada dentro de esas capas o con esas tildes.
    """
    if unescape and "&" in segment:
        segment = _peeled(segment)
    if len(segment) > _LONG_LINE:
        loose = ftfy.fix_text(segment, unescape_html=unescape, normalization=None)
        ordered = _MARKS.sub(_in_canonical_order, loose)
        if ordered != loose:
            return unicodedata.normalize("NFC", ordered)
    return ftfy.fix_text(segment, unescape_html=unescape)


def _peeled(text: str) -> str:
    """El mismo texto o, si tiene más de `_LAYERS` capas de entidades, sin ninguna."""
    inside = text
    for _ in range(_LAYERS):
        outside, inside = inside, ftfy.fixes.unescape_html(inside)
        if inside == outside:
            return text
    out = []
    for character in inside:
        out.append(character)
        while out[-1:] == [";"] and (entity := re.search(r"&#?[0-9A-Za-z]{1,24};\Z", "".join(out[-27:]))):
            plain = ftfy.fixes.unescape_html(entity[0])
            if plain == entity[0]:
                break
            out[-len(entity[0]) :] = plain
    return "".join(out)


def _in_canonical_order(run: re.Match) -> str:
    """Las tildes seguidas, por su clase de combinación, que es como las deja cualquier forma normal de Unicode."""
    ordered = []
    for _, characters in groupby(run[0], key=lambda character: unicodedata.combining(character) > 0):
        ordered += sorted(characters, key=unicodedata.combining)  # estable: si ninguna es tilde, quedan igual
    return "".join(ordered)


def standardize(text: str) -> str:
    """Unifica guiones, puntos suspensivos y blancos, y separa con espacios ciertos signos.

    Los blancos consecutivos quedan en un espacio y los saltos de línea en un solo ` \\n `. Fuente: text_utils.py,
    `text_standardize` (líneas 20-34).
    """
    text = _PADDED_PUNCTUATION.sub(r" \g<0> ", text.translate(_DASHES))
    return _BLANKS.sub(lambda blanks: " \n " if "\n" in blanks[0] else " ", text).strip()


class GPT1Tokenizer(PreTrainedTokenizer):
    """El tokenizador de GPT-1, con la interfaz de cualquier tokenizador de `transformers`.

    `GPT1Tokenizer.from_pretrained(carpeta_o_nombre)` lee `vocab.json` y `merges.txt`, y lanza `VocabularyError` (un
    `ValueError`) si alguno falta, está dañado o no casa con el otro. Como en GPT-1 no hay tokens de inicio, fin ni
    relleno, se rellena con el id 0 (`<unk>`), igual que el código original; la `attention_mask` dice qué es relleno.
    Lección 03.
    """

    vocab_files_names = {"vocab_file": VOCAB, "merges_file": MERGES}
    model_input_names = ["input_ids", "attention_mask"]

    def __init__(self, vocab_file, merges_file, unk_token="<unk>", pad_token="<unk>", **kwargs):
        self._encoder = _read_vocab(vocab_file, str(unk_token))
        pad_token = pad_token or unk_token  # `null` en tokenizer_config.json
        special = {NEWLINE, str(unk_token), str(pad_token)}
        self._decoder = {index: token for token, index in self._encoder.items()}
        merges = _read_merges(merges_file, self._encoder, special)
        self._bpe = BPE(
            vocab=self._encoder,
            merges=merges,
            end_of_word_suffix=END_OF_WORD,
            unk_token=str(unk_token),
            cache_capacity=0,  # ya se recuerdan los trozos enteros
        )
        self._files = (str(vocab_file), str(merges_file))
        self._splitter = Splitter()
        self._edges = risky_edges(self._splitter)
        self._any_edge = re.compile("|".join(right.pattern for right, _ in self._edges))
        self._newline_ids = (self._encoder.get(NEWLINE, self._encoder[str(unk_token)]),)
        self._forget()
        kwargs.setdefault("model_max_length", 512)
        if kwargs["model_max_length"] > 1e9:  # «sin límite» en transformers: GPT-1 sí lo tiene
            kwargs["model_max_length"] = 512
        kwargs.setdefault("clean_up_tokenization_spaces", True)
        kwargs["model_input_names"] = self.model_input_names
        super().__init__(unk_token=unk_token, pad_token=pad_token, **kwargs)
        _check_added(self._added_tokens_encoder, self._encoder, {left + right for left, right in merges})

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        """Como en `transformers`; los archivos de una carpeta se miran antes, para decir cuál falla."""
        folder = Path(pretrained_model_name_or_path)
        if folder.is_dir() and not kwargs.get("subfolder"):
            for name in (VOCAB, MERGES):
                if not (folder / name).is_file():
                    problem = "es una carpeta" if (folder / name).is_dir() else "no existe"
                    raise VocabularyError(f"{folder / name} {problem} y hacen falta {VOCAB} y {MERGES}")
            for name in OPTIONAL:
                if (folder / name).is_file():
                    _read_object(folder / name)
        elif folder.is_file() or (folder.is_absolute() and not folder.is_dir()):
            raise VocabularyError(f"{folder} no es una carpeta con {VOCAB} y {MERGES}")
        return super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    # --- texto → ids -------------------------------------------------------------------------------------

    def words(self, text: str) -> list[str]:
        """Las palabras que ve el BPE: `clean` → `standardize` → spaCy → minúsculas. Lección 03."""
        _require_text(text)
        return [word.lower() for word in self._splitter(standardize(clean(text)))]

    def text_to_ids(self, text: str) -> list[int]:
        """Los ids de `text` (lista de enteros), sin tener en cuenta los tokens añadidos.

        Cada trozo sin espacios se resuelve una sola vez y se recuerda: ni el BPE ni (salvo raras parejas de signos,
        que aquí se dejan juntas) las reglas de spaCy miran más allá de un espacio. Las líneas con algún trozo de más de
        `LONG` caracteres se resuelven enteras y no se recuerdan. El tiempo es proporcional al texto, sea cual sea; el
        BPE de una palabra de n letras, a n log n. Lanza `TypeError` si `text` no es una cadena. Fuente: text_utils.py,
        `TextEncoder.encode`.
        """
        _require_text(text)
        # Partir por líneas y blancos ya hace lo que `standardize` con los espacios y los saltos de línea.
        lines = [chunks for line in clean(text).split("\n") if (chunks := line.split())]
        new = {chunk for chunks in lines for chunk in chunks}.difference(self._chunks)
        long = {chunk for chunk in new if len(chunk) > LONG}
        if len(self._chunks) + len(new) > _CACHE_LIMIT:
            self._forget()
            new = {chunk for chunks in lines for chunk in chunks}
        for chunk in new - long:
            self._learn(chunk)
        known, newline, ids = self._chunks, self._newline_ids, []
        for chunks in lines:
            ids += newline if ids else ()
            if long and not long.isdisjoint(chunks):
                ids += self._ids(standardize(" ".join(chunks)))
            elif self._risky_starts.keys().isdisjoint(chunks):
                for chunk in chunks:
                    ids += known[chunk]
            else:
                for chunk in self._glue(chunks):
                    if chunk not in known and len(chunk) <= LONG:
                        self._learn(chunk)
                    ids += known[chunk] if chunk in known else self._ids(standardize(chunk))
        return ids

    def _ids(self, text: str) -> list[int]:
        """Los ids de un texto ya limpio y normalizado, sin mirar lo recordado."""
        ids, seen = [], {}
        for word in self._splitter(text):
            if word not in seen:
                seen[word] = self._word_ids(word.lower())
            ids += seen[word]
        return ids

    def _learn(self, chunk: str) -> None:
        """Calcula y recuerda los ids de un trozo (o de varios unidos por espacios), y si su comienzo es delicado."""
        text = standardize(chunk)
        self._chunks[chunk] = tuple(self._ids(text))
        if self._any_edge.match(text):
            self._risky_starts[chunk] = [left for right, left in self._edges if right.match(text)]

    def _glue(self, chunks: list[str]) -> list[str]:
        """Une con un espacio los trozos vecinos que spaCy podría no tratar por separado (ver `risky_edges`)."""
        risky, groups = self._risky_starts, [chunks[:1]]
        for before, chunk in pairwise(chunks):
            if chunk in risky and any(left.search(before.translate(_DASHES)) for left in risky[chunk]):
                groups[-1].append(chunk)
            else:
                groups.append([chunk])
        return [" ".join(group) for group in groups]

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
        if text_pair is not None and isinstance(text, str) != isinstance(text_pair, str):
            raise TypeError(
                "Los pares de textos van los dos sueltos o los dos en listas, y solo uno es una lista."
            )
        try:
            return super().__call__(text, text_pair, **kwargs)
        except ValueError as error:
            if "Unable to create tensor" not in str(error):
                raise
            raise ValueError(
                "Los textos miden distinto y un tensor es rectangular: pide `padding=True`."
            ) from None

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


def _require_text(value, nested: bool = False) -> None:
    if isinstance(value, str):
        return
    if nested and isinstance(value, (list, tuple)) and value:
        for item in value:
            _require_text(item, nested=True)
        return
    raise TypeError(
        f"El tokenizador espera texto (str) o una lista de textos y ha recibido {type(value).__name__}: {value!r:.60}."
    )


def _read_object(path) -> dict:
    """El objeto JSON de un archivo del tokenizador (UTF-8, con o sin marca inicial)."""
    with opened(path, VocabularyError) as file:
        text = file.read()
    return parse_object(Place(path, kind=VocabularyError), text)


def _read_vocab(path, unk: str) -> dict[str, int]:
    vocab = _read_object(path)
    whole = all(type(index) is int for index in vocab.values())
    if not whole or sorted(vocab.values()) != list(range(len(vocab))):
        raise VocabularyError(
            f"{path} debe dar a sus {len(vocab)} tokens ids enteros, de 0 a {len(vocab) - 1}, sin huecos ni repetidos"
        )
    if unk not in vocab:
        raise VocabularyError(
            f"{path} tiene {len(vocab)} entradas y ninguna es {unk}, el token de lo desconocido"
        )
    return vocab


def _read_merges(path, vocab: dict[str, int], special: set[str]) -> list[tuple[str, str]]:
    """Las fusiones de `merges.txt`, de más a menos prioritaria; la primera línea es la versión del formato.

    Toda entrada del vocabulario es un símbolo (una letra, con o sin `</w>`), una de `special` o el resultado de una
    fusión, y cada fusión une lo que ya hay: así se entrenó GPT-1 (478 + 40 000 entradas) y así entrena `train_bpe`.
    """
    formed = {token for token in vocab if len(token.removesuffix(END_OF_WORD)) == 1} | special
    merges, last = [], -1
    with opened(path, VocabularyError) as file:
        version, *lines = file.read().split("\n")
    if not version.startswith("#version"):
        raise VocabularyError(f"{path} empieza por «{version:.40}» y se esperaba la línea «#version: 0.2»")
    for number, line in enumerate(lines, 2):
        if not line:
            continue
        left, _, right = line.partition(" ")
        token, problem = left + right, None
        index = vocab.get(token)
        if index is None or left not in formed or right not in formed:
            problem = "no es una fusión de este vocabulario"
        elif token in formed:  # puede haber dos maneras de formarlo, pero no dos veces la misma
            problem = "está repetida" if (left, right) in merges else None
        elif index < last:
            problem = (
                f"forma la entrada {index} de {VOCAB} y la fusión anterior, la {last}: van en el mismo orden"
            )
        else:
            last = index
            formed.add(token)
        if problem:
            raise VocabularyError(f"{path}, línea {number}: «{line:.60}» {problem}")
        merges.append((left, right))
    if orphans := vocab.keys() - formed:
        first = min(orphans, key=vocab.get)
        raise VocabularyError(
            f"{VOCAB} tiene {len(vocab)} entradas y con las {len(merges)} fusiones de {path} se forman "
            f"{len(vocab) - len(orphans)}: de ninguna sale «{first}»"
        )
    return merges


def _check_added(added: dict[str, int], vocab: dict[str, int], merged: set[str]) -> None:
    for token in added.keys() & vocab:  # se buscaría tal cual en el texto, antes de partirlo en palabras
        if token in merged or len(token.removesuffix(END_OF_WORD)) == 1:
            raise VocabularyError(
                f"El token especial {token!r:.40} es una letra o un trozo de palabra de {VOCAB} y tiene que ser otro"
            )
    new = {token: index for token, index in added.items() if vocab.get(token) != index}
    if sorted(new.values()) != list(range(len(vocab), len(vocab) + len(new))) or not vocab.keys().isdisjoint(
        new
    ):
        raise VocabularyError(
            f"Los tokens añadidos ({', '.join(new)}) deben llevar los ids que siguen a los {len(vocab)} de {VOCAB} y "
            f"llevan {', '.join(map(str, new.values()))}"
        )


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
