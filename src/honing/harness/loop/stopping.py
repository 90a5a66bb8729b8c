"""Being asked to stop, seen by everything that a candidate's unit does and not only between units."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass

from honing.executors import Completed, ThreadsExecutor, Unit, UnitFunction


@dataclass(frozen=True, slots=True)
class Watched:
    """Threads whose supervisor passes on that it is asked to stop."""

    workers: int
    stopping: threading.Event
    """Set as soon as no unit is to be started any more."""

    @property
    def name(self) -> str:
        return "threads"

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""

        def asked() -> bool:
            if should_stop():
                self.stopping.set()
            return self.stopping.is_set()

        # With threads of its own also for one worker, the supervisor sees a stop while a unit is under way.
        return ThreadsExecutor(self.workers, own_thread=True).run(fn, units, asked)
