"""The resumable map: finished units are never redone, results are in order, budgets and versions hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from executor_units import fail_until, lines, logged, odd, spend, square

from honing.errors import BudgetExhaustedError, ExecutorError, StoppedError, StoreError, UsageError
from honing.executors import (
    Budget,
    Executor,
    InlineExecutor,
    LocalExecutor,
    MapOptions,
    Observation,
    ScriptedExecutor,
    Tally,
    ThreadsExecutor,
    UnitStatus,
    plan,
    run_map,
)
from honing.store import Run, Totals, digest

INLINE = InlineExecutor()
EXECUTORS = [INLINE, ThreadsExecutor(3), LocalExecutor(2), ScriptedExecutor()]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "runs", kind="k", config={}, command=["x"], seed=1, name="r")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "starts"


def totals(run: Run, step: str | None = None) -> Totals:
    with run.journal() as journal:
        return journal.totals(step)


def observe(result: dict[str, Any]) -> Observation:
    return Observation(value=float(result["x"] % 2), tokens=result["tokens"], cost_usd=result["cost"])


class Recorder:
    """A progress that keeps what it was told."""

    def __init__(self) -> None:
        self.tallies: list[Tally] = []

    def begin(self, tally: Tally) -> None:
        self.tallies.append(tally)

    def update(self, tally: Tally) -> None:
        self.tallies.append(tally)

    def end(self, tally: Tally) -> None:
        self.tallies.append(tally)


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda e: e.name)
def test_results_come_in_the_order_of_the_inputs(run: Run, executor: Executor) -> None:
    results = run_map(run, "s", square, range(50), executor=executor)

    assert [(r.index, r.status, r.result, r.reused) for r in results] == [
        (n, UnitStatus.DONE, {"x": n, "square": n * n}, False) for n in range(50)
    ]
    assert (totals(run).done, run.locked) == (50, False)


@pytest.mark.parametrize("executor", EXECUTORS, ids=lambda e: e.name)
def test_finished_units_are_never_redone(run: Run, log: Path, executor: Executor) -> None:
    first = run_map(run, "s", partial(logged, str(log)), range(20), executor=executor)
    second = run_map(Run.open(run.path), "s", partial(logged, str(log)), range(30), executor=executor)

    assert sorted(map(int, lines(log))) == list(range(30))
    assert [r.result for r in second] == list(range(30))
    assert [r.reused for r in second] == [True] * 20 + [False] * 10
    assert [r.key for r in second[:20]] == [r.key for r in first]


def test_a_key_is_the_hash_of_step_version_input_and_occurrence() -> None:
    keys = [unit.key for unit in plan("s", "1", [{"b": 1, "a": 2}, {"a": 2, "b": 1}, {"a": 2}])]

    content = digest(["s", "1", {"a": 2, "b": 1}])
    assert keys == [content, digest([content, 1]), digest(["s", "1", {"a": 2}])]
    assert len({unit.key for step in "st" for version in "12" for unit in plan(step, version, [1])}) == 4


def test_equal_inputs_are_units_of_their_own(run: Run, log: Path) -> None:
    results = run_map(run, "s", partial(logged, str(log)), [7, 7, 7], executor=INLINE)
    run_map(run, "s", partial(logged, str(log)), [7, 7, 7, 7], executor=INLINE)

    assert [r.result for r in results] == [7, 7, 7]
    assert lines(log) == ["7"] * 4


def test_another_version_or_step_is_other_work(run: Run, log: Path) -> None:
    fn = partial(logged, str(log))
    run_map(run, "s", fn, [1], executor=INLINE)
    run_map(run, "s", fn, [1], executor=INLINE, options=MapOptions(version="2"))
    run_map(run, "t", fn, [1], executor=INLINE)
    run_map(run, "s", fn, [1], executor=INLINE)

    assert lines(log) == ["1", "1", "1"]


@pytest.mark.parametrize("executor", [INLINE, ThreadsExecutor(2), LocalExecutor(2)], ids=lambda e: e.name)
def test_a_failed_unit_is_a_result_and_is_tried_again_on_resume(
    run: Run, tmp_path: Path, executor: Executor
) -> None:
    flag = tmp_path / "flag"
    fn = partial(fail_until, str(flag))
    before = run_map(run, "s", fn, range(4), executor=executor)
    flag.touch()
    after = run_map(run, "s", fn, range(4), executor=executor)

    assert [(r.status.value, r.error, r.error_kind) for r in before] == [
        ("done", "", ""),
        ("done", "", ""),
        ("failed", "not yet", "RuntimeError"),
        ("done", "", ""),
    ]
    assert [(r.ok, r.result, r.attempts, r.reused) for r in after] == [
        (True, 0, 1, True),
        (True, 1, 1, True),
        (True, 2, 2, False),
        (True, 3, 1, True),
    ]
    assert (totals(run).done, totals(run).failed, totals(run).attempts) == (4, 0, 5)


def test_a_result_is_the_same_now_and_from_the_journal(run: Run) -> None:
    now = run_map(run, "s", odd, ["tuple", "keys"], executor=INLINE)
    later = run_map(run, "s", odd, ["tuple", "keys"], executor=INLINE)

    assert [r.result for r in now] == [{"t": [1, 2]}, {"1": "a"}]
    assert [r.result for r in later] == [r.result for r in now]


def test_keys_of_a_result_keep_their_order_through_the_journal(run: Run) -> None:
    def unsorted(_: int) -> dict[str, int]:
        return {"z": 1, "a": 2, "m": 3}

    now = run_map(run, "s", unsorted, [0], executor=INLINE)
    later = run_map(run, "s", unsorted, [0], executor=INLINE)

    assert [list(now[0].result), list(later[0].result)] == [["z", "a", "m"]] * 2


def test_a_unit_cannot_change_its_input_for_others(run: Run) -> None:
    shared = {"list": [1]}

    def grow(value: dict[str, list[int]]) -> int:
        value["list"].append(2)
        return len(value["list"])

    assert [r.result for r in run_map(run, "s", grow, [shared, shared], executor=INLINE)] == [2, 2]
    assert shared == {"list": [1]}


def test_duplicates_extra_starts_and_shuffled_delivery_count_once(run: Run, log: Path) -> None:
    executor = ScriptedExecutor(seed=4, workers=5, starts={3: 3}, duplicated=frozenset({1, 8}))
    results = run_map(run, "s", partial(logged, str(log)), range(12), executor=executor)

    assert [r.result for r in results] == list(range(12))
    assert lines(log).count("3") == 3
    found = totals(run)
    assert (found.done, found.attempts) == (12, 14)


def test_a_lost_unit_is_a_result_and_is_tried_again_on_resume(run: Run) -> None:
    lost = run_map(run, "s", square, range(3), executor=ScriptedExecutor(lost=frozenset({1})))
    found = run_map(run, "s", square, range(3), executor=INLINE)

    assert [r.status.value for r in lost] == ["done", "worker_lost", "done"]
    assert [(r.status.value, r.reused) for r in found] == [("done", True), ("done", False), ("done", True)]


@pytest.mark.parametrize("executor", [INLINE, ThreadsExecutor(4), LocalExecutor(2)], ids=lambda e: e.name)
def test_a_budget_of_units_is_kept_exactly_over_sessions(run: Run, log: Path, executor: Executor) -> None:
    fn = partial(logged, str(log))
    with pytest.raises(
        BudgetExhaustedError, match=r"budget of 7 units is spent\. Step 's': 7 of 20 units are finished"
    ):
        run_map(run, "s", fn, range(20), executor=executor, options=MapOptions(budget=Budget(units=7)))
    with pytest.raises(BudgetExhaustedError, match="budget of 7 units"):
        run_map(run, "s", fn, range(20), executor=executor, options=MapOptions(budget=Budget(units=7)))
    assert sorted(map(int, lines(log))) == list(range(7))
    with pytest.raises(BudgetExhaustedError, match="budget of 12 units"):
        run_map(run, "s", fn, range(20), executor=executor, options=MapOptions(budget=Budget(units=12)))

    results = run_map(run, "s", fn, range(20), executor=executor)
    assert [r.result for r in results] == list(range(20))
    assert sorted(map(int, lines(log))) == list(range(20))


def test_a_budget_that_suffices_exactly_is_no_error(run: Run) -> None:
    options = MapOptions(
        budget=Budget(units=5, tokens=50), observe=lambda r: Observation(tokens=10, cost_usd=0.0)
    )

    assert len(run_map(run, "s", square, range(5), executor=INLINE, options=options)) == 5


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (Budget(tokens=25), r"budget of 25 tokens \(30 spent\)"),
        (Budget(cost_usd=1.2), r"budget of \$1.20 \(\$1.5000 spent\)"),
    ],
    ids=["tokens", "money"],
)
def test_spend_stops_the_step_and_is_remembered(run: Run, log: Path, budget: Budget, message: str) -> None:
    slow = ScriptedExecutor(workers=1)
    options = MapOptions(budget=budget, observe=observe)
    with pytest.raises(BudgetExhaustedError, match=message):
        run_map(run, "s", spend, range(4), executor=slow, options=options)
    with pytest.raises(BudgetExhaustedError, match=message):
        run_map(run, "s", spend, range(4), executor=slow, options=options)

    assert (totals(run).done, totals(run).tokens, totals(run).cost_usd) == (3, 30, 1.5)


def test_a_budget_of_money_stops_at_the_first_unknown_price(run: Run) -> None:
    options = MapOptions(budget=Budget(cost_usd=1000), observe=observe)
    with pytest.raises(BudgetExhaustedError, match="cannot be kept: the cost of 1 units is unknown"):
        run_map(run, "s", spend, range(3, 10), executor=ScriptedExecutor(workers=1), options=options)

    assert totals(run).done == 2


def test_a_budget_of_time_counts_all_sessions(run: Run, log: Path) -> None:
    fn = partial(logged, str(log), pause_s=0.05)
    options = MapOptions(budget=Budget(wall_s=0.3))
    with pytest.raises(BudgetExhaustedError, match=r"budget of 0\.3 s is spent"):
        run_map(run, "s", fn, range(200), executor=INLINE, options=options)
    first = len(lines(log))
    with pytest.raises(BudgetExhaustedError, match=r"budget of 0\.3 s is spent"):
        run_map(run, "s", fn, range(200), executor=INLINE, options=options)

    assert 1 <= first <= 7
    assert len(lines(log)) == first
    assert totals(run).wall_s >= 0.3


def test_a_budget_for_the_whole_run_counts_every_step(run: Run) -> None:
    run_map(run, "a", square, range(4), executor=INLINE)
    with pytest.raises(BudgetExhaustedError, match="budget of 6 units"):
        run_map(
            run,
            "b",
            square,
            range(4),
            executor=INLINE,
            options=MapOptions(budget=Budget(units=6, whole_run=True)),
        )

    assert (totals(run, "a").done, totals(run, "b").done) == (4, 2)


def test_a_budget_that_cannot_be_measured_is_refused(run: Run) -> None:
    with pytest.raises(UsageError, match="needs `observe`"):
        run_map(run, "s", square, [1], executor=INLINE, options=MapOptions(budget=Budget(tokens=1)))


@pytest.mark.parametrize("limit", [-1, math.nan])
def test_an_impossible_budget_is_refused(limit: float) -> None:
    with pytest.raises(UsageError, match="must be at least 0"):
        Budget(cost_usd=limit)


@pytest.mark.parametrize("error", [BudgetExhaustedError, StoppedError])
@pytest.mark.parametrize("executor", [INLINE, ThreadsExecutor(2)], ids=lambda e: e.name)
def test_a_unit_that_meets_a_budget_elsewhere_stops_the_step(
    run: Run, log: Path, error: type[Exception], executor: Executor
) -> None:
    def fn(x: int) -> int:
        logged(str(log), x, pause_s=0.03)
        if x == 2:
            raise error("the gateway's budget is spent.")
        return x

    with pytest.raises(error, match=r"the gateway's budget is spent\. Step 's': "):
        run_map(run, "s", fn, range(100), executor=executor)
    assert 3 <= len(lines(log)) < 10


def test_an_observer_that_raises_is_named_and_costs_no_result(run: Run) -> None:
    def wrong(result: Any) -> Observation:
        raise KeyError("reward")

    with pytest.raises(ExecutorError, match=r"`observe` raised KeyError\('reward'\)\. The results are kept"):
        run_map(run, "s", square, range(3), executor=INLINE, options=MapOptions(observe=wrong))
    assert totals(run).done == 3


def test_an_executor_that_drops_units_is_noticed(run: Run) -> None:
    class Dropping:
        name = "dropping"
        workers = 1

        def run(self, fn: Any, units: Any, should_stop: Callable[[], bool]) -> Any:
            yield [c for batch in INLINE.run(fn, units, should_stop) for c in batch][1:]

    with pytest.raises(ExecutorError, match="ended without running 1 units"):
        run_map(run, "s", square, range(3), executor=Dropping())


@pytest.mark.parametrize("value", [math.nan, {1, 2}, object()])
def test_an_input_that_is_not_json_is_refused_by_number(run: Run, value: Any) -> None:
    with pytest.raises(UsageError, match="input 1: "):
        run_map(run, "s", square, [1, value], executor=INLINE)


def test_progress_is_told_counts_spend_and_values(run: Run) -> None:
    first, second = Recorder(), Recorder()
    run_map(run, "s", spend, range(3), executor=INLINE, options=MapOptions(observe=observe, progress=first))
    run_map(run, "s", spend, range(6), executor=INLINE, options=MapOptions(observe=observe, progress=second))

    begin, end = second.tallies[0], second.tallies[-1]
    assert (begin.total, begin.done, begin.reused, begin.tokens, list(first.tallies[-1].values)) == (
        6,
        3,
        3,
        30,
        [0.0, 1.0, 0.0],
    )
    assert (end.step, end.total, end.done, end.failed, end.reused) == ("s", 6, 6, 0, 3)
    assert (end.tokens, end.cost_usd, end.cost_unknown) == (60, 2.5, 1)
    assert sorted(end.values) == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]


def test_a_second_supervisor_is_refused_while_the_first_works(run: Run) -> None:
    def other(_: int) -> str:
        with pytest.raises(StoreError, match="already being worked on"):
            run_map(Run.open(run.path), "s", square, [1], executor=INLINE)
        return "refused"

    assert run_map(run, "s", other, [1], executor=INLINE)[0].result == "refused"


@pytest.mark.parametrize("executor", [INLINE, ThreadsExecutor(3)], ids=lambda e: e.name)
def test_a_step_may_run_inside_the_units_of_another(run: Run, log: Path, executor: Executor) -> None:
    def outer(x: int) -> list[int]:
        inner = run_map(run, f"inner {x}", partial(logged, str(log)), [10 * x, 10 * x + 1], executor=INLINE)
        return [result.result for result in inner]

    results = run_map(run, "outer", outer, range(6), executor=executor)
    again = run_map(run, "outer", outer, range(6), executor=executor)

    assert [r.result for r in results] == [[10 * x, 10 * x + 1] for x in range(6)]
    assert [r.reused for r in again] == [True] * 6
    assert len(lines(log)) == 12


def test_a_journal_deleted_under_a_running_step_is_an_error_at_once(run: Run, log: Path) -> None:
    def fn(x: int) -> int:
        logged(str(log), x, pause_s=0.03)
        if x == 3:
            (run.path / "journal.sqlite").unlink()
        return x

    with pytest.raises(StoreError, match="deleted or replaced while it was in use"):
        run_map(run, "s", fn, range(200), executor=INLINE)
    assert len(lines(log)) < 10
    with pytest.raises(StoreError, match="the journal of this run is missing"):
        run_map(run, "s", fn, range(200), executor=INLINE)


def test_leases_are_renewed_while_a_long_unit_runs(run: Run) -> None:
    import time

    def fn(x: int) -> list[float]:
        with run.journal() as journal:
            seen = []
            for _ in range(40):
                seen.append(journal._all("SELECT max(expires) FROM leases")[0][0])
                time.sleep(0.02)
        return [seen[0], seen[-1]]

    (result,) = run_map(run, "s", fn, [0], executor=INLINE, options=MapOptions(lease_s=0.6))
    assert result.result[1] > result.result[0] + 0.3
