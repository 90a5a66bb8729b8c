"""Code is judged by tests that the code cannot reach: right programs pass in any dress, no trick passes."""

from __future__ import annotations

import threading

import pytest

from honing.contract.scorers import CodeLimits, CodeScorer, Row, ScoreStatus
from honing.sandbox import (
    BubblewrapSandbox,
)


@pytest.fixture(scope="module")
def scorer() -> CodeScorer:
    return CodeScorer(sandbox=BubblewrapSandbox())


def write_row(tests: str, *names: str, setup: str = "") -> Row:
    inputs = {"input": "Write it.", "tests": tests, "under_test": names, "setup": setup, "form": "write"}
    return Row(id="1", inputs=inputs, golds=(), anchor="t:1")


GIVEN = (
    'import math\n\n\ndef helper(x):\n    return x + 1\n\n\ndef area(r):\n    """The area of a circle."""\n'
)
COMPLETE = Row(
    id="2",
    inputs={
        "input": GIVEN,
        "tests": "def check(f):\n    assert abs(f(1) - math.pi) < 1e-9\n    assert helper(1) == 2\n",
        "under_test": ("area",),
        "entry_point": "area",
        "setup": "",
        "form": "complete",
    },
    golds=("    return math.pi * r * r\n",),
    anchor="t:2",
)
ADD = write_row("assert add(1, 2) == 3\nassert add([1], [2]) == [1, 2]", "add")

WHOLE = GIVEN + COMPLETE.gold


@pytest.mark.parametrize(
    "completion",
    [
        COMPLETE.gold,
        "\treturn math.pi * r ** 2",
        "  return math.pi * r ** 2",
        "return math.pi * r ** 2",
        "x = math.pi\n    return x * r * r",
        WHOLE,
        f"```python\n{WHOLE}```",
        f"```\n{COMPLETE.gold}```",
        f"Sure!\n\n```py\n{WHOLE}```\nIt works as follows: ...",
        f"```python\n{WHOLE}".replace("\n", "\r\n"),
        f"{WHOLE}\nThis returns the area. Enjoy!",
        f"Here it is:\n\n{WHOLE}",
        "```python\ndef area(r):\n    return math.pi * r * r\n```",
        "from __future__ import annotations\n\ndef area(r: Circle):\n    return math.pi * r * r + helper(-1)",
        f"```bash\npip install nothing\n```\n```python\n{WHOLE}```\n```python\nprint(area(3))\n```",
        f"{WHOLE}\n\nif __name__ == '__main__':\n    print(area(float(input())))\n",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_the_same_program_passes_in_any_dress(scorer: CodeScorer, completion: str) -> None:
    detail = scorer.score(COMPLETE, completion)

    assert (detail.reward, detail.status) == (1.0, ScoreStatus.SCORED), detail.why


@pytest.mark.parametrize(
    ("completion", "why"),
    [
        ("", "empty"),
        ("I cannot help with that.", "no Python"),
        ("def add(a, b):\n    return a - b", "AssertionError"),
        ("def add(a):\n    return a", "TypeError"),
        ("def plus(a, b):\n    return a + b", "KeyError"),
        ("def add(a, b:\n    return a + b", "no Python"),
        ("raise ValueError('no')\ndef add(a, b): return a + b", "ValueError"),
        ("def add(a, b):\n    return str(a + b)", "AssertionError"),
        ("def add(a, b):\n    raise AssertionError('mine')", "the solution raised AssertionError: mine"),
    ],
    ids=[
        "empty",
        "prose",
        "wrong",
        "signature",
        "other name",
        "broken",
        "raises at once",
        "other type",
        "raises",
    ],
)
def test_a_wrong_program_fails_and_the_judgement_says_why(
    scorer: CodeScorer, completion: str, why: str
) -> None:
    detail = scorer.score(ADD, completion)

    assert (detail.reward, detail.status) == (0.0, ScoreStatus.SCORED)
    assert why in detail.why


@pytest.mark.parametrize(
    "completion",
    ["def add(a, b):\n    while True: pass", "import time\ntime.sleep(60)\ndef add(a, b): return a + b"],
    ids=["a call", "the program"],
)
def test_an_endless_program_is_wrong_not_an_infrastructure_failure(completion: str) -> None:
    limited = CodeScorer(sandbox=BubblewrapSandbox(), limits=CodeLimits(time_limit_s=0.7))

    detail = limited.score(ADD, completion)

    assert (detail.reward, detail.status, detail.why) == (0.0, ScoreStatus.SCORED, "no result within 0.7 s")


def test_tests_that_swallow_every_error_do_not_swallow_the_time_limit() -> None:
    row = write_row("for _ in range(3):\n    try:\n        spin()\n    except:\n        pass", "spin")
    limited = CodeScorer(sandbox=BubblewrapSandbox(), limits=CodeLimits(time_limit_s=0.7))

    detail = limited.score(row, "def spin():\n    while True: pass")

    assert (detail.reward, detail.why) == (0.0, "no result within 0.7 s")


RICH = """
import collections, datetime, decimal, fractions, math
assert give(3) == [1, (2, {3: {4}}), frozenset({5})]
assert type(give(3)[1]) is tuple
assert give(2**70) is not None and big() == 2**70
assert math.isnan(numbers()[0]) and numbers()[1] == float('inf') and numbers()[2] == 1 + 2j
assert texts() == (b'x', bytearray(b'y'), 'z\\ud800', range(3))
assert dates() == [datetime.date(2020, 1, 2), datetime.timedelta(3)]
assert exact() == [decimal.Decimal('1.5'), fractions.Fraction(1, 3)]
assert counted('aab') == collections.Counter('aab')
assert list(lazily(3)) == [0, 1, 2]
data = [3, 1, 2]
assert sort_in_place(data) is None
assert data == [1, 2, 3]
stack = Stack(limit=2)
stack.push('a')
assert stack.pop() == 'a' and len(stack) == 0 and stack.limit == 2
assert apply(add_one, 1) == 2
try:
    fails()
except KeyError as error:
    assert 'gone' in str(error)
else:
    raise AssertionError
"""
RICH_SOLUTION = """
import collections, datetime, decimal, fractions
Pair = collections.namedtuple('Pair', 'a b')
def give(x): return [1, Pair(2, {3: {4}}), frozenset({5})]
def big(): return 2**70
def numbers(): return [float('nan'), float('inf'), 1 + 2j]
def texts(): return (b'x', bytearray(b'y'), 'z\\ud800', range(3))
def dates(): return [datetime.date(2020, 1, 2), datetime.timedelta(3)]
def exact(): return [decimal.Decimal('1.5'), fractions.Fraction(1, 3)]
def counted(s): return collections.Counter(s)
def lazily(n): yield from range(n)
def sort_in_place(xs): xs.sort()
class Stack:
    def __init__(self, limit): self.limit, self.xs = limit, []
    def push(self, x): self.xs.append(x)
    def pop(self): return self.xs.pop()
    def __len__(self): return len(self.xs)
def apply(f, x): return f(x)
def add_one(x): return x + 1
def fails(): raise KeyError('gone')
"""


def test_data_objects_errors_and_changed_arguments_cross_faithfully(scorer: CodeScorer) -> None:
    names = (
        "give",
        "big",
        "numbers",
        "texts",
        "dates",
        "exact",
        "counted",
        "lazily",
        "sort_in_place",
        "Stack",
        "apply",
    )
    row = write_row(RICH, *names, "add_one", "fails")

    detail = scorer.score(row, RICH_SOLUTION)

    assert (detail.reward, detail.why) == (1.0, "every test passed")


@pytest.mark.parametrize(
    ("row", "status", "why"),
    [
        (write_row("assert True", "add"), ScoreStatus.INVALID, "never use the solution"),
        (write_row("assert add(1, 2) ==", "add"), ScoreStatus.INVALID, "themselves raise SyntaxError"),
        (write_row("import sys\nsys.exit(0)", "add"), ScoreStatus.INVALID, "themselves raise SystemExit"),
        (write_row("assert add(lambda: 1, 2) == 3", "add"), ScoreStatus.INVALID, "cannot cross"),
        (write_row("assert True"), ScoreStatus.INVALID, "no name"),
        (write_row("import no_such_pkg\nassert add(1, 2)", "add"), ScoreStatus.INFRA_ERROR, "no_such_pkg"),
        (write_row("assert add(1, 2)", "add", setup="1/0"), ScoreStatus.INVALID, "set-up themselves raise"),
    ],
    ids=[
        "no call",
        "no Python",
        "exits",
        "a function crosses",
        "no names",
        "missing package",
        "broken set-up",
    ],
)
def test_tests_that_cannot_decide_make_the_row_unjudgeable(
    scorer: CodeScorer, row: Row, status: ScoreStatus, why: str
) -> None:
    detail = scorer.score(row, "def add(a, b):\n    return a + b")

    assert (detail.reward, detail.status) == (None, status), detail.why
    assert why in detail.why


def test_set_up_is_there_for_both_sides(scorer: CodeScorer) -> None:
    row = write_row("assert math.isclose(root(4), 2)", "root", setup="import math")

    assert scorer.score(row, "def root(x): return math.sqrt(x)").reward == 1.0


def test_the_order_of_a_set_is_the_same_every_time(scorer: CodeScorer) -> None:
    row = write_row("assert order() == order()\nassert isinstance(order(), list)", "order")
    show = "def order(): return list({'one', 'two', 'three', 'four', 'five'})"
    orders = set()

    for _ in range(3):
        probe = write_row("raise ValueError(order())", "order")
        orders.add(scorer.score(probe, show).why)

    assert scorer.score(row, show).reward == 1.0
    assert len(orders) == 1


def test_several_threads_judge_at_once() -> None:
    judge = CodeScorer(sandbox=BubblewrapSandbox())
    rewards: dict[int, float | None] = {}

    def work(number: int) -> None:
        right = number % 2 == 0
        rewards[number] = judge.score(ADD, f"def add(a, b): return a {'+' if right else '-'} b").reward

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert rewards == {0: 1.0, 1: 0.0, 2: 1.0, 3: 0.0}
