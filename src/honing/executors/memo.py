"""Results of nested work, kept in the run's journal as each of them ends.

A unit of `run_map` may consist of several expensive parts (a call of an agent, runs of tasks). What is
remembered here survives a kill in the middle of the unit: the unit is started again, its parts are not.
"""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from honing.errors import StoreError
from honing.executors.base import Json
from honing.executors.budget import Observation, Observe
from honing.executors.worker import as_json
from honing.store import Attempt, AttemptOutcome, Journal, Run, digest

_LEASE_S = 7 * 24 * 3600.0
"""Nobody else leases under the lock of a run, and the next session takes over whatever is left."""
_TRACE_CHARACTERS = 4000
_NOTHING = Observation(cost_usd=0.0)


@dataclass(slots=True)
class _Turn:
    """Who works on a key at the moment, and how many wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


class Memo:
    """Makes each result once in the life of a run. Safe to use from several threads.

    Args:
        run: Its lock must be held, for as long as the memo is used.
        journal: The run's, open for as long.
        synced_from_s: A result that took this long to make is on the disk before it is returned. Shorter ones
            survive the death of this process, and after a power failure are made again.
        clock: Monotonic time, seconds.
        wall: Unix time, seconds.

    Raises:
        StoreError: The run's lock is not held.
    """

    def __init__(
        self,
        run: Run,
        journal: Journal,
        *,
        synced_from_s: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        if not run.session:
            raise StoreError(f"{run.path}: results are remembered only under the lock of the run.")
        self._journal = journal
        self._owner = f"{run.session}:memo"
        self._synced_from_s = synced_from_s
        self._clock = clock
        self._wall = wall
        self._guard = threading.Lock()
        self._known: dict[str, dict[str, str]] = {}
        self._turns: dict[str, _Turn] = {}
        # What a supervisor that was killed had under way.
        journal.take_over(run.session)

    def remember(
        self, step: str, key: Json, make: Callable[[], Json], *, observe: Observe | None = None
    ) -> Json:
        """The result under this key: the one that is known, otherwise the one that `make` gives.

        Asked for the same key by several threads, one makes it and the others wait. What `make` raises is
        raised here and not remembered; whoever waited then tries for itself.

        Args:
            step: Name of the kind of work, one of its own within the run.
            key: What decides the result.
            make: The work.
            observe: Reads tokens and cost from a result, for the journal's totals.

        Returns:
            The result as JSON gives it back; the caller's own copy.

        Raises:
            StoreError: The journal cannot be written.
        """
        name = digest([step, "memo", as_json(key)])
        with self._turn(name):
            known = self._results(step)
            if name not in known:
                known[name] = self._made(step, name, make, observe)
        return json.loads(known[name])

    def count(self, step: str) -> int:
        """Results of a step so far, those of earlier sessions included."""
        return len(self._results(step))

    def results(self, step: str) -> list[Json]:
        """Every result of a step so far, those of earlier sessions included, in no order."""
        return [json.loads(text) for text in list(self._results(step).values())]

    def _made(self, step: str, name: str, make: Callable[[], Json], observe: Observe | None) -> str:
        position = len(self._known[step])
        granted = self._journal.lease([(name, step, position)], owner=self._owner, ttl_s=_LEASE_S)
        if name not in granted:
            raise StoreError(
                f"{self._journal.path}: another supervisor works on this run, so nothing more is written "
                "from here. Let one of them work: `hone runs show` names it."
            )
        started, began = self._wall(), self._clock()
        try:
            value = as_json(make())
        except BaseException as error:
            self._commit(_failed(error, name, step, granted[name], started, self._clock() - began))
            raise
        text = json.dumps(value, allow_nan=False)
        seen = observe(value) if observe is not None else _NOTHING
        self._commit(
            Attempt(
                key=name,
                step=step,
                outcome=AttemptOutcome.DONE,
                value=text,
                token=granted[name],
                worker=threading.current_thread().name,
                started=started,
                duration_s=self._clock() - began,
                tokens=seen.tokens,
                cost_usd=seen.cost_usd,
            )
        )
        return text

    def _commit(self, attempt: Attempt) -> None:
        durable = attempt.duration_s >= self._synced_from_s
        if self._journal.commit([attempt], owner=self._owner, durable=durable).stale:
            raise StoreError(f"{self._journal.path}: another supervisor took over this run.")

    def _results(self, step: str) -> dict[str, str]:
        with self._guard:
            if step not in self._known:
                self._journal.begin_step(step, 0)
                self._known[step] = self._journal.results(step)
            return self._known[step]

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """Be the only one at a key."""
        with self._guard:
            turn = self._turns.setdefault(name, _Turn())
            turn.users += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._guard:
                turn.users -= 1
                if not turn.users:
                    del self._turns[name]


def _failed(
    error: BaseException, name: str, step: str, token: int, started: float, duration_s: float
) -> Attempt:
    return Attempt(
        key=name,
        step=step,
        outcome=AttemptOutcome.FAILED,
        token=token,
        worker=threading.current_thread().name,
        error=str(error) or type(error).__name__,
        error_kind=type(error).__name__,
        trace="".join(traceback.format_exception(error))[-_TRACE_CHARACTERS:],
        started=started,
        duration_s=duration_s,
    )
