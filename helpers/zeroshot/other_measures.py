"""Dos medidas que no están en el artículo: pares mínimos (como BLiMP) y última palabra (LAMBADA).

Mismos argumentos comunes que en `heuristics.py`. Lección 07.
"""

import numpy as np

from helpers.zeroshot.baselines import Unigrams, length_and_frequency
from helpers.zeroshot.evaluation import ACCURACY, Result, accuracy, bootstrap, choice_result, require_examples
from helpers.zeroshot.heuristics import choose_value
from helpers.zeroshot.scoring import log_prob_batch


def minimal_pairs(
    model, tokenizer, pairs, *, start="", normalize="sum", task="Pares mínimos",
    unigrams=None, baselines=True, resamples=1000, seed=0, **scoring,
) -> Result:  # fmt: skip
    """De dos frases casi iguales, ¿tiene la gramatical mayor log P total? No hay umbral que elegir.

    `pairs`: lista de `MinimalPair`; `details["phenomena"]`: fenómeno → (exactitud, pares). Con `start=""` el primer
    token no cuenta y se pierde la diferencia de los pares que se distinguen en él; con `start=PARAGRAPH`, sí. Es el
    método de BLiMP (Warstadt et al., 2020).
    """
    require_examples(task, pairs)
    groups = [[pair.good, pair.bad] for pair in pairs]
    found = log_prob_batch(model, tokenizer, [(start, group) for group in groups], **scoring)
    scores = [[choose_value(one, normalize) for one in options] for options in found]
    simple = {}
    if baselines:
        simple = length_and_frequency(tokenizer, groups, unigrams or Unigrams(tokenizer), normalize)
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


def last_word(
    model, tokenizer, records, *, task="Última palabra",
    unigrams=None, baselines=True, resamples=1000, seed=0, **scoring,
) -> Result:  # fmt: skip
    """LAMBADA: ¿escribiría el modelo la última palabra, token a token y eligiendo siempre el más probable?

    `records`: lista de `LastWord`. Cuentan todos los tokens de la palabra: el último lleva su fin de palabra (`</w>`),
    así que acertar el principio de otra más larga no vale. Trampas: una palabra del texto al azar y la más frecuente.
    """
    require_examples(task, records)
    found = log_prob_batch(model, tokenizer, [(record.context, record.word) for record in records], **scoring)
    rights = [one.greedy for one in found]
    simple = {}
    if baselines:
        seen = [tokenizer.words(record.context) for record in records]
        words = [" ".join(tokenizer.words(record.word)) for record in records]
        unigrams = unigrams or Unigrams(tokenizer)
        commonest = max(
            (word for text in seen for word in text), key=lambda word: unigrams(word, "sum"), default=""
        )
        simple = {
            "una palabra del texto al azar": float(
                np.mean(
                    [text.count(word) / max(1, len(text)) for text, word in zip(seen, words, strict=True)]
                )
            ),
            "la palabra más frecuente": float(np.mean([word == commonest for word in words])),
        }
    examples = [
        {
            "text": record.context, "answer": record.word, "scores": [one.total],
            "prediction": tokenizer.convert_tokens_to_string(list(one.likeliest)), "right": one.greedy,
        }
        for record, one in zip(records, found, strict=True)
    ]  # fmt: skip
    interval = bootstrap([[right, 1] for right in rights], accuracy, None, resamples, seed)
    return Result(
        task,
        ACCURACY,
        float(np.mean(rights)),
        interval,
        1 / model.config.vocab_size,
        len(rights),
        simple,
        examples,
    )
