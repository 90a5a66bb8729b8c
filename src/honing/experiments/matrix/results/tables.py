"""Rows and columns of a matrix's tables, and how they are written as trials end."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.experiments.matrix.kinds.base import Ended, Failed, TrialKind
from honing.experiments.matrix.plan import Cell, Trial, cells_of, trials_of
from honing.experiments.matrix.results.aggregate import CELL_COLUMNS, CellTrials, cell_row
from honing.experiments.matrix.results.differences import DIFFERENCE_COLUMNS, difference_rows
from honing.experiments.matrix.spec import MatrixSpec
from honing.store import Run

TRIAL_COLUMNS = (
    "trial",
    "seed",
    "trial_status",
    "outcome",
    "baseline",
    "best",
    "improved",
    "score",
    "score_low",
    "score_high",
    "tokens",
    "calls",
    "cost_usd",
    "duration_s",
    "run_name",
    "run_dir",
    "reason",
)
"""After the cell's number and axes, before the columns of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything that is known of a matrix: what its artifacts and its page are made of."""

    spec: MatrixSpec
    trials: Sequence[Mapping[str, Any]]
    """One row for each trial that has ended, cell by cell."""
    cells: Sequence[Mapping[str, Any]]
    differences: Sequence[Mapping[str, Any]]

    @property
    def failures(self) -> list[Mapping[str, Any]]:
        return [row for row in self.trials if row["trial_status"] == "failed"]


class Board:
    """What is known of the trials so far. Safe to use from several threads.

    Args:
        run: The matrix's.
        spec: Its axes.
        kind: Adds columns of its own.
        home: Folder of the trials' runs.
    """

    def __init__(self, run: Run, spec: MatrixSpec, kind: TrialKind, home: Path) -> None:
        self._run = run
        self.spec = spec
        self._kind = kind
        self.home = home
        self._cells = cells_of(spec)
        self.trials = trials_of(spec, self._cells)
        self._known: dict[str, Ended | Failed] = {}
        self._guard = threading.Lock()

    def folder(self, trial: Trial) -> Path:
        """Of a trial's run. Its name begins with the matrix's id: what an earlier matrix of the same name
        left is never taken for this one's."""
        return self.home / f"{self._run.id}.{trial.name}"

    def put(self, trial: Trial, found: Ended | Failed) -> None:
        """Take in how a trial ended."""
        with self._guard:
            self._known[trial.name] = found

    def knows(self, trial: Trial) -> bool:
        """Whether it is known how a trial ended."""
        with self._guard:
            return trial.name in self._known

    def write(self) -> Findings:
        """Write every table as it stands now. The same trials give the same bytes, but for times."""
        with self._guard:
            found = self._findings()
            axes = ("cell", *self.spec.axes())
            write = self._run
            write.write_jsonl("trials.jsonl", [{**row, **self._rewards(row)} for row in found.trials])
            write.write_json("trials.json", {"trials": list(found.trials)})
            write.write_tsv("trials.tsv", _joined(axes, TRIAL_COLUMNS, self._kind.columns), found.trials)
            write.write_json(
                "aggregate.json", {"cells": list(found.cells), "differences": list(found.differences)}
            )
            columns = _joined(axes, CELL_COLUMNS, self._kind.cell_columns)
            write.write_tsv("aggregate.tsv", columns, found.cells)
            write.write_tsv("differences.tsv", DIFFERENCE_COLUMNS, found.differences)
        return found

    def _findings(self) -> Findings:
        rows = [
            self._row(trial, self._known[trial.name]) for trial in self.trials if trial.name in self._known
        ]
        by_cell = [self._of(cell) for cell in self._cells]
        return Findings(
            spec=self.spec,
            trials=rows,
            cells=[
                cell_row(
                    each,
                    self._kind,
                    [r for r in rows if r["cell"] == each.cell.number and r["trial_status"] == "done"],
                )
                for each in by_cell
            ],
            differences=difference_rows(by_cell, self._kind),
        )

    def _of(self, cell: Cell) -> CellTrials:
        mine = [trial for trial in self.trials if trial.cell == cell]
        known = [(trial, self._known[trial.name]) for trial in mine if trial.name in self._known]
        return CellTrials(
            cell=cell,
            planned=len(mine),
            ended=[(trial, one) for trial, one in known if isinstance(one, Ended)],
            failed=[(trial, one) for trial, one in known if isinstance(one, Failed)],
        )

    def _rewards(self, row: Mapping[str, Any]) -> dict[str, Any]:
        found = self._known[str(row["run_name"]).removeprefix(f"{self._run.id}.")]
        return {"rewards": dict(found.rewards)} if isinstance(found, Ended) else {}

    def _row(self, trial: Trial, found: Ended | Failed) -> dict[str, Any]:
        spent, name = found.spent, self.spec.name
        of_kind = dict.fromkeys(self._kind.columns) | (
            dict(found.columns) if isinstance(found, Ended) else {}
        )
        of_predecessor = {"experiment_id": name or None, "trial_index": trial.number}
        return {
            **of_kind,
            **{key: value for key, value in of_predecessor.items() if key in of_kind},
            "cell": trial.cell.number,
            **trial.cell.values,
            "trial": trial.number,
            "seed": trial.seed,
            "trial_status": "done" if isinstance(found, Ended) else "failed",
            "outcome": found.outcome.value,
            "tokens": spent.tokens,
            "calls": spent.calls,
            "cost_usd": spent.cost_usd,
            "duration_s": spent.duration_s,
            "run_name": self.folder(trial).name,
            "run_dir": str(self.folder(trial)),
            **(_scores(found) if isinstance(found, Ended) else _no_scores(found)),
        }


def _scores(found: Ended) -> dict[str, Any]:
    return {
        "baseline": found.baseline,
        "best": found.best,
        "improved": None if found.baseline is None else found.outcome.value == "improved",
        "score": found.score,
        "score_low": found.low,
        "score_high": found.high,
        "reason": "",
    }


def _no_scores(found: Failed) -> dict[str, Any]:
    names = ("baseline", "best", "improved", "score", "score_low", "score_high")
    return {**dict.fromkeys(names), "reason": found.reason}


def _joined(*groups: Sequence[str]) -> tuple[str, ...]:
    """Columns of several groups in turn, each name once."""
    return tuple(dict.fromkeys(name for group in groups for name in group))
