"""Una receta de entrenamiento: sus valores, cuáles son posibles y cómo se piden en la terminal."""

import argparse
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from numbers import Real
from typing import ClassVar, get_args

from helpers.rules import BELOW_ONE, COUNT, NOT_NEGATIVE, POSITIVE, Rule


class TrainingError(Exception):
    """El entrenamiento no puede empezar o seguir; el mensaje dice qué ha pasado y qué hacer."""


def check_value(name: str, value, rule: Rule) -> None:
    """Lanza `TrainingError`, con lo que es y lo que puede ser, si `rule` no admite `value`."""
    if not rule.accepts(value):
        raise TrainingError(f"{name}={value!r:.60} no puede ser: tiene que ser {rule}.")


def check_kind(told: str, value, kind) -> None:
    """Lanza `TrainingError` si `value` no es de la clase `kind`: `told` dice qué tiene que ser."""
    if not isinstance(value, kind):
        raise TrainingError(f"{told}, y es {value!r:.60}.")


@dataclass(frozen=True)
class Recipe:
    """Lo que tiene cualquier receta; la del ajuste fino y la del preentrenamiento le añaden lo suyo.

    Es inmutable: otra receta se hace con `dataclasses.replace(MINI, epochs=2)`. Lanza `TrainingError` si algún valor no
    es posible: se sabe al escribirla, y no a mitad de un entrenamiento.
    """

    learning_rate: float = 6.25e-5
    epochs: float = 3
    max_steps: int = -1  # actualizaciones, en vez de épocas
    batch: int = 32  # ejemplos o ventanas por actualización, sumando todos los procesos
    micro_batch: int = 32  # los que caben a la vez en la memoria de un dispositivo
    dropout: float = 0.1  # embeddings, atención y salidas de cada bloque
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0  # norma global; 0, sin recortar; no está en el artículo (opt.py, línea 31)
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    seed: int = 0
    save_every: int = 0  # actualizaciones entre puntos de control; 0, cada época; -1, ninguno
    precision: str = "auto"  # la de `mixed_precision`

    HOW: ClassVar[tuple[str, ...]] = ("micro_batch", "save_every", "precision")
    RULES: ClassVar[dict[str, Rule]] = {
        "learning_rate": POSITIVE,
        "epochs": Rule(float, 0, 1e6, open=(0,)),
        "max_steps": COUNT._replace(also=(-1,)),
        "batch": COUNT,
        "micro_batch": COUNT,
        "dropout": BELOW_ONE,
        "weight_decay": NOT_NEGATIVE,
        "max_grad_norm": NOT_NEGATIVE,
        "adam_beta1": BELOW_ONE,
        "adam_beta2": BELOW_ONE,
        "adam_epsilon": POSITIVE,
        "seed": Rule(int, 0, 2**32 - 1),
        "save_every": Rule(int, -1),
        "precision": Rule(str, also=("auto", "fp32", "bf16", "fp16")),
    }

    def __new__(cls, *values, **named):
        known = [field.name for field in fields(cls)]
        for name in [name for name in named if name not in known]:
            alike = get_close_matches(name, known, 1, 0.4)
            hint = f" (¿querías decir {alike[0]}?)" if alike else ""
            raise TrainingError(f"Una receta no tiene {name}{hint}: tiene {', '.join(known)}.")
        return super().__new__(cls)

    def __post_init__(self):
        for name, rule in self.RULES.items():
            value = getattr(self, name)
            check_value(name, value, rule)
            # JSON no sabe escribir los de NumPy, alguno ni tras `item`, ni las fracciones
            value = value.item() if hasattr(value, "item") else value
            plain = not isinstance(value, Real) or isinstance(value, int | float)
            object.__setattr__(self, name, value if plain else float(value))

    def identity(self) -> dict:
        """Lo que distingue un entrenamiento de otro: todo menos cómo se reparte, se guarda y se calcula (`HOW`)."""
        return {name: value for name, value in asdict(self).items() if name not in self.HOW}

    def how(self) -> dict:
        """Lo que puede cambiar a mitad de un entrenamiento sin que sea otro."""
        return {name: getattr(self, name) for name in self.HOW}


def add_recipe_options(parser: argparse.ArgumentParser, presets: dict[str, Recipe], default: str | None):
    """Añade a una orden `--preset` y una opción por campo de la receta: `--learning-rate`, `--micro-batch`…"""
    group = parser.add_argument_group("receta (por defecto, la de --preset)")
    group.add_argument("--preset", choices=presets, default=default, help="receta de partida")
    rules = next(iter(presets.values())).RULES
    for field in fields(next(iter(presets.values()))):
        flag = f"--{field.name.replace('_', '-')}"
        if field.type is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            kind = next(iter(get_args(field.type)), field.type)  # de `int | None`, int
            group.add_argument(flag, type=kind, default=None, help=str(rules.get(field.name, "")) or None)
