"""La receta del ajuste fino: los valores del artículo (§4.1) y otros para el modelo pequeño."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Recipe:
    """Los valores por defecto son los del artículo (§4.1) y los de train.py donde el artículo calla."""

    learning_rate: float = 6.25e-5
    epochs: float = 3
    batch: int = 32  # ejemplos por actualización, sumando todos los procesos
    micro_batch: int = 32  # ejemplos que caben a la vez en la memoria de un dispositivo
    lm_coef: float = 0.5  # λ: cuánto pesa L1 en L3 = L2 + λ·L1
    clf_dropout: float = 0.1
    dropout: float = 0.1  # embeddings, atención y salidas de cada bloque
    warmup: float = 0.002  # fracción de las actualizaciones
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0  # norma global; no está en el artículo (opt.py, línea 31)
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    by_length: bool = True  # lotes de longitud parecida; el original solo baraja

    def identity(self) -> dict:
        """Lo que distingue un entrenamiento de otro: todo menos `micro_batch`, que solo reparte el lote."""
        return {name: value for name, value in asdict(self).items() if name != "micro_batch"}


PAPER = Recipe()
# Para `gpt1-mini` en una CPU: un modelo de 5 M aguanta (y necesita) pasos mayores que uno de 117 M.
MINI = Recipe(learning_rate=1e-3, epochs=4, batch=16, micro_batch=16)
PRESETS = {"paper": PAPER, "mini": MINI}
