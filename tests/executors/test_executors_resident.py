"""Processes that stay: the same ones serve the next step, and a step that is cut short leaves none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from honing.executors import Completed, LocalExecutor, ResidentExecutor, Unit


def process_id(_: Any) -> int:
    return os.getpid()


def doubled(value: Any) -> Any:
    return 2 * value


def ending(_: Any) -> int:
    os._exit(3)


def units(count: int) -> Iterator[Unit]:
    return (Unit(f"key-{n}", n, n) for n in range(count))


def results(executor: ResidentExecutor | LocalExecutor, fn: Callable[[Any], Any], count: int) -> list[Any]:
    batches: list[Sequence[Completed]] = list(executor.run(fn, units(count), lambda: False))
    return [ended.result for batch in batches for ended in batch]


def test_the_next_step_runs_in_the_same_processes() -> None:
    with ResidentExecutor(1) as executor:
        first, second = results(executor, process_id, 3), results(executor, process_id, 3)

    assert set(first) == set(second)
    assert len(set(first)) == 1


def test_steps_of_a_plain_executor_do_not_share_a_process() -> None:
    executor = LocalExecutor(1)

    assert set(results(executor, process_id, 1)) != set(results(executor, process_id, 1))


def test_closing_ends_the_processes_and_a_later_step_starts_new_ones() -> None:
    executor = ResidentExecutor(1)
    (first,) = results(executor, process_id, 1)
    executor.close()
    gone = not Path(f"/proc/{first}").exists()
    (second,) = results(executor, process_id, 1)
    executor.close()

    assert (gone, first != second) == (True, True)


def test_a_step_that_is_cut_short_kills_its_processes_and_the_next_one_works() -> None:
    with ResidentExecutor(1) as executor:
        step = executor.run(process_id, units(3), lambda: False)
        while not (batch := next(step)):
            pass
        step.close()
        killed = batch[0].result

        assert results(executor, doubled, 3) == [0, 2, 4]
        assert not Path(f"/proc/{killed}").exists()


def test_a_process_that_a_unit_takes_down_is_replaced() -> None:
    with ResidentExecutor(1, max_lost=0) as executor:
        (batch,) = [batch for batch in executor.run(ending, units(1), lambda: False) if batch]

        assert [ended.status.value for ended in batch] == ["worker_lost"]
        assert results(executor, doubled, 2) == [0, 2]
