"""Los ejercicios de la lección 05, «El bucle de generación»: referencia, casos y errores típicos de cada uno."""

import torch
from transformers import OpenAIGPTConfig

from helpers import generation
from helpers.exercises import Exercise, Mistake
from helpers.exercises.comparing import as_tensor, kind
from helpers.hf import GPT1LMHeadModel

INF = float("inf")


def _random(*shape, seed=0):
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# --- 05-bucle y 05-cache: (modelo, ids [lote, T], n, pick) → ids [lote, T + n] ------------------------------------


class Toy(GPT1LMHeadModel):
    """Un GPT-1 de juguete, de 20 tokens y pesos al azar. Si `counts`, delata cuántos tokens ha calculado.

    Cada token que calcula corre un puesto sus logits: quien repite cálculos acaba con otro texto.
    """

    def __init__(self, counts: bool):
        shape = {"n_layer": 2, "n_embd": 16, "n_head": 2, "n_positions": 64, "vocab_size": 20}
        with torch.random.fork_rng(devices=[]):  # los sorteos de la lección no cambian por esto
            super().__init__(OpenAIGPTConfig(**shape))
        rng = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for weights in self.parameters():
                if weights.dim() == 2:
                    weights.normal_(0, 0.5, generator=rng)
        self.counts, self.computed = counts, 0
        self.eval()

    def forward(self, input_ids=None, **options):
        self.computed += input_ids.shape[1]
        output = super().forward(input_ids, **options)
        output.logits = 50 * output.logits.roll(
            self.computed if self.counts else 7, dims=-1
        )  # 7: que no se repita
        return output


def likeliest(logits):
    return logits.argmax(dim=-1, keepdim=True)


def second(logits):
    return logits.topk(2, dim=-1).indices[..., 1:]


def nearest_ten(logits):
    """El token de logit más cercano a 10: no mira solo el orden, así que con probabilidades elige otro."""
    return (logits - 10).abs().argmin(dim=-1, keepdim=True)


def _given(run, change):
    """El mismo bucle, que a `pick` le da `change(logits)`."""
    return lambda model, ids, n, pick: run(model, ids, n, lambda logits: pick(change(logits)))


_PROBABILITIES = (
    "a pick(…) le llegan probabilidades: dale los logits tal como salen, que el softmax es cosa suya."
)


@torch.no_grad()
def loop(model, ids, n, pick):
    """El bucle de la lección: pasa el texto entero por el modelo en cada vuelta."""
    for _ in range(n):
        ids = torch.cat([ids, pick(model(ids).logits[:, -1])], dim=1)
    return ids


@torch.no_grad()
def fast_loop(model, ids, n, pick):
    """El mismo bucle con la caché KV: tras la primera vuelta, por el modelo solo pasa el token nuevo."""
    new, past = ids, None
    for _ in range(n):
        output = model(new, past_key_values=past, use_cache=True)
        past, new = output.past_key_values, pick(output.logits[:, -1])
        ids = torch.cat([ids, new], dim=1)
    return ids


def _looping(seen, row=-1, join=lambda ids, new: torch.cat([ids, new], dim=1)):
    """El bucle que da al modelo `seen(ids, ids de partida)`, mira esa fila y pega lo nuevo con `join`."""

    @torch.no_grad()
    def wrong(model, ids, n, pick):
        start = ids
        for _ in range(n):
            ids = join(ids, pick(model(seen(ids, start)).logits[:, row]))
        return ids

    return wrong


def _caching(text=lambda ids, new: new, keep=True, row=-1):
    """El bucle con caché que da al modelo `text(ids, nuevo)` y, con `keep=False`, pierde lo guardado."""

    @torch.no_grad()
    def wrong(model, ids, n, pick):
        new, past = ids, None
        for _ in range(n):
            output = model(text(ids, new), past_key_values=past, use_cache=True)
            past, new = output.past_key_values if keep else None, pick(output.logits[:, row])
            ids = torch.cat([ids, new], dim=1)
        return ids

    return wrong


def _texts(counts):
    one, two = torch.tensor([[3, 1, 4]]), torch.tensor([[7, 2, 9, 5], [1, 12, 17, 8]])
    picks = [(one, 5, second), (one, 6, likeliest), (two, 4, second), (two, 5, nearest_ten)]
    return [(Toy(counts), *rest) for rest in picks]


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


def _nucleus_saving_the_first(logits, p):
    best = logits == logits.max(dim=-1, keepdim=True).values
    return torch.where(best, logits, _nucleus(logits, p, crossing=False))


def _nucleus_of_the_first(logits, p):
    """Cuenta el núcleo en la fila 0 y deja otros tantos en todas."""
    return generation.top_k(logits, int(generation.top_p(logits[0], p).isfinite().sum()))


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


# --- 05-muestreo: (logits [lote, v], T, k, p) → ids [lote, 1], que se miran por sus frecuencias -------------------

ROWS = 20_000  # la mitad, con unos logits, y la mitad, con otros: una fila sí y otra no
_TWO = torch.tensor([[0.05, 0.4, 0.1, 0.25, 0.15, 0.05], [0.3, 0.02, 0.18, 0.1, 0.15, 0.25]]).log()
_MANY = _TWO.repeat(ROWS // 2, 1)


def frequencies(answer):
    """De unos ids [lote, 1]: cada cuánto sale cada token en cada mitad, y cuántas dimensiones hay.

    Es un diccionario para que lo que se diga a quien falla hable de su respuesta y no de esta cuenta. La frecuencia va
    sumada a 1, para que la tolerancia, que es relativa, mida lo mismo en los tokens raros.
    """
    ids = as_tensor(answer)
    if ids is None:
        return {"otra cosa": kind(answer)} if isinstance(answer, str | list | tuple | dict) else answer
    if bool((ids != ids.round()).any()):
        return {"no son ids": ids}
    if ids.numel() != ROWS or bool(((ids < 0) | (ids > 5)).any()):
        return {"sorteos": ids.numel()}
    counts = [torch.bincount(one, minlength=6) for one in ids.long().reshape(-1, 2).T]
    often = {
        (half, token): 1 + 2 * n / ROWS
        for half in (0, 1)
        for token, n in enumerate(counts[half].tolist())
        if n
    }
    return often | {"dimensiones": ids.dim()}


def _draw(probs):
    return torch.multinomial(probs, num_samples=1)


# --- 05-cuentas: [sin caché, con caché]; cada número se diagnostica por su lado -------------------------------------

_WITHOUT = {
    8150: "está bien",
    8250: "empiezas en 33: la primera vuelta solo tiene los 32 de partida",
    8282: "das una vuelta de más: el último token que eliges ya no pasa por el modelo",
    8019: "te falta una vuelta: son cien, la primera con 32 tokens y la última con 131",
    3200: "cuentas 32 tokens en cada vuelta, pero el texto crece: la segunda calcula 33, la tercera 34…",
    4950: "faltan los 32 de partida, que también pasan por el modelo en todas las vueltas",
    13200: "usas la longitud final, 132, en todas las vueltas; el texto crece de 32 a 131",
}
_WITH = {
    131: "está bien",
    132: "cuentas también el último token que eliges, que ya no pasa por el modelo",
    100: "la primera vuelta no calcula un token, sino los 32 del texto de partida",
    99: "faltan los 32 de partida, que se calculan una vez, en la primera vuelta",
}
_COUNTS = [
    Mistake([slow, fast], f"sin caché, {said}; con caché, {also}.")
    for slow, said in _WITHOUT.items()
    for fast, also in _WITH.items()
    if (slow, fast) != (8150, 131)
]


EXERCISES = {
    "05-bucle": Exercise(
        reference=loop,
        goes_on=True,
        cases=_texts(counts=False),
        success="el token elegido vuelve a entrar por el final y el modelo lee siempre el texto entero.",
        mistakes=[
            Mistake(
                _looping(lambda ids, start: start),
                "todos los tokens nuevos salen de la misma pregunta: el modelo no llega a ver el que acabas de elegir.",
            ),
            Mistake(
                _looping(lambda ids, start: ids if ids is start else ids[:, -1:]),
                "al modelo solo le llega el último token: sin caché hay que darle todo lo escrito hasta ahora.",
            ),
            Mistake(
                _looping(lambda ids, start: ids, row=0),
                "usas la fila 0 de los logits, que predice el segundo token del texto; el nuevo está en la fila -1.",
            ),
            Mistake(
                _looping(lambda ids, start: ids, join=lambda ids, new: torch.cat([new, ids], dim=1)),
                "pegas el token nuevo delante: torch.cat([ids, nuevo], dim=1), en ese orden.",
            ),
            Mistake(
                _looping(lambda ids, start: ids[:, -start.shape[1] :]),
                "el modelo solo ve los últimos tokens, tantos como tenía el texto de partida: dale todo el texto.",
            ),
            Mistake(_given(loop, lambda logits: logits.softmax(dim=-1)), _PROBABILITIES),
            Mistake(
                lambda model, ids, n, pick: loop(model, ids, n, likeliest),
                "eliges el token por tu cuenta (con argmax o con un sorteo): la elección es de pick(logits).",
            ),
            Mistake(
                lambda model, ids, n, pick: loop(model, ids, n, pick)[:, ids.shape[1] :],
                "devuelves solo los tokens nuevos; se piden los ids completos, con los de partida.",
            ),
            Mistake(
                lambda model, ids, n, pick: loop(model, ids, n - 1, pick),
                "te falta un token: el bucle tiene que dar n vueltas.",
            ),
        ],
    ),
    "05-top-k": Exercise(
        reference=generation.top_k,
        goes_on=True,
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
                lambda logits, k: generation.top_k(logits, k).softmax(dim=-1),
                "devuelves probabilidades: quedan los que deben, pero se piden sus logits, y el softmax va después.",
            ),
            Mistake(
                lambda logits, k: logits.topk(k, dim=-1).values,
                "devuelves solo los k valores y se pierde qué token es cada uno: la forma no debe cambiar.",
            ),
        ],
    ),
    "05-top-p": Exercise(
        reference=generation.top_p,
        goes_on=True,
        cases=[(_PEAKED, 0.6), (_FLAT, 0.8), (_PEAKED, 0.2), (_PEAKED, 0.5)],  # 0,5: quedan 1 y 2
        success="el token que cruza p se queda, así que nunca te quedas sin ninguno.",
        mistakes=[
            Mistake(
                lambda logits, p: _nucleus(logits, p, crossing=False),
                "tiras el token con el que la suma llega a p. Mira lo acumulado ANTES de cada token: suma - prob >= p.",
            ),
            Mistake(
                _nucleus_saving_the_first,
                "tiras el token con el que la suma llega a p, y salvas solo al primero: mira lo acumulado ANTES de "
                "cada token, suma - prob >= p, y no hará falta salvar a ninguno.",
            ),
            Mistake(
                _nucleus_of_the_first,
                "cuentas cuántos quedan en la fila 0 y dejas los mismos en todas: cada fila tiene su propio núcleo.",
            ),
            Mistake(
                lambda logits, p: generation.top_p(logits, p).softmax(dim=-1),
                "devuelves probabilidades: el núcleo está bien, pero se piden los logits, y el softmax va después.",
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
    "05-muestreo": Exercise(
        reference=generation.sample,
        goes_on=True,
        measure=frequencies,
        tolerance=0.03,  # 20 000 sorteos bailan menos de un punto
        seconds=20.0,
        cases=[  # en los dos últimos, con otro orden o sin uno de los filtros quedan más tokens
            (_MANY, 0.5, 0, 1.0),
            (_MANY, 2.0, 3, 1.0),
            (_MANY, 2.0, 0, 0.6),
            (_MANY, 2.0, 3, 0.7),
            (_MANY, 1.0, 4, 0.7),
        ],  # fmt: skip
        success="en veinte mil sorteos, cada token sale tantas veces como le toca.",
        mistakes=[
            Mistake(
                lambda logits, t, k, p: likeliest(generation.probabilities(logits, t, k, p)),
                "eliges siempre el más probable, y eso es la voraz: hay que sortear, con torch.multinomial.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, 1.0, k, p),
                "los tokens no salen con la frecuencia que les toca: falta dividir los logits por la temperatura, o "
                "guardar lo que sale de dividirlos.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, t, 0, 1.0),
                "no se aplica ningún filtro: keep_k(logits, k) no cambia los logits que recibe, devuelve otros. "
                "Guárdalos: logits = keep_k(logits, k), y lo mismo con keep_p.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, 1.0, 0, 1.0),
                "sorteas con los logits de partida: cada paso devuelve otros, y hay que guardarlos para el "
                "siguiente, como en `logits = logits / temperature`.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, t, k, 1.0 if k else p),
                "si hay top-k, el top-p no se aplica: son dos `if` seguidos, no un `if` y un `elif`.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, t, k if p == 1 else 0, p),
                "si hay top-p, el top-k no se aplica: son dos `if` seguidos, y el de top-k va primero.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, t, k, p)[0],
                "sale un solo id, el de la fila 0: hay un texto por fila, y cada uno tiene su sorteo.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, 1 / t, k, p),
                "multiplicas por la temperatura: los logits se dividen.",
            ),
            Mistake(
                lambda logits, t, k, p: _draw(
                    (generation.top_p(generation.top_k(logits, k), p) / t).softmax(dim=-1)
                ),
                "la temperatura va antes de los filtros: top-p suma las probabilidades que ella deja.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, t, 0, p),
                "salen tokens que top-k tenía que haber echado: ¿guardas lo que devuelve keep_k?",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, t, k, 1.0),
                "salen tokens que top-p tenía que haber echado: ¿guardas lo que devuelve keep_p?",
            ),
            Mistake(
                lambda logits, t, k, p: _draw(
                    generation.top_k(generation.top_p(logits / t, p), k).softmax(dim=-1)
                ),
                "filtras con top-p antes que con top-k; el orden es temperatura, top-k y top-p.",
            ),
            Mistake(
                lambda logits, t, k, p: _draw(
                    generation.top_p(generation.top_k(logits / t, k), p).isfinite().float()
                ),
                "los que quedan salen todos igual de a menudo: antes de sortear va un softmax.",
            ),
            Mistake(
                lambda logits, t, k, p: generation.sample(logits, t, k, p)[:, 0],
                "los sorteos están bien, pero la forma es [lote] y se pide [lote, 1], que es la que se pega a los ids.",
            ),
            Mistake(
                generation.probabilities,
                "devuelves las probabilidades; falta el sorteo: torch.multinomial(…, num_samples=1).",
            ),
        ],
    ),
    "05-cuentas": Exercise(
        reference=[8150, 131],
        success="sin caché el gasto crece con el cuadrado de la longitud; con caché, en línea recta.",
        mistakes=[
            *_COUNTS,
            Mistake([131, 8150], "los números están bien, pero al revés: el primero es sin caché."),
        ],
    ),
    "05-cache": Exercise(
        reference=fast_loop,
        goes_on=True,
        cases=_texts(counts=True),
        success="el texto es el mismo y cada token pasa una sola vez por el modelo.",
        mistakes=[
            Mistake(
                loop,
                "escribe bien, pero no usa la caché: el modelo de juguete ha contado todo el texto en cada vuelta. "
                "Guarda output.past_key_values y, desde la segunda, dale solo el token nuevo.",
            ),
            Mistake(
                _caching(text=lambda ids, new: ids),
                "le das la caché y, además, el texto entero, así que cada token queda guardado varias veces: con la "
                "caché entra solo el token nuevo.",
            ),
            Mistake(
                _caching(keep=False),
                "al modelo solo le llega el último token y ha olvidado lo anterior: dale past_key_values=…, la de la "
                "vuelta pasada, y use_cache=True, para que la devuelva.",
            ),
            Mistake(
                _caching(row=0),
                "en la primera vuelta miras la fila 0 de los logits: la del token nuevo es siempre la última, -1.",
            ),
            Mistake(_given(fast_loop, lambda logits: logits.softmax(dim=-1)), _PROBABILITIES),
            Mistake(
                lambda model, ids, n, pick: fast_loop(model, ids, n, likeliest),
                "eliges el token por tu cuenta: la elección es de pick(logits).",
            ),
            Mistake(
                lambda model, ids, n, pick: fast_loop(model, ids, n, pick)[:, ids.shape[1] :],
                "devuelves solo los tokens nuevos; se piden los ids completos, con los de partida.",
            ),
            Mistake(
                lambda model, ids, n, pick: fast_loop(model, ids, n - 1, pick),
                "te falta un token: el bucle tiene que dar n vueltas.",
            ),
        ],
    ),
}
