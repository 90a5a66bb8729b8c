"""What every executor promises, checked on each."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from executor_units import lines, logged, meet, odd, square

from honing.executors import (
    Completed,
    Executor,
    InlineExecutor,
    LocalExecutor,
    ResidentExecutor,
    ScriptedExecutor,
    ThreadsExecutor,
    Unit,
    UnitStatus,
)

EXECUTORS = [
    InlineExecutor(),
    ThreadsExecutor(1),
    ThreadsExecutor(3),
    LocalExecutor(1),
    LocalExecutor(3),
    ScriptedExecutor(),
    ResidentExecutor(2),
]
NAMES = ["inline", "one thread", "threads", "one process", "processes", "scripted", "residents"]


@pytest.fixture(scope="module", autouse=True)
def _residents_end() -> Iterator[None]:
    yield
    for executor in EXECUTORS:
        if isinstance(executor, ResidentExecutor):
            executor.close()


@pytest.fixture(params=EXECUTORS, ids=NAMES)
def executor(request: pytest.FixtureRequest) -> Executor:
    return request.param  # type: ignore[no-any-return]


def units(inputs: Iterable[Any]) -> Iterator[Unit]:
    return (Unit(f"key-{n}", n, value) for n, value in enumerate(inputs))


def never() -> bool:
    return False


def run(executor: Executor, fn: Callable[[Any], Any], inputs: Iterable[Any]) -> list[Completed]:
    batches = list(executor.run(fn, units(inputs), never))
    return sorted((ended for batch in batches for ended in batch), key=lambda ended: ended.unit.index)


def one(executor: Executor, kind: str) -> Completed:
    (ended,) = run(executor, odd, [kind])
    return ended


def test_every_unit_ends_once_with_its_own_result(executor: Executor) -> None:
    found = run(executor, square, range(100))

    assert [(e.unit.key, e.unit.index, e.status, e.result) for e in found] == [
        (f"key-{n}", n, UnitStatus.DONE, {"x": n, "square": n * n}) for n in range(100)
    ]
    assert {(e.attempts, e.error, e.error_kind, e.trace) for e in found} == {(1, "", "", "")}
    assert all(e.started > 1.6e9 and e.duration_s >= 0 and e.worker for e in found)


def test_no_units_are_no_work(executor: Executor) -> None:
    assert run(executor, square, []) == []


@pytest.mark.parametrize(
    ("kind", "error_kind", "error"),
    [
        ("raise", "ValueError", "the unit's own \udcff words"),
        ("silent", "KeyError", "KeyError"),
        ("exit", "SystemExit", "3"),
        ("long", "RuntimeError", "x" * 2000),
        ("nan", "ValueError", "Out of range float values are not JSON compliant"),
        ("object", "TypeError", "Object of type set is not JSON serializable"),
    ],
)
def test_whatever_a_unit_raises_is_its_own_ending(
    executor: Executor, kind: str, error_kind: str, error: str
) -> None:
    ended = one(executor, kind)

    assert (ended.status, ended.result, ended.error_kind) == (UnitStatus.FAILED, None, error_kind)
    assert ended.error.startswith(error)
    assert ended.trace.startswith("Traceback") or len(ended.trace) == 4000


@pytest.mark.parametrize(
    ("kind", "result"),
    [("tuple", {"t": [1, 2]}), ("keys", {"1": "a"}), ("big", "é" * 2_000_000)],
    ids=["a tuple", "numbers as keys", "four megabytes"],
)
def test_a_result_is_what_json_makes_of_it(executor: Executor, kind: str, result: Any) -> None:
    assert one(executor, kind).result == result


def test_a_failed_unit_does_not_disturb_the_others(executor: Executor) -> None:
    found = run(executor, odd, ["tuple", "raise", "tuple", "exit", "tuple"])

    assert [e.status.value for e in found] == ["done", "failed", "done", "failed", "done"]


def test_as_many_units_as_stated_are_under_way_and_never_more(executor: Executor, tmp_path: Path) -> None:
    parallel = executor.workers if executor.name in ("threads", "local", "resident") else 1
    found = run(executor, partial(meet, str(tmp_path / "starts"), parallel), range(9))

    marks = sorted([(e.result[0], 1) for e in found] + [(e.result[1], -1) for e in found])
    assert max(itertools.accumulate(change for _, change in marks)) == parallel


def test_units_are_pulled_lazily_and_a_stop_finishes_those_under_way(
    executor: Executor, tmp_path: Path
) -> None:
    log = tmp_path / "starts"
    pulled: list[int] = []
    stop: list[bool] = []

    def endless() -> Iterator[int]:
        for n in itertools.count():
            pulled.append(n)
            yield n

    ended: list[int] = []
    for batch in executor.run(partial(logged, str(log), pause_s=0.005), units(endless()), lambda: bool(stop)):
        ended.extend(e.unit.index for e in batch)
        if len(ended) >= 10:
            stop.append(True)

    assert sorted(ended) == sorted(int(line) for line in lines(log))
    assert len(ended) < 10 + 2 * 64
    assert len(pulled) <= len(ended) + executor.workers + 64


def test_a_stop_before_the_start_runs_nothing(executor: Executor, tmp_path: Path) -> None:
    log = tmp_path / "starts"

    assert [
        e for batch in executor.run(partial(logged, str(log)), units(range(5)), lambda: True) for e in batch
    ] == []
    assert lines(log) == []


def test_an_error_in_the_source_of_units_reaches_the_caller(executor: Executor) -> None:
    def broken() -> Iterator[Unit]:
        yield from units([1, 2])
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        list(executor.run(square, broken(), never))


def test_closing_early_starts_nothing_more(executor: Executor, tmp_path: Path) -> None:
    log = tmp_path / "starts"
    batches = executor.run(partial(logged, str(log), pause_s=0.01), units(range(500)), never)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    begun = len(lines(log))

    assert begun < 500
    assert list(batches) == []
