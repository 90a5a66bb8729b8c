"""Episodes of an evaluation as its CSV keeps them: for tests in pairs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from honing.stats import mcnemar_exact, paired_difference
from honing.teach.verdicts.artifacts import document, table
from honing.teach.verdicts.base import Finding

BASE = "base"
TASKS, SNAPSHOTS, RETENTION = "tasks", "snapshots", "retention"
PAIRED = "paired difference, McNemar exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One episode."""

    place: str
    cluster: str
    quadrant: str
    success: float


@dataclass(frozen=True, slots=True)
class Episodes:
    """All episodes of one evaluation at temperature 0, by run and panel, each in the order of its places."""

    rows: Mapping[tuple[str, str], Sequence[Outcome]]
    runs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Trained runs: their quadrant (empty for none) and supervision."""

    def of(self, run_id: str, panel: str, quadrant: str = "") -> list[Outcome]:
        """Episodes of a run, on one quadrant's places where one is named."""
        found = self.rows.get((run_id, panel), ())
        return [row for row in found if not quadrant or row.quadrant == quadrant]

    def trained_on(self, quadrant: str, supervision: str = "") -> list[str]:
        """Runs that were trained on one quadrant by a kind of supervision, any of demo, contrast and hint
        where none is named."""
        kinds = (supervision,) if supervision else ("demo", "contrast", "hint")
        return [run for run, (where, kind) in self.runs.items() if where == quadrant and kind in kinds]

    def compared(self, first: str, second: str, panel: str, quadrant: str = "") -> Finding:
        """Success of one run minus another's on the same places."""
        a, b = self.of(first, panel, quadrant), self.of(second, panel, quadrant)
        if not a or [row.place for row in a] != [row.place for row in b]:
            return Finding(test=PAIRED)
        left, right = [row.success for row in a], [row.success for row in b]
        clusters = [row.cluster for row in a]
        interval = paired_difference(left, right, clusters=clusters, bounds=(0.0, 1.0))
        only = [sum(x > y for x, y in zip(*pair, strict=True)) for pair in ((left, right), (right, left))]
        return Finding(
            effect=interval.estimate,
            low=interval.low,
            high=interval.high,
            n=interval.n,
            p=mcnemar_exact(*only),
            test=PAIRED,
        )

    def gains(self, runs: Sequence[str], panel: str, quadrant: str = "") -> dict[str, tuple[str, float]]:
        """By place: its cluster, and mean success over runs minus the base's."""
        before = {row.place: row for row in self.of(BASE, panel, quadrant)}
        after: dict[str, list[float]] = defaultdict(list)
        for run in runs:
            for row in self.of(run, panel, quadrant):
                after[row.place].append(row.success)
        return {
            place: (before[place].cluster, sum(values) / len(values) - before[place].success)
            for place, values in after.items()
            if place in before
        }


def read_episodes(folder: Path, evaluation: str, summary: str) -> Episodes:
    """The episodes of an evaluation; none where it has not run.

    Args:
        folder: The run.
        evaluation: Folder of the evaluation, relative to the run.
        summary: Its training summary, relative to the run.
    """
    rows: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for row in table(folder, f"{evaluation}/episodes.csv"):
        if float(row["temperature"]) == 0.0:
            rows[row["run_id"], row["panel"]].append(
                Outcome(
                    place=row["place"],
                    cluster=row["cluster"],
                    quadrant=row["quadrant"],
                    success=1.0 if row["success"] in ("true", "True", "1") else 0.0,
                )
            )
    trained = (document(folder, summary) or {}).get("runs", [])
    return Episodes(
        rows=dict(rows),
        runs={row["run_id"]: (row["quadrant"] or "", row["supervision"]) for row in trained},
    )
