"""Cuánto vale una puntuación: azar, intervalo por remuestreo y las trampas sencillas que la imitarían. Lección 07."""

from dataclasses import dataclass, field

import numpy as np

from helpers.intervals import bootstrap
from helpers.spanish import number, text_table

ACCURACY, MATTHEWS = "exactitud", "Matthews"
TIE = 1e-4  # nats: por debajo de esto la diferencia es redondeo y no preferencia


@dataclass(frozen=True)
class Result:
    """El resultado de una heurística.

    `score`, `chance` e `interval` (95 %) van de 0 a 1 (Matthews, de -1 a 1); `baselines`: cada trampa sencilla con lo
    que consigue, en las mismas unidades; `examples`: un dict por ejemplo (texto, puntuaciones, predicción, acierto);
    `details`: lo propio de la tarea (el umbral, los fenómenos…). `counts` y `baseline_counts` [n, c]: lo que cada
    ejemplo aporta a la nota y a la de cada trampa; `units`, los grupos que se remuestrean enteros.
    """

    task: str
    metric: str
    score: float
    interval: tuple[float, float] | None
    chance: float
    n: int
    baselines: dict[str, float] = field(default_factory=dict)
    examples: list[dict] = field(default_factory=list, repr=False)
    details: dict = field(default_factory=dict, repr=False)
    counts: np.ndarray | None = field(default=None, repr=False)
    baseline_counts: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    units: list | None = field(default=None, repr=False)

    @property
    def best_baseline(self) -> tuple[str, float] | None:
        """La trampa que más consigue. Elegir la mejor sobre los mismos datos la favorece a ella, no al modelo."""
        return max(self.baselines.items(), key=lambda item: item[1], default=None)

    def against(self, baseline: str | None = None, resamples: int = 1000, seed: int = 0):
        """(nota menos la de `baseline`, su intervalo del 95 %); por defecto, la mejor trampa.

        Las dos se remuestrean juntas, con los mismos ejemplos: cuenta el azar de ambas, y lo que es difícil para las
        dos no cuenta.
        """
        name, width = baseline or self.best_baseline[0], self.counts.shape[1]
        statistic = _STATISTICS[self.metric]

        def apart(sums):
            return statistic(sums[..., :width]) - statistic(sums[..., width:])

        both = np.hstack([self.counts, self.baseline_counts[name]])
        return self.score - self.baselines[name], bootstrap(both, apart, self.units, resamples, seed)


def credit(scores, right: int) -> float:
    """1 si la opción buena es la de mayor puntuación y 0 si no; con `k` empatadas en cabeza, 1/k.

    El empate existe: el tokenizador pasa a minúsculas, y dos frases que solo difieren en una mayúscula son la misma.
    """
    best = max(scores)
    winners = [index for index, score in enumerate(scores) if best - score <= TIE]
    return 1 / len(winners) if right in winners else 0.0


def matthews(counts):
    """Matthews de los recuentos [..., 4], en el orden de `confusion_matrix` (VN, FP, FN, VP); 0 si falta una clase.

    Es el de scikit-learn, que solo hace uno cada vez: el remuestreo y el umbral prueban muchos.
    """
    tn, fp, fn, tp = np.moveaxis(np.asarray(counts, dtype=float), -1, 0)
    below = np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    return np.divide(tp * tn - fp * fn, below, out=np.zeros_like(below), where=below > 0)


def _accuracy(counts):
    """Exactitud de los recuentos [..., 2] (aciertos, ejemplos)."""
    return counts[..., 0] / counts[..., 1]


_STATISTICS = {ACCURACY: _accuracy, MATTHEWS: matthews}


def choose_threshold(scores, truth) -> tuple[float, float]:
    """(umbral, Matthews) que separa mejor `truth` con «puntuación > umbral», probando los puntos medios entre vecinas
    y también dejarlas todas arriba (todas abajo vale lo mismo, 0): nunca es peor que no mirar.

    El artículo no dice cómo elige el suyo: aquí, siempre con datos de entrenamiento. Si varios empatan, el más bajo.
    """
    scores, truth = np.asarray(scores, dtype=float), np.asarray(truth, dtype=bool)
    order = np.argsort(scores)
    values, labels = scores[order], truth[order]
    # cuántas quedan debajo del umbral: ninguna, o las que hay hasta cada salto
    below = np.r_[0, np.flatnonzero(np.diff(values) > 0) + 1]
    true_below = np.r_[0, labels.cumsum()][below]
    tp, fp = labels.sum() - true_below, (len(labels) - below) - (labels.sum() - true_below)
    quality = matthews(np.stack([below - true_below, fp, true_below, tp], axis=-1))
    best = int(quality.argmax())
    left = np.r_[values[0] - 2, values]
    return float(left[below[best]] + values[below[best]]) / 2, float(quality[best])


def cells(truth, predictions) -> np.ndarray:
    """[n, 4]: en qué casilla de `confusion_matrix` (VN, FP, FN, VP) cae cada ejemplo."""
    return np.eye(4)[2 * np.asarray(truth, dtype=int) + np.asarray(predictions, dtype=int)]


def choice_result(
    task, scores, rights, examples, *, units=None, baselines=None, details=None, resamples=1000, seed=0
) -> Result:
    """El resultado de elegir, en cada ejemplo, la opción de mayor puntuación.

    `scores`: una lista de puntuaciones por ejemplo; `rights`: la opción buena de cada uno; `baselines`: nombre → otras
    puntuaciones con la misma forma. Completa `examples` con `scores`, `prediction`, `answer`, `credit` y `right`.
    """
    require_examples(task, rights)
    credits = [credit(options, right) for options, right in zip(scores, rights, strict=True)]
    for example, options, right, gained in zip(examples, scores, rights, credits, strict=True):
        example |= {
            "scores": list(options),
            "prediction": int(np.argmax(options)),
            "answer": right,
            "credit": gained,
            "right": gained == 1,
        }
    others = {
        name: np.array([[credit(options, right), 1] for options, right in zip(trick, rights, strict=True)])
        for name, trick in (baselines or {}).items()
    }
    counts = np.array([[gained, 1] for gained in credits])
    return Result(
        task,
        ACCURACY,
        float(np.mean(credits)),
        bootstrap(counts, _accuracy, units, resamples, seed),
        float(np.mean([1 / len(options) for options in scores])),
        len(credits),
        {name: float(each[:, 0].mean()) for name, each in others.items()},
        examples,
        details or {},
        counts,
        others,
        units,
    )


def require_examples(task, examples, kind: type = object) -> None:
    """Lanza `ValueError` si `examples` no es una lista, con algo dentro, de `kind`."""
    if not isinstance(examples, list | tuple | range) or not all(isinstance(one, kind) for one in examples):
        raise ValueError(f"{task}: hace falta una lista de `{kind.__name__}` y has dado {examples!r:.80}.")
    if not len(examples):
        raise ValueError(
            f"{task}: no hay ningún ejemplo que puntuar; mira si la parte o el límite pedidos lo dejan vacío."
        )


def relative(score: float, chance: float, fine_tuned: float) -> float:
    """Qué parte del camino entre el azar (0) y un modelo ajustado (1) se recorre. Artículo, figura 2, derecha.

    Allí el 1 es el mejor modelo único conocido. Lanza `ValueError` si el ajustado no supera al azar.
    """
    if fine_tuned <= chance:
        raise ValueError(
            f"El modelo ajustado ({number(fine_tuned, 3)}) no supera al azar ({number(chance, 3)}): no hay "
            "escala con la que comparar."
        )
    return (score - chance) / (fine_tuned - chance)


def report(*results: Result) -> None:
    """Imprime la tabla: tarea, métrica, modelo con su intervalo, azar, mejor trampa sencilla y cuántos ejemplos."""
    header = ("tarea", "métrica", "modelo [IC 95 %]", "azar", "mejor trampa sencilla", "n")
    print(text_table([header, *(_cells(result) for result in results)]))


def _cells(result: Result) -> tuple[str, ...]:
    def shown(value):
        return number(value, 2) if result.metric == MATTHEWS else number(100 * value, 1) + " %"

    model = shown(result.score)
    if result.interval:
        model += f" [{' a '.join(shown(value).removesuffix(' %') for value in result.interval)}]"
    best = result.best_baseline
    baseline = f"{shown(best[1])} ({best[0]})" if best else "-"
    return result.task, result.metric, model, shown(result.chance), baseline, str(result.n)


def rank_shares(lengths, chosen) -> list[float]:
    """Qué parte de las veces se elige la opción más corta, la segunda… [k]. Un empate se reparte entre sus puestos.

    `lengths`: la longitud de cada opción, [n][k]; `chosen`: la elegida en cada pregunta, [n].
    """
    shares = np.zeros(len(lengths[0]))
    for sizes, pick in zip(lengths, chosen, strict=True):
        first = sum(size < sizes[pick] for size in sizes)
        tied = sum(size == sizes[pick] for size in sizes)
        shares[first : first + tied] += 1 / tied
    return (shares / len(chosen)).tolist()
