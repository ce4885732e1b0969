"""`reproduction` de principio a fin con cada tarea del artículo, en archivos de juguete con su formato."""

import csv
import json

import pytest
from test_finetuning_runs import folder  # noqa: F401

from helpers import reproduction
from helpers.spanish import number, signed
from helpers.tasks import TASKS

# El Transformer en las tablas 2 a 4 del artículo (RACE y Story Cloze, en %; las demás, ×100), copiado de ellas.
PRINTED = {
    "cola": 45.4, "sst2": 91.3, "mrpc": 82.3, "stsb": 82.0, "qqp": 70.3, "mnli": 82.1, "qnli": 88.1, "rte": 56.0,
    "snli": 89.9, "scitail": 88.3, "race": 59.0, "rocstories": 86.5,
}  # fmt: skip
WITH_TEST = {"snli", "scitail", "race", "rocstories"}  # las clases del test de GLUE no son públicas
SENTENCES = [
    "The old man looked at the sea.",
    "She did not say a word.",
    "It was a cold night.",
    "They came back.",
]


def save_table(path, header, rows, written=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ([header] if written else []) + rows
    path.write_text("".join("\t".join(map(str, line)) + "\n" for line in lines), encoding="utf-8")


def glue(root, task):
    """Los TSV de una tarea de GLUE: ocho filas para ajustar y cuatro para validar, con todas sus clases."""
    layout = task.layout
    header = list(layout.header) or [
        "index",
        *filter(None, (layout.text, layout.pair)),
        layout.label or layout.score,
    ]
    for part, count in (("train", 8), ("validation", 4)):
        rows = []
        for n in range(count):
            target = layout.codes[n % len(layout.codes)] if layout.codes else n % 6
            values = {layout.text: SENTENCES[n % 4], layout.pair: SENTENCES[(n + 1) % 4]}
            values |= {layout.label or layout.score: target}
            rows.append([values.get(name, str(n)) for name in header])
        save_table(root / layout.folder / layout.files[part], header, rows, written=not layout.header)


def scitail(root, task):
    rows = [[SENTENCES[n], SENTENCES[3 - n], task.layout.codes[n % 2]] for n in range(4)]
    for file in task.layout.files.values():
        save_table(root / "tsv_format" / file, (), 2 * rows, written=False)


def snli(root, task):
    (root / "snli_1.0").mkdir()
    rows = [
        {"gold_label": label, "sentence1": SENTENCES[n % 4], "sentence2": SENTENCES[n % 3]}
        for n, label in enumerate([*task.labels, "-"] * 4)
    ]
    for file in task.layout.files.values():
        (root / "snli_1.0" / file).write_text("".join(json.dumps(row) + "\n" for row in rows))


def race(root, task):
    for part in task.layout.files.values():
        for level in ("middle", "high"):
            place = root / "RACE" / part / level
            place.mkdir(parents=True)
            document = {"article": " ".join(SENTENCES), "questions": ["Who?", "They _ ."] * 2}
            document |= {"options": [["Tom", "Ann"], ["ran", "sat"]] * 2, "answers": ["A", "B"] * 2}
            (place / "1.txt").write_text(json.dumps(document))


def rocstories(root, task):
    header = ["InputStoryid", *(f"InputSentence{n}" for n in range(1, 5))]
    header += ["RandomFifthSentenceQuiz1", "RandomFifthSentenceQuiz2", "AnswerRightEnding"]
    (root / "ROCStories").mkdir()
    for file in set(task.layout.files.values()):
        with open(root / "ROCStories" / file, "w", newline="", encoding="utf-8") as out:
            rows = [[f"id{n}", *SENTENCES, "He smiled.", "Stars fell.", n % 2 + 1] for n in range(15)]
            csv.writer(out).writerows([header, *rows])


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp("datos")
    makers = {"scitail": scitail, "snli": snli, "race": race, "rocstories": rocstories}
    for name in PRINTED:
        makers.get(name, glue)(root, TASKS[name])
    return root


@pytest.mark.slow
def test_every_task_of_the_paper_runs_and_is_compared_with_its_number(folder, toy, tmp_path, capsys):  # noqa: F811
    arguments = ["--tasks", *PRINTED, "--model", str(folder), "--source", str(toy), "--seeds", "1", "--quiet"]
    arguments += ["--batch", "8", "--micro-batch", "8", "--max-steps", "1", "--out", str(tmp_path)]
    assert reproduction.main(arguments) == 0
    printed = capsys.readouterr().out
    rows = json.loads((tmp_path / "resultados.json").read_text())
    assert [row["task"] for row in rows] == list(PRINTED)
    lines = {line.split(" |")[0].strip(): line for line in printed.splitlines() if " | " in line}
    for row in rows:
        name = row["task"]
        saved = json.loads((tmp_path / name / "semilla-0.json").read_text())
        ours, paper = 100 * saved["metrics"][TASKS[name].metrics[0]], PRINTED[name]
        assert row["values"] == [pytest.approx(ours)] and row["paper"] == paper, name
        assert row["difference"] == pytest.approx(ours - paper), name
        assert row["part"] == ("test" if name in WITH_TEST else "validación"), name
        cells = [cell.strip() for cell in lines[name].split("|")]
        assert cells[2] == number(paper, 1) and cells[3].startswith(number(ours, 1)), lines[name]
        assert cells[4] == signed(ours - paper) and cells[5] == row["part"], lines[name]
    assert "aquí son de validación" in printed and "Las del artículo son de GPT-1 entero" in printed


def test_the_spread_is_that_of_a_sample(folder, tmp_path, monkeypatch):  # noqa: F811
    values = iter([0.50, 0.60, 0.70])
    monkeypatch.setattr(reproduction, "_one", lambda *args: {"value": next(values), "part": "test"})
    (row,) = reproduction.reproduce(["sentiment"], None, tmp_path, 3, model=str(folder), progress=False)
    assert row["mean"] == pytest.approx(60) and row["sd"] == pytest.approx(10)  # entre n − 1, no entre n
