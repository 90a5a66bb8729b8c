"""The loop: baseline, proposals of both arms, the last look, and what a run leaves. Start reading here."""

from __future__ import annotations

from honing.harness.candidate import Candidate
from honing.harness.candidate_document import candidate_from
from honing.harness.held_out import last_look
from honing.harness.ledger import read_ledger
from honing.harness.loop.artifacts import write_artifacts
from honing.harness.loop.bench import Bench, open_bench
from honing.harness.loop.candidates import Makers, evaluated_baseline, searches_of
from honing.harness.loop.config import CANDIDATES
from honing.harness.loop.opening import again
from honing.harness.loop.result import OptimizeResult, result_of
from honing.harness.loop.slots import Board, slots_of
from honing.harness.project import Project
from honing.harness.request import OptimizeOptions, decided
from honing.store import Run, RunStatus


def optimize_project(project: Project, options: OptimizeOptions | None = None) -> OptimizeResult:
    """Improve a harness: propose, gate, evaluate, keep what helps, and look once more at the end.

    A run that was interrupted, however, is gone on with by the same call: nothing that ended is repeated, and
    its ledger is the one it would have had.

    Args:
        project: From `load_project`.
        options: What this run does differently, and where it lies.

    Raises:
        UsageError: The project or the options cannot be used, or the run's name belongs to another run.
        MissingToolError: The sandbox lacks a protection.
        BudgetExhaustedError: A budget is spent; with a larger one the same call goes on.
        StoppedError: Somebody asked to stop; the same call goes on.
        ModelUnreachableError: Nobody answers at the agent's model server; the same call goes on.
    """
    options = options or OptimizeOptions()
    with open_bench(decided(project, options), options) as bench:
        makers = Makers(
            bench=bench, board=_board(bench, evaluated_baseline(bench)), searches=searches_of(bench)
        )
        _propose_all(makers)
        last_look(bench, makers.board, makers.searches)
        ledger = write_artifacts(bench)
    return result_of(bench.run, ledger)


def resume(run: Run, options: OptimizeOptions | None = None) -> OptimizeResult:
    """Go on with a run that was interrupted, stopped, or short of budget; of one that is done, its result.

    Args:
        run: Of a project that still lies where it lay, unchanged.
        options: Budgets that are given here replace those the run began with; everything else that decides
            the result is as it was.

    Raises:
        UsageError: The project has changed, or the run was made by an agent that only its maker has.
        HoningError: See `optimize_project`.
    """
    if run.status is RunStatus.DONE:
        return result_of(run, read_ledger(run))
    project, options = again(run, options or OptimizeOptions())
    return optimize_project(project, options)


def _board(bench: Bench, baseline: Candidate) -> Board:
    return Board(
        baseline=baseline,
        slots=bench.project.spending.proposals,
        in_flight=bench.project.search.in_flight,
        stopping=bench.stopping.is_set,
    )


def _propose_all(makers: Makers) -> None:
    """Fill every slot of both arms that is not filled yet."""
    bench = makers.bench
    for done in bench.finished(CANDIDATES):
        makers.board.put(candidate_from(done))
    units = [slot.unit for slot in slots_of(bench.project)]
    bench.step(CANDIDATES, makers.make, units, makers.progress())
