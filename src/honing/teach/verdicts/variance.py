"""Do groups differ in their means? One-way analysis of variance, with p by permutation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.stats import Method, bootstrap_interval
from honing.teach.verdicts.base import Finding

Json = Any

_DRAWS = 9999


def f_statistic(groups: Sequence[Sequence[float]]) -> float:
    """Fisher's F: mean square between groups over mean square within (Fisher 1925).

    Args:
        groups: At least two with a value, more values than groups.

    Returns:
        Infinity where groups differ and nothing varies within them; 0 where nothing varies at all.
    """
    import numpy as np

    arrays = [np.asarray(group, dtype=float) for group in groups if len(group)]
    pooled = np.concatenate(arrays)
    between = sum(len(group) * (group.mean() - pooled.mean()) ** 2 for group in arrays)
    within = sum(((group - group.mean()) ** 2).sum() for group in arrays)
    if within <= 1e-12 * max(1.0, float((pooled**2).sum())):
        return float("inf") if between > 1e-12 else 0.0
    return float((between / (len(arrays) - 1)) / (within / (len(pooled) - len(arrays))))


def differing_groups(
    groups: Mapping[str, Sequence[float]], *, seed: int = 0
) -> tuple[Finding, dict[str, Json]]:
    """F with its permutation p, and eta squared with an interval.

    Labels are drawn anew 9,999 times; p is (1 + draws as extreme) / 10,000 (Phipson and Smyth 2010). Eta
    squared, the share of variance between groups, is biased upwards with few values; its interval is a
    percentile bootstrap.

    Args:
        groups: Values by group; groups with fewer than two are left out.
        seed: Of draws.

    Returns:
        The finding, whose effect is F and whose interval is none; and `eta_squared` with its limits and
    `means`."""
    import numpy as np

    kept = {name: list(values) for name, values in groups.items() if len(values) > 1}
    test = "one-way ANOVA, permutation p"
    if len(kept) < 2:
        return Finding(test=test), {}
    values = np.concatenate([np.asarray(part, dtype=float) for part in kept.values()])
    labels = np.repeat(np.arange(len(kept)), [len(part) for part in kept.values()])
    f = f_statistic(list(kept.values()))
    draws = np.random.default_rng(seed)
    observed = _between(values, labels, len(kept))
    reached = np.array([_between(draws.permutation(values), labels, len(kept)) for _ in range(_DRAWS)])
    extreme = int((reached >= observed - 1e-9 * max(1.0, abs(observed))).sum())
    eta = bootstrap_interval(
        np.stack([values, labels], axis=1), _eta_squared, method=Method.PERCENTILE, resamples=1000, seed=seed
    )
    found = Finding(
        effect=f if np.isfinite(f) else None, n=len(values), p=(1 + extreme) / (1 + _DRAWS), test=test
    )
    return found, {
        "eta_squared": eta.estimate,
        "eta_squared_low": eta.low,
        "eta_squared_high": eta.high,
        "means": {name: sum(part) / len(part) for name, part in kept.items()},
        "n": {name: len(part) for name, part in kept.items()},
        "infinite": not bool(np.isfinite(f)),
    }


def _between(values: Any, labels: Any, n_groups: int) -> float:
    """Sum of squares between groups; the total is the same for every permutation, so F rises with it."""
    import numpy as np

    sums = np.bincount(labels, weights=values, minlength=n_groups)
    counts = np.bincount(labels, minlength=n_groups)
    return float((sums**2 / np.maximum(counts, 1)).sum())


def _eta_squared(table: Any) -> float:
    import numpy as np

    values, labels = table[:, 0], table[:, 1].astype(int)
    centred = values - values.mean()
    total = float((centred**2).sum())
    if total <= 0:
        return 0.0
    return _between(centred, labels, int(np.max(labels)) + 1) / total
