"""The loop of a matrix: every trial once, each in a run of its own, tables written as they end. Start reading
here."""

from __future__ import annotations

from honing.errors import BudgetExhaustedError, HoningError
from honing.executors import MapOptions, UnitResult, run_map
from honing.experiments.matrix.kinds.base import TrialKind
from honing.experiments.matrix.opening import kind_of, open_matrix
from honing.experiments.matrix.plan import starting_order
from honing.experiments.matrix.request import MatrixOptions, MatrixResult
from honing.experiments.matrix.results.page import write_page
from honing.experiments.matrix.results.tables import Board, Findings
from honing.experiments.matrix.spec import MatrixSpec
from honing.experiments.matrix.spending import budget_of, observed
from honing.experiments.matrix.working import FATAL, TRIALS, Relaying, Work
from honing.store import Run, RunStatus


def run_matrix(
    spec: MatrixSpec, options: MatrixOptions | None = None, *, kind: TrialKind | None = None
) -> MatrixResult:
    """Run every trial of every cell, and say what they come to.

    A matrix that was interrupted, however, is gone on with by the same call: trials that ended are not run
    again, those under way go on inside, failed ones are tried again. Its tables are written as trials end.

    Args:
        spec: From `load_matrix`.
        options: Where it lies, how many trials are under way at a time.
        kind: Runs and reads the trials; by the kind of the matrix where None.

    Raises:
        UsageError: Something that the axes name cannot be used, or the run's name belongs to another run.
        BudgetExhaustedError: The budget is spent; with a larger one the same call goes on.
        StoppedError: Somebody asked to stop; the same call goes on.
        StoreError: A run cannot be written.
    """
    options = options or MatrixOptions()
    kind = kind or kind_of(spec, options)
    run = open_matrix(spec, kind, options)
    board = Board(run, spec, kind, options.home.resolve())
    try:
        # Held open, the journal is not checkpointed and set up anew by every step.
        with run.supervise(), run.journal():
            found = _run_trials(run, Work(run, board, kind, options.told), options)
    except (HoningError, KeyboardInterrupt) as error:
        vars(error)["run_folder"] = str(run.path)
        raise
    if found.failures:
        # Not done: the same call tries again what failed, and only that.
        run.set_status(RunStatus.FAILED, f"{len(found.failures)} of {len(found.trials)} trials failed")
    return MatrixResult(run=run, cells=found.cells, differences=found.differences, failures=found.failures)


def _run_trials(run: Run, work: Work, options: MatrixOptions) -> Findings:
    work.begin()
    trials = starting_order(work.board.trials)
    try:
        ended = run_map(
            run,
            TRIALS,
            work.perform,
            [trial.as_unit() for trial in trials],
            executor=Relaying(options.workers, work.stop),
            options=MapOptions(
                budget=budget_of(work.board.spec.budget),
                progress=options.progress,
                observe=observed,
                fatal=FATAL,
            ),
        )
        _refuse_stopped(ended)
        work.settle(trials, ended)
    finally:
        found = work.board.write()
        write_page(run, found)
    return found


def _refuse_stopped(ended: list[UnitResult]) -> None:
    """Trials that were stopped inside because the budget was met have not ended."""
    stopped = sum(one.error_kind == "StoppedError" for one in ended)
    if stopped:
        raise BudgetExhaustedError(
            f"The budget is spent; {stopped} trials were stopped inside. Give a larger one and make the same "
            "call to go on."
        )
