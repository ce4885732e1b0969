"""Los ejercicios de la lección 00: filas, distribución, `gather` y `cat` sobre tensores, contar pasos y cuánto cabe."""

import torch

from helpers.exercises import Exercise, Mistake

# Las posiciones que tiene el modelo del curso y las que tiene GPT-1 (artículo, §4.1).
MINI_POSITIONS, GPT1_POSITIONS = 256, 512
PROMPT, NEW = 7, 40  # tokens del texto de partida y tokens nuevos que piden los enunciados


def _random(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def _probs(*shape):
    return (2 * _random(*shape)).softmax(-1)


def rows(table: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Las filas de `table` [N, d] que dicen los `ids` [T]: [T, d]."""
    return table[ids]


def distribution(h: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Del vector `h` [d] y la tabla [V, d], una probabilidad por fila: [V]."""
    return (table @ h).softmax(-1)


def pick(probs: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """De cada fila de `probs` [T, V], la probabilidad que dice su id de `ids` [T]: [T]."""
    return probs.gather(-1, ids[:, None])[:, 0]


def extend(ids: torch.Tensor, probs: torch.Tensor) -> torch.Tensor:
    """`ids` [1, T] con el id más probable según `probs` [V] detrás: [1, T + 1]."""
    return torch.cat([ids, probs.argmax().view(1, 1)], dim=1)


# Ids repetidos, desordenados y con huecos, y tablas cuadradas y no: ni `table[:T]` ni las columnas aciertan por suerte.
ROWS = [
    (torch.arange(12.0).view(6, 2), torch.tensor([4, 1, 4])),
    (_random(9, 5), torch.tensor([3, 0, 2, 3])),
    (_random(5, 5), torch.tensor([2, 4, 1])),
]
VECTORS = [
    (torch.tensor([1.0, 2.0]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.5]])),
    (_random(5), _random(9, 5)),
    (_random(4), _random(4, 4)),
]
# Los ids caben también en las filas: quien confunde las dimensiones recibe su frase, y no un IndexError.
PICKS = [
    (torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.1, 0.6]]), torch.tensor([1, 0])),
    (_probs(5, 7), torch.tensor([3, 0, 2, 3, 1])),
    (_probs(4, 4), torch.tensor([2, 3, 3, 0])),
]
TEXTS = [
    (torch.tensor([[5, 2]]), torch.tensor([0.1, 0.2, 0.6, 0.1])),
    (torch.tensor([[1, 3, 0]]), _probs(8)),
    (torch.tensor([[2]]), _probs(11)),
]

EXERCISES = {
    "00-filas": Exercise(
        reference=rows,
        cases=ROWS,
        mistakes=[
            Mistake(
                lambda table, ids: table[:, ids.clamp(max=table.shape[1] - 1)],
                "has tomado columnas. El primer índice elige filas: con uno solo basta.",
            ),
            Mistake(
                lambda table, ids: table[: len(ids)],
                "son las primeras filas de la tabla, no las que dicen los ids.",
            ),
            Mistake(
                lambda table, ids: table[ids[0]],
                "es la fila del primer id, y hace falta una por cada id: la forma es [T, d].",
            ),
            Mistake(
                lambda table, ids: table[ids[-1]],
                "es la fila del último id, y hace falta una por cada id: la forma es [T, d].",
            ),
            Mistake(
                lambda table, ids: table[ids[0] : ids[0] + len(ids)],
                "un trozo toma filas seguidas, y los ids no van seguidos.",
            ),
            Mistake(
                lambda table, ids: table[ids.unique()],
                "falta una fila por cada id repetido, o están en otro orden: una por id, en el orden de los ids.",
            ),
            Mistake(
                lambda table, ids: table[ids - 1],
                "has tomado la fila anterior: en PyTorch, como en Python, la primera es la 0.",
            ),
            Mistake(
                lambda table, ids: table[ids].flatten(),
                "las filas han quedado en una sola, una detrás de otra: se pide [T, d], una debajo de otra.",
            ),
            Mistake(
                lambda table, ids: table[ids].sum(0),
                "has sumado las filas. Aquí se quieren todas, una debajo de otra.",
            ),
            Mistake(
                lambda table, ids: table[ids].T,
                "has dado las filas traspuestas, [d, T]; se pide [T, d], una fila por token.",
            ),
            Mistake(
                lambda table, ids: table[ids][None],
                "sobra la dimensión del lote: se pide [T, d], sin un 1 delante.",
            ),
        ],
        success="una fila por token: así entra un texto en el modelo.",
        goes_on=True,
    ),
    "00-distribucion": Exercise(
        reference=distribution,
        cases=VECTORS,
        mistakes=[
            Mistake(
                lambda h, table: table @ h,
                "esas son las puntuaciones (los logits). Falta el softmax, que las hace sumar 1.",
            ),
            Mistake(
                lambda h, table: table * h,
                "con * cada fila se multiplica casilla a casilla: queda [V, d]. Con @ además se suma, y queda [V]; "
                "después, el softmax.",
            ),
            Mistake(
                lambda h, table: (table * h).softmax(-1),
                "con * cada fila se multiplica casilla a casilla: queda [V, d]. Con @ además se suma, y queda [V].",
            ),
            Mistake(
                lambda h, table: (table * h).sum(0).softmax(-1),
                "has sumado por columnas y queda [d]. Se suma cada fila, y de eso se encarga @: queda [V].",
            ),
            Mistake(
                lambda h, table: (table @ h[:, None]).softmax(-1),
                "queda una columna, [V, 1], y softmax(-1) reparte entre uno solo: todo unos. Con `table @ h` basta.",
            ),
            Mistake(
                lambda h, table: (table @ h).softmax(-1)[None],
                "sobra la dimensión del lote: se pide [V], sin un 1 delante.",
            ),
            Mistake(
                lambda h, table: (table @ h) / (table @ h).sum(),
                "dividir por la suma no basta: hay puntuaciones negativas. El softmax toma antes la exponencial.",
            ),
            Mistake(
                lambda h, table: (table @ h).exp(),
                "la exponencial es medio softmax: falta dividir por la suma para que sumen 1.",
            ),
            Mistake(
                lambda h, table: (table @ h).sigmoid(),
                "con `sigmoid` cada número va por su cuenta y no suman 1: usa softmax.",
            ),
            Mistake(
                lambda h, table: (table @ h).log_softmax(-1),
                "son los logaritmos de las probabilidades: aquí se quieren sin logaritmo, con softmax.",
            ),
            Mistake(
                lambda h, table: table.softmax(-1) @ h,
                "el softmax va después del producto: primero una puntuación por fila y luego se reparten.",
            ),
            Mistake(
                lambda h, table: table @ h.softmax(-1),
                "el softmax va después del producto, no sobre h: primero se puntúa y luego se reparte.",
            ),
            Mistake(
                lambda h, table: (table @ h).softmax(-1).argmax(),
                "eso ya es elegir. Aquí se pide la distribución entera: una probabilidad por fila.",
            ),
            Mistake(
                lambda h, table: (table @ h).softmax(-1).max(),
                "es la probabilidad más alta. Aquí se pide la distribución entera: una por fila.",
            ),
        ],
        success="de un vector a una probabilidad para cada token: así sale la respuesta del modelo.",
        goes_on=True,
    ),
    "00-recoger": Exercise(
        reference=pick,
        cases=PICKS,
        mistakes=[
            Mistake(
                lambda probs, ids: probs.gather(-1, ids[:, None]),
                "los números son esos, pero en una columna, [T, 1]. Quédate con ella: `[:, 0]`.",
            ),
            Mistake(
                lambda probs, ids: probs.gather(-1, ids[None]),
                "con `ids[None]`, [1, T], todos los números salen de la primera fila. Haz una columna: `ids[:, None]`.",
            ),
            Mistake(
                lambda probs, ids: probs.gather(-1, ids[None])[0],
                "esos números son de la primera fila, y a cada id le toca la suya: haz una columna, `ids[:, None]`.",
            ),
            Mistake(
                lambda probs, ids: probs[:, ids],
                "`probs[:, ids]` da todas las columnas pedidas en todas las filas, [T, T]. Se quiere una por fila.",
            ),
            Mistake(
                lambda probs, ids: probs[ids],
                "`probs[ids]` elige filas enteras. Aquí los ids dicen qué columna hay que mirar en cada fila.",
            ),
            Mistake(
                lambda probs, ids: probs[-1, ids],
                "todos esos números son de la última fila. A cada id le toca la suya.",
            ),
            Mistake(
                lambda probs, ids: probs.gather(0, ids[None])[0],
                "has tomado el id como fila, y es la columna: en `gather`, la dimensión -1; en un índice, el segundo.",
            ),
            Mistake(
                lambda probs, ids: probs.gather(0, ids[:, None])[:, 0],
                "con `gather(0, …)` el id elige fila, y aquí elige columna: la última dimensión, `gather(-1, …)`.",
            ),
            Mistake(
                lambda probs, ids: probs.gather(-1, ids[:, None])[0],
                "`[0]` se queda con la primera fila de la columna. Toda la columna es `[:, 0]`.",
            ),
            Mistake(
                lambda probs, ids: probs[:, ids[0]],
                "has mirado la misma columna en todas las filas: cada fila tiene su id.",
            ),
            Mistake(
                lambda probs, ids: pick(probs, ids).sum(),
                "has sumado: se pide un número por fila, [T].",
            ),
            Mistake(
                lambda probs, ids: probs.max(-1).values,
                "es la mayor de cada fila, no la que dice su id.",
            ),
            Mistake(
                lambda probs, ids: probs.argmax(-1),
                "son los ids más probables. Se piden las probabilidades de los ids que te dan.",
            ),
            Mistake(
                lambda probs, ids: pick(probs, ids).mean(),
                "has hecho la media: se pide un número por fila, [T].",
            ),
        ],
        success="una casilla de cada fila: con esto se mide, en la lección 01, cuánto acierta un modelo.",
        goes_on=True,
    ),
    "00-anadir": Exercise(
        reference=extend,
        cases=TEXTS,
        mistakes=[
            Mistake(
                lambda ids, probs: torch.cat([probs.argmax().view(1, 1), ids], dim=1),
                "el id nuevo ha quedado delante: en la lista de `cat`, primero el texto y luego lo nuevo.",
            ),
            Mistake(
                lambda ids, probs: torch.cat([ids, probs.max().view(1, 1)], dim=1),
                "has añadido la probabilidad más alta, no el id que la tiene: eso lo da `argmax`.",
            ),
            Mistake(
                lambda ids, probs: torch.cat([ids, probs.argmin().view(1, 1)], dim=1),
                "has añadido el menos probable: es el máximo, `argmax`.",
            ),
            Mistake(
                lambda ids, probs: torch.cat([ids[:, :-1], probs.argmax().view(1, 1)], dim=1),
                "el id nuevo ha pisado al último. El texto tiene que crecer en uno: [1, T + 1].",
            ),
            Mistake(
                lambda ids, probs: torch.cat([ids[0], probs.argmax().view(1)]),
                "los ids son esos, pero se ha perdido la dimensión del lote: se pide [1, T + 1], con dos corchetes.",
            ),
            Mistake(
                lambda ids, probs: probs.argmax().view(1, 1),
                "has devuelto solo el id nuevo: el modelo necesita también lo anterior.",
            ),
            Mistake(
                lambda ids, probs: probs.argmax(),
                "has devuelto solo el id nuevo: falta pegarlo detrás del texto con `cat`.",
            ),
            Mistake(
                lambda ids, probs: ids,
                "el texto ha salido como entró. Si usas `cat`, recuerda que no cambia el tensor: da uno nuevo.",
            ),
        ],
        success="elegir siempre el más probable es escribir de forma voraz (greedy).",
        goes_on=True,
    ),
    "00-pasos": Exercise(
        reference=NEW,
        mistakes=[
            Mistake(
                1,
                "el modelo no escribe la frase entera de una vez: cada ejecución propone un solo token, y ese token "
                "entra en la siguiente.",
            ),
            Mistake(
                PROMPT + NEW,
                "el texto de partida no hay que generarlo: sus 7 tokens entran juntos en la primera ejecución. Cuenta "
                "solo los tokens nuevos.",
            ),
            Mistake(
                PROMPT,
                "esos son los tokens que ya tenías. Lo que cuenta es cuántos tokens nuevos hay que proponer.",
            ),
            Mistake(
                PROMPT * NEW,
                "cada ejecución lee el texto entero de una vez, no un token cada vez: no hay que multiplicar.",
            ),
            Mistake(
                NEW - 1,
                "te falta una: el primer token nuevo también necesita su ejecución, la que lee el texto de partida.",
            ),
            Mistake(
                PROMPT + NEW - 1,
                "los 7 tokens de partida entran juntos en una sola ejecución, y esa misma propone ya el primero nuevo.",
            ),
            Mistake(
                NEW + 1,
                "te sobra una: la misma ejecución que lee el texto de partida propone ya el primer token nuevo.",
            ),
        ],
        success="una ejecución por token nuevo. En la lección 05 verás cómo hacer que cada una cueste menos.",
    ),
    "00-limite": Exercise(
        reference=MINI_POSITIONS - PROMPT,
        mistakes=[
            Mistake(
                MINI_POSITIONS,
                "esas son todas las posiciones de gpt1-mini, pero el texto de partida también ocupa las suyas.",
            ),
            Mistake(
                GPT1_POSITIONS - PROMPT,
                "has restado de 512, que son las posiciones de GPT-1. La pregunta es sobre gpt1-mini: mira la forma de "
                "W_p.",
            ),
            Mistake(
                MINI_POSITIONS + PROMPT,
                "has sumado. El texto de partida y los tokens nuevos se reparten las posiciones: hay que restar.",
            ),
            Mistake(
                MINI_POSITIONS - PROMPT - 1,
                "no hace falta reservar una posición para el final: GPT-1 no tiene token de fin.",
            ),
            Mistake(
                MINI_POSITIONS - PROMPT + 1,
                "bien visto: el último token no vuelve a entrar en el modelo. Pero el curso le reserva su posición, "
                "para poder seguir: resta sin sumar uno.",
            ),
            Mistake(
                8192 - PROMPT,
                "has restado del vocabulario, los tokens distintos que hay. Las posiciones son las filas de W_p.",
            ),
            Mistake(
                GPT1_POSITIONS,
                "ese es el total de posiciones de GPT-1. Busca las de gpt1-mini y descuenta el texto de partida.",
            ),
        ],
        success="entre lo que le das y lo que escribe no puede pasar de sus posiciones.",
    ),
}
