"""How well scores find the snapshots that pay: NDCG@k and Precision@k, beside controls."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from honing.stats import ndcg_at_k, precision_at_k
from honing.teach.prediction.figures import resampled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Json = Any


def ranking_figures(
    payoff: Sequence[float],
    scores: Mapping[str, Sequence[float]],
    groups: Sequence[str],
    *,
    k: int,
    against: Mapping[str, str],
    seed: int = 0,
) -> dict[str, Json]:
    """NDCG@k and Precision@k of each score, and paired differences with intervals.

    The gain of a snapshot is its payoff where that is above 0. Relevant is a payoff above 0 that is at least
    the k-th largest, so ties at the border all count, and Precision@k of chance is their share. Equal scores
    share their places.

    Args:
        payoff: True ELP_net of each snapshot.
        scores: By name; higher ranks first. A constant score is chance: its figures are its expectation.
        groups: Task of each snapshot; the bootstrap draws whole tasks, and each draw ranks both scores.
        k: Places that count, at most the number of snapshots.
        against: Which score is compared with which: "predictor" -> "entropy" is predictor minus entropy.
        seed: Of the bootstrap.
    """
    gains = [max(0.0, value) for value in payoff]
    relevant = relevance(payoff, k)
    found: dict[str, Json] = {"k": k, "n": len(payoff), "n_relevant": round(sum(relevant)), "scores": {}}
    if max(gains, default=0.0) == 0.0:
        return {**found, "differences": {}, "note": "no snapshot pays, so no order is better than another"}
    for name, score in scores.items():
        found["scores"][name] = {
            "ndcg": ndcg_at_k(score, gains, k),
            "precision": precision_at_k(score, relevant, k),
        }
    found["differences"] = {
        f"{first}-{second}": _differences(
            [gains, relevant, scores[first], scores[second]], groups, k=k, seed=seed
        )
        for first, second in against.items()
    }
    return found


def relevance(payoff: Sequence[float], k: int) -> list[float]:
    """1 for a payoff above 0 that is at least the k-th largest, else 0."""
    border = sorted(payoff, reverse=True)[min(k, len(payoff)) - 1]
    return [1.0 if value > 0 and value >= border else 0.0 for value in payoff]


def _differences(columns: Sequence[Sequence[float]], groups: Sequence[str], *, k: int, seed: int) -> Json:
    rows = list(zip(*columns, strict=True))

    def ndcg(table: Floats) -> float:
        if not table[:, 0].any():
            return math.nan
        first, second = (_ndcg(table[:, place], table[:, 0], k) for place in (2, 3))
        return first - second

    def precision(table: Floats) -> float:
        first, second = (_expected(table[:, place], table[:, 1])[:k].mean() for place in (2, 3))
        return float(first - second)

    found = {}
    for name, statistic in (("ndcg", ndcg), ("precision", precision)):
        found[name] = resampled(rows, statistic, groups, seed=seed)
    return found


def _ndcg(scores: Floats, gains: Floats, k: int) -> float:
    """As `stats.ndcg_at_k`, for the thousands of draws of a bootstrap."""
    import numpy as np

    best = np.sort(gains)[::-1][:k]
    weights = 1.0 / np.log2(np.arange(len(best)) + 2.0)
    return float((_expected(scores, gains)[:k] * weights).sum() / (best * weights).sum())


def _expected(scores: Floats, worth: Floats) -> Floats:
    """Mean worth at each place of the ranking, best first, over all ways to break ties."""
    import numpy as np

    _, place, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    means = np.bincount(place, weights=worth) / counts
    found: Floats = np.repeat(means, counts)
    return found
