"""Hidden tests: honest code passes as it would in one process, and no way to pass but being right."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_judging import Bench
from hidden_suites import CHEATS, USUAL_CODE, USUAL_TESTS

from honing.errors import UsageError
from honing.harness.tasks.base import TaskStatus

HIDDEN = {
    "hidden/test_sums.py": """\
        import unittest
        import app
        from app import add

        def test_small():
            assert add(1, 2) == 3

        def test_large():
            assert app.add(10**30, 1) == 10**30 + 1

        class Sums(unittest.TestCase):
            def test_texts(self):
                self.assertEqual(add("a", "b"), "ab")

            def test_wrong_types(self):
                with self.assertRaises(TypeError):
                    add(1, "b")
        """
}
SPEC = {"type": "hidden_tests", "tests": "hidden"}
IDS = [
    "test_sums.py::test_small",
    "test_sums.py::test_large",
    "test_sums.py::Sums::test_texts",
    "test_sums.py::Sums::test_wrong_types",
]
HONEST = "def add(a, b):\n    return a + b\n"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.grader(HIDDEN)
    return bench


def test_honest_code_passes(bench: Bench) -> None:
    score = bench.judge({"app.py": HONEST}, **SPEC)

    assert (score.status, score.score, score.reason) == (TaskStatus.SCORED, 1.0, "")
    assert score.checks == dict.fromkeys(IDS, True)
    assert score.sandbox == bench.places.sandbox.name


def test_half_right_code_scores_its_share_and_is_told_which(bench: Bench) -> None:
    files = {"app.py": "def add(a, b):\n    return int(a) + int(b)\n"}

    score = bench.judge(files, **SPEC)
    assert (score.score, score.reason) == (0.5, "2 of 4 hidden tests failed")
    assert score.checks == dict(zip(IDS, [True, True, False, False], strict=True))
    strict = bench.judge(files, **SPEC, all_or_nothing=True, hide_names=True)
    assert (strict.score, list(strict.checks)) == (0.0, ["test 1", "test 2", "test 3", "test 4"])


@pytest.mark.parametrize("code", CHEATS.values(), ids=CHEATS.keys())
def test_no_way_leads_past_the_tests(bench: Bench, code: str) -> None:
    others = {
        "conftest.py": "def pytest_runtest_makereport(): return 'passed'\n",
        "sitecustomize.py": "import unittest\nunittest.TestResult.wasSuccessful = lambda self: True\n",
        "unittest.py": "class TestCase: pass\n",
        "pytest.ini": "[pytest]\naddopts = --deselect .\n",
        "hidden/test_sums.py": "def test_small(): pass\n",
        "json.py": "def dumps(*a, **k): return '{}'\n",
    }

    score = bench.judge({**others, "app.py": code}, **SPEC, expect=IDS[:3:2])

    held = [name for name, passed in score.checks.items() if passed]
    assert (score.status, score.score, held) == (TaskStatus.SCORED, 0.0, [])


def test_code_that_does_not_answer_fails_a_test_and_no_other(bench: Bench) -> None:
    code = "import time\ndef add(a, b):\n    if a == 1: time.sleep(600)\n    return a + b\n"
    score = bench.judge({"app.py": code}, **SPEC, expect=IDS[:3:2], test_timeout_s=5)

    assert score.checks == {IDS[0]: False, IDS[2]: True}


def test_honest_code_passes_beside_files_with_the_names_of_tools(bench: Bench) -> None:
    others = {"conftest.py": "raise SystemExit(1)\n", "sitecustomize.py": "raise SystemExit(1)\n"}

    assert bench.judge({**others, "app.py": HONEST}, **SPEC).score == 1.0


def test_a_test_cannot_hear_of_another(bench: Bench) -> None:
    bench.grader(
        {
            "order/test_order.py": """\
                import app
                def test_first(): assert app.count() == 1
                def test_second(): assert app.count() == 1
                """
        }
    )
    code = "calls = []\ndef count():\n    calls.append(1)\n    return len(calls)\n"

    assert bench.judge({"app.py": code}, **{**SPEC, "tests": "order"}).score == 1.0


def test_what_the_code_prints_reaches_neither_log_nor_reason(bench: Bench) -> None:
    code = "def add(a, b):\n    print('SECRET', a, b)\n    raise ValueError(f'SECRET {a}')\n"
    score = bench.judge({"app.py": code}, **SPEC)

    assert "SECRET" not in score.log + score.reason + "".join(score.checks)


def test_expected_tests_that_are_missing_or_skipped_have_failed(bench: Bench) -> None:
    bench.grader(
        {
            "odd/test_odd.py": """\
                import unittest

                def test_returns_something(): return True

                class Odd(unittest.TestCase):
                    @unittest.skip("later")
                    def test_skipped(self): pass

                    @unittest.expectedFailure
                    def test_expected_failure(self): self.fail()

                    def test_sub(self):
                        with self.subTest("one"):
                            self.fail()

                    async def test_async_without_a_loop(self): pass
                """
        }
    )
    names = [
        "test_returns_something", "Odd::test_skipped", "Odd::test_expected_failure", "Odd::test_sub",
        "Odd::test_absent", "Absent::test_x", "test_absent",
    ]  # fmt: skip
    expect = [f"test_odd.py::{name}" for name in names]
    score = bench.judge({"app.py": ""}, **{**SPEC, "tests": "odd"}, expect=expect)

    assert score.checks == dict.fromkeys(expect, False)


def test_what_tests_usually_need_of_a_module_works_over_the_border(bench: Bench) -> None:
    bench.grader({"deep/test_deep.py": USUAL_TESTS})
    score = bench.judge({"app.py": USUAL_CODE, "sub/file": "text"}, **{**SPEC, "tests": "deep"})

    assert [name for name, held in score.checks.items() if not held] == []
    assert len(score.checks) == 9


def test_pytest_runs_hidden_tests_with_fixtures_and_parameters(bench: Bench) -> None:
    bench.grader(
        {
            "py/conftest.py": "import pytest\n@pytest.fixture\ndef three():\n    return 3\n",
            "py/test_py.py": """\
                import pytest
                import app

                @pytest.mark.parametrize("a", [1, 2, 3])
                def test_all(a): assert app.add(a, 1) == a + 1

                @pytest.mark.parametrize("a", [1, 2])
                def test_one_fails(a): assert app.add(a, 1) == 2

                def test_fixture(three): assert app.add(1, 2) == three

                @pytest.mark.skip
                def test_skipped(): pass

                @pytest.mark.xfail
                def test_expected_failure(): assert False

                class TestMore:
                    def test_prints(self, capsys):
                        app.say()
                        assert capsys.readouterr().out == "hello\\n"
                """,
        }
    )
    files = {"app.py": HONEST + "def say(): print('hello')\n", "conftest.py": "raise SystemExit(0)\n"}
    names = ["all", "one_fails", "fixture", "skipped", "expected_failure"]
    ids = [*(f"test_py.py::test_{name}" for name in names), "test_py.py::TestMore::test_prints"]
    score = bench.judge(files, **{**SPEC, "tests": "py"}, runner="pytest")

    assert score.checks == dict(zip(ids, [True, False, True, False, False, True], strict=True))
    cheat = bench.judge({"app.py": CHEATS["a walk over the stack"]}, **SPEC, runner="pytest")
    assert cheat.score == 0.0


def test_modules_are_found_in_the_folders_that_are_named(bench: Bench) -> None:
    files = {"src/app.py": HONEST, "app.py": "raise SystemExit(1)\n"}

    assert bench.judge(files, **SPEC, paths=["src"]).score == 1.0
    assert bench.judge(files, **SPEC).score == 0.0


def test_a_module_of_the_harness_may_have_the_name_of_one_of_python(bench: Bench) -> None:
    bench.grader({"named/test_named.py": "import colorsys\ndef test_it():\n    assert colorsys.own() == 7\n"})
    files, spec = {"colorsys.py": "def own(): return 7\n"}, {**SPEC, "tests": "named"}

    assert bench.judge(files, **spec, modules=["colorsys"]).score == 1.0
    assert bench.judge(files, **spec).score == 0.0


def test_the_setup_comes_first_and_must_end_well(bench: Bench) -> None:
    made = bench.judge({"make.sh": f"echo '{HONEST}' > app.py"}, **SPEC, setup="bash make.sh")
    failed = bench.judge({"make.sh": "echo why; exit 4", "app.py": HONEST}, **SPEC, setup="bash make.sh")

    assert made.score == 1.0
    assert (failed.score, failed.reason, failed.log) == (0.0, "the setup ended with 4, expected 0", "why")


def test_the_code_runs_under_the_interpreter_that_is_named(bench: Bench) -> None:
    script = '#!/bin/sh\nMARK=1 exec python3 "$@"\n'
    setup = f"mkdir -p env && echo '{script}' > env/python && chmod +x env/python"
    code = "import os\nassert os.environ['MARK']\n" + HONEST

    assert bench.judge({"app.py": code}, **SPEC, setup=setup, python="env/python").score == 1.0
    assert bench.judge({"app.py": code}, **SPEC, setup=setup).score == 0.0
    assert bench.judge({"app.py": code}, **SPEC, python="env/none").score == 0.0


def test_one_file_of_tests_is_seen_without_what_lies_beside_it(bench: Bench) -> None:
    bench.grader({"hidden/answers.py": "X = 1\n", "hidden/test_b.py": "def test_b():\n    import answers\n"})

    assert bench.judge({"app.py": HONEST}, **{**SPEC, "tests": "hidden/test_sums.py"}).score == 1.0
    alone = bench.judge({"app.py": HONEST}, **{**SPEC, "tests": "hidden/test_b.py"})
    together = bench.judge({"app.py": HONEST}, **SPEC)
    assert (alone.score, together.score) == (0.0, 1.0)


def test_tests_that_are_no_longer_what_they_were_judge_nothing(bench: Bench) -> None:
    task = bench.task(**SPEC)
    bench.grader({"hidden/test_sums.py": "def test_small(): pass\n"})
    run = bench.evaluator.evaluate(bench.candidate({"app.py": HONEST}), [task]).runs[0]

    assert run.score.status is TaskStatus.INFRA_ERROR
    assert "not what it was when the project was loaded" in run.score.reason


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "cannot be read"),
        ({"none/readme.txt": ""}, "holds no test"),
        ({"none/test_x.py": "def test_x(:\n"}, "is no Python"),
        ({"none/test_x.py": "def other(): pass\n"}, "holds no test"),
    ],
    ids=["missing", "no file", "no python", "no function"],
)
def test_tests_that_cannot_judge_are_refused_at_once(bench: Bench, files: dict[str, str], why: str) -> None:
    bench.grader(files)

    with pytest.raises(UsageError, match=why):
        bench.task(**{**SPEC, "tests": "none"})


def test_a_file_of_tests_that_breaks_when_it_is_read_fails_its_tests(bench: Bench) -> None:
    bench.grader({"broken/test_x.py": "raise RuntimeError\ndef test_x(): pass\n"})

    score = bench.judge({"app.py": HONEST}, **{**SPEC, "tests": "broken"})
    assert (score.score, score.checks) == (0.0, {"test_x.py::test_x": False})
