"""Threads: for units that mostly wait (model calls, sandboxed commands). With one worker, no thread at
all."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

from honing.errors import UsageError
from honing.executors.attempt import attempt
from honing.executors.base import Completed, Unit, UnitFunction
from honing.executors.crew import Crew

_SLICE_S = 0.02
"""Inline units are handed over together after this time, so that trivial ones share one commit."""


@dataclass(frozen=True, slots=True)
class ThreadsExecutor:
    """Runs units in threads of this process. Any callable will do; a unit cannot be interrupted from
    outside."""

    workers: int = 8
    """Units under way at a time. With 1 they run in the caller's own thread, one after the other."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"workers must be at least 1, got {self.workers}.")

    @property
    def name(self) -> str:
        return "inline" if self.workers == 1 else "threads"

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""
        if self.workers == 1:
            return _run_inline(fn, units, should_stop)
        return Crew(lambda number: _ThreadWorker(fn, number), self.workers).run(units, should_stop)


def inline() -> ThreadsExecutor:
    """One unit after the other, in the caller's thread."""
    return ThreadsExecutor(workers=1)


@dataclass(frozen=True, slots=True)
class _ThreadWorker:
    fn: UnitFunction
    number: int

    def perform(self, unit: Unit) -> Completed:
        return attempt(self.fn, unit, worker=f"thread-{self.number}")

    def close(self) -> None:
        """Nothing to end."""

    def kill(self) -> bool:
        """A thread cannot be killed; what it still brings is not read."""
        return False


def _run_inline(
    fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
) -> Generator[Sequence[Completed], None, None]:
    source = iter(units)
    batch: list[Completed] = []
    began = time.monotonic()
    while not should_stop() and (unit := next(source, None)) is not None:
        batch.append(attempt(fn, unit, worker="inline"))
        if time.monotonic() - began >= _SLICE_S:
            yield batch
            batch, began = [], time.monotonic()
    yield batch
