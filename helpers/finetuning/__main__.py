"""`python -m helpers.finetuning --task … --out …`: el ajuste fino desde la terminal, reanudable.

En varias GPU: `accelerate launch --num_processes 2 -m helpers.finetuning …`; en CPU, sin GPU, `torchrun
--nproc_per_node 2 -m helpers.finetuning …`. El lote es el total entre todos los procesos.
"""

import argparse
import sys
from dataclasses import fields, replace

from accelerate import PartialState

from helpers.finetuning.metrics import NAMES
from helpers.finetuning.recipe import PRESETS, Recipe
from helpers.finetuning.training import fine_tune
from helpers.models import ModelError, choose
from helpers.tasks import TASKS, TaskError
from helpers.training import TrainingError, warn_if_alone


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """Las opciones que comparten esta orden y `helpers.reproduction`: modelo, datos, receta y precisión."""
    parser.add_argument("--model", default="auto", help="gpt1-mini, openai-gpt, una carpeta o auto")
    parser.add_argument("--source", default="course", help="course, hub o la carpeta de los datos")
    parser.add_argument(
        "--preset", choices=PRESETS, help="receta de partida; por defecto, mini con gpt1-mini"
    )
    parser.add_argument(
        "--train-size", type=int, help="cuántos ejemplos de entrenamiento se usan; por defecto, todos"
    )
    parser.add_argument("--from-scratch", action="store_true", help="no copia los pesos preentrenados")
    parser.add_argument("--objective", help="en STS-B: soft (por defecto) o regression")
    parser.add_argument("--max-steps", type=int, default=-1, help="actualizaciones, en vez de épocas")
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument(
        "--bf16", dest="precision", action="store_const", const="bf16", help="en GPU recientes"
    )
    precision.add_argument(
        "--fp16", dest="precision", action="store_const", const="fp16", help="en las demás GPU"
    )
    precision.add_argument(
        "--fp32", dest="precision", action="store_const", const="fp32", help="sin precisión mixta"
    )
    parser.set_defaults(precision="auto")
    recipe = parser.add_argument_group("receta (por defecto, la de --preset)")
    for field in fields(Recipe):
        flag = f"--{field.name.replace('_', '-')}"
        if field.type is bool:
            recipe.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            recipe.add_argument(flag, type=field.type, default=None)


def recipe_from(options) -> Recipe:
    """La receta de `--preset` con lo que se haya cambiado."""
    preset = options.preset or ("mini" if choose(options.model)[0] == "gpt1-mini" else "paper")
    changed = {field.name: getattr(options, field.name) for field in fields(Recipe)}
    return replace(PRESETS[preset], **{name: value for name, value in changed.items() if value is not None})


def parse(arguments=None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helpers.finetuning", description=__doc__)
    parser.add_argument("--task", required=True, help=f"una de: {', '.join(TASKS)}")
    parser.add_argument(
        "--out", required=True, help="carpeta del resultado; si el proceso muere, se sigue desde ella"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-transfer", type=int, help="bloques que se copian: 0, solo embeddings; -1, nada")
    parser.add_argument(
        "--save-every", type=int, help="actualizaciones entre puntos de control; por defecto, cada época"
    )
    parser.add_argument("--quiet", action="store_true", help="sin barra de progreso")
    add_recipe_options(parser)
    return parser.parse_args(arguments)


def main(arguments=None) -> int:
    options = parse(arguments)
    warn_if_alone("helpers.finetuning")
    try:
        result = fine_tune(
            options.model, options.task, options.source, recipe=recipe_from(options), seed=options.seed,
            n_transfer=options.n_transfer, pretrained=not options.from_scratch, objective=options.objective,
            train_size=options.train_size, out=options.out, save_every=options.save_every,
            precision=options.precision, progress=not options.quiet, max_steps=options.max_steps,
        )  # fmt: skip
    except (TaskError, ModelError, TrainingError) as error:
        print(error, file=sys.stderr)
        return 1
    if PartialState().is_main_process:
        for part, predictions in (("Validación", result.validation), ("Prueba", result.test)):
            if predictions is not None:
                scores = ", ".join(
                    f"{NAMES[name]} {100 * value:.1f}" for name, value in predictions.metrics.items()
                )
                print(f"{part} ({len(predictions)} ejemplos): {scores.replace('.', ',')}")
        print(f"Guardado en {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
