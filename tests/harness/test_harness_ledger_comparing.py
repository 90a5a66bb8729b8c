"""Runs of one project beside each other: paired by task, and what cannot be compared is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness_candidates import baseline, evaluation, kept, proposed, task_run
from honing.errors import UsageError
from honing.harness.candidate import Candidate, Outcome
from honing.harness.ledger import COMPARE_COLUMNS, Facts, Ledger, compare_ledgers
from honing.harness.ledger.comparing import tasks_of, weighted_difference
from honing.harness.ledger.reading import spend_of
from honing.harness.tasks.base import Evaluation
from honing.store import RunStatus

TASKS = {f"task-{number}": "a" * 64 for number in range(8)}
FACTS: dict[str, Any] = {
    "project": "router",
    "agent": "codex",
    "proposals": 4,
    "tasks": TASKS,
    "held_out": "h",
}


def scores(solved: int) -> dict[str, float]:
    return {task: float(number < solved) for number, task in enumerate(TASKS)}


def ledger_of(
    name: str, *candidates: Candidate, sealed: dict[str, float] | None = None, **facts: Any
) -> Ledger:
    winner = candidates[-1].id if candidates else ""
    return Ledger(
        name=name,
        path=Path("/runs") / name,
        run_id=f"id-{name}",
        status=RunStatus.DONE,
        facts=Facts(**(FACTS | facts)),
        candidates=candidates,
        held_out={winner: evaluation(sealed)} if sealed is not None else {},
        spend=spend_of(candidates),
    )


def test_runs_are_paired_by_task_against_the_first() -> None:
    first = ledger_of("a", baseline(scores(1)), kept(1, scores(2)), sealed={"s1": 0.0, "s2": 0.5})
    second = ledger_of("b", baseline(scores(1)), kept(1, scores(7)), model="m", sealed={"s1": 1.0, "s2": 0.5})

    found = compare_ledgers([first, second])

    reference, other = found.rows
    assert [sorted(row) for row in found.rows] == [sorted(COMPARE_COLUMNS)] * 2
    shown = ("run_name", "model", "best_objective", "tasks", "difference", "better", "worse", "equal")
    assert [other[name] for name in shown] == ["b", "m", 7 / 8, 8, pytest.approx(5 / 8), 5, 0, 3]
    assert other["difference_low"] < 5 / 8 < other["difference_high"]
    assert other["difference_method"] == "newcombe-paired"
    assert other["p_value"] == pytest.approx(2 / 2**5)
    assert (other["test_tasks"], other["test_difference"]) == (2, 0.5)
    assert (reference["tasks"], reference["difference"], reference["p_value"]) == (0, None, None)
    assert found.remarks == ()
    assert found.by_task[2] == {
        "task": "task-2",
        "weight": 1.0,
        "held_out": False,
        "scores": {"a": 0.0, "b": 1.0},
    }
    assert [row["task"] for row in found.by_task if row["held_out"]] == ["s1", "s2"]


def test_several_comparisons_are_corrected_for_being_several() -> None:
    runs = [
        ledger_of(name, baseline(scores(1)), kept(1, scores(n))) for name, n in (("a", 1), ("b", 6), ("c", 7))
    ]

    found = compare_ledgers(runs)

    assert [row["p_value_holm"] for row in found.rows] == [
        None,
        pytest.approx(2 / 2**5),
        pytest.approx(2 / 2**5),
    ]
    assert [row["p_value"] for row in found.rows[1:]] == [pytest.approx(2 / 2**5), pytest.approx(2 / 2**6)]
    assert found.remarks == (
        "2 comparisons were made: p_value_holm is corrected for that, intervals are not",
    )


def test_what_is_not_the_same_in_both_runs_is_said() -> None:
    first = ledger_of("a", baseline(scores(1)), kept(1, scores(4)), sealed={"s1": 1.0})
    other = Candidate(**{**_fields(baseline(scores(2))), "tree": "f" * 64})
    second = ledger_of(
        "b",
        other,
        kept(1, {**scores(4), "extra": 1.0}),
        sealed={"s1": 0.0},
        project="other",
        tasks={**TASKS, "task-0": "b" * 64, "extra": "c" * 64},
        proposals=8,
        repeats=3,
        held_out="other",
    )

    found = compare_ledgers([first, second])

    assert found.remarks == (
        "b and a: different projects ('other' and 'router')",
        "b and a: tasks that only one has, left out: extra",
        "b and a: tasks of the same name that judge differently: task-0",
        "b and a: they start from different baselines",
        "b and a: different budgets (8 and 4 proposals)",
        "b and a: different held-out tasks, or none in one of them: those are not compared",
        "b and a: different numbers of seeds (3 and 1)",
    )
    assert (found.rows[1]["tasks"], found.rows[1]["test_tasks"]) == (8, 0)


def test_a_baseline_that_scored_differently_is_said() -> None:
    found = compare_ledgers([ledger_of("a", baseline(scores(1))), ledger_of("b", baseline(scores(2)))])

    assert found.remarks == (
        "b and a: the same baseline scored differently: the tasks are noisy, or something else changed",
    )


def test_a_run_that_is_not_whole_says_so_in_its_own_row() -> None:
    free = Evaluation(runs=(task_run("task-0", 1.0, sandbox="unconfined"),), complete=True)
    first = ledger_of("a", baseline(scores(1)))
    second = ledger_of("b", baseline(scores(1)), proposed(1, Outcome.DISCARD, evaluation=free))
    broken = Ledger(
        **{
            **_fields(second),
            "status": RunStatus.INTERRUPTED,
            "damage": ("unit 3: not JSON",),
            "held_out": {},
        }
    )

    found = compare_ledgers([first, broken])

    assert found.rows[1]["remarks"] == (
        "the run is interrupted: its winner may still change; something of it ran unconfined; "
        "1 records could not be read"
    )
    assert found.remarks == ("b and a: only one of them was contained",)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_runs_are_no_comparison(count: int) -> None:
    with pytest.raises(UsageError, match="needs two runs at least"):
        compare_ledgers([ledger_of("a", baseline(scores(1)))] * count)


def test_runs_without_a_common_task_are_refused() -> None:
    with pytest.raises(UsageError, match="no search task was scored by both"):
        compare_ledgers([ledger_of("a", baseline({"x": 1.0})), ledger_of("b", baseline({"y": 1.0}))])


def test_a_difference_is_weighted_as_the_score_is() -> None:
    heavy = kept(1, {"title": 1.0, "tests": 1.0, "setup": 1.0})
    light = baseline({"title": 0.0, "tests": 0.5, "setup": 1.0})

    found = weighted_difference(tasks_of(heavy), tasks_of(light))

    assert found is not None
    assert light.score is not None
    assert found.estimate == pytest.approx(1.0 - light.score)
    assert found.low < found.estimate < found.high
    assert weighted_difference({"title": (1.0, 1.0)}, {"title": (0.0, 1.0)}) is None


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}
