"""Las comprobaciones de los ejercicios se comprueban: la referencia pasa y cada error típico recibe su frase."""

import functools
import importlib
import json
import math
import pkgutil
from collections import Counter

import numpy as np
import pytest
import scipy
import torch
from scipy.special import log_softmax as scipy_log_softmax
from tokenizers.models import BPE
from transformers import get_cosine_schedule_with_warmup

import helpers
from helpers import exercises, models, tokenizer
from helpers.exercises import checking, passport, quiz
from helpers.lesson03 import exercises as lesson03
from helpers.lesson05 import exercises as lesson05
from helpers.lesson06 import exercises as lesson06
from helpers.lesson08 import exercises as lesson08
from helpers.lesson09 import exercises as lesson09

LESSONS = sorted(
    module.name.removeprefix("lesson")
    for module in pkgutil.iter_modules(helpers.__path__)
    if module.name.startswith("lesson")
)
EVERY = [(name, exercise) for lesson in LESSONS for name, exercise in checking.catalogue(lesson).items()]
MISTAKES = [(name, exercise, index) for name, exercise in EVERY for index in range(len(exercise.mistakes))]


def test_there_are_lessons():
    assert LESSONS


class Empty(torch.nn.Module):
    """Lo que deja sin tocar quien no ha escrito su clase."""

    def __init__(self, *sizes):
        super().__init__()

    def forward(self, x): ...


@pytest.mark.parametrize(("name", "exercise"), EVERY, ids=[name for name, _ in EVERY])
def test_reference_passes(name, exercise):
    assert checking.judge(exercise, exercise.reference)[0] == "✅"


@pytest.mark.parametrize(("name", "exercise"), EVERY, ids=[name for name, _ in EVERY])
def test_untouched_stub_is_pending(name, exercise):
    stub = Empty if exercise.run else lambda *args: None
    assert checking.judge(exercise, stub if exercise.cases else None)[0] == "⏳"


@pytest.mark.parametrize(("name", "exercise"), EVERY, ids=[name for name, _ in EVERY])
def test_enough_mistakes_with_different_messages(name, exercise):
    messages = [mistake.message for mistake in exercise.mistakes]
    assert len(messages) >= 4 and len(set(messages)) == len(messages)  # sin tope: los lectores traen más


@pytest.mark.parametrize(
    ("name", "exercise", "index"), MISTAKES, ids=[f"{name}-{k}" for name, _, k in MISTAKES]
)
def test_every_mistake_gets_its_own_message(name, exercise, index):
    mistake = exercise.mistakes[index]
    assert checking.judge(exercise, mistake.answer) == ("❌", mistake.message)


# Lo que se escribe a mano para poder equivocarse en ello, o para enseñarlo paso a paso, acierta si no se le pide error.
BUILDERS = [
    ("05-top-p", "_nucleus", None),
    ("06-recorte", "_clip_by", lambda clip: clip(torch.nn.utils.get_total_norm)),
    ("08-atencion", "_attention", None),
    ("08-gelu", "_gelu", None),
    ("08-numpy", "numpy_forward", None),
    ("08-norma", "_norm", lambda norm: norm()),
    ("08-capa", "_layer", lambda layer: layer()),
    ("08-mlp", "_mlp", lambda mlp: mlp()),
    ("08-modelo", "_Pieces", None),
    ("09-tasa", "_decay", lambda decay: decay(lambda progress: (1 + math.cos(math.pi * progress)) / 2)),
]


@pytest.mark.parametrize(("name", "builder", "ready"), BUILDERS, ids=[name for name, *_ in BUILDERS])
def test_what_the_mistakes_start_from_is_right(name, builder, ready):
    module = importlib.import_module(f"helpers.lesson{name[:2]}.exercises")
    answer = getattr(module, builder)
    assert checking.judge(module.EXERCISES[name], ready(answer) if ready else answer)[0] == "✅"


SOFTMAX = checking.Exercise(
    reference=lambda logits: logits.softmax(-1),
    cases=[(torch.tensor([[1.0, 2.0], [0.0, 5.0]]),)],
    mistakes=[checking.Mistake(lambda logits: logits.softmax(0), "otro eje")],
)


def prints(logits):
    print("hola")


@pytest.mark.parametrize(
    ("answer", "mark", "words"),
    [
        (lambda logits: logits.softmax(-1), "✅", "correcto"),
        (lambda logits: logits.softmax(0), "❌", "otro eje"),
        (lambda logits: logits.softmax(-1)[0], "❌", "la forma debería ser [2, 2] y es [2]"),
        (
            lambda logits: logits.softmax(-1).round(),
            "❌",
            "la forma [2, 2] está bien; coincide el 0 %",
        ),
        (lambda logits: [1, 2], "❌", "se espera un tensor de forma [2, 2] y has dado una lista"),
        (prints, "❌", "usa return"),
        (lambda: 3, "❌", "TypeError"),
        (3, "❌", "se esperaba una función y has dado un número"),
        (..., "⏳", "pendiente"),
    ],
)
def test_verdicts(answer, mark, words):
    found = checking.judge(SOFTMAX, answer)
    assert found[0] == mark and words in found[1]


@pytest.mark.parametrize(
    ("reference", "answer", "words"),
    [
        (40, "x", "se espera un número y has dado un texto"),
        (40, 41.5, "te sale 41,5"),
        (40, 1_234_567, "te sale 1\u202f234\u202f567"),
        (["b", "c", "a"], ["a", "c", "b"], "1 de los 3 elementos está en su sitio"),
        (["b", "c", "a"], "bc", "lista de 3 elementos"),
        (["b", "c", "a"], ["b"], "se esperan 3 elementos y has dado 1"),
        ((3.9, 5.7), 3.9, "lista de 2 elementos y has dado un número"),
        (3.9, (3, 5), "los decimales llevan punto"),
        ("the", "la", "no es el que se espera"),
    ],
)
def test_a_wrong_value_is_described_without_giving_the_answer_away(reference, answer, words):
    mark, sentence = checking.judge(checking.Exercise(reference), answer)
    assert mark == "❌" and words in sentence
    assert str(reference) not in sentence


def test_letters_may_come_together_or_in_capitals():
    exercise = checking.Exercise(["b", "c", "a"])
    for answer in (["B", "c", "a"], "bca", ("b", "c", "a")):
        assert checking.judge(exercise, answer)[0] == "✅"


@pytest.mark.parametrize("answer", [["b)", "c)", "a)"], "b) c) a)", ["(b)", " C )", "a"]])
def test_letters_may_come_with_their_bracket(answer):
    assert checking.judge(checking.Exercise(["b", "c", "a"]), answer)[0] == "✅"


def test_another_letter_or_another_mark_is_not_the_letter():
    for answer in (["b)", "c)", "d)"], ["b.", "c.", "a."], ["b)b", "c", "a"]):
        assert checking.judge(checking.Exercise(["b", "c", "a"]), answer)[0] == "❌"


def test_an_answer_that_changes_its_arguments_harms_nobody():
    def inplace(logits):
        return logits.sub_(logits.max()).softmax(-1)

    assert checking.judge(SOFTMAX, inplace)[0] == "✅"
    assert checking.judge(SOFTMAX, SOFTMAX.reference)[0] == "✅"


def test_unknown_exercise_names_the_known_ones(capsys):
    lesson = LESSONS[-1]
    exercises.check(f"{lesson}-no-existe", None)
    out = capsys.readouterr().out
    assert out.startswith("❌") and all(name in out for name in checking.catalogue(lesson))


def mean_softmax(logits):
    weights = (logits - logits.mean(-1, keepdim=True)).exp()
    return weights / weights.sum(-1, keepdim=True)


def by_hand_softmax(logits):
    weights = (logits - logits.max(-1, keepdim=True).values).exp()
    return weights / weights.sum(-1, keepdim=True)


def bpe_from_the_right(word, ranks):
    symbols = [*word[:-1], word[-1] + "</w>"]
    while known := [pair for pair in zip(symbols, symbols[1:], strict=False) if pair in ranks]:
        best = min(known, key=ranks.get)
        place = max(place for place in range(len(symbols)) if tuple(symbols[place : place + 2]) == best)
        symbols[place : place + 2] = ["".join(best)]
    return symbols


def tuple_of_words(text):
    found = tokenizer.GPT1Tokenizer.from_pretrained(models.MINI).words(text)
    return tuple(word.strip(" ") for word in found)


def bpe_in_rust(word, ranks):
    letters = [*word[:-1], word[-1] + "</w>"]
    vocab = {piece: place for place, piece in enumerate({*letters, *sum(ranks, ()), *map("".join, ranks)})}
    model = BPE(vocab, sorted(ranks, key=ranks.get), end_of_word_suffix="</w>")
    return [token.value for token in model.tokenize(word)]


def attention(q, k, v):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def start(weight):
    return lambda w, b: (weight(w), b.zero_())


class ReadyNorm(torch.nn.LayerNorm):
    def __init__(self, d):
        super().__init__(d)


class WithLinear(torch.nn.Module):
    def __init__(self, d, n_head):
        super().__init__()
        self.c_attn, self.c_proj = torch.nn.Linear(d, 3 * d), torch.nn.Linear(d, d)


class Doubled(lesson08._Parts):
    def forward(self, x):
        n = self.ln_1(x + self.attn(x))
        return 2 * self.ln_2(n + self.mlp(n))


class WithoutPositions(lesson08._Pieces):
    def __init__(self, config):
        super().__init__(config)
        del self.positions_embed


class ThirdBlock(lesson08._Pieces):
    def hidden_states(self, ids):
        states = super().hidden_states(ids)
        return [*states[:3], 1.1 * states[3], *states[4:]]


class NoOutput(lesson08._Pieces):
    def forward(self, ids):
        return self.hidden_states(ids)[-1]


class Tied(lesson08._Untied):
    def __init__(self, config):
        super().__init__(config)
        self.lm_head.weight = self.tokens_embed.weight


class OneTensor(lesson08._Pieces):
    def hidden_states(self, ids):
        return torch.stack(super().hidden_states(ids))


def with_mask(persistent):
    class WithMask(lesson08._layer()):
        def __init__(self, d, n_head):
            super().__init__(d, n_head)
            self.register_buffer("mask", torch.ones(8, 8).tril(), persistent=persistent)

    return WithMask


class Inherited(lesson08.pieces.MLP): ...


class NotUsed(lesson08._mlp()):
    def forward(self, x):
        return lesson08.pieces.gelu(self.c_fc(x)) @ self.c_proj.weight


class WithTensors(lesson08._mlp()):
    def forward(self, x):
        h = lesson08.pieces.gelu(x @ self.c_fc.weight + self.c_fc.bias)
        return h @ self.c_proj.weight + self.c_proj.bias


class InOneRow(lesson08._mlp()):
    def forward(self, x):
        return super().forward(x.flatten(0, -2)).view(x.shape)


class AttentionWithTensors(lesson08._layer()):
    def forward(self, x):
        q, k, v = (x @ self.c_attn.weight + self.c_attn.bias).chunk(3, dim=-1)
        return self.c_proj(lesson08._through(torch.cat([q, k, v]), self.n_head, self.attend))

    def attend(self, heads):
        return lesson08.pieces.attend(*heads.chunk(3))


class NormWithTensors(lesson08._Parts):
    def forward(self, x):
        n = x + self.attn(x)
        n = torch.nn.functional.layer_norm(n, n.shape[-1:], self.ln_1.weight, self.ln_1.bias)
        return self.ln_2(n + self.mlp(n))


FALSE_TICKS = [
    ("04-softmax", mean_softmax, "restar la media no basta"),
    ("04-softmax", lambda x: torch.softmax(x, -1), "aquí se trata de escribirlo"),
    ("04-softmax", lambda x: torch.nn.functional.softmax(x, dim=-1), "aquí se trata de escribirlo"),
    ("04-softmax", lambda x: x.softmax(-1), "aquí se trata de escribirlo"),
    ("04-softmax", lambda x: torch.nn.Softmax(-1)(x), "aquí se trata de escribirlo"),
    ("04-softmax", functools.partial(torch.softmax, dim=-1), "aquí se trata de escribirlo"),
    ("04-softmax", lambda x: torch.special.softmax(x, -1), "aquí se trata de escribirlo"),
    ("04-softmax", lambda x: x.log_softmax(-1).exp(), "aquí se trata de escribirlo"),
    ("04-softmax", lambda x: x.softmax(0), "dim=0"),  # primero, lo que está mal
    ("04-temperatura", lambda x, t: by_hand_softmax(x) / t / (by_hand_softmax(x) / t).sum(-1, keepdim=True),
     "si divides las probabilidades"),
    ("03-bpe", bpe_from_the_right, "tú empiezas por el final"),
    ("03-limpiar", lambda text: " ".join(lesson03.standardize(text).split()), "te comes los saltos de línea"),
    ("03-palabras", lambda text: lesson03.words(text.replace("\n", " ")), "has perdido el salto"),
    ("03-palabras", lambda text: [word.upper() for word in lesson03.words(text)], "Sale ['THE', 'U.S.'"),
    ("03-palabras", lambda text: list(lesson03.english()(lesson03.standardize(text))), "(objeto de spaCy)"),
    ("03-palabras", lambda text: [word.strip for word in lesson03.words(text)], "faltan los paréntesis"),
    ("03-trozos", ["th", "e", "r", "e"], "se esperan 3 elementos y has dado 4"),
    ("03-encode", lambda text, ranks, vocab: [vocab[p] for w in lesson03.words(text) for p in lesson03.bpe(w, ranks)],
     "KeyError"),
    ("05-bucle", lambda model, ids, n, pick: lesson05.loop(model, ids, n, lambda x: pick(x.softmax(-1))),
     "le llegan probabilidades"),
    ("05-bucle", lambda model, ids, n, pick: lesson05.loop(model, ids, n, lambda x: pick(x / 0.7)), "coincide"),
    ("05-top-p", lambda x, p: x.masked_fill(x < x.sort(descending=True).values[
        :, (lesson05._nucleus(x[:1], p) > -math.inf).sum() - 1][:, None], -math.inf), "cuentas cuántos quedan"),
    ("05-muestreo", lambda x, t, k, p: torch.multinomial((x / t).softmax(-1)[0], 1), "sale un solo id"),
    ("05-muestreo", lambda x, t, k, p: torch.multinomial(
        (lesson05.generation.top_k(x / t, k) if k > 0 else lesson05.generation.top_p(x / t, p)).softmax(-1), 1),
     "no un `if` y un `elif`"),
    ("05-muestreo", lambda x, t, k, p: torch.multinomial((x / t)[:, :3].softmax(-1), 1), "no es el que se espera"),
    ("05-muestreo", lambda x, t, k, p: "uno", "no es el que se espera"),
    ("05-cuentas", [4950, 131], "sin caché, faltan los 32 de partida"),
    ("05-cuentas", (3200, 132), "el texto crece: la segunda calcula 33, la tercera 34…; con caché, cuentas también"),
    ("05-cuentas", [8150, 99], "sin caché, está bien; con caché, faltan los 32"),
    ("06-inferencia", lambda a, b, new, n: [new[0], *a, new[1], *b, new[2]], "no recortas nada"),
    ("06-inferencia", lambda a, b, new, n: [new[0], *a[:254], new[1], *b[:254], new[2]], "has fijado el recorte"),
    ("08-atencion", attention, "aquí se trata de escribirla"),
    ("08-gelu", lambda x: torch.nn.functional.gelu(x, approximate="tanh"), "escríbela con la fórmula"),
    ("08-numpy", lesson08._with(inside=0.0, outside=1e-5), "dentro de la raíz"),
    ("08-numpy", lesson08._with(inside=0.0), "dentro de la raíz"),
    ("08-numpy", lesson08._with(inside=1e-12), "dentro de la raíz"),
    ("08-numpy", lesson08._with(inside=1e-6), "dentro de la raíz"),
    ("08-norma", ReadyNorm, "tu clase llama a la de PyTorch"),
    ("08-norma", lambda x: x, "se esperaba una clase y has dado una función"),
    ("08-capa", WithLinear, "ya en los parámetros: c_attn.weight debería medir [256, 768] y mide [768, 256]"),
    ("08-norma", lesson08._norm(born=(torch.zeros, torch.zeros)), "se aparta en los valores con que nacen"),
    ("08-capa", with_mask(persistent=True), "sobra mask (register_buffer, con persistent=False)"),
    ("08-modelo", Tied, "la salida no tiene matriz propia"),
    ("08-modelo", OneTensor, "falta una lista y sobra un tensor"),
    ("08-capa", lesson08._mlp(), "takes 2 positional arguments"),
    ("08-mlp", Inherited, "tu clase hereda de la del curso"),
    ("08-mlp", NotUsed, "lo que sale de `c_fc` y se aparta en lo que entra en `c_proj`: tu código no llama"),
    ("08-capa", AttentionWithTensors, "se aparta en lo que sale de `c_attn`: tu código no llama a esa pieza"),
    ("08-post", Doubled, "coincide hasta lo que sale de `ln_2` y se aparta en el resultado"),
    ("08-modelo", ThirdBlock, "coincide hasta el bloque 2 y se aparta en el bloque 3"),
    ("08-modelo", NoOutput, "coincide hasta el bloque 4 y se aparta en los logits"),
    ("08-modelo", WithoutPositions, "se aparta ya en los parámetros: falta positions_embed.weight."),
    ("09-azar", math.log(40_000), "las fusiones"),
    ("00-filas", lambda table, ids: table[ids.sort().values], "coincide"),
    ("00-filas", lambda table, ids: table[1:4], "Sale [[2, 3]"),
    ("00-distribucion", lambda h, table: (table @ h).softmax(-1).round(decimals=2), "coincide"),
    ("00-recoger", lambda probs, ids: probs[:, ids].diag()[:, None], "[:, 0]"),
    ("00-anadir", lambda ids, probs: torch.cat([ids, probs.argmax().view(1, 1)]), "Sizes of tensors"),
    ("00-anadir", lambda ids, probs: torch.cat([ids, ids[:, -1:]], dim=1), "se esperaba [[1, 3, 0, 2]]"),
    ("08-sesgo", start(lambda w: w.uniform_(-0.02 * 3**0.5, 0.02 * 3**0.5)), "uniforme"),
    ("08-sesgo", start(lambda w: 0.02 * torch.randn_like(w).sign()), "solo hay dos valores"),
    ("08-sesgo", start(lambda w: (0.02 * torch.randn_like(w[0])).expand_as(w)), "sortear cada valor"),
    ("08-sesgo", start(lambda w: (0.02 * torch.randn_like(w[:, :1])).expand_as(w)), ""),  # de 64: su σ baila
    ("08-sesgo", start(lambda w: w.normal_(0.004, 0.02)), "la media de W"),
    ("08-sesgo", start(lambda w: w.normal_(0.0002, 0.02)), "la media de W"),
    ("08-sesgo", lambda w, b: (np.random.normal(0, 0.02, w.shape), np.ones(b.shape)), "ponlo a 0"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "words"), FALSE_TICKS)
def test_what_only_looks_right_is_not(name, answer, words):
    mark, sentence = checking.judge(checking.catalogue(name[:2])[name], answer)
    assert mark == "❌" and words in sentence


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: scipy.special.softmax(x, -1),
        lambda x: np.exp(scipy_log_softmax(x.numpy(), axis=-1)),
        lambda x: torch.nn.Softmax(-1)(x),
        lambda x: torch.special.softmax(x, -1),
        lambda x: x.log_softmax(-1).exp(),
        lambda x: torch._softmax(x, -1, False),
        lambda x: torch.nn.functional.softmin(-x, -1),
        lambda x: torch.nn.functional.softmax(x, -1).numpy(),
    ],
)
def test_a_ready_made_softmax_is_not_one_by_hand(answer):
    mark, sentence = checking.judge(checking.catalogue("04")["04-softmax"], answer)
    assert mark == "❌" and "tu función llama a un softmax ya hecho" in sentence
    assert scipy.special.softmax([0.0, 0.0]).tolist() == [0.5, 0.5]  # queda como estaba


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("10-cuadra", lambda p, c, d: round(abs(p - c) * 10**d, 6) <= 0.5),
        ("10-grandes", lambda sizes, effects: (scipy.stats.kendalltau(sizes, effects).statistic + 1) / 2),
        (
            "10-pareja",
            lambda a, b, s, t: (
                (d := (a - b).numpy()).mean(),
                *np.percentile(
                    [d[np.ix_(i.numpy(), j.numpy())].mean() for i, j in zip(s, t, strict=True)], [2.5, 97.5]
                ),
            ),
        ),
        ("10-semillas", lambda s, d: next(n for n in range(1, 9999) if 2.8 * s / math.sqrt(n) <= d)),
        ("04-softmax", by_hand_softmax),
        ("04-softmax", lambda x: (x - x.logsumexp(-1, keepdim=True)).exp()),
        ("09-azar", 10.6),
        ("09-azar", 10.61),
        ("08-capa", with_mask(persistent=False)),
        ("08-mlp", WithTensors),
        ("08-mlp", InOneRow),
        ("08-post", NormWithTensors),
        ("08-sesgo", lambda w, b: (np.random.normal(0, 0.02, w.shape), np.zeros(b.shape))),
        ("08-sesgo", lambda w, b: [(0.02 * torch.randn_like(w)).half(), torch.zeros_like(b)]),
        ("08-numpy", lambda weights, ids, heads: lesson08.numpy_forward(weights, ids, heads).tolist()),
        (
            "08-numpy",
            lambda weights, ids, heads: torch.tensor(lesson08.numpy_forward(weights, ids, heads)).float(),
        ),
        ("03-pares", lambda words: Counter(lesson03.count_pairs(words))),
        ("03-limpiar", tokenizer.standardize),
        ("03-palabras", tuple_of_words),
        ("03-bpe", bpe_in_rust),
        ("03-encode", lambda *case: torch.tensor(lesson03.encode(*case))),
        ("06-inferencia", lambda *case: torch.tensor(lesson06._pair(*case))),
        ("10-medias", [74.65, 59.92, 75.02, 69.16]),  # con dos decimales, cortados…
        ("10-medias", [74.65, 59.93, 75.03, 69.16]),  # … o redondeados
    ],
)
def test_an_unusual_right_answer_is_right(name, answer):
    assert checking.judge(checking.catalogue(name[:2])[name], answer)[0] == "✅"


def test_who_changes_what_the_statement_asks_to_change_goes_on(notebook, capsys):
    def start_head(weight, bias):
        return torch.nn.init.normal_(weight, std=0.02), torch.nn.init.zeros_(bias)

    assert exercises.check("08-sesgo", start_head) is start_head
    assert "Sigo con la tuya." in capsys.readouterr().out

    def spoils(x):
        return x.copy_(lesson08._gelu(x))

    assert exercises.check("08-gelu", spoils) is not spoils
    assert "la tuya cambia lo que recibe" in capsys.readouterr().out


def test_a_class_of_the_reader_goes_on(notebook, capsys):
    mine = lesson08._norm()
    assert exercises.check("08-norma", mine) is mine
    assert exercises.check("08-norma", Empty) is lesson08.pieces.LayerNorm
    assert "Tu clase está todavía vacía. Sigo con la del curso." in capsys.readouterr().out


# --- preguntas ---------------------------------------------------------------------------------------------

BANK = json.loads(quiz.BANK.read_text(encoding="utf-8"))


def test_bank_has_unique_ids_in_order():
    ids = [question["id"] for question in BANK]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("question", BANK, ids=[question["id"] for question in BANK])
def test_question_is_well_formed(question):
    assert set(question) - {"transfer"} == {"id", "question", "options", "right"}
    assert question["question"].startswith("¿") or "¿" in question["question"]
    options = question["options"]
    assert list(options) == list("abcd")[: len(options)] and 3 <= len(options) <= 4
    assert question["right"] in options
    for option in options.values():
        assert set(option) == {"text", "why"} and option["text"].strip() and len(option["why"]) > 15
    assert len({option["text"] for option in options.values()}) == len(options)
    assert len({option["why"] for option in options.values()}) == len(options)


def test_right_letters_are_spread():
    letters = [question["right"] for question in BANK]
    assert max(map(letters.count, set(letters))) < 0.5 * len(letters)


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "progreso.json"))


def test_answers(notebook, capsys):
    question = BANK[0]
    wrong = next(letter for letter in question["options"] if letter != question["right"])
    exercises.answer(question["id"], question["right"].upper())
    exercises.answer(question["id"], wrong)
    exercises.answer(question["id"], "z")
    exercises.answer(question["id"], None)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"✅ {question['id']}: {question['options'][question['right']]['why']}"
    assert lines[1] == f"❌ {question['id']}: {question['options'][wrong]['why']}"
    assert lines[2].startswith("❌") and "a, b, c" in lines[2]
    assert lines[3] == f"⏳ {question['id']}: pendiente."
    exercises.answer("99-99", "a")
    assert "No existe la pregunta '99-99'" in capsys.readouterr().out


def test_an_answer_that_changes_its_inputs_does_not_spoil_the_cases():
    def in_place(grads, max_norm):
        norm = float(torch.sqrt(sum((grad**2).sum() for grad in grads)))
        return [grad.mul_(min(1.0, max_norm / norm)) for grad in grads]

    exercise = checking.catalogue("06")["06-recorte"]
    assert checking.judge(exercise, in_place)[0] == "✅"
    assert (
        checking.judge(exercise, lambda grads, limit: [grad.clamp(-limit, limit) for grad in grads])[0]
        == "❌"
    )


def test_the_rate_of_lesson_09_is_that_of_transformers():
    exercise = lesson09.EXERCISES["09-tasa"]
    for step, total, warmup, peak in exercise.cases:
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=peak)
        schedule = get_cosine_schedule_with_warmup(optimizer, warmup, total)
        theirs = peak * schedule.lr_lambdas[0](step)
        assert exercise.reference(step, total, warmup, peak) == pytest.approx(theirs, abs=1e-12)


# --- progreso ----------------------------------------------------------------------------------------------


def test_progress_travels_as_text(notebook, tmp_path, monkeypatch, capsys):
    assert exercises.progress() is None
    passport.record("04-softmax", False)
    passport.record("04-softmax", True)
    passport.record("04-softmax", False)  # un acierto no se pierde
    passport.record("05-bucle", False)
    text = exercises.progress()
    there = len(checking.catalogue("04")) + sum(name.startswith("04") for name in quiz.bank())
    assert f"04       1 de {there}           1\n" in capsys.readouterr().out
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "otro.json"))
    exercises.progress(text)
    assert passport.load_results() == {"04-softmax": True, "05-bucle": False}
    capsys.readouterr()
    assert exercises.progress("no es un texto de progreso") is None
    out = capsys.readouterr().out
    assert "cópialo entero" in out and out.count("\n") == 1


# --- apuestas ----------------------------------------------------------------------------------------------


def test_a_bet_is_told_beside_the_result_and_without_it_nothing_is_seen(notebook, capsys):
    exercises.observe("06-aciertos", None, 71.14, "%")
    exercises.observe("06-aciertos", (60, 65.5), 71.14, "%")
    exercises.observe("06-aciertos", (50, 99), 71.14, "%")
    exercises.observe("07-parejas", 83, 83.4, "%")
    exercises.observe("04-dos", "mucho", 2.345, digits=1)
    assert capsys.readouterr().out.splitlines() == [
        "⏳ 06-aciertos: sin apuesta. Escribe entre qué dos números crees que estará, (mínimo, máximo), en lugar de "
        "None y repite la celda.",
        "❌ 06-aciertos: apostaste 60 a 65,5 y ha salido 71 %: te quedas a 6.",
        "❌ 06-aciertos: apostaste 60 a 65,5 y ha salido 71 %: te quedas a 6 (cuenta la primera apuesta).",
        "✅ 07-parejas: apostaste 83 y ha salido 83 %: dentro.",
        "❌ 04-dos: una apuesta son dos números, (mínimo, máximo), y has dado 'mucho'.",
    ]
    exercises.calibration()
    out = capsys.readouterr().out
    assert "06-aciertos" in out and out.endswith("Dentro: 1 de 2. Con un 80 % de seguridad serían 1,6.\n")


def test_bets_travel_with_the_progress(notebook, tmp_path, monkeypatch, capsys):
    exercises.calibration()
    assert "Todavía no has apostado nada" in capsys.readouterr().out
    exercises.observe("06-aciertos", (70, 60), 50)
    text = exercises.progress()
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "otro.json"))
    exercises.observe("07-parejas", 83, 83)
    exercises.progress(text)
    passport.record("04-softmax", True)  # apuntar un ejercicio no borra las apuestas
    assert passport.load_bets() == {
        "06-aciertos": {"low": 60, "high": 70, "seen": 50},
        "07-parejas": {"low": 83, "high": 83, "seen": 83},
    }


def test_a_damaged_or_unwritable_file_stops_nothing(notebook, tmp_path, monkeypatch):
    passport.path().write_text("{roto")
    assert passport.load_results() == {}
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "no" / "existe.json"))
    passport.record("04-softmax", True)


def test_every_lesson_module_is_importable():
    for lesson in LESSONS:
        importlib.import_module(f"helpers.lesson{lesson}.exercises")
