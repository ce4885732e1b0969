"""De textos a un archivo de tokens que se lee sin cargarlo en memoria, hecho en paralelo y reanudable."""

import json
import multiprocessing
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from helpers.files import write_json
from helpers.hf import evaluating
from helpers.pretraining.texts import CorpusError
from helpers.rules import Rule
from helpers.tokenizer import GPT1Tokenizer
from helpers.training import TrainingError, check_value, fingerprint

SOURCE = "origen.txt"
RULES = {"tokens": Rule(int, 1), "text_bytes": Rule(int, 1), "dtype": Rule(str, also=("uint16", "uint32"))}


@dataclass(frozen=True)
class TokenFile:
    """Un archivo de ids seguidos: cuántos tokens, cuántos bytes de texto había y con qué tipo se guardan."""

    path: str
    tokens: int
    text_bytes: int
    dtype: str
    source: str = ""  # la huella de los textos y el vocabulario de que salen
    sum: str = ""  # la de los propios tokens y de lo que se dice de ellos
    vocabulary: str = ""  # la del vocabulario de los ids

    def content(self) -> tuple:
        """Lo que distingue estos tokens de otros, para `fingerprint`."""
        return [self.tokens, self.text_bytes, self.dtype], Path(self.path)

    def check(self, vocab_size: int) -> None:
        """Lanza `TrainingError` si el archivo no es como se dice o lleva ids que no son del vocabulario."""
        for name, rule in RULES.items():
            check_value(name, getattr(self, name), rule)
        path, again = Path(self.path), "vuelve a hacerlos con `tokenize_documents`."
        if not path.is_file():
            raise TrainingError(f"No existe {path}, donde tenían que estar los tokens: {again}")
        size, due = path.stat().st_size, self.tokens * np.dtype(self.dtype).itemsize
        if size != due:
            raise TrainingError(
                f"{path} ocupa {size} bytes y {self.tokens} tokens de tipo {self.dtype} serían {due}: {again}"
            )
        if (largest := int(self.array().max())) >= vocab_size:
            raise TrainingError(
                f"Entre los tokens de {path} está el id {largest} y el vocabulario tiene {vocab_size} entradas: {again}"
            )

    def array(self) -> np.memmap:
        return np.memmap(self.path, dtype=self.dtype, mode="r")

    @property
    def bytes_per_token(self) -> float:
        return self.text_bytes / self.tokens


def read_token_file(out) -> TokenFile | None:
    """El archivo de tokens que ya está hecho en `out`, o `None` si falta o no se acabó."""
    out = Path(out)
    description = out.with_suffix(".json")
    if not (description.exists() and out.exists()):
        return None
    try:
        file = TokenFile(**{**json.loads(description.read_text(encoding="utf-8")), "path": str(out)})
        return file if file.sum == _sum(file) else None
    except (ValueError, TypeError):  # una descripción dañada es como si no estuviera
        return None


def _sum(file: TokenFile) -> str:
    """La huella de los tokens y de lo que su descripción dice de ellos: cambiado lo uno o lo otro, ya no sirven."""
    return fingerprint([file.tokens, file.text_bytes, file.dtype, file.source], Path(file.path))


def tokenize_documents(documents, tokenizer_folder, out, processes: int | None = None) -> TokenFile:
    """Escribe en `out` los tokens de todos los documentos, uno tras otro, separados por un salto de línea.

    Cada documento deja su pieza en `out.partes/`; si se interrumpe, al repetir solo se hacen las que faltan. Lanza
    `CorpusError` si `out` son los tokens de otros textos.
    """
    out, documents = Path(out), list(documents)
    vocabulary = [Path(tokenizer_folder) / name for name in ("vocab.json", "merges.txt")]
    source = fingerprint([document.text for document in documents], *vocabulary)
    done = read_token_file(out)
    if done is not None and done.source == source:
        return done
    if done is None and out.exists() and out.with_suffix(".json").exists():
        print(f"{out.name} o su descripción, {out.stem}.json, no son lo que se guardó: vuelvo a hacerlos.")
    if done is not None:
        raise CorpusError(
            f"{out} son los tokens de otros textos o de otro vocabulario: elige otro nombre o bórralo."
        )
    pieces = out.with_suffix(".partes")
    if pieces.exists() and _source_of(pieces) != source:
        shutil.rmtree(pieces)  # las dejó a medias otro encargo
    pieces.mkdir(parents=True, exist_ok=True)
    (pieces / SOURCE).write_text(source)
    vocab = len(json.loads((Path(tokenizer_folder) / "vocab.json").read_text(encoding="utf-8")))
    dtype = "uint16" if vocab <= 2**16 else "uint32"
    todo = [(index, document.text) for index, document in enumerate(documents)]
    todo = [(index, text) for index, text in todo if not (pieces / f"{index:06d}.npy").exists()]
    bar = tqdm(
        total=len(documents), initial=len(documents) - len(todo), desc=f"Tokens de {out.stem}", unit="doc"
    )
    setting = (str(tokenizer_folder), str(pieces), dtype)
    for _ in _work_through(todo, setting, processes):
        bar.update()
    bar.close()
    tokens = 0
    with open(out, "wb") as file:
        for index in range(len(documents)):
            piece = np.load(pieces / f"{index:06d}.npy")
            tokens += len(piece)
            file.write(piece.tobytes())  # `tofile` no dice nada si el disco se llena
    text_bytes = sum(len(document.text.encode("utf-8")) for document in documents)
    result = TokenFile(str(out), tokens, text_bytes, dtype, source, vocabulary=fingerprint(*vocabulary))
    result = replace(result, sum=_sum(result))
    write_json(
        out.with_suffix(".json"), {**asdict(result), "path": out.name}
    )  # al final: dice que está entero
    shutil.rmtree(pieces)
    return result


def _source_of(pieces: Path) -> str | None:
    path = pieces / SOURCE
    return path.read_text() if path.is_file() else None


def _work_through(todo, setting, processes):
    """Hace los trabajos, aquí mismo si basta un proceso: arrancar otro cuesta más que tokenizar unos cuentos."""
    if processes == 1 or len(todo) < 2:
        _start(*setting)
        yield from map(_tokenize, todo)
        return
    with multiprocessing.get_context("spawn").Pool(processes, _start, setting) as pool:
        yield from pool.imap_unordered(_tokenize, todo)


_WORKER = {}


def _start(tokenizer_folder: str, pieces: str, dtype: str) -> None:
    tokenizer = GPT1Tokenizer.from_pretrained(tokenizer_folder)
    newline = tokenizer.convert_tokens_to_ids("\n</w>")
    _WORKER.update(tokenizer=tokenizer, newline=newline, pieces=Path(pieces), dtype=dtype)


def _tokenize(job: tuple[int, str]) -> None:
    index, text = job
    ids = [*_WORKER["tokenizer"].text_to_ids(text), _WORKER["newline"]]
    partial = _WORKER["pieces"] / f"{index:06d}.tmp.npy"
    np.save(partial, np.asarray(ids, dtype=_WORKER["dtype"]))
    partial.rename(
        _WORKER["pieces"] / f"{index:06d}.npy"
    )  # de golpe: una pieza a medias no cuenta como hecha


class Windows(torch.utils.data.Dataset):
    """Ventanas contiguas de `length` tokens, sin solaparse: una rejilla fija, que se baraja en cada época.

    El artículo (§4.1) las toma al azar («randomly sampled, contiguous sequences of 512 tokens»), y cada una puede
    empezar en cualquier sitio. Con la rejilla cada token se lee una vez por época, pero siempre con el mismo contexto.
    """

    def __init__(self, file: TokenFile, length: int, limit: int | None = None):
        self.file, self.length = file, length
        total = file.tokens // length
        count = min(total, limit) if limit else total
        # con límite, las ventanas se toman repartidas por todo el archivo
        self.starts = np.linspace(0, (total - 1) * length, count).astype(np.int64) // length * length
        self._array = None

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        if self._array is None:  # se abre en cada proceso, no se copia entre procesos
            self._array = self.file.array()
        start = self.starts[index]
        ids = torch.from_numpy(self._array[start : start + self.length].astype(np.int64))
        return {"input_ids": ids, "labels": ids}


def window_losses(model, ids) -> torch.Tensor:
    """La entropía cruzada media de cada ventana de `ids` [B, T], en nats por token: [B]."""
    logits = model(input_ids=ids).logits[:, :-1]  # [B, T - 1, vocabulario]
    each = F.cross_entropy(logits.flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none")
    return each.view(len(ids), -1).mean(dim=1)


def all_window_losses(model, windows: Windows, batch: int = 16) -> torch.Tensor:
    """`window_losses` de todas las ventanas, [ventanas], por lotes y con `model` en modo evaluación."""
    losses = []
    with evaluating(model):
        for start in range(0, len(windows), batch):
            ids = [windows[n]["input_ids"] for n in range(start, min(start + batch, len(windows)))]
            losses.append(window_losses(model, torch.stack(ids).to(model.device)))
    return torch.cat(losses).cpu()
