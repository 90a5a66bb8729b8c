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
class InlineExecutor:
    """Runs one unit after the other in the caller's own thread."""

    @property
    def name(self) -> str:
        return "inline"

    @property
    def workers(self) -> int:
        return 1

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""
        source = iter(units)
        batch: list[Completed] = []
        began = time.monotonic()
        while not should_stop() and (unit := next(source, None)) is not None:
            batch.append(attempt(fn, unit, worker="inline"))
            if time.monotonic() - began >= _SLICE_S:
                yield batch
                batch, began = [], time.monotonic()
        yield batch


@dataclass(frozen=True, slots=True)
class ThreadsExecutor:
    """Runs units in threads of this process. Any callable will do; a running unit cannot be interrupted."""

    workers: int = 8
    """Units under way at a time. With 1 they run in the caller's own thread, as `InlineExecutor` does it."""
    own_thread: bool = False
    """Whether a single worker has a thread of its own as well: the caller then sees while a unit is under way
    that it is asked to stop."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise UsageError(f"workers must be at least 1, got {self.workers}.")

    @property
    def name(self) -> str:
        return "threads"

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""
        if self.workers == 1 and not self.own_thread:
            return InlineExecutor().run(fn, units, should_stop)
        return Crew(lambda number: _ThreadWorker(fn, number), self.workers).run(units, should_stop)


def inline() -> InlineExecutor:
    """The executor for single units and small steps."""
    return InlineExecutor()


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
