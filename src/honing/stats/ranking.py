"""How well one list of numbers orders another, and how well probabilities match outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from honing.stats.bootstrap import weighted_bootstrap
from honing.stats.distributions import normal_quantile
from honing.stats.intervals import Interval, Method, check_level, checked_pairs
from honing.stats.proportions import proportion

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BOOTSTRAP_FROM = 30
"""Pairs from which the bootstrap covers well; the formula below it fails where tails are heavy."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions of about the same probability, beside what happened."""

    low: float
    high: float
    """Edges: low < p <= high; the first bin holds p = 0 as well."""
    n: int
    mean_probability: float
    rate: Interval
    """How often it happened."""


def spearman(x: Iterable[float], y: Iterable[float]) -> float:
    """Spearman's rank correlation; equal values share the mean of their ranks.

    Raises:
        ValueError: Fewer than two pairs, NaN or infinity, or one side is constant, so no order exists.
    """
    import numpy as np

    first, second = checked_pairs(x, y)
    if len(first) < 2:
        raise ValueError(f"x, y: n = {len(first)}, expected at least two pairs.")
    rho = float(_WeightedRanks(first, second).correlations(np.ones((1, len(first))))[0])
    if math.isnan(rho):
        raise ValueError(
            "x, y: one side holds equal values only, so it orders nothing and has no correlation."
        )
    return rho


def spearman_interval(
    x: Iterable[float],
    y: Iterable[float],
    *,
    method: Method | None = None,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval for Spearman's rank correlation.

    Below 30 pairs Fisher's z with the variance of Bonett and Wright (2000); from there the percentile
    bootstrap, which needs no assumption on the tails. Perfect order always
    uses the former, since every draw of the bootstrap is perfect too.

    Args:
        x: One number per pair.
        y: The other numbers.
        method: `Method.BONETT_WRIGHT`, `Method.PERCENTILE` or `Method.BCA`; None takes the recommended one.
        resamples: Draws of the bootstrap.
        level: Two-sided confidence.
        seed: The same seed gives the same bytes.

    Raises:
        ValueError: Fewer than four pairs, or as in `spearman`.
    """
    first, second = checked_pairs(x, y)
    check_level(level)
    n = len(first)
    if n < 4:
        raise ValueError(f"x, y: n = {n}, expected at least four pairs for an interval.")
    rho = spearman(first, second)
    if method is None or abs(rho) >= 1.0:
        method = Method.PERCENTILE if n >= _BOOTSTRAP_FROM and abs(rho) < 1.0 else Method.BONETT_WRIGHT
    if method is not Method.BONETT_WRIGHT:
        return weighted_bootstrap(
            n,
            _WeightedRanks(first, second).correlations,
            method=method,
            resamples=resamples,
            level=level,
            seed=seed,
        )
    reach = normal_quantile(0.5 + level / 2.0) * math.sqrt((1.0 + rho * rho / 2.0) / (n - 3))
    # A perfect order is taken half a swap of neighbours short of perfect: n pairs cannot prove certainty.
    nearly = math.atanh(max(-1.0 + 6.0 / (n**3 - n), min(1.0 - 6.0 / (n**3 - n), rho)))
    low, high = math.tanh(nearly - reach), math.tanh(nearly + reach)
    return Interval(rho, min(low, rho), max(high, rho), level, method, n)


def ndcg_at_k(scores: Iterable[float], gains: Iterable[float], k: int) -> float:
    """Normalised discounted cumulative gain of the k best-scored (Jarvelin and Kekalainen 2002), in [0, 1].

    The gain at rank r counts 1 / log2(r + 1). Equal scores share the mean gain of their places (McSherry and
    Najork 2008), so the result does not depend on the order of the input.

    Args:
        scores: What the ranking is made from; higher ranks first.
        gains: What each is worth, 0 or more, used as it is (no 2^g - 1).
        k: How many places count; more than there are count all.

    Raises:
        ValueError: Lengths differ, k < 1, a gain is negative, or every gain is 0, so no ranking is better.
    """
    ranked, worth = checked_pairs(scores, gains)
    _check_k(k)
    if min(worth) < 0.0:
        raise ValueError(
            f"gains: must be 0 or more, got {min(worth)!r}. Clip or shift negative payoffs first."
        )
    best = _discounted(sorted(worth, reverse=True), k)
    if best == 0.0:
        raise ValueError("gains: every gain is 0, so no ranking is better than another.")
    return _discounted(_expected_by_place(ranked, worth), k) / best


def precision_at_k(scores: Iterable[float], relevant: Iterable[float], k: int) -> float:
    """Share of the k best-scored that are relevant; equal scores share their places evenly.

    Args:
        scores: Higher ranks first.
        relevant: 1 or True where relevant, 0 or False elsewhere.
        k: In 1..n.

    Raises:
        ValueError: Lengths differ, k lies outside 1..n, or a label is neither 0 nor 1.
    """
    ranked, labels = checked_pairs(scores, relevant)
    _check_k(k)
    if k > len(ranked):
        raise ValueError(f"k: must be at most n = {len(ranked)}, got {k}.")
    _check_labels(labels, "relevant")
    return math.fsum(_expected_by_place(ranked, labels)[:k]) / k


def reliability(
    probabilities: Iterable[float], outcomes: Iterable[float], *, bins: int = 10, level: float = 0.95
) -> list[ReliabilityBin]:
    """Reliability table: bins of equal width that are not empty, in rising order.

    Args:
        probabilities: Predicted, in [0, 1].
        outcomes: 1 where it happened, 0 where not.
        bins: How many bins cut [0, 1].
        level: Confidence of each rate's interval (`proportion`).

    Raises:
        ValueError: Lengths differ, no bin, a probability outside [0, 1], or an outcome that is neither 0 nor
            1.
    """
    predicted, happened = checked_pairs(probabilities, outcomes)
    if bins < 1:
        raise ValueError(f"bins: must be at least 1, got {bins!r}.")
    if not 0.0 <= min(predicted) <= max(predicted) <= 1.0:
        raise ValueError(f"probabilities: must lie in [0, 1], got {min(predicted)!r} to {max(predicted)!r}.")
    _check_labels(happened, "outcomes")
    members: list[list[int]] = [[] for _ in range(bins)]
    for index, p in enumerate(predicted):
        members[max(0, math.ceil(p * bins) - 1)].append(index)
    return [
        ReliabilityBin(
            low=number / bins,
            high=(number + 1) / bins,
            n=len(inside),
            mean_probability=math.fsum(predicted[i] for i in inside) / len(inside),
            rate=proportion(round(sum(happened[i] for i in inside)), len(inside), level=level),
        )
        for number, inside in enumerate(members)
        if inside
    ]


def expected_calibration_error(
    probabilities: Iterable[float], outcomes: Iterable[float], *, bins: int = 10
) -> float:
    """Mean distance between predicted probability and observed rate over the bins, weighted by size.

    Naeini, Cooper and Hauskrecht (2015). It is never negative, so noise alone makes it positive: compare with
    the value that perfectly calibrated predictions of the same size would get, not with zero.

    Raises:
        ValueError: As in `reliability`.
    """
    table = reliability(probabilities, outcomes, bins=bins)
    total = sum(row.n for row in table)
    return math.fsum(row.n * abs(row.mean_probability - row.rate.estimate) for row in table) / total


class _WeightedRanks:
    """Spearman's rho of the same pairs under many weightings at once, without sorting each time."""

    def __init__(self, x: Sequence[float], y: Sequence[float]) -> None:
        import numpy as np

        self._sides = []
        for side in (x, y):
            _, place = np.unique(np.asarray(side), return_inverse=True)
            order = np.argsort(place, kind="stable")
            starts = np.flatnonzero(np.diff(place[order], prepend=-1))
            self._sides.append((place, order, starts))

    def correlations(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rho for each row of weights, shape (draws, N): how often a pair counts; NaN if one is constant."""
        import numpy as np

        total = weights.sum(axis=1, keepdims=True)
        ranks = []
        for place, order, starts in self._sides:
            counts = np.add.reduceat(weights[:, order], starts, axis=1)
            middles = np.cumsum(counts, axis=1) - counts / 2.0
            ranks.append(middles[:, place] - total / 2.0)
        first, second = ranks
        with np.errstate(invalid="ignore"):
            rho: NDArray[np.float64] = (weights * first * second).sum(axis=1) / np.sqrt(
                (weights * first * first).sum(axis=1) * (weights * second * second).sum(axis=1)
            )
        rho.clip(-1.0, 1.0, out=rho)
        return rho


def _expected_by_place(scores: Sequence[float], worth: Sequence[float]) -> list[float]:
    """Mean worth at each place of the ranking, best first, over all ways to break ties."""
    groups: dict[float, list[float]] = {}
    for score, value in zip(scores, worth, strict=True):
        groups.setdefault(score, []).append(value)
    places: list[float] = []
    for score in sorted(groups, reverse=True):
        group = groups[score]
        places.extend([math.fsum(group) / len(group)] * len(group))
    return places


def _discounted(gains: Sequence[float], k: int) -> float:
    return math.fsum(gain / math.log2(place + 2) for place, gain in enumerate(gains[:k]))


def _check_k(k: int) -> None:
    if k < 1:
        raise ValueError(f"k: must be at least 1, got {k!r}.")


def _check_labels(labels: Sequence[float], name: str) -> None:
    for index, label in enumerate(labels):
        if label not in (0.0, 1.0):
            raise ValueError(f"{name}[{index}]: must be 0 or 1, got {label!r}.")
