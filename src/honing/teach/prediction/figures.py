"""How good predictions are: errors of numbers, of classes, and calibration.

Labels that cannot decide a figure give None and a note, never a number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from honing.stats import (
    Method,
    ReliabilityBin,
    bootstrap_interval,
    expected_calibration_error,
    mean_interval,
    reliability,
    spearman,
    spearman_interval,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Json = Any

RESAMPLES = 1000


def regression_figures(
    true: Sequence[float], predicted: Sequence[float], groups: Sequence[str], *, seed: int = 0
) -> dict[str, Json]:
    """R2 and Spearman's rho of predictions, with 95% intervals.

    R2 is 1 - (squared errors) / (squared distances from the mean of these labels): 0 for saying that mean,
    and negative for worse. Its interval draws whole tasks.

    Args:
        true: Labels; NaN where there is none.
        predicted: One per label.
        groups: Task of each.
        seed: Of the bootstrap.
    """
    kept = [row for row, value in enumerate(true) if not math.isnan(value)]
    wanted = [true[row] for row in kept]
    found: dict[str, Json] = {"n": len(kept), "r2": None, "spearman": None, "mae": None}
    if len(set(wanted)) < 2 or len({groups[row] for row in kept}) < 2:
        return {**found, "note": "the labels do not differ"}
    pairs = [(true[row], predicted[row]) for row in kept]
    interval = resampled(pairs, r_squared, [groups[row] for row in kept], seed=seed)
    found |= {"r2": interval["estimate"], "r2_low": interval["low"], "r2_high": interval["high"]}
    found["mae"] = math.fsum(abs(a - b) for a, b in pairs) / len(pairs)
    return found | order_figures(pairs, seed=seed)


def order_figures(pairs: Sequence[tuple[float, float]], *, seed: int = 0) -> dict[str, Json]:
    """Spearman's rho of pairs with its limits; None, or no limits, and a note where they do not tell it."""
    first, second = ([pair[side] for pair in pairs] for side in (0, 1))
    if len(set(first)) < 2 or len(set(second)) < 2:
        return {"spearman": None, "note": "one side holds equal values only, so it orders nothing"}
    if len(pairs) < 4:
        return {"spearman": spearman(first, second), "note": "fewer than four pairs, so no interval"}
    try:
        rho = spearman_interval(first, second, seed=seed, resamples=RESAMPLES)
    except ValueError:
        # A few values that differ are missed by many resamples, which then order nothing.
        return {"spearman": spearman(first, second), "note": "almost all values are equal, so no interval"}
    return {"spearman": rho.estimate, "spearman_low": rho.low, "spearman_high": rho.high}


def r_squared(rows: Floats) -> float:
    """R2 of rows (label, prediction); NaN where the labels do not differ."""
    spread = float(((rows[:, 0] - rows[:, 0].mean()) ** 2).sum())
    return 1.0 - float(((rows[:, 0] - rows[:, 1]) ** 2).sum()) / spread if spread > 0 else math.nan


def classification_figures(
    true: Sequence[str], probabilities: Sequence[dict[str, float]], groups: Sequence[str]
) -> dict[str, Json]:
    """Accuracy, macro-F1, and how far probabilities can be believed.

    Accuracy's interval counts tasks, not snapshots. Macro-F1 is the plain mean over the classes that occur.
    The expected calibration error is of the likeliest class's probability against how often it is right.

    Args:
        true: Labels; empty where there is none.
        probabilities: By class, one mapping per label.
        groups: Task of each.
    """
    kept = [row for row, label in enumerate(true) if label]
    if not kept:
        return {"n": 0, "accuracy": None, "macro_f1": None, "ece": None, "note": "no labels"}
    wanted = [true[row] for row in kept]
    said = [_likeliest(probabilities[row]) for row in kept]
    right = [1.0 if a == b else 0.0 for a, b in zip(wanted, said, strict=True)]
    sure = [probabilities[row][label] for row, label in zip(kept, said, strict=True)]
    clusters = [groups[row] for row in kept]
    accuracy = mean_interval(right, clusters=clusters, bounds=(0.0, 1.0))
    classes = sorted({*wanted, *said})
    return {
        "n": len(kept),
        "accuracy": accuracy.estimate,
        "accuracy_low": accuracy.low,
        "accuracy_high": accuracy.high,
        "commonest": max(wanted.count(label) for label in classes) / len(wanted),
        "macro_f1": _macro_f1(wanted, said),
        "ece": expected_calibration_error(sure, right),
        "bins": [_bin(row) for row in reliability(sure, right)],
        "confusion": {
            label: {
                other: sum(a == label and b == other for a, b in zip(wanted, said, strict=True))
                for other in classes
            }
            for label in classes
        },
    }


def resampled(
    rows: Sequence[Sequence[float]],
    statistic: Callable[[Floats], float],
    groups: Sequence[str],
    *,
    seed: int,
) -> dict[str, Json]:
    """`estimate`, `low`, `high`, `n`: percentile bootstrap over whole tasks; no limits where too few draws
    define the statistic."""
    import numpy as np

    found = {"estimate": float(statistic(np.asarray(rows, dtype=np.float64))), "n": len(rows)}
    try:
        interval = bootstrap_interval(
            rows, statistic, clusters=groups, method=Method.PERCENTILE, resamples=RESAMPLES, seed=seed
        )
    except ValueError:
        return {**found, "low": None, "high": None}
    return {**found, "low": interval.low, "high": interval.high}


def _bin(row: ReliabilityBin) -> dict[str, Json]:
    return {
        "low": row.low,
        "high": row.high,
        "n": row.n,
        "said": row.mean_probability,
        "was": row.rate.estimate,
        "was_low": row.rate.low,
        "was_high": row.rate.high,
    }


def _likeliest(probabilities: dict[str, float]) -> str:
    return max(probabilities, key=lambda label: probabilities[label])


def _macro_f1(wanted: Sequence[str], said: Sequence[str]) -> float:
    scores = []
    for label in sorted(set(wanted)):
        hits = sum(a == b == label for a, b in zip(wanted, said, strict=True))
        scores.append(2 * hits / (wanted.count(label) + said.count(label)))
    return math.fsum(scores) / len(scores)
