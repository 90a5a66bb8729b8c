"""Tests of no difference: McNemar, permutation, and Holm's correction for testing several."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from honing.stats.intervals import checked_clusters, checked_pairs, checked_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_EXACT_SIGNS = 16
"""Up to this many differing pairs all 2^16 sign patterns are listed."""
_EXACT_SPLITS = 50_000
"""Up to this many ways to split the pooled values all are listed."""
_TIE = 1e-9
"""Relative difference below which two statistics count as equal; rounding is far smaller."""


@dataclass(frozen=True, slots=True)
class Permutation:
    """Outcome of a permutation test."""

    difference: float
    """mean(a) - mean(b)."""
    p_value: float
    """Two-sided. Exact, or (1 + draws as extreme) / (1 + draws), which is never zero."""
    exact: bool
    """Whether every arrangement was listed, not drawn."""
    arrangements: int
    """How many were listed or drawn."""


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value that two arms solve the same share of the same tasks (McNemar 1947).

    Args:
        only_a: Tasks that only the first solves.
        only_b: Tasks that only the second solves. Tasks that both or none solve say nothing here.

    Raises:
        ValueError: A count is negative.
    """
    if only_a < 0 or only_b < 0:
        raise ValueError(f"only_a, only_b: counts cannot be negative, got {only_a!r} and {only_b!r}.")
    n = only_a + only_b
    # Whole numbers until the last step, so a p-value that equals the level is not decided by rounding.
    ways, tail = 1, 1
    for k in range(min(only_a, only_b)):
        ways = ways * (n - k) // (k + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << n))


def paired_permutation(
    a: Iterable[float],
    b: Iterable[float],
    *,
    clusters: Iterable[Hashable] | None = None,
    resamples: int = 9999,
    seed: int = 0,
) -> Permutation:
    """Test that the two conditions are exchangeable within each pair, by flipping the sign of differences.

    Args:
        a: One number per task under the first condition.
        b: The same tasks in the same order under the second.
        clusters: One label per pair; the differences of a cluster are flipped together.
        resamples: Draws where more than 16 clusters differ; all patterns are listed otherwise.
        seed: The same seed gives the same bytes.

    Raises:
        ValueError: The arms are empty, of different length, or hold NaN or infinity.
    """
    import numpy as np

    first, second = checked_pairs(a, b)
    labels = checked_clusters(clusters, len(first))
    parts: list[list[float]] = [[] for _ in range(max(labels) + 1)]
    for x, y, label in zip(first, second, labels, strict=True):
        parts[label].append(x - y)
    sums = np.array([math.fsum(part) for part in parts])
    difference = float(math.fsum(sums)) / len(first)
    # A cluster without a difference is the same either way, so it need not be flipped.
    moving = sums[sums != 0.0]
    exact = len(moving) <= _EXACT_SIGNS
    if exact:
        signs = 1.0 - 2.0 * ((np.arange(2 ** len(moving))[:, None] >> np.arange(len(moving))) & 1)
        reached = signs @ moving
    else:
        rng = np.random.default_rng(seed)
        reached = np.array([moving @ (1.0 - 2.0 * rng.integers(0, 2, len(moving))) for _ in range(resamples)])
    return _verdict(
        difference, reached, difference * len(first), exact=exact, scale=float(np.abs(moving).sum())
    )


def permutation(
    a: Iterable[float], b: Iterable[float], *, resamples: int = 9999, seed: int = 0
) -> Permutation:
    """Test that two independent sets of values come from one population, by splitting them anew.

    Args:
        a: Values of the first set.
        b: Values of the second.
        resamples: Draws where there are more than 50,000 splits; all are listed otherwise.
        seed: The same seed gives the same bytes.

    Raises:
        ValueError: A set is empty or holds NaN or infinity.
    """
    import numpy as np

    first, second = checked_values(a, "a"), checked_values(b, "b")
    pooled, n = np.array(first + second), len(first)
    total, share = math.fsum(pooled), n / len(pooled)
    difference = math.fsum(first) / n - math.fsum(second) / len(second)
    exact = math.comb(len(pooled), n) <= _EXACT_SPLITS
    if exact:
        chosen = np.array(list(combinations(range(len(pooled)), n)))
        sums = pooled[chosen].sum(axis=1)
    else:
        rng = np.random.default_rng(seed)
        sums = np.array([rng.permutation(pooled)[:n].sum() for _ in range(resamples)])
    # The difference of means is this deviation times a constant, the same for every split.
    observed = math.fsum(first) - total * share
    return _verdict(
        difference, sums - total * share, observed, exact=exact, scale=float(np.abs(pooled).sum())
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false rejection below the level used (Holm 1979).

    Args:
        p_values: One per test, in any order. The result is in the same order; compare each with the level.

    Raises:
        ValueError: A value is not a probability.
    """
    for index, p in enumerate(p_values):
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"p_values[{index}]: must lie in [0, 1], got {p!r}.")
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def _verdict(
    difference: float, reached: NDArray[np.float64], observed: float, *, exact: bool, scale: float
) -> Permutation:
    extreme = int((abs(reached) >= abs(observed) - _TIE * scale).sum())
    p_value = extreme / len(reached) if exact else (1 + extreme) / (1 + len(reached))
    return Permutation(difference, p_value, exact, len(reached))
