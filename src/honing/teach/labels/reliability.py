"""How far a label can be believed: it is measured again, and its episodes are split in halves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from honing.stats import Interval, mean_interval, spearman_interval

Json = Any

_FEWEST = 4
"""Pairs below which a correlation has no interval."""


def correlation(first: Sequence[float], second: Sequence[float]) -> dict[str, Json]:
    """Spearman's rank correlation with its 95% interval, or why there is none."""
    n = len(first)
    if n < _FEWEST:
        return _none(n, f"{n} pairs, at least {_FEWEST} are needed")
    if len(set(first)) < 2 or len(set(second)) < 2:
        return _none(n, "one side holds equal values only, so it orders nothing")
    try:
        return as_document(spearman_interval(first, second))
    except ValueError:
        # A few values that differ are missed by many resamples, which then order nothing.
        return _none(n, "almost all values are equal, so no interval can be told")


def split_half(first: Sequence[float], second: Sequence[float]) -> dict[str, Json]:
    """Correlation of the label from one half of the episodes with that from the other half.

    `full_length` is what it says of the label from all episodes (Spearman 1910, Brown 1910): 2 r / (1 + r).
    """
    found = correlation(first, second)
    rho = found["rho"]
    return {**found, "full_length": None if rho is None or rho <= -1 else 2 * rho / (1 + rho)}


def mean_of(values: Sequence[float], reach: float = 1.0) -> dict[str, Json]:
    """A mean over snapshots with its 95% interval.

    Args:
        values: One per snapshot, in [-reach, reach].
        reach: Largest possible absolute value.
    """
    if not values:
        return {"mean": None, "low": None, "high": None, "n": 0}
    found = mean_interval(values, bounds=(-reach, reach))
    return {"mean": found.estimate, "low": found.low, "high": found.high, "n": len(values)}


def as_document(found: Interval) -> dict[str, Json]:
    """A correlation as plain data."""
    return {"rho": found.estimate, "low": found.low, "high": found.high, "n": found.n, "note": ""}


def _none(n: int, why: str) -> dict[str, Json]:
    return {"rho": None, "low": None, "high": None, "n": n, "note": why}
