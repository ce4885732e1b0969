"""Los ejercicios de la lección 01: L1 con un bucle, la pérdida L3 y las cuatro transformaciones.

Los dos últimos, el orden de la receta y una errata, están hoy en la lección 10: `check` los busca por su nombre.
"""

import torch

from helpers.exercises import Exercise, Mistake
from helpers.tasks import transformations

# Filas de log-probabilidades [T, vocabulario] y los ids de un texto. En el primero, a mano; en el segundo, al azar.
SHIFT_CASES = [
    (torch.tensor([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125], [0.3, 0.1, 0.6]]).log(), [0, 2, 1]),
    (torch.randn(5, 6, generator=torch.Generator().manual_seed(0)).log_softmax(-1), [3, 0, 5, 1, 4]),
]

S, D, E = "_start_", "_delimiter_", "_classify_"
TOKENS_ADDED = transformations.InputTokens(S, D, E)  # aquí un token es una cadena, y un texto, uno solo

# Dos ejemplos con textos de distinta longitud (la máscara marca el relleno) y dos valores de λ.
LABELS = torch.tensor([-0.2, -1.1])
TOKENS = torch.tensor([[-2.0, -3.0, -1.0, -4.0], [-5.0, -1.5, -7.0, -9.0]])
MASK = torch.tensor([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]])
LOSS_CASES = [(LABELS, TOKENS, MASK, 0.5), (LABELS, TOKENS, MASK, 0.25)]

TASKS = [
    ("clasificación", ["a fine film"]),
    ("inferencia", ["it rains", "it is wet"]),
    ("similitud", ["hello", "good morning"]),
    ("preguntas", ["he was hungry, so", "he ate", "he slept", "he sang"]),
    ("preguntas", ["she sat down and", "read", "wrote", "ate", "slept", "sang"]),  # no siempre son tres
]


def token_log_probs(log_p, ids) -> list[float]:
    """Los T − 1 sumandos de L1 (artículo, ecuación 1): la fila t dice qué viene tras el token t."""
    return [log_p[t, ids[t + 1]].item() for t in range(len(ids) - 1)]


def mean_over_text(token_logprob, mask):
    """La media por texto de las log-probabilidades [lote, T], sin contar el relleno → [lote]."""
    return (token_logprob * mask).sum(-1) / mask.sum(-1)


def fine_tuning_loss(label_logprob, token_logprob, mask, lam=0.5):
    """L3 como pérdida que se minimiza (artículo, ecuación 5; train.py, líneas 173-178 y 204-207)."""
    return -(label_logprob.mean() + lam * mean_over_text(token_logprob, mask).mean())


def build_inputs(task: str, texts: list[str]) -> list[list[str]]:
    """Las secuencias que entran en el modelo (artículo, §3.3 y Figura 1)."""
    first, *others = [[text] for text in texts]
    if task == "clasificación":
        return transformations.classification(first, TOKENS_ADDED)
    if task == "preguntas":
        return transformations.multiple_choice(first, others, TOKENS_ADDED)
    transform = {"inferencia": transformations.entailment, "similitud": transformations.similarity}[task]
    return transform(first, *others, TOKENS_ADDED)


def changed(change):
    """Una versión equivocada de `build_inputs`: aplica `change` a cada secuencia."""
    return lambda task, texts: [change(sequence) for sequence in build_inputs(task, texts)]


def one_order(task, texts):
    return build_inputs(task, texts)[:1] if task == "similitud" else build_inputs(task, texts)


def same_order_twice(task, texts):
    return build_inputs(task, texts)[:1] * 2 if task == "similitud" else build_inputs(task, texts)


def three_answers(task, texts):
    return build_inputs(task, texts)[:3]


PAPER_NAMES = {S: "<s>", D: "$", E: "<e>"}


def flat(task, texts):
    """Sin la lista de fuera cuando solo hay una secuencia."""
    sequences = build_inputs(task, texts)
    return sequences[0] if len(sequences) == 1 else sequences


def reversed_order(task, texts):
    return build_inputs(task, texts)[::-1] if task == "similitud" else build_inputs(task, texts)


def answers_together(task, texts):
    if task != "preguntas":
        return build_inputs(task, texts)
    return [[S, texts[0]] + [part for answer in texts[1:] for part in (D, answer)] + [E]]


def answers_alone(task, texts):
    return [[S, answer, E] for answer in texts[1:]] if task == "preguntas" else build_inputs(task, texts)


EXERCISES = {
    "01-desplazamiento": Exercise(
        reference=token_log_probs,
        cases=SHIFT_CASES,
        goes_on=True,
        mistakes=[
            Mistake(
                lambda log_p, ids: [log_p[t, ids[t]].item() for t in range(len(ids))],
                "buscas cada token en su propia fila, pero esa fila ya lo ha leído: dice qué viene después. El token t "
                "+ 1 se busca en la fila t.",
            ),
            Mistake(
                lambda log_p, ids: [log_p[t, ids[t]].item() for t in range(1, len(ids))],
                "el número de respuestas está bien, pero cada fila ya ha leído el token que le preguntas: el token t "
                "lo predice la fila anterior, la t − 1.",
            ),
            Mistake(
                lambda log_p, ids: [log_p[t, ids[t]].item() for t in range(len(ids) - 1)],
                "das las vueltas justas, pero en cada una preguntas a la fila t por el token que acaba de leer. "
                "Adivina el siguiente, `ids[t + 1]`.",
            ),
            Mistake(
                lambda log_p, ids: [log_p[t + 1, ids[t]].item() for t in range(len(ids) - 1)],
                "vas hacia atrás: preguntas a cada fila por el token anterior. Adivina el siguiente.",
            ),
            Mistake(
                lambda log_p, ids: [log_p[t, ids[(t + 1) % len(ids)]].item() for t in range(len(ids))],
                "sobra un número: la última fila predice un token que aún no está en el texto.",
            ),
            Mistake(
                lambda log_p, ids: [log_p[t, ids[t + 1]].item() for t in range(1, len(ids) - 1)],
                "te falta el primero: la fila 0, que solo ha leído un token, ya adivina el segundo.",
            ),
            Mistake(
                lambda log_p, ids: [log_p[t].max().item() for t in range(len(ids) - 1)],
                "miras el token preferido de cada fila; L1 pregunta por el que de verdad venía, `ids[t + 1]`.",
            ),
            Mistake(
                lambda log_p, ids: [log_p[t, ids[t + 1]].exp().item() for t in range(len(ids) - 1)],
                "eso son las probabilidades: se pide su logaritmo, que es lo que ya trae `log_p`.",
            ),
            Mistake(
                lambda log_p, ids: [-log_p[t, ids[t + 1]].item() for t in range(len(ids) - 1)],
                "has cambiado el signo: L1 suma log P, que son números negativos.",
            ),
            Mistake(
                lambda log_p, ids: sum(log_p[t, ids[t + 1]].item() for t in range(len(ids) - 1)),
                "eso ya es L1, la suma. Devuelve la lista, con un número por token adivinado.",
            ),
        ],
        success="la fila t predice el token t + 1, y el primero no lo predice nadie.",
    ),
    "01-perdida": Exercise(
        reference=fine_tuning_loss,
        cases=LOSS_CASES,
        goes_on=True,
        mistakes=[
            Mistake(
                lambda y, t, m, lam=0.5: -(lam * y.mean() + mean_over_text(t, m).mean()),
                "has puesto λ en L2: pesa a L1, el modelado del lenguaje. L2 entra entera.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -((1 - lam) * y.mean() + lam * mean_over_text(t, m).mean()),
                "no es un reparto: L2 no lleva 1 − λ. L3 es L2 entera más λ veces L1.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -y.mean(),
                "eso es solo L2: falta el objetivo auxiliar, λ·L1.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -(y.sum() + lam * mean_over_text(t, m).sum()),
                "sumas los ejemplos del lote: con un lote mayor saldría otra pérdida. Haz la media.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -(y.mean() + lam * ((t * m).sum(0) / m.sum(0)).mean()),
                "promedias por columnas, cada posición con la misma de otros textos: la media de cada texto es sobre "
                "la última dimensión, -1.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -y.mean() + lam * mean_over_text(t, m).mean(),
                "el signo solo alcanza a L2: es −(L2 + λ·L1), con paréntesis, así que L1 también cambia de signo.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: y.mean() + lam * mean_over_text(t, m).mean(),
                "te falta el signo: el artículo maximiza log-probabilidades; la pérdida es su negativo y se minimiza.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -(y.mean() + 0.5 * mean_over_text(t, m).mean()),
                "λ está fija a 0,5: con otro valor no sale. Usa el argumento lam.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -(y.mean() + mean_over_text(t, m).mean()),
                "sumas L1 entera: te falta multiplicarla por λ.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -(y.mean() + lam * t.mean()),
                "el relleno está contando como texto: usa la máscara para que solo cuenten los tokens de verdad.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -(y.mean() + lam * (t * m).mean()),
                "anulas el relleno, pero divides por T, con el relleno incluido: divide por los tokens de verdad de "
                "cada texto.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -(y.mean() + lam * (t * m).sum() / m.sum()),
                "promedias todos los tokens del lote a la vez, así que los textos largos pesan más. El código original "
                "hace primero la media de cada texto y después la de los textos.",
            ),
            Mistake(
                lambda y, t, m, lam=0.5: -(y.mean() + lam * (t * m).sum(-1).mean()),
                "sumas los tokens de cada texto sin dividir por cuántos son: falta la media por texto.",
            ),
        ],
        success="es L3 con el signo cambiado, como en el código original: media por texto, luego por lote, y λ en L1.",
    ),
    "01-transformaciones": Exercise(
        reference=build_inputs,
        cases=TASKS,
        goes_on=True,
        mistakes=[
            Mistake(
                changed(lambda sequence: [E, *sequence[:-1]]),
                "_classify_ va al final. Delante no sirve: con la máscara causal, la primera posición solo se ve a sí "
                "misma, y de ahí no se puede leer la clase.",
            ),
            Mistake(
                changed(lambda sequence: [PAPER_NAMES.get(part, part) for part in sequence]),
                "son los nombres del artículo. Usa los del código: _start_, _delimiter_ y _classify_.",
            ),
            Mistake(
                flat,
                "te falta la lista de fuera: también cuando hay una sola secuencia se devuelve una lista con ella.",
            ),
            Mistake(
                reversed_order,
                "en similitud, primero la secuencia en el orden dado, A-B, y después la contraria.",
            ),
            Mistake(
                one_order,
                "en similitud falta una secuencia: el parecido no tiene orden, así que se forman las dos, A-B y B-A.",
            ),
            Mistake(
                same_order_twice,
                "en similitud has repetido el mismo orden: la segunda secuencia lleva los textos intercambiados.",
            ),
            Mistake(
                three_answers,
                "en preguntas has fijado tres respuestas, y puede haber más o menos: una secuencia por cada texto de "
                "`texts[1:]`.",
            ),
            Mistake(
                answers_together,
                "en preguntas has metido todas las respuestas en una sola secuencia. Va una secuencia por respuesta, y "
                "se comparan sus puntuaciones.",
            ),
            Mistake(
                answers_alone,
                "en preguntas falta el contexto: cada secuencia lleva el contexto, el separador y una respuesta.",
            ),
            Mistake(
                changed(lambda sequence: [part for part in sequence if part != D]),
                "falta el separador _delimiter_ entre los dos textos: sin él el modelo no sabe dónde acaba el primero.",
            ),
            Mistake(
                changed(lambda sequence: sequence[:-1]),
                "falta _classify_ al final: es el token en cuya posición se lee el vector que clasifica.",
            ),
            Mistake(
                changed(lambda sequence: sequence[1:]),
                "falta _start_ al principio de cada secuencia.",
            ),
            Mistake(
                changed(lambda sequence: [E, *sequence[1:-1]]),
                "has puesto _classify_ al principio, como haría BERT. En GPT-1 cada token solo ve lo anterior, así que "
                "el que resume tiene que ir al final.",
            ),
        ],
        success="las cuatro tareas caben en la misma red: solo cambia cómo se escribe la entrada.",
    ),
    "01-orden": Exercise(
        reference=["b", "e", "d", "f", "a", "c"],
        mistakes=[
            Mistake(
                ["b", "e", "d", "a", "f", "c"],
                "has ajustado antes de escribir los ejemplos como secuencias: f va antes que a.",
            ),
            Mistake(
                ["b", "d", "e", "f", "a", "c"],
                "los tokens y la capa nuevos no existen durante el preentrenamiento: se añaden después (d va tras e).",
            ),
            Mistake(
                ["b", "d", "f", "e", "a", "c"],
                "has preparado la tarea antes de preentrenar, y el preentrenamiento no sabe nada de ella: e va tras b.",
            ),
            Mistake(
                ["b", "e", "f", "d", "a", "c"],
                "para escribir los ejemplos como secuencias hacen falta los tokens nuevos: d va antes que f.",
            ),
            Mistake(
                ["b", "e", "d", "f", "c", "a"],
                "has medido antes de ajustar. Medir va lo último, con el modelo ya ajustado.",
            ),
            Mistake(
                ["b", "a", "e", "d", "f", "c"],
                "las etiquetas no aparecen hasta la segunda etapa: a (maximizar L3) va casi al final.",
            ),
            *[
                Mistake(
                    [*"bedfac"[:place], "g", *"bedfac"[place:]],
                    f"sobra la g que has puesto en el lugar {place + 1}: al ajustar se mueven todos los "
                    "pesos, también los preentrenados.",
                )
                for place in range(7)
            ],
            Mistake(
                ["e", "b", "d", "f", "a", "c"],
                "para maximizar L1 hace falta un corpus: reunirlo (b) es lo primero.",
            ),
        ],
        success="primero todo lo que no necesita etiquetas; después, lo poco que depende de la tarea.",
    ),
    "01-mejora": Exercise(
        reference=(3.9, 5.7),
        tolerance=0.01,
        mistakes=[
            Mistake(
                (5.5, 8.0),
                "has partido del 5,5 de la introducción. Haz la cuenta con las dos medias de la Tabla 4.",
            ),
            Mistake(
                (3.9, 5.4),
                "los puntos están bien; el porcentaje se calcula sobre el resultado anterior, no sobre el nuevo.",
            ),
            Mistake(
                (5.7, 3.9),
                "son los dos números, pero al revés: primero los puntos y después el porcentaje.",
            ),
            Mistake(
                (8.0, 12.3),
                "has comparado con la fila de una sola tarea (64,8). La mejor media anterior es la multitarea.",
            ),
            Mistake(
                (3.9, 0.057),
                "los puntos están bien; el segundo número se pide en tanto por ciento: multiplícalo por 100.",
            ),
            Mistake(
                (3.9, 3.9),
                "una diferencia de puntos no es un porcentaje: divide la diferencia por el resultado anterior.",
            ),
            Mistake(
                (3, 9, 5, 7),
                "en Python los decimales llevan punto, y la coma separa: escribe 3.9 y no 3,9.",
            ),
            Mistake(
                ("3,9", "5,7"),
                "los dos están bien, pero son textos: quita las comillas y escribe punto, 3.9.",
            ),
            Mistake(
                (-3.9, -5.7),
                "has restado al revés: lo nuevo menos lo anterior.",
            ),
        ],
        success="3,9 puntos, un 5,7 % en términos relativos. Ninguno de los dos es el 5,5 de la introducción.",
    ),
}
