"""Success rates of few episodes, and their differences, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

from honing.stats import Interval, Method, mover, newcombe_paired, proportion
from honing.teach.snapshot import Rate

_LEVEL = 0.95


def rate_of(outcomes: Sequence[int], *, exact: bool = False) -> Rate:
    """The rate of some episodes.

    Args:
        outcomes: 1 or 0, at least one.
        exact: Whether the ending cannot vary: the interval is then the rate itself.
    """
    found = proportion(sum(outcomes), len(outcomes), level=_LEVEL)
    low, high = (found.estimate, found.estimate) if exact else (found.low, found.high)
    return Rate(p=found.estimate, n=len(outcomes), low=low, high=high, exact=exact)


def share_of(outcomes: Sequence[int]) -> float:
    """How many of some episodes succeeded, alone: 1 or 0 each, at least one."""
    return sum(outcomes) / len(outcomes)


def difference(first: Rate, second: Rate) -> Interval:
    """First minus second, independent of each other: the two intervals joined (`stats.mover`)."""
    return mover(_interval(first), _interval(second))


def paired_difference(first: Sequence[int], second: Sequence[int]) -> Interval:
    """First minus second, where episode i of both met the same draws (`stats.newcombe_paired`)."""
    pairs = list(zip(first, second, strict=True))
    counts = [pairs.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0))]
    return newcombe_paired(*counts, level=_LEVEL)


def _interval(rate: Rate) -> Interval:
    return Interval(rate.p, rate.low, rate.high, _LEVEL, Method.MODIFIED_WILSON, rate.n)
