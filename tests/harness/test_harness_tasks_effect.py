"""Effect: an environment counts where it is real, entered and needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_judging import Bench

from honing.harness.tasks.base import TaskScore, TaskStatus

# An environment as `python -m venv` makes it, without the seconds that installing pip takes.
BOOTSTRAP = "python3 -m venv --without-pip .venv"
SPEC = {"type": "effect", "setup": "bash bootstrap.sh", "run": "bash test.sh"}
PROGRAM = {**SPEC, "program": "bin/tool"}
MAKE_TOOL = "mkdir -p bin; printf '#!/bin/sh\\necho made\\n' > bin/tool; chmod +x bin/tool"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def first_failure(score: TaskScore) -> str:
    return next((name for name, held in score.checks.items() if not held), "")


def test_an_environment_that_is_made_and_used_scores(bench: Bench) -> None:
    score = bench.judge({"bootstrap.sh": BOOTSTRAP, "test.sh": ".venv/bin/python -c 'import this'"}, **SPEC)

    assert (score.status, score.score, score.reason) == (TaskStatus.SCORED, 1.0, "")
    assert score.checks == dict.fromkeys(["setup", "real", "run", "used", "needed"], True)


def test_an_activated_environment_is_used_too(bench: Bench) -> None:
    script = "set -e; . .venv/bin/activate; python -c pass; python3 -m unittest --help > /dev/null"

    assert bench.judge({"bootstrap.sh": BOOTSTRAP, "test.sh": script}, **SPEC).score == 1.0


STUB = "mkdir -p .venv/bin; printf '#!/bin/sh\\nexit 0\\n' > .venv/bin/python; chmod +x .venv/bin/python"
USES = ".venv/bin/python -c pass"
CHEATS = {
    "a script called python": (STUB, USES, "real"),
    "another program called python": ("mkdir -p .venv/bin; cp /bin/true .venv/bin/python", USES, "real"),
    "a link to the system's python": (
        "mkdir -p .venv/bin; ln -s /usr/bin/python3 .venv/bin/python",
        USES,
        "real",
    ),
    "no environment": ("true", "exit 0", "real"),
    "a link to nothing": ("mkdir -p .venv/bin; ln -s python .venv/bin/python", "exit 0", "real"),
    "a pipe": ("mkdir -p .venv/bin; mkfifo .venv/bin/python; chmod +x .venv/bin/python", "exit 0", "real"),
    "a failing setup": (f"{BOOTSTRAP}; exit 3", USES, "setup"),
    "never entered": (BOOTSTRAP, "exit 0", "used"),
    "the system's python": (BOOTSTRAP, "python3 -c pass", "used"),
    "looked at only": (BOOTSTRAP, "test -x .venv/bin/python && .venv/bin/python --version", "used"),
    "started without its packages": (BOOTSTRAP, ".venv/bin/python -S -c pass", "used"),
    "entered and not needed": (BOOTSTRAP, ".venv/bin/python -c pass; exit 0", "needed"),
    "a failing run": (BOOTSTRAP, ".venv/bin/python -c pass; exit 5", "run"),
    "marks copied without python": (
        BOOTSTRAP,
        "cd .venv/lib/*/site-packages; for f in *.pth; do"
        " echo /workspace/.venv > /honing/marks/${f%.pth}; done; exit 0",
        "needed",
    ),
}


@pytest.mark.parametrize(("setup", "run", "failure"), CHEATS.values(), ids=CHEATS.keys())
def test_an_environment_that_is_only_claimed_scores_nothing(
    bench: Bench, setup: str, run: str, failure: str
) -> None:
    score = bench.judge({"bootstrap.sh": setup, "test.sh": run}, **SPEC)

    assert (score.status, score.score, first_failure(score)) == (TaskStatus.SCORED, 0.0, failure)
    assert score.reason


def test_a_program_that_is_made_and_used_scores(bench: Bench) -> None:
    script = 'out=$(bin/tool) && [ "$out" = made ]'
    score = bench.judge({"bootstrap.sh": MAKE_TOOL, "test.sh": script}, **PROGRAM)

    assert (score.score, score.reason) == (1.0, "")


@pytest.mark.parametrize(
    ("setup", "run", "failure"),
    [
        ("true", "exit 0", "real"),
        ("mkdir -p bin; echo x > bin/tool", "exit 0", "real"),
        (MAKE_TOOL, "exit 0", "used"),
        (MAKE_TOOL, "bin/tool; exit 0", "needed"),
    ],
    ids=["none", "not executable", "unused", "not needed"],
)
def test_a_program_that_is_only_claimed_scores_nothing(
    bench: Bench, setup: str, run: str, failure: str
) -> None:
    score = bench.judge({"bootstrap.sh": setup, "test.sh": run}, **PROGRAM)

    assert (score.score, first_failure(score)) == (0.0, failure)


def test_the_log_of_what_failed_is_shown(bench: Bench) -> None:
    score = bench.judge({"bootstrap.sh": "echo no disk; exit 1", "test.sh": "exit 0"}, **SPEC)

    assert (score.reason, score.log) == ("the setup ended with 1, expected 0", "no disk")
