"""Las tareas: transformaciones de entrada a mano, recortes, lotes y lectura de cada formato con sus errores."""

import csv
import json
import math
import os
from pathlib import Path

import datasets
import pytest
import torch
from transformers import OpenAIGPTConfig, OpenAIGPTModel

from helpers import models, tasks
from helpers.tasks import (
    FEATURES,
    TASKS,
    InputTokens,
    TaskError,
    encode_task,
    input_tokens,
    load_task,
    pad,
    right_pad,
)
from helpers.tokenizer import GPT1Tokenizer

START, DELIMITER, CLASSIFY = 90, 91, 92
TOKENS = InputTokens(
    START, DELIMITER, CLASSIFY, n_positions=16
)  # 16 // 2 - 2 = 6 por segmento; 14 si va solo
FAMILIES = {"classification", "entailment", "similarity", "multiple_choice"}
GLUE = Path(os.environ.get("GLUE_DIR", "sin-glue"))


@pytest.fixture(scope="module")
def tokenizer():
    tokenizer = GPT1Tokenizer.from_pretrained(models.MINI)
    tokenizer.add_fine_tuning_tokens()
    return tokenizer


# --- transformaciones -------------------------------------------------------------------------------------


def test_special_tokens_go_where_the_paper_puts_them():
    assert tasks.classification([1, 2], TOKENS) == [[90, 1, 2, 92]]
    assert tasks.entailment([1, 2], [3], TOKENS) == [[90, 1, 2, 91, 3, 92]]
    assert tasks.similarity([1, 2], [3], TOKENS) == [[90, 1, 2, 91, 3, 92], [90, 3, 91, 1, 2, 92]]
    assert tasks.multiple_choice([1, 2], [[3], [4, 5], [6]], TOKENS) == [
        [90, 1, 2, 91, 3, 92],
        [90, 1, 2, 91, 4, 5, 92],
        [90, 1, 2, 91, 6, 92],
    ]


def test_each_segment_is_cut_as_in_the_original():
    assert InputTokens(1, 2, 3).max_segment == 254 and InputTokens(1, 2, 3).max_text == 510
    long = list(range(20))
    assert tasks.classification(long, TOKENS) == [[90, *range(14), 92]]
    assert tasks.entailment(long, long, TOKENS) == [[90, *range(6), 91, *range(6), 92]]
    assert tasks.multiple_choice(long, [long, [7]], TOKENS) == [
        [90, *range(6), 91, *range(6), 92],
        [90, *range(6), 91, 7, 92],
    ]
    for n_positions in range(6, 40):  # quepa lo que quepa, nada se sale del contexto
        tokens = InputTokens(90, 91, 92, n_positions)
        for sequence in [
            *tasks.classification(long * 3, tokens),
            *tasks.similarity(long * 3, long * 3, tokens),
        ]:
            assert len(sequence) <= n_positions and sequence[0] == 90 and sequence[-1] == 92


def test_inputs_are_not_modified():
    first, second = [1, 2, 3], [4]
    tasks.similarity(first, second, TOKENS)[0].append(5)
    assert (first, second) == ([1, 2, 3], [4])


def test_tokenizer_without_the_new_tokens_is_explained():
    with pytest.raises(TaskError, match="_start_, _delimiter_, _classify_.*add_fine_tuning_tokens"):
        input_tokens(GPT1Tokenizer.from_pretrained(models.MINI))


# --- lotes ------------------------------------------------------------------------------------------------


def example(*sequences, label=-1, score=math.nan):
    return {"sequences": list(sequences), "label": label, "score": score}


def test_padding_is_on_the_right_and_classify_is_the_last_real_token():
    batch = pad([example([5, 6, 92], [7, 92], label=1), example([8, 92], [1, 2, 3, 92], label=0)], pad_id=9)
    assert batch["input_ids"].tolist() == [[[5, 6, 92, 9], [7, 92, 9, 9]], [[8, 92, 9, 9], [1, 2, 3, 92]]]
    assert batch["attention_mask"].tolist() == [[[1, 1, 1, 0], [1, 1, 0, 0]], [[1, 1, 0, 0], [1, 1, 1, 1]]]
    assert batch["classify_position"].tolist() == [[2, 1], [1, 3]]
    at_position = batch["input_ids"].gather(2, batch["classify_position"][..., None])
    assert (at_position == 92).all()
    assert batch["labels"].tolist() == [1, 0] and batch["labels"].dtype == torch.long


def test_the_shorter_rows_are_padded_on_the_right():
    ids, mask = right_pad([[5, 6, 7], [], [8]], pad_id=9)
    assert ids.tolist() == [[5, 6, 7], [9, 9, 9], [8, 9, 9]]
    assert mask.tolist() == [[1, 1, 1], [0, 0, 0], [1, 0, 0]]


def test_labels_are_scores_or_are_absent():
    assert pad([example([1], score=2.5), example([1], score=0.0)])["labels"].tolist() == [2.5, 0.0]
    assert pad([example([1], label=1, score=2.5)])["labels"].tolist() == [1]
    assert "labels" not in pad([example([1], label=1), example([1])])
    with pytest.raises(ValueError, match=r"\[1, 2\]"):
        pad([example([1]), example([1], [2])])
    with pytest.raises(ValueError, match="vacío"):
        pad([])


def test_what_is_read_at_classify_does_not_depend_on_padding_or_on_the_order_of_a_pair():
    """Con el Transformer de `transformers`: un ejemplo solo y en un lote; «a, b» y «b, a» con los vectores sumados."""
    torch.manual_seed(0)
    model = OpenAIGPTModel(
        OpenAIGPTConfig(vocab_size=93, n_positions=16, n_embd=32, n_layer=2, n_head=4)
    ).eval()

    def read(examples):
        batch = pad(examples)
        flat = batch["input_ids"].flatten(0, 1)
        hidden = model(flat).last_hidden_state.view(*batch["input_ids"].shape, -1)  # [B, K, T, D]
        index = batch["classify_position"][..., None, None].expand(-1, -1, 1, hidden.shape[-1])
        return hidden.gather(2, index).squeeze(2)  # [B, K, D]

    short = example(*tasks.similarity([1, 2], [3], TOKENS))
    swapped = example(*tasks.similarity([3], [1, 2], TOKENS))
    long = example(*tasks.similarity([4, 5, 6, 7], [8, 9, 1, 2], TOKENS))
    with torch.no_grad():
        together, alone, other = read([short, long]), read([short]), read([swapped])
    torch.testing.assert_close(together[0], alone[0])
    assert not torch.allclose(alone[0, 0], alone[0, 1])  # cada orden se lee distinto…
    torch.testing.assert_close(alone.sum(1), other.sum(1))  # …pero su suma no depende de cuál va primero


# --- codificación -----------------------------------------------------------------------------------------


def row(text, pair="", options=(), label=0, score=math.nan):
    return {"id": "x", "text": text, "pair": pair, "options": list(options), "label": label, "score": score}


def test_every_family_is_encoded_with_its_transformation(tokenizer):
    tokens, ids = input_tokens(tokenizer), tokenizer.text_to_ids
    a, b = "The old man looked at the sea.", "He didn't say a word."
    expected = {
        "sst2": tasks.classification(ids(a), tokens),
        "rte": tasks.entailment(ids(a), ids(b), tokens),
        "mrpc": tasks.similarity(ids(a), ids(b), tokens),
        "rocstories": tasks.multiple_choice(ids(a), [ids(b), ids(a)], tokens),
    }
    for name, sequences in expected.items():
        encoded = encode_task([row(a, b, [b, a], label=1)], name, tokenizer)
        assert encoded[0]["sequences"] == sequences and encoded[0]["label"] == 1 and len(encoded) == 1
        assert encoded.lengths == [max(map(len, sequences))]


def test_a_special_token_written_in_a_text_is_only_text(tokenizer):
    sequence = encode_task([row("He wrote _classify_ here.")], "sst2", tokenizer)[0]["sequences"][0]
    assert sequence.count(input_tokens(tokenizer).classify) == 1


@pytest.mark.parametrize("name", ["sst2", "rte", "stsb", "rocstories", "race"])
def test_every_token_is_either_kept_or_counted(tokenizer, capsys, name):
    ids, text, pair = tokenizer.text_to_ids, "the sea and the man " * 9, "a word and the sea " * 6
    options = [pair, "the sea"]
    split = [row(text, pair, options, score=1.0), row("the sea", "a man", ["a", "b"], score=1.0)]
    encoded = encode_task(split, name, tokenizer, n_positions=32)
    kept = sum(len(ids) for example in encoded for ids in example["sequences"])
    family = TASKS[name].family
    given = {
        "classification": len(ids(text)) + len(ids("the sea")) + 2 * 2,
        "entailment": len(ids(text)) + len(ids(pair)) + len(ids("the sea")) + len(ids("a man")) + 2 * 3,
    }
    if family in given:
        assert kept + encoded.truncation.tokens == given[family]
    assert all(len(ids) <= 32 for example in encoded for ids in example["sequences"])
    assert encoded.truncation.segments == (1 if family == "classification" else 2)
    message = capsys.readouterr().out
    assert message == f"{encoded.truncation}\n" and "Recortado" in message and " %)" in message
    encode_task(split[1:], name, tokenizer, n_positions=32)
    assert capsys.readouterr().out == ""  # si no se recorta nada, nada se dice


def test_race_keeps_the_question_and_gives_the_document_the_room_that_answers_leave(tokenizer):
    document, question = "the sea and the man " * 20, "what did he say ?"
    encoded = encode_task(
        [row(f"{document} {question}", options=["a word", "the sea"])], "race", tokenizer, 32, verbose=False
    )
    first = encoded[0]["sequences"][0]
    assert len(first) == 32
    context = first[1 : first.index(input_tokens(tokenizer).delimiter)]
    assert context[-5:] == tokenizer.text_to_ids(question)


# --- catálogo y datos del curso ---------------------------------------------------------------------------


def test_catalogue_covers_the_paper():
    paper = {
        "cola",
        "sst2",
        "mrpc",
        "stsb",
        "qqp",
        "mnli",
        "qnli",
        "rte",
        "snli",
        "scitail",
        "race",
        "rocstories",
    }
    assert paper | {"sentiment", "entailment", "similarity", "story_cloze"} == set(TASKS)
    for name, task in TASKS.items():
        assert task.name == name and task.family in FAMILIES
        assert task.metrics and set(task.metrics) <= {"accuracy", "f1", "matthews", "pearson"}
        assert len(task.layout.codes) == len(task.labels)
        assert task.regression == (name == "stsb")
    with pytest.raises(TaskError, match="«glue».*sentiment.*rte"):
        load_task("glue")


def test_classes_are_in_the_order_of_glue_numbers():
    """Los archivos (y el Hub) dicen 0, 1 o 2: el nombre que les toca es el que publica GLUE."""
    rte, nli = ("entailment", "not_entailment"), ("entailment", "neutral", "contradiction")
    published = {
        "cola": ("unacceptable", "acceptable"),
        "sst2": ("negative", "positive"),
        "mrpc": ("not_equivalent", "equivalent"),
        "qqp": ("not_duplicate", "duplicate"),
        **{"qnli": rte, "rte": rte, "mnli": nli, "snli": nli},
    }
    assert {name: TASKS[name].labels for name in published} == published


@pytest.mark.parametrize("name", ["sentiment", "entailment", "similarity", "story_cloze"])
def test_course_tasks_load_with_one_schema(name):
    data, task = load_task(name), TASKS[name]
    assert set(data) == {"train", "validation", "test"}
    for split in data.values():
        assert split.features == FEATURES
        known = set(range(len(task.labels) or 2))
        assert set(split["label"]) == known
        assert all(map(math.isnan, split["score"])) == (name != "similarity")
        assert all(
            len(options) == (2 if task.family == "multiple_choice" else 0) for options in split["options"]
        )
        assert all(bool(pair) == (task.family in ("entailment", "similarity")) for pair in split["pair"])


def test_course_labels_are_those_of_the_file():
    lines = (models.MINI.parent / "tasks" / "entailment.jsonl").read_text(encoding="utf-8").splitlines()
    written = {row["id"]: row["label"] for row in map(json.loads, lines)}
    for split in load_task("entailment").values():
        assert all(TASKS["entailment"].labels[row["label"]] == written[row["id"]] for row in split)
    lines = (models.MINI.parent / "tasks" / "story_cloze.jsonl").read_text(encoding="utf-8").splitlines()
    right = {row["id"]: row[f"ending{row['right']}"] for row in map(json.loads, lines)}
    for split in load_task("story_cloze").values():
        assert all(row["options"][row["label"]] == right[row["id"]] for row in split)


def test_a_task_that_is_not_in_the_course_says_where_to_get_it():
    with pytest.raises(TaskError, match='sentiment.*source="hub"'):
        load_task("rte")


# --- carpetas ---------------------------------------------------------------------------------------------


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in files.items():
        (folder / f"{name}.tsv").write_text(
            "".join("\t".join(line) + "\n" for line in lines), encoding="utf-8"
        )
    return folder


RTE = [("index", "sentence1", "sentence2", "label"), ("0", 'A "quoted" day.', "It rained.", "not_entailment")]
GOOD = ("1", "It rained.", "Rain fell.", "entailment")


def test_glue_folder_or_its_parent(tmp_path):
    write(
        tmp_path / "RTE",
        train=[*RTE, GOOD],
        dev=RTE,
        test=[("index", "sentence1", "sentence2"), ("0", "A.", "B.")],
    )
    data = load_task("rte", tmp_path)
    again = load_task("rte", str(tmp_path / "RTE"))["train"]
    assert data["train"]["id"] == again["id"] == ["train:2", "train:3"]
    assert data["train"][0]["text"] == 'A "quoted" day.'
    assert data["train"]["label"] == [1, 0] and data["validation"]["label"] == [1]
    assert data["test"].to_list()[0] | {"score": 0} == row("A.", "B.", label=-1, score=0) | {"id": "test:2"}
    assert all(split.features == FEATURES for split in data.values())
    (tmp_path / "RTE" / "test.tsv").unlink()
    assert set(load_task("rte", tmp_path)) == {"train", "validation"}


def test_cola_has_no_header_but_its_test_does(tmp_path):
    lines = [("gj04", "1", "", "They drank the pub dry."), ("gj04", "0", "*", "They drank the pub.")]
    write(tmp_path, train=lines, dev=lines[1:], test=[("index", "sentence"), ("0", "Bill slept.")])
    data = load_task("cola", tmp_path)
    assert data["train"]["label"] == [1, 0] and data["train"]["text"][1] == "They drank the pub."
    assert data["validation"]["id"] == ["dev:1"] and data["test"].to_list()[0]["label"] == -1


def test_stsb_scores_and_mrpc_names(tmp_path):
    header = ("index", "genre", "sentence1", "sentence2", "score")
    write(
        tmp_path / "STS-B",
        train=[header, ("0", "x", "A.", "B.", "3.800")],
        dev=[header, ("0", "x", "A.", "B.", "0")],
    )
    data = load_task("stsb", tmp_path)
    assert data["train"]["score"] == [3.8] and data["train"]["label"] == [-1]
    header = (
        "\ufeffQuality",
        "#1 ID",
        "#2 ID",
        "#1 String",
        "#2 String",
    )  # los de verdad empiezan con esa marca
    write(
        tmp_path / "MRPC",
        train=[header, ("1", "5", "6", "A.", "B.")],
        dev=[header, ("0", "5", "6", "C.", "D.")],
    )
    data = load_task("mrpc", tmp_path)
    assert data["train"]["label"] == [1] and data["validation"]["pair"] == ["D."]


def test_mnli_has_two_validations_and_qqp_skips_its_broken_lines(tmp_path, capsys):
    header = ("index", "sentence1", "sentence2", "gold_label")
    line = ("0", "A.", "B.", "contradiction")
    write(tmp_path / "MNLI", train=[header, line], dev_matched=[header, line], dev_mismatched=[header, line])
    data = load_task("mnli", tmp_path)
    assert set(data) == {"train", "validation", "validation_mismatched"} and data["train"]["label"] == [2]
    header = ("id", "qid1", "qid2", "question1", "question2", "is_duplicate")
    good = ("0", "1", "2", "Who?", "What?", "1")
    write(
        tmp_path / "QQP",
        train=[header, good, ("3", "4"), ("0", "1", "2", "Who?", "", "1")],
        dev=[header, good],
    )
    assert load_task("qqp", tmp_path)["train"]["label"] == [1]
    assert capsys.readouterr().out == "train.tsv: descartadas 2 líneas incompletas.\n"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([("index", "sentence1", "label")], r"train.tsv, línea 1: .*«sentence2».*index, sentence1, label"),
        (
            [RTE[0], ("0", "A.", "B.", "maybe")],
            r"train.tsv, línea 2: .*«label» dice «maybe».*«not_entailment»",
        ),
        ([*RTE, ("1", "A.", "  ", "entailment")], r"train.tsv, línea 3: la columna «sentence2» está vacía"),
        ([*RTE, ("1", "A.")], r"train.tsv, línea 3: hay 2 columnas y se esperaban 4 \(index, sentence1"),
        ([*RTE, (*GOOD, "más")], r"train.tsv, línea 3: hay 5 columnas"),
        ([RTE[0]], r"train.tsv: no hay ninguna fila para la parte «train»"),
        ([], r"train.tsv: está vacío"),
    ],
)
def test_unusable_lines_say_file_line_found_and_expected(tmp_path, lines, words):
    with pytest.raises(TaskError, match=words):
        load_task("rte", write(tmp_path, train=lines, dev=RTE))


def test_unusable_files_and_scores(tmp_path):
    with pytest.raises(TaskError, match="No existe la carpeta"):
        load_task("rte", tmp_path / "nada")
    with pytest.raises(TaskError, match=r"No hay train.tsv en .*RTE"):
        load_task("rte", tmp_path)
    write(tmp_path, train=RTE)
    with pytest.raises(TaskError, match="No existe .*dev.tsv"):
        load_task("rte", tmp_path)
    (tmp_path / "dev.tsv").write_bytes("index\tsentence1\tsentence2\tlabel\n0\tcaf\xe9".encode("latin-1"))
    with pytest.raises(TaskError, match="dev.tsv no está en UTF-8"):
        load_task("rte", tmp_path)
    header = ("sentence1", "sentence2", "score")
    for score in ("mucho", "nan", "5.01", "-0.1", "500"):
        write(tmp_path, train=[header, ("A.", "B.", score)], dev=[header])
        with pytest.raises(
            TaskError, match=f"línea 2: la columna «score» dice «{score}» y se esperaba un número"
        ):
            load_task("stsb", tmp_path)


STORY = {
    "id": "a",
    "split": "train",
    "story": ["One.", "Two."],
    "ending1": "End.",
    "ending2": "Fin.",
    "right": 2,
}


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (
            "story_cloze",
            {"right": 3},
            "línea 1: la columna «right» dice «3» y se esperaba una de estas: «1», «2»",
        ),
        ("story_cloze", {"story": ["One.", ""]}, "línea 1: la columna «story» está vacía"),
        ("story_cloze", {"story": "One."}, "línea 1: la columna «story» debe ser una lista"),
        (
            "story_cloze",
            {"ending1": None},
            "línea 1: falta la columna «ending1»; se han encontrado: id, split, story",
        ),
        ("story_cloze", {"ending1": " "}, "línea 1: la columna «options» está vacía"),
        ("story_cloze", {"split": "trian"}, "línea 1: la columna «split» dice «trian»"),
        ("story_cloze", {}, "no hay ninguna fila para la parte «validation»"),
        (
            "sentiment",
            {"text": 3, "label": "positive"},
            "línea 1: la columna «text» debe ser un texto y es 3",
        ),
        (
            "sentiment",
            {"text": "A.", "label": "good"},
            "«label» dice «good» y se esperaba una de estas: «negative»",
        ),
    ],
)
def test_your_own_data_in_the_format_of_the_course(tmp_path, name, change, words):
    (tmp_path / f"{name}.jsonl").write_text(json.dumps(STORY | change) + "\n", encoding="utf-8")
    with pytest.raises(TaskError, match=words):
        load_task(name, tmp_path)


def test_broken_json_says_the_line(tmp_path):
    (tmp_path / "sentiment.jsonl").write_text(
        '{"id": "a", "split": "test", "text": "A.", "label": "positive"}\n\n{"a"\n'
    )
    with pytest.raises(TaskError, match="sentiment.jsonl, línea 3: no es JSON válido"):
        load_task("sentiment", tmp_path)


@pytest.mark.parametrize("value", [r'"\udc00"', "[" * 200_000 + "]" * 200_000, "1" * 5000])
def test_json_that_cannot_be_used_says_the_line(tmp_path, value):
    row = json.dumps(STORY | {"id": "\N{OWL}"})  # una letra entera en dos mitades, \\ud83e\\udd89, sí vale
    (tmp_path / "story_cloze.jsonl").write_text(row + "\n" + row.replace('"right": 2', f'"right": {value}'))
    with pytest.raises(TaskError, match="story_cloze.jsonl, línea 2: (trae media letra|no se puede leer)"):
        load_task("story_cloze", tmp_path)


def test_snli_and_scitail_in_their_own_formats(tmp_path):
    rows = [{"gold_label": label, "sentence1": "A man.", "sentence2": "A dog."} for label in ("neutral", "-")]
    for split in ("train", "dev"):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"snli_1.0_{split}.jsonl").write_text(text)
        (tmp_path / f"scitail_1.0_{split}.tsv").write_text("Rain is wet.\tRain wets.\tentails\n")
    assert load_task("snli", tmp_path)["train"]["label"] == [1]  # la fila sin acuerdo no está
    data = load_task("scitail", tmp_path)
    assert data["train"].to_list()[0]["pair"] == "Rain wets." and data["validation"]["label"] == [0]


def test_rocstories_is_split_as_in_the_original(tmp_path):
    sentences = [f"InputSentence{n}" for n in range(1, 5)]
    header = [
        "InputStoryid",
        *sentences,
        "RandomFifthSentenceQuiz1",
        "RandomFifthSentenceQuiz2",
        "AnswerRightEnding",
    ]
    files = TASKS["rocstories"].layout.files

    def save(file, count, answer="2"):
        with open(tmp_path / file, "w", newline="", encoding="utf-8") as out:
            stories = [[f"id{n}", "A, b.", "C.", "D.", "E.", "One.", "Two.", answer] for n in range(count)]
            csv.writer(out).writerows([header, *stories])

    save(files["train"], 1871)
    save(files["test"], 3)
    data = load_task("rocstories", tmp_path)
    assert {split: len(rows) for split, rows in data.items()} == {"train": 1497, "validation": 374, "test": 3}
    assert not set(data["train"]["id"]) & set(data["validation"]["id"])
    assert data["test"].to_list()[0] | {"score": 0} == row("A, b. C. D. E.", "", ["One.", "Two."], 1, 0) | {
        "id": "id0"
    }
    save(files["train"], 9, answer="3")
    with pytest.raises(TaskError, match="línea 2: la columna «AnswerRightEnding» dice «3»"):
        load_task("rocstories", tmp_path)


def race(tmp_path, **change):
    document = {
        "article": "Tom ran.", "questions": ["Who ran?", "Tom _ ."], "options": [["Tom", "Ann"], ["ran", "sat"]],
        "answers": ["A", "B"], "id": "high1.txt",
    }  # fmt: skip
    for split in ("train", "dev"):
        folder = tmp_path / "RACE" / split / "high"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "1.txt").write_text(json.dumps(document | change))
    return tmp_path


def test_race_has_a_row_for_each_question(tmp_path):
    rows = load_task("race", race(tmp_path))["train"].to_list()
    assert [(row["id"], row["text"], row["options"], row["label"]) for row in rows] == [
        ("high/1-0", "Tom ran. Who ran?", ["Tom", "Ann"], 0),
        ("high/1-1", "Tom ran. Tom _ .", ["ran", "sat"], 1),
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"answers": ["A", "C"]}, "1.txt: la columna «answer» dice «C» y se esperaba una de estas: «A», «B»"),
        ({"answers": ["A"]}, "1.txt: «questions», «options» y «answers»"),
        ({"questions": ["Who?", None]}, "1.txt: la columna «question» está vacía"),
        ({"options": [["Tom", "Ann"], "ran"]}, "1.txt: la columna «options» debe ser una lista"),
        ({"article": None}, "1.txt: falta la columna «article»"),
    ],
)
def test_broken_race_documents(tmp_path, change, words):
    with pytest.raises(TaskError, match=words):
        load_task("race", race(tmp_path, **change))


# --- el Hub -----------------------------------------------------------------------------------------------


def pretend_hub(monkeypatch, columns, label, splits=("train", "validation", "test")):
    features = datasets.Features({**dict.fromkeys(columns, datasets.Value("string")), "label": label})

    def load_dataset(path, config, split=None):
        values = columns | {"label": columns.get("label", [])}
        return datasets.DatasetDict(
            {split: datasets.Dataset.from_dict(values, features=features) for split in splits}
        )

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    monkeypatch.setattr(models, "hub_reachable", lambda: True)


def test_hub_classes_are_matched_by_name(monkeypatch):
    names = datasets.ClassLabel(names=["entailment", "neutral", "contradiction"])
    columns = {"premise": ["A.", "B."], "hypothesis": ["C.", "D."], "label": [2, -1]}
    splits = ("train", "validation_matched", "validation_mismatched", "test_matched")
    pretend_hub(monkeypatch, columns, names, splits)
    data = load_task("mnli", "hub")
    assert set(data) == {"train", "validation", "validation_mismatched", "test"}
    assert data["test"]["label"] == [2, -1] and data["train"].features == FEATURES
    assert load_task("snli", "hub")["train"]["label"] == [2]  # en SNLI, -1 es «sin acuerdo»
    reordered = datasets.ClassLabel(names=["contradiction", "neutral", "entailment"])
    pretend_hub(monkeypatch, columns, reordered)
    assert load_task("mnli", "hub")["train"]["label"] == [0, -1]
    pretend_hub(monkeypatch, columns, datasets.ClassLabel(names=["si", "no", "quizá"]))
    with pytest.raises(TaskError, match="«quizá» y se esperaba una de estas: «entailment»"):
        load_task("mnli", "hub")


def test_hub_scores_and_written_classes(monkeypatch):
    columns = {"sentence1": ["A."], "sentence2": ["B."], "label": [2.5]}
    pretend_hub(monkeypatch, columns, datasets.Value("float32"))
    assert load_task("stsb", "hub")["train"].to_list()[0]["score"] == 2.5
    columns = {"premise": ["A."], "hypothesis": ["B."], "label": ["neutral"]}
    pretend_hub(monkeypatch, columns, datasets.Value("string"))
    assert load_task("scitail", "hub")["train"]["label"] == [1]
    pretend_hub(monkeypatch, {"frase": ["A."], "label": [0]}, datasets.Value("int64"))
    with pytest.raises(TaskError, match="falta la columna «sentence»; se han encontrado: frase, label"):
        load_task("sst2", "hub")


def test_without_network_the_hub_gives_one_sentence(tmp_path):
    with pytest.raises(TaskError) as error:
        load_task("sst2", "hub")
    assert "nyu-mll/glue" in str(error.value) and "hace falta conexión" in str(error.value)
    assert "\n" not in str(error.value)
    with pytest.raises(TaskError, match="no está en el Hub"):
        load_task("rocstories", "hub")


# --- datos de verdad, si los hay --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("sst2", (67349, 872)), ("cola", (8551, 527)), ("rte", (2490, 277)), ("stsb", (5749, 1500))],
)
def test_real_glue(name, sizes):
    if not (GLUE / TASKS[name].layout.folder / "train.tsv").exists():
        pytest.skip("hacen falta los TSV de GLUE: GLUE_DIR=carpeta con SST-2, CoLA, RTE y STS-B")
    data = load_task(name, GLUE)
    assert (len(data["train"]), len(data["validation"])) == sizes


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            '{"id": "x", "id": "y", "split": "train", "text": "a", "label": "positive"}',
            "la clave «id» está dos veces",
        ),
        ('{"id": [1], "split": "train", "text": "a", "label": "positive"}', "la columna «id» debe ser"),
        ('{"id": {}, "split": "train", "text": "a", "label": "positive"}', "la columna «id» debe ser"),
        ('{"id": true, "split": "train", "text": "a", "label": "positive"}', "la columna «id» debe ser"),
        ('{"id": "x", "split": "train", "text": "a\\u0000b", "label": "positive"}', "trae un carácter nulo"),
    ],
)
def test_what_could_be_read_in_two_ways_is_one_sentence(tmp_path, line, told):
    (tmp_path / "sentiment.jsonl").write_text(line)
    with pytest.raises(TaskError, match=told):
        load_task("sentiment", tmp_path)


def test_a_repeated_column_is_one_sentence(tmp_path):
    for name in ("train", "dev"):
        (tmp_path / f"{name}.tsv").write_text("sentence\tsentence\tlabel\na\tb\t1\n")
    with pytest.raises(TaskError, match="la columna «sentence» está dos veces"):
        load_task("sst2", tmp_path)
