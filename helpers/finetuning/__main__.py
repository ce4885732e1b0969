"""`python -m helpers.finetuning --task … --out …`: el ajuste fino desde la terminal, reanudable.

En varias GPU: `accelerate launch --num_processes 2 -m helpers.finetuning …`; en CPU, sin GPU, `torchrun
--nproc_per_node 2 -m helpers.finetuning …`. El lote es el total entre todos los procesos.
"""

import argparse

from accelerate import PartialState

from helpers.finetuning.metrics import NAMES
from helpers.finetuning.recipe import PRESETS, FineTuningRecipe
from helpers.finetuning.run import fine_tune
from helpers.models import ModelError, choose
from helpers.spanish import number
from helpers.tasks import TASKS, TaskError
from helpers.terminal import Parser, command
from helpers.training import TrainingError, add_recipe_options, recipe_from, warn_if_alone


def add_options(parser: argparse.ArgumentParser) -> None:
    """Las opciones que comparten esta orden y `helpers.reproduction`: modelo, datos y receta."""
    parser.add_argument("--model", default="auto", help="gpt1-mini, openai-gpt, una carpeta o auto")
    parser.add_argument("--source", default="course", help="course, hub o la carpeta de los datos")
    parser.add_argument("--quiet", action="store_true", help="sin barra de progreso")
    # sin --preset, la receta es la del modelo que se va a cargar
    add_recipe_options(parser, PRESETS, default=None)


def asked_recipe(options) -> FineTuningRecipe:
    """La receta de `--preset`, o la del modelo pedido, con lo que se haya cambiado."""
    mini = choose(options.model)[0] == "gpt1-mini"
    return recipe_from(options, PRESETS[options.preset or ("mini" if mini else "paper")])


def parse(arguments=None) -> argparse.Namespace:
    parser = Parser(prog="python -m helpers.finetuning", description=__doc__)
    parser.add_argument("--task", required=True, help=f"una de: {', '.join(TASKS)}")
    parser.add_argument(
        "--out",
        required=True,
        type="folder",
        help="carpeta del resultado; si el proceso muere, se sigue desde ella",
    )
    add_options(parser)
    return parser.parse_args(arguments)


@command(TaskError, ModelError, TrainingError)
def main(arguments=None) -> int:
    options = parse(arguments)
    warn_if_alone("helpers.finetuning")
    result = fine_tune(
        options.model, options.task, options.source, recipe=asked_recipe(options), out=options.out,
        progress=not options.quiet,
    )  # fmt: skip
    if PartialState().is_main_process:
        for part, predictions in (("Validación", result.validation), ("Prueba", result.test)):
            if predictions is not None:
                scores = [
                    f"{NAMES[name]} {number(100 * value, 1)}" for name, value in predictions.metrics.items()
                ]
                print(f"{part} ({len(predictions)} ejemplos): {', '.join(scores)}")
        print(f"Guardado en {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
