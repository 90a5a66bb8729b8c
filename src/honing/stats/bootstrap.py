"""Bootstrap intervals for any statistic, of rows or of whole clusters of rows. Loads numpy when called."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any

from honing.stats.distributions import normal_cdf, normal_quantile
from honing.stats.intervals import Interval, Method, check_level, checked_clusters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Rows = NDArray[np.float64]


def bootstrap_interval(
    rows: Any,
    statistic: Callable[[Rows], float],
    *,
    clusters: Iterable[Hashable] | None = None,
    method: Method = Method.BCA,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval for any statistic, from resampling rows, or clusters of rows, with replacement.

    Percentile (Efron 1979) or BCa, bias-corrected and accelerated (Efron 1987), whose acceleration comes from
    the jackknife. A resample or jackknife sample on which the statistic is not finite (a correlation of equal
    values) is left out; more than one in ten is an error. For a mean use `mean_interval`, which covers better
    with few values.

    Args:
        rows: Shape (N,) or (N, columns): one row per observation, finite.
        statistic: Takes rows of that shape, in any number, and returns a number.
        clusters: One label per row where rows are not independent; whole clusters are then drawn.
        method: `Method.BCA` or `Method.PERCENTILE`.
        resamples: How many times to draw.
        level: Two-sided confidence.
        seed: The same seed gives the same bytes.

    Raises:
        ValueError: No row, a number that is not finite, a single cluster, another method, or a statistic that
            is not finite on the data or on more than a tenth of the draws.
    """
    import numpy as np

    _check_options(method, resamples, level)
    table = _checked_rows(rows)
    members = _members(checked_clusters(clusters, len(table)))
    if len(members) < 2:
        raise ValueError(
            f"rows: resampling needs at least two clusters, got {len(members)} ({len(table)} rows)."
        )
    estimate = float(statistic(table))
    if not np.isfinite(estimate):
        raise ValueError(f"statistic: must be finite on the data itself, got {estimate!r}.")
    draws = np.random.default_rng(seed).integers(0, len(members), size=(resamples, len(members)))
    resampled = _evaluate(table, statistic, members, draws)
    left_out = _jackknife(table, statistic, members) if method is Method.BCA else None
    low, high = _limits(resampled, estimate, left_out, level)
    return Interval(estimate, low, high, level, method, len(table))


def weighted_bootstrap(
    n: int,
    statistic: Callable[[Rows], Rows],
    *,
    method: Method = Method.BCA,
    resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """As `bootstrap_interval` for independent rows, for a statistic that is fast on many resamples at once.

    Args:
        n: Number of rows.
        statistic: Takes how often each row was drawn, shape (draws, N), and returns one number per draw.
        method: `Method.BCA` or `Method.PERCENTILE`.
        resamples: How many times to draw.
        level: Two-sided confidence.
        seed: The same seed gives the same bytes, and the same resamples as in `bootstrap_interval`.
    """
    import numpy as np

    _check_options(method, resamples, level)
    rng, values, batch = np.random.default_rng(seed), [], max(1, 2_000_000 // n)
    for start in range(0, resamples, batch):
        draws = rng.integers(0, n, size=(min(batch, resamples - start), n))
        offsets = np.arange(len(draws))[:, None] * n
        counts = np.bincount((draws + offsets).ravel(), minlength=len(draws) * n)
        values.append(statistic(counts.reshape(len(draws), n).astype(np.float64)))
    estimate = float(statistic(np.ones((1, n)))[0])
    left_out = None
    if method is Method.BCA:
        rows = np.arange(n)
        one_less = [statistic(1.0 - (rows[i : i + batch, None] == rows)) for i in range(0, n, batch)]
        kept = np.concatenate(one_less)
        left_out = kept[np.isfinite(kept)]
    low, high = _limits(_finite(np.concatenate(values)), estimate, left_out, level)
    return Interval(estimate, low, high, level, method, n)


def _limits(resampled: Rows, estimate: float, left_out: Rows | None, level: float) -> tuple[float, float]:
    """Percentiles of the resampled statistics; BCa's where the jackknife's are given."""
    import numpy as np

    tails = np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    if left_out is not None:
        tails = _bca_tails(tails, resampled, estimate, left_out)
    low, high = np.quantile(resampled, tails)
    return float(low), float(high)


def _check_options(method: Method, resamples: int, level: float) -> None:
    check_level(level)
    if method not in (Method.BCA, Method.PERCENTILE):
        raise ValueError(f"method: must be Method.BCA or Method.PERCENTILE, got {method!r}.")
    if resamples < 1:
        raise ValueError(f"resamples: must be at least 1, got {resamples!r}.")


def _checked_rows(rows: Any) -> Rows:
    import numpy as np

    table = np.asarray(rows, dtype=np.float64)
    if table.ndim not in (1, 2) or len(table) == 0:
        raise ValueError(f"rows: need shape (N,) or (N, columns) with N >= 1, got {table.shape}.")
    if not np.isfinite(table).all():
        first = int(np.argwhere(~np.isfinite(table))[0][0])
        raise ValueError(f"rows[{first}]: every number must be finite, got {table[first]!r}.")
    return table


def _members(labels: list[int]) -> list[Any]:
    """For each cluster, the positions of its rows."""
    import numpy as np

    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(np.asarray(labels)[order])) + 1)


def _evaluate(table: Rows, statistic: Callable[[Rows], float], members: list[Any], draws: Any) -> Rows:
    """The statistic on each draw of clusters, those not finite left out."""
    import numpy as np

    each_its_own = len(members) == len(table)
    values = np.array(
        [
            statistic(table[draw if each_its_own else np.concatenate([members[g] for g in draw])])
            for draw in draws
        ],
        dtype=np.float64,
    )
    return _finite(values)


def _finite(values: Rows) -> Rows:
    """The values that are finite, which must be nine in ten."""
    import numpy as np

    finite = values[np.isfinite(values)]
    if len(finite) < 0.9 * len(values):
        raise ValueError(
            f"statistic: not finite on {len(values) - len(finite)} of {len(values)} draws, so its spread is "
            "unknown. It needs more rows, or rows that differ more."
        )
    return finite


def _jackknife(table: Rows, statistic: Callable[[Rows], float], members: list[Any]) -> Rows:
    """The statistic with each cluster left out in turn."""
    import numpy as np

    values = np.array([statistic(np.delete(table, member, axis=0)) for member in members], dtype=np.float64)
    return values[np.isfinite(values)]


def _bca_tails(tails: Rows, resampled: Rows, estimate: float, left_out: Rows) -> Rows:
    """The percentiles to read, corrected for bias and for a spread that changes with the statistic."""
    import numpy as np

    below = float(np.mean((resampled < estimate) + 0.5 * (resampled == estimate)))
    if not 0.0 < below < 1.0:
        raise ValueError(
            "statistic: every draw lies on one side of the estimate, so BCa has no answer. Use PERCENTILE."
        )
    bias = normal_quantile(below)
    residuals = left_out.mean() - left_out if len(left_out) else left_out
    squares = float((residuals**2).sum())
    acceleration = float((residuals**3).sum()) / (6.0 * squares**1.5) if squares > 0.0 else 0.0
    shifted = [bias + normal_quantile(float(tail)) for tail in tails]
    return np.array([normal_cdf(bias + z / (1.0 - acceleration * z)) for z in shifted])
