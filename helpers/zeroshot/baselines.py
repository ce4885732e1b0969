"""Las trampas sencillas: cuánto se acierta mirando solo la longitud o la frecuencia de las palabras. Lección 07.

Si una heurística no las supera, su puntuación no dice que el modelo entienda nada.
"""

import numpy as np

from helpers.environment import ROOT

STORIES = ROOT / "data" / "stories"


class Unigrams:
    """Frecuencia de cada token en unos textos (por defecto, los cuentos del curso), con un recuento añadido a todos.

    `Unigrams(tokenizer)(texto)` es el log P medio (o total) por token de un modelo que no mira el contexto.
    """

    def __init__(self, tokenizer, texts=None):
        if texts is None:
            texts = [path.read_text(encoding="utf-8") for path in sorted(STORIES.glob("*.txt"))]
        counts = np.ones(len(tokenizer))
        for text in texts:
            np.add.at(counts, tokenizer.text_to_ids(text), 1)
        self.tokenizer, self.log_probs = tokenizer, np.log(counts / counts.sum())

    def __call__(self, text: str, normalize: str = "mean") -> float:
        values = self.log_probs[self.tokenizer.text_to_ids(text)]
        return float(values.sum() if normalize == "sum" else values.mean())


def length_and_frequency(tokenizer, options_of_each, unigrams, normalize: str) -> dict[str, list]:
    """Para elegir entre opciones: la más larga, la más corta (en tokens) y la de palabras más frecuentes."""
    longest = [[len(tokenizer.text_to_ids(option)) for option in options] for options in options_of_each]
    return {
        "la más larga": longest,
        "la más corta": [[-length for length in lengths] for lengths in longest],
        "palabras más frecuentes": [
            [unigrams(option, normalize) for option in options] for options in options_of_each
        ],
    }
