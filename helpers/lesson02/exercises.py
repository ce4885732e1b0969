"""Ejercicios de la lección 02: contar parámetros y operaciones a partir de la configuración."""

from functools import cache

import torch
from transformers import OpenAIGPTConfig

from helpers.exercises import Exercise, Mistake
from helpers.gpt import GPT1


@cache
def total_parameters(vocab_size: int, n_positions: int, n_embd: int, n_layer: int) -> int:
    """Parámetros del modelo entero, contados en él; la salida comparte matriz con los embeddings y no suma."""
    sizes = {"vocab_size": vocab_size, "n_positions": n_positions, "n_embd": n_embd, "n_layer": n_layer}
    config = OpenAIGPTConfig(**sizes, n_head=1)  # las cabezas no cuentan, y con una vale cualquier anchura
    with torch.device("meta"):  # con sus formas y sin reservar memoria
        return sum(part.numel() for part in GPT1(config).parameters())


def block_parameters(d: int) -> int:
    """Parámetros de un bloque de anchura `d`: lo que añade uno a un modelo que no tiene ninguno."""
    return total_parameters(1, 1, d, 1) - total_parameters(1, 1, d, 0)


def equal_context(vocab_size: int, n_embd: int, n_layer: int) -> float:
    """Con cuántos tokens de contexto la atención hace tantas operaciones como todas las matrices juntas."""
    matrices = 12 * n_layer * n_embd**2 + vocab_size * n_embd
    attention_per_token = 2 * n_layer * n_embd
    return matrices / attention_per_token


def small_config() -> OpenAIGPTConfig:
    """La ficha bien escrita de un GPT-1 a la mitad: 6 capas, 384 dimensiones y 6 cabezas."""
    return OpenAIGPTConfig(n_layer=6, n_embd=384, n_head=6)


def _total_with(extra):
    return lambda v, p, d, n: total_parameters(v, p, d, n) + extra(v, p, d, n)


def _block_with(inner=lambda d: 4 * d, joint=lambda d: 3 * d):
    """Un bloque con otra anchura dentro de la MLP o a la salida de `c_attn`."""
    return lambda d: block_parameters(d) + (2 * d + 1) * (inner(d) - 4 * d) + (d + 1) * (joint(d) - 3 * d)


EXACT = 1e-9  # se cuentan cosas: no vale acercarse
SIZES = [(40_478, 512, 768, 12), (8_192, 256, 256, 4)]

EXERCISES = {
    "02-bloque": Exercise(
        goes_on=True,
        tolerance=EXACT,
        reference=block_parameters,
        cases=[(768,), (256,), (64,)],
        mistakes=[
            Mistake(
                lambda d: block_parameters(d) - 9 * d,
                "te faltan los sesgos de las cuatro matrices: cada salida lleva uno, así que son 3d + d + 4d + d = 9d.",
            ),
            Mistake(
                lambda d: block_parameters(d) - 4 * d,
                "te faltan las dos normalizaciones: cada LayerNorm tiene una ganancia y un sesgo por dimensión, 2d.",
            ),
            Mistake(
                lambda d: block_parameters(d) - 2 * d,
                "te faltan 2d: o has contado una sola LayerNorm o te has dejado el sesgo de cada una.",
            ),
            Mistake(
                lambda d: block_parameters(d) - 2 * d * d - 2 * d,
                "has contado c_attn como una matriz d × d, y hace tres cosas a la vez (consulta, clave y valor): su "
                "salida mide 3d.",
            ),
            Mistake(
                lambda d: block_parameters(d) - d * d - d,
                "te falta c_proj de la atención: la matriz d × d (y su sesgo) que mezcla lo que han visto las cabezas.",
            ),
            Mistake(
                lambda d: block_parameters(d) - 6 * d * d - 3 * d,
                "tu MLP no se ensancha: c_fc va de d a 4d y c_proj vuelve de 4d a d.",
            ),
            Mistake(
                lambda d: block_parameters(d) - 3 * d,
                "el sesgo de c_fc mide 4d, uno por cada salida, y no d.",
            ),
            Mistake(
                _block_with(inner=lambda d: 3072),
                "has dejado fijo un número de d = 768: la MLP no mide siempre 3072, sino 4d.",
            ),
            Mistake(
                lambda d: block_parameters(d) + 2 * d * (3072 - 4 * d),
                "has dejado fijo un número de d = 768: las matrices de la MLP no llegan siempre a 3072, sino a 4d.",
            ),
            Mistake(
                _block_with(joint=lambda d: 2304),
                "has dejado fijo un número de d = 768: la salida de c_attn no mide siempre 2304, sino 3d.",
            ),
            Mistake(
                _block_with(inner=lambda d: 3072, joint=lambda d: 2304),
                "has dejado fijos los números de d = 768: 3072 es 4d, y 2304, 3d.",
            ),
            Mistake(
                lambda d: block_parameters(d) - 4 * d * d,
                "has contado los pesos de una sola matriz en la MLP, y tiene dos: de d a 4d y de 4d a d.",
            ),
            Mistake(
                lambda d: block_parameters(d) - 4 * d * d - d,
                "te falta mlp.c_proj: la matriz que vuelve de 4d a d, con su sesgo.",
            ),
            Mistake(
                lambda d: block_parameters(d) - 4 * d * d - 4 * d,
                "te falta mlp.c_fc: la matriz que ensancha de d a 4d, con su sesgo.",
            ),
            Mistake(
                lambda d: block_parameters(d) + 11 * 3 * d * d,
                "has multiplicado los pesos de c_attn por las 12 cabezas, y ya están todas dentro: se reparten sus "
                "columnas.",
            ),
            Mistake(
                lambda d: block_parameters(d) + 11 * (3 * d * d + 3 * d),
                "has multiplicado c_attn por las 12 cabezas, y ya están todas dentro: se reparten sus columnas.",
            ),
            Mistake(
                lambda d: block_parameters(d) + 11 * (4 * d * d + 4 * d),
                "has multiplicado la atención por las 12 cabezas, y sus dos matrices son de todas a la vez.",
            ),
            Mistake(
                lambda d: 4 * d * d + 4 * d,
                "eso es solo la atención: faltan la MLP, que mide el doble, y las dos normalizaciones.",
            ),
            Mistake(
                lambda d: 12 * d * d,
                "las cuatro matrices están bien, y no hay nada más: faltan los sesgos y las dos normalizaciones.",
            ),
        ],
        success="12d² + 13d: con d = 768, los 7 087 872 de cada bloque.",
    ),
    "02-total": Exercise(
        goes_on=True,
        tolerance=EXACT,
        reference=total_parameters,
        cases=SIZES,
        mistakes=[
            Mistake(
                _total_with(lambda v, p, d, n: v * d + p - p * d),
                "es la función tal como estaba: uno de los fallos está en el 2 y el otro, en las posiciones.",
            ),
            Mistake(
                _total_with(lambda v, p, d, n: v * d),
                "has contado dos veces la matriz de embeddings: la salida (lm_head) es esa misma matriz, no otra.",
            ),
            Mistake(
                _total_with(lambda v, p, d, n: -p * d),
                "te faltan los embeddings de posición: GPT-1 los aprende, un vector de n_embd por cada posición.",
            ),
            Mistake(
                _total_with(lambda v, p, d, n: -(v + p) * d),
                "solo has sumado los bloques: faltan las dos tablas, la de tokens y la de posiciones.",
            ),
            Mistake(
                _total_with(lambda v, p, d, n: (v + p) * d),
                "las posiciones ya son vectores, pero ahora el 2 las duplica también a ellas: sobra, porque ninguna de "
                "las dos tablas se cuenta dos veces.",
            ),
            Mistake(
                _total_with(lambda v, p, d, n: (1 - n) * block_parameters(d)),
                "has sumado un solo bloque: hay n_layer, y ninguno comparte pesos con otro.",
            ),
            Mistake(
                _total_with(lambda v, p, d, n: 2 * d),
                "te sobran 2·n_embd: la normalización final es de GPT-2; en GPT-1 cada bloque ya acaba en una.",
            ),
            Mistake(
                _total_with(lambda v, p, d, n: n * p * p),
                "has sumado las máscaras causales de n_positions × n_positions: van en el archivo del Hub, pero no se "
                "aprenden, así que no son parámetros.",
            ),
            Mistake(
                _total_with(lambda v, p, d, n: p - p * d),
                "cada posición no es un número, sino un vector: multiplica n_positions por n_embd.",
            ),
        ],
        success="116 534 784 para GPT-1, y la misma función vale para el modelo del curso.",
    ),
    "02-cabezas": Exercise(
        reference=0,
        mistakes=[
            Mistake(
                24,
                "24 es el número de cabezas, no lo que gana el modelo: ¿qué matriz cambiaría de forma?",
            ),
            Mistake(
                12,
                "12 son las cabezas de más, no los parámetros de más: ¿qué matriz traería consigo cada una?",
            ),
            Mistake(
                9_216,
                "9216 son 12 × 768: cada cabeza nueva no trae un vector suyo, se reparte lo que ya hay.",
            ),
            Mistake(
                28_311_552,
                "eso sería duplicar las cuatro matrices d × d de la atención. Pero las cabezas no traen matrices "
                "propias: se reparten las columnas de las que ya hay.",
            ),
            Mistake(
                21_233_664,
                "eso sería duplicar c_attn. Con 24 cabezas su salida sigue midiendo 3 × 768; solo se corta en trozos "
                "de 32 en vez de 64.",
            ),
            Mistake(
                85_054_464,
                "eso sería duplicar los bloques enteros, que es lo que hace n_layer=24, no n_head=24.",
            ),
            Mistake(
                -14_155_776,
                "has hecho más pequeñas las matrices porque cada cabeza mide la mitad, pero hay el doble de cabezas: "
                "se compensa exactamente.",
            ),
        ],
        success="ni uno: n_head solo dice en cuántos trozos se corta el vector de n_embd.",
    ),
    "02-contexto": Exercise(
        goes_on=True,
        tolerance=0.01,  # vale contar los bloques enteros: lo que no está en una matriz no llega a eso
        reference=equal_context,
        cases=[(40_478, 768, 12), (8_192, 256, 4)],
        mistakes=[
            Mistake(
                lambda v, d, n: 6 * d,
                "te faltan los logits: el vector final se multiplica por las vocab_size filas de los embeddings.",
            ),
            Mistake(
                lambda v, d, n: 2 * equal_context(v, d, n),
                "te sale justo el doble: o has contado un solo producto de la atención (son dos, con las claves y con "
                "los valores), o has puesto el 2 de los FLOPs en las matrices y no en la atención.",
            ),
            Mistake(
                lambda v, d, n: equal_context(v, d, n) / 2,
                "te sale justo la mitad: el 2 de los FLOPs está en la atención y falta en las matrices.",
            ),
            Mistake(
                lambda v, d, n: n * equal_context(v, d, n),
                "has contado la atención de una sola capa: las n_layer capas miran al contexto.",
            ),
            Mistake(
                lambda v, d, n: (12 * d * d + v * d) / (2 * n * d),
                "has contado las matrices de un solo bloque: hay n_layer.",
            ),
            Mistake(
                lambda v, d, n: equal_context(v, d, n) + v / (2 * n),
                "has sumado también la entrada: buscar la fila de un token en una tabla no multiplica nada.",
            ),
            Mistake(
                lambda v, d, n: 1 / equal_context(v, d, n),
                "has dividido al revés: se pide cuántos tokens, y tu resultado es menor que uno.",
            ),
        ],
        success="unos 6295 tokens en GPT-1, doce veces su contexto: ahí la atención aún no es el problema.",
    ),
    "02-erratas": Exercise(
        goes_on=True,
        reference=small_config,
        cases=[()],
        mistakes=[
            Mistake(
                lambda: OpenAIGPTConfig(n_layers=6, n_embed=384, n_heads=6),
                "sigue siendo un GPT-1 entero: los tres nombres tienen una errata y la clase los guarda sin usarlos.",
            ),
            Mistake(
                lambda: OpenAIGPTConfig(n_layer=6, n_embed=384, n_head=6),
                "la anchura sigue siendo 768: revisa que esté el campo y que se llame n_embd, sin la segunda «e».",
            ),
            Mistake(
                lambda: OpenAIGPTConfig(n_layer=6, n_embd=384, n_heads=6),
                "las cabezas siguen siendo 12: revisa que esté el campo y que se llame n_head. No se nota al contar "
                "parámetros, y por eso es la más traicionera.",
            ),
            Mistake(
                lambda: OpenAIGPTConfig(n_layers=6, n_embd=384, n_head=6),
                "las capas siguen siendo 12: revisa que esté el campo y que se llame n_layer.",
            ),
            Mistake(
                lambda: OpenAIGPTConfig(n_layer=6, n_embed=384, n_heads=6),
                "solo has arreglado las capas: la anchura y las cabezas siguen con su errata.",
            ),
            Mistake(
                lambda: OpenAIGPTConfig(n_layers=6, n_embd=384, n_heads=6),
                "solo has arreglado la anchura: las capas y las cabezas siguen con su errata.",
            ),
            Mistake(
                lambda: OpenAIGPTConfig(n_layers=6, n_embed=384, n_head=6),
                "solo has arreglado las cabezas: las capas y la anchura siguen con su errata.",
            ),
        ],
        success="los nombres exactos son n_layer, n_embd y n_head.",
    ),
}
