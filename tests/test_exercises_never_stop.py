"""`check`, `answer`, `observe` y `progress` no detienen una lección, y lo hecho no se pierde."""

import base64
import functools
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
import zlib
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace
from unittest import mock

import contract
import numpy as np
import pytest
import torch
from transformers import OpenAIGPTConfig

from helpers import exercises, files
from helpers.environment import ROOT
from helpers.exercises import checking, comparing, limits, passport, quiz, totals
from helpers.exercises.checking import Exercise, judge
from tools import lessons as tools_lessons


@pytest.fixture(autouse=True)
def notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "progreso.json"))


def one_line(capsys):
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and err == "", (out, err)
    return out


# --- objetos raros -----------------------------------------------------------------------------------------------


class BadEquals:
    __hash__ = None

    def __eq__(self, other):
        raise ValueError("no me compares")


class BadEverything(BadEquals):
    def __repr__(self):
        raise ValueError("ni me escribas")

    __str__ = __bool__ = __len__ = __iter__ = __array__ = __float__ = __repr__


class Exits:
    def __eq__(self, other):
        sys.exit(3)

    __hash__ = None
    __repr__ = __array__ = __eq__


def quantized(*args):
    with warnings.catch_warnings(action="ignore"):  # PyTorch los va a quitar; mientras estén, no paran nada
        return torch.quantize_per_tensor(*args)


def generator():
    yield 1


class NoClass:
    @property
    def __class__(self):
        raise ValueError


ENDLESS = []
ENDLESS.append(ENDLESS)


def nested():
    with warnings.catch_warnings(action="ignore"):
        return torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])


async def coroutine():
    return 1


ODD = {
    "entero enorme": 2**63,
    "entero de 400 cifras": 10**400,
    "negativo enorme": -(2**200),
    "no se compara": BadEquals(),
    "no se escribe": BadEverything(),
    "sale de Python": Exits(),
    "complejo": 3 + 4j,
    "tensor complejo": torch.tensor([1 + 2j]),
    "tensor sin datos": torch.zeros(2, device="meta"),
    "tensor cuantizado": quantized(torch.ones(3), 0.1, 0, torch.quint8),
    "tensor disperso": torch.eye(2).to_sparse(),
    "tensor con gradiente": torch.ones(2, requires_grad=True) * 2,
    "tensor vacío": torch.zeros(0),
    "nan": float("nan"),
    "array de textos": np.array(["a", "b"]),
    "array de objetos": np.array([object(), None]),
    "array de fechas": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "generador": generator(),
    "clase": BadEquals,
    "función": len,
    "lista dentada": [[1, 2], [3]],
    "lista de rarezas": [BadEverything(), None],
    "diccionario": {1: BadEquals()},
    "conjunto": {1, 2},
    "bytes": b"abc",
    "lista que se contiene": ENDLESS,
    "diccionario que se contiene": {"a": ENDLESS},
    "lista muy honda": functools.reduce(lambda inner, _: [inner], range(5000), 0),
    "lista muy larga": [0.5] * 300_000,
    "número de muchas cifras": 10**6000,
    "no dice su clase": NoClass(),
    "tensor anidado": nested(),
    "pareja con nombre": torch.ones(2, 3).max(dim=1),
    "matriz con registros": np.zeros(2, dtype=[("a", "i4")]),
    "matriz enmascarada": np.ma.masked_array([1, 2], [True, False]),
    "simulacro": mock.MagicMock(),
    "módulo": json,
}
EXPECTED = {
    "número": 40,
    "texto": "the",
    "letra": "b",
    "letras": ["b", "c", "a"],
    "pareja": (3.9, 5.7),
    "lista de tensores": [torch.ones(2), torch.zeros(3)],
    "tensor": torch.ones(2, 2),
    "diccionario": {("a", "b"): 3},
}


@pytest.mark.parametrize("expected", EXPECTED)
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_gets_a_sentence(odd, expected):
    for exercise, answer in (
        (Exercise(EXPECTED[expected]), ODD[odd]),
        (Exercise(lambda x: EXPECTED[expected], cases=[(1,)]), ODD[odd]),
        (Exercise(lambda x: EXPECTED[expected], cases=[(1,)]), lambda x: ODD[odd]),
        (Exercise(lambda x: EXPECTED[expected], cases=[(1,)], measure=lambda x: [x]), lambda x: ODD[odd]),
    ):
        mark, sentence = judge(exercise, answer)
        assert mark == "❌" and "\n" not in sentence and len(sentence) < 700


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda x: sys.exit(), "exit()"),
        (lambda x: exit(), "exit()"),
        (lambda x: (_ for _ in [x]), "un generador"),
        (lambda x: map(int, [x]), "un map"),
        (lambda x: coroutine(), "async"),
        (lambda x: len, "paréntesis"),
        (lambda x: int, "una clase"),
        (lambda x: endless(x), "se llama a sí misma"),
        (lambda x: [0] * 10**14, "más memoria"),
        (lambda x: torch.zeros(10**14), "más memoria"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (lambda x: raises(BadMessage()), "se para con BadMessage"),
        (lambda x: raises(ExitsWhenTold()), "se para con ExitsWhenTold"),
        (lambda x: raises(GeneratorExit()), "GeneratorExit"),
        (lambda x: raises(ValueError("línea\n" * 500)), "ValueError: línea línea"),
        (BadEquals, "has dado una clase"),
        (lambda x: sys.stdout.close(), "pendiente"),
    ],
)
def test_an_answer_that_stops_gets_a_sentence(answer, words):
    mark, sentence = judge(Exercise(lambda x: x, cases=[(1,)]), answer)
    assert mark in "❌⏳" and words in sentence and "\n" not in sentence and len(sentence) < 400


class ExitsWhenTold(Exception):
    def __str__(self):
        sys.exit(1)


class BadMessage(Exception):
    def __str__(self):
        raise ValueError


def endless(x):
    return endless(x)


def raises(error):
    raise error


def test_only_the_keyboard_stops_it():
    with pytest.raises(KeyboardInterrupt):
        judge(Exercise(lambda x: x, cases=[(1,)]), lambda x: raises(KeyboardInterrupt()))


def test_what_an_answer_prints_is_shown_up_to_a_point(capsys):
    judge(Exercise(lambda x: x, cases=[(1,)]), lambda x: print("a" * 100_000) or x)
    out = capsys.readouterr().out
    assert limits.PRINTED < len(out) < 2 * limits.PRINTED and "no se enseña el resto" in out


def test_what_an_answer_leaves_behind_does_not_leak():
    def careless(x):
        torch.manual_seed(1), np.random.seed(1), torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return x

    torch.manual_seed(7), np.random.seed(7)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(7), np.random.seed(7)
    judge(Exercise(lambda x: x, cases=[(1,)]), careless)
    assert (torch.rand(1), np.random.rand()) == expected
    assert torch.get_default_dtype() == torch.float32 and torch.is_grad_enabled()


def settings():
    return (
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        sys.getrecursionlimit(),
        signal.getsignal(signal.SIGINT),
        os.getcwd(),
    )


@pytest.mark.parametrize("by_hand", [{}, {"softmax": "no"}])
def test_what_an_answer_sets_for_the_whole_process_is_set_back(tmp_path, monkeypatch, by_hand):
    monkeypatch.chdir(tmp_path)
    before = settings()

    def careless(x):
        torch.set_default_device("meta")
        torch.set_num_threads(before[1] + 1)
        torch.use_deterministic_algorithms(True)
        sys.setrecursionlimit(before[3] + 500)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        (tmp_path / "otra").mkdir()
        os.chdir(tmp_path / "otra")
        return [1.0, 1.0]

    try:
        # La referencia se calcula después, y tampoco hereda el dispositivo.
        mark, sentence = judge(Exercise(lambda x: torch.ones(2), cases=[(1,)], by_hand=by_hand), careless)
        assert settings() == before and mark == "✅", sentence
        assert torch.ones(1).device.type == "cpu"
    finally:
        torch.set_default_device(None)
        torch.set_num_threads(before[1])
        torch.use_deterministic_algorithms(before[2])
        sys.setrecursionlimit(before[3])
        signal.signal(signal.SIGINT, before[4])


def test_a_folder_that_is_gone_stops_nothing(tmp_path, monkeypatch):
    (tmp_path / "va").mkdir()
    monkeypatch.chdir(tmp_path / "va")
    (tmp_path / "va").rmdir()
    assert judge(Exercise(lambda x: x, cases=[(1,)]), lambda x: x)[0] == "✅"


class Shell:
    """Lo que hace IPython con `exit()`: apuntar que hay que cerrar, y seguir."""

    closing = False

    def ask_exit(self):
        self.closing = True


def test_exit_in_a_notebook_neither_closes_it_nor_goes_on(monkeypatch):
    shell = Shell()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    mark, sentence = judge(Exercise(lambda x: x, cases=[(1,)]), lambda x: shell.ask_exit() or x)
    assert mark == "❌" and "exit()" in sentence and not shell.closing
    shell.ask_exit()  # fuera de la comprobación sigue cerrando
    assert shell.closing and "ask_exit" not in vars(shell)


@pytest.mark.parametrize(
    "stdin",
    [
        lambda *args: raises(EOFError("EOF when reading a line")),
        lambda *args: raises(StdinNotImplementedError()),
    ],
)
def test_an_answer_that_asks_at_the_keyboard_gets_its_sentence(stdin, monkeypatch):
    monkeypatch.setattr("builtins.input", stdin)
    mark, sentence = judge(Exercise(lambda x: x, cases=[(1,)]), lambda x: input("¿x?"))
    assert mark == "❌" and "usa los argumentos de la función en vez de input()" in sentence


class StdinNotImplementedError(Exception):
    """Como la de IPython, que solo se conoce por su nombre."""


# --- lo que se acepta --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "answers"),
    [
        (40, [40.0, np.int64(40), np.float32(40), torch.tensor(40), np.array(40), Fraction(40), Decimal(40)]),
        (2**70, [2**70, float(2**70)]),
        (
            torch.tensor([[1.0, 2.0]]),
            [[[1, 2]], ((1, 2),), np.array([[1, 2]]), [torch.tensor([1, 2])], [[np.float64(1), torch.tensor(2.0)]],
             torch.tensor([[1, 2]]), torch.tensor([[1.0, 2.0]], requires_grad=True) * 1,
             torch.tensor([[1.0, 2.0]], dtype=torch.float16), torch.tensor([[1.0, 2.0]]).to_sparse(),
             quantized(torch.tensor([[1.0, 2.0]]), 0.5, 0, torch.quint8)],
        ),
        ([8150, 131], [(8150, 131), torch.tensor([8150, 131]), np.array([8150.0, 131]), [np.int32(8150), 131.0]]),
        ((3.9, 5.7), [[3.9, 5.7], np.array([3.9, 5.7]), torch.tensor([3.9, 5.7])]),
        (["b", "c"], ["bc", "b, c", ("B", "c"), np.array(["b", "c"])]),
        ("the", [np.str_("the")]),
        (
            [torch.ones(2), torch.zeros(2)],
            [torch.tensor([[1, 1], [0, 0]]), ([1, 1], (0, 0)), np.array([[1, 1], [0, 0]])],
        ),
    ],
)  # fmt: skip
def test_right_numbers_are_right_in_any_type(expected, answers):
    for answer in answers:
        assert judge(Exercise(expected), answer)[0] == "✅", answer


@pytest.mark.parametrize(
    ("expected", "answer"),
    [
        (2**70, 2**69),
        (40, "40"),
        (40, 40 + 0j),
        (torch.ones(1, 2), torch.ones(2)),
        ([1, 2], {1, 2}),
        (1, [1]),
    ],
)
def test_and_wrong_ones_are_not(expected, answer):
    assert judge(Exercise(expected), answer)[0] == "❌"


# --- lo que se dice ----------------------------------------------------------------------------------------------


def halves(x):
    return x / 2


@pytest.mark.parametrize(
    ("reference", "cases", "answer", "words"),
    [
        (
            halves,
            [(torch.ones(40, 40),), (torch.tensor([1.0, 3.0]),)],
            lambda x: x,
            "con la entrada [1, 3], la forma [2] está bien; coincide el 0 % de los valores. Sale [1, 3] y se esperaba "
            "[0,5; 1,5].",
        ),
        (halves, [(torch.ones(40, 40),)], lambda x: x, "En [0, 0] sale 1 y se esperaba 0,5."),
        (halves, [(5,)], lambda x: x, "con la entrada 5, sale 5 y se esperaba 2,5."),
        (halves, [(1,)], lambda x: 0.50001, "sale 0,50001 y se esperaba 0,5."),
        (list, [("abc",)], lambda x: ["a", "c", "b"], "Sale ['a', 'c', 'b'] y se esperaba ['a', 'b', 'c']."),
        (
            lambda n: {str(k): k for k in range(n)},
            [(50,)],
            lambda n: {str(k): k - (k == 31) for k in range(n)},
            "en ['31'] sale 30 y se esperaba 31.",
        ),
        (
            lambda n: {str(k): k for k in range(n)},
            [(50,)],
            lambda n: {str(k): k for k in range(n - 1)},
            "en ['49'] sale nada y se esperaba 49.",
        ),
    ],
)  # fmt: skip
def test_a_generic_failure_shows_the_smallest_failing_case(reference, cases, answer, words):
    mark, sentence = judge(Exercise(reference, cases=cases, tolerance=1e-6), answer)
    assert mark == "❌" and words in sentence


# --- lo que no acaba ---------------------------------------------------------------------------------------------


def loops(x):
    while True:
        pass


def loops_catching(x):
    while True:
        try:
            time.sleep(0.001)
            sum(range(1000))
        except Exception:
            pass


def loops_catching_everything(x):
    while True:
        try:
            time.sleep(0.001)
            sum(range(1000))
        except:  # noqa: E722
            pass


def recurses_catching_everything(x):
    try:
        return recurses_catching_everything(x)
    except:  # noqa: E722
        return recurses_catching_everything(x)


def recurses_at_last(x):
    try:
        return recurses_at_last(x)
    finally:
        recurses_at_last(x)


def recurses_and_loops(x):
    while True:
        try:
            return recurses_and_loops(x)
        except:  # noqa: E722
            continue


def loops_and_answers(x):
    try:
        loops(x)
    except BaseException:
        return x


def loops_printing(x):
    while True:
        print("vuelta")


class LoopsWhenCompared:
    __hash__ = None

    def __eq__(self, other):
        loops(other)


@pytest.mark.parametrize(
    "answer",
    [
        loops,
        loops_catching,
        loops_catching_everything,
        recurses_catching_everything,
        recurses_at_last,
        recurses_and_loops,
        loops_and_answers,
        loops_printing,
        lambda x: time.sleep(0.4) or loops(x),
    ],
)
def test_an_endless_answer_is_cut(answer):
    start = time.monotonic()
    mark, sentence = judge(Exercise(lambda x: x, cases=[(1,)], seconds=0.3), answer)
    assert mark == "⏱" and sentence.startswith("no terminó: ") and time.monotonic() - start < 8
    if answer is loops:
        assert sentence.startswith("no terminó: a los 0,3 segundos")


def test_an_answer_that_never_ends_being_compared_is_cut():
    exercise = Exercise(lambda x: LoopsWhenCompared(), cases=[(1,)], seconds=0.3)
    assert judge(exercise, lambda x: LoopsWhenCompared())[0] == "⏱"


def test_one_that_only_waits_is_cut_later():
    start = time.monotonic()
    mark, sentence = judge(Exercise(lambda x: x, cases=[(1,)], seconds=0.1), sleeps)
    assert mark == "⏱" and sentence.startswith("no terminó: lleva 1,2 segundos esperando")
    assert time.monotonic() - start >= 0.1 * limits.IDLE


def test_one_that_waits_and_answers_is_told_the_same():
    def stubborn(x):
        try:
            sleeps(x)
        except BaseException:
            return x

    mark, sentence = judge(Exercise(lambda x: x, cases=[(1,)], seconds=0.1), stubborn)
    assert mark == "⏱" and "segundos esperando" in sentence


def sleeps(x):
    while True:
        time.sleep(0.01)


def test_a_slow_one_with_time_enough_is_right():
    def slow(x):
        start = time.process_time()
        while time.process_time() - start < 0.6:
            pass
        return x

    assert judge(Exercise(lambda x: x, cases=[(1,)], seconds=0.3), slow)[0] == "⏱"
    assert judge(Exercise(lambda x: x, cases=[(1,)], seconds=30), slow)[0] == "✅"


def test_no_warning_arrives_late_and_no_thread_is_left():
    before = sys.gettrace(), sys.getprofile()
    for _ in range(300):  # acaban justo cuando se agota el tiempo
        try:
            limits.bounded(lambda: time.sleep(0.0005), 0.0)
        except limits.TimeUp:
            pass
    for _ in range(30):
        try:
            limits.bounded(lambda: burn(limits.POLL), 0.01)
        except limits.TimeUp:
            pass
        burn(0.002)
    assert not [thread for thread in threading.enumerate() if thread.name == "tope"]
    assert (sys.gettrace(), sys.getprofile()) == before


def burn(seconds):
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        pass


def test_it_works_in_a_thread_that_is_not_the_main_one():
    found = []
    thread = threading.Thread(
        target=lambda: found.append(judge(Exercise(lambda x: x, [(1,)], seconds=0.2), loops))
    )
    thread.start()
    thread.join(20)
    assert found[0][0] == "⏱"


@pytest.mark.slow
def test_an_endless_exercise_does_not_kill_the_kernel(tmp_path):
    import nbformat
    from nbclient import NotebookClient

    cells = [
        "from helpers.exercises import checking, check\nimport dataclasses\n"
        "catalogue = checking.catalogue('04')\n"
        "catalogue['04-softmax'] = dataclasses.replace(catalogue['04-softmax'], seconds=0.3)",
        "def endless(logits):\n    while True:\n        pass\n\n\ncheck('04-softmax', endless)",
        "print('sigo vivo')",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    printed = ["".join(one.get("text", "") for one in cell.outputs) for cell in book.cells]
    assert printed[1].startswith("⏱ 04-softmax: no terminó") and printed[2] == "sigo vivo\n"
    assert passport.load_results() == {}  # no acabar no es fallar


# --- preguntas, nombres y apuestas -------------------------------------------------------------------------------


def packed(text):
    return base64.urlsafe_b64encode(zlib.compress(text.encode())).decode()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: exercises.check("no-existe", 1), "'no-existe'"),
        (lambda: exercises.check("04-sofmax", 1), "¿Querías decir «04-softmax»?"),
        (lambda: exercises.check(None, 1), "None"),
        (lambda: exercises.check(["04-softmax"], 1), "['04-softmax']"),
        (lambda: exercises.check(Exits(), 1), "un objeto de tipo Exits"),
        (lambda: exercises.answer("03-01", Exits()), "elige una de a, b, c"),
        (lambda: exercises.observe("a", Exits(), 3), "una apuesta son dos números"),
        (lambda: exercises.check(BadEverything(), 1), "un objeto de tipo BadEverything"),
        (lambda: exercises.answer("3-1", "c"), "¿Querías decir «03-01»?"),
        (lambda: exercises.answer("03-99", "c"), "'03-99'"),
        (lambda: exercises.answer(None, "c"), "None"),
        (lambda: exercises.answer(["03-01"], "c"), "['03-01']"),
        (lambda: exercises.answer("03-01", 3), "has contestado 3: elige una de a, b, c"),
        (lambda: exercises.answer("03-01", ["a"]), "elige una de a, b, c"),
        (lambda: exercises.answer("03-01", BadEverything()), "elige una de a, b, c"),
        (lambda: exercises.recall("x"), "son como «03-07»"),
        (lambda: exercises.recall(None), "None"),
        (lambda: exercises.progress("basura"), "'basura' no es un texto de progreso"),
        (lambda: exercises.progress(5), "5 no es un texto de progreso"),
        (lambda: exercises.progress(b"basura"), "no es un texto de progreso"),
        (lambda: exercises.progress(BadEverything()), "no es un texto de progreso"),
        (lambda: exercises.progress(packed("[" * 5000)), "no es un texto de progreso"),
        (lambda: exercises.progress(packed('{"\\ud800": true}')), "no es un texto de progreso"),
        (lambda: exercises.progress(packed("[]")), "no es un texto de progreso"),
        (lambda: exercises.progress("ñandú"), "no es un texto de progreso"),
        (lambda: exercises.progress("eJwLLUpVSFTIzczLBgAWrARa"), "no es un texto de progreso"),
        (lambda: exercises.observe("a", (1, 2), torch.ones(3)), "el resultado tenía que ser un número"),
        (lambda: exercises.observe("a", (1, 2), "x"), "el resultado tenía que ser un número"),
        (lambda: exercises.observe("a", torch.nested.nested_tensor([torch.ones(2)]), 3), "una apuesta son dos números"),
        (lambda: exercises.observe("a", (1, 2), None), "el resultado tenía que ser un número"),
        *(
            (lambda seen=seen: exercises.observe("a", (1, 2), seen), "algo divergió")
            for seen in (float("nan"), float("inf"), torch.tensor(float("-inf")))
        ),
        *(
            (lambda bet=bet: exercises.observe("a", bet, 3), "una apuesta son dos números")
            for bet in (
                "60-80", (1, 2, 3), (), {"a": 1}, (1, None), (float("nan"), 2), (0, float("inf")), 10**400, 1j,
                BadEverything(), (1, "x"), object(), [[1], [2, 3]],
            )
        ),
    ],
)  # fmt: skip
def test_a_wrong_call_is_one_line(call, words, capsys):
    assert call() is None
    out = one_line(capsys)
    assert out.startswith("❌") and words in out
    assert passport.load_bets() == {}


class NotEvenAText(str):
    """Un texto al que no se le puede preguntar nada."""

    def strip(self, *more):
        raise RuntimeError

    def __getattr__(self, name):
        raise RuntimeError

    split = lower = __getitem__ = __eq__ = __repr__ = strip
    __hash__ = str.__hash__


class NoClass:
    """Un objeto que falla al preguntarle su clase."""

    @property
    def __class__(self):
        raise RuntimeError


@pytest.mark.parametrize("make", [lambda: NotEvenAText("zz"), NoClass], ids=["texto", "clase"])
def test_what_fails_when_asked_what_it_is_does_not_stop_a_lesson(make, capsys):
    for call in (
        exercises.progress, exercises.recall, functools.partial(exercises.answer, "03-01"),
        lambda value: exercises.answer(value, "a"), lambda value: exercises.check(value, 1),
    ):  # fmt: skip
        call(make())
        assert one_line(capsys).startswith("❌")


class Endless(list):
    """Una lista que, al recorrerla, no acaba."""

    def __iter__(self):
        while True:
            yield 1.0


@pytest.mark.timeout(20)
def test_what_never_ends_does_not_hang(capsys):
    exercises.observe("a", Endless([1, 2]), 1.5)
    assert "✅" in one_line(capsys)
    exercises.check("00-pasos", Endless([1.0]))
    assert one_line(capsys).startswith("❌")


@pytest.mark.parametrize("digits", [-1, None, 1e9, "2", 400])
def test_odd_digits_do_not_stop_a_bet(digits, capsys):
    exercises.observe("a", (1, 2), 1.5, digits=digits)
    assert "ha salido 2: dentro" in one_line(capsys)


@pytest.mark.parametrize("odd", [*ODD, "media letra"])
def test_an_odd_name_or_unit_does_not_stop_a_bet(odd, capsys):
    value = ODD.get(odd, "\ud800")
    exercises.observe(value, (1, 2), 1.5)
    exercises.observe("a", (1, 2), 1.5, value)
    exercises.observe("b", value, 1.5)
    out = capsys.readouterr().out
    assert out.encode("utf-8").count(b"\n") == 3 and "ha salido" in out
    exercises.calibration()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-16"])
def test_no_console_breaks_what_is_printed(encoding, tmp_path):
    """Fuera de Jupyter, en una consola que no tiene «✅» ni «−»."""
    calls = (
        "from helpers.exercises import answer, check, observe, progress, recall\n"
        "check('04-softmax', lambda x: x)\nanswer('04-01', 'a')\nrecall('04')\nobserve('a', None, 1)\n"
        "observe('a', (1, 2), 1.5)\nprogress()\nprogress('basura')\nprint('fin')"
    )
    done = subprocess.run(
        [sys.executable, "-c", calls], cwd=ROOT, capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "CURSO_PROGRESO": str(tmp_path / "p.json")},
    )  # fmt: skip
    assert done.returncode == 0 and not done.stderr, done.stderr.decode(errors="replace")[-500:]
    assert done.stdout.decode(encoding, "replace").endswith(("fin\n", "fin\r\n"))


def test_a_repeated_name_does_not_lose_a_right_answer(capsys):
    passport.path().write_text(
        '{"04-softmax": true, "05-bucle": false, "04-softmax": false, "05-bucle": true}'
    )
    assert passport.load_results() == {"04-softmax": True, "05-bucle": True}


@pytest.mark.parametrize(
    "bet", [(60, 80), [80, 60], torch.tensor([60, 80]), np.array([60.0, 80.0]), (Decimal(60), 80)]
)
def test_a_bet_may_come_in_any_type(bet, capsys):
    exercises.observe("06-aciertos", bet, torch.tensor(71.2, requires_grad=True), "%")
    assert one_line(capsys) == "✅ 06-aciertos: apostaste 60 a 80 y ha salido 71 %: dentro.\n"
    assert passport.load_bets() == {"06-aciertos": {"low": 60, "high": 80, "seen": 71.0}}


@pytest.mark.parametrize("option", ["b", " B ", "b)", "(b)"])
def test_a_letter_may_come_with_its_bracket(option, capsys):
    exercises.answer("00-01", option)
    assert one_line(capsys).startswith("✅")


def test_a_damaged_bank_is_one_line(monkeypatch, tmp_path, capsys):
    (tmp_path / "roto.json").write_text("[{")
    monkeypatch.setattr(quiz, "BANK", tmp_path / "roto.json")
    quiz.bank.cache_clear()
    try:
        exercises.answer("00-01", "b")
    finally:
        quiz.bank.cache_clear()
    assert "No se puede leer" in one_line(capsys)


# --- con cuál sigue la lección -----------------------------------------------------------------------------------


@pytest.fixture
def doubling(monkeypatch):
    exercise = Exercise(lambda x: 2 * x, cases=[(3,), (5,)], success="bien.", goes_on=True)
    monkeypatch.setattr(checking, "catalogue", lambda lesson: {"04-doble": exercise})
    return exercise


def test_check_gives_back_the_one_that_goes_on(doubling, capsys):
    def mine(x):
        return x + x

    assert exercises.check("04-doble", mine) is mine
    assert one_line(capsys) == "✅ 04-doble: bien. Sigo con la tuya.\n"
    for wrong in (None, lambda x: x, lambda x: None, loops_never_called):
        assert exercises.check("04-doble", wrong) is doubling.reference
        assert one_line(capsys).endswith(" Sigo con la del curso.\n")


def loops_never_called(x):
    raise ValueError


def test_calling_the_course_is_not_writing_it(doubling, capsys):
    """Tras el primer `check`, el nombre con que se sigue es la función del curso: copiarla sería llamarse sin fin."""
    notebook = {"__name__": "__main__", "double": exercises.check("04-doble", None)}
    assert one_line(capsys).startswith("⏳")
    exec("def mine(x): return double(x)", notebook)
    assert exercises.check("04-doble", notebook["mine"]) is doubling.reference
    assert (
        one_line(capsys)
        == "❌ 04-doble: tu función llama a la del curso: escríbela tú. Sigo con la del curso.\n"
    )


@pytest.mark.parametrize(
    ("reference", "mine", "wanted"),
    [
        (lambda x: torch.tensor([x, x]), lambda x: [x, x], "un tensor"),
        (lambda x: torch.tensor([x, x]), lambda x: np.array([x, x]), "un tensor"),
        (lambda x: torch.tensor([x, x]), lambda x: torch.tensor([x, x]).float(), "números enteros"),
        (lambda x: torch.ones(x), lambda x: torch.ones(x).long(), "números con decimales"),
        (lambda x: [x, x], lambda x: (x, x), "una lista"),
        (lambda x: [x, [x]], lambda x: [x, torch.tensor([x])], "una lista"),
        (lambda x: (x, x), lambda x: torch.tensor([x, x]), "una tupla"),
        (lambda x: {"a": x}, lambda x: {"a": torch.tensor(x)}, "un número"),
        (lambda x: float(x), lambda x: torch.tensor(float(x)), "un número"),
        (lambda x: float(x), lambda x: np.float32(x), ""),
        (lambda x: x > 4, lambda x: np.bool_(x > 4), ""),
        (
            lambda x: torch.ones(x, requires_grad=True),
            lambda x: torch.ones(x),
            "un tensor que lleve a los gradientes (sin .item(), .detach() ni no_grad)",
        ),
        (lambda x: torch.ones(x), lambda x: torch.ones(x).double(), "un tensor de float32"),
        (lambda x: torch.ones(x), lambda x: 1 + torch.zeros(x), ""),
        (lambda x: {"a": x}, lambda x: Counter(a=x), ""),
        (lambda x: str(x), lambda x: str(x), ""),
    ],
)
def test_a_right_one_of_another_kind_keeps_its_tick_and_the_course_goes_on(
    reference, mine, wanted, monkeypatch, capsys
):
    """Los números de un tensor en una lista están bien, pero la celda siguiente la usaría como tensor."""
    exercise = Exercise(reference, cases=[(3,), (5,)], success="bien.", goes_on=True)
    monkeypatch.setattr(checking, "catalogue", lambda lesson: {"04-tipo": exercise})
    going = exercises.check("04-tipo", mine)
    out = one_line(capsys)
    assert out.startswith("✅") and going is (reference if wanted else mine)
    assert (f"Sigo con la del curso: las celdas siguientes esperan {wanted}." in out) == bool(wanted)


def _in_place(x):
    x[x < 0] = 0
    return x


def _popping(x):
    total = 0
    while x:
        total += x.pop()
    return total


def _editing(config):
    config.n_layer = 6
    return config


@pytest.mark.parametrize(
    ("reference", "case", "mine"),
    [
        (lambda x: x.clamp(min=0), torch.tensor([-1.0, float("nan"), 2.0]), _in_place),
        (lambda x: sum(x), [1, 2, 3], _popping),
        (lambda x: len(x), {"a": 1}, lambda x: x.pop("a") and 1),
        (lambda c: OpenAIGPTConfig(n_layer=6), OpenAIGPTConfig(), _editing),
    ],
)
def test_a_right_one_that_changes_what_it_gets_keeps_its_tick_and_the_course_goes_on(
    reference, case, mine, monkeypatch, capsys
):
    """En la celda siguiente, lo que recibe es una variable de la lección."""
    layers = (lambda config: config.n_layer) if isinstance(case, OpenAIGPTConfig) else None
    exercise = Exercise(reference, cases=[(case,)], success="bien.", goes_on=True, measure=layers)
    monkeypatch.setattr(checking, "catalogue", lambda lesson: {"04-cambia": exercise})
    assert exercises.check("04-cambia", reference) is reference
    assert one_line(capsys).endswith(" Sigo con la tuya.\n")
    assert exercises.check("04-cambia", mine) is reference
    assert "la tuya cambia lo que recibe" in one_line(capsys)


def test_the_lesson_could_go_on_with_every_reference(capsys):
    for lesson in checking.lessons():
        for name, exercise in checking.catalogue(lesson).items():
            if exercise.goes_on:
                exercises.check(name, exercise.reference)
                assert one_line(capsys).endswith(" Sigo con la tuya.\n"), name


@pytest.mark.parametrize(
    "answer", [lambda x: 2 * x, lambda x: x + x, lambda x: torch.tensor(2 * x), lambda x: 0]
)
def test_the_one_of_the_course_runs_once_for_each_case(answer, capsys, monkeypatch):
    """Acierte o no quien contesta: la de la 09 tarda más que muchas respuestas."""
    asked = []
    exercise = Exercise(lambda x: asked.append(x) or 2 * x, cases=[(3,), (5,)], goes_on=True)
    monkeypatch.setattr(checking, "catalogue", lambda lesson: {"04-doble": exercise})
    exercises.check("04-doble", answer)
    assert asked == [3, 5]


def test_a_right_but_slow_one_keeps_its_tick_and_the_course_goes_on(doubling, capsys, monkeypatch):
    monkeypatch.setattr(checking, "SLOW", 0.05)

    def slow(x):
        start = time.process_time()
        while time.process_time() - start < 0.1:
            pass
        return 2 * x

    assert exercises.check("04-doble", slow) is doubling.reference
    assert one_line(capsys) == "✅ 04-doble: bien. Sigo con la del curso, que va más deprisa.\n"


def test_what_the_course_takes_does_not_count_against_the_reader(capsys, monkeypatch):
    """La primera vez, la referencia puede cargar media PyTorch: segundos que no son de quien contesta."""

    def slow(x):
        start = time.process_time()
        while time.process_time() - start < 0.5:
            pass
        return 2 * x

    monkeypatch.setattr(checking, "SLOW", 0.2)
    exercise = Exercise(slow, cases=[(3,)], success="bien.", goes_on=True, seconds=0.3)
    monkeypatch.setattr(checking, "catalogue", lambda lesson: {"04-doble": exercise})
    exercises.check("04-doble", lambda x: x + x)
    assert one_line(capsys) == "✅ 04-doble: bien. Sigo con la tuya.\n"


def test_an_error_ends_in_a_full_stop_before_saying_who_goes_on(doubling, capsys):
    exercises.check("04-doble", lambda x: [][x])
    assert one_line(capsys).endswith("IndexError: list index out of range. Sigo con la del curso.\n")


def test_without_the_field_check_gives_nothing_back(monkeypatch, capsys):
    exercise = Exercise(lambda x: 2 * x, cases=[(3,)])
    monkeypatch.setattr(checking, "catalogue", lambda lesson: {"04-doble": exercise})
    assert exercises.check("04-doble", exercise.reference) is None
    assert one_line(capsys) == "✅ 04-doble: correcto.\n"


# --- el progreso no se pierde ------------------------------------------------------------------------------------

WRITER = """
import sys
from helpers.exercises import passport
print("listo", flush=True)
sys.stdin.readline()
for k in range(100):
    passport.record(f"04-{sys.argv[1]}-{k}", k % 2 == 0)
    passport.record_bet(f"{sys.argv[1]}-{k}", {"low": k, "high": k, "seen": k})
"""


@pytest.mark.slow
def test_two_processes_that_write_at_once_lose_nothing():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name], **pipes) for name in ("uno", "dos")]
    assert [writer.stdout.readline() for writer in writers] == ["listo\n"] * 2
    for writer in writers:  # los dos a la vez
        writer.stdin.write("ya\n")
        writer.stdin.flush()
    assert [writer.communicate(timeout=120)[0] for writer in writers] == ["", ""]
    every = {f"04-{name}-{k}": k % 2 == 0 for name in ("uno", "dos") for k in range(100)}
    assert passport.load_results() == every and len(passport.load_bets()) == 200
    assert [one.name for one in passport.path().parent.iterdir()] == ["progreso.json"]


def test_a_process_killed_with_the_lock_does_not_stop_the_others(monkeypatch, capsys):
    lock = passport.path().with_name("progreso.json.lock")
    lock.touch()
    os.utime(lock, (0, 0))
    passport.record("04-softmax", True)
    assert passport.load_results() == {"04-softmax": True} and not lock.exists()
    monkeypatch.setattr(passport, "STALE", 0.3)
    lock.touch()  # recién muerto: se espera un poco
    passport.record("04-entropia", True)
    assert len(passport.load_results()) == 2 and capsys.readouterr().out == ""


def test_a_write_that_dies_halfway_leaves_the_old_file(monkeypatch):
    passport.record("04-softmax", True)
    monkeypatch.setattr(os, "replace", lambda *args: raises(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        passport.record("04-entropia", True)
    assert passport.load_results() == {"04-softmax": True}
    assert not passport.path().with_name("progreso.json.lock").exists()


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b"{roto", {}),
        (b"", {}),
        (b"\x00" * 50, {}),
        (b"[1, 2]", {}),
        ("año".encode("latin-1"), {}),
        (b'{"04-softmax": true, "05-bucle": false, "06-le', {"04-softmax": True, "05-bucle": False}),
        (b'{"04-softmax": true, "\\ud800": 1}', {"04-softmax": True}),
        (b"[" * 10_000, {}),
        (b'{"04-softmax": "si", "05-bucle": true}', {"05-bucle": True}),
        (b'{"05-bucle": true, "apuestas": [1]}', {"05-bucle": True}),
        (b'{"05-bucle": true, "apuestas": {"a": {"low": "x"}}}', {"05-bucle": True}),
        *(  # un número que no se podría volver a guardar
            (
                b'{"05-bucle": true, "apuestas": {"a": {"low": %s, "high": 1, "seen": 1}}}' % low,
                {"05-bucle": True},
            )
            for low in (b"9" * 400, b"-Infinity", b"1e999")
        ),
    ],
)
def test_a_damaged_file_is_set_aside_and_named_once(content, kept, capsys):
    passport.path().write_bytes(content)
    exercises.check("00-pasos", 40)
    exercises.calibration()
    exercises.check("00-limite", 1)
    out = capsys.readouterr().out
    assert out.count("está dañado") == 1 and "«progreso-roto.json»" in out
    assert passport.path().with_name("progreso-roto.json").read_bytes() == content
    assert passport.load_results() == kept | {"00-pasos": True, "00-limite": False}


def test_two_damaged_files_are_both_kept(capsys):
    for content in ("{uno", "{dos", "{dos"):
        passport.path().write_text(content)
        passport.record("04-softmax", True)
    kept = {one.name: one.read_text() for one in passport.path().parent.glob("*roto*")}
    assert kept == {"progreso-roto.json": "{uno", "progreso-roto-2.json": "{dos"}


def test_what_a_newer_edition_saved_and_a_byte_order_mark_are_respected(capsys):
    passport.path().write_text('\ufeff{"04-softmax": true, "rachas": {"días": 3}}', encoding="utf-8")
    passport.record("05-bucle", True)
    assert json.loads(passport.path().read_text(encoding="utf-8"))["rachas"] == {"días": 3}
    assert passport.load_results() == {"04-softmax": True, "05-bucle": True} and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "error", [PermissionError(13, "Permission denied"), OSError(28, "No space left on device")]
)
def test_what_cannot_be_written_is_said_once_and_remembered(error, monkeypatch, capsys):
    monkeypatch.setattr(passport, "write_json", lambda *args: raises(error))
    exercises.check("00-pasos", 40)
    exercises.check("00-limite", 1)
    out = capsys.readouterr().out
    assert out.count("⚠️") == 1 and files.why(error) in out and str(passport.path()) in out
    text = exercises.progress()
    assert passport.load_results() == {"00-pasos": True, "00-limite": False} and not passport.path().exists()
    monkeypatch.undo()
    exercises.progress(text)
    assert passport.load_results()["00-pasos"]


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="el administrador puede todo"
)
def test_a_folder_without_permission(tmp_path, capsys):
    tmp_path.chmod(0o500)
    passport.record("04-softmax", True)
    tmp_path.chmod(0o700)
    assert "no hay permiso" in one_line(capsys)


def test_a_file_that_cannot_be_read_is_not_overwritten(monkeypatch, tmp_path, capsys):
    (tmp_path / "carpeta").mkdir()
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "carpeta"))
    exercises.check("00-pasos", 40)
    exercises.progress()
    out = capsys.readouterr().out
    assert "es una carpeta" in out and "✅" in out and (tmp_path / "carpeta").is_dir()


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "nube").mkdir()
    passport.path().symlink_to(tmp_path / "nube" / "mio.json")
    passport.record("04-softmax", True)
    assert passport.path().is_symlink() and (tmp_path / "nube" / "mio.json").exists()


def test_a_passport_survives_being_pasted_with_line_breaks(monkeypatch, tmp_path, capsys):
    for k in range(30):
        passport.record(f"04-{k}", True)
    text = exercises.progress()
    monkeypatch.setenv("CURSO_PROGRESO", str(tmp_path / "otro.json"))
    exercises.progress("\n".join(textwrap.wrap(text, 40)) + "  ")
    assert len(passport.load_results()) == 30


def test_what_moved_is_counted_where_it_is(capsys):
    """Cada ejercicio, en la lección cuyo cuaderno lo propone; lo mudado, también."""
    for path in tools_lessons.find():
        proposed = {contract.tag_of(cell, "exercise") for cell in tools_lessons.read(path).cells} - {None}
        assert proposed == {name for name in totals.names(path.stem[:2]) if name[3:4].isalpha()}, path.stem
    exercises.check("01-orden", "x")
    exercises.progress()
    out = capsys.readouterr().out
    assert "\n10 " in out and "\n01 " not in out


def test_totals_count_the_exercises_and_questions_of_the_lesson(capsys):
    passport.record("04-softmax", True)
    passport.record("04-01", True)
    passport.record("04-02", False)
    passport.record("04-retirado", True)  # de una edición anterior: no cuenta
    exercises.progress()
    there = len(checking.catalogue("04")) + sum(name.startswith("04") for name in quiz.bank())
    assert f"04       2 de {there}           3\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: 3, "tu función tiene que aceptar 2 argumentos, los del enunciado (TypeError: "),
        (lambda a, b: a + "x", "con la entrada 4, 2, tu código se para con TypeError: "),
        (lambda a, b: 1 / (b - 1), "con la entrada 3, 1, tu código se para con ZeroDivisionError: "),
        (max, "con la entrada 4, 2, sale 4 y se esperaba 2."),
    ],
)
def test_a_stop_says_with_which_input(answer, words):
    exercise = Exercise(lambda a, b: a // b, cases=[(4, 2), (3, 1)])
    mark, sentence = judge(exercise, answer)
    assert mark == "❌" and words in sentence


def test_a_large_input_is_not_written_whole_to_say_its_shape():
    start = time.process_time()
    assert (
        comparing.inputs((torch.ones(64, 20_000), torch.ones(20_000)))
        == "de forma [64, 20000], de forma [20000]"
    )
    assert comparing.inputs(([0.5] * 1_000_000,)).startswith("[0,5; 0,5; ")
    assert comparing.inputs((0.2, 0.25, 1)) == "0,2; 0,25; 1" and comparing.inputs((2, [0.5])) == "2, [0,5]"
    assert time.process_time() - start < 0.5


def test_a_full_disk_leaves_no_empty_files(monkeypatch, tmp_path, capsys):
    """Lo que hace un disco lleno: crear el archivo y no poder escribir nada en él."""
    passport.path().write_text("{roto")

    def full(self, *args, **kwargs):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    for name in ("00-pasos", "00-limite", "00-filas"):
        passport.record(name, True)
    assert [one.name for one in tmp_path.iterdir()] == ["progreso.json"]
    passport.path().unlink()
    monkeypatch.setattr("pathlib.Path.write_text", full)
    passport.record("04-softmax", True)
    assert list(tmp_path.iterdir()) == [] and len(passport.load_results()) == 4


def test_short_texts():
    assert comparing.shown([0.5, 1]) == "[0,5; 1]"
    assert comparing.shown(torch.tensor([[1, 2], [3, 4]])) == "[[1, 2], [3, 4]]"
    assert comparing.shown({("a", "b"): 1.5, "c": None}) == "{('a', 'b'): 1,5, 'c': None}"
    assert comparing.shown({("a",): 1}) == "{('a',): 1}"
    assert comparing.shown(float("-inf")) == "−inf"
