"""Las cuatro heurísticas de disparo cero del artículo (§5), y los pares mínimos: de un modelo y unos registros.

Ninguna entrena nada. Todas devuelven un `Result` con azar, intervalo y trampas sencillas: cuánto se acierta mirando
solo la longitud o la frecuencia de las palabras. Si no las supera, su puntuación no dice que el modelo entienda nada.
`resamples` y `seed` son los del intervalo, `baselines=False` se salta las trampas, `unigrams` son las frecuencias con
que se calculan, y los demás argumentos con nombre (`truncate`, `share_prefix`, `batch_tokens`) pasan a
`log_prob_batch`. El código que publicó OpenAI no las incluye. Lección 07.
"""

from collections import Counter

import numpy as np
from sklearn.metrics import matthews_corrcoef

from helpers.environment import ROOT
from helpers.intervals import bootstrap
from helpers.zeroshot.evaluation import (
    MATTHEWS,
    Result,
    cells,
    choice_result,
    choose_threshold,
    matthews,
    require_examples,
)
from helpers.zeroshot.records import Labelled, MinimalPair, PronounSchema, Question
from helpers.zeroshot.scoring import PARAGRAPH, log_prob_batch

STORIES = ROOT / "data" / "stories"
ACCEPTABLE = {"acceptable": True, "unacceptable": False}
# Las palabras del artículo, y otras que los cuentos usan tras «very» y gpt1-mini tiene de una pieza (elegidas con las
# frases de entrenamiento de `sentiment`: con las de prueba no sería disparo cero).
VERBALIZERS = {
    "paper": {"positive": ["positive"], "negative": ["negative"]},
    "stories": {"positive": ["happy", "glad", "pleased"], "negative": ["sad", "sorry", "unhappy"]},
}


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


def _length_and_frequency(tokenizer, options_of_each, unigrams, normalize: str) -> dict[str, list]:
    """Para elegir entre opciones: la más larga, la más corta (en tokens) y la de palabras más frecuentes."""
    longest = [[len(tokenizer.text_to_ids(option)) for option in options] for options in options_of_each]
    return {
        "la más larga": longest,
        "la más corta": [[-length for length in lengths] for lengths in longest],
        "palabras más frecuentes": [
            [unigrams(option, normalize) for option in options] for options in options_of_each
        ],
    }


def acceptability(
    model, tokenizer, train, test, *, task="Aceptabilidad",
    unigrams=None, baselines=True, resamples=1000, seed=0, **scoring,
) -> Result:  # fmt: skip
    """¿Es gramatical? Log P medio de la frase, con el umbral elegido en `train`; coeficiente de Matthews en `test`.

    `train` y `test`: listas de `Labelled` con `"acceptable"` o `"unacceptable"`. Se puntúa el texto tal cual, sin
    tokens especiales, así que el primer token no cuenta. El intervalo no incluye lo que cambiaría el umbral con otras
    frases de entrenamiento. Lanza `ValueError` si en `train` falta una de las clases.
    """
    require_examples(task, train, Labelled)
    require_examples(task, test, Labelled)
    truth = [[_acceptable(record) for record in records] for records in (train, test)]
    if len(set(truth[0])) < 2:
        raise ValueError(
            f"{task}: para elegir el umbral hacen falta frases de las dos clases en el entrenamiento."
        )
    texts = [[record.text for record in records] for records in (train, test)]
    found = log_prob_batch(model, tokenizer, [("", text) for text in texts[0] + texts[1]], **scoring)
    means = [one.mean for one in found]
    scores = means[: len(train)], means[len(train) :]
    threshold, train_score = choose_threshold(scores[0], truth[0])
    predictions = np.asarray(scores[1]) > threshold
    tricks = {}
    if baselines:
        unigrams = unigrams or Unigrams(tokenizer)
        length = lambda text: len(tokenizer.text_to_ids(text))  # noqa: E731
        for name, trick in {"longitud": length, "frecuencia de las palabras": unigrams}.items():
            tricks[name] = _threshold_trick(trick, texts, truth[0])
    examples = [
        {
            "text": text,
            "scores": [score],
            "prediction": bool(guess),
            "answer": right,
            "right": bool(guess) == right,
        }
        for text, score, guess, right in zip(texts[1], scores[1], predictions, truth[1], strict=True)
    ]
    units, counts = [record.group for record in test], cells(truth[1], predictions)
    return Result(
        task, MATTHEWS, float(matthews_corrcoef(truth[1], predictions)),
        bootstrap(counts, matthews, units, resamples, seed), 0.0, len(test),
        {name: float(matthews_corrcoef(truth[1], guesses)) for name, guesses in tricks.items()}, examples,
        {"threshold": threshold, "train_score": train_score}, counts,
        {name: cells(truth[1], guesses) for name, guesses in tricks.items()}, units,
    )  # fmt: skip


def _acceptable(record) -> bool:
    if record.label not in ACCEPTABLE:
        raise ValueError(
            f"«{record.text}» tiene la clase «{record.label}» y se esperaba «acceptable» o «unacceptable»."
        )
    return ACCEPTABLE[record.label]


def _threshold_trick(trick, texts, train_truth):
    """Predicciones de una trampa con umbral, a la que se deja elegir en `train` también hacia qué lado mira."""
    train, test = (np.array([trick(text) for text in part], dtype=float) for part in texts)
    threshold, sign = max(
        ((choose_threshold(sign * train, train_truth), sign) for sign in (1, -1)),
        key=lambda found: found[0][1],
    )
    return sign * test > threshold[0]


def sentiment(
    model, tokenizer, records, *, verbalizers=None, suffix="very", calibrate=None, train=(),
    task="Sentimiento", unigrams=None, baselines=True, resamples=1000, seed=0, **scoring,
) -> Result:  # fmt: skip
    """¿Positivo o negativo? Tras el texto y `very`, qué palabra es más probable de entre las de cada clase.

    `verbalizers`: clase → sus palabras (por defecto, las del artículo: `positive` y `negative`); las probabilidades de
    los sinónimos se suman. De una palabra de varios tokens se toma la *suma* de sus log P, que es la probabilidad de la
    palabra entera. Como unas palabras son más frecuentes que otras diga lo que diga el texto,
    `calibrate="content_free"` resta lo que puntúan tras un `very` sin texto, y `"mean"`, lo que puntúan de media en
    `train`, otros `Labelled` con tantos de una clase como de la otra (sus clases no se miran). Con `train` se prueba
    también la longitud. Lanza `ValueError` si una clase no tiene palabras, una se repite o falta `train`.
    """
    require_examples(task, records, Labelled)
    if train or not isinstance(train, tuple):
        require_examples(task, train, Labelled)
    if not isinstance(suffix, str):
        raise ValueError(f'`suffix` es lo que va tras cada texto, como "very", y has dado {suffix!r:.60}.')
    verbalizers = _checked(VERBALIZERS["paper"] if verbalizers is None else verbalizers)
    labels = list(verbalizers)
    _check_labels(task, [*records, *train], labels)
    words = [word for label in labels for word in verbalizers[label]]
    if calibrate not in (None, "content_free", "mean"):
        raise ValueError(f'calibrate={calibrate!r} no existe: usa None, "content_free" o "mean".')
    if calibrate == "mean" and not len(train):
        raise ValueError(
            '`calibrate="mean"` resta la media de los textos de entrenamiento: pásalos, con `train=…`.'
        )
    others = train if calibrate == "mean" else []
    contexts = [suffix, *(f"{record.text} {suffix}".strip() for record in [*records, *others])]
    found = log_prob_batch(
        model, tokenizer, [(context or PARAGRAPH, words) for context in contexts], **scoring
    )
    raw = np.array([[one.total for one in options] for options in found])  # [1 + textos, palabras]
    ends = np.cumsum([len(verbalizers[label]) for label in labels])
    scores = np.stack(
        [np.logaddexp.reduce(part, axis=1) for part in np.split(raw, ends[:-1], axis=1)], axis=1
    )
    prior, scores, reference = scores[0], scores[1 : 1 + len(records)], scores[1 + len(records) :]
    removed = {None: 0, "content_free": prior}.get(calibrate, reference.mean(0) if others else 0)
    rights = [labels.index(record.label) for record in records]
    simple = {}
    if baselines:
        unigrams = unigrams or Unigrams(tokenizer)
        often = [max(unigrams(word, "sum") for word in verbalizers[label]) for label in labels]
        majority = Counter(rights)
        simple["palabra de clase más frecuente"] = [often] * len(records)
        simple["siempre la clase más común"] = [[majority[index] for index in range(len(labels))]] * len(
            records
        )
        if train and len(labels) == 2:
            texts = [[record.text for record in part] for part in (train, records)]
            guesses = _threshold_trick(
                lambda text: len(tokenizer.text_to_ids(text)),
                texts,
                [record.label == labels[1] for record in train],
            )
            simple["longitud"] = [[not guess, guess] for guess in guesses.tolist()]
    examples = [{"text": record.text, "labels": labels} for record in records]
    return choice_result(
        task, (scores - removed).tolist(), rights, examples, units=[record.group for record in records],
        baselines=simple, details={
            "prior": dict(zip(labels, prior.tolist(), strict=True)), "words": words,
            "removed": dict(zip(labels, np.broadcast_to(removed, len(labels)).tolist(), strict=True)),
        },
        resamples=resamples, seed=seed,
    )  # fmt: skip


def _checked(verbalizers) -> dict[str, list[str]]:
    """Clase → sus palabras; una palabra suelta vale como lista de una."""
    given = dict(verbalizers) if isinstance(verbalizers, dict) else {}
    words = {label: [some] if isinstance(some, str) else some for label, some in given.items()}
    if len(words) < 2 or not all(
        isinstance(some, list | tuple)
        and some
        and all(isinstance(word, str) and word.strip() for word in some)
        for some in words.values()
    ):
        raise ValueError(
            "Los verbalizadores son un diccionario con dos clases o más, cada una con su lista de palabras, y has dado "
            f"{verbalizers!r:.80}."
        )
    seen = Counter(word.strip().lower() for some in words.values() for word in some)
    if twice := [word for word, times in seen.items() if times > 1]:  # las probabilidades se suman
        raise ValueError(f"«{twice[0]}» está más de una vez entre los verbalizadores: cada palabra, una vez.")
    return words


def _check_labels(task, records, labels) -> None:
    for record in records:
        if record.label not in labels:
            raise ValueError(
                f"{task}: «{record.text:.60}» tiene la clase «{record.label}» y los verbalizadores son de {labels}."
            )


def choose_answer(
    model, tokenizer, questions, *, task="Preguntas",
    unigrams=None, baselines=True, resamples=1000, seed=0, **scoring,
) -> Result:  # fmt: skip
    """Preguntas y finales de cuento: la respuesta con mayor log P medio dado el contexto (documento y pregunta).

    `questions`: lista de `Question`. La suma, en vez de la media, favorecería a las respuestas cortas. Entre las
    trampas está la del mismo modelo sin leer el contexto (solo tras un salto de línea). Los contextos que no quepan
    necesitan `truncate=True`.
    """
    require_examples(task, questions, Question)
    groups = [list(question.options) for question in questions]
    contexts = [question.context for question in questions]

    def score(contexts):
        found = log_prob_batch(model, tokenizer, list(zip(contexts, groups, strict=True)), **scoring)
        return [[one.mean for one in options] for options in found]

    simple = {}
    if baselines:
        simple = _length_and_frequency(tokenizer, groups, unigrams or Unigrams(tokenizer), "mean")
        simple["el modelo sin el contexto"] = score([PARAGRAPH] * len(questions))
    examples = [{"text": question.context, "options": list(question.options)} for question in questions]
    return choice_result(
        task, score(contexts), [question.right for question in questions], examples,
        units=[question.group for question in questions], baselines=simple, resamples=resamples, seed=seed,
    )  # fmt: skip


def pronouns(
    model, tokenizer, schemas, *, task="Pronombres",
    unigrams=None, baselines=True, resamples=1000, seed=0, **scoring,
) -> Result:  # fmt: skip
    """¿A quién se refiere el pronombre? Se sustituye por cada candidato y se puntúa *solo lo que viene detrás*.

    `schemas`: lista de `PronounSchema`. Puntuar la frase entera premiaría al candidato más probable por sí mismo; el
    resto es igual en todos, así que ni su longitud ni la de los candidatos cuentan. El intervalo remuestrea gemelos
    enteros.
    """
    require_examples(task, schemas, PronounSchema)
    items = [
        (f"{schema.before} {candidate}".strip(), schema.after)
        for schema in schemas
        for candidate in schema.candidates
    ]
    means = iter([one.mean for one in log_prob_batch(model, tokenizer, items, **scoring)])
    scores = [[next(means) for _ in schema.candidates] for schema in schemas]
    candidates = [list(schema.candidates) for schema in schemas]
    simple = {}
    if baselines:
        simple = _length_and_frequency(tokenizer, candidates, unigrams or Unigrams(tokenizer), "mean")
        simple["siempre el primero"] = [[-index for index in range(len(options))] for options in candidates]
        simple["siempre el último"] = [[*range(len(options))] for options in candidates]
    examples = [
        {"text": f"{schema.before} [_] {schema.after}".strip(), "options": options}
        for schema, options in zip(schemas, candidates, strict=True)
    ]
    return choice_result(
        task, scores, [schema.right for schema in schemas], examples,
        units=[schema.group for schema in schemas], baselines=simple, resamples=resamples, seed=seed,
    )  # fmt: skip


def minimal_pairs(
    model, tokenizer, pairs, *, task="Pares mínimos",
    unigrams=None, baselines=True, resamples=1000, seed=0, **scoring,
) -> Result:  # fmt: skip
    """De dos frases casi iguales, ¿tiene la gramatical mayor log P total? No hay umbral que elegir.

    `pairs`: lista de `MinimalPair`; `details["phenomena"]`: fenómeno → (exactitud, pares). El primer token no cuenta:
    se pierde la diferencia de los pares que se distinguen en él. No está en el artículo: es el método de BLiMP
    (Warstadt et al., 2020).
    """
    require_examples(task, pairs, MinimalPair)
    groups = [[pair.good, pair.bad] for pair in pairs]
    found = log_prob_batch(model, tokenizer, [("", group) for group in groups], **scoring)
    scores = [[one.total for one in options] for options in found]
    simple = {}
    if baselines:
        simple = _length_and_frequency(tokenizer, groups, unigrams or Unigrams(tokenizer), "sum")
    examples = [
        {"text": pair.good, "options": group, "phenomenon": pair.phenomenon}
        for pair, group in zip(pairs, groups, strict=True)
    ]
    result = choice_result(
        task, scores, [0] * len(pairs), examples, baselines=simple, resamples=resamples, seed=seed
    )
    gained = {}
    for example in result.examples:
        gained.setdefault(example["phenomenon"], []).append(example["credit"])
    result.details["phenomena"] = {
        name: (float(np.mean(credits)), len(credits)) for name, credits in sorted(gained.items())
    }
    return result
