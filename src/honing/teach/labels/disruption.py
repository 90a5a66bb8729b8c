"""What a patch rescues and what it breaks, and from which risk of failure it is worth its harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.stats import mean_interval

Json = Any

Outcomes = Mapping[str, Mapping[str, Sequence[int]]]
"""1 or 0 of each episode, by snapshot and condition."""


PATCHES = ("placebo", "demo", "contrast", "hint")


def disruption(
    failing: Outcomes, succeeding: Outcomes, conditions: Sequence[str] = PATCHES
) -> dict[str, Json]:
    """Recovery r and disruption d of each kind of patch, from pairs of episodes that met the same draws.

    r: of the episodes from failing states that fail without a patch, the part that succeeds with it. d: of
    the episodes from succeeding states that succeed without a patch, the part that fails with it. With P the
    chance that a state is failing, a patch gains P r - (1 - P) d, which is above 0 where P > d / (r + d).
    A placebo has an r of its own wherever a changed prompt changes the draws' effect: r and d of a patch are
    worth something where they differ from the placebo's.

    Args:
        failing: From states of failed episodes; "base" and every condition.
        succeeding: The same, from states of successful episodes.
        conditions: Kinds of patch.
    """
    return {name: _of(failing, succeeding, name) for name in conditions}


def _of(failing: Outcomes, succeeding: Outcomes, condition: str) -> dict[str, Json]:
    recovery = _share(failing, condition, base=0, counted=1)
    harm = _share(succeeding, condition, base=1, counted=0)
    return {"recovery": recovery, "disruption": harm, "worth_above": _break_even(recovery, harm)}


def _share(outcomes: Outcomes, condition: str, *, base: int, counted: int) -> dict[str, Json]:
    """Of the pairs whose base ended so, the part whose patched episode ended otherwise; per snapshot
    clustered."""
    values: list[float] = []
    labels: list[str] = []
    for name, arms in outcomes.items():
        for without, patched in zip(arms["base"], arms[condition], strict=True):
            if without == base:
                values.append(float(patched == counted))
                labels.append(name)
    if len(set(labels)) < 2:
        return {"p": None, "low": None, "high": None, "n": len(values), "snapshots": len(set(labels))}
    found = mean_interval(values, clusters=labels, bounds=(0.0, 1.0))
    return {
        "p": found.estimate,
        "low": found.low,
        "high": found.high,
        "n": len(values),
        "snapshots": len(set(labels)),
    }


def _break_even(recovery: Mapping[str, Json], harm: Mapping[str, Json]) -> dict[str, Json]:
    """d / (r + d); its limits are those at the far ends of both intervals, so they are rather too wide."""
    if recovery["p"] is None or harm["p"] is None:
        return {"p": None, "low": None, "high": None}
    return {
        "p": _ratio(harm["p"], recovery["p"]),
        "low": _ratio(harm["low"], recovery["high"]),
        "high": _ratio(harm["high"], recovery["low"]),
    }


def _ratio(harm: float, recovery: float) -> float | None:
    return harm / (harm + recovery) if harm + recovery > 0 else None
