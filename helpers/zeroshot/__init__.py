"""Lo que un modelo de lenguaje sabe hacer sin ajustarlo: log-probabilidades y las heurísticas del artículo (§5).

    from helpers import models, zeroshot
    model, tokenizer = models.load("gpt1-mini")
    zeroshot.log_prob(model, tokenizer, "The old man looked at the", "sea.").mean
    pairs = zeroshot.load_records("minimal_pairs")
    zeroshot.report(zeroshot.minimal_pairs(model, tokenizer, pairs))

Lección 07.
"""

from helpers.intervals import bootstrap, wilson
from helpers.zeroshot.evaluation import (
    Result,
    choose_threshold,
    rank_shares,
    relative,
    report,
)
from helpers.zeroshot.heuristics import (
    VERBALIZERS,
    Unigrams,
    acceptability,
    choose_answer,
    minimal_pairs,
    pronouns,
    sentiment,
)
from helpers.zeroshot.probes import PROBES, probes
from helpers.zeroshot.records import Labelled, MinimalPair, PronounSchema, Question, load_records, spread
from helpers.zeroshot.scoring import PARAGRAPH, LogProbs, TextTooLong, log_prob, log_prob_batch

__all__ = [
    "PARAGRAPH",
    "PROBES",
    "VERBALIZERS",
    "Labelled",
    "LogProbs",
    "MinimalPair",
    "PronounSchema",
    "Question",
    "Result",
    "TextTooLong",
    "Unigrams",
    "acceptability",
    "bootstrap",
    "choose_answer",
    "choose_threshold",
    "load_records",
    "log_prob",
    "log_prob_batch",
    "minimal_pairs",
    "probes",
    "pronouns",
    "rank_shares",
    "relative",
    "report",
    "sentiment",
    "spread",
    "wilson",
]
