"""What an executor is: it runs many units of one step and hands back each result as it arrives.

An executor knows nothing of journals, retries or budgets beyond its own worker: `resumable.run_map` adds
those once for all. Execution is at-least-once (a worker killed by the system is replaced and its unit run
again); that each result counts once is the journal's part.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

Json = Any
"""A value `json.dumps` can write: unit inputs and results."""
UnitFunction = Callable[[Json], Json]
"""The work of one unit. Importable by name for executors that use processes."""


class UnitStatus(StrEnum):
    """How one unit's execution ended. Exactly one holds."""

    DONE = "done"
    """With a result."""
    FAILED = "failed"
    """The function raised; `error` says what. Not retried here: a deterministic failure would fail again."""
    WORKER_LOST = "worker_lost"
    """The worker died under it more often than the limit allows (killed by the system, out of memory)."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work."""

    key: str
    """Hash of step name, step version and input; what the journal commits under."""
    index: int
    """Position in the step's inputs, from 0."""
    input: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """One unit's ending, as the executor saw it."""

    unit: Unit
    status: UnitStatus
    result: Json = None
    error: str = ""
    error_kind: str = ""
    """Class name of the error that was raised."""
    trace: str = ""
    """Where it was raised, as Python prints it; the last 4,000 characters."""
    attempts: int = 1
    """How often the unit was started, lost workers included."""
    worker: str = ""
    started: float = 0.0
    """Unix time, seconds."""
    duration_s: float = 0.0


class Executor(Protocol):
    """Runs units, at most `workers` at a time, and yields them as they complete, in any order."""

    @property
    def name(self) -> str: ...

    @property
    def workers(self) -> int: ...

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """Run every unit, pulling from `units` only a bounded number ahead of the workers.

        Yields whatever has completed since the last time, so that a slow reader gets larger batches instead
        of slowing the workers down. A batch may be empty: nothing completed for a while, the units go on.
        Closing the iterator early ends the work at once as far as the executor can.

        Args:
            fn: The work.
            units: What to run. Consumed lazily and by the calling thread, so a million units need no memory.
            should_stop: Asked before a unit is started and while waiting, by the calling thread; once true,
                no unit is started any more and those under way are waited for.

        Raises:
            ExecutorError: `fn` cannot be run here (not importable in another process ...). What a unit raises
                is never raised here: it is that unit's ending.
        """
        ...
