"""The loop: baseline, proposals of both arms, the last look, and what a run leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from honing.harness.candidate import Candidate
from honing.harness.candidate_document import candidate_from
from honing.harness.held_out import last_look
from honing.harness.ledger import Ledger
from honing.harness.loop.artifacts import write_artifacts
from honing.harness.loop.bench import Bench, open_bench
from honing.harness.loop.candidates import Makers, evaluated_baseline, searches_of
from honing.harness.loop.config import CANDIDATES
from honing.harness.loop.slots import Board, slots_of
from honing.harness.project import Project
from honing.harness.request import OptimizeOptions, decided
from honing.store import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizeResult:
    """How a run ended."""

    run: Run
    ledger: Ledger
    """Every candidate of both arms."""
    final: Mapping[str, Any]
    """What the last look found; see `held_out.py`."""
    baseline: Candidate
    winner: Candidate
    """The best of the search; the baseline where nothing was kept."""

    @property
    def improved(self) -> bool:
        """Whether the search found something better than the baseline."""
        return bool(self.final["improved"])

    @property
    def score(self) -> float | None:
        """The winner's score on fresh seeds: free of the luck that led to its selection."""
        found: float | None = self.final["estimate"]["fresh"]
        return found


def optimize(project: Project, options: OptimizeOptions | None = None) -> OptimizeResult:
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
        final = last_look(bench, makers.board, makers.searches)
        ledger = write_artifacts(bench)
    return _result(bench.run, ledger, final)


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


def _result(run: Run, ledger: Ledger, final: Mapping[str, Any]) -> OptimizeResult:
    baseline, winner = ledger.baseline, ledger.best()
    assert baseline is not None
    assert winner is not None
    return OptimizeResult(run=run, ledger=ledger, final=final, baseline=baseline, winner=winner)
