"""Intervals for a mean: bounded or unbounded values, independent or in clusters. Pure Python, not random."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from honing.stats.distributions import t_quantile
from honing.stats.intervals import (
    Interval,
    Method,
    check_level,
    checked_clusters,
    checked_values,
    is_binary,
)
from honing.stats.proportions import proportion, score_limits

_FEWEST_FOR_SKEW = 3


@dataclass(frozen=True, slots=True)
class _Spread:
    """Mean of all values, and how far it may be from the truth."""

    mean: float
    clusters: int
    variance: float
    """Estimated variance of the mean; 0.0 where no two clusters differ."""
    skewness: float
    """Adjusted Fisher-Pearson skewness of the clusters' residual sums; 0.0 below three clusters."""


def mean_interval(
    values: Iterable[float],
    *,
    clusters: Iterable[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    level: float = 0.95,
) -> Interval:
    """The recommended interval for a mean, whatever the values are.

    - 0 or 1 (or the two bounds), independent: `proportion`.
    - Known bounds, or 0 or 1 in clusters: Wilson's formula with the effective number of observations
      m (1 - m) / variance of the mean, and Student's t with clusters - 1 degrees of freedom.
    - No bounds: Student's t, corrected for skewness (Hall 1992).
    - No variation at all: in known bounds, limits from the chance of missing what varies; without bounds an
      interval of width zero, whose method says so.

    Args:
        values: One number per observation.
        clusters: One label per value where values are not independent: the task of each epoch. Every cluster
            is drawn from the same population; the mean weights values, not clusters.
        bounds: Smallest and largest possible value. Give them where they are known: few, skewed values in
            bounds get an honest interval only so.
        level: Two-sided confidence.

    Raises:
        ValueError: No value, NaN or infinity, a value outside the bounds, labels that do not fit, or one
            cluster without bounds, which says nothing about the spread between clusters.
    """
    floats = checked_values(values, "values")
    labels = checked_clusters(clusters, len(floats))
    check_level(level)
    if bounds is None and not is_binary(floats):
        return unbounded_mean(floats, labels, level)
    lowest, highest = bounds if bounds is not None else (0.0, 1.0)
    shares = _shares(floats, lowest, highest)
    if is_binary(shares) and len(set(labels)) == len(labels):
        inner = proportion(round(sum(shares)), len(shares), level=level)
    else:
        inner = _bounded(shares, labels, level)
    return inner.scaled(highest - lowest, lowest)


def t_interval(n: int, mean: float, standard_deviation: float, *, level: float = 0.95) -> Interval:
    """Student's interval from a count, a mean and a standard deviation (n - 1 in the divisor).

    For running totals, where the values themselves are not kept. Trustworthy for symmetric values or large n.

    Raises:
        ValueError: n is below 2, a number is not finite, or the deviation is negative.
    """
    check_level(level)
    if n < 2:
        raise ValueError(f"n: must be at least 2, got {n}. One value says nothing about the spread.")
    if not (math.isfinite(mean) and math.isfinite(standard_deviation) and standard_deviation >= 0.0):
        raise ValueError(
            f"mean, standard_deviation: must be finite, got {mean!r} and {standard_deviation!r}."
        )
    reach = t_quantile(0.5 + level / 2.0, n - 1) * standard_deviation / math.sqrt(n)
    return Interval(mean, mean - reach, mean + reach, level, Method.T, n)


def _shares(values: Sequence[float], lowest: float, highest: float) -> list[float]:
    """The values mapped to [0, 1]."""
    if not (math.isfinite(lowest) and math.isfinite(highest) and lowest < highest):
        raise ValueError(f"bounds: must be two finite numbers, the smaller first, got {(lowest, highest)!r}.")
    for index, value in enumerate(values):
        if not lowest <= value <= highest:
            raise ValueError(
                f"values[{index}]: must lie within the bounds {(lowest, highest)!r}, got {value!r}."
            )
    return [(value - lowest) / (highest - lowest) for value in values]


def _bounded(shares: Sequence[float], labels: Sequence[int], level: float) -> Interval:
    spread = _spread(shares, labels)
    mean, n = spread.mean, len(shares)
    if spread.variance == 0.0:
        # If a share q of clusters differed from the rest, all G agree with probability (1 - q) ** G at most.
        missed = 1.0 - ((1.0 - level) / 2.0) ** (1.0 / spread.clusters)
        return Interval(mean, mean - missed * mean, mean + missed * (1.0 - mean), level, Method.ALL_EQUAL, n)
    critical = t_quantile(0.5 + level / 2.0, spread.clusters - 1)
    low, high = score_limits(mean, mean * (1.0 - mean) / spread.variance, critical)
    return Interval(mean, low, high, level, Method.SCORE, n)


def unbounded_mean(values: Sequence[float], labels: Sequence[int], level: float) -> Interval:
    spread = _spread(values, labels)
    mean, n = spread.mean, len(values)
    if spread.clusters < 2:
        raise ValueError(
            f"values: one cluster ({n} values) says nothing about the spread between clusters. "
            "Give `bounds`, or measure more tasks."
        )
    if spread.variance == 0.0:
        return Interval(mean, mean, mean, level, Method.ALL_EQUAL, n)
    critical = t_quantile(0.5 + level / 2.0, spread.clusters - 1)
    error = math.sqrt(spread.variance)
    low = mean - error * _skew_adjusted(critical, spread)
    high = mean - error * _skew_adjusted(-critical, spread)
    method = Method.SKEW_T if spread.clusters >= _FEWEST_FOR_SKEW else Method.T
    return Interval(mean, min(low, mean), max(high, mean), level, method, n)


def _skew_adjusted(critical: float, spread: _Spread) -> float:
    """Hall's cubic transformation of t, inverted: what a studentised mean reaches when values are skewed."""
    shape = spread.skewness / math.sqrt(spread.clusters)
    if abs(shape) < 1e-9:
        return critical
    return 3.0 / shape * (math.cbrt(1.0 + shape * (critical - shape / 6.0)) - 1.0)


def _spread(values: Sequence[float], labels: Sequence[int]) -> _Spread:
    n, count = len(values), max(labels) + 1
    mean = math.fsum(values) / n
    parts: list[list[float]] = [[] for _ in range(count)]
    for value, label in zip(values, labels, strict=True):
        parts[label].append(value - mean)
    residuals = [math.fsum(part) for part in parts]
    squares = math.fsum(r * r for r in residuals)
    # Rounding alone leaves residuals of this size when all clusters agree.
    if count < 2 or math.sqrt(squares) <= 1e-13 * math.sqrt(n) * max(map(abs, values)):
        return _Spread(mean, count, 0.0, 0.0)
    variance = count / (count - 1) * squares / (n * n)
    if count < _FEWEST_FOR_SKEW:
        return _Spread(mean, count, variance, 0.0)
    third = math.fsum(r**3 for r in residuals) / count
    skewness = third / (squares / count) ** 1.5 * math.sqrt(count * (count - 1)) / (count - 2)
    return _Spread(mean, count, variance, skewness)
