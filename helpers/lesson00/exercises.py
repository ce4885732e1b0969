"""Los ejercicios de la lección 00: elegir el token siguiente, contar pasos y calcular cuánto cabe."""

from helpers.exercises import Exercise, Mistake

# Las posiciones que tiene el modelo del curso y las que tiene GPT-1 (artículo, §4.1).
MINI_POSITIONS, GPT1_POSITIONS = 256, 512
PROMPT, NEW = 7, 40  # tokens del texto de partida y tokens nuevos que piden los enunciados

# En la primera y en la tercera no coinciden el primero, el último, el menor ni los extremos alfabéticos. En la tercera,
# además, el mayor es pequeño y el segundo lo sigue de cerca: ni un umbral ni un redondeo lo encuentran.
PROBS = [
    ({"window": 0.08, "door": 0.29, "zoo": 0.04, "attic": 0.02, "key": 0.005, "table": 0.06},),
    ({"said": 0.11, "was": 0.05, "again": 0.03, "looked": 0.31, "a": 0.01, "room": 0.12},),
    ({"her": 0.061, "the": 0.064, "mr": 0.012, "it": 0.058, "an": 0.02, "zeal": 0.035},),
]


def most_likely(probs: dict[str, float]) -> str:
    """El token más probable de `probs` (token → probabilidad)."""
    return max(probs, key=probs.get)


EXERCISES = {
    "00-siguiente": Exercise(
        reference=most_likely,
        cases=PROBS,
        mistakes=[
            Mistake(
                lambda probs: max(probs),
                "max(probs) compara los nombres de los tokens y te da el último por orden alfabético. Dile a max qué "
                "tiene que comparar: las probabilidades.",
            ),
            Mistake(
                lambda probs: max(probs.values()),
                "has devuelto la probabilidad más alta, no el token al que pertenece. Se pide el texto del token.",
            ),
            Mistake(
                lambda probs: max(probs.items(), key=lambda item: item[1]),
                "has devuelto la pareja (token, probabilidad). Vas muy bien: quédate solo con el token.",
            ),
            Mistake(
                lambda probs: min(probs, key=probs.get),
                "ese es el token menos probable: te has quedado con el mínimo en lugar del máximo.",
            ),
            Mistake(
                lambda probs: next(iter(probs)),
                "devuelves siempre el primer token del diccionario, y no viene ordenado por probabilidad.",
            ),
            Mistake(
                lambda probs: list(probs)[-1],
                "devuelves siempre el último token del diccionario, y no viene ordenado por probabilidad.",
            ),
            Mistake(
                lambda probs: sorted(probs)[0],
                "has ordenado los tokens por orden alfabético. Hay que ordenarlos (o compararlos) por su probabilidad.",
            ),
        ],
        success="eso es elegir de forma voraz (greedy): siempre el token más probable.",
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
                NEW - 1,
                "te falta una: el primer token nuevo también necesita su ejecución, la que lee el texto de partida.",
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
                "has restado de 512, que son las posiciones de GPT-1. La pregunta es sobre gpt1-mini: mira la tabla.",
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
                GPT1_POSITIONS,
                "ese es el total de posiciones de GPT-1. Busca en la tabla las de gpt1-mini y descuenta el texto de "
                "partida.",
            ),
        ],
        success="entre lo que le das y lo que escribe no puede pasar de sus posiciones.",
    ),
}
