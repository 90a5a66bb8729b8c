"""Numbers with their intervals as cells of a table."""

from __future__ import annotations

from collections.abc import Mapping

from honing.store import Cell, Interval
from honing.teach.verdicts.artifacts import number


def interval(value: float | None, low: float | None, high: float | None) -> Cell:
    """A number with its interval where there is one."""
    if value is None or low is None or high is None:
        return value
    return Interval(value, min(low, value), max(high, value))


def cell_interval(row: Mapping[str, str] | None, key: str, prefix: str) -> Cell:
    """The number of a CSV row with its interval."""
    if row is None:
        return None
    return interval(number(row.get(key)), number(row.get(f"{prefix}low")), number(row.get(f"{prefix}high")))
