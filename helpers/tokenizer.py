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
SPECIAL_TOKENS = ["_start_", "_delimiter_", "_classify_"]  # los que añade el ajuste fino (train.py del original)

# Texto que ftfy deja igual salvo las comillas tipográficas: así se evita su análisis (la parte más lenta).
_UNTOUCHED_BY_FTFY = re.compile("[\t\n -%'-;=-~‘’“”–—…]*")
_STRAIGHT_QUOTES = str.maketrans("‘’“”", "''\"\"")
_DASHES = str.maketrans({"—": "-", "–": "-", "―": "-", "…": "...", "´": "'"})
# La barra invertida NO está: en el original el patrón no es una cadena «raw» y `\\+` acaba siendo un `+` literal.
_PADDED_PUNCTUATION = re.compile(r'([-~!";?+,)(/*\[\]}{|_])\1*')
_NEWLINES = re.compile(r"\s*\n\s*")
_BLANKS = re.compile(r"[^\S\n]+")
_GLUE = "\x1f"  # es un blanco, así que `standardize` no deja ninguno en el texto
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
            merges=_read_merges(merges_file),
            end_of_word_suffix=END_OF_WORD,
            unk_token=str(unk_token),
            cache_capacity=0,  # ya se recuerdan los trozos enteros
        )
        self._files = (str(vocab_file), str(merges_file))
        self._splitter = English().tokenizer  # las mismas reglas que los modelos de spaCy, sin descargar ninguno
        self._unsafe_space = _spaces_that_may_matter(self._splitter)
        self._chunks = {}
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

        spaCy trata por separado cada trozo sin espacios (salvo raras parejas de signos, que aquí no se separan), así
        que basta con resolver una vez cada trozo distinto. Lanza `TypeError` si `text` no es una cadena. Fuente: text_utils.py, `TextEncoder.encode`.
        """
        _require_text(text)
        glued = self._unsafe_space.sub(_GLUE, standardize(clean(text)))
        chunks = [chunk for chunk in glued.split(" ") if chunk]
        known = self._chunks
        new = {chunk for chunk in chunks if chunk not in known}
        if new:
            if len(known) + len(new) > _CACHE_LIMIT:
                known.clear()
                new = set(chunks)
            self._learn(new)
        return [index for chunk in chunks for index in known[chunk]]

    def _learn(self, chunks) -> None:
        """Calcula y recuerda los ids de trozos nuevos; los saltos de línea van directos a su token."""
        unk = self._encoder[str(self.unk_token)]
        for chunk in chunks:
            if chunk == "\n":
                self._chunks[chunk] = (self._encoder.get(NEWLINE, unk),)
                continue
            self._chunks[chunk] = tuple(
                index
                for word in self._splitter(chunk.replace(_GLUE, " "))
                for index in self._word_ids(word.text.lower())
            )

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
        _require_text(text)
        return super().tokenize(text, **kwargs)

    # --- ids → texto -------------------------------------------------------------------------------------

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        """Une los tokens: `</w>` cierra palabra y el token de salto de línea vuelve a ser un salto."""
        added = self._added_tokens_encoder
        pieces = [f" {token} " if token in added and token not in self._encoder else token for token in tokens]
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


def _spaces_that_may_matter(splitter) -> re.Pattern:
    """Los espacios a través de los cuales spaCy podría ver uno de sus casos especiales (`''`, `:)`, `._.`…).

    spaCy busca esos casos sobre los tokens ya separados, sin mirar si había un espacio, y un caso falso a caballo
    entre dos trozos tapa a uno verdadero. Se detecta por las letras vecinas: es lo bastante raro y nunca se escapa.
    """
    plain = Tokenizer(
        splitter.vocab,
        prefix_search=splitter.prefix_search,
        suffix_search=splitter.suffix_search,
        infix_finditer=splitter.infix_finditer,
        token_match=splitter.token_match,
        url_match=splitter.url_match,
    )
    followers = {}
    for case in splitter.rules:
        for left, right in pairwise(word.text for word in plain(case)):
            followers.setdefault(left[-1], set()).add(right[0])
    sides = (
        f"(?<={re.escape(left)} )(?=[{re.escape(''.join(sorted(rights)))}])" for left, rights in followers.items()
    )
    return re.compile(f" (?:{'|'.join(sides)})")


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
    return json.loads(Path(path).read_text(encoding="utf-8"))


def _read_merges(path) -> list[tuple[str, str]]:
    """Las fusiones de `merges.txt`, de más a menos prioritaria; la primera línea es la versión del formato."""
    lines = Path(path).read_text(encoding="utf-8").split("\n")[1:]
    return [tuple(line.split(" ")) for line in lines if line]


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
