"""Las heurísticas como sonda del preentrenamiento: cómo suben con las actualizaciones (artículo, figura 2, derecha)."""

from helpers.zeroshot import heuristics
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
    train = load_records("acceptability", split="train") if "acceptability" in names else []
    settings = {"baselines": False, "resamples": 0}

    def measure(model) -> dict[str, float]:
        scores = {}
        for name, records in data.items():
            try:
                scores[f"zero_shot_{name}"] = round(
                    _RUN[name](model, tokenizer, records, train, settings).score, 4
                )
            except TextTooLong:
                continue
        return scores

    return measure


def _records(name: str, limit: int | None) -> list:
    if name in ("sentiment", "acceptability"):  # con `train` se eligieron los verbalizadores o el umbral
        return spread([*load_records(name, split="validation"), *load_records(name, split="test")], limit)
    return load_records(name, limit=limit)


_RUN = {
    "minimal_pairs": lambda model, tokenizer, records, _, settings: heuristics.minimal_pairs(
        model, tokenizer, records, **settings
    ),
    "acceptability": lambda model, tokenizer, records, train, settings: heuristics.acceptability(
        model, tokenizer, train, records, **settings
    ),
    "sentiment": lambda model, tokenizer, records, _, settings: heuristics.sentiment(
        model,
        tokenizer,
        records,
        verbalizers=heuristics.VERBALIZERS["stories"],
        calibrate="mean",
        **settings,
    ),
    "pronouns": lambda model, tokenizer, records, _, settings: heuristics.pronouns(
        model, tokenizer, records, **settings
    ),
    "reading": lambda model, tokenizer, records, _, settings: heuristics.choose_answer(
        model, tokenizer, records, **settings
    ),
    "story_cloze": lambda model, tokenizer, records, _, settings: heuristics.choose_answer(
        model, tokenizer, records, **settings
    ),
}
