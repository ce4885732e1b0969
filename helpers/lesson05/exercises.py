"""Los ejercicios de la lección 05, «El bucle de generación»: referencia, casos y errores típicos de cada uno."""

from types import SimpleNamespace

import torch
from transformers import OpenAIGPTConfig

from helpers import generation
from helpers.exercises import Exercise, Mistake

INF = float("inf")


def _random(*shape, seed=0):
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 05-bucle: (modelo, ids [1, T], n) → ids [1, T + n], siempre con el más probable ------------------------------


def toy_model(ids):
    """Un «modelo» de juguete con 10 tokens: ids [1, T] → logits [1, T, 10]. El siguiente depende de todo el texto."""
    following = (ids.cumsum(dim=1) + torch.arange(1, ids.shape[1] + 1)) % 10
    return torch.nn.functional.one_hot(following, 10).float()


def _loop(model, ids, n):
    def whole(ids, logits_to_keep):  # lo que `generate` espera de un modelo: logits en la salida y su ficha
        return SimpleNamespace(logits=model(ids))

    whole.config = OpenAIGPTConfig(vocab_size=10)
    return generation.generate(whole, ids, n, do_sample=False, use_cache=False)


def _likeliest(logits, row=-1, dim=-1):
    return logits[:, row].argmax(dim=dim, keepdim=True)


def _looping(following, join=lambda ids, new: torch.cat([ids, new], dim=1)):
    """El bucle que elige cada token con `following(modelo, ids, ids de partida)` y lo pega con `join`."""

    def wrong(model, ids, n):
        start = ids
        for _ in range(n):
            ids = join(ids, following(model, ids, start))
        return ids

    return wrong


# --- 05-top-k: logits [n, v] y k → logits con -inf fuera de los k mayores -----------------------------------------


def _keep(logits, kept, fill=-INF):
    return torch.where(kept, logits, torch.tensor(fill))


def _kth(logits, k):
    return logits.sort(dim=-1, descending=True).values[..., k - 1 : k]


# --- 05-top-p: logits [n, v] y p → logits con -inf fuera del núcleo -----------------------------------------------


def _nucleus(logits, p, crossing=True, shift=0, descending=True, scatter=True):
    """El filtro top-p con los errores que se quieran: sin el token que cruza, desplazado, al revés o sin deshacer."""
    ordered, order = logits.sort(dim=-1, descending=descending)
    probs = ordered.softmax(dim=-1)
    total = probs.cumsum(dim=-1)
    removed = total - probs >= p if crossing else total > p
    removed = torch.roll(removed, shift, dims=-1)
    removed[..., :shift] = False
    removed = removed.scatter(-1, order, removed.clone()) if scatter else removed
    return logits.masked_fill(removed, -INF)


def _nucleus_sorted(logits, p):
    ordered = logits.sort(dim=-1, descending=True).values
    return _nucleus(ordered, p)


def _nucleus_raw(logits, p):
    """Acumula los logits en lugar de las probabilidades."""
    ordered, order = logits.sort(dim=-1, descending=True)
    removed = (ordered.cumsum(dim=-1) - ordered >= p).scatter(
        -1, order, ordered.cumsum(dim=-1) - ordered >= p
    )
    return logits.masked_fill(removed, -INF)


_PEAKED = torch.tensor([[0.1, 0.55, 0.05, 0.3], [0.25, 0.05, 0.4, 0.3]]).log()
_FLAT = torch.tensor([[0.18, 0.22, 0.12, 0.21, 0.27]]).log() + 1

EXERCISES = {
    "05-bucle": Exercise(
        reference=_loop,
        cases=[(toy_model, torch.tensor([[3, 1, 4]]), 5), (toy_model, torch.tensor([[7, 2]]), 4)],
        success="el token elegido vuelve a entrar por el final y el modelo lee siempre el texto entero.",
        mistakes=[
            Mistake(
                _looping(lambda model, ids, start: _likeliest(model(start))),
                "todos los tokens nuevos salen de la misma pregunta: el modelo no llega a ver el que acabas de elegir.",
            ),
            Mistake(
                _looping(lambda model, ids, start: _likeliest(model(ids if ids is start else ids[:, -1:]))),
                "al modelo solo le llega el último token: sin caché hay que darle todo lo escrito hasta ahora.",
            ),
            Mistake(
                _looping(lambda model, ids, start: _likeliest(model(ids), row=0)),
                "usas la fila 0 de los logits, que predice el segundo token del texto; el nuevo está en la fila -1.",
            ),
            Mistake(
                _looping(lambda model, ids, start: _likeliest(model(ids), dim=0)),
                "argmax sobre dim=0 compara textos, y solo hay uno: el máximo se busca en el vocabulario, dim=-1.",
            ),
            Mistake(
                _looping(
                    lambda model, ids, start: _likeliest(model(ids)),
                    join=lambda ids, new: torch.cat([new, ids], dim=1),
                ),
                "pegas el token nuevo delante: torch.cat([ids, nuevo], dim=1), en ese orden.",
            ),
            Mistake(
                _looping(lambda model, ids, start: _likeliest(model(ids[:, -start.shape[1] :]))),
                "el modelo solo ve los últimos tokens, tantos como tenía el texto de partida: dale todo el texto.",
            ),
            Mistake(
                lambda model, ids, n: _loop(model, ids, n)[:, ids.shape[1] :],
                "devuelves solo los tokens nuevos; se piden los ids completos, con los de partida.",
            ),
            Mistake(
                lambda model, ids, n: _loop(model, ids, n - 1),
                "te falta un token: el bucle tiene que dar n vueltas.",
            ),
        ],
    ),
    "05-top-k": Exercise(
        reference=generation.top_k,
        cases=[(_random(3, 6), 2), (_random(4, 7, seed=1), 3), (_random(3, 5, seed=2), 1)],
        success="quedan k tokens por fila y los demás pasan a -inf, que tras el softmax es probabilidad 0.",
        mistakes=[
            Mistake(
                lambda logits, k: _keep(logits, logits <= -_kth(-logits, k)),
                "te has quedado con los k menores: son los k logits más altos los que siguen.",
            ),
            Mistake(
                lambda logits, k: _keep(logits, logits > _kth(logits, k)),
                "quedan k - 1: el que ocupa el puesto k también se queda (compara con >=, no con >).",
            ),
            Mistake(
                lambda logits, k: _keep(logits, logits >= _kth(logits, k + 1)),
                "quedan k + 1: los puestos se cuentan desde 0, así que el k-ésimo es el k - 1.",
            ),
            Mistake(
                lambda logits, k: _keep(logits, logits >= _kth(logits, k), 0.0),
                "un logit 0 no es una probabilidad 0: los que salen deben valer -inf, que tras el softmax da 0.",
            ),
            Mistake(
                lambda logits, k: _keep(logits, logits >= _kth(logits.flatten(), k)),
                "has buscado los k mayores de todo el lote: cada fila tiene los suyos (dim=-1).",
            ),
            Mistake(
                lambda logits, k: _keep(logits, logits >= logits.topk(k, dim=0).values[-1:]),
                "topk sobre dim=0 compara entre textos del lote: el vocabulario está en dim=-1.",
            ),
            Mistake(
                lambda logits, k: _keep(logits.softmax(dim=-1), logits >= _kth(logits, k), 0.0),
                "devuelves probabilidades que ya no suman 1; se piden logits con -inf, y el softmax va después.",
            ),
            Mistake(
                lambda logits, k: logits.topk(k, dim=-1).values,
                "devuelves solo los k valores y se pierde qué token es cada uno: la forma no debe cambiar.",
            ),
        ],
    ),
    "05-top-p": Exercise(
        reference=generation.top_p,
        cases=[(_PEAKED, 0.6), (_FLAT, 0.8), (_PEAKED, 0.2)],
        success="el token que cruza p se queda, así que nunca te quedas sin ninguno.",
        mistakes=[
            Mistake(
                lambda logits, p: _nucleus(logits, p, crossing=False),
                "tiras el token con el que la suma llega a p. Mira lo acumulado ANTES de cada token: suma - prob >= p.",
            ),
            Mistake(
                lambda logits, p: _nucleus(logits, p, shift=1),
                "te quedas con uno de más: sale todo token que ya tenía acumulado p antes de él.",
            ),
            Mistake(
                lambda logits, p: _nucleus(logits, p, descending=False),
                "has ordenado de menor a mayor, así que te quedas con los menos probables: descending=True.",
            ),
            Mistake(
                lambda logits, p: _nucleus(logits, p, scatter=False),
                "la máscara está en el orden de los logits ordenados: devuélvela a su sitio con scatter(-1, orden, …).",
            ),
            Mistake(
                _nucleus_sorted,
                "devuelves los logits ordenados, y así cada número está en la casilla de otro token.",
            ),
            Mistake(
                _nucleus_raw,
                "no quitas ningún token. O falta el filtro, o has acumulado logits: lo que tiene que sumar p son las "
                "probabilidades, así que antes va un softmax.",
            ),
            Mistake(
                lambda logits, p: logits.masked_fill(logits.softmax(dim=-1) < p, -INF),
                "comparas cada probabilidad con p; es la suma de las mayores la que tiene que llegar a p.",
            ),
            Mistake(
                lambda logits, p: torch.nan_to_num(generation.top_p(logits, p), neginf=0.0),
                "un logit 0 no es una probabilidad 0: los que salen deben valer -inf.",
            ),
        ],
    ),
    "05-cuentas": Exercise(
        reference=[8150, 131],
        success="sin caché el gasto crece con el cuadrado de la longitud; con caché, en línea recta.",
        mistakes=[
            Mistake(
                [8150, 132],
                "sin caché está bien; con ella cuentas también el último token nuevo, que ya no pasa por el modelo.",
            ),
            Mistake(
                [8150, 100],
                "sin caché está bien; con ella falta el texto de partida, que se calcula una vez en la primera vuelta.",
            ),
            Mistake(
                [3200, 100],
                "has contado 32 tokens en cada vuelta: el texto crece, y sin caché la segunda vuelta calcula 33.",
            ),
            Mistake(
                [3200, 131],
                "con caché está bien; sin ella el texto crece: la segunda vuelta calcula 33, la tercera 34…",
            ),
            Mistake(
                [8250, 131],
                "con caché está bien; sin ella empiezas en 33, pero la primera vuelta solo tiene los 32 de partida.",
            ),
            Mistake(
                [4950, 99], "te has olvidado de los 32 tokens de partida, que también pasan por el modelo."
            ),
            Mistake(
                [13200, 132],
                "has usado la longitud final (132) en todas las vueltas; solo se llega a 131, y en la última.",
            ),
            Mistake([131, 8150], "los números están bien, pero al revés: el primero es sin caché."),
        ],
    ),
}
