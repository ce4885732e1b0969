"""Los ejercicios de la lección 04, «Logits y softmax»: referencia, casos y errores típicos de cada uno."""

import math

import torch
from torch.nn import functional as F

from helpers import generation
from helpers.exercises import Exercise, Mistake


def _random(*shape, seed=0):
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 04-cociente: los logits publicados tras «cute» (data/golden.json) --------------------------------------------

NEWLINE, UNK = -1.2416, -7.2052  # última fila publicada: columnas «\n</w>» y «<unk>»


# --- 04-softmax: filas [n, v] → probabilidades [n, v] -------------------------------------------------------------


def _softmax_unstable(logits):
    return logits.exp() / logits.exp().sum(dim=-1, keepdim=True)


def _softmax_whole(logits):
    weights = (logits - logits.max()).exp()
    return weights / weights.sum()


def _softmax_global(logits):
    weights = (logits - logits.max()).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


def _softmax_no_division(logits):
    return (logits - logits.max(dim=-1, keepdim=True).values).exp()


def _softmax_min(logits):
    weights = (logits - logits.min(dim=-1, keepdim=True).values).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


def _softmax_mean(logits):
    weights = (logits - logits.mean(dim=-1, keepdim=True)).exp()
    return weights / weights.sum(dim=-1, keepdim=True)


def _softmax_no_exp(logits):
    shifted = logits - logits.min(dim=-1, keepdim=True).values
    return shifted / shifted.sum(dim=-1, keepdim=True)


def _softmax_base_two(logits):
    return (logits * math.log(2)).softmax(dim=-1)


# --- 04-perdida: logits [T, v] e ids [T] → entropía cruzada media en nats -----------------------------------------


def _loss(logits, ids):
    return F.cross_entropy(logits[:-1], ids[1:])


def _loss_per_token(logits, ids):
    return logits[:-1].log_softmax(dim=-1)[torch.arange(len(ids) - 1), ids[1:]]


# --- 04-perplejidad: lista de textos, cada uno con las sorpresas de sus tokens en nats → perplejidad --------------

TEXTS = [torch.tensor([1.0, 3.0, 5.5, 2.0, 4.0]), torch.tensor([0.5, 1.5])]
MORE_TEXTS = [torch.tensor([2.0]), torch.tensor([4.0, 6.0, 5.0]), torch.tensor([0.1, 0.2])]


# --- 04-entropia: logits [..., v] → entropía en nats [...] --------------------------------------------------------


def _entropy(logits):
    return torch.distributions.Categorical(logits=logits).entropy()


def _entropy_nan(logits):
    probs = logits.softmax(dim=-1)
    return -(probs * probs.log()).sum(dim=-1)


_WITH_HOLES = torch.tensor([[2.0, float("-inf"), 1.0, 0.0], [0.0, 0.0, float("-inf"), float("-inf")]])


# --- 04-tabla: logits [T, v] e ids [T] → [T − 1, 3]: puesto, sorpresa y entropía ------------------------------------


def _table(logits, ids, entropies=_entropy, first=1):
    log_probs = logits[:-1].log_softmax(dim=-1)
    hits = log_probs.gather(-1, ids[1:, None])  # [T - 1, 1]
    places = (log_probs > hits).sum(dim=-1) + first
    return torch.stack([places.float(), -hits[:, 0], entropies(logits[:-1])], dim=-1)


def _table_unshifted(logits, ids):
    pad = torch.zeros(1, logits.shape[-1])
    return _table(torch.cat([logits, pad]), torch.cat([ids[:1], ids]))


def _table_no_shift_cut(logits, ids):
    return _table_unshifted(logits, ids)[:-1]


def _table_columns(change):
    def answer(logits, ids):
        place, nats, expected = _table(logits, ids).unbind(dim=-1)
        return torch.stack(change(place, nats, expected), dim=-1)

    return answer


def _table_by_softmax(logits, ids):
    place, nats, expected = _table(logits, ids).unbind(dim=-1)
    p = logits[:-1].softmax(dim=-1).gather(-1, ids[1:, None])[:, 0]
    return torch.stack([place, -p.log(), expected], dim=-1)


def _table_ascending(logits, ids):
    place, nats, expected = _table(logits, ids).unbind(dim=-1)
    hits = logits[:-1].gather(-1, ids[1:, None])
    return torch.stack([(logits[:-1] < hits).sum(dim=-1) + 1.0, nats, expected], dim=-1)


_FAR = torch.tensor([[0.0, 200.0, 1.0], [1.0, 0.0, 3.0], [0.5, 0.5, 2.0]])  # e⁻²⁰⁰ no cabe en un float

EXERCISES = {
    "04-cociente": Exercise(
        reference=math.exp(NEWLINE - UNK),
        tolerance=0.01,
        success="el cociente de dos probabilidades es e elevado a la resta de sus logits: el denominador se va.",
        mistakes=[
            Mistake(
                NEWLINE - UNK, "eso es la resta de los logits; falta elevar e a ella para tener el cociente."
            ),
            Mistake(
                math.exp(NEWLINE + UNK),
                "has sumado los dos logits: restar un número negativo es sumarlo en positivo, −1,24 + 7,21.",
            ),
            Mistake(
                UNK / NEWLINE,
                "has dividido los logits; el cociente de probabilidades sale de restarlos y aplicar e^x.",
            ),
            Mistake(
                math.exp(UNK - NEWLINE),
                "es el cociente al revés: cuántas veces más probable es <unk> que el salto de línea.",
            ),
            Mistake(
                10 ** (NEWLINE - UNK), "has usado potencias de 10; el softmax usa el número e: math.exp."
            ),
            Mistake(2 ** (NEWLINE - UNK), "has usado potencias de 2; el softmax usa el número e: math.exp."),
            Mistake(
                math.exp(0.8814 + 5.9486),
                "esa es la primera fila (tras «hello»); lo que sigue a toda la frase está en la última.",
            ),
            Mistake(
                math.exp(NEWLINE),
                "e elevado a un solo logit no es una probabilidad ni un cociente: resta antes el logit de <unk>.",
            ),
        ],
    ),
    "04-softmax": Exercise(
        reference=lambda logits: torch.softmax(logits, dim=-1),
        goes_on=True,
        cases=[
            (_random(3, 4),),
            (torch.tensor([[1000.0, 1001.0, 1002.0], [-1000.0, -900.0, -901.0]]),),
            (torch.tensor([[1000.0, 0.0, 0.0]]),),  # la media queda muy lejos del máximo
        ],
        by_hand=dict.fromkeys(
            ("softmax", "softmin", "cross_entropy", "scaled_dot_product_attention"),
            "el resultado está bien, pero tu función llama a un softmax ya hecho, y aquí se trata de escribirlo: resta "
            "el máximo de cada fila, aplica la exponencial y divide por la suma.",
        ),
        success="cada fila suma 1 y aguanta logits de 1000 sin desbordarse.",
        mistakes=[
            Mistake(
                _softmax_global,
                "has restado el máximo de toda la tabla: la fila que queda lejos se vuelve 0/0, nan. Resta a cada "
                "fila el suyo (dim=-1, keepdim=True).",
            ),
            Mistake(
                lambda x: x.clamp(-80, 80).softmax(dim=-1),
                "recortar los logits evita el desbordamiento y cambia el resultado: 1000 y 1002 pasan a valer lo "
                "mismo. Resta el máximo de cada fila.",
            ),
            Mistake(
                lambda x: x / x.sum(dim=-1, keepdim=True),
                "has repartido los logits en proporción: falta la exponencial, y con negativos salen probabilidades "
                "imposibles.",
            ),
            Mistake(
                lambda x: (x / x.max(dim=-1, keepdim=True).values).softmax(dim=-1),
                "has dividido por el máximo, y eso cambia las diferencias entre logits: se resta.",
            ),
            Mistake(
                lambda x: x.softmax(dim=0),
                "has normalizado sobre dim=0: suma 1 cada columna, y lo que debe sumar 1 es cada fila (dim=-1).",
            ),
            Mistake(
                _softmax_unstable,
                "con logits de 1000 das nan: e^1000 no cabe en un float. Resta antes el máximo de cada fila.",
            ),
            Mistake(
                _softmax_whole,
                "has sumado el tensor entero: cada fila debe sumar 1 por su cuenta (dim=-1, keepdim=True).",
            ),
            Mistake(_softmax_no_division, "falta dividir por la suma: tus filas no suman 1."),
            Mistake(
                _softmax_min,
                "has restado el mínimo: así los exponentes siguen siendo positivos y se desbordan. Resta el máximo.",
            ),
            Mistake(
                _softmax_mean,
                "restar la media no basta: en [1000, 0, 0] el mayor exponente sigue siendo 667 y se desborda. Resta el "
                "máximo.",
            ),
            Mistake(
                _softmax_no_exp,
                "has repartido los logits en proporción: falta la exponencial antes de dividir por la suma.",
            ),
            Mistake(
                torch.sigmoid, "eso es la sigmoide: mira cada logit por separado y las filas no suman 1."
            ),
            Mistake(
                _softmax_base_two, "has usado potencias de 2: el softmax lleva potencias de e (tensor.exp())."
            ),
        ],
    ),
    "04-perdida": Exercise(
        reference=_loss,
        goes_on=True,
        cases=[
            (_random(6, 9), torch.tensor([1, 7, 3, 3, 0, 8])),
            (_random(4, 9, seed=1), torch.tensor([2, 5, 5, 6])),
            (_FAR, torch.tensor([1, 0, 2])),
        ],
        success="la fila t se compara con el token t + 1, que es lo que predice.",
        mistakes=[
            Mistake(
                lambda logits, ids: (
                    -logits[:-1].softmax(-1)[torch.arange(len(ids) - 1), ids[1:]].log().mean()
                ),
                "sale una pérdida infinita: softmax y después log pierde lo muy improbable. Usa log_softmax.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:-1], ids[:-1]),
                "has quitado la última fila y el último id, y así no se desplaza nada: quita el primer id.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits, ids.roll(-1)),
                "con roll, la última fila se compara con el primer token, que no predice: sobra.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits, ids),
                "no has desplazado: comparas cada fila con el token que ya ha leído, y debe ser con el siguiente.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[1:], ids[:-1]),
                "has desplazado al revés: cada fila va con el token siguiente. Quita la última fila y el primer id.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:-2], ids[2:]),
                "has desplazado dos veces: comparas cada fila con el token que viene dos después.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:-1], ids[1:], reduction="sum"),
                "has sumado las sorpresas; la pérdida es su media, para que no dependa de lo largo del texto.",
            ),
            Mistake(
                lambda logits, ids: _loss(logits, ids) / math.log(2),
                "el resultado está en bits (logaritmo en base 2); se pide en nats (logaritmo natural).",
            ),
            Mistake(
                lambda logits, ids: -_loss(logits, ids),
                "te falta el signo menos: la media de ln p es negativa y la pérdida es −ln p.",
            ),
            Mistake(
                lambda logits, ids: F.cross_entropy(logits[:-1].softmax(dim=-1), ids[1:]),
                "has aplicado softmax antes de F.cross_entropy, que ya lo hace: pásale los logits tal cual.",
            ),
            Mistake(
                lambda logits, ids: 1 - _loss_per_token(logits, ids).exp().mean(),
                "has promediado 1 − p; la entropía cruzada promedia −ln p.",
            ),
        ],
    ),
    "04-perplejidad": Exercise(
        reference=lambda texts: math.exp(torch.cat(texts).mean()),
        goes_on=True,
        cases=[(TEXTS,), (MORE_TEXTS,)],
        success="todos los tokens cuentan igual, sean del texto que sean.",
        mistakes=[
            Mistake(
                lambda texts: 2 ** torch.cat(texts).mean().item(),
                "las sorpresas están en nats: hay que elevar e, no 2 (2 sería para bits).",
            ),
            Mistake(
                lambda texts: torch.cat(texts).mean().item(),
                "eso es la pérdida media; la perplejidad es e elevado a ella.",
            ),
            Mistake(
                lambda texts: math.exp(sum(t.mean().item() for t in texts) / len(texts)),
                "has promediado las medias de los textos, y en los cortos cada token pesa más: junta antes los tokens.",
            ),
            Mistake(
                lambda texts: sum(math.exp(t.mean()) for t in texts) / len(texts),
                "has promediado las perplejidades de los textos: se promedian las sorpresas, y e^x va al final.",
            ),
            Mistake(
                lambda texts: torch.cat(texts).exp().mean().item(),
                "has aplicado e^x a cada token antes de promediar: primero la media, después e^x.",
            ),
            Mistake(
                lambda texts: math.exp(torch.cat(texts).sum()),
                "has sumado en lugar de promediar: así la perplejidad crece con lo largo del texto.",
            ),
            Mistake(
                lambda texts: math.exp(-torch.cat(texts).mean()),
                "sobra el signo menos: eso es la probabilidad media (geométrica) de un token, justo la inversa.",
            ),
        ],
    ),
    "04-temperatura": Exercise(
        reference=generation.probabilities,
        goes_on=True,
        cases=[
            (_random(2, 5), 0.5),
            (_random(2, 5, seed=1), 2.0),
            (_random(3, 4, seed=2), 1.3),
            (_random(2, 5, seed=3), 0.01),  # logits de cientos: sin restar el máximo, nan
            (
                torch.tensor([[1.0, 0.5, 0.0], [31.0, 30.0, 30.5]]),
                0.1,
            ),  # restar el de otra fila también da nan
        ],
        success="menos de 1 concentra la probabilidad y más de 1 la reparte.",
        mistakes=[
            Mistake(
                lambda logits, temperature: (logits * temperature).softmax(dim=-1),
                "has multiplicado por la temperatura; se divide. Con lo tuyo, subirla concentra en lugar de repartir.",
            ),
            Mistake(
                lambda logits, temperature: _softmax_unstable(logits / temperature),
                "con temperaturas bajas das nan: los logits divididos se hacen enormes. Usa tu softmax, que ya lo "
                "aguanta.",
            ),
            Mistake(
                lambda logits, temperature: _softmax_global(logits / temperature),
                "has restado el máximo de toda la tabla: la fila que queda lejos se vuelve 0/0, nan. Usa tu softmax, "
                "que resta a cada fila el suyo.",
            ),
            Mistake(
                lambda logits, temperature: logits.softmax(dim=-1) / temperature,
                "has dividido las probabilidades: ya no suman 1. La temperatura divide los logits, antes del softmax.",
            ),
            Mistake(
                lambda logits, temperature: (logits.softmax(dim=-1) / temperature).softmax(dim=-1),
                "has dividido las probabilidades y hecho otro softmax: divide los logits y haz uno solo.",
            ),
            Mistake(
                lambda logits, temperature: (logits / temperature).softmax(dim=0),
                "la temperatura está bien, pero el softmax va sobre el vocabulario: dim=-1, no dim=0.",
            ),
            Mistake(
                lambda logits, temperature: logits.softmax(dim=-1),
                "tu resultado es el de T = 1. O no usas la temperatura, o se te va al normalizar: es lo que pasa si la "
                "restas de los logits o si divides las probabilidades. Divide los logits.",
            ),
            Mistake(
                lambda logits, temperature: logits / temperature,
                "son los logits ya divididos; falta el softmax para que sean probabilidades.",
            ),
            Mistake(
                lambda logits, temperature: logits.softmax(dim=-1) ** (1 / temperature),
                "elevar p a 1/T va bien encaminado, pero falta dividir por la suma: tus filas no suman 1.",
            ),
        ],
    ),
    "04-entropia": Exercise(
        reference=_entropy,
        goes_on=True,
        cases=[(_random(3, 5),), (_WITH_HOLES,)],
        success="y los tokens con probabilidad 0 no aportan nada, en lugar de dar nan.",
        mistakes=[
            Mistake(
                _entropy_nan,
                "con probabilidades 0 das nan: 0 · ln 0 debe contar como 0. torch.special.entr(p) ya lo hace.",
            ),
            Mistake(
                lambda logits: -_entropy(logits),
                "te falta el signo menos: p · ln p es negativo y la entropía no.",
            ),
            Mistake(
                lambda logits: _entropy(logits) / math.log(2),
                "la has calculado en bits (logaritmo en base 2); se pide en nats (logaritmo natural).",
            ),
            Mistake(
                lambda logits: torch.special.entr(logits.softmax(dim=-1)).mean(dim=-1),
                "has promediado sobre el vocabulario; la entropía es la suma de −p · ln p.",
            ),
            Mistake(
                lambda logits: -logits.log_softmax(dim=-1).max(dim=-1).values,
                "eso es la sorpresa del token más probable; la entropía es la sorpresa media, con todos los tokens.",
            ),
            Mistake(
                lambda logits: _entropy(logits).exp(),
                "has devuelto e^H, el número efectivo de opciones; se pide H.",
            ),
            Mistake(
                lambda logits: _entropy(logits).sum(),
                "has sumado las entropías de todas las filas: se pide una por fila (dim=-1).",
            ),
        ],
    ),
    "04-tabla": Exercise(
        reference=_table,
        goes_on=True,
        cases=[
            (_random(6, 9), torch.tensor([1, 7, 3, 3, 0, 8])),
            (_random(4, 9, seed=1), torch.tensor([2, 5, 5, 6])),
            (_FAR, torch.tensor([1, 0, 2])),
        ],
        success="puesto, sorpresa y lo que el modelo esperaba sorprenderse, token a token.",
        mistakes=[
            Mistake(
                lambda logits, ids: _table(logits.softmax(dim=-1).log(), ids),
                "sale una sorpresa infinita y no se sabe el puesto: softmax y después log pierde lo muy improbable. "
                "Saca las tres columnas de log_softmax.",
            ),
            Mistake(
                _table_by_softmax,
                "sale una sorpresa infinita: softmax y después log pierde lo muy improbable. Usa log_softmax.",
            ),
            Mistake(
                lambda logits, ids: _table(logits, ids, first=0),
                "tu primer puesto es el 0: suma 1 a cuántos candidatos tienen más probabilidad.",
            ),
            Mistake(
                lambda logits, ids: _table(logits, ids, first=2),
                "tu primer puesto es el 2: el propio token se cuenta dos veces. Compara con > (o con >=, sin sumar 1).",
            ),
            Mistake(
                _table_ascending,
                "has contado los que tienen menos probabilidad; el puesto 1 es el del favorito: cuenta los que tienen "
                "más.",
            ),
            Mistake(
                _table_unshifted,
                "no has desplazado: comparas cada fila con el token que ya ha leído, y debe ser con el siguiente.",
            ),
            Mistake(
                _table_no_shift_cut,
                "has quitado la última fila y el último id: así cada fila se compara con el token que ya ha leído. "
                "El id que sobra es el primero.",
            ),
            Mistake(
                _table_columns(lambda place, nats, expected: [place, -nats, expected]),
                "a la sorpresa le falta el signo menos: es −ln p.",
            ),
            Mistake(
                _table_columns(lambda place, nats, expected: [place, (-nats).exp(), expected]),
                "en la segunda columna has puesto la probabilidad; va la sorpresa, −ln p.",
            ),
            Mistake(
                _table_columns(lambda place, nats, expected: [place, nats / math.log(2), expected]),
                "la sorpresa está en bits; se pide en nats (logaritmo natural).",
            ),
            Mistake(
                _table_columns(lambda place, nats, expected: [nats, place, expected]),
                "has cambiado de sitio dos columnas: primero el puesto y después la sorpresa.",
            ),
            Mistake(
                lambda logits, ids: _table(logits, ids).T,
                "está girada: una fila por token y tres columnas. Con torch.stack, dim=-1.",
            ),
            Mistake(
                lambda logits, ids: torch.stack([*_table(logits, ids).T[:2], _entropy(logits[1:])], dim=-1),
                "la entropía es la de otra fila: quita la última, como con la sorpresa, y no la primera.",
            ),
            Mistake(
                lambda logits, ids: _table(
                    logits, ids, entropies=lambda rows: _entropy(rows.softmax(dim=-1))
                ),
                "le has dado probabilidades a tu entropía, que ya hace el softmax: pásale los logits, logits[:-1].",
            ),
            Mistake(
                lambda logits, ids: _table(logits, ids)[:, :2],
                "falta la tercera columna, la entropía de cada fila: entropy(logits[:-1]).",
            ),
        ],
    ),
}
