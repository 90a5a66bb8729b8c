"""Mutation: a test script scores by the defects it notices, and nothing else makes it score."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest
from harness_judging import Bench
from hypothesis import given
from hypothesis import strategies as st

from honing.errors import UsageError
from honing.harness.tasks.base import TaskStatus
from honing.harness.tasks.mutants import mutants, restyled

SOURCE = """\
def add(a, b):
    # As it should be.
    return a + b


def large(x):
    return x > 10
"""
TESTS = """\
import sys
sys.path.insert(0, "src")
import app
assert app.add(2, 3) == 5 and app.add(0, 1) == 1
assert app.large(11) is True and app.large(10) is False and app.large(12) is True
"""
GRADER = {
    "right/src/app.py": SOURCE,
    "off/src/app.py": SOURCE.replace("> 10", "> 9"),
    "sub/src/app.py": SOURCE.replace("a + b", "a - b"),
}
SPEC = {
    "type": "mutation",
    "test": "bash test.sh",
    "files": ["src/app.py"],
    "right": "right",
    "broken": ["off", "sub"],
    "mutants": 2,
}
HONEST = {"test.sh": "python3 tests.py", "tests.py": TESTS, "src/app.py": SOURCE}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.grader(GRADER)
    return bench


def test_tests_that_notice_every_defect_score_in_full(bench: Bench) -> None:
    score = bench.judge(HONEST, **SPEC)

    assert (score.status, score.score, score.reason) == (TaskStatus.SCORED, 1.0, "")
    noticed = {f"defect {number} is noticed": True for number in range(1, 5)}
    assert score.checks == {"right code passes": True, **noticed}


def test_tests_that_notice_some_defects_score_their_share(bench: Bench) -> None:
    score = bench.judge({**HONEST, "tests.py": TESTS.splitlines()[0] + "\n"}, **SPEC)
    half = bench.judge({**HONEST, "tests.py": "\n".join(TESTS.splitlines()[:-1])}, **{**SPEC, "mutants": 0})

    assert score.score == 0.0
    assert (half.score, half.reason) == (0.5, "the tests pass on code with a defect in 1 of 2 cases")
    assert half.checks == {
        "right code passes": True,
        "defect 1 is noticed": False,
        "defect 2 is noticed": True,
    }


KNOWN = f"import ast\nright = ast.dump(ast.parse({SOURCE!r}))\n"
CHEATS = {
    "exit 0": "exit 0",
    "exit 1": "exit 1",
    "printing success": "echo '4 passed'; echo OK",
    "the text of right code": "cmp src/app.py copy.py",
    "the hash of right code": "sha256sum -c sums",
    "the syntax tree of right code": f"""python3 -c "{KNOWN}
import sys
sys.exit(ast.dump(ast.parse(open('src/app.py').read())) != right)" """,
    "counting its calls": """\
        for place in . /tmp /var/tmp /dev/shm "$HOME"; do
            [ -f $place/called ] && exit 1
            touch $place/called
        done
        exit 0
        """,
    "the time of the file": "[ src/app.py -ot test.sh ]",
    "putting right code back": "cp copy.py src/app.py && python3 tests.py",
    "its own copy": "sed -i 's/src/own/' tests.py; mkdir -p own; cp copy.py own/app.py; python3 tests.py",
}


@pytest.mark.parametrize("script", CHEATS.values(), ids=CHEATS.keys())
def test_what_does_not_test_the_code_scores_nothing(bench: Bench, script: str) -> None:
    import hashlib

    sums = f"{hashlib.sha256(SOURCE.encode()).hexdigest()}  src/app.py\n"

    score = bench.judge({**HONEST, "test.sh": script, "copy.py": SOURCE, "sums": sums}, **SPEC)
    assert (score.status, score.score) == (TaskStatus.SCORED, 0.0)


def test_code_of_the_candidate_s_own_is_replaced_by_right_code(bench: Bench) -> None:
    wrong = {**HONEST, "src/app.py": "def add(a, b): return 5\n"}
    in_the_way = {name: text for name, text in HONEST.items() if name != "src/app.py"}

    assert bench.judge(wrong, **SPEC).score == 1.0
    assert bench.judge({**in_the_way, "src/app.py/nested/x": ""}, **SPEC).score == 1.0
    assert bench.judge({**in_the_way, "src": "a file"}, **SPEC).score == 1.0


def test_the_setup_runs_once_and_every_version_starts_from_what_it_left(bench: Bench) -> None:
    files = {
        **HONEST,
        "setup.sh": "date +%s%N > made; echo setup",
        "test.sh": "[ -s made ] && python3 tests.py",
    }

    assert bench.judge(files, **SPEC, setup="bash setup.sh").score == 1.0
    failed = bench.judge(files, **SPEC, setup="bash setup.sh; exit 2")
    assert (failed.score, failed.reason, failed.log) == (0.0, "the setup ended with 2, expected 0", "setup")


def test_a_defect_that_makes_the_tests_hang_counts_as_noticed(bench: Bench) -> None:
    loop = "import sys\nsys.path.insert(0, 'src')\nimport app\nwhile app.add(1, 1) != 2: pass\n" + TESTS
    score = bench.judge({**HONEST, "tests.py": loop}, **{**SPEC, "mutants": 0}, timeout_s=3)

    assert score.score == 1.0


def test_what_a_setup_leaves_that_cannot_be_copied_scores_nothing(bench: Bench) -> None:
    score = bench.judge(HONEST, **SPEC, setup="mkdir -p closed/inner && chmod 000 closed")

    assert (score.status, score.score) == (TaskStatus.SCORED, 0.0)
    assert score.reason.startswith("what the setup left cannot be worked with: ")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"right": "none"}, "cannot be read"),
        ({"files": ["src/none.py"]}, "cannot be read"),
        ({"broken": ["right"]}, "changes none of src/app.py"),
        ({"broken": [], "mutants": 0}, "no defect to be noticed"),
        ({"files": ["data.txt"], "right": "text", "broken": []}, "none of them is Python"),
        ({"right": "bad"}, "is no Python"),
    ],
    ids=["no folder", "no file", "no difference", "no defect", "no python", "a syntax error"],
)
def test_a_spec_without_defects_is_refused(bench: Bench, change: dict[str, object], why: str) -> None:
    bench.grader({"text/data.txt": "1", "bad/src/app.py": "def x(:\n"})

    with pytest.raises(UsageError, match=why):
        bench.task(**{**SPEC, **change})


def test_mutants_are_programs_that_differ_from_right_code_and_from_one_another() -> None:
    found = mutants(SOURCE, 20, random.Random(0))

    trees = [ast.dump(ast.parse(one)) for one in (SOURCE, *found)]
    assert len(set(trees)) == len(trees) == 1 + 5
    assert mutants(SOURCE, 20, random.Random(0)) == found
    assert mutants(SOURCE, 2, random.Random(0)) == found[:2]


def test_no_mutant_changes_a_docstring_or_what_stands_outside_functions() -> None:
    source = 'X = 1\n\n\ndef f():\n    """Doc 1 == 1."""\n    return "%s" % 3\n'

    for one in mutants(source, 20, random.Random(0)):
        tree = ast.parse(one)
        assert ast.unparse(tree.body[0]) == "X = 1"
        assert isinstance(tree.body[1], ast.FunctionDef)
        assert ast.get_docstring(tree.body[1]) == "Doc 1 == 1."


EXPRESSIONS = st.recursive(
    st.integers(-5, 5).map(str) | st.sampled_from(["a", "b"]),
    lambda inner: st.builds(
        "({} {} {})".format, inner, st.sampled_from(["+", "-", "<", "==", "and", "or"]), inner
    ),
    max_leaves=6,
)


@given(EXPRESSIONS, st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 100))
def test_restyled_code_does_what_it_did_and_is_another_text(
    expression: str, a: int, b: int, seed: int
) -> None:
    source = (
        f'from __future__ import annotations\n\n\ndef f(a, b):\n    """Doc."""\n    return {expression}\n'
    )
    other = restyled(source, random.Random(seed))

    before: dict[str, object] = {}
    after: dict[str, object] = {}
    exec(source, before)
    exec(other, after)
    assert before["f"](a, b) == after["f"](a, b)  # type: ignore[operator]
    assert after["f"].__doc__ == "Doc."
    assert ast.dump(ast.parse(source)) != ast.dump(ast.parse(other))


def test_code_without_functions_is_rewritten_too() -> None:
    other = restyled("X = 1\n", random.Random(0))

    assert ast.dump(ast.parse(other)) != ast.dump(ast.parse("X = 1\n"))
