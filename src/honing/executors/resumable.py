"""The one resumable map that all three systems use.

Units run at least once, results count exactly once: a unit's key is the hash of what it is, its result
commits under the key, and a unit with a result is never run again. What this adds to an executor is here and
only here: the journal, resuming, budgets, stopping, progress.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self, TypeGuard

from honing.errors import (
    BudgetExhaustedError,
    ExecutorError,
    HoningError,
    MissingToolError,
    ModelUnreachableError,
    StoppedError,
    StoreError,
    UsageError,
)
from honing.executors.base import Completed, Executor, Json, Unit, UnitFunction, UnitStatus
from honing.executors.budget import Budget, Observation, Observe
from honing.executors.heartbeat import Heartbeat
from honing.executors.progress import Progress, SilentProgress, Tally
from honing.executors.standing import Standing
from honing.executors.stopping import StopWatch
from honing.executors.worker import as_json
from honing.store import Attempt, AttemptOutcome, Journal, Run, digest

_LEASE_CHUNK = 64
"""Units leased in one transaction."""
_NOTHING = Observation(cost_usd=0.0)
_FATAL: Mapping[str, type[HoningError]] = {
    kind.__name__: kind
    for kind in (
        BudgetExhaustedError,
        StoppedError,
        ModelUnreachableError,
        MissingToolError,
        StoreError,
        UsageError,
    )
}
"""Errors that keep their kind, and so their exit code, where they end a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapOptions:
    """How one step runs."""

    version: str = "1"
    """Of the step's work. Another version is other work: nothing of the old one is reused."""
    budget: Budget = field(default_factory=Budget)
    progress: Progress = field(default_factory=SilentProgress)
    observe: Observe | None = None
    """Reads value and cost from a result; needed by budgets of tokens and money."""
    lease_s: float = 60.0
    """Seconds a lease lasts without renewal. It is renewed three times as often."""
    fatal: frozenset[str] = frozenset({"BudgetExhaustedError", "StoppedError", "ModelUnreachableError"})
    """Names of errors that stop the step when a unit raises them: the others would meet the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """How one unit ended, whether now or in an earlier session."""

    index: int
    """Position of its input, from 0."""
    key: str
    status: UnitStatus
    result: Json = None
    error: str = ""
    error_kind: str = ""
    attempts: int = 1
    """Starts in all sessions. Volatile: not for artifacts."""
    reused: bool = False
    """Whether it came from the journal. Volatile: not for artifacts."""

    @property
    def ok(self) -> bool:
        return self.status is UnitStatus.DONE


def run_map(
    run: Run,
    step: str,
    fn: UnitFunction,
    inputs: Iterable[Json],
    *,
    executor: Executor,
    options: MapOptions | None = None,
) -> list[UnitResult]:
    """Run `fn` on every input, each finished one exactly once over all sessions of the run.

    Finished units are taken from the run's journal; units that failed earlier are tried again. A unit that
    fails is a result with its error, not an exception. The run's lock is held meanwhile.

    Args:
        run: Where journal and lock are.
        step: Name of the step, unique within the run.
        fn: The work: JSON in, JSON out. Deterministic in its input, or its first result stands.
        inputs: One JSON value per unit. Equal inputs are told apart by their occurrence.
        executor: Where the work happens.
        options: Version, budget, progress and the like.

    Returns:
        One entry per input, in the order of the inputs.

    Raises:
        BudgetExhaustedError: A limit is met while units remain; everything finished is committed.
        StoppedError: The stop file or SIGTERM asked to stop; everything finished is committed.
        KeyboardInterrupt: Ctrl-C did; everything finished is committed. A second one ends at once.
        StoreError: The journal cannot be written, or another supervisor works on the run.
        ExecutorError: The function cannot be run by this executor, or `observe` raised.
        UsageError: The budget needs an `observe` that is not there.
    """
    options = options or MapOptions()
    options = replace(options, progress=Standing(run, options.progress))
    if options.budget.needs_observation and options.observe is None:
        raise UsageError(
            f"Step '{step}': a budget of tokens or money needs `observe` to read them from the results."
        )
    units = plan(step, options.version, inputs)
    with run.lock(), run.journal() as journal, StopWatch(run.stop_requested) as stop:
        session = _Session(journal, step, units, options, stop, holding=run.session)
        with session:
            session.work(fn, executor)
        session.raise_if_unfinished()
        return session.results()


def plan(step: str, version: str, inputs: Iterable[Json]) -> list[Unit]:
    """The units of a step. A key depends on step, version, input and, for equal inputs, on which one it is.

    Raises:
        UsageError: The step has no name, or an input is not JSON.
    """
    if not step:
        raise UsageError("A step needs a name.")
    units: list[Unit] = []
    occurrences: dict[str, int] = {}
    for index, value in enumerate(inputs):
        try:
            clean = as_json(value)
        except (TypeError, ValueError) as error:
            raise UsageError(f"Step '{step}', input {index}: {error}. Inputs are JSON values.") from error
        content = digest([step, version, clean])
        occurrence = occurrences[content] = occurrences.get(content, -1) + 1
        units.append(Unit(content if occurrence == 0 else digest([content, occurrence]), index, clean))
    return units


class _Session:
    """One session of one step: from what the journal holds before to what it holds afterwards."""

    def __init__(
        self,
        journal: Journal,
        step: str,
        units: Sequence[Unit],
        options: MapOptions,
        stop: StopWatch,
        *,
        holding: str,
    ) -> None:
        self._journal = journal
        self._step = step
        self._units = units
        self._options = options
        self._stop = stop
        # Steps may run inside or beside each other under one holding of the lock.
        self._holding = holding
        self._owner = f"{holding}:{os.urandom(4).hex()}"
        committed = journal.results(step)
        self._reused = {unit.key: committed[unit.key] for unit in units if unit.key in committed}
        self._starts = journal.starts(step)
        self._spent = journal.totals(None if options.budget.whole_run else step)
        self._tokens: dict[str, int] = {}
        self._ended: dict[str, Completed] = {}
        self._failed = 0
        self._values: list[float] = []
        self._exhausted = ""
        self._withheld = False
        self._fatal: HoningError | None = None
        self._observe_error: Exception | None = None
        self._began = self._settled = time.monotonic()
        self._heartbeat = Heartbeat(journal, self._owner, options.lease_s)

    def __enter__(self) -> Self:
        self._journal.begin_step(self._step, len(self._units))
        self._journal.take_over(self._holding)
        seen = [self._observe(json.loads(text)) for text in self._reused.values()]
        self._values.extend(found.value for found in seen if _is_shown(found.value))
        self._options.progress.begin(self._tally())
        self._heartbeat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heartbeat.stop()
        self._options.progress.end(self._tally())
        if not isinstance(error, StoreError):
            self._journal.release(self._owner)
            self._journal.add_wall(self._step, self._unsettled())

    def work(self, fn: UnitFunction, executor: Executor) -> None:
        """Run what remains, committing each batch as it comes."""
        self._check_limits()
        with closing(executor.run(fn, self._remaining(), self._should_stop)) as batches:
            for batch in batches:
                if batch:
                    self._commit(batch)
                self._options.progress.update(self._tally())

    def raise_if_unfinished(self) -> None:
        """Say why units remain, if any do or if somebody asked to stop."""
        if self._heartbeat.error is not None:
            raise self._heartbeat.error
        left = sum(unit.key not in self._reused and unit.key not in self._ended for unit in self._units)
        state = (
            f"Step '{self._step}': {self._tally().done} of {len(self._units)} units are finished and kept; "
            "resume the run to go on."
        )
        self._stop.raise_if_asked(state)
        # Units that stop early because the budget is met are no cause of their own.
        if self._fatal is not None and not (self._exhausted and isinstance(self._fatal, StoppedError)):
            raise type(self._fatal)(f"{self._fatal} {state}")
        if left and (self._exhausted or self._withheld):
            spent = self._exhausted or f"{self._options.budget.units} units"
            raise BudgetExhaustedError(f"The budget of {spent} is spent. {state}")
        if left:
            raise ExecutorError(f"The executor ended without running {left} units. {state}")

    def results(self) -> list[UnitResult]:
        """Every unit's ending, in the order of the inputs."""
        return [self._result(unit) for unit in self._units]

    def _result(self, unit: Unit) -> UnitResult:
        before = self._starts.get(unit.key, 0)
        if unit.key in self._reused:
            value = json.loads(self._reused[unit.key])
            return UnitResult(
                index=unit.index,
                key=unit.key,
                status=UnitStatus.DONE,
                result=value,
                attempts=before,
                reused=True,
            )
        ended = self._ended[unit.key]
        return UnitResult(
            index=unit.index,
            key=unit.key,
            status=ended.status,
            result=ended.result,
            error=ended.error,
            error_kind=ended.error_kind,
            attempts=before + ended.attempts,
        )

    def _remaining(self) -> Iterator[Unit]:
        """The units without a result, leased, as many as the budget allows."""
        todo = [unit for unit in self._units if unit.key not in self._reused]
        limit = self._options.budget.units
        allowed = len(todo) if limit is None else min(len(todo), max(0, limit - self._spent.attempts))
        for start in range(0, allowed, _LEASE_CHUNK):
            yield from self._lease(todo[start : min(start + _LEASE_CHUNK, allowed)])
        # No stop: those that were handed out still run.
        self._withheld = allowed < len(todo)

    def _lease(self, chunk: Sequence[Unit]) -> Sequence[Unit]:
        wanted = [(unit.key, self._step, unit.index) for unit in chunk]
        granted = self._journal.lease(wanted, owner=self._owner, ttl_s=self._options.lease_s)
        if len(granted) < len(chunk):
            raise _overtaken(self._step)
        self._tokens |= granted
        return chunk

    def _commit(self, batch: Sequence[Completed]) -> None:
        """Write a batch down, then count it."""
        observations = [
            self._observe(ended.result if ended.status is UnitStatus.DONE else None) for ended in batch
        ]
        attempts: list[Attempt] = []
        for ended, seen in zip(batch, observations, strict=True):
            attempts.append(self._attempt(ended, seen))
            self._ended.setdefault(ended.unit.key, ended)
        if self._journal.commit(attempts, owner=self._owner, wall_s=self._settle()).stale:
            raise _overtaken(self._step)
        for attempt, seen in zip(attempts, observations, strict=True):
            self._count(attempt, seen)
        if self._observe_error is not None:
            raise ExecutorError(
                f"Step '{self._step}': `observe` raised {self._observe_error!r}. The results are kept."
            ) from self._observe_error
        self._check_limits()

    def _attempt(self, ended: Completed, seen: Observation) -> Attempt:
        # Only the first ending of a unit counts, should an executor deliver two.
        outcome = AttemptOutcome.LATE if ended.unit.key in self._ended else AttemptOutcome(ended.status.value)
        return Attempt(
            key=ended.unit.key,
            step=self._step,
            outcome=outcome,
            value=json.dumps(ended.result, allow_nan=False) if ended.status is UnitStatus.DONE else "",
            token=self._tokens.get(ended.unit.key, 0),
            starts=ended.attempts,
            worker=ended.worker,
            error=ended.error,
            error_kind=ended.error_kind,
            trace=ended.trace,
            started=ended.started,
            duration_s=ended.duration_s,
            tokens=seen.tokens,
            cost_usd=seen.cost_usd,
        )

    def _count(self, attempt: Attempt, seen: Observation) -> None:
        self._spent = replace(
            self._spent,
            attempts=self._spent.attempts + 1,
            tokens=self._spent.tokens + seen.tokens,
            cost_usd=self._spent.cost_usd + (seen.cost_usd or 0.0),
            cost_unknown=self._spent.cost_unknown + (seen.cost_usd is None),
        )
        if attempt.outcome is AttemptOutcome.DONE and _is_shown(seen.value):
            self._values.append(seen.value)
        if attempt.outcome in (AttemptOutcome.FAILED, AttemptOutcome.WORKER_LOST):
            self._failed += 1
            if attempt.error_kind in self._options.fatal:
                # The first one is the cause: those who waited for that unit fail with it.
                self._fatal = self._fatal or _FATAL.get(attempt.error_kind, ExecutorError)(attempt.error)

    def _observe(self, result: Json) -> Observation:
        """What a result is worth and cost; nothing for a failed unit or without `observe`."""
        if self._options.observe is None or result is None:
            return _NOTHING
        try:
            return self._options.observe(result)
        except Exception as error:  # noqa: BLE001 - raised as ours once the batch is safe
            self._observe_error = error
            return Observation()

    def _check_limits(self) -> None:
        self._exhausted = self._exhausted or self._options.budget.exceeded(
            self._spent, wall_s=self._unsettled()
        )

    def _should_stop(self) -> bool:
        if self._options.budget.wall_s is not None:
            self._check_limits()
        stopped = self._stop.asked() or self._heartbeat.error is not None
        return stopped or self._fatal is not None or self._exhausted != ""

    def _unsettled(self) -> float:
        """Seconds of this session that the journal does not know yet."""
        return time.monotonic() - self._settled

    def _settle(self) -> float:
        seconds = self._unsettled()
        self._settled += seconds
        self._spent = replace(self._spent, wall_s=self._spent.wall_s + seconds)
        return seconds

    def _tally(self) -> Tally:
        return Tally(
            step=self._step,
            total=len(self._units),
            done=len(self._reused) + len(self._ended) - self._failed,
            failed=self._failed,
            reused=len(self._reused),
            elapsed_s=time.monotonic() - self._began,
            tokens=self._spent.tokens,
            cost_usd=self._spent.cost_usd,
            cost_unknown=self._spent.cost_unknown,
            values=self._values,
        )


def _is_shown(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _overtaken(step: str) -> StoreError:
    return StoreError(
        f"Step '{step}': another supervisor took over this run, so nothing more is written from here. "
        "Let one of them work: `hone runs show` names it."
    )
