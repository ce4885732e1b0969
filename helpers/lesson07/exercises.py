"""Los ejercicios de la lección 07, «Disparo cero»: referencia, casos y errores típicos de cada uno."""

import math

import torch
from sklearn.metrics import accuracy_score, matthews_corrcoef
from torch.nn import functional as F

from helpers import zeroshot
from helpers.exercises import Exercise, Mistake
from helpers.zeroshot.evaluation import matthews


def _random(*shape, seed=0):
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 07-log-prob: logits [T, v] e ids [T] → el log P de cada token que alguien predice [T - 1], en nats -------------


def _values(logits, ids):
    return -F.cross_entropy(logits[:-1], ids[1:], reduction="none")


def _same_row(logits, ids):
    return logits.log_softmax(dim=-1)[torch.arange(len(ids)), ids]


def _shifted_back(logits, ids):
    return logits[1:].log_softmax(dim=-1)[torch.arange(len(ids) - 1), ids[:-1]]


def _raw_logits(logits, ids):
    return logits[:-1][torch.arange(len(ids) - 1), ids[1:]]


# --- 07-matthews: recuentos → coeficiente ---------------------------------------------------------------------


def _matthews(tp, fp, fn, tn):
    return float(matthews([tn, fp, fn, tp]))


def _below(tp, fp, fn, tn):
    """El denominador, o infinito si algún factor es cero: el coeficiente vale entonces 0."""
    return math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn) or math.inf)


_COUNTS = [(40, 10, 5, 45), (7, 2, 6, 9), (3, 9, 8, 4), (30, 20, 0, 0)]


# --- 07-umbral: puntuaciones y clases de entrenamiento → el umbral de mayor Matthews --------------------------------


def _between(scores):
    """Uno por debajo de todas y los puntos medios entre vecinas, de menor a mayor."""
    values = sorted(scores.tolist())
    return [values[0] - 1, *((low + high) / 2 for low, high in zip(values, values[1:], strict=False))]


def _searching(candidates=_between, grade=matthews_corrcoef, above=torch.gt):
    """El primero de los candidatos con la mayor nota."""
    return lambda scores, truth: float(
        max(candidates(scores), key=lambda threshold: grade(truth, above(scores, threshold)))
    )


def _best_grade(scores, truth):
    return float(matthews_corrcoef(truth, scores > _searching()(scores, truth)))


_LABELLED = [
    (
        torch.tensor([-2.1, -2.6, -3.0, -3.3, -3.9, -4.2, -4.8, -5.5]),
        torch.tensor([True, True, True, False, True, True, False, False]),
    ),
    (
        torch.tensor([-6.0, -2.2, -3.4, -3.1, -2.8, -4.4, -5.2, -2.5, -3.7, -7.0]),
        torch.tensor([True, True, False, True, True, True, True, True, True, True]),
    ),
    (torch.tensor([-3.0, -5.0, -2.0, -4.0]), torch.tensor([False, False, True, True])),  # con un empate
    (
        torch.tensor([-2.0, -3.0, -4.0, -5.0]),
        torch.tensor([False, False, True, True]),
    ),  # al revés: mejor, todas
]


# --- 07-remuestreo: unidades [n, …], estadístico y veces → (extremo inferior, extremo superior) del 95 % -----------


def _redrawn(units, statistic, times, n=None):
    """El estadístico en `times` muestras de n unidades elegidas con reposición, siempre con la misma semilla."""
    draws = torch.Generator().manual_seed(0)
    many = len(units) if n is None else n
    rows = (torch.randint(len(units), (many,), generator=draws) for _ in range(times))
    return torch.tensor([float(statistic(units[some])) for some in rows])


def _ends(values, low=0.025, high=0.975):
    return tuple(values.quantile(torch.tensor([low, high])).tolist())


def interval(units, statistic, times=1000):
    """Intervalo del 95 % por remuestreo de unidades enteras: la referencia de «07-remuestreo»."""
    return _ends(_redrawn(units, statistic, times))


def _without_replacement(units, statistic, times):
    return _ends(torch.tensor([float(statistic(units[torch.randperm(len(units))])) for _ in range(times)]))


def _loose_rows(units, statistic, times):
    """Remuestrea los ejemplos sueltos y rompe los grupos."""
    return interval(units.flatten(0, 1) if units.dim() > 1 else units, statistic, times)


def _deviation(units, statistic, times):
    values = _redrawn(units, statistic, times)
    return (values.mean() - values.std()).item(), (values.mean() + values.std()).item()


def _mean(units):
    return units.mean().item()


def _spread(units):
    return units.std().item()


def _noise(*shape, seed):
    return 0.7 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# La desviación de la media, y la de la otra, es una décima; la tolerancia, relativa, un quinto de ella. Con estas
# semillas la referencia cae en medio de lo que dan otros sorteos: quien use los suyos también acierta.
_SAMPLES = [
    (
        1 + _noise(50, seed=6)[:, None] + 0.1 * _noise(50, 2, seed=56),
        _mean,
        4000,
    ),  # las de un grupo, parecidas
    (1.4 * _noise(50, seed=7), _spread, 4000),
]


# --- 07-diferencia: dos sistemas en las mismas unidades → (diferencia, extremo inferior, extremo superior) ---------


def _paired(ours, theirs, statistic, interval):
    both = torch.stack([ours, theirs], dim=1)  # [n, 2, …]
    low, high = interval(both, lambda rows: statistic(rows[:, 0]) - statistic(rows[:, 1]))
    return float(statistic(ours) - statistic(theirs)), low, high


def _apart(ours, theirs, statistic, interval):
    """Cada uno con su sorteo: los extremos más lejanos."""
    (low, high), (other_low, other_high) = (interval(rows, statistic) for rows in (ours, theirs))
    return float(statistic(ours) - statistic(theirs)), low - other_high, high - other_low


def _end_by_end(ours, theirs, statistic, interval):
    """Cada uno con su intervalo, y se restan los extremos del mismo lado."""
    (low, high), (other_low, other_high) = (interval(rows, statistic) for rows in (ours, theirs))
    return float(statistic(ours) - statistic(theirs)), low - other_low, high - other_high


def _fixed(ours, theirs, statistic, interval):
    """Lo que hace quien compara un intervalo con un número."""
    return tuple(value - float(statistic(theirs)) for value in (statistic(ours), *interval(ours, statistic)))


def _of_differences(ours, theirs, statistic, interval):
    return float(statistic(ours - theirs)), *interval(ours - theirs, statistic)


def _ends_of_differences(ours, theirs, statistic, interval):
    return float(statistic(ours) - statistic(theirs)), *interval(ours - theirs, statistic)


def _turned(ours, theirs, statistic, interval):
    """La diferencia, bien; en el remuestreo, la suya menos la nuestra."""
    return float(statistic(ours) - statistic(theirs)), *_paired(theirs, ours, statistic, interval)[1:]


_SYSTEMS = [
    (0.2 + _noise(60, seed=3), _noise(60, seed=4), _mean, interval),
    (_noise(40, 2, seed=5), _noise(40, 2, seed=5) + 0.3 * _noise(40, 2, seed=6), _mean, interval),
    (_noise(60, seed=7), 2 * _noise(60, seed=8), _spread, interval),  # no es una media
]


# --- 07-longitud: log P de los tokens de cada opción y un tamaño por opción → cuál se elige ------------------------


def _largest(measure):
    """Elegir la opción en la que `measure(log P de sus tokens, su tamaño)` es mayor."""
    return lambda options, sizes: max(
        range(len(options)), key=lambda index: float(measure(options[index], sizes[index]))
    )


_OPTIONS = [
    ([torch.tensor(values) for values in options], sizes)
    for options, sizes in (
        ([[-5.0], [-2.0, -2.5, -2.2, -2.1], [-3.0, -3.5], [-9.0, -0.2, -0.3, -6.0, -1.0]], [1, 4, 2, 5]),
        ([[-1.0, -6.0], [-4.0, -1.0, -1.0], [-3.0, -3.2], [-6.0, -0.1, -4.5, -5.0]], [11, 9, 7, 31]),
        ([[-3.0, -2.0, -2.0, -2.0], [-2.0, -4.0, -1.0, -4.0], [-8.0, -0.1], [-4.0]], [1, 1, 1, 1]),
        ([[-4.0, -0.4], [-2.5, -2.6, -2.4], [-2.0, -2.9], [-7.0, -7.0, -0.05, -0.1, -0.9]], [9, 14, 6, 25]),
    )
]


# --- 07-pronombre: puntuador, antes, candidatos y después → log P medio del resto con cada candidato --------------


def toy_score(context: str, continuation: str) -> torch.Tensor:
    """Un «modelo» de juguete: el log P de cada palabra de `continuation` depende de todo lo que lleva delante."""
    seen, values = context.split(), []
    for word in continuation.split():
        seen.append(word)
        mixed = sum((place + 1) * ord(letter) for place, letter in enumerate(" ".join(seen)))
        values.append(-0.5 - mixed % 89 / 10)
    return torch.tensor(values)


def _scoring(rule):
    """Puntuar cada candidato con `rule(score, before, name, after)`."""
    return lambda score, before, candidates, after: [
        float(rule(score, before, name, after)) for name in candidates
    ]


_SCHEMAS = [
    (toy_score, "The rope held the boat until", ["the rope", "the boat"], "was full of rain."),
    (toy_score, "Ann thanked Ruth because", ["Ann", "old Ruth"], "had helped her all day."),
]


# --- 07-calibrar: log P de las palabras de cada clase [n, c] y a priori [c] → probabilidades [n, c] ----------------


def _calibrated(scores, prior):
    return (scores - prior).softmax(dim=-1)


_SCORES = [
    (torch.tensor([[-2.0, -5.0], [-2.5, -4.0], [-1.8, -6.1]]), torch.tensor([-2.2, -5.2])),
    (torch.tensor([[-7.0, -3.0, -4.0], [-6.0, -3.5, -4.5]]), torch.tensor([-7.5, -3.0, -4.2])),
]

EXERCISES = {
    "07-log-prob": Exercise(
        reference=_values,
        cases=[
            (_random(6, 9), torch.tensor([1, 7, 3, 3, 0, 8])),
            (_random(4, 9, seed=1), torch.tensor([2, 5, 5, 6])),
        ],
        success="un número por cada token que alguien predice: todos menos el primero.",
        mistakes=[
            Mistake(
                _same_row,
                "no has desplazado: la fila t predice el token t + 1, y la comparas con el token t, que ya ha leído.",
            ),
            Mistake(
                lambda logits, ids: _same_row(logits, ids)[1:],
                "comparas la fila t con el token t, que ya ha leído: quita la última fila y el primer id.",
            ),
            Mistake(
                lambda logits, ids: _same_row(logits, ids)[:-1],
                "comparas la fila t con el token t, que ya ha leído: a los ids se les quita el primero, no el último.",
            ),
            Mistake(
                _shifted_back,
                "has desplazado al revés: quita la última fila de los logits y el primer id.",
            ),
            Mistake(
                lambda logits, ids: _values(logits, ids).mean(),
                "es la media; se pide un número por token: luego los sumaremos o promediaremos, según la tarea.",
            ),
            Mistake(
                lambda logits, ids: _values(logits, ids).sum(),
                "es la suma; se pide un número por token: luego los sumaremos o promediaremos, según la tarea.",
            ),
            Mistake(
                lambda logits, ids: logits[:-1].log_softmax(dim=-1)[:, ids[1:]],
                "`[:, ids]` da todas las columnas en todas las filas: de cada fila, una, con `[torch.arange(n), ids]`.",
            ),
            Mistake(
                lambda logits, ids: _values(logits, ids) / math.log(10),
                "has usado el logaritmo en base 10; los nats llevan logaritmo natural (log_softmax ya lo hace).",
            ),
            Mistake(
                lambda logits, ids: -_values(logits, ids),
                "te sobra el signo menos: eso es la sorpresa (la pérdida de la lección 04); el log P es negativo.",
            ),
            Mistake(
                lambda logits, ids: _values(logits, ids).exp(),
                "son probabilidades; se pide su logaritmo.",
            ),
            Mistake(
                _raw_logits,
                "has devuelto logits, que no son log P: falta log_softmax sobre el vocabulario.",
            ),
            Mistake(
                lambda logits, ids: logits[:-1].log_softmax(dim=0)[torch.arange(len(ids) - 1), ids[1:]],
                "el softmax va sobre el vocabulario (dim=-1); con dim=0 mezclas unas posiciones con otras.",
            ),
        ],
        goes_on=True,
    ),
    "07-matthews": Exercise(
        reference=_matthews,
        cases=_COUNTS,
        success="1 es acertarlo todo, 0 es lo que saca quien contesta sin mirar y −1, fallarlo todo.",
        mistakes=[
            Mistake(
                lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn),
                "eso es la exactitud: quien dice siempre que sí no sacaría 0.",
            ),
            Mistake(
                lambda tp, fp, fn, tn: 2 * tp / (2 * tp + fp + fn),
                "eso es F1, que no mira los verdaderos negativos.",
            ),
            Mistake(
                lambda tp, fp, fn, tn: (tp * tn + fp * fn) / _below(tp, fp, fn, tn),
                "en el numerador los fallos restan: VP·VN − FP·FN.",
            ),
            Mistake(
                lambda tp, fp, fn, tn: (tp * fp - fn * tn) / _below(tp, fp, fn, tn),
                "has emparejado mal los recuentos: los aciertos se multiplican entre sí y los fallos, también.",
            ),
            Mistake(
                lambda tp, fp, fn, tn: (tp * tn - fp * fn) / _below(tp, fp, fn, tn) ** 2,
                "falta la raíz cuadrada del denominador.",
            ),
            Mistake(
                lambda tp, fp, fn, tn: (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn)),
                "el denominador lleva cuatro factores, no dos: faltan los de los negativos, (VN + FP) y (VN + FN).",
            ),
            Mistake(
                lambda *counts: abs(_matthews(*counts)),
                "has perdido el signo: acertar menos que el azar tiene que dar negativo.",
            ),
            Mistake(
                lambda *counts: 100 * _matthews(*counts),
                "el artículo imprime el coeficiente por 100; aquí se pide entre −1 y 1.",
            ),
        ],
        goes_on=True,
    ),
    "07-umbral": Exercise(
        reference=lambda scores, truth: zeroshot.choose_threshold(scores, truth)[0],
        cases=_LABELLED,
        success="y no puede ser peor que decir a todas que sí, porque también lo has probado.",
        mistakes=[
            Mistake(
                _best_grade,
                "eso es el Matthews que consigue; se pide el umbral.",
            ),
            Mistake(
                _searching(grade=accuracy_score),
                "has elegido el umbral de mayor exactitud; se pide el de mayor Matthews.",
            ),
            Mistake(
                lambda scores, truth: float(scores.mean()),
                "has puesto el umbral en la media: hay que probar todos los candidatos y quedarse con el mejor.",
            ),
            Mistake(
                _searching(lambda scores: sorted(scores.tolist())),
                "los candidatos son los puntos medios entre vecinas, no las propias puntuaciones.",
            ),
            Mistake(
                _searching(lambda scores: [scores.min().item() - 1, *sorted(scores.tolist())]),
                "el de debajo está bien; los demás son los puntos medios entre vecinas, no las propias puntuaciones.",
            ),
            Mistake(
                _searching(lambda scores: _between(scores)[1:]),
                "te falta un candidato por debajo de todas: a veces lo mejor es decir a todas que sí.",
            ),
            Mistake(
                _searching(above=torch.lt),
                "has marcado como aceptables las de menor log P: son las que superan el umbral.",
            ),
            Mistake(
                _searching(lambda scores: _between(scores)[::-1]),
                "en un empate se queda el umbral más bajo: ve de menor a mayor y cambia solo si mejora.",
            ),
            Mistake(
                lambda scores, truth: float((scores[truth].mean() + scores[~truth].mean()) / 2),
                "eso es el punto medio entre las medias de las dos clases, y no tiene por qué ser el mejor.",
            ),
        ],
        goes_on=True,
    ),
    "07-remuestreo": Exercise(
        reference=interval,
        cases=_SAMPLES,
        tolerance=0.022,
        success="así se moverían tus resultados con otros ejemplos como estos.",
        mistakes=[
            Mistake(
                _without_replacement,
                "todas tus muestras dan lo mismo: o barajas sin reposición, o creas el generador dentro del bucle.",
            ),
            Mistake(
                lambda units, statistic, times: _ends(_redrawn(units, statistic, times, len(units) // 2)),
                "sorteas menos unidades de las que hay: cada muestra lleva n, tantas como las de verdad.",
            ),
            Mistake(
                _loose_rows,
                "has roto los grupos: se sortean filas enteras de `units`, con todo lo que lleven dentro.",
            ),
            Mistake(
                lambda units, statistic, times: _ends(_redrawn(units, statistic, times), 0.05, 0.95),
                "has dejado un 5 % a cada lado, y eso es un intervalo del 90 %: el del 95 % deja un 2,5 % a cada lado.",
            ),
            Mistake(
                lambda units, statistic, times: _ends(_redrawn(units, statistic, times), 0.0, 1.0),
                "son el mínimo y el máximo, que crecen con `times`: se piden los percentiles 2,5 y 97,5.",
            ),
            Mistake(
                _deviation,
                "eso es la media más o menos una desviación, un 68 %: se piden los percentiles 2,5 y 97,5.",
            ),
            Mistake(
                lambda units, statistic, times: interval(units, statistic, times)[::-1],
                "primero el extremo de abajo y después el de arriba.",
            ),
            Mistake(
                lambda units, statistic, times: float(statistic(units)),
                "eso es el estadístico, sin remuestrear: se pide entre qué dos valores se mueve.",
            ),
            Mistake(
                lambda units, statistic, times: _redrawn(units, statistic, times),
                "son los valores de todas las muestras: quédate con sus percentiles 2,5 y 97,5.",
            ),
            Mistake(
                lambda units, statistic, times: interval(units, lambda rows: rows.mean(), times),
                "calculas siempre la media: usa `statistic`, que otras veces será el Matthews.",
            ),
        ],
        goes_on=True,
    ),
    "07-diferencia": Exercise(
        reference=_paired,
        cases=_SYSTEMS,
        success="la suerte de los ejemplos, que es la misma para los dos, se cancela.",
        mistakes=[
            Mistake(
                _apart,
                "has sorteado cada sistema por su lado: en cada muestra los dos llevan las mismas unidades.",
            ),
            Mistake(
                _end_by_end,
                "has restado los extremos de dos intervalos: lo que se remuestrea es la resta, muestra a muestra.",
            ),
            Mistake(
                _fixed,
                "has tratado la nota del otro como un número fijo, y también tiene su suerte: remuestrea los dos.",
            ),
            Mistake(
                _of_differences,
                "el estadístico de las diferencias no es la diferencia de los estadísticos, salvo si es una media.",
            ),
            Mistake(
                _ends_of_differences,
                "en los extremos usas el estadístico de las diferencias; se pide la diferencia de los estadísticos.",
            ),
            Mistake(
                _turned,
                "la diferencia está bien; en las muestras has restado al revés: `rows[:, 0]` es lo nuestro.",
            ),
            Mistake(
                lambda ours, theirs, statistic, interval: _paired(theirs, ours, statistic, interval),
                "has restado al revés: la nuestra menos la suya.",
            ),
            Mistake(
                lambda ours, theirs, statistic, interval: _paired(ours, theirs, statistic, interval)[1:],
                "falta la diferencia, delante de los dos extremos.",
            ),
            Mistake(
                lambda ours, theirs, statistic, interval: float(statistic(ours) - statistic(theirs)),
                "eso es la diferencia; faltan los dos extremos de su intervalo.",
            ),
        ],
        goes_on=True,
    ),
    "07-longitud": Exercise(
        reference=_largest(lambda values, size: values.sum() / size),
        cases=_OPTIONS,
        success="con unos es la suma; con los tokens, la media; con los bytes, `acc_norm`.",
        mistakes=[
            Mistake(
                _largest(lambda values, size: values.sum()),
                "gana la misma que con la suma: divide la de cada opción entre su tamaño.",
            ),
            Mistake(
                _largest(lambda values, size: values.mean()),
                "divides entre los tokens; hay que dividir entre `sizes`, que puede contar otra cosa.",
            ),
            Mistake(
                _largest(lambda values, size: values.mean() / size),
                "divides dos veces: la media ya lo hace entre los tokens. Es la suma entre el tamaño.",
            ),
            Mistake(
                _largest(lambda values, size: -values.sum() / size),
                "has elegido la de menor log P: la más probable es la que tiene el mayor (el menos negativo).",
            ),
            Mistake(
                _largest(lambda values, size: values.exp().sum() / size),
                "has sumado probabilidades, y un solo token fácil tapa a los demás: se suman los log P.",
            ),
            Mistake(
                _largest(lambda values, size: values[0]),
                "solo has mirado el primer token de cada opción: cuentan todos.",
            ),
            Mistake(
                _largest(lambda values, size: size),
                "has elegido la opción más larga: eso no mira lo que dice el modelo.",
            ),
            Mistake(
                lambda options, sizes: _largest(lambda values, size: values.sum() / size)(options, sizes) + 1,
                "la opción es la buena, pero has contado desde 1: los puestos empiezan en 0.",
            ),
        ],
        goes_on=True,
    ),
    "07-pronombre": Exercise(
        reference=_scoring(lambda score, before, name, after: score(f"{before} {name}", after).mean()),
        cases=_SCHEMAS,
        success="el candidato cambia el contexto, y lo que se puntúa es igual para todos.",
        mistakes=[
            Mistake(
                _scoring(lambda score, before, name, after: score("", f"{before} {name} {after}").mean()),
                "puntúas la frase entera, y así gana el candidato más corriente: puntúa solo lo que va detrás.",
            ),
            Mistake(
                _scoring(lambda score, before, name, after: score(before, f"{name} {after}").mean()),
                "el candidato también entra en la cuenta: tiene que ir en el contexto, no en lo que se puntúa.",
            ),
            Mistake(
                _scoring(lambda score, before, name, after: score(before, name).mean()),
                "puntúas el candidato, y eso mide lo corriente que es: puntúa lo que va detrás de él.",
            ),
            Mistake(
                _scoring(lambda score, before, name, after: score(before, after).mean()),
                "no has puesto el candidato en el contexto: así todos puntúan igual.",
            ),
            Mistake(
                _scoring(lambda score, before, name, after: score(name, after).mean()),
                "el contexto es solo el candidato: falta lo que va delante del pronombre.",
            ),
            Mistake(
                _scoring(lambda score, before, name, after: score(f"{before} {name}", after).sum()),
                "es la suma; se pide la media, como en el artículo (aquí el ganador no cambiaría).",
            ),
            Mistake(
                _scoring(lambda score, before, name, after: score(f"{before}{name}", after).mean()),
                "falta el espacio entre lo de delante y el candidato: se pegan dos palabras.",
            ),
        ],
        goes_on=True,
    ),
    "07-calibrar": Exercise(
        reference=_calibrated,
        cases=_SCORES,
        success="queda lo que el texto ha cambiado, sin la ventaja que cada palabra traía de casa.",
        mistakes=[
            Mistake(
                lambda scores, prior: scores.softmax(dim=-1),
                "no has usado `prior`, lo que puntúan de partida: la palabra más corriente sigue con ventaja.",
            ),
            Mistake(
                lambda scores, prior: (scores + prior).softmax(dim=-1),
                "has sumado `prior`: así la ventaja se dobla. Hay que restarlo.",
            ),
            Mistake(
                lambda scores, prior: (scores / prior).softmax(dim=-1),
                "has dividido los logaritmos: dividir probabilidades es restar sus logaritmos.",
            ),
            Mistake(
                lambda scores, prior: (scores.exp() - prior.exp()).softmax(dim=-1),
                "has restado probabilidades: la resta va en logaritmos, que es dividir probabilidades.",
            ),
            Mistake(
                lambda scores, prior: (prior - scores).softmax(dim=-1),
                "has restado al revés: a `scores` se le quita `prior`.",
            ),
            Mistake(
                lambda scores, prior: (scores - prior).exp(),
                "has dividido bien, pero falta normalizar: en cada fila suman 1, y eso lo hace el softmax.",
            ),
            Mistake(
                lambda scores, prior: (scores - prior).log_softmax(dim=-1),
                "son los log P calibrados; se piden probabilidades: softmax en vez de log_softmax.",
            ),
            Mistake(
                lambda scores, prior: scores - prior,
                "la resta está bien; falta el softmax que la convierte en probabilidades que suman 1.",
            ),
            Mistake(
                lambda scores, prior: (scores - prior).softmax(dim=0),
                "el softmax va sobre las clases (dim=-1); con dim=0 comparas unos textos con otros.",
            ),
            Mistake(
                lambda scores, prior: (scores - scores.mean(dim=0)).softmax(dim=-1),
                "has restado la media de estos mismos textos, que son los de prueba: se pide restar `prior`.",
            ),
        ],
        goes_on=True,
    ),
}
