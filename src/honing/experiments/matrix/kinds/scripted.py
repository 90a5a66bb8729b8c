"""Trials whose ends are written down in advance: each is a run of its own all the same. For tests, and for
trying out what a matrix looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from honing.experiments.matrix.kinds.base import Ended, Limits, Spent
from honing.experiments.matrix.plan import Cell, Trial
from honing.store import Run

_ENDED = "ended.json"
_KIND = "scripted"

Play = Callable[[Trial, Limits, Run], Ended]
"""What a trial does in its run; whatever it raises is how the trial ends."""


class ScriptedTrials:
    """See `TrialKind`.

    Args:
        home: Folder of runs.
        play: What a trial does.
        compared: Axes along which cells are compared in pairs.
    """

    columns: tuple[str, ...] = ("played",)
    cell_columns: tuple[str, ...] = ("played",)

    def __init__(self, home: Path, play: Play, compared: tuple[str, ...] = ("model",)) -> None:
        self.compared = compared
        self._home = home
        self._play = play

    def contents(self) -> dict[str, str]:
        """See `TrialKind.contents`."""
        return {}

    def work(self, trial: Trial, run_name: str, limits: Limits) -> None:
        """See `TrialKind.work`."""
        folder = self._home / run_name
        run = (
            Run.open(folder)
            if folder.is_dir()
            else Run.create(
                self._home,
                kind=_KIND,
                config=trial.as_unit(),
                command=(),
                seed=trial.seed,
                name=run_name,
            )
        )
        with run.supervise():
            run.write_json(_ENDED, self._play(trial, limits, run).as_document())

    def read(self, run: Run) -> Ended:
        """See `TrialKind.read`."""
        return Ended.from_document(run.read_json(_ENDED))

    def spent(self, run: Run) -> Spent:
        """See `TrialKind.spent`."""
        return self.read(run).spent if (run.path / _ENDED).is_file() else Spent()

    def of_cell(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """See `TrialKind.of_cell`."""
        return {"played": len(rows)}

    def forecast(self, cell: Cell) -> dict[str, Any]:
        """See `TrialKind.forecast`."""
        return {"calls": 0, "cost_usd": 0.0}
