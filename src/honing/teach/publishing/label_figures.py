"""Figures of phase 1: where snapshots lie, and what patches do for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from honing.stats import Interval, mean_interval
from honing.store import CellKind, Dots, Estimate, Figure, HeatMap, Lines, Point, Series
from honing.teach.snapshot import Profile, Quadrant, Route, Snapshot
from honing.teach.verdicts.artifacts import labelled

CONDITIONS = ("base", "placebo", "demo", "contrast", "hint")


def landscape(folder: Path) -> Figure | None:
    """Uncertainty against leverage, by quadrant."""
    by = _by_quadrant(labelled(folder), lambda one: one.U is not None and one.leverage is not None)
    if not by:
        return None
    series = tuple(
        Series(
            name=f"{quadrant.value} (n = {len(rows)})",
            points=tuple(
                Point(x=one.U, y=one.leverage.L_local)
                for one in rows
                if one.U is not None and one.leverage is not None
            ),
            joined=False,
        )
        for quadrant, rows in by.items()
    )
    return Lines(
        title="Where the student's failures lie",
        series=series,
        x_label="uncertainty U",
        y_label="leverage L_local = p_force - p_policy",
        caption="Every snapshot, panel included; a larger dot is several. L_local takes few values because "
        "it comes from few episodes.",
    )


def elp_by_quadrant(folder: Path) -> Figure | None:
    """Mean expected learning payoff of each quadrant, against the placebo and against nothing."""
    by = _by_quadrant(labelled(folder), lambda one: one.cpt is not None)
    dots: list[Estimate] = []
    for name, value in (("net of placebo", _elp_net), ("raw", _elp_raw)):
        for quadrant, rows in by.items():
            found = _mean([value(one) for one in rows])
            dots.append(_estimate(f"{quadrant.value} {name}", found, name))
    if not dots:
        return None
    return Dots(
        title="Expected learning payoff by quadrant",
        dots=tuple(dots),
        reference=0.0,
        unit="ELP, mean over snapshots",
        caption="ELP is a maximum over noisy differences, so it is biased upwards: compare quadrants, do not "
        "read levels.",
    )


def routes_by_quadrant(folder: Path) -> Figure | None:
    """Which patch helps most, by quadrant."""
    by = _by_quadrant(labelled(folder), lambda one: one.cpt is not None and one.cpt.ELP_net > 0)
    if not by:
        return None
    return HeatMap(
        title="Best patch by quadrant, where any helps",
        rows=tuple(f"{quadrant.value} (n = {len(rows)})" for quadrant, rows in by.items()),
        columns=tuple(route.value for route in Route),
        values=tuple(
            tuple(
                sum(one.cpt is not None and one.cpt.route_net is route for one in rows) / len(rows)
                for route in Route
            )
            for rows in by.values()
        ),
        column_label="route_net",
        row_label="quadrant",
        digits=2,
        caption="Ties go to the first of demo, contrast, hint.",
    )


def placebo_control(folder: Path) -> Figure | None:
    """Success under every condition of the patch test."""
    by = _by_quadrant(labelled(folder), lambda one: one.cpt is not None)
    dots = [
        _estimate(
            f"{quadrant.value} {condition}",
            _mean([one.cpt.p[condition].p for one in rows if one.cpt is not None and condition in one.cpt.p]),
            condition,
        )
        for quadrant, rows in by.items()
        for condition in CONDITIONS
    ]
    if not dots:
        return None
    return Dots(
        title="Success from the snapshot with each patch",
        dots=tuple(dots),
        unit="success",
        caption="The placebo has the form and length of a patch and no content: what it changes is not "
        "teaching.",
    )


def profiles(folder: Path) -> Figure | None:
    """Profiles by quadrant."""
    by = _by_quadrant(labelled(folder), lambda one: one.leverage is not None)
    if not by:
        return None
    return HeatMap(
        title="Profiles by quadrant",
        rows=tuple(f"{quadrant.value} (n = {len(rows)})" for quadrant, rows in by.items()),
        columns=tuple(profile.value for profile in Profile),
        values=tuple(
            tuple(
                sum(one.leverage is not None and one.leverage.profile is profile for one in rows) / len(rows)
                for profile in Profile
            )
            for rows in by.values()
        ),
        kind=CellKind.NUMBER,
        digits=2,
        row_label="quadrant",
    )


def _by_quadrant(
    snapshots: Sequence[Snapshot], fit: Callable[[Snapshot], bool]
) -> dict[Quadrant, list[Snapshot]]:
    """Snapshots of each quadrant that has any."""
    found = {
        quadrant: [one for one in snapshots if one.quadrant is quadrant and fit(one)] for quadrant in Quadrant
    }
    return {quadrant: rows for quadrant, rows in found.items() if rows}


def _elp_net(snapshot: Snapshot) -> float:
    return 0.0 if snapshot.cpt is None else snapshot.cpt.ELP_net


def _elp_raw(snapshot: Snapshot) -> float:
    return 0.0 if snapshot.cpt is None else snapshot.cpt.ELP_raw


def _mean(values: Sequence[float]) -> Interval | float:
    """With its interval where there are enough values that differ."""
    if len(values) < 3 or len(set(values)) == 1:
        return sum(values) / len(values) if values else 0.0
    return mean_interval(values)


def _estimate(label: str, found: Interval | float, group: str) -> Estimate:
    if isinstance(found, float):
        return Estimate(label=label, value=found, group=group)
    return Estimate(label=label, value=found.estimate, low=found.low, high=found.high, group=group)
