"""Figures of phases 2 and 3: what training gained, where, and at what price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from honing.store import Dots, Estimate, Figure, HeatMap, Lines, Point, Series
from honing.teach.snapshot import Quadrant, Route
from honing.teach.verdicts.artifacts import number, table

_BASE = "base"
_NOT_TRAINED = frozenset({_BASE, "expert"})
_POOLED = "pooled"
_GREEDY = 0.0
_STUCK_SHOWN = ("repeat_action_rate", "loops", "wasted_steps", "efficiency")
Row = Mapping[str, str]


def gains(folder: Path) -> Figure | None:
    """Gain of every run on held-out tasks."""
    rows = [
        row
        for row in greedy(table(folder, "phase3/overall_task_results.csv"))
        if row["run_id"] not in _NOT_TRAINED
    ]
    dots = tuple(_estimate(row["run_id"], row, "difference", row["supervision"]) for row in rows)
    if not dots:
        return None
    return Dots(
        title="Gain on held-out tasks",
        dots=dots,
        reference=0.0,
        unit="success, difference to the base (greedy, same tasks)",
    )


def supervision_heat_map(folder: Path) -> Figure | None:
    """Gain by trained quadrant and kind of supervision."""
    rows = {row["run_id"]: row for row in greedy(table(folder, "phase3/overall_task_results.csv"))}
    values = tuple(
        tuple(
            _value(rows.get(f"{quadrant.value}_{route.value}"), "difference")
            for route in (Route.DEMO, Route.CONTRAST, Route.HINT)
        )
        for quadrant in Quadrant
    )
    if all(value is None for line in values for value in line):
        return None
    return HeatMap(
        title="Gain on held-out tasks by quadrant and supervision",
        rows=tuple(quadrant.value for quadrant in Quadrant),
        columns=("demo", "contrast", "hint"),
        values=values,
        row_label="trained on",
        column_label="supervision",
        centre=0.0,
        digits=3,
    )


def transfer_matrix(folder: Path) -> Figure | None:
    """Gain by trained and by evaluated quadrant, over kinds of supervision."""
    rows = [
        row for row in greedy(table(folder, "phase3/transfer_matrix.csv")) if row["supervision"] == _POOLED
    ]
    cells = {(row["trained_quadrant"], row["evaluated_quadrant"]): number(row["gain"]) for row in rows}
    if not cells:
        return None
    names = tuple(quadrant.value for quadrant in Quadrant)
    return HeatMap(
        title="Transfer between quadrants: gain from held-out snapshots",
        rows=names,
        columns=names,
        values=tuple(tuple(cells.get((row, column)) for column in names) for row in names),
        row_label="trained on",
        column_label="evaluated on",
        centre=0.0,
        digits=3,
        caption="Mean over demo, contrast and hint.",
    )


def retention_frontier(folder: Path) -> Figure | None:
    """What is gained against what is forgotten."""
    gained = {row["run_id"]: row for row in greedy(table(folder, "phase3/overall_task_results.csv"))}
    lost = {row["run_id"]: row for row in greedy(table(folder, "phase3/retention_results.csv"))}
    groups: dict[str, list[Point]] = {}
    best = _undominated(gained, lost)
    for name, row in gained.items():
        gain, drop = _value(row, "difference"), _value(lost.get(name), "drop")
        if name in _NOT_TRAINED or gain is None or drop is None:
            continue
        low, high = _value(row, "difference_low"), _value(row, "difference_high")
        point = Point(x=drop, y=gain, low=low, high=high, label=name, named=name in best)
        groups.setdefault(row["supervision"], []).append(point)
    if not groups:
        return None
    return Lines(
        title="Reliability gained against retention lost",
        series=tuple(
            Series(name=name, points=tuple(points), joined=False) for name, points in groups.items()
        ),
        x_label="retention drop",
        y_label="gain on held-out tasks",
        caption="One point per training run; the upper left is best. Named: runs that none beats in both.",
    )


def _undominated(gained: Mapping[str, Row], lost: Mapping[str, Row]) -> set[str]:
    """Trained runs of which no other gained as much and forgot less, or gained more and forgot as little."""
    found = {
        name: (gain, drop)
        for name, row in gained.items()
        if name not in _NOT_TRAINED
        and (gain := _value(row, "difference")) is not None
        and (drop := _value(lost.get(name), "drop")) is not None
    }
    return {
        name
        for name, (gain, drop) in found.items()
        if not any(g >= gain and d <= drop and (g, d) != (gain, drop) for g, d in found.values())
    }


def stuckness(folder: Path) -> Figure | None:
    """How episodes get stuck, by run."""
    rows = greedy(table(folder, "phase3/stuckness_results.csv"))
    runs = tuple(dict.fromkeys(row["run_id"] for row in rows))
    cells = {(row["run_id"], row["metric"]): number(row["value"]) for row in rows}
    if not runs:
        return None
    return HeatMap(
        title="Stuckness on held-out tasks",
        rows=runs,
        columns=_STUCK_SHOWN,
        values=tuple(tuple(cells.get((run, metric)) for metric in _STUCK_SHOWN) for run in runs),
        digits=2,
        caption="Lower is better but for efficiency.",
    )


def greedy(rows: Sequence[Row]) -> list[Row]:
    """The rows at temperature 0, which decide."""
    return [row for row in rows if number(row.get("temperature")) == _GREEDY]


def _value(row: Row | None, key: str) -> float | None:
    return None if row is None else number(row.get(key))


def _estimate(label: str, row: Row, key: str, group: str) -> Estimate:
    return Estimate(
        label=label,
        value=_value(row, key) or 0.0,
        low=_value(row, f"{key}_low"),
        high=_value(row, f"{key}_high"),
        group=group,
    )
