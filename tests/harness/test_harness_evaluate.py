"""The evaluator: order, groups, seeds, memory, early stops, failures of ours."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from harness_judging import Bench

from honing.errors import BudgetExhaustedError, SandboxError, StoppedError
from honing.harness.cache import Remembered
from honing.harness.evaluate import Evaluator
from honing.harness.tasks.base import Cascade, Place, Task, TaskRun, TaskScore, TaskStatus
from honing.harness.tasks.basics import Common, scored

FILES = {"AGENTS.md": "text"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Common):
    """Scores what it is told to, and keeps when it was asked."""

    answer: Callable[[int], float | TaskScore] = lambda _: 1.0
    asked: list[tuple[str, int]] = field(default_factory=list)
    words: str = ""

    def identity(self) -> Mapping[str, Any]:
        return {"type": "told", "words": self.words or self.id}

    def judge(self, place: Place, seed: int) -> TaskScore:
        self.asked.append((self.id, seed))
        found = self.answer(seed)
        return found if isinstance(found, TaskScore) else scored(found)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def given(runs: Sequence[TaskRun]) -> list[tuple[str, int, float | None]]:
    return [(run.task, run.seed, run.score.score) for run in runs]


def test_cheap_tasks_run_first_and_runs_are_listed_in_the_order_of_tasks(bench: Bench) -> None:
    asked: list[tuple[str, int]] = []
    steps = [Cascade.FULL, Cascade.STATIC, Cascade.SUBSET, Cascade.SMOKE]
    tasks = [Told(id=step.value, cascade=step, asked=asked) for step in steps]
    found = bench.evaluator.evaluate(bench.candidate(FILES), tasks)

    assert [name for name, _ in asked] == ["static", "smoke", "subset", "full"]
    assert [run.task for run in found.runs] == ["full", "static", "subset", "smoke"]
    assert (found.complete, found.stopped, found.score) == (True, "", 1.0)


def test_a_step_below_its_threshold_ends_the_evaluation(bench: Bench) -> None:
    tasks = [
        Told(id="a", cascade=Cascade.STATIC, answer=lambda _: 0.2, weight=3),
        Told(id="b", cascade=Cascade.STATIC, answer=lambda _: 1.0),
        Told(id="c", cascade=Cascade.FULL),
    ]
    at = {least: Evaluator(places=bench.places, thresholds={"static": least}) for least in (0.4, 0.41)}
    tree = bench.candidate(FILES)

    assert at[0.4].evaluate(tree, tasks).complete
    stopped = at[0.41].evaluate(tree, tasks)
    assert given(stopped.runs) == [("a", 0, 0.2), ("b", 0, 1.0)]
    assert (stopped.complete, stopped.score) == (False, None)
    assert stopped.stopped == "its score in the step 'static' is 0.400; below 0.410 the rest is not run"


def test_only_tasks_that_may_differ_are_repeated_and_all_under_one_seed_before_the_next(bench: Bench) -> None:
    asked: list[tuple[str, int]] = []
    tasks = [
        Told(id="fixed", asked=asked),
        Told(id="noisy", deterministic=False, asked=asked, answer=lambda seed: seed / 10),
        Told(id="loud", deterministic=False, asked=asked, answer=lambda seed: 1 - seed / 10),
    ]
    found = bench.evaluator.evaluate(bench.candidate(FILES), tasks, (3, 5))

    assert asked == [("fixed", 0), ("noisy", 3), ("loud", 3), ("noisy", 5), ("loud", 5)]
    assert given(found.runs) == [
        ("fixed", 0, 1.0), ("noisy", 3, 0.3), ("noisy", 5, 0.5), ("loud", 3, 0.7), ("loud", 5, 0.5),
    ]  # fmt: skip
    assert found.score == pytest.approx((1.0 + 0.4 + 0.6) / 3)


def test_a_command_knows_its_seed(bench: Bench) -> None:
    task = bench.task(
        type="command", command='exit "$HONING_SEED"', expected_exit_code=5, deterministic=False
    )
    found = bench.evaluator.evaluate(bench.candidate(FILES), [task], (4, 5))

    assert given(found.runs) == [("task", 4, 0.0), ("task", 5, 1.0)]


def test_what_was_judged_is_not_judged_again(bench: Bench) -> None:
    tree, other = bench.candidate(FILES), bench.candidate({"AGENTS.md": "other"})
    asked: list[tuple[str, int]] = []
    task = Told(id="a", asked=asked, deterministic=False, answer=lambda seed: seed / 10)
    same = Told(id="b", asked=asked, deterministic=False, words="a", weight=2)
    first = bench.evaluator.evaluate(tree, [task], (1, 2))
    again = bench.evaluator.evaluate(tree, [task], (2, 1))
    renamed = bench.evaluator.evaluate(tree, [same], (1,))

    assert asked == [("a", 1), ("a", 2)]
    assert given(again.runs) == given(first.runs)[::-1]
    assert [(run.task, run.weight, run.score) for run in renamed.runs] == [("b", 2, first.runs[0].score)]
    bench.evaluator.evaluate(other, [task], (1,))
    bench.evaluator.evaluate(tree, [Told(id="a", asked=asked, deterministic=False, words="new")], (1,))
    assert asked[2:] == [("a", 1), ("a", 1)]


def test_a_sandbox_and_a_time_limit_are_part_of_what_is_remembered(bench: Bench, tmp_path: Path) -> None:
    tree, asked = bench.candidate(FILES), list[tuple[str, int]]()
    (tmp_path / "x").mkdir()
    other = Bench(tmp_path / "x", wall_s=7.0)
    other.trees.snapshot(tmp_path / "candidate1")
    for places in (bench.places, other.places):
        Evaluator(places=places, memory=bench.memory).evaluate(tree, [Told(id="a", asked=asked)])

    assert len(asked) == 2


def test_equal_work_asked_for_at_once_is_done_once(bench: Bench) -> None:
    tree, asked = bench.candidate(FILES), list[tuple[str, int]]()
    together = threading.Barrier(4)

    def slow(seed: int) -> float:
        started.set()
        release.wait(20)
        return 0.5

    started, release = threading.Event(), threading.Event()
    task = Told(id="a", asked=asked, answer=slow)

    def evaluate(_: int) -> float | None:
        together.wait(20)
        return bench.evaluator.evaluate(tree, [task]).score

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(evaluate, number) for number in range(4)]
        started.wait(20)
        release.set()
        scores = [one.result() for one in waiting]

    assert (scores, len(asked)) == ([0.5] * 4, 1)


def test_tasks_that_share_run_in_one_copy_in_their_order_and_are_one_entry(bench: Bench) -> None:
    common = {"type": "command", "shares": "place"}
    tasks = [
        bench.task(**{**common, "id": "make", "command": "echo $$ > made", "cascade": "full"}),
        bench.task(id="alone", type="command", command="[ ! -e made ]"),
        bench.task(**{**common, "id": "use", "command": "[ -s made ] && rm made"}),
        bench.task(**{**common, "id": "gone", "command": "[ ! -e made ]"}),
    ]
    found = bench.evaluator.evaluate(bench.candidate(FILES), tasks)

    assert given(found.runs) == [(name, 0, 1.0) for name in ("make", "alone", "use", "gone")]
    assert len(bench.memory) == 2


def test_a_group_is_repeated_when_one_of_its_tasks_may_differ(bench: Bench) -> None:
    asked: list[tuple[str, int]] = []
    tasks = [
        Told(id="a", shares="x", asked=asked, cascade=Cascade.STATIC),
        Told(id="b", shares="x", asked=asked, deterministic=False),
        Told(id="c", asked=asked, cascade=Cascade.SMOKE),
    ]
    found = bench.evaluator.evaluate(bench.candidate(FILES), tasks, (1, 2))

    assert asked == [("c", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert [(run.task, run.seed) for run in found.runs] == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("c", 0)]


def test_whoever_watches_may_stop_after_any_run(bench: Bench) -> None:
    seen: list[int] = []

    def watch(runs: Sequence[TaskRun]) -> str:
        seen.append(len(runs))
        return "it cannot win" if len(runs) == 3 else ""

    tasks = [Told(id="a", deterministic=False), Told(id="b", deterministic=False)]
    found = bench.evaluator.evaluate(bench.candidate(FILES), tasks, (1, 2, 3), watch=watch)

    assert seen == [1, 2, 3]
    assert given(found.runs) == [("a", 1, 1.0), ("a", 2, 1.0), ("b", 1, 1.0)]
    assert (found.complete, found.stopped, found.score) == (False, "it cannot win", None)


def test_a_last_run_that_is_watched_leaves_a_whole_evaluation(bench: Bench) -> None:
    found = bench.evaluator.evaluate(
        bench.candidate(FILES), [Told(id="a")], watch=lambda runs: "enough" if runs else ""
    )

    assert (found.complete, found.stopped, found.score) == (True, "", 1.0)


def failing(times: int, error: Exception) -> Callable[[int], float]:
    left = [error] * times

    def answer(_: int) -> float:
        if left:
            raise left.pop()
        return 0.5

    return answer


@pytest.mark.parametrize("error", [SandboxError("no room"), ValueError("a bug"), MemoryError()])
def test_a_failure_of_ours_is_tried_once_more_and_is_never_a_score(bench: Bench, error: Exception) -> None:
    tree, asked = bench.candidate(FILES), list[tuple[str, int]]()
    once = bench.evaluator.evaluate(tree, [Told(id="a", answer=failing(1, error), asked=asked)])
    twice = bench.evaluator.evaluate(tree, [Told(id="b", answer=failing(2, error)), Told(id="c")])
    later = bench.evaluator.evaluate(tree, [Told(id="b")])

    assert (given(once.runs), len(asked)) == ([("a", 0, 0.5)], 2)
    assert given(twice.runs) == [("b", 0, None)]
    assert twice.runs[0].score.status is TaskStatus.INFRA_ERROR
    assert twice.stopped.startswith("task 'b' ended as infra_error: ")
    assert str(error) in twice.runs[0].score.reason
    assert (twice.complete, twice.score, later.score) == (False, None, 1.0)


def test_a_failure_in_a_group_is_the_whole_group_s(bench: Bench) -> None:
    tasks = [
        Told(id="a", shares="x"),
        Told(id="b", shares="x", answer=failing(2, SandboxError("gone"))),
    ]
    found = bench.evaluator.evaluate(bench.candidate(FILES), tasks)

    assert [run.score.status for run in found.runs] == [TaskStatus.INFRA_ERROR] * 2


def test_tampering_ends_the_evaluation_and_is_remembered(bench: Bench) -> None:
    tree, asked = bench.candidate(FILES), list[tuple[str, int]]()
    caught = TaskScore(status=TaskStatus.TAMPERED, reason="it wrote where it must not")
    tasks = [
        Told(id="a", answer=lambda _: caught, asked=asked, cascade=Cascade.SMOKE),
        Told(id="b", asked=asked),
    ]
    found = [bench.evaluator.evaluate(tree, tasks) for _ in range(2)]

    assert asked == [("a", 0)]
    assert [(one.complete, one.score) for one in found] == [(False, None)] * 2
    assert found[1].stopped == "task 'a' ended as tampered: it wrote where it must not"


@pytest.mark.parametrize("error", [StoppedError("stop"), BudgetExhaustedError("spent")])
def test_a_stop_and_a_spent_budget_are_no_result(bench: Bench, error: Exception) -> None:
    tree = bench.candidate(FILES)
    with pytest.raises(type(error)):
        bench.evaluator.evaluate(tree, [Told(id="a", answer=failing(1, error))])

    assert (len(bench.memory), list(bench.scratch.iterdir())) == (0, [])


def test_a_command_that_is_cancelled_is_no_result(bench: Bench) -> None:
    cancel = threading.Event()
    task = bench.task(type="command", command="sleep 300")
    timer = threading.Timer(0.5, cancel.set)
    timer.start()
    with pytest.raises(StoppedError):
        bench.evaluator.evaluate(bench.candidate(FILES), [task], cancel=cancel)
    timer.join()

    assert (len(bench.memory), list(bench.scratch.iterdir())) == (0, [])
    with pytest.raises(StoppedError):
        bench.evaluator.evaluate(bench.candidate(FILES), [Told(id="a")], cancel=cancel)


def test_what_is_remembered_is_plain_and_comes_back_as_it_was(bench: Bench) -> None:
    class Json(Remembered):
        def remember(self, step: str, key: Any, make: Callable[[], Any]) -> Any:
            return json.loads(json.dumps(super().remember(step, json.loads(json.dumps(key)), make)))

    evaluator = Evaluator(places=bench.places, memory=Json())
    score = scored(0.5, "half", log="log", checks={"a": True}, cost=0.25, sandbox="bubblewrap")
    tasks: list[Task] = [Told(id="a", answer=lambda _: score)]
    first, second = (evaluator.evaluate(bench.candidate(FILES), tasks) for _ in range(2))

    assert first == second
    assert first.runs[0].score.checks == {"a": True}
    assert (first.runs[0].score.cost, first.runs[0].score.sandbox) == (0.25, "bubblewrap")
