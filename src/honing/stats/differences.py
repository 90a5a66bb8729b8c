"""Intervals for the difference between two arms, always first minus second. Pure Python, no random draws."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable

from honing.stats.intervals import (
    Interval,
    Method,
    check_counts,
    checked_clusters,
    checked_pairs,
    checked_values,
    is_binary,
)
from honing.stats.means import mean_interval, unbounded_mean
from honing.stats.proportions import wilson


def paired_difference(
    a: Iterable[float],
    b: Iterable[float],
    *,
    clusters: Iterable[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
) -> Interval:
    """The recommended interval for mean(a) - mean(b), where a[i] and b[i] come from the same task.

    Successes and failures of independent tasks: `newcombe_paired`. Anything else: `mean_interval` of a[i] -
    b[i].

    Args:
        a: One number per task under the first condition, such as the candidate.
        b: The same tasks in the same order under the second, such as the baseline.
        clusters: One label per pair where pairs are not independent: the task of each epoch.
        bounds: Smallest and largest possible value of either arm.
        level: Two-sided confidence.

    Raises:
        ValueError: As in `mean_interval`, or the arms differ in length.
    """
    first, second = checked_pairs(a, b)
    labels = checked_clusters(clusters, len(first))
    independent = len(set(labels)) == len(labels)
    if independent and bounds in (None, (0.0, 1.0)) and is_binary(first) and is_binary(second):
        both = sum(1 for x, y in zip(first, second, strict=True) if x == 1.0 == y)
        only_a, only_b = round(sum(first)) - both, round(sum(second)) - both
        return newcombe_paired(both, only_a, only_b, len(first) - both - only_a - only_b, level=level)
    if bounds is None and is_binary(first) and is_binary(second):
        bounds = (0.0, 1.0)
    if bounds is not None:
        _check_within(first, "a", bounds)
        _check_within(second, "b", bounds)
    differences = [x - y for x, y in zip(first, second, strict=True)]
    if bounds is None:
        # Differences that happen to be 0 and 1 are no successes: swapped, they are 0 and -1.
        return unbounded_mean(differences, labels, level)
    reach = bounds[1] - bounds[0]
    return mean_interval(differences, clusters=labels, bounds=(-reach, reach), level=level)


def unpaired_difference(
    a: Iterable[float],
    b: Iterable[float],
    *,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
) -> Interval:
    """The recommended interval for mean(a) - mean(b) of two independent sets of tasks.

    Successes and failures: `newcombe`. Anything else: the two recommended intervals joined by `mover`. Where
    both arms ran the same tasks use `paired_difference`, which needs far fewer of them.

    Raises:
        ValueError: As in `mean_interval`.
    """
    first, second = checked_values(a, "a"), checked_values(b, "b")
    if bounds in (None, (0.0, 1.0)) and is_binary(first) and is_binary(second):
        return newcombe(round(sum(first)), len(first), round(sum(second)), len(second), level=level)
    return mover(
        mean_interval(first, bounds=bounds, level=level), mean_interval(second, bounds=bounds, level=level)
    )


def newcombe(successes_a: int, n_a: int, successes_b: int, n_b: int, *, level: float = 0.95) -> Interval:
    """Difference of two independent proportions: the hybrid score interval (Newcombe 1998a, method 10).

    Raises:
        ValueError: Counts or level are impossible.
    """
    joined = mover(wilson(successes_a, n_a, level=level), wilson(successes_b, n_b, level=level))
    return Interval(joined.estimate, joined.low, joined.high, level, Method.NEWCOMBE, joined.n)


def newcombe_paired(both: int, only_a: int, only_b: int, neither: int, *, level: float = 0.95) -> Interval:
    """Difference of two proportions on the same tasks: paired hybrid score (Newcombe 1998b, method 10).

    Args:
        both: Tasks that both arms solve.
        only_a: Tasks that only the first solves.
        only_b: Tasks that only the second solves.
        neither: Tasks that none solves.
        level: Two-sided confidence.

    Raises:
        ValueError: Counts or level are impossible.
    """
    n = both + only_a + only_b + neither
    for count in (both, only_a, only_b, neither):
        check_counts(count, n)
    first, second = wilson(both + only_a, n, level=level), wilson(both + only_b, n, level=level)
    joined = mover(first, second, correlation=_score_correlation(both, only_a, only_b, neither))
    return Interval((only_a - only_b) / n, joined.low, joined.high, level, Method.NEWCOMBE_PAIRED, n)


def mover(a: Interval, b: Interval, *, correlation: float = 0.0) -> Interval:
    """Join the intervals of two estimates into one of their difference (Zou and Donner 2008).

    Each limit lies as far from the difference as the two arms' limits on that side do together, by
    Pythagoras, or by the law of cosines where the estimates are correlated.

    Args:
        a: Interval of the first arm.
        b: Interval of the second, at the same level.
        correlation: Between the two estimates, in [-1, 1].

    Raises:
        ValueError: The levels differ.
    """
    if a.level != b.level:
        raise ValueError(f"a, b: intervals must have the same level, got {a.level!r} and {b.level!r}.")
    estimate = a.estimate - b.estimate
    low = estimate - _joint_reach(a.estimate - a.low, b.high - b.estimate, correlation)
    high = estimate + _joint_reach(a.high - a.estimate, b.estimate - b.low, correlation)
    return Interval(estimate, low, high, a.level, Method.MOVER, a.n + b.n)


def _joint_reach(first: float, second: float, correlation: float) -> float:
    return math.sqrt(max(0.0, first * first - 2.0 * correlation * first * second + second * second))


def _score_correlation(both: int, only_a: int, only_b: int, neither: int) -> float:
    """Newcombe's phi: Pearson's, moved towards zero by n / 2 in the numerator where it is positive."""
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    cross = both * neither - only_a * only_b
    n = both + only_a + only_b + neither
    corrected = max(cross - n / 2.0, 0.0) if cross > 0 else float(cross)
    return corrected / math.sqrt(margins)


def _check_within(values: list[float], name: str, bounds: tuple[float, float]) -> None:
    for index, value in enumerate(values):
        if not bounds[0] <= value <= bounds[1]:
            raise ValueError(f"{name}[{index}]: must lie within the bounds {bounds!r}, got {value!r}.")
