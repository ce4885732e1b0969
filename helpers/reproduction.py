"""La receta del artículo con varias semillas y, al lado, sus cifras: `python -m helpers.reproduction --tasks cola rte`.

Imprime una tabla (tarea, métrica, artículo, nuestro, diferencia), la guarda en JSON y, si se interrumpe, sigue por la
tarea y la semilla que tocaban. Las cifras del artículo en GLUE son del servidor, sobre el test; sin sus respuestas,
las nuestras son de validación. Lección 06.
"""

import argparse
import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean, stdev

from accelerate import PartialState

from helpers.environment import ROOT
from helpers.files import read_json, write_json
from helpers.finetuning.__main__ import add_options, asked_recipe
from helpers.finetuning.metrics import NAMES
from helpers.finetuning.recipe import PAPER as PAPER_RECIPE
from helpers.finetuning.run import fine_tune
from helpers.models import ModelError, load
from helpers.rules import COUNT
from helpers.spanish import number, signed, text_table
from helpers.tasks import TASKS, TaskError, find_task, load_task
from helpers.terminal import Parser, command
from helpers.training import TrainingError, check_value, fingerprint, processes
from helpers.training.folder import changes, output_folder, refuse_changes

TABLES = ROOT / "data" / "paper" / "tables.json"
# Tarea → (tabla, columna) de la fila del Transformer, y su columna en las ablaciones (tabla 5).
PAPER = {
    "cola": ("table4", "CoLA"), "sst2": ("table4", "SST-2"), "mrpc": ("table4", "MRPC"),
    "stsb": ("table4", "STS-B"), "qqp": ("table4", "QQP"), "mnli": ("table2", "MNLI-m"),
    "qnli": ("table2", "QNLI"), "rte": ("table2", "RTE"), "snli": ("table2", "SNLI"),
    "scitail": ("table2", "SciTail"), "race": ("table3", "RACE"), "rocstories": ("table3", "Story Cloze"),
}  # fmt: skip
FULL, SCRATCH, NO_LM = (
    "Finetuned Transformer LM",
    "Transformer sin preentrenar",
    "Transformer sin objetivo auxiliar",
)


def paper_value(task: str, pretrained: bool = True, auxiliary: bool = True) -> float | None:
    """La cifra del artículo para una tarea (en %, o ×100), o `None` si no la da. Tablas 2 a 4; ablaciones, tabla 5."""
    tables = json.loads(TABLES.read_text(encoding="utf-8"))
    if task not in PAPER or not (pretrained or auxiliary):
        return None
    table, column = PAPER[task]
    method = FULL
    if not (pretrained and auxiliary):
        table, column, method = "table5", column.removesuffix("-m"), NO_LM if pretrained else SCRATCH
    columns = tables[table]["columns"]
    if column not in columns:
        return None
    row = next(row for row in tables[table]["rows"] if row["method"] == method)
    return row["values"][columns.index(column)]


def reproduce(
    tasks, source, out, seeds: int, *, model="auto", recipe=PAPER_RECIPE, keep=False, progress=True
) -> list[dict]:
    """Ajusta cada tarea con las semillas 0, 1, 2… y devuelve una fila por tarea; lo ya hecho en `out` no se repite.

    Las tareas del curso se toman del curso y las demás de `source` (como en `load_task`). Cada fila tiene `task`,
    `metric`, `part`, `paper`, `values` (×100), `mean`, `sd` y `difference` (`None` lo que no se pueda calcular). Con
    `keep` se conservan los modelos. Lanza lo mismo que `fine_tune`.
    """
    processes()  # antes que ningún otro PartialState: en la CPU, el primero decide si se ven los demás
    out, rows = output_folder(out), []
    tasks = [find_task(name) for name in tasks]  # un nombre mal escrito se dice antes de empezar
    check_value("seeds", seeds, COUNT)
    model, tokenizer = load(str(model), verbose=progress)
    weights = fingerprint(model)
    for task in tasks:
        data = load_task(task, "course" if task.in_course else source)
        tune = partial(fine_tune, model, task, data, tokenizer=tokenizer, progress=progress)
        identity, runs = {"weights": weights, "data": fingerprint(data)}, []
        for seed in range(seeds):
            runs.append(
                _one(tune, replace(recipe, seed=seed), identity, out / task.name / f"semilla-{seed}", keep)
            )
        values = [100 * run["value"] for run in runs]
        paper = paper_value(task.name, recipe.n_transfer != -1, recipe.lm_coef > 0)
        rows.append({
            "task": task.name, "metric": task.metrics[0], "part": runs[0]["part"], "paper": paper, "values": values,
            "mean": mean(values), "sd": stdev(values) if len(values) > 1 else None,
            "difference": None if paper is None else mean(values) - paper,
        })  # fmt: skip
        if PartialState().is_main_process:
            write_json(out / "resultados.json", rows)
    return rows


def _one(tune, recipe, identity: dict, folder: Path, keep: bool) -> dict:
    """El resultado de una tarea y una semilla; el de su JSON, si es del mismo ajuste."""
    done, identity = folder.with_suffix(".json"), identity | recipe.identity()
    if done.exists():
        record = read_json(done, TrainingError)
        if not isinstance(record, dict) or not isinstance(record.get("run"), dict) or "value" not in record:
            raise TrainingError(f"{done} está dañado: bórralo y repite la misma orden.")
        refuse_changes(done, record.get("run", {}), identity, changes(record.get("run", {}), identity))
        return record
    result = tune(recipe=recipe, out=folder)
    chosen = result.validation if result.test is None else result.test
    record = {
        "value": chosen.metrics[result.task.metrics[0]], "part": "validación" if result.test is None else "test",
        "metrics": chosen.metrics, "best": result.best, "seconds": result.seconds, "run": identity,
    }  # fmt: skip
    if PartialState().is_main_process:
        write_json(done, record)
        if not keep:
            shutil.rmtree(folder)  # cinco semillas del modelo real ocuparían 2,3 GB por tarea
    PartialState().wait_for_everyone()
    return record


def table(rows: list[dict]) -> str:
    """Las filas de `reproduce` como una tabla alineada, con coma decimal."""
    lines = [("tarea", "métrica", "artículo", "nuestro (media ± dt)", "diferencia", "medido en")]
    for row in rows:
        spread = "" if row["sd"] is None else f" ± {_number(row['sd'])}"
        lines.append((
            row["task"], NAMES[row["metric"]], _number(row["paper"]), _number(row["mean"]) + spread,
            _number(row["difference"], sign=True), row["part"],
        ))  # fmt: skip
    return text_table(lines, right=(2, 3, 4), separator=" | ", rule=True)


def _number(value: float | None, sign: bool = False) -> str:
    if value is None:
        return "–"
    return signed(value) if sign else number(value, 1)


def parse(arguments=None) -> argparse.Namespace:
    parser = Parser(prog="python -m helpers.reproduction", description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", nargs="+", required=True, help=f"de entre: {', '.join(TASKS)}")
    parser.add_argument(
        "--out",
        type="folder",
        default="runs/reproduccion",
        help="carpeta de los resultados (se reanuda desde ella)",
    )
    parser.add_argument("--seeds", type=int, default=5, help="semillas por tarea")
    parser.add_argument("--keep", action="store_true", help="conserva los modelos ajustados")
    add_options(parser)
    return parser.parse_args(arguments)


@command(TaskError, ModelError, TrainingError)
def main(arguments=None) -> int:
    options = parse(arguments)
    rows = reproduce(
        options.tasks, options.source, options.out, options.seeds, model=options.model,
        recipe=asked_recipe(options), keep=options.keep, progress=not options.quiet,
    )  # fmt: skip
    if PartialState().is_main_process:
        print(table(rows))
        print(f"\nGuardado en {Path(options.out) / 'resultados.json'}")
        if any(row["paper"] is not None and row["part"] == "validación" for row in rows):
            print("El artículo da las cifras del test, del servidor de GLUE; aquí son de validación.")
        if options.model != "openai-gpt":
            print(f"Las del artículo son de GPT-1 entero; las nuestras, del modelo «{options.model}».")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
