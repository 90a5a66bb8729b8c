"""Graders of the author's own, in a process of their own or in ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness_judging import Bench

from honing.errors import UsageError
from honing.harness.tasks.base import TaskScore, TaskStatus
from honing.harness.tasks.callable import read

GRADER = """\
import json
import words

def score(folder):
    return words.share(json.loads((folder / "answer.json").read_text()))

def seeded(folder, seed):
    return {"score": 0.5, "reason": f"seed {seed}", "checks": {"a": True, "b": False}, "cost": 0.25}

def gives(folder):
    print('{"score": 1}')
    return eval((folder / "gives.py").read_text(), {"inf": float("inf"), "nan": float("nan")})

def writes(folder):
    (folder / "new").write_text("x")
    return 1

def slow(folder):
    import time
    time.sleep(600)

def broken(folder):
    raise RuntimeError("no such luck")
"""
FILES = {"grader.py": GRADER, "words.py": "def share(number):\n    return number / 4\n"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.grader(FILES)
    return bench


def judged(bench: Bench, name: str, files: dict[str, str], **spec: object) -> TaskScore:
    return bench.judge(files, type="python", grader=f"grader.py:{name}", needs=["words.py"], **spec)


def test_a_grader_s_number_is_the_score(bench: Bench) -> None:
    score = judged(bench, "score", {"answer.json": "3"})

    assert (score.status, score.score, score.reason) == (TaskStatus.SCORED, 0.75, "the grader gave 0.75")
    assert score.sandbox == ""


def test_a_grader_may_say_more_than_a_number(bench: Bench) -> None:
    task = bench.task(
        type="python", grader="grader.py:seeded", needs=["words.py"], deterministic=False, timeout_s=60
    )
    found = bench.evaluator.evaluate(bench.candidate({"a": ""}), [task], (7,)).runs[0].score

    assert (found.score, found.reason, found.checks, found.cost) == (
        0.5, "seed 7", {"a": True, "b": False}, 0.25,
    )  # fmt: skip


@pytest.mark.parametrize(
    "grade",
    ["nan", "inf", "-0.1", "1.1", "True", "'1'", "None", "{}", "{'score': 1, 'extra': 2}", "[1]", "10**400",
     "{'score': 1, 'checks': {'a': 1}}", "{'score': 1, 'cost': nan}"],
)  # fmt: skip
def test_what_is_no_score_is_an_error_of_the_grader_and_never_a_score(bench: Bench, grade: str) -> None:
    score = judged(bench, "gives", {"gives.py": grade})

    assert (score.status, score.score) == (TaskStatus.INFRA_ERROR, None)


def test_what_a_grader_prints_is_nothing(bench: Bench) -> None:
    assert judged(bench, "gives", {"gives.py": "0.25"}).score == 0.25


def test_the_copy_is_read_only_for_a_grader(bench: Bench) -> None:
    score = judged(bench, "writes", {"a": ""})

    assert score.status is TaskStatus.INFRA_ERROR
    assert "Read-only file system" in score.reason


def test_a_grader_at_its_limit_is_a_timeout(bench: Bench) -> None:
    score = judged(bench, "slow", {"a": ""}, timeout_s=1.5)

    assert (score.status, score.score) == (TaskStatus.TIMEOUT, 0.0)


def test_a_grader_that_breaks_is_tried_again_and_named(bench: Bench) -> None:
    score = judged(bench, "broken", {"a": ""})

    assert score.status is TaskStatus.INFRA_ERROR
    assert "no such luck" in score.reason
    assert score.reason.endswith("(tried 2 times)")


def test_a_grader_that_changes_judges_nothing(bench: Bench) -> None:
    task = bench.task(type="python", grader="grader.py:score", needs=["words.py"])
    bench.grader({"words.py": "def share(number):\n    return 1\n"})
    run = bench.evaluator.evaluate(bench.candidate({"answer.json": "0"}), [task]).runs[0]

    assert run.score.status is TaskStatus.INFRA_ERROR
    assert "words.py is not what it was" in run.score.reason


def test_a_module_that_is_installed_can_grade(bench: Bench) -> None:
    score = bench.judge({"a": ""}, type="python", grader="zipfile:is_zipfile")

    assert (score.status, score.score) == (TaskStatus.INFRA_ERROR, None)
    assert "'score' must be a finite number, [0, 1], got False" in score.reason


def test_in_our_own_process_a_grader_gets_the_folder_and_the_seed(bench: Bench) -> None:
    bench.grader(
        {"fast.py": "def score(folder, seed):\n    return len(list(folder.iterdir())) / 4 + seed / 100\n"}
    )
    task = bench.task(type="python", grader="fast.py:score", in_process=True, deterministic=False)
    found = bench.evaluator.evaluate(bench.candidate({"a": "", "b": ""}), [task], (1, 2))

    assert [run.score.score for run in found.runs] == [0.51, 0.52]


@pytest.mark.parametrize(
    ("grader", "why"),
    [
        ("none.py:score", "cannot be read"),
        ("grader.py:none", "has no callable 'none'"),
        ("nothing_of_that_name:score", "there is no module"),
    ],
)
def test_a_grader_that_is_not_there_is_refused_at_once(bench: Bench, grader: str, why: str) -> None:
    bench.grader({"words.py": "", "grader.py": "score = 1\n"})

    with pytest.raises(UsageError, match=why):
        bench.task(type="python", grader=grader, in_process=True)


def test_read_gives_plain_files_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "folder").mkdir()

    names = ["file", "link", "folder", "none", "../file", "/etc/passwd", "folder/x", "a\0b"]
    assert [read(tmp_path, name) for name in names] == ["text"] + [None] * 7
    assert read(tmp_path, "file", limit_bytes=3) is None
