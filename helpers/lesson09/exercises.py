"""Los ejercicios de la lección 09, «Preentrenamiento»: referencia, casos y errores típicos de cada uno."""

import math

import torch
from torch.nn import functional as F

from helpers.exercises import Exercise, Mistake

# --- 09-ventanas: ids [N] y longitud → ventanas [n, longitud], contiguas y sin solaparse --------------------------


def _windows(ids, length):
    return ids.unfold(0, length, length)


def _windows_padded(ids, length):
    missing = -len(ids) % length
    return torch.cat([ids, ids.new_zeros(missing)]).view(-1, length)


def _windows_interleaved(ids, length):
    count = len(ids) // length
    return ids[: count * length].view(length, count).T


def _windows_from_the_end(ids, length):
    count = len(ids) // length
    return ids[len(ids) - count * length :].view(count, length)


_TEXTS = [
    (torch.arange(1, 12), 3),
    (7 * torch.arange(1, 25) % 31, 5),
    (torch.arange(40, 51), 4),
    (torch.arange(1, 13), 4),
]


# --- 09-lote: ids [N], principios [B] y longitud → lote [B, longitud] ----------------------------------------------


def _batch_of(ids, starts, length):
    return ids[starts[:, None] + torch.arange(length)]


_STRIP = 3 * torch.arange(40) % 101
_DRAWN = [
    (_STRIP, torch.tensor([7, 0, 30, 7]), 6),  # desordenados, solapados y uno repetido: son al azar
    (_STRIP, torch.tensor([35, 2]), 5),  # la primera acaba donde acaba el texto
]


# --- 09-l1: logits [lote, T, V] e ids [lote, T] → entropía cruzada media en nats ----------------------------------


def _l1(logits, ids):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())


def _batch(seed, *shape):
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(*shape, generator=generator)
    return logits.requires_grad_(), torch.randint(shape[-1], shape[:2], generator=generator)


# --- 09-tasa: (paso, total, calentamiento, máximo) → tasa de aprendizaje ------------------------------------------


def _half_cosine(progress):
    return (1 + math.cos(math.pi * progress)) / 2


def _rate(step, total, warmup, peak):
    """La de `transformers`, que es la que usa `Trainer`; pedírsela a ella carga antes medio PyTorch."""
    return peak * (step / warmup if step < warmup else _half_cosine((step - warmup) / (total - warmup)))


def _rising(after):
    """La misma rampa, y desde el calentamiento la parte del máximo que diga `after`."""
    return lambda step, total, warmup, peak: (
        peak * (step / warmup if step < warmup else after(step, total, warmup))
    )


def _decay(shape):
    """La misma rampa, y después del calentamiento la caída que diga `shape(avance)`."""
    return _rising(lambda step, total, warmup: shape((step - warmup) / (total - warmup)))


_STEPS = [(step, 1000, 200, 0.004) for step in (0, 50, 199, 200, 500, 1000)]
_STEPS += [(step, 1000, 0, 0.004) for step in (0, 250)]  # sin calentamiento, como una de las tres recetas


# --- 09-adam: gradiente, m, v y número de actualización → (dirección, m, v) ----------------------------------------

_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8


def adam(gradient, m, v, step):
    """Una actualización de Adam, con los valores del artículo de Kingma y Ba."""
    m = _BETA1 * m + (1 - _BETA1) * gradient
    v = _BETA2 * v + (1 - _BETA2) * gradient**2
    fair_m, fair_v = m / (1 - _BETA1**step), v / (1 - _BETA2**step)
    return fair_m / (fair_v.sqrt() + _EPS), m, v


def _direction(rule):
    """Las dos medias, bien; la dirección, como diga `rule(m, v, step)`."""

    def wrong(gradient, m, v, step):
        _, m, v = adam(gradient, m, v, step)
        return rule(m, v, step), m, v

    return wrong


def _means(new_m, new_v):
    """La dirección, de las medias que digan `new_m(gradiente, m)` y `new_v(gradiente, v)`."""

    def wrong(gradient, m, v, step):
        m, v = new_m(gradient, m), new_v(gradient, v)
        return (m / (1 - _BETA1**step)) / ((v / (1 - _BETA2**step)).sqrt() + _EPS), m, v

    return wrong


def _right_m(gradient, m):
    return _BETA1 * m + (1 - _BETA1) * gradient


def _right_v(gradient, v):
    return _BETA2 * v + (1 - _BETA2) * gradient**2


_GRADIENTS = [  # el cero y el 1e-7 son los que notan la ε
    (torch.tensor([0.5, -2.0, 1e-7, 0.0]), torch.zeros(4), torch.zeros(4), 1),
    (torch.tensor([[1.0, -3.0]]), torch.tensor([[0.2, 0.5]]), torch.tensor([[0.04, 0.9]]), 3),
    (torch.tensor([0.1, 0.2]), torch.tensor([-0.3, 0.1]), torch.tensor([0.5, 0.02]), 40),
]


# --- 09-bits: sorpresas en nats [n] y el texto → (perplejidad, bits por byte) -------------------------------------


def _measures(losses, text):
    return math.exp(losses.mean()), float(losses.sum()) / math.log(2) / len(text.encode("utf-8"))


def _with_bits(bits):
    """La perplejidad, bien; los bits por byte, como diga `bits(sorpresas, texto)`."""
    return lambda losses, text: (math.exp(losses.mean()), float(bits(losses, text)))


def _with_perplexity(perplexity):
    return lambda losses, text: (float(perplexity(losses)), _measures(losses, text)[1])


_SURPRISES = [
    (torch.tensor([1.0, 3.0, 5.5, 2.0, 4.0]), "El niño comió café."),
    (torch.tensor([0.5, 2.5]), "¿Qué?"),
]

EXERCISES = {
    "09-ventanas": Exercise(
        reference=_windows,
        cases=_TEXTS,
        goes_on=True,
        success="cada token del principio está en una ventana y solo en una; los que no llenan la última se tiran.",
        mistakes=[
            Mistake(
                lambda ids, length: ids.unfold(0, length, 1),
                "avanzas de uno en uno y las ventanas se solapan: cada una debe empezar donde acaba la anterior.",
            ),
            Mistake(
                lambda ids, length: ids.unfold(0, length, length + 1),
                "entre una ventana y la siguiente se pierde un token: avanza `length`, no `length + 1`.",
            ),
            Mistake(
                lambda ids, length: ids.unfold(0, length + 1, length),
                "tus ventanas tienen un token de más. No hace falta: el objetivo sale de la misma ventana, desplazada.",
            ),
            Mistake(
                lambda ids, length: _windows(ids, length)[:, :-1],
                "a cada ventana le falta el último token: se piden enteras; el desplazamiento lo hará la pérdida.",
            ),
            Mistake(
                _windows_padded,
                "has rellenado la última con ceros, y el 0 es <unk>: el modelo aprendería a escribirlo. Tira el resto.",
            ),
            Mistake(
                _windows_interleaved,
                "las filas no llevan texto seguido: has repartido los tokens por columnas. Usa view(ventanas, length).",
            ),
            Mistake(
                _windows_from_the_end,
                "has tirado los tokens que sobran por el principio del texto; se pide tirar los del final.",
            ),
            Mistake(
                lambda ids, length: _windows(ids[:-1], length),
                "cuando el texto se divide justo, pierdes la última ventana: revisa dónde acaba el recorrido.",
            ),
            Mistake(
                lambda ids, length: ids[: -(len(ids) % length)].view(-1, length),
                "cuando no sobra ningún token, ids[:-0] lo borra todo: quédate con los primeros count * length.",
            ),
        ],
    ),
    "09-lote": Exercise(
        reference=_batch_of,
        cases=_DRAWN,
        goes_on=True,
        success="cada fila es texto seguido y empieza donde dice el sorteo; que se solapen no importa.",
        mistakes=[
            Mistake(
                lambda ids, starts, length: ids[starts],
                "das solo el primer token de cada ventana: faltan los `length - 1` que le siguen.",
            ),
            Mistake(
                lambda ids, starts, length: _batch_of(torch.cat([ids, ids[:1]]), starts, length + 1),
                "tus ventanas tienen un token de más: el objetivo sale de la misma ventana, desplazada.",
            ),
            Mistake(
                lambda ids, starts, length: _batch_of(ids, starts, length - 1),
                "a cada ventana le falta el último token: el corte [a : b] no incluye el b.",
            ),
            Mistake(
                lambda ids, starts, length: _batch_of(ids, starts, length).T,
                "está traspuesto: se pide una ventana por fila, [principios, longitud].",
            ),
            Mistake(
                lambda ids, starts, length: _batch_of(ids, starts.sort().values, length),
                "has ordenado los principios: las filas van en el orden del sorteo.",
            ),
            Mistake(
                lambda ids, starts, length: _batch_of(ids, starts.unique(), length),
                "un principio que sale dos veces son dos filas: no quites los repetidos.",
            ),
            Mistake(
                lambda ids, starts, length: _windows(ids, length)[starts % (len(ids) // length)],
                "has elegido casillas de la rejilla: cada principio es un sitio de la tira, uno cualquiera.",
            ),
            Mistake(
                lambda ids, starts, length: ids[: len(starts) * length].view(-1, length),
                "no miras `starts`: las ventanas empiezan donde dice el sorteo, no una detrás de otra.",
            ),
            Mistake(
                lambda ids, starts, length: _batch_of(ids, starts, length).flatten(),
                "los números son esos, pero en una sola fila: se pide [principios, longitud].",
            ),
        ],
    ),
    "09-adam": Exercise(
        reference=adam,
        cases=_GRADIENTS,
        tolerance=1e-6,
        goes_on=True,
        success="dos medias, corregidas al empezar, y un paso que no depende del tamaño del gradiente.",
        mistakes=[
            Mistake(
                _direction(lambda m, v, step: m / (v.sqrt() + _EPS)),
                "faltan las correcciones: al empezar, las dos medias son demasiado pequeñas (nacen en cero).",
            ),
            Mistake(
                _direction(lambda m, v, step: (m / (1 - _BETA1**step)) / (v.sqrt() + _EPS)),
                "has corregido m, pero no v.",
            ),
            Mistake(
                _direction(lambda m, v, step: m / ((v / (1 - _BETA2**step)).sqrt() + _EPS)),
                "has corregido v, pero no m.",
            ),
            Mistake(
                _direction(
                    lambda m, v, step: (m / (1 - _BETA1**step)) / (v / (1 - _BETA2**step) + _EPS).sqrt()
                ),
                "la ε va fuera de la raíz: dentro frena mucho los pesos de gradiente pequeño.",
            ),
            Mistake(
                _direction(lambda m, v, step: (m / (1 - _BETA1**step)) / (v / (1 - _BETA2**step) + _EPS)),
                "falta la raíz de v: es la media de los cuadrados, y hay que volver a la escala del gradiente.",
            ),
            Mistake(
                _direction(lambda m, v, step: (m / (1 - _BETA1**step)) / (v / (1 - _BETA2**step)).sqrt()),
                "falta la ε en el denominador: con un gradiente que es siempre cero sale 0/0.",
            ),
            Mistake(
                _direction(
                    lambda m, v, step: (
                        (m / (1 - _BETA1 ** (step + 1))) / ((v / (1 - _BETA2 ** (step + 1))).sqrt() + _EPS)
                    )
                ),
                "`step` ya empieza en 1: elevas a una vuelta de más.",
            ),
            Mistake(
                _direction(
                    lambda m, v, step: (m / (1 - _BETA1 * step)) / ((v / (1 - _BETA2 * step)).sqrt() + _EPS)
                ),
                "las correcciones llevan β elevada a `step` (`**`), no multiplicada.",
            ),
            Mistake(
                lambda gradient, m, v, step: (
                    -adam(gradient, m, v, step)[0],
                    *adam(gradient, m, v, step)[1:],
                ),
                "el signo menos lo pone el bucle, que resta: la dirección va con el del gradiente.",
            ),
            Mistake(
                _means(
                    lambda gradient, m: _BETA2 * m + (1 - _BETA2) * gradient,
                    lambda gradient, v: _BETA1 * v + (1 - _BETA1) * gradient**2,
                ),
                "has cambiado las β: la de m es 0,9 y la de v, 0,999.",
            ),
            Mistake(
                _means(lambda gradient, m: (1 - _BETA1) * m + _BETA1 * gradient, _right_v),
                "en m los pesos van al revés: lo de antes pesa 0,9 y lo nuevo, 0,1.",
            ),
            Mistake(
                _means(_right_m, lambda gradient, v: _BETA2 * v + (1 - _BETA2) * gradient),
                "v es la media de los gradientes al cuadrado.",
            ),
            Mistake(
                _means(lambda gradient, m: m + (1 - _BETA1) * gradient, _right_v),
                "m no olvida: lo que había se multiplica por 0,9 antes de añadir lo nuevo.",
            ),
            Mistake(
                lambda gradient, m, v, step: (
                    (found := adam(gradient, m, v, step))[0],
                    found[1] / (1 - _BETA1**step),
                    found[2] / (1 - _BETA2**step),
                ),
                "devuelves las medias corregidas: se guardan sin corregir, o se corregirían dos veces.",
            ),
            Mistake(
                lambda gradient, m, v, step: (adam(gradient, m, v, step)[0], m, v),
                "devuelves las medias de antes: hay que devolver las nuevas, o Adam no recordará nada.",
            ),
            Mistake(
                lambda gradient, m, v, step: adam(gradient, m, v, step)[0],
                "falta devolver m y v: el bucle las guarda para la vuelta siguiente.",
            ),
            Mistake(
                lambda gradient, m, v, step: (*adam(gradient, m, v, step)[1:], adam(gradient, m, v, step)[0]),
                "las tres cosas están bien, pero en otro orden: dirección, m, v.",
            ),
        ],
    ),
    "09-azar": Exercise(
        reference=math.log(40478),
        tolerance=0.0009,  # vale 10,6; el logaritmo de 40 000, no
        success="repartir a partes iguales cuesta ln V, y un modelo en blanco reparte casi a partes iguales.",
        mistakes=[
            Mistake(
                math.log2(40478),
                "esos son bits: la pérdida se mide en nats, con logaritmo neperiano (math.log).",
            ),
            Mistake(math.log10(40478), "has usado el logaritmo en base 10; la pérdida usa el neperiano."),
            Mistake(40478.0, "esa es la perplejidad, e elevado a la pérdida; falta el logaritmo."),
            Mistake(
                1 / 40478,
                "es casi cero: si has puesto la probabilidad, 1/V, falta menos su logaritmo; una pérdida de 0 sería "
                "acertar siempre.",
            ),
            Mistake(
                -math.log(40478),
                "ese es el logaritmo de la probabilidad; la pérdida lleva un signo menos y es positiva.",
            ),
            Mistake(
                math.log(8192),
                "has usado el vocabulario de gpt1-mini; el del GPT-1 real tiene 40 478 entradas.",
            ),
            Mistake(
                math.log(2000),
                "has usado el vocabulario de nuestros cuentos; el del GPT-1 real tiene 40 478 entradas.",
            ),
            Mistake(
                math.log(40_000),
                "has usado 40 000, que son las fusiones del BPE; el vocabulario tiene 40 478 entradas.",
            ),
            Mistake(
                math.log(512),
                "512 son las posiciones; lo que se elige en cada una es un token de los 40 478 del vocabulario.",
            ),
        ],
    ),
    "09-l1": Exercise(
        reference=_l1,
        cases=[_batch(0, 3, 6, 5), _batch(1, 2, 4, 7)],
        goes_on=True,
        success="cada posición se compara con el token que venía después, y ninguna ventana se mezcla con otra.",
        mistakes=[
            Mistake(
                lambda logits, ids: F.cross_entropy(logits.flatten(0, 1), ids.flatten()),
                "cada posición se compara con el token que ya tiene delante: falta desplazar las etiquetas.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:, :-2].flatten(0, 1), ids[:, 2:].flatten()),
                "has desplazado dos veces: la posición t predice el token t + 1, no el t + 2.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:, 1:].flatten(0, 1), ids[:, :-1].flatten()),
                "has desplazado al revés: así se predice el token anterior, que el modelo ya ha leído.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, :-1].flatten()),
                "has recortado los dos por el final: cada posición se sigue comparando con su propio token.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:, 1:].flatten(0, 1), ids[:, 1:].flatten()),
                "has recortado los dos por el principio: cada posición se sigue comparando con su propio token.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits.flatten(0, 1), ids.roll(-1, 1).flatten()),
                "roll da la vuelta: la última posición de cada ventana predice su primer token.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits.flatten(0, 1)[:-1], ids.flatten()[1:]),
                "aplanas antes de desplazar, y el final de cada ventana intenta predecir el principio de otra.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:-1].flatten(0, 1), ids[1:].flatten()),
                "has desplazado la dimensión 0, la del lote: las posiciones son la dimensión 1.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(
                    logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="sum"
                ),
                "es la suma; se pide la media por token, que no depende del tamaño del lote.",
            ),
            Mistake(
                lambda logits, ids: -_l1(logits, ids),
                "tienes el signo de L1, que se maximiza; la pérdida, que se minimiza, es lo mismo cambiado de signo.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(
                    logits[:, :-1].softmax(dim=-1).flatten(0, 1), ids[:, 1:].flatten()
                ),
                "cross_entropy ya hace el softmax: si le das probabilidades lo aplica dos veces. Dale los logits.",
            ),
        ],
    ),
    "09-tasa": Exercise(
        reference=_rate,
        cases=_STEPS,
        goes_on=True,
        tolerance=1e-6,
        success="sube en línea recta hasta el máximo y baja por medio coseno hasta 0.",
        mistakes=[
            Mistake(
                lambda step, total, warmup, peak: peak * _half_cosine(step / total),
                "falta el calentamiento: en las primeras actualizaciones la tasa sube de 0 al máximo.",
            ),
            Mistake(
                lambda step, total, warmup, peak: _rate(max(step, warmup), total, warmup, peak),
                "durante el calentamiento la tasa no es la máxima: sube de 0 a ella en línea recta.",
            ),
            Mistake(
                lambda step, total, warmup, peak: (
                    peak * step / total if step < warmup else _rate(step, total, warmup, peak)
                ),
                "la rampa se mide sobre las actualizaciones de calentamiento, no sobre el total: no llega al máximo.",
            ),
            Mistake(
                _rising(lambda step, total, warmup: _half_cosine(step / total)),
                "el coseno empieza donde acaba el calentamiento; medido desde 0, la tasa da un salto al acabarlo.",
            ),
            Mistake(
                _decay(lambda x: 1 - x),
                "eso es una bajada en línea recta, la del ajuste fino; aquí se pide medio coseno.",
            ),
            Mistake(
                _decay(lambda x: math.cos(math.pi * x)),
                "el coseno solo baja hasta -1, y una tasa negativa desaprende: es (1 + cos) / 2.",
            ),
            Mistake(
                _decay(lambda x: math.cos(math.pi * x / 2)),
                "eso es un cuarto de coseno: cae de golpe al final. El medio coseno es (1 + cos(π·avance)) / 2.",
            ),
            Mistake(
                _rising(lambda step, total, warmup: _half_cosine((step - warmup) / total)),
                "el avance se divide por lo que queda tras el calentamiento, total − warmup: así no llega a 0.",
            ),
            Mistake(
                _decay(lambda x: 1 + math.cos(math.pi * x)),
                "te falta dividir por 2: el máximo sale doble.",
            ),
            Mistake(
                lambda step, total, warmup, peak: _rate(step + 1, total, warmup, peak),
                "vas una actualización por delante: en la 0 la tasa es 0, y en la `warmup`, la máxima.",
            ),
            Mistake(
                lambda step, total, warmup, peak: (
                    peak * step / warmup
                    if step < warmup
                    else _half_cosine((step - warmup) / (total - warmup))
                ),
                "a la bajada le falta multiplicar por `peak`: empieza en 1.",
            ),
            Mistake(
                lambda step, total, warmup, peak: (
                    step / warmup if step < warmup else _rate(step, total, warmup, peak)
                ),
                "a la subida le falta multiplicar por `peak`: llega hasta 1.",
            ),
            Mistake(
                _decay(lambda x: (1 + math.cos(x)) / 2),
                "falta π dentro del coseno: sin él, al acabar la tasa no llega a 0.",
            ),
        ],
    ),
    "09-orden": Exercise(
        reference=["b", "e", "c", "a", "d"],
        success="pérdida, gradientes, recorte, paso y, al final, la tasa siguiente.",
        mistakes=[
            Mistake(
                ["b", "e", "a", "c", "d"],
                "recortas después de haber dado el paso: ya no sirve de nada.",
            ),
            Mistake(
                ["b", "e", "a", "d", "c"],
                "recortas cuando ya se ha dado el paso: los gradientes se recortan antes de usarlos.",
            ),
            Mistake(
                ["b", "e", "d", "c", "a"],
                "cambias la tasa antes de usarla: scheduler.step() va detrás de optimizer.step().",
            ),
            Mistake(
                ["b", "c", "e", "a", "d"],
                "recortas antes de backward(), cuando todavía no hay gradientes.",
            ),
            Mistake(
                ["b", "a", "e", "c", "d"],
                "das el paso antes de backward(), sin gradientes: los pesos no se enteran de este lote.",
            ),
            Mistake(
                ["b", "e", "c", "d", "a"],
                "cambias la tasa antes de usarla y el primer valor se pierde: scheduler.step() va detrás.",
            ),
            Mistake(
                ["d", "b", "e", "c", "a"],
                "empiezas por la tasa siguiente y la primera se pierde: scheduler.step() cierra la vuelta.",
            ),
            Mistake(
                ["e", "b", "c", "a", "d"],
                "backward() necesita la pérdida, y todavía no la has calculado.",
            ),
        ],
    ),
    "09-bits": Exercise(
        reference=_measures,
        cases=_SURPRISES,
        goes_on=True,
        success="la perplejidad reparte la sorpresa entre los tokens; los bits por byte, entre los bytes del texto.",
        mistakes=[
            Mistake(
                _with_bits(lambda losses, text: losses.sum() / len(text.encode("utf-8"))),
                "eso son nats por byte: para pasar a bits hay que dividir por ln 2.",
            ),
            Mistake(
                _with_bits(lambda losses, text: losses.sum() * math.log(2) / len(text.encode("utf-8"))),
                "para pasar de nats a bits se divide por ln 2; has multiplicado.",
            ),
            Mistake(
                _with_bits(lambda losses, text: losses.sum() / math.log(2) / len(text)),
                "has contado letras: «ñ» o «é» ocupan dos bytes. Usa text.encode().",
            ),
            Mistake(
                _with_bits(lambda losses, text: losses.mean() / math.log(2)),
                "eso son bits por token; hay que repartir la suma entre los bytes del texto.",
            ),
            Mistake(
                _with_bits(lambda losses, text: losses.mean() / math.log(2) / len(text.encode("utf-8"))),
                "has repartido la media entre los bytes: es la suma de todas las sorpresas la que se reparte.",
            ),
            Mistake(
                _with_perplexity(lambda losses: losses.exp().mean()),
                "la perplejidad es la exponencial de la media, no la media de las exponenciales.",
            ),
            Mistake(
                _with_perplexity(lambda losses: 2 ** losses.mean()),
                "las sorpresas están en nats: la perplejidad es e, no 2, elevado a su media.",
            ),
            Mistake(
                _with_perplexity(lambda losses: losses.sum().exp()),
                "la perplejidad usa la media de las sorpresas, no la suma.",
            ),
            Mistake(
                _with_bits(lambda losses, text: losses.sum() / len(text)),
                "a los bits por byte les faltan dos cosas: dividir por ln 2 y contar bytes en vez de letras.",
            ),
            Mistake(
                lambda losses, text: _measures(losses, text)[::-1],
                "los dos números están bien, pero al revés: primero la perplejidad.",
            ),
        ],
    ),
}
