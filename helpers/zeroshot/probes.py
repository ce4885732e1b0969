"""Las heurísticas como sonda del preentrenamiento: cómo suben con las actualizaciones (artículo, figura 2, derecha)."""

from helpers.zeroshot import heuristics
from helpers.zeroshot.evaluation import Result
from helpers.zeroshot.records import load_records, spread
from helpers.zeroshot.scoring import TextTooLong

PROBES = {  # nombre → cómo se le llama en figuras y fichas
    "minimal_pairs": "Pares mínimos",
    "acceptability": "Aceptabilidad",
    "sentiment": "Sentimiento",
    "pronouns": "Pronombres",
    "reading": "Lectura",
    "story_cloze": "Finales de cuento",
}


def probes(tokenizer, limit: int | None = 100, names=PROBES):
    """Una función modelo → `{"zero_shot_minimal_pairs": 0.71, …}` para `pretrain(..., probes=[probes(tokenizer)])`.

    Cada valor es la puntuación (exactitud o, en aceptabilidad, Matthews) en unos `limit` ejemplos de los datos del
    curso, siempre los mismos; `None` = todos. Los datos se leen al crearla: si falta algo, se sabe antes de entrenar.
    La tarea que no cabe en un modelo de pocas posiciones se deja fuera en vez de parar el entrenamiento. Lanza
    `ValueError` si un nombre no existe. Lección 07.
    """
    unknown = [name for name in names if name not in _RUN]
    if unknown:
        raise ValueError(f"No hay ninguna sonda «{unknown[0]}»: elige entre {', '.join(PROBES)}.")
    data = {name: _records(name, limit) for name in names}

    def results(model) -> dict[str, Result]:
        found = {}
        for name, records in data.items():
            try:
                found[name] = _RUN[name](model, tokenizer, *records, baselines=False, resamples=0)
            except TextTooLong:
                continue
        return found

    def measure(model) -> dict[str, float]:
        return {f"zero_shot_{name}": round(found.score, 4) for name, found in results(model).items()}

    measure.data = data  # para saber, al seguir un entrenamiento, si aún se mide con lo mismo
    measure.results = results  # con lo que aporta cada ejemplo, para comparar dos modelos
    return measure


def _records(name: str, limit: int | None) -> tuple[list, ...]:
    """Lo que recibe la heurística: los registros y, si elige un umbral, delante los de entrenamiento."""
    if name not in ("sentiment", "acceptability"):
        return (load_records(name, limit=limit),)
    # con `train` se eligen el umbral o las palabras, y con él se calibra
    test = spread([*load_records(name, split="validation"), *load_records(name, split="test")], limit)
    return load_records(name, split="train"), test


def _sentiment(model, tokenizer, train, test, **settings):
    """Con las palabras de los cuentos, calibradas con los textos de entrenamiento."""
    words = heuristics.VERBALIZERS["stories"]
    return heuristics.sentiment(
        model, tokenizer, test, verbalizers=words, calibrate="mean", train=train, **settings
    )


_RUN = {
    "minimal_pairs": heuristics.minimal_pairs,
    "acceptability": heuristics.acceptability,
    "sentiment": _sentiment,
    "pronouns": heuristics.pronouns,
    "reading": heuristics.choose_answer,
    "story_cloze": heuristics.choose_answer,
}
