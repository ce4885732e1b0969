"""Los ejercicios de la lección 07, «Disparo cero»: referencia, casos y errores típicos de cada uno."""

import math

import torch
from sklearn.metrics import accuracy_score, matthews_corrcoef
from torch.nn import functional as F

from helpers.exercises import Exercise, Mistake


def _random(*shape, seed=0):
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 07-log-prob: logits [T, v] e ids [T] → log P medio, en nats por token ----------------------------------------


def _values(logits, ids):
    return logits[:-1].log_softmax(dim=-1)[torch.arange(len(ids) - 1), ids[1:]]


def _same_row(logits, ids):
    return logits.log_softmax(dim=-1)[torch.arange(len(ids)), ids].mean()


def _shifted_back(logits, ids):
    return logits[1:].log_softmax(dim=-1)[torch.arange(len(ids) - 1), ids[:-1]].mean()


def _raw_logits(logits, ids):
    return logits[:-1][torch.arange(len(ids) - 1), ids[1:]].mean()


# --- 07-matthews: recuentos → coeficiente ---------------------------------------------------------------------


def _matthews(tp, fp, fn, tn):
    return matthews_corrcoef([1, 0, 1, 0], [1, 1, 0, 0], sample_weight=[tp, fp, fn, tn])


def _below(tp, fp, fn, tn):
    """El denominador, o infinito si algún factor es cero: el coeficiente vale entonces 0."""
    return math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn) or math.inf)


_COUNTS = [(40, 10, 5, 45), (7, 2, 6, 9), (3, 9, 8, 4), (30, 20, 0, 0)]


# --- 07-umbral: puntuaciones y clases de entrenamiento y de prueba → Matthews en prueba ---------------------------


def _best(scores, truth, measure=matthews_corrcoef):
    return max(sorted(scores.tolist()), key=lambda threshold: measure(truth, scores > threshold))


def _last_best(scores, truth):
    return max(
        sorted(scores.tolist(), reverse=True),
        key=lambda threshold: matthews_corrcoef(truth, scores > threshold),
    )


def _graded(threshold, grade=matthews_corrcoef, above=torch.gt):
    """La nota en la prueba con el umbral que dé `threshold(puntuaciones y clases de entrenamiento y de prueba)`."""
    return lambda train, truth, test, test_truth: float(
        grade(test_truth, above(test, threshold(train, truth, test, test_truth)))
    )


def _from_training(train, truth, test, test_truth):
    return _best(train, truth)


_LABELLED = [
    (
        torch.tensor([-2.1, -2.6, -3.0, -3.3, -3.9, -4.2, -4.8, -5.5]),
        torch.tensor([1, 1, 1, 0, 1, 1, 0, 0]),
        torch.tensor([-2.0, -2.4, -3.1, -3.6, -3.8, -4.0, -5.1, -5.9]),
        torch.tensor([1, 1, 1, 0, 0, 0, 1, 0]),
    ),
    (
        torch.tensor([-6.0, -2.2, -3.4, -3.1, -2.8, -4.4, -5.2, -2.5, -3.7, -7.0]),
        torch.tensor([1, 1, 0, 1, 1, 1, 1, 1, 1, 1]),
        torch.tensor([-2.1, -2.6, -2.95, -4.1, -4.6, -5.0, -2.9, -3.0]),
        torch.tensor([1, 0, 1, 0, 1, 0, 1, 1]),
    ),
    (  # desordenadas, con un empate y con puntuaciones de prueba iguales al umbral
        torch.tensor([-3.0, -5.0, -2.0, -4.0]),
        torch.tensor([0, 0, 1, 1]),
        torch.tensor([-4.5, -3.5, -2.5, -1.5, -6.0, -5.0]),
        torch.tensor([1, 1, 0, 1, 0, 0]),
    ),
]


# --- 07-longitud: log P de los tokens de cada opción → cuál se elige ----------------------------------------------


def _largest(measure):
    """Elegir la opción en la que `measure(log P de sus tokens)` es mayor."""
    return lambda options: max(range(len(options)), key=lambda index: float(measure(options[index])))


_OPTIONS = [
    ([torch.tensor(values) for values in options],)
    for options in (
        [[-5.0], [-2.0, -2.5, -2.2, -2.1], [-3.0, -3.5], [-9.0, -0.2, -0.3, -6.0, -1.0]],
        [[-1.0, -6.0], [-4.0, -1.0, -1.0], [-3.0, -3.2], [-6.0, -0.1, -4.5, -5.0]],
        [[-3.0, -2.0, -2.0, -2.0], [-2.0, -4.0, -1.0, -4.0], [-8.0, -0.1], [-4.0]],
        [[-4.0, -0.4], [-2.5, -2.6, -2.4], [-2.0, -2.9], [-7.0, -7.0, -0.05, -0.1, -0.9]],
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
        reference=lambda logits, ids: -F.cross_entropy(logits[:-1], ids[1:]),
        cases=[
            (_random(6, 9), torch.tensor([1, 7, 3, 3, 0, 8])),
            (_random(4, 9, seed=1), torch.tensor([2, 5, 5, 6])),
        ],
        success="se promedian los tokens que alguien predice: todos menos el primero.",
        mistakes=[
            Mistake(
                _same_row,
                "no has desplazado: la fila t predice el token t + 1, y la comparas con el token t, que ya ha leído.",
            ),
            Mistake(
                _shifted_back,
                "has desplazado al revés: quita la última fila de los logits y el primer id.",
            ),
            Mistake(
                lambda logits, ids: _values(logits, ids).sum() / len(ids),
                "divides entre T y solo hay T - 1 predicciones: el primer token, que nadie predice, no cuenta.",
            ),
            Mistake(
                lambda logits, ids: _values(logits, ids).sum(),
                "es la suma: con ella una frase larga siempre parece peor. Se pide la media por token.",
            ),
            Mistake(
                lambda logits, ids: _values(logits, ids).mean() / math.log(10),
                "has usado el logaritmo en base 10; los nats llevan logaritmo natural (log_softmax ya lo hace).",
            ),
            Mistake(
                lambda logits, ids: -_values(logits, ids).mean(),
                "te sobra el signo menos: eso es la sorpresa (la pérdida de la lección 04); el log P es negativo.",
            ),
            Mistake(
                _raw_logits,
                "has promediado logits, que no son log P: falta log_softmax sobre el vocabulario.",
            ),
            Mistake(
                lambda logits, ids: _values(logits, ids).exp().mean().log(),
                "has promediado las probabilidades y después el logaritmo: se promedian los log P.",
            ),
        ],
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
    ),
    "07-umbral": Exercise(
        reference=_graded(_from_training),
        cases=_LABELLED,
        success="el umbral sale del entrenamiento y la nota, de la prueba, que no ha opinado.",
        mistakes=[
            Mistake(
                _graded(lambda train, truth, test, test_truth: _best(test, test_truth)),
                "has elegido el umbral con las frases de prueba: esa nota sale inflada y no vale.",
            ),
            Mistake(
                _graded(
                    lambda train, truth, test, test_truth: _best(
                        torch.cat([train, test]), torch.cat([truth, test_truth])
                    )
                ),
                "para elegir el umbral has juntado entrenamiento y prueba: la prueba no puede opinar.",
            ),
            Mistake(
                lambda train, truth, test, test_truth: _graded(_from_training)(train, truth, train, truth),
                "el umbral está bien, pero la nota es la de entrenamiento: se pide la de las frases de prueba.",
            ),
            Mistake(
                _graded(lambda train, truth, *_: _best(train, truth, accuracy_score)),
                "has elegido el umbral de mayor exactitud; se pide el de mayor Matthews.",
            ),
            Mistake(
                _graded(lambda train, *_: float(train.mean())),
                "has puesto el umbral en la media: hay que probar todas las puntuaciones y quedarse con la mejor.",
            ),
            Mistake(
                _graded(_from_training, above=torch.lt),
                "has marcado como aceptables las de menor log P: son las que superan el umbral.",
            ),
            Mistake(
                _graded(_from_training, grade=accuracy_score),
                "el umbral está bien, pero devuelves la exactitud; se pide el Matthews.",
            ),
            Mistake(
                _graded(_from_training, above=torch.ge),
                "si la puntuación es igual al umbral no cuenta: tiene que ser mayor.",
            ),
            Mistake(
                _graded(lambda train, truth, *_: _last_best(train, truth)),
                "en un empate se queda el umbral más bajo: ordénalos y cambia solo si mejora.",
            ),
            Mistake(
                _from_training,
                "eso es el umbral; se pide el Matthews que consigue en las frases de prueba.",
            ),
        ],
    ),
    "07-longitud": Exercise(
        reference=_largest(torch.mean),
        cases=_OPTIONS,
        success="la media compara tokens, no cuántos hay.",
        mistakes=[
            Mistake(
                _largest(torch.sum),
                "gana la misma que con la suma. Divide cada opción entre sus tokens; el relleno, si lo hay, no cuenta.",
            ),
            Mistake(
                _largest(lambda values: -values.mean()),
                "has elegido la de menor log P medio: la más probable es la que tiene el mayor (el menos negativo).",
            ),
            Mistake(
                _largest(lambda values: values.exp().mean()),
                "has promediado probabilidades, y un solo token fácil tapa a los demás: se promedian los log P.",
            ),
            Mistake(
                _largest(lambda values: values[0]),
                "solo has mirado el primer token de cada opción: cuentan todos.",
            ),
            Mistake(
                _largest(torch.max),
                "te has quedado con el token más fácil de cada opción: hay que promediarlos todos.",
            ),
            Mistake(
                _largest(len),
                "has elegido la opción con más tokens: eso no mira lo que dice el modelo.",
            ),
            Mistake(
                lambda options: _largest(torch.mean)(options) + 1,
                "la opción es la buena, pero has contado desde 1: los puestos empiezan en 0.",
            ),
        ],
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
    ),
    "07-calibrar": Exercise(
        reference=_calibrated,
        cases=_SCORES,
        success="queda lo que el texto ha cambiado, sin la ventaja que cada palabra traía de casa.",
        mistakes=[
            Mistake(
                lambda scores, prior: scores.softmax(dim=-1),
                "no has usado lo que puntúan sin texto: la palabra más corriente sigue con ventaja.",
            ),
            Mistake(
                lambda scores, prior: (scores + prior).softmax(dim=-1),
                "has sumado lo que puntúan sin texto: así la ventaja se dobla. Hay que restarlo.",
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
                lambda scores, prior: scores - prior,
                "la resta está bien; falta el softmax que la convierte en probabilidades que suman 1.",
            ),
            Mistake(
                lambda scores, prior: (scores - prior).softmax(dim=0),
                "el softmax va sobre las clases (dim=-1); con dim=0 comparas unos textos con otros.",
            ),
            Mistake(
                lambda scores, prior: (scores - scores.mean(dim=0)).softmax(dim=-1),
                "has restado la media de estos mismos textos; se pide restar lo que puntúan sin texto (`prior`).",
            ),
        ],
    ),
}
