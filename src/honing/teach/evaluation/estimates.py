"""Means and paired differences of panels, with intervals, as the cells of a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from honing.stats import Interval, mean_interval, paired_difference

Json = Any

UNIT = (0.0, 1.0)
"""Bounds of successes, rewards and probabilities."""


def mean(
    values: Sequence[float], clusters: Sequence[str], bounds: tuple[float, float] | None = UNIT
) -> Interval | None:
    """The mean with its 95% interval; None without values, or where one cluster without bounds has no spread
    to tell."""
    if not values or (bounds is None and len(set(clusters)) < 2):
        return None
    return mean_interval(values, clusters=_labels(clusters), bounds=bounds)


def difference(after: Sequence[float], before: Sequence[float], clusters: Sequence[str]) -> Interval | None:
    """mean(after) - mean(before) of values in [0, 1] at the same places; None without any."""
    if not after:
        return None
    return paired_difference(after, before, clusters=_labels(clusters), bounds=UNIT)


def cells(found: Interval | None, name: str, *, prefix: str = "") -> dict[str, Json]:
    """Three columns of a table: the estimate under `name`, and its limits."""
    low, high = (f"{prefix}low", f"{prefix}high")
    if found is None:
        return {name: None, low: None, high: None}
    return {name: found.estimate, low: found.low, high: found.high}


def document(found: Interval | None) -> dict[str, Json] | None:
    """An interval as plain data."""
    if found is None:
        return None
    return {
        "estimate": found.estimate,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "method": str(found.method),
    }


def csv_text(columns: Sequence[str], rows: Iterable[dict[str, Json]]) -> str:
    """A table as CSV: a header, numbers with six decimals at most, nothing for None."""
    lines = [",".join(columns)]
    lines += [",".join(_cell(row[column]) for column in columns) for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        shortest = f"{value:.6f}".rstrip("0").rstrip(".")
        return "0" if shortest == "-0" else shortest
    text = str(value)
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if any(sign in text for sign in ',"\n') else text


def _labels(clusters: Sequence[str]) -> Sequence[str] | None:
    """None where every value is a cluster of its own: better formulas exist for that."""
    return None if len(set(clusters)) == len(clusters) else clusters
