"""What a step tells the run's folder: where it stands, and when it began and ended."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from honing.executors import InlineExecutor, MapOptions, Observation, ThreadsExecutor, run_map
from honing.executors.progress import mean_of
from honing.store import Run, identity, read_log, read_progress


def new_run(folder: Path) -> Run:
    return Run.create(folder, kind="test", config={}, command=[], seed=0, name="r", clock=lambda: 1.0)


def worth(result: Any) -> Observation:
    return Observation(value=float(result), tokens=2, cost_usd=0.5)


def even(unit: int) -> int:
    if unit == 5:
        raise ValueError("five is right out")
    return int(unit % 2 == 0)


def test_a_step_that_ended_stands_with_counts_spend_and_mean(tmp_path: Path) -> None:
    run = new_run(tmp_path)

    run_map(run, "parity", even, range(6), executor=InlineExecutor(), options=MapOptions(observe=worth))
    (told,) = read_progress(run.path)

    # Wilson's interval of 3 in 5.
    assert [round(number, 3) for number in told.pop("mean")] == [0.6, 0.231, 0.882]
    assert {
        name: told[name] for name in ("step", "total", "done", "failed", "values", "tokens", "running")
    } == {
        "step": "parity",
        "total": 6,
        "done": 5,
        "failed": 1,
        "values": 5,
        "tokens": 10,
        "running": False,
    }
    assert (told["cost_usd"], told["at"]) == (2.5, 1.0)


def test_where_a_step_stands_can_be_read_while_its_next_unit_is_under_way(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    seen = threading.Event()

    def slow(unit: int) -> int:
        return unit if unit < 3 or seen.wait(30) else -1

    def watch() -> None:
        while not any(one["done"] == 3 for one in read_progress(run.path)):
            if finished.wait(0.02):
                return
        seen.set()

    finished = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    results = run_map(run, "slow", slow, range(4), executor=ThreadsExecutor(2))
    finished.set()
    watcher.join()

    # The unit under way ended because the other three could be seen, and not by its own limit.
    assert [one.result for one in results] == [0, 1, 2, 3]


def test_the_log_names_steps_in_order_and_what_was_kept(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with run.supervise():
        run_map(run, "parity", even, range(6), executor=InlineExecutor())
        run_map(run, "parity", even, range(5), executor=InlineExecutor())

    words = [line.partition(" ")[2].partition("/s")[0] for line in read_log(run.path)]
    assert [words[at] for at in (0, 1, 3, 4, 5)] == [
        "running",
        "parity: 6 units",
        "parity: 5 units, 5 of them kept from before",
        "parity: 5/5",
        "done",
    ]
    assert words[2].startswith("parity: 6/6, 1 failed, ")


def test_what_is_told_is_no_part_of_a_runs_identity(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    run_map(run, "parity", even, range(4), executor=InlineExecutor())
    run.telling.line("anything")

    assert (run.path / "logs/log.txt").is_file()
    assert identity(run.path) == {}


def test_values_that_a_float_just_holds_do_not_fail_the_step(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    values = [1e200, 3e200, 1.7e308]

    results = run_map(
        run, "large", float, values, executor=InlineExecutor(), options=MapOptions(observe=worth)
    )
    (told,) = read_progress(run.path)

    assert [each.result for each in results] == values
    assert told["mean"][0] == pytest.approx(1.7e308 / 3)


def test_values_whose_spread_no_float_holds_have_a_mean_and_no_interval() -> None:
    assert mean_of([1.7e308, -1.7e308]) == (0.0, None)
