"""Los ejercicios de la lección 06, «Ajuste fino»: referencia, casos y errores típicos de cada uno."""

import torch
from torch import nn

from helpers.exercises import Exercise, Mistake
from helpers.tasks.transformations import InputTokens, entailment

SPECIAL, MINI_SPECIAL = (40478, 40479, 40480), (8192, 8193, 8194)  # los del GPT-1 real y los de gpt1-mini


def _random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 06-inferencia: premisa, hipótesis, los tres ids nuevos y posiciones del modelo → una secuencia ---------------


def _pair(first, second, special, n_positions):
    return entailment(first, second, InputTokens(*special, n_positions))[0]


def _pair_cut_whole(first, second, special, n_positions):
    return _pair_uncut(first, second, special, n_positions)[:n_positions]


def _pair_uncut(first, second, special, n_positions):
    start, delimiter, classify = special
    return [start, *first, delimiter, *second, classify]


def _pair_no_delimiter(first, second, special, n_positions):
    return [token for token in _pair(first, second, special, n_positions) if token != special[1]]


def _pair_no_start(first, second, special, n_positions):
    return _pair(first, second, special, n_positions)[1:]


def _pair_keeps_the_end(first, second, special, n_positions):
    limit = n_positions // 2 - 2
    return _pair(first[-limit:], second[-limit:], special, n_positions)


def _pair_ends_in_delimiter(first, second, special, n_positions):
    return [*_pair(first, second, special, n_positions)[:-1], special[1]]


def _pair_cut_together(first, second, special, n_positions):
    start, delimiter, classify = special
    both = [*first, delimiter, *second][: n_positions - 2]
    return [start, *both, classify]


def _pair_cut_if_needed(first, second, special, n_positions):
    fits = len(first) + len(second) + 3 <= n_positions
    return (_pair_uncut if fits else _pair)(first, second, special, n_positions)


_PAIRS = [
    ([11, 12, 13], [21, 22], SPECIAL, 512),
    ([11, 12, 13, 14, 15, 16, 17, 18], [21, 22, 23, 24, 25, 26, 27], SPECIAL, 12),
    ([11, 12], [21, 22, 23, 24, 25, 26, 27, 28], MINI_SPECIAL, 10),
    ([11], [21, 22, 23, 24, 25, 26], SPECIAL, 10),  # caben los dos, pero el segundo pasa de su tope
    (
        list(range(1, 301)),
        [21, 22],
        SPECIAL,
        512,
    ),  # lo único que distingue fijar el tope en 254 de no recortar
]


# --- 06-similitud: leer, cabeza, hacer la secuencia y dos textos → logits -----------------------------------------


def toy_read(sequence):
    """Un «GPT-1» de juguete: ids → el vector [4] de `_classify_`. Depende del orden, como el de verdad."""
    ids, places = torch.tensor(sequence).float(), torch.arange(1, len(sequence) + 1).float()
    return torch.stack([(ids * places * k).sin().sum() for k in (0.31, 0.57, 0.83, 1.19)])


def toy_head(vector):
    """Una capa lineal de juguete: un vector de cualquier anchura → 2 logits, con su sesgo."""
    weights = torch.arange(1, 2 * vector.numel() + 1).float().cos().reshape(2, -1)
    return weights @ vector + torch.tensor([1.0, -2.0])


def toy_pair(first, second):
    """La secuencia de dos textos, con los tokens del GPT-1 real."""
    return _pair(first, second, SPECIAL, 512)


def _similar(combine):
    """La respuesta que junta los vectores de los dos órdenes como diga `combine`."""
    return lambda read, head, pair, first, second: head(
        combine(read(pair(first, second)), read(pair(second, first)))
    )


_both = _similar(lambda one, other: one + other)


def _similar_two_heads(read, head, pair, first, second):
    return head(read(pair(first, second))) + head(read(pair(second, first)))


def _similar_one_sequence(read, head, pair, first, second):
    return head(read(pair(first, second) + pair(second, first)))


def _similar_no_special(read, head, pair, first, second):
    return head(read([*first, *second]) + read([*second, *first]))


def _similar_apart(read, head, pair, first, second):
    return head(read(first) + read(second))


def _similar_same_order_twice(read, head, pair, first, second):
    return head(2 * read(pair(first, second)))


# --- 06-leer: hidden [N, T, d] y máscara [N, T] → el vector del último token de verdad [N, d] ----------------------


def _last(mask):
    return (mask * torch.arange(1, mask.shape[1] + 1)).argmax(dim=1)


def _at(hidden, place):
    return hidden[torch.arange(len(hidden)), place]


_MASK = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 1, 0, 0, 0]])
_OTHER_MASK = torch.tensor([[0, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0]])


# --- 06-l3: L2 por ejemplo [B], pérdidas por token [N, T], máscara [N, T] y λ → un número ---------------------------


def _by_sequence(losses, mask):
    return (losses * mask).sum(dim=1) / mask.sum(dim=1)


def _l3(clf, losses, mask, lm_coef):
    return clf.mean() + lm_coef * _by_sequence(losses, mask).mean()


_LOSSES = [
    (
        torch.tensor([0.2, 1.1]),
        torch.tensor([[3.0, 5.0, 9.0, 9.0], [6.0, 2.0, 4.0, 1.0]]),
        torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]]),
        0.5,
    ),
    (
        torch.tensor([0.7, 0.1, 0.4]),
        _random(3, 5, seed=1).abs() + 2,
        torch.tensor([[1, 1, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]]),
        0.3,
    ),
    (  # dos secuencias por ejemplo, como en similitud
        torch.tensor([0.9, 0.3]),
        _random(4, 3, seed=2).abs() + 1,
        torch.tensor([[1, 1, 0], [1, 1, 1], [1, 0, 0], [1, 1, 1]]),
        2.0,
    ),
]


# --- 06-recorte: gradientes (lista de tensores) y norma máxima → gradientes recortados ----------------------------


def _clip(grads, max_norm):
    parts = [nn.Parameter(grad) for grad in grads]
    for part, grad in zip(parts, grads, strict=True):
        part.grad = grad.clone()  # sin cambiar el de quien llama
    nn.utils.clip_grad_norm_(parts, max_norm)
    return [part.grad for part in parts]


def _clip_by(norm):
    """Recortar con otra norma, `norm(gradientes)`."""
    return lambda grads, max_norm: [grad * min(1.0, max_norm / float(norm(grads))) for grad in grads]


_GRADS = [
    ([torch.tensor([3.0, 4.0]), torch.tensor([[0.6, 0.0], [0.0, -12.0]])], 1.0),
    ([torch.tensor([0.1, -0.2]), torch.tensor([[0.3]])], 1.0),  # ya es pequeño: no se toca
    ([torch.tensor([2.0]), torch.tensor([0.5, 0.5]), torch.tensor([-1.0])], 2.0),
]

EXERCISES = {
    "06-parametros": Exercise(
        reference=768 * 3 + 3 + 3 * 768,
        success="2307 de la capa lineal y 2304 de los tres embeddings, sobre 116,5 millones: menos del 0,005 %.",
        mistakes=[
            Mistake(2304 + 2304, "te falta el sesgo de la capa lineal: un número por clase."),
            Mistake(
                2307,
                "esa es la capa lineal; faltan los embeddings nuevos: tres tokens, con 768 números cada uno.",
            ),
            Mistake(
                2304, "esos son los pesos de la capa lineal; faltan su sesgo y los tres embeddings nuevos."
            ),
            Mistake(
                2307 + 768,
                "has contado solo un token nuevo: además de _delimiter_, también _start_ y _classify_ estrenan fila.",
            ),
            Mistake(
                2307 + 2 * 768,
                "has contado dos tokens nuevos y son tres: _start_, _delimiter_ y _classify_.",
            ),
            Mistake(
                256 * 3 + 3 + 3 * 256,
                "esa es la cuenta de gpt1-mini, que tiene anchura 256; el GPT-1 real tiene 768.",
            ),
            Mistake(
                2307 + 2 * 2304,
                "has contado dos veces los embeddings nuevos: la salida de lenguaje usa la misma matriz (lección 02).",
            ),
            Mistake(
                2304 + 768, "has contado un solo token nuevo, y son tres; a la cabeza le falta su sesgo."
            ),
            Mistake(
                768 * 2 + 2 + 3 * 768,
                "esa es la cuenta con dos clases; aquí son tres, y cada una tiene en la cabeza su fila y su sesgo.",
            ),
            Mistake(2307 + 3, "cada token nuevo estrena una fila entera, de 768 números, no uno solo."),
            Mistake(
                116_534_784 + 4611,
                "ese es el modelo entero con lo nuevo; se piden solo los parámetros nuevos.",
            ),
        ],
    ),
    "06-inferencia": Exercise(
        goes_on=True,
        reference=_pair,
        cases=_PAIRS,
        tolerance=1e-6,  # son ids: 40479 y 40480 no se parecen
        success="con segmentos recortados a la mitad menos dos, los tres tokens nuevos caben siempre.",
        mistakes=[
            Mistake(
                lambda first, second, *rest: _pair(second, first, *rest),
                "has puesto la hipótesis delante: va primero la premisa, y aquí el orden importa.",
            ),
            Mistake(
                _pair_uncut,
                "no recortas nada: de cada texto se quedan sus primeros n_positions // 2 - 2 tokens.",
            ),
            Mistake(
                _pair_cut_whole,
                "recortas la secuencia entera y, si es larga, se pierde _classify_: recorta cada texto por separado.",
            ),
            Mistake(
                lambda first, second, special, n: _pair(first, second, special, n + 4),
                "recortas a la mitad justa y con los tres tokens nuevos te pasas: es n_positions // 2 - 2.",
            ),
            Mistake(
                lambda first, second, special, n: _pair(first, second, special, n + 2),
                "con n_positions // 2 - 1 la secuencia puede medir una posición de más: hay que restar 2.",
            ),
            Mistake(
                _pair_cut_if_needed,
                "recortas solo si no caben los dos juntos; el tope de cada texto vale siempre, aunque haya sitio.",
            ),
            Mistake(
                _pair_no_delimiter,
                "falta _delimiter_ entre los dos textos: sin él no se sabe dónde acaba uno y empieza el otro.",
            ),
            Mistake(_pair_no_start, "falta _start_ al principio."),
            Mistake(
                lambda *case: _pair(*case)[:-1],
                "falta _classify_ al final: es de donde lee la capa lineal.",
            ),
            Mistake(
                _pair_ends_in_delimiter,
                "acaba en _delimiter_ y debe acabar en _classify_, que es de donde lee la capa lineal.",
            ),
            Mistake(
                _pair_keeps_the_end,
                "recortas por el principio de cada texto; el original se queda con los primeros tokens.",
            ),
            Mistake(
                _pair_cut_together,
                "recortas los dos textos juntos, y uno largo se come al otro: a cada uno le toca su mitad menos dos.",
            ),
            Mistake(
                lambda first, second, special, n: _pair(first, second, special, 512),
                "has fijado el recorte del GPT-1 real, 254; tiene que salir de n_positions, que es un argumento.",
            ),
            Mistake(
                lambda first, second, special, n: _pair(first, second, SPECIAL, n),
                "has fijado los tokens nuevos del GPT-1 real; cambian con el modelo y llegan como argumento.",
            ),
            Mistake(
                lambda first, second, special, n: _pair(first, second, MINI_SPECIAL, n),
                "has fijado los tokens nuevos de gpt1-mini; cambian con el modelo y llegan como argumento.",
            ),
            Mistake(
                lambda first, second, special, n: _pair(
                    first, second, (special[0], special[2], special[1]), n
                ),
                "has cambiado _delimiter_ por _classify_: llegan en este orden: _start_, _delimiter_ y _classify_.",
            ),
        ],
    ),
    "06-similitud": Exercise(
        goes_on=True,
        reference=_both,
        cases=[
            (toy_read, toy_head, toy_pair, [5, 9, 2], [7, 1]),
            (toy_read, toy_head, toy_pair, [4, 4], [8, 3, 6, 1]),
        ],
        success="al sumar las dos lecturas, cambiar de orden las frases ya no cambia la respuesta.",
        mistakes=[
            Mistake(
                _similar(lambda one, other: one),
                "solo lees un orden: falta la secuencia con la segunda frase delante, y sumar los dos vectores.",
            ),
            Mistake(
                _similar(lambda one, other: other),
                "solo lees el orden inverso: falta el de la primera frase delante, y sumar los dos vectores.",
            ),
            Mistake(
                _similar_same_order_twice,
                "lees dos veces el mismo orden: en la segunda, la segunda frase va delante.",
            ),
            Mistake(
                _similar(lambda one, other: torch.cat([one, other])),
                "has concatenado los vectores: el artículo los suma componente a componente, y así el orden da igual.",
            ),
            Mistake(
                _similar(lambda one, other: (one + other) / 2),
                "has hecho la media de los dos vectores; el artículo los suma.",
            ),
            Mistake(
                _similar_two_heads,
                "pasas cada vector por la cabeza y sumas logits: el sesgo cuenta dos veces. Suma antes los vectores.",
            ),
            Mistake(
                _similar(lambda one, other: one * other),
                "has multiplicado los vectores; el artículo los suma componente a componente.",
            ),
            Mistake(
                _similar_one_sequence,
                "lo has metido todo en una sola secuencia: son dos, una por orden, y cada una da su vector.",
            ),
            Mistake(
                _similar_no_special,
                "faltan los tokens nuevos: la secuencia de dos frases la hace pair(…).",
            ),
            Mistake(
                _similar_apart,
                "lees cada frase por su cuenta; cada lectura es de las dos juntas, con pair(…).",
            ),
            Mistake(
                lambda read, head, pair, first, second: read(pair(first, second)) + read(pair(second, first)),
                "devuelves la suma de los vectores; falta pasarla por la cabeza, head(…), para tener los logits.",
            ),
            Mistake(
                lambda *case: _both(*case).softmax(-1),
                "has aplicado el softmax; se piden los logits, lo que sale de la cabeza.",
            ),
        ],
    ),
    "06-leer": Exercise(
        goes_on=True,
        reference=lambda hidden, mask: _at(hidden, _last(mask)),
        cases=[(_random(4, 5, 3), _MASK), (_random(2, 6, 2, seed=1), _OTHER_MASK)],
        success="lees el último token de verdad, esté el relleno donde esté.",
        mistakes=[
            Mistake(
                lambda hidden, mask: hidden[:, -1],
                "lees la última posición, y en las secuencias cortas ahí hay relleno: busca el último 1 de la máscara.",
            ),
            Mistake(
                lambda hidden, mask: _at(hidden, mask.sum(dim=1) - 1),
                "contar los 1 solo vale si el relleno está a la derecha: aquí a veces también lo hay a la izquierda.",
            ),
            Mistake(
                lambda hidden, mask: hidden[:, _last(mask)],
                "hidden[:, place] toma todas las posiciones de cada fila; para una por fila, numera también las filas.",
            ),
            Mistake(
                lambda hidden, mask: hidden[:, mask.sum(dim=1) - 1],
                "hidden[:, place] toma todas las de cada fila; y contar los 1 falla con relleno a la izquierda.",
            ),
            Mistake(
                lambda hidden, mask: _at(hidden, _last(mask) - 1),
                "te has quedado una posición corto: lees el token anterior a _classify_.",
            ),
            Mistake(
                lambda hidden, mask: _at(hidden, mask.argmax(dim=1)),
                "lees el primer token de verdad, que es _start_ y todavía no ha visto el texto.",
            ),
            Mistake(
                lambda hidden, mask: hidden[:, 0],
                "lees la posición 0: con la máscara causal, ese token no ha visto nada de lo que sigue.",
            ),
            Mistake(
                lambda hidden, mask: hidden.mean(dim=1),
                "has hecho la media de todas las posiciones, con el relleno incluido; GPT-1 lee una sola.",
            ),
            Mistake(
                lambda hidden, mask: (hidden * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True),
                "has hecho la media de los tokens de verdad; GPT-1 lee solo el último, que ha visto a todos los demás.",
            ),
            Mistake(
                lambda hidden, mask: hidden.max(dim=1).values,
                "has tomado el máximo de cada componente; GPT-1 lee el vector de una sola posición.",
            ),
        ],
    ),
    "06-l3": Exercise(
        goes_on=True,
        reference=_l3,
        cases=_LOSSES,
        success="cada secuencia pesa lo mismo, sea larga o corta, y λ multiplica a la de lenguaje.",
        mistakes=[
            Mistake(
                lambda clf, losses, mask, lm_coef: lm_coef * clf.mean() + _by_sequence(losses, mask).mean(),
                "λ multiplica a la pérdida equivocada: pesa la de lenguaje, no la de la tarea.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.mean() + lm_coef * (losses * mask).sum() / mask.sum(),
                "has promediado todos los tokens juntos y mandan los largos: primero, la media de cada secuencia.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.mean() + lm_coef * losses.mean(),
                "has promediado también el relleno: multiplica por la máscara y divide por cuántos 1 tiene cada fila.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.mean() + lm_coef * (losses * mask).mean(dim=1).mean(),
                "el relleno ya no suma, pero sigue contando al dividir: divide por mask.sum(dim=1), no por T.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.mean() + lm_coef * (losses * mask).sum(dim=1).mean(),
                "has sumado las pérdidas de cada secuencia; L1 es su media por token.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.mean() + _by_sequence(losses, mask).mean(),
                "te has olvidado de λ: la pérdida de lenguaje entra con su peso entero.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: lm_coef * (clf.mean() + _by_sequence(losses, mask).mean()),
                "λ multiplica a todo; solo pesa la pérdida de lenguaje, y L2 entra entera.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.mean() + lm_coef * _by_sequence(losses, mask).sum(),
                "sumas las secuencias; después de la media de cada una, se hace la media de todas.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: (
                    (1 - lm_coef) * clf.mean() + lm_coef * _by_sequence(losses, mask).mean()
                ),
                "eso es una media ponderada; el artículo suma L2 entera y λ veces L1.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.mean() - lm_coef * _by_sequence(losses, mask).mean(),
                "has restado: las dos son pérdidas que hay que bajar, así que se suman.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.sum() + lm_coef * _by_sequence(losses, mask).mean(),
                "has sumado las pérdidas de la tarea; L2 es su media por ejemplo.",
            ),
            Mistake(
                lambda clf, losses, mask, lm_coef: clf.mean() + 0.5 * _by_sequence(losses, mask).mean(),
                "has fijado λ en 0,5; es un argumento, lm_coef.",
            ),
        ],
    ),
    "06-recorte": Exercise(
        goes_on=True,
        reference=_clip,
        cases=_GRADS,
        success="todos los gradientes se encogen lo mismo, así que la dirección del paso no cambia.",
        mistakes=[
            Mistake(
                lambda grads, max_norm: [_clip([grad], max_norm)[0] for grad in grads],
                "cada tensor se recorta por su cuenta y el paso cambia de dirección: la norma es una, la de todos.",
            ),
            Mistake(
                lambda grads, max_norm: [grad * max_norm / nn.utils.get_total_norm(grads) for grad in grads],
                "también agrandas los gradientes pequeños: si la norma ya es menor que el máximo, no se toca nada.",
            ),
            Mistake(
                lambda grads, max_norm: [grad.clamp(-max_norm, max_norm) for grad in grads],
                "has acotado cada número por separado: hay que multiplicarlos todos por el mismo factor.",
            ),
            Mistake(
                _clip_by(lambda grads: sum(grad.norm() for grad in grads)),
                "has sumado las normas de los tensores; la norma global es la raíz de la suma de los cuadrados.",
            ),
            Mistake(
                _clip_by(lambda grads: max(grad.norm() for grad in grads)),
                "te has quedado con la mayor de las normas; la global las junta: raíz de la suma de los cuadrados.",
            ),
            Mistake(
                _clip_by(lambda grads: nn.utils.get_total_norm(grads) ** 2),
                "te falta la raíz: la norma es la raíz de la suma de los cuadrados.",
            ),
            Mistake(
                _clip_by(lambda grads: max(grad.abs().max() for grad in grads)),
                "has usado el mayor de los números en lugar de la norma, que los cuenta todos.",
            ),
            Mistake(
                lambda grads, max_norm: [grad / max_norm for grad in grads],
                "divides siempre por max_norm: el factor es max_norm entre la norma, y como mucho 1.",
            ),
            Mistake(
                lambda grads, max_norm: [
                    grad * max(1.0, max_norm / float(nn.utils.get_total_norm(grads))) for grad in grads
                ],
                "el factor es como mucho 1, no como poco: con max agrandas los pequeños y los grandes no se encogen.",
            ),
            Mistake(
                lambda grads, max_norm: [
                    grad * min(1.0, 1 / float(nn.utils.get_total_norm(grads))) for grad in grads
                ],
                "divides por la norma, pero falta multiplicar por max_norm: la norma conjunta tiene que quedar en él.",
            ),
            Mistake(
                lambda grads, max_norm: grads,
                "los gradientes salen como entraron: falta el recorte, o tu norma sale mal y el factor es siempre 1.",
            ),
        ],
    ),
}
