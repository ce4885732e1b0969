"""Los datos: los del curso, los formatos públicos en archivos hechos a mano, el Hub sin red, y las sondas."""

import json
from collections import Counter
from functools import partial
from types import SimpleNamespace

import datasets
import pytest
import torch
from transformers import OpenAIGPTConfig

from helpers import models, tasks
from helpers.hf import GPT1LMHeadModel
from helpers.models import MINI
from helpers.pretraining.trainer import History
from helpers.tasks import TaskError
from helpers.tokenizer import GPT1Tokenizer
from helpers.zeroshot import (
    PROBES,
    Labelled,
    MinimalPair,
    PronounSchema,
    Question,
    load_records,
    probes,
    spread,
)

# --- los del curso ---------------------------------------------------------------------------------------


def test_the_pairs_of_the_course():
    sentences, pairs = load_records("acceptability"), load_records("minimal_pairs")
    assert len(sentences) == 300 and len(pairs) == 150
    assert len({pair.phenomenon for pair in pairs}) >= 8
    assert {(one.text, one.label) for one in sentences} == {
        (text, label)
        for pair in pairs
        for text, label in ((pair.good, "acceptable"), (pair.bad, "unacceptable"))
    }
    assert set(Counter(one.group for one in sentences).values()) == {2}
    parts = [load_records("acceptability", split=split) for split in ("train", "validation", "test")]
    assert sum(map(len, parts)) == 300
    assert not {one.group for one in parts[0]} & {one.group for part in parts[1:] for one in part}


def test_the_schemas_of_the_course_come_in_twins():
    schemas = load_records("pronouns")
    assert len(schemas) == 60 and set(Counter(schema.group for schema in schemas).values()) == {2}
    assert Counter(schema.right for schema in schemas) == {0: 30, 1: 30}
    first = schemas[0]
    assert first.before.endswith("because") and first.after == "might go out."
    assert first.candidates == ("the candle", "the curtain") and first.right == 0


def test_the_questions_of_the_course():
    reading = load_records("reading")
    assert len(reading) == 60 and {len(question.options) for question in reading} == {4}
    assert Counter(question.right for question in reading) == {0: 15, 1: 15, 2: 15, 3: 15}
    assert reading[0].options[reading[0].right] == "Down the pear tree outside"
    assert reading[0].context.endswith("How did Miss Larkin get out of her house?")
    assert reading[0].group == reading[1].group != reading[-1].group
    story = load_records("story_cloze")[0]
    assert story.context.startswith("Our mule would not") and story.options[story.right].startswith(
        "Then Hank strolled"
    )
    assert {record.label for record in load_records("sentiment", split="test")} == {"positive", "negative"}


def test_a_limit_is_spread_and_keeps_groups():
    schemas = load_records("pronouns", limit=10)
    assert len(schemas) == 10 and set(Counter(schema.group for schema in schemas).values()) == {2}
    assert spread(list("abcdefgh"), 4) == ["a", "c", "e", "g"]
    assert spread(list("abc"), None) == spread(list("abc"), 9) == ["a", "b", "c"]


# --- los de fuera ----------------------------------------------------------------------------------------


def test_glue_folders(tmp_path):
    for name, train in {
        "CoLA": "gj04\t1\t\tThe boat sank.\ngj04\t0\t*\tThe boat sinked it.\n",
        "SST-2": "sentence\tlabel\na lovely film \t1\na dull film \t0\n",
    }.items():
        (tmp_path / name).mkdir()
        for split in ("train", "dev"):
            (tmp_path / name / f"{split}.tsv").write_text(train)
    assert load_records("cola", tmp_path) == [
        Labelled("The boat sank.", "acceptable"),
        Labelled("The boat sinked it.", "unacceptable"),
    ]
    assert [record.label for record in load_records("sst2", tmp_path / "SST-2", split="train")] == [
        "positive",
        "negative",
    ]
    with pytest.raises(TaskError, match="no tiene la parte «test»; hay train, validation"):
        load_records("sst2", tmp_path, split="test")


def test_race_questions_of_a_document_go_together(tmp_path):
    document = {
        "article": "A cat slept.",
        "questions": ["Who slept?", "What did it do?"],
        "options": [["A cat", "A dog", "A cow", "A man"], ["Ran", "Slept", "Ate", "Sang"]],
        "answers": ["A", "B"],
        "id": "high1.txt",
    }
    for split in ("train", "dev", "test"):
        for level in ("middle", "high"):
            (tmp_path / split / level).mkdir(parents=True)
            (tmp_path / split / level / "1.txt").write_text(json.dumps(document))
    found = load_records("race", tmp_path)
    assert len(found) == 4 and [question.right for question in found] == [0, 1, 0, 1]
    assert found[0].context == "A cat slept. Who slept?" and found[1].options[1] == "Slept"
    assert found[0].group == found[1].group != found[2].group == found[3].group


def test_dpr_in_its_original_format(tmp_path):
    file = tmp_path / "test.c.txt"
    file.write_text(
        "The bee landed on the flower because it had pollen.\nit\nThe bee,the flower\nthe flower\n\n"
        "Ann told Bea that she had lost her hat.\nher\nAnn,Bea\nAnn\n\n"
        "Ann hid his coat from Bob as it was his.\nhis\nAl,James'\nAl\n"
    )
    assert (
        load_records("dpr", tmp_path)
        == load_records("dpr", file)
        == [
            PronounSchema(
                "The bee landed on the flower because", "had pollen.", ("The bee", "the flower"), 1
            ),
            PronounSchema(
                "Ann told Bea that she had lost", "hat.", ("Ann", "Bea"), 0
            ),  # «her» puede no ser posesivo
            PronounSchema(
                "Ann hid", "coat from Bob as it was his.", ("Al's", "James'"), 0
            ),  # el primero, y posesivo
        ]
    )


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("A cat ran.\nit\n", "se esperaban cuatro líneas"),
        ("A cat saw it run.\nit\na,b\nc\n", "«c» no es ninguno de los candidatos «a,b»"),
        ("A cat ran.\nit\na,b\na\n", "«it» no está en «A cat ran.»"),
        ("The cat saw it\nit\na,b\na\n", "no queda nada"),
    ],
)
def test_unusable_schemas_say_file_and_line(tmp_path, block, words):
    (tmp_path / "test.c.txt").write_text(block)
    with pytest.raises(TaskError, match=f"test.c.txt, línea 1: .*{words}"):
        load_records("dpr", tmp_path)


def test_unusable_files_and_names(tmp_path):
    with pytest.raises(TaskError, match="No existe .*test.c.txt"):
        load_records("dpr", tmp_path)
    with pytest.raises(TaskError, match="no viene con el curso"):
        load_records("dpr")
    with pytest.raises(TaskError, match="son datos del curso"):
        load_records("pronouns", tmp_path)
    with pytest.raises(TaskError, match="Las que hay: .*dpr"):
        load_records("nada")


@pytest.mark.parametrize("name", ["dpr", "cola", "race"])
def test_without_network_the_hub_is_a_clear_error(name, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    with pytest.raises(TaskError, match="No se ha podido descargar .* hace falta conexión"):
        load_records(name, "hub")


SCHEMA = {"sentence": "A cat saw it run.", "pronoun": "it", "candidates": ["a", "b"], "label": 1}


def pretend_hub(monkeypatch, *rows):
    """Un Hub al que no se llega: lo pedido y si se iba a esperar a la red."""
    asked = []

    def load_dataset(*args, **named):
        asked.append((args, named, datasets.config.HF_HUB_OFFLINE))
        return rows

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(models, "hub_reachable", lambda: False)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    return asked


def test_rows_of_the_hub(monkeypatch):
    asked = pretend_hub(monkeypatch, SCHEMA)
    assert load_records("dpr", "hub") == [PronounSchema("A cat saw", "run.", ("a", "b"), 1)]
    path = "community-datasets/definite_pronoun_resolution"
    assert asked == [((path, "plain_text"), {"split": "test"}, True)]
    assert datasets.config.HF_HUB_OFFLINE is False


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"label": 2}, "2 candidatos, desde el 0"),
        ({"label": -1}, "dice «-1»"),
        ({"pronoun": None}, "«pronoun»"),
    ],
)
def test_unusable_rows_of_the_hub_say_which(monkeypatch, change, words):
    pretend_hub(monkeypatch, SCHEMA, SCHEMA | change)
    with pytest.raises(TaskError, match=f"definite_pronoun_resolution/plain_text/test, línea 2: .*{words}"):
        load_records("dpr", "hub")


# --- las sondas ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer():
    return GPT1Tokenizer.from_pretrained(MINI)


def small_model(tokenizer, n_positions):
    torch.manual_seed(0)
    sizes = {
        "n_layer": 1,
        "n_embd": 32,
        "n_head": 2,
        "n_positions": n_positions,
        "vocab_size": len(tokenizer),
    }
    return GPT1LMHeadModel(OpenAIGPTConfig(**sizes))


def test_probes_measure_every_task_the_same_way_each_time(tokenizer):
    model = small_model(tokenizer, 256)
    measure = probes(tokenizer, limit=10)
    found = measure(model)
    assert list(found) == [f"zero_shot_{name}" for name in PROBES]
    assert all(-1 <= value <= 1 for value in found.values())
    assert measure(model) == found and model.training
    with pytest.raises(ValueError, match="«nada»"):
        probes(tokenizer, names=["nada"])


def test_what_does_not_fit_is_left_out_of_the_history(tokenizer, tmp_path):
    model = small_model(tokenizer, 64)
    history = History(
        tmp_path / "history.json",
        SimpleNamespace(bytes_per_token=4.0),
        64,
        probes=[probes(tokenizer, limit=6)],
    )
    state = SimpleNamespace(is_world_process_zero=True, global_step=16)
    history.on_evaluate(None, state, None, metrics={"eval_loss": 2.0}, model=model)
    (record,) = json.loads((tmp_path / "history.json").read_text())
    assert record["zero_shot_minimal_pairs"] == history.records[0]["zero_shot_minimal_pairs"]
    assert "zero_shot_pronouns" in record and "zero_shot_reading" not in record


def test_the_course_model_knows_some_grammar():
    """En los pares mínimos, claramente por encima del azar: es lo que la lección 07 enseña primero."""
    model, tokenizer = models.load("gpt1-mini", device="cpu", verbose=False)
    assert probes(tokenizer, limit=60, names=["minimal_pairs"])(model)["zero_shot_minimal_pairs"] > 0.7


@pytest.mark.parametrize(
    "make",
    [
        *(partial(Labelled, odd, "positive") for odd in (None, "", "  ", 3, ["a"])),
        *(partial(MinimalPair, "a b", odd) for odd in (None, "", 3, ("a", "b"))),
        *(partial(PronounSchema, odd, "ran.", ("a", "b"), 0) for odd in (None, 3, ["a"])),
        *(partial(PronounSchema, "x", odd, ("a", "b"), 0) for odd in (None, "", ["a", "b"])),
        *(partial(Question, odd, ("a", "b"), 0) for odd in (None, 3, ["a"])),
        *(
            partial(Question, "c", odd, 0)
            for odd in (None, "", "ab", (), ("a",), ("a", " "), (1, 2), 3, True)
        ),
        *(partial(Question, "c", ("a", "b"), odd) for odd in (None, "0", 2, -1, True, 0.0, [0])),
    ],
)
def test_a_record_that_cannot_be_is_told(make):
    with pytest.raises(ValueError, match="tiene que (ser un|ir de 0)"):
        make()


@pytest.mark.parametrize("odd", [None, 3, [], {}, ["sentiment"], b"sentiment", True, "nada", ""])
def test_a_task_or_a_source_that_cannot_be_is_told(odd):
    with pytest.raises(tasks.TaskError, match="No hay ninguna tarea"):
        tasks.load_task(odd)
    with pytest.raises(tasks.TaskError, match="se piden con|No existe la carpeta|No hay sentiment"):
        tasks.load_task("sentiment", odd)
