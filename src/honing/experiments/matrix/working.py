"""One session of a matrix: what a trial's unit does, what it may spend, and how it is asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from honing import errors
from honing.errors import BudgetExhaustedError, StoppedError, StoreError, TrialError
from honing.executors import (
    Completed,
    Json,
    MapOptions,
    ThreadsExecutor,
    Unit,
    UnitFunction,
    UnitResult,
    plan,
)
from honing.experiments.matrix.kinds.base import Ended, Failed, TrialKind, TrialOutcome
from honing.experiments.matrix.plan import Trial
from honing.experiments.matrix.results.tables import Board
from honing.experiments.matrix.spending import Purse, spent_in
from honing.store import Run, RunStatus, canonical_json, parse_json

TRIALS = "trials"
"""Step with one unit for each trial; its results are documents of `Ended`."""
FATAL = frozenset({"BudgetExhaustedError", "StoppedError", "StoreError"})
"""Errors that end a session: every other trial would meet the same. A trial that cannot reach its model, or
whose agent is not installed, says nothing about the others."""
_OURS = (
    errors.EnvironmentFaultError,
    errors.ExecutorError,
    errors.GraderError,
    errors.ModelError,
    errors.SandboxError,
)


class Work:
    """What the trials of one session share.

    Args:
        run: The matrix's; its lock is held before the first trial is performed.
        board: Takes in how trials end.
        kind: Runs and reads them.
        told: Is told how each ended, one line each.
    """

    def __init__(self, run: Run, board: Board, kind: TrialKind, told: Callable[[str], None]) -> None:
        self.board = board
        self._run = run
        self._kind = kind
        self._told = told
        self._trials = {canonical_json(trial.as_unit()): trial for trial in board.trials}
        self._purse = Purse(board.spec.budget)
        self._under_way: set[Path] = set()
        self._over = threading.Event()
        self._guard = threading.Lock()

    def begin(self) -> None:
        """Take in what earlier sessions did and spent."""
        units = plan(TRIALS, MapOptions().version, [trial.as_unit() for trial in self.board.trials])
        with self._run.journal() as journal:
            known = journal.results(TRIALS)
        for trial, unit in zip(self.board.trials, units, strict=True):
            folder = self.board.folder(trial)
            if unit.key in known:
                self._note(trial, Ended.from_document(parse_json(known[unit.key], where=trial.name)))
            elif folder.is_dir():
                self._purse.put(trial.name, spent_in(folder, self._kind))
        self.board.write()

    def perform(self, unit: Json) -> Json:
        """Run one trial, or go on with it; what it came to, as plain data.

        Raises:
            HoningError: It ended without a number that counts.
        """
        trial = self._trials[canonical_json(unit)]
        folder = self.board.folder(trial)
        if self._over.is_set():
            raise StoppedError(f"{trial.name} was not begun")
        try:
            if not _is_done(folder):
                self._run_trial(trial, folder)
            ended = self._kind.read(Run.open(folder))
        except (BudgetExhaustedError, StoppedError, StoreError):
            # The supervisor learns of it a moment later than the thread that asks for the next trial.
            self._over.set()
            raise
        except Exception as error:
            self._purse.put(trial.name, spent_in(folder, self._kind))
            self._keep(trial, self._failed(trial, error))
            raise
        self._keep(trial, ended)
        return ended.as_document()

    def settle(self, trials: Sequence[Trial], ended: Sequence[UnitResult]) -> None:
        """Make sure that no failed trial is missing: one whose failure could not even be told is a defect,
        and is named as one.

        Args:
            trials: In the order of their units.
            ended: How each unit ended.
        """
        for trial, one in zip(trials, ended, strict=True):
            if not one.ok and not self.board.knows(trial):
                reason = f"{one.error_kind}: {one.error} (a defect of Honing; the journal has its trace)"
                self._note(trial, Failed(outcome=TrialOutcome.CRASH, reason=reason))

    def stop(self) -> None:
        """Begin no trial any more, and ask those under way to stop; they go on inside where they stopped."""
        self._over.set()
        with self._guard:
            folders = list(self._under_way)
        for folder in folders:
            # Asked again until it has stopped: a run that only now begins forgets what was asked before.
            if (folder / "run.json").is_file() and not (folder / "stop").exists():
                Run.open(folder).request_stop()

    def _run_trial(self, trial: Trial, folder: Path) -> None:
        with self._guard:
            self._under_way.add(folder)
        try:
            self._kind.work(trial, folder.name, self._purse.limits(trial.name))
        finally:
            with self._guard:
                self._under_way.discard(folder)

    def _note(self, trial: Trial, found: Ended | Failed) -> None:
        self._purse.put(trial.name, found.spent)
        self.board.put(trial, found)

    def _keep(self, trial: Trial, found: Ended | Failed) -> None:
        self._note(trial, found)
        self.board.write()
        said = f"{found.score:.3f}" if isinstance(found, Ended) else found.reason.partition("\n")[0]
        self._told(f"{trial.cell.label}, trial {trial.number}: {found.outcome.value}, {said}")

    def _failed(self, trial: Trial, error: Exception) -> Failed:
        name = type(error).__name__.removesuffix("Error")
        said = f"{name}: {error}" if not isinstance(error, TrialError) else str(error)
        return Failed(
            outcome=_outcome_of(error),
            # The folder of runs may lie anywhere: tables say the same wherever it does.
            reason=said.replace(f"{self.board.home}/", "").replace(f"{self._run.id}.", ""),
            spent=self._purse.of(trial.name),
        )


@dataclass(frozen=True, slots=True)
class Relaying:
    """Threads whose supervisor passes on that it is asked to stop."""

    workers: int
    stop: Callable[[], None]
    """Called again and again while no trial is to be started any more and some are under way."""

    @property
    def name(self) -> str:
        return "threads"

    def run(
        self, fn: UnitFunction, units: Iterable[Unit], should_stop: Callable[[], bool]
    ) -> Generator[Sequence[Completed], None, None]:
        """See `Executor.run`."""

        def asked() -> bool:
            if not should_stop():
                return False
            self.stop()
            return True

        # With threads of its own also for one worker, the supervisor sees a stop while a trial is under way.
        return ThreadsExecutor(self.workers, own_thread=True).run(fn, units, asked)


def _is_done(folder: Path) -> bool:
    """Whether the run of a trial ended, but this matrix was killed before it wrote that down."""
    return folder.is_dir() and Run.open(folder).status is RunStatus.DONE


def _outcome_of(error: Exception) -> TrialOutcome:
    if isinstance(error, TrialError):
        return TrialOutcome.NO_SCORE
    return TrialOutcome.INFRA_ERROR if isinstance(error, _OURS) else TrialOutcome.CRASH
