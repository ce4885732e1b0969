"""Cada heurística con un modelo de mentira de probabilidades conocidas: la respuesta buena y la de quien se equivoca.

El oráculo de las métricas es scikit-learn; el de los intervalos, un remuestreo escrito aparte o una fórmula.
"""

import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, matthews_corrcoef

from helpers.intervals import paired_interval
from helpers.tokenizer import NEWLINE
from helpers.zeroshot import (
    Labelled,
    MinimalPair,
    PronounSchema,
    Question,
    Unigrams,
    acceptability,
    bootstrap,
    choose_answer,
    choose_threshold,
    minimal_pairs,
    pronouns,
    rank_shares,
    relative,
    report,
    sentiment,
    wilson,
)
from helpers.zeroshot.evaluation import Result, _accuracy, cells, credit, matthews

VOCABULARY = 60
OTHERS = 1e-9  # lo que da el modelo de mentira a las palabras que su regla no nombra


class Words:
    """Un tokenizador de mentira: una palabra, un token; aprende los ids según salen."""

    def __init__(self):
        self.vocab = {NEWLINE: 0}

    def __len__(self):
        return VOCABULARY

    def words(self, text):
        return text.lower().split()

    def text_to_ids(self, text):
        return [self.vocab.setdefault(word, len(self.vocab)) for word in self.words(text)]

    def convert_tokens_to_ids(self, token):
        return self.vocab[token]

    def convert_ids_to_tokens(self, ids):
        names = {index: word for word, index in self.vocab.items()}
        return [names.get(index, f"?{index}") for index in ids]

    def convert_tokens_to_string(self, tokens):
        return " ".join(tokens)


class Rule:
    """Un modelo de mentira: `rule(palabras anteriores)` → {palabra: probabilidad}."""

    training, device = False, torch.device("cpu")
    config = SimpleNamespace(n_positions=64, vocab_size=VOCABULARY)

    def __init__(self, tokenizer, rule):
        self.tokenizer, self.rule, self.prefixes = tokenizer, rule, []

    def eval(self):
        return self

    train = lambda self, mode=True: self  # noqa: E731

    def transformer(self, ids, attention_mask=None):
        """El «estado oculto» de cada posición es el número de su prefijo; con él, `lm_head` sabe qué regla toca."""
        states = torch.zeros(*ids.shape, 1)
        for row, line in enumerate(ids.tolist()):
            for place in range(len(line)):
                self.prefixes.append(tuple(self.tokenizer.convert_ids_to_tokens(line[: place + 1])))
                states[row, place] = len(self.prefixes) - 1
        return (states,)

    def lm_head(self, states):
        table = torch.full((len(states), VOCABULARY), OTHERS, dtype=torch.float64)
        for row, state in enumerate(states[:, 0].long().tolist()):
            rule = self.rule(self.prefixes[state])
            assert sum(rule.values()) <= 1, "las probabilidades de la regla pasan de 1"
            for word, probability in rule.items():
                table[row, self.tokenizer.text_to_ids(word)[0]] = probability
            if (rest := 1 - table[row].sum()) > 0:  # lo que falta hasta 1 va a una palabra que nadie usa
                table[row, VOCABULARY - 1] += rest
        return table.log()


@pytest.fixture
def words():
    return Words()


def flat(tokenizer, **log_probs):
    """Un modelo que da a cada palabra siempre el mismo log P."""
    table = {word: math.exp(value) for word, value in log_probs.items()}
    return Rule(tokenizer, lambda before: table)


QUIET = {"baselines": False, "resamples": 0}


# --- aceptabilidad ---------------------------------------------------------------------------------------


def graded(tokenizer):
    return flat(tokenizer, a=-1, b=-2, c=-3, d=-4)


def test_acceptability_is_the_mean_with_a_threshold_from_training(words):
    model = graded(words)
    # Las buenas son más largas: su suma (-6) es peor que la de las malas (-4), pero su media no.
    train = [Labelled("x a a a a a a", "acceptable"), Labelled("x d", "unacceptable")]
    found = acceptability(model, words, train, train, **QUIET)
    assert found.score == pytest.approx(1) and found.chance == 0 and found.interval is None
    assert found.details["threshold"] == pytest.approx(-2.5, abs=1e-4)
    assert [example["scores"][0] for example in found.examples] == pytest.approx([-1, -4], abs=1e-4)

    # Con este umbral (-2,5) se falla la de -3 de la prueba; eligiéndolo con la prueba no se fallaría ninguna.
    labels = ["acceptable"] * 3 + ["unacceptable"] * 3
    test = [Labelled(f"x {word}", label) for word, label in zip("aacddd", labels, strict=True)]
    found = acceptability(model, words, train, test, **QUIET)
    truth, guesses = [1, 1, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]
    assert [example["prediction"] for example in found.examples] == [bool(guess) for guess in guesses]
    assert found.score == pytest.approx(matthews_corrcoef(truth, guesses)) and found.score < 1
    assert [example["right"] for example in found.examples] == [True, True, False, True, True, True]


def test_the_first_token_does_not_count(words):
    records = [Labelled("d a", "acceptable"), Labelled("a d", "unacceptable")]
    found = acceptability(graded(words), words, records, records, **QUIET)
    assert [example["scores"][0] for example in found.examples] == pytest.approx([-1, -4], abs=1e-4)


def test_acceptability_says_what_is_missing(words):
    good = [Labelled("x a", "acceptable")]
    with pytest.raises(ValueError, match="dos clases"):
        acceptability(graded(words), words, good, good)
    with pytest.raises(ValueError, match="«bien» y se esperaba"):
        acceptability(graded(words), words, [Labelled("x a", "bien")], good)
    with pytest.raises(ValueError, match="ningún ejemplo"):
        acceptability(graded(words), words, good, [])


def test_length_alone_can_fake_acceptability(words):
    train = [Labelled("x a", "acceptable"), Labelled("x a a a a", "unacceptable")] * 3
    found = acceptability(flat(words, a=-1), words, train, train, unigrams=Unigrams(words, ["a x"]))
    assert found.score == 0 and found.baselines["longitud"] == pytest.approx(1)
    assert found.best_baseline == ("longitud", pytest.approx(1))


@pytest.mark.parametrize("seed", range(5))
def test_threshold_is_the_best_of_all(seed):
    random = np.random.default_rng(seed)
    scores, truth = random.integers(0, 12, 40) / 4, random.integers(0, 2, 40).astype(bool)
    cuts = np.unique(scores)
    between = [cuts[0] - 1, *(cuts[:-1] + cuts[1:]) / 2, cuts[-1] + 1]  # y todas arriba o todas abajo
    every = {cut: matthews_corrcoef(truth, scores > cut) for cut in between}
    threshold, quality = choose_threshold(scores, truth)
    assert quality == pytest.approx(max(every.values()))
    assert matthews_corrcoef(truth, scores > threshold) == pytest.approx(quality)
    assert threshold == pytest.approx(min(cut for cut, value in every.items() if value > quality - 1e-12))
    assert choose_threshold([1, 1], [True, False])[1] == 0


def test_of_two_thresholds_as_good_the_lowest():
    assert choose_threshold([1, 2, 3, 4], [False, True, False, True]) == (1.5, pytest.approx(1 / 3**0.5))
    assert choose_threshold([1, 2, 3], [True, False, False]) == (0.0, 0)  # todas arriba


def test_a_threshold_is_never_worse_than_not_looking():
    """Si la puntuación va al revés que la clase, lo mejor es decir siempre lo mismo: Matthews 0, nunca negativo."""
    scores, truth = np.arange(6.0), np.array([1, 1, 1, 0, 0, 0], dtype=bool)
    threshold, quality = choose_threshold(scores, truth)
    assert quality == 0 and len({*(scores > threshold)}) == 1


def test_wilson_has_width_even_when_everything_is_right():
    z, n = 1.959964, 10
    assert wilson(1.0, n) == pytest.approx((n / (n + z * z), 1))
    low, high = wilson(0.5, 20)
    assert low == pytest.approx(1 - high) and 0.29 < low < 0.31


def test_rank_shares_split_a_tie():
    lengths, chosen = [[1, 2, 3], [2, 2, 5], [4, 1, 9]], [0, 1, 2]
    assert rank_shares(lengths, chosen) == pytest.approx([1.5 / 3, 0.5 / 3, 1 / 3])


def test_matthews_of_many_counts_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    samples = [*random.integers(0, 2, (20, 2, 15)), ([1, 0, 1], [1, 1, 1]), ([1, 1], [1, 1])]
    counts = [confusion_matrix(truth, guesses, labels=[0, 1]).ravel() for truth, guesses in samples]
    expected = [matthews_corrcoef(truth, guesses) for truth, guesses in samples[:-1]] + [0]
    assert matthews(counts) == pytest.approx(np.array(expected))


# --- sentimiento -----------------------------------------------------------------------------------------

REVIEWS = [Labelled("we love it", "positive"), Labelled("we hate it", "negative")]


def opinions(tokenizer, love, hate, alone):
    """P(palabra | … very) según si antes sale «love», «hate» o nada; sin «very» delante, al revés."""

    def rule(before):
        if before[-1] == "very":
            return love if "love" in before else hate if "hate" in before else alone
        return hate if "love" in before else love

    return Rule(tokenizer, rule)


def test_sentiment_appends_very_and_looks_only_at_the_two_words(words):
    model = opinions(
        words,
        {"positive": 0.02, "negative": 0.01, "tall": 0.9},
        {"positive": 0.01, "negative": 0.02, "tall": 0.9},
        {"positive": 0.01, "negative": 0.01},
    )
    found = sentiment(model, words, REVIEWS, **QUIET)
    assert found.score == 1 and found.chance == 0.5
    assert found.examples[0]["scores"] == pytest.approx([math.log(0.02), math.log(0.01)], abs=1e-5)
    assert (
        sentiment(model, words, REVIEWS, suffix="", **QUIET).score == 0
    )  # sin `very`, este modelo dice lo contrario


def test_the_prior_misleads_and_calibration_removes_it(words):
    model = opinions(
        words,
        {"positive": 0.10, "negative": 0.01},
        {"positive": 0.06, "negative": 0.02},  # gana «positive» aunque baje: siempre es más frecuente
        {"positive": 0.08, "negative": 0.01},
    )
    raw = sentiment(model, words, REVIEWS, unigrams=Unigrams(words, ["positive positive negative"]))
    assert raw.score == 0.5 and [example["prediction"] for example in raw.examples] == [0, 0]
    assert raw.details["prior"] == pytest.approx(
        {"positive": math.log(0.08), "negative": math.log(0.01)}, abs=1e-5
    )
    assert raw.baselines["palabra de clase más frecuente"] == 0.5
    for calibrate in ("content_free", "mean"):
        assert sentiment(model, words, REVIEWS, calibrate=calibrate, train=REVIEWS, **QUIET).score == 1
    expected = [math.log(0.06 / 0.08), math.log(0.02 / 0.01)]
    found = sentiment(model, words, REVIEWS, calibrate="content_free", **QUIET)
    assert found.examples[1]["scores"] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ValueError, match="content_free"):
        sentiment(model, words, REVIEWS, calibrate="sí", **QUIET)


def test_the_mean_that_is_removed_is_that_of_the_training_texts(words):
    model = opinions(
        words, {"positive": 0.10, "negative": 0.01}, {"positive": 0.06, "negative": 0.02},
        {"positive": 0.08, "negative": 0.01},
    )  # fmt: skip
    train = [REVIEWS[0], REVIEWS[0], REVIEWS[1]]  # no es la media de los textos que se puntúan
    found = sentiment(model, words, REVIEWS, calibrate="mean", train=train, **QUIET)
    logs = np.log([[0.10, 0.01], [0.06, 0.02]])
    expected = logs - (2 * logs[0] + logs[1]) / 3
    assert np.array([one["scores"] for one in found.examples]) == pytest.approx(expected, abs=1e-5)
    assert found.n == 2
    with pytest.raises(ValueError, match="pásalos, con .train"):
        sentiment(model, words, REVIEWS, calibrate="mean", **QUIET)


def test_verbalizers_of_several_tokens_and_several_words(words):
    def rule(before):
        return {"top": 0.10, "bad": 0.06, "poor": 0.03} if before[-1] == "very" else {"notch": 0.5}

    record = [Labelled("we love it", "negative")]
    several = {"positive": ["top notch"], "negative": ["bad"]}
    by_sum = sentiment(Rule(words, rule), words, record, verbalizers=several, **QUIET)
    assert by_sum.examples[0]["scores"] == pytest.approx([math.log(0.05), math.log(0.06)], abs=1e-5)
    assert by_sum.score == 1  # con el primer token (0,10) o con la media ganaría «top notch»
    synonyms = sentiment(
        Rule(words, rule),
        words,
        record,
        verbalizers={"positive": ["bad"], "negative": ["poor", "top"]},
        **QUIET,
    )
    assert synonyms.examples[0]["scores"][1] == pytest.approx(math.log(0.13), abs=1e-5)


WRONG_VERBALIZERS = [
    {}, {"positive": ["happy"]}, {"positive": [], "negative": ["sad"]}, {"positive": [" "], "negative": ["sad"]},
    {"positive": None, "negative": ["sad"]}, {"positive": [3], "negative": ["sad"]}, "happy", 3, ["happy", "sad"],
]  # fmt: skip


@pytest.mark.parametrize("verbalizers", WRONG_VERBALIZERS, ids=str)
def test_verbalizers_that_cannot_be(words, verbalizers):
    with pytest.raises(ValueError, match="dos clases o más, cada una con su lista de palabras, y has dado"):
        sentiment(flat(words), words, REVIEWS, verbalizers=verbalizers, **QUIET)


def test_a_lone_word_is_not_its_letters(words):
    one = {"positive": "happy", "negative": "sad"}
    model = flat(words, happy=-1.0, sad=-2.0)
    listed = sentiment(
        model, words, REVIEWS, verbalizers={name: [word] for name, word in one.items()}, **QUIET
    )
    assert sentiment(model, words, REVIEWS, verbalizers=one, **QUIET).score == listed.score


def test_sentiment_baselines(words):
    model = opinions(words, {"positive": 0.1}, {"negative": 0.1}, {})
    records = [*REVIEWS, Labelled("so much love", "positive"), Labelled("hate", "negative")]
    train = [Labelled("a b c", "positive"), Labelled("a", "negative")] * 2
    found = sentiment(model, words, records, train=train, unigrams=Unigrams(words, ["negative"]))
    assert found.baselines == {
        "palabra de clase más frecuente": 0.5,
        "siempre la clase más común": 0.5,  # empatan: cualquiera de las dos
        "longitud": 0.75,  # tres palabras, positivo; una, negativo
    }
    with pytest.raises(ValueError, match="«regular»"):
        sentiment(model, words, [Labelled("a", "regular")])


# --- preguntas y finales de cuento -----------------------------------------------------------------------


def test_choice_is_the_mean_of_the_whole_answer(words):
    def rule(before):
        if "story" not in before:
            return {"w": 0.6, "r": 0.1, "s": 0.2}
        # La mala empieza mejor y, al ser de un solo token, su suma gana; la media de la buena es mayor.
        return {"w": 0.30, "r": 0.20, "s": 0.45}

    model = Rule(words, rule)
    question = [Question("the story", ("w", "r s s"), 1)]
    found = choose_answer(model, words, question, unigrams=Unigrams(words, ["w w w r s"]))
    means = [math.log(0.30), math.log(0.20 * 0.45 * 0.45) / 3]
    assert found.examples[0]["scores"] == pytest.approx(means, abs=1e-5)
    assert found.score == 1 and found.chance == 0.5 and found.examples[0]["prediction"] == 1
    assert found.baselines == {
        "la más larga": 1.0,
        "la más corta": 0.0,
        "palabras más frecuentes": 0.0,
        "el modelo sin el contexto": 0.0,
    }


def test_chance_is_one_over_the_options(words):
    questions = [Question("c", ("a", "b", "c", "d"), 0), Question("c", ("a", "b"), 1)]
    found = choose_answer(graded(words), words, questions, **QUIET)
    assert found.chance == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert found.score == 0.5 and found.n == 2


# --- pronombres ------------------------------------------------------------------------------------------


def test_pronouns_score_only_what_follows_the_substitution(words):
    def rule(before):
        # Tras el rey, «ran» empieza mejor; el resto entero, «ran away», es mucho más propio del ratón.
        if before[-1] == "ran":
            return {"away": 0.5 if "mouse" in before else 0.05}
        follows = {"king": {"ran": 0.3}, "mouse": {"ran": 0.2}}
        return follows.get(before[-1], {"king": 0.9, "mouse": 0.001})  # el rey es más probable por sí mismo

    schema = PronounSchema.from_brackets("so [it] ran away", ["king", "mouse"], 1)
    found = pronouns(Rule(words, rule), words, [schema], unigrams=Unigrams(words, ["king"]))
    expected = [math.log(0.3 * 0.05) / 2, math.log(0.2 * 0.5) / 2]
    assert found.examples[0]["scores"] == pytest.approx(expected, abs=1e-5)
    assert found.score == 1  # con la frase entera (0,9 frente a 0,001) o solo con «ran» ganaría el rey
    assert found.baselines["siempre el primero"] == 0 and found.baselines["siempre el último"] == 1
    assert found.baselines["palabras más frecuentes"] == 0 and found.baselines["la más larga"] == 0.5


def test_the_pronoun_can_open_the_text_and_must_leave_something_after():
    schema = PronounSchema.from_brackets("[It] ran away.", ["the king", "the mouse"], 0, "t1")
    assert schema == PronounSchema("", "ran away.", ("the king", "the mouse"), 0, "t1")
    for text, words in [
        ("it ran", "0 pronombres"),
        ("[it] saw [it]", "2 pronombres"),
        ("they saw [it]", "no queda nada"),
    ]:
        with pytest.raises(ValueError, match=words):
            PronounSchema.from_brackets(text, ["a", "b"], 0)


def test_twins_are_resampled_together(words):
    """Dos gemelos que siempre aciertan y fallan a la vez valen por uno: el intervalo es √2 veces más ancho."""
    schemas = [
        PronounSchema("x", "a" if twin % 2 else "d", ("y", "z"), 0, f"t{twin}" if group else "")
        for group in (True, False)
        for twin in range(40)
        for _ in range(2)
    ]
    model = Rule(
        words, lambda before: {"a": 0.5 if before[-1] == "y" else 0.1, "d": 0.1 if before[-1] == "y" else 0.5}
    )
    together, apart = (
        pronouns(model, words, part, baselines=False, resamples=4000) for part in (schemas[:80], schemas[80:])
    )
    assert together.score == apart.score == 0.5
    widths = [result.interval[1] - result.interval[0] for result in (together, apart)]
    assert widths[0] / widths[1] == pytest.approx(math.sqrt(2), rel=0.1)
    assert widths[1] == pytest.approx(2 * 1.96 * math.sqrt(0.25 / 80), rel=0.1)  # aproximación normal


# --- pares mínimos ---------------------------------------------------------------------------------------


def test_minimal_pairs_compare_totals_by_phenomenon(words):
    pairs = [
        MinimalPair("x b", "x a a a", "orden"),  # totales -2 y -3; con la media (-2 y -1) ganaría la mala
        MinimalPair("x a", "x d", "orden"),
        MinimalPair("x d", "x a", "caso"),
        MinimalPair("the cat", "The cat", "mayúscula"),  # el tokenizador no las distingue: medio acierto
    ]
    found = minimal_pairs(graded(words), words, pairs, unigrams=Unigrams(words, ["a a a b d"]))
    assert found.score == pytest.approx(2.5 / 4) and found.n == 4 and found.chance == 0.5
    assert found.details["phenomena"] == {"caso": (0, 1), "mayúscula": (0.5, 1), "orden": (1, 2)}
    assert [example["right"] for example in found.examples] == [True, True, False, False]
    assert found.baselines["la más corta"] == pytest.approx((1 + 0.5 * 3) / 4)


def test_pairs_that_differ_only_in_the_first_word_tie(words):
    model = flat(words, a=-1, d=-4, x=-2)
    assert minimal_pairs(model, words, [MinimalPair("a x", "d x")], **QUIET).score == 0.5


# --- azar, intervalo, trampas y tabla ----------------------------------------------------------------------


def test_a_tie_earns_its_share():
    assert [credit([1, 2, 2], right) for right in range(3)] == [0, 0.5, 0.5]
    assert credit([-3.0, -3.00001], 1) == 0.5 and credit([-3.0, -3.01], 1) == 0


def test_bootstrap_against_a_plain_resampling():
    random = np.random.default_rng(1)
    truth, guesses = random.integers(0, 2, (2, 60))
    units = [f"g{index // 3}" for index in range(60)]
    found = bootstrap(cells(truth, guesses), matthews, units, resamples=3000, seed=0)
    assert found == bootstrap(cells(truth, guesses), matthews, units, resamples=3000, seed=0)
    plain = []
    for _ in range(3000):
        rows = np.concatenate([np.arange(3 * unit, 3 * unit + 3) for unit in random.integers(0, 20, 20)])
        plain.append(np.corrcoef(truth[rows], guesses[rows])[0, 1])  # Matthews es esta correlación
    assert found == pytest.approx(np.percentile(plain, [2.5, 97.5]), abs=0.03)
    assert bootstrap([[1, 1]] * 5, _accuracy) == (1, 1)
    assert bootstrap([[1, 1]] * 5, _accuracy, resamples=0) is None


@pytest.mark.parametrize("metric", ["exactitud", "Matthews"])
def test_a_result_is_compared_with_its_baseline_on_the_same_examples(metric):
    """Con los dos remuestreados juntos: la misma diferencia, con un intervalo mucho más corto si aciertan lo mismo."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 200)
    ours = np.where(random.random(200) < 0.7, truth, 1 - truth)
    theirs = np.where(np.arange(200) < 186, ours, 1 - ours)  # iguales salvo en 14

    def score(one, rows=slice(None)):
        if metric == "Matthews":
            return matthews_corrcoef(truth[rows], one[rows])
        return (one == truth)[rows].mean()

    def counted(one):
        return cells(truth, one) if metric == "Matthews" else np.c_[one == truth, np.ones(200)]

    found = Result(
        "x", metric, score(ours), None, 0.5, 200, {"otra": score(theirs)}, counts=counted(ours),
        baseline_counts={"otra": counted(theirs)},
    )  # fmt: skip
    apart, (low, high) = found.against()
    assert apart == pytest.approx(score(ours) - score(theirs)) and low < apart < high
    samples = [random.integers(0, 200, 200) for _ in range(1000)]
    plain = [score(ours, rows) - score(theirs, rows) for rows in samples]
    assert (low, high) == pytest.approx(np.percentile(plain, [2.5, 97.5]), abs=0.03)
    alone = [
        bootstrap(counted(one), matthews if metric == "Matthews" else _accuracy) for one in (ours, theirs)
    ]
    assert high - low < 0.8 * max(up - down for down, up in alone)


def test_paired_intervals_count_both_the_seeds_and_the_sentences():
    random = np.random.default_rng(0)
    easy, skill = random.random(90), random.normal(0, 0.1, 5)
    ours = (random.random((5, 90)) < easy + 0.1 + skill[:, None]).astype(int)
    theirs = (random.random((5, 90)) < easy).astype(int)
    apart = ours - theirs
    mean, low, high = paired_interval(ours, theirs)
    assert mean == pytest.approx(apart.mean()) and low < mean < high
    plain = [apart[np.ix_(random.integers(0, 5, 5), random.integers(0, 90, 90))].mean() for _ in range(2000)]
    assert (low, high) == pytest.approx(np.percentile(plain, [2.5, 97.5]), abs=0.02)
    only_seeds = np.percentile([apart[random.integers(0, 5, 5)].mean() for _ in range(2000)], [2.5, 97.5])
    assert high - low > 1.2 * np.diff(only_seeds)[0]
    one = paired_interval(ours, theirs[0])  # lo que no depende de la semilla
    assert one[0] == pytest.approx((ours - theirs[0]).mean())
    with pytest.raises(ValueError, match="las mismas frases"):
        paired_interval(ours, theirs[:, :80])


def test_unigrams_are_counts_plus_one(words):
    texts = ["a b a", "c a"]
    unigrams = Unigrams(words, texts)
    counts = Counter(" ".join(texts).split())
    expected = {word: math.log((counts[word] + 1) / (5 + VOCABULARY)) for word in "abcz"}
    assert {word: unigrams(word) for word in "abcz"} == pytest.approx(expected)
    assert unigrams("a b", "sum") == pytest.approx(expected["a"] + expected["b"])
    assert unigrams("a b") == pytest.approx((expected["a"] + expected["b"]) / 2)


def test_relative_is_the_scale_of_figure_2():
    assert relative(0.25, 0.25, 0.59) == 0 and relative(0.59, 0.25, 0.59) == 1
    assert relative(0.1, 0, 0.4) == pytest.approx(0.25) and relative(0.4, 0.5, 0.9) == pytest.approx(-0.25)
    with pytest.raises(ValueError, match=r"\(0,500\) no supera al azar"):
        relative(0.6, 0.5, 0.5)


def test_report_is_an_aligned_spanish_table(capsys):
    report(
        Result(
            "Pares", "exactitud", 0.712, (0.65, 0.77), 0.5, 150, {"la más corta": 0.51, "la más larga": 0.49}
        ),
        Result("Aceptabilidad", "Matthews", 0.172, (-0.004, 0.36), 0.0, 48),
        Result("Sonda", "exactitud", 0.5, None, 0.25, 9),
    )
    assert capsys.readouterr().out.splitlines() == [
        "tarea          métrica    modelo [IC 95 %]      azar    mejor trampa sencilla  n",
        "Pares          exactitud  71,2 % [65,0 a 77,0]  50,0 %  51,0 % (la más corta)  150",
        "Aceptabilidad  Matthews   0,17 [0,00 a 0,36]    0,00    -                      48",
        "Sonda          exactitud  50,0 %                25,0 %  -                      9",
    ]


@pytest.mark.parametrize("given", [None, 3, "ab", [3], ["a"], [None], iter(())])
def test_what_is_not_a_list_of_records_is_one_sentence(given):
    pair = MinimalPair("he is here", "here he is")
    for run in (
        lambda: sentiment(None, None, given),
        lambda: sentiment(None, None, [pair]),
        lambda: sentiment(None, None, [Labelled("good", "positive")], train=given),
        lambda: acceptability(None, None, given, given),
        lambda: minimal_pairs(None, None, given),
        lambda: pronouns(None, None, given),
        lambda: choose_answer(None, None, given),
    ):
        with pytest.raises(ValueError, match="hace falta una lista de `"):
            run()


@pytest.mark.parametrize("value", [["x"], {}, None, 3, b"x", True])
def test_a_field_that_is_not_a_text_is_one_sentence(value):
    for record in (
        lambda: Labelled("a b", value),
        lambda: Labelled("a b", "positive", value),
        lambda: MinimalPair("a b", "b a", value),
        lambda: Question("a", ("b", "c"), 0, value),
        lambda: sentiment(None, None, [Labelled("a", "positive")], suffix=value),
    ):
        with pytest.raises(ValueError, match=r"tiene que ser un|`suffix` es lo que va"):
            record()


@pytest.mark.parametrize("words", [(["good"], ["Good "]), (["good", "good"], ["bad"])])
def test_a_word_counts_for_one_class_and_once(words):
    given = dict(zip(("positive", "negative"), words, strict=True))
    with pytest.raises(ValueError, match="«good» está más de una vez"):
        sentiment(None, None, [Labelled("a", "positive")], verbalizers=given)
