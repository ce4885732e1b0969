"""El preentrenamiento a tamaño de juguete: textos, vocabulario, archivo de tokens, receta e historia."""

import json
import lzma
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import OpenAIGPTLMHeadModel

from helpers.pretraining import card
from helpers.pretraining.__main__ import main
from helpers.pretraining.bpe import count_words, train_bpe
from helpers.pretraining.corpus import TokenFile, Windows, read_token_file, tokenize_documents
from helpers.pretraining.recipe import PRESETS
from helpers.pretraining.texts import CorpusError, Document, read_documents, read_titles, split_held_out
from helpers.pretraining.trainer import doublings
from helpers.tokenizer import NEWLINE, GPT1Tokenizer

STORIES = Path(__file__).parents[1] / "data" / "stories"
TEXT = "The old man looked at the sea.\n\nHe didn't say a word; the sea didn't either.\n"


def test_reads_every_format(tmp_path):
    (tmp_path / "uno.txt").write_text(TEXT)
    (tmp_path / "vacío.txt").write_text(" \n")
    lines = [json.dumps({"title": f"Libro {n}", "author": "Ana", "text": TEXT}) for n in range(2)]
    (tmp_path / "dos.jsonl").write_text("\n".join(lines))
    (tmp_path / "tres.jsonl.xz").write_bytes(lzma.compress(lines[0].encode()))
    found = list(read_documents([tmp_path]))
    assert [document.name for document in found] == ["Ana - Libro 0", "Ana - Libro 1", "Ana - Libro 0", "uno"]
    assert {document.text for document in found} == {TEXT}


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("malo.txt", "ñ".encode("latin-1"), "malo.txt no está en UTF-8"),
        ("malo.jsonl", b'{"text": "a"}\n{"texto": "b"}', "malo.jsonl, línea 2"),
        ("malo.jsonl", b"{", "línea 1"),
        ("malo.txt.xz", b"no es xz", "No se puede leer"),
        ("malo.txt.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03KLJ\xff\xff\xff\xff", "No se puede leer"),
        ("malo.jsonl", b'{"text": null}', "falta la columna «text»"),
        ("malo.jsonl", b'{"text": "a", "title": "\\ud800"}', r"línea 1: trae media letra \(\\ud800\)"),
        ("malo.jsonl", b'{"text": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "línea 1: no se puede leer"),
        ("malo.jsonl", b'{"text": "a", "id": ' + b"1" * 5000 + b"}", "línea 1: no se puede leer"),
        ("malo.pdf", b"", "No hay textos"),
    ],
)
def test_unusable_files_say_which_and_why(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=words):
        list(read_documents([tmp_path]))


def test_missing_folder_and_command_line(tmp_path, capsys):
    assert main(["--corpus", str(tmp_path / "nada"), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "No existe" in error and error.count("\n") == 1


def test_held_out_books_are_never_in_training(tmp_path):
    documents = [Document(f"Libro {n}", TEXT) for n in range(10)]
    training, held_out = split_held_out(documents, ["Libro 3", "Libro 7"])
    assert [document.title for document in held_out] == ["Libro 3", "Libro 7"] and len(training) == 8
    training, held_out = split_held_out(documents, every=5)
    assert [document.title for document in held_out] == ["Libro 4", "Libro 9"]
    with pytest.raises(CorpusError, match="Otro"):
        split_held_out(documents, ["Otro"])
    with pytest.raises(CorpusError, match="10 y 0"):
        split_held_out(documents)
    (tmp_path / "fuera.tsv").write_text("author\ttitle\nAna\tLibro 3\n")
    assert read_titles(tmp_path / "fuera.tsv") == ["Libro 3"]


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    texts = [TEXT * 5, "The sea is old and the man is old."] * 5
    return train_bpe(count_words(texts), 50, tmp_path_factory.mktemp("vocabulario"))


def test_vocabulary_has_the_format_of_gpt1(vocabulary):
    vocab = json.loads((vocabulary / "vocab.json").read_text(encoding="utf-8"))
    assert len(vocab) == 50 and vocab["<unk>"] == 0 and vocab[NEWLINE] == 49
    assert sorted(vocab.values()) == list(range(50))
    assert (vocabulary / "merges.txt").read_text().startswith("#version: 0.2\n")
    tokenizer = GPT1Tokenizer.from_pretrained(vocabulary)
    assert "the</w>" in tokenizer.tokenize(TEXT) and 0 not in tokenizer.text_to_ids(TEXT)
    assert tokenizer.decode(tokenizer.text_to_ids(TEXT)) == TEXT.lower().replace("\n\n", "\n").strip()


def test_the_same_text_gives_the_same_vocabulary(tmp_path):
    words = count_words(story.read_text(encoding="utf-8") for story in sorted(STORIES.glob("*.txt"))[:10])
    learnt = {(train_bpe(words, 900, tmp_path) / "merges.txt").read_text(encoding="utf-8") for _ in range(6)}
    assert len(learnt) == 1


def test_words_are_those_the_tokenizer_sees(vocabulary):
    words = count_words([TEXT])
    seen = [word for word in GPT1Tokenizer.from_pretrained(vocabulary).words(TEXT) if word.strip()]
    assert words == {word: seen.count(word) for word in seen}


def test_token_file_is_the_texts_in_order_and_resumes(vocabulary, tmp_path):
    documents = [Document(str(n), f"{TEXT} {n}") for n in range(3)]
    tokenizer = GPT1Tokenizer.from_pretrained(vocabulary)
    expected = [index for document in documents for index in [*tokenizer.text_to_ids(document.text), 49]]
    out = tmp_path / "train.bin"
    pieces = tmp_path / "train.partes"
    pieces.mkdir()
    done = np.asarray([*tokenizer.text_to_ids(documents[1].text), 49], dtype="uint16")
    np.save(pieces / "000001.npy", done)  # como si se hubiera interrumpido con una pieza hecha…
    np.save(pieces / "000002.tmp.npy", done[:3])  # …y otra a medias
    file = tokenize_documents(documents, vocabulary, out, processes=1)
    assert file.array().tolist() == expected and file.tokens == len(expected)
    assert file.text_bytes == sum(len(document.text.encode()) for document in documents)
    assert not pieces.exists()
    assert tokenize_documents(documents, vocabulary, out, processes=1) == file  # la segunda vez solo se lee


@pytest.mark.parametrize(
    "change",
    [
        {"dtype": "float16"},
        {"text_bytes": -5},
        {"text_bytes": 7},
        {"tokens": 3},
        {"source": ""},
        {"sum": ""},
        None,
    ],
)
def test_changed_tokens_or_what_is_said_of_them_are_made_again(vocabulary, tmp_path, capsys, change):
    documents, out = [Document("a", TEXT)], tmp_path / "train.bin"
    file = tokenize_documents(documents, vocabulary, out, processes=1)
    assert read_token_file(out) == file
    if change is None:
        ids = file.array().copy()
        ids[0] += 1
        ids.tofile(out)
    else:
        said = json.loads(out.with_suffix(".json").read_text())
        out.with_suffix(".json").write_text(json.dumps(said | change))
    assert read_token_file(out) is None
    assert capsys.readouterr().out == ""
    assert tokenize_documents(documents, vocabulary, out, processes=1) == file == read_token_file(out)
    assert "train.bin o su descripción, train.json, no son lo que se guardó" in capsys.readouterr().out


def test_windows_are_contiguous_and_do_not_overlap(tmp_path):
    path = tmp_path / "ids.bin"
    np.arange(103, dtype="uint16").tofile(path)
    file = TokenFile(str(path), 103, 300, "uint16")
    windows = Windows(file, 10)
    assert len(windows) == 10
    assert [id for window in windows for id in window["input_ids"].tolist()] == list(range(100))
    assert [window["input_ids"][0].item() for window in Windows(file, 10, limit=3)] == [0, 40, 90]


def test_doublings():
    assert doublings(16, 100) == [16, 32, 64, 100]
    assert doublings(16, 10) == [10]


def test_paper_recipe():
    """Artículo, §4.1."""
    paper = PRESETS["paper"]
    assert (paper.n_layer, paper.n_embd, paper.n_head, paper.n_positions) == (12, 768, 12, 512)
    assert (paper.batch, paper.epochs, paper.learning_rate, paper.warmup) == (64, 100, 2.5e-4, 2000)
    assert (paper.weight_decay, paper.dropout) == (0.01, 0.1)


def test_a_whole_run_learns_and_leaves_a_model_that_loads(vocabulary, tmp_path):
    folder = tmp_path / "textos"
    folder.mkdir()
    for n in range(6):
        (folder / f"{n}.txt").write_text(TEXT * 60)
    out = tmp_path / "modelo"
    options = "--preset mini --probes 0 --n-layer 1 --n-embd 32 --n-head 2 --n-positions 16 --batch 8"
    options += " --micro-batch 4 --warmup 5"
    arguments = [
        "--corpus",
        str(folder),
        "--out",
        str(out),
        "--tokenizer",
        str(vocabulary),
        "--held-out",
        "6",
    ]
    assert (
        main(
            [*arguments, *options.split(), "--max-steps", "40", "--processes", "1", "--learning-rate", "0.01"]
        )
        == 0
    )
    history = json.loads((out / "history.json").read_text())
    assert [record["step"] for record in history] == [16, 32, 40]
    assert [record["tokens"] for record in history] == [16 * 8 * 16, 32 * 8 * 16, 40 * 8 * 16]
    assert history[-1]["held_out_loss"] < history[0]["held_out_loss"] < np.log(50)
    assert history[-1]["bits_per_byte"] > 0
    model = OpenAIGPTLMHeadModel.from_pretrained(out)
    assert model.config.n_layer == 1 and model.config.resid_pdrop == 0.1
    assert GPT1Tokenizer.from_pretrained(out).vocab_size == 50
    # la ficha mide lo mismo que la historia, y sus muestras son las de siempre
    tests = card.measure(model, read_token_file(out / "held_out.bin"))
    assert tests.loss == pytest.approx(history[-1]["held_out_loss"], abs=2e-3)  # los pesos guardados son fp16
    assert tests.bits_per_byte == pytest.approx(history[-1]["bits_per_byte"], abs=2e-3)
    windows = Windows(read_token_file(out / "held_out.bin"), 16, card.CARD_WINDOWS)
    with torch.inference_mode():
        each = [model(one["input_ids"][None], labels=one["input_ids"][None]).loss.item() for one in windows]
    assert len(each) == tests.windows > 10 and tests.loss == pytest.approx(np.mean(each), abs=1e-5)
    assert tests.half == pytest.approx(1.96 * np.std(each, ddof=1) / len(each) ** 0.5, rel=1e-3)
    text = (out / "README.md").read_text(encoding="utf-8")
    assert (
        f"**perplejidad {tests.perplexity:.1f}".replace(".", ",") in text
        and "1 × 32, 2 | 12 × 768, 12" in text
    )
    notes = tmp_path / "notas.md"
    notes.write_text("## Datos\n\nUn solo texto, muchas veces.\n", encoding="utf-8")
    assert card.main([str(out), "--notes", str(notes), "--name", "mio"]) == 0
    assert (out / "README.md").read_text(encoding="utf-8").startswith("# mio\n")
    assert "Un solo texto" in (out / "README.md").read_text(encoding="utf-8")


def test_history_goes_on_from_the_weights_it_starts_from(vocabulary, tmp_path):
    (tmp_path / "texto.txt").write_text(TEXT * 60)
    (tmp_path / "otro.txt").write_text(TEXT * 9)
    options = [
        "--corpus",
        str(tmp_path / "texto.txt"),
        str(tmp_path / "otro.txt"),
        "--held-out",
        "2",
        "--preset",
    ]
    options += "mini --probes 0 --n-layer 1 --n-embd 32 --n-head 2 --n-positions 16 --batch 4 --micro-batch 4".split()
    options += ["--tokenizer", str(vocabulary), "--processes", "1", "--max-steps", "20"]
    assert main([*options, "--out", str(tmp_path / "uno")]) == 0
    # una historia de otro origen puede no traer la hora: la ficha del final se escribe igual
    path = tmp_path / "uno" / "history.json"
    records = json.loads(path.read_text())
    path.write_text(json.dumps([{k: v for k, v in one.items() if k != "seconds"} for one in records]))
    assert main([*options, "--out", str(tmp_path / "dos"), "--init", str(tmp_path / "uno")]) == 0
    assert "En total, 40 actualizaciones" in (tmp_path / "dos" / "README.md").read_text(encoding="utf-8")
    first, second = (json.loads((tmp_path / out / "history.json").read_text()) for out in ("uno", "dos"))
    assert second[: len(first)] == first and [record["step"] for record in second] == [16, 20, 36, 40]
    assert second[-1]["tokens"] == 40 * 4 * 16


@pytest.mark.parametrize("out", [".", "mio\n", "a\0b"])
def test_a_folder_that_cannot_be_is_said_before_the_tokens(out, tmp_path, monkeypatch, capsys):
    texts = tmp_path / "textos"
    texts.mkdir()
    for name in "ab":
        (texts / f"{name}.txt").write_text("a dog ran. ")
    monkeypatch.chdir(tmp_path)
    assert main(["--corpus", "textos", "--out", out, "--held-out", "2", "--processes", "1"]) == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("La carpeta de salida (out) no puede ser")
    assert [path.name for path in tmp_path.iterdir()] == ["textos"]
