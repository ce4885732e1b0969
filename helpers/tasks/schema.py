"""Las columnas que comparten todas las tareas y las comprobaciones de cada fila."""

import math

from datasets import Dataset, Features, List, Value

FEATURES = Features(
    {
        "id": Value("string"),
        "text": Value("string"),  # el texto, la premisa, la primera frase o el contexto
        "pair": Value("string"),  # la hipótesis o la segunda frase; "" si no hay
        "options": List(Value("string")),  # las respuestas, en opción múltiple
        "label": Value("int64"),  # la clase o la opción acertada; -1 si no se sabe
        "score": Value("float64"),  # la puntuación; nan si no hay
    }
)


def make_row(place, id, text, pair=None, options=(), label=-1, score=float("nan"), columns=("text", "pair")):
    """Una fila con todas las columnas; `columns` son los nombres de los textos en el archivo, para los errores.

    Lanza `TaskError` si algún texto no es texto o está vacío.
    """
    texts = [(columns[0], text)] + ([] if pair is None else [(columns[1], pair)])
    for column, value in [*texts, *(("options", option) for option in options)]:
        if not isinstance(value, str):
            raise place.error(f"la columna «{column}» debe ser un texto y es {value!r:.60}.")
        if not value.strip():
            raise place.error(f"la columna «{column}» está vacía y se esperaba una frase.")
    return {
        "id": str(id),
        "text": text.strip(),
        "pair": "" if pair is None else pair.strip(),
        "options": [option.strip() for option in options],
        "label": label,
        "score": score,
    }


def read_code(place, value, codes, column="label") -> int:
    """El lugar de `value` en `codes`. Lanza `TaskError` con lo que se encontró y lo que se esperaba."""
    if value not in codes:
        expected = ", ".join(f"«{code}»" for code in codes)
        raise place.error(f"la columna «{column}» dice «{value}» y se esperaba una de estas: {expected}.")
    return codes.index(value)


def read_score(place, value, column="score") -> float:
    """`value` como número. Lanza `TaskError` si no lo es."""
    try:
        if math.isfinite(number := float(value)):
            return number
    except (TypeError, ValueError):
        pass
    raise place.error(f"la columna «{column}» dice «{value}» y se esperaba un número.")


def make_dataset(rows: list[dict]) -> Dataset:
    return Dataset.from_dict({name: [row[name] for row in rows] for name in FEATURES}, features=FEATURES)
