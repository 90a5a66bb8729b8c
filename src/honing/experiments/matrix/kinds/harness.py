"""Trials that are harness runs."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from honing.errors import BudgetExhaustedError, TrialError
from honing.experiments.matrix.kinds.base import Ended, Limits, Spent, TrialOutcome
from honing.experiments.matrix.plan import Cell, Trial
from honing.experiments.matrix.request import MatrixOptions
from honing.experiments.matrix.spec import HarnessAxes
from honing.harness import (
    AGGREGATE_COLUMNS,
    SUMMARY_COLUMNS,
    Asked,
    Ledger,
    OptimizeOptions,
    Project,
    Spending,
    aggregate_rows,
    forecast,
    load_project,
    optimize_project,
    read_ledger,
    summary_rows,
    write_example,
)
from honing.sandbox import remove_tree
from honing.store import TREES, Run, TreeStore, digest

_SHIPPED = "example:"
_PROJECTS = Path("cache", "examples")
"""Folder below the folder of runs in which shipped projects are written out."""
_LEFT_OUT = ("__pycache__",)
_Number = TypeVar("_Number", int, float)


class HarnessTrials:
    """See `TrialKind`."""

    columns: tuple[str, ...] = SUMMARY_COLUMNS
    cell_columns: tuple[str, ...] = AGGREGATE_COLUMNS
    compared: tuple[str, ...] = ("agent", "model", "budget")

    def __init__(self, axes: HarnessAxes, options: MatrixOptions) -> None:
        """Read nothing yet."""
        self._axes = axes
        self._options = options
        self._home = options.home.resolve()
        self._usual = options.improving or OptimizeOptions()
        self._projects: dict[str, Project] = {}

    def contents(self) -> dict[str, str]:
        """See `TrialKind.contents`."""
        return {name: self._content(self._project(name)) for name in self._axes.projects}

    def work(self, trial: Trial, run_name: str, limits: Limits) -> None:
        """See `TrialKind.work`."""
        project = self._project(trial.cell.values["project"])
        options = self._request(trial.cell, seed=trial.seed)
        spending = project.spending
        cost = None if limits.cost_usd is None else float(limits.cost_usd)
        asked = replace(
            options.asked,
            tokens=_smaller(spending.tokens, limits.tokens),
            cost_usd=_smaller(spending.cost_usd, cost),
        )
        try:
            optimize_project(project, replace(options, asked=asked, run_name=run_name))
        except BudgetExhaustedError as error:
            if _is_own(error, spending, limits):
                # The other trials are none the poorer.
                raise TrialError(f"its project's own budget is spent: {error}") from error
            raise

    def read(self, run: Run) -> Ended:
        """See `TrialKind.read`."""
        ledger = read_ledger(run)
        row = summary_rows([ledger])[0]
        score = row["best_estimate"]
        if ledger.final is None or score is None:
            raise TrialError(
                f"{run.path}: the run ended without a score: {' '.join(ledger.damage) or ledger.reason}"
            )
        found = ledger.final["estimate"]
        return Ended(
            outcome=TrialOutcome.IMPROVED if row["improved"] else TrialOutcome.NOT_IMPROVED,
            score=score,
            low=found["low"],
            high=found["high"],
            baseline=row["baseline_objective"],
            best=row["best_objective"],
            spent=_spent(ledger),
            columns=row,
        )

    def spent(self, run: Run) -> Spent:
        """See `TrialKind.spent`."""
        return _spent(read_ledger(run))

    def of_cell(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """See `TrialKind.of_cell`."""
        found = aggregate_rows(rows)
        return found[0] if found else {}

    def forecast(self, cell: Cell) -> dict[str, Any]:
        """See `TrialKind.forecast`."""
        name = str(cell.values["project"])
        options = self._request(cell, seed=None)
        if not name.startswith(_SHIPPED):
            return forecast(self._project(name), options)
        with tempfile.TemporaryDirectory(prefix="honing-example-") as scratch:
            folder = Path(scratch) / "project"
            write_example(name.removeprefix(_SHIPPED), folder)
            return forecast(load_project(folder), options)

    def _request(self, cell: Cell, *, seed: int | None) -> OptimizeOptions:
        axes, values = self._axes, cell.values
        asked = Asked(
            agent=values["agent"],
            model=values["model"],
            agent_options=axes.agent_options,
            timeout_s=axes.agent_timeout_s,
            proposals=values["budget"],
            search=axes.search,
            control=axes.control,
            in_flight=axes.in_flight,
            seed=seed,
            sandbox=self._options.sandbox,
        )
        return replace(
            self._usual, asked=asked, home=self._home, endpoints=self._options.endpoints, fresh=False
        )

    def _project(self, name: str) -> Project:
        if name not in self._projects:
            self._projects[name] = load_project(self._folder(name))
        return self._projects[name]

    def _folder(self, name: str) -> Path:
        """Where a project lies; a shipped one is written out."""
        if not name.startswith(_SHIPPED):
            return self._options.base / name
        shipped = name.removeprefix(_SHIPPED).replace("-", "_")
        with tempfile.TemporaryDirectory(prefix="honing-example-") as scratch:
            write_example(shipped, Path(scratch) / shipped)
            tree = TreeStore(self._home / TREES).snapshot(Path(scratch) / shipped)
        # By content: another version of Honing ships another project, and runs of this one go on.
        folder = self._home / _PROJECTS / f"{shipped}-{tree[-12:]}"
        if not folder.is_dir():
            draft = folder.with_name(f".{folder.name}")
            remove_tree(draft)
            write_example(shipped, draft)
            draft.rename(folder)
        return folder

    def _content(self, project: Project) -> str:
        trees = TreeStore(self._home / TREES)
        folders = [project.baseline, *([project.solution] if project.solution is not None else [])]
        return digest(
            {
                "file": project.file.read_text("utf-8", "replace"),
                "folders": [trees.snapshot(folder, ignore=_LEFT_OUT, again=False) for folder in folders],
                "tasks": [[task.id, task.identity()] for task in (*project.tasks, *project.held_out)],
            }
        )


def _spent(ledger: Ledger) -> Spent:
    spend = ledger.spend
    return Spent(
        tokens=spend.tokens,
        calls=spend.calls,
        cost_usd=None if spend.cost_unknown else spend.cost_usd,
        duration_s=round(spend.wall_s, 4),
    )


def _smaller(first: _Number | None, second: _Number | None) -> _Number | None:
    given = [value for value in (first, second) if value is not None]
    return min(given, default=None)


def _limit(value: float | None) -> float:
    return math.inf if value is None else value


def _is_own(error: BudgetExhaustedError, spending: Spending, limits: Limits) -> bool:
    """Whether the budget that a run met is its project's, not the matrix's, which has no task runs and whose
    time is not passed on."""
    said = str(error)
    runs = spending.task_runs is not None and f"the budget of {spending.task_runs} task runs" in said
    time = spending.wall_s is not None and f"The budget of {spending.wall_s:g} s" in said
    cost = None if limits.cost_usd is None else float(limits.cost_usd)
    ours = _limit(limits.tokens) < _limit(spending.tokens) or _limit(cost) < _limit(spending.cost_usd)
    return runs or time or not ours
