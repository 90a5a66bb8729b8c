"""How a loop ended, for its caller."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.store import Run, parse_json

IMPROVEMENT = "improvement.json"
SECONDS = "logs/seconds.json"
"""Seconds of each row of the table: they differ between two equal runs, so no artifact holds them."""
PAGE = "report.html"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveResult:
    """How a loop ended."""

    run: Run
    document: Mapping[str, Any]
    """The content of improvement.json: rows of the table, verdicts, panel, budget."""
    seconds: Mapping[str, float]
    """What each row of the table took, by its name."""

    @property
    def improved(self) -> bool:
        """Whether what was kept is better than the baseline on held-out tasks: the paired 95% interval lies
        above 0."""
        return bool(self.document["improved"])

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """The final table, as plain data."""
        rows: Sequence[Mapping[str, Any]] = self.document["rows"]
        return rows


def result_of(run: Run) -> ImproveResult:
    """The result of a run that wrote its artifacts.

    Raises:
        StoreError: They are not there or damaged.
    """
    seconds: Mapping[str, float] = {}
    if (run.path / SECONDS).is_file():
        seconds = parse_json((run.path / SECONDS).read_bytes(), where=SECONDS)
    return ImproveResult(run=run, document=run.read_json(IMPROVEMENT), seconds=seconds)
