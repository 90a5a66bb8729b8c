"""Did the patch test foretell the gains of micro-training? Rank correlations with their intervals, the
reliabilities that bound them, and what is left when cheaper labels are held constant."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from honing.stats import (
    Interval,
    Method,
    bootstrap_interval,
    mean_interval,
    spearman_interval,
    unpaired_difference,
)
from honing.teach.evaluation.estimates import document
from honing.teach.snapshot import Quadrant

Json = Any
Row = Mapping[str, Json]
"""One snapshot under one setting, as in micro_training_results.json."""

PLACES = ("same", "similar")
"""Where a gain is measured: from the snapshot itself, and on other tasks of the same tags."""
_REACH = (-1.0, 1.0)
_RESAMPLES = 1000


def agreement(rows: Sequence[Row]) -> dict[str, Json]:
    """All figures of one setting.

    Args:
        rows: Its snapshots. A snapshot without similar tasks counts for the same place alone.

    Returns:
        Per place: n, `rho` of ELP_net with the gain, reliability of the gain, partial correlations, rho of
        L_local and of U, the gain per quadrant, Q1 minus Q2. And the retest reliability of ELP_net. A figure
        that the rows cannot give is None.
    """
    retested = [row for row in rows if row["ELP_net_retest"] is not None]
    return {
        **{place: _at_place([row for row in rows if row[place] is not None], place) for place in PLACES},
        "reliability_ELP_net": _rho([(row["ELP_net"], row["ELP_net_retest"]) for row in retested]),
    }


def partial_spearman(columns: Any) -> float:
    """Rank correlation of the first two columns with the others held constant.

    The correlation of what is left of the two columns' ranks after linear regression on the ranks of the
    others (Kendall and Stuart, The Advanced Theory of Statistics II, chapter 27, on ranks).

    Args:
        columns: Shape (N, 2 + K), K >= 1.

    Returns:
        NaN where nothing is left to correlate.
    """
    import numpy as np

    ranks = np.column_stack([_ranks(column) for column in np.asarray(columns, dtype=float).T])
    ranks = ranks - ranks.mean(axis=0)
    others, pair = ranks[:, 2:], ranks[:, :2]
    left = pair - others @ np.linalg.lstsq(others, pair, rcond=None)[0]
    scale = float(np.sqrt((left[:, 0] ** 2).sum() * (left[:, 1] ** 2).sum()))
    if scale <= 1e-9 * max(1.0, float((pair**2).sum())):
        return math.nan
    return float((left[:, 0] * left[:, 1]).sum() / scale)


def spearman_brown(half: float) -> float | None:
    """Reliability of the whole from the correlation of its halves (Spearman 1910, Brown 1910); None below 0,
    where it has no meaning."""
    return 2 * half / (1 + half) if half >= 0 else None


def _at_place(rows: Sequence[Row], place: str) -> dict[str, Json]:
    gains = [row[place]["gain"] for row in rows]
    halves = [row[place]["halves"] for row in rows if row[place]["halves"] is not None]
    split_half = _rho([(first, second) for first, second in halves])
    return {
        "n": len(rows),
        "rho": _rho(list(zip((row["ELP_net"] for row in rows), gains, strict=True))),
        "rho_L_local": _rho_of(rows, "L_local", gains),
        "rho_U": _rho_of(rows, "U", gains),
        "partial_given_L_local": _partial(rows, place, ("L_local",)),
        "partial_given_U": _partial(rows, place, ("U",)),
        "partial_given_both": _partial(rows, place, ("L_local", "U")),
        "reliability_gain": split_half,
        "reliability_gain_whole": None if split_half is None else spearman_brown(split_half["estimate"]),
        "mean_gain": document(_mean(gains)),
        "quadrants": {
            quadrant.value: document(_mean(_of_quadrant(rows, place, quadrant))) for quadrant in Quadrant
        },
        "Q1_minus_Q2": document(_difference(rows, place)),
    }


def _rho(pairs: Sequence[tuple[float, float]]) -> dict[str, Json] | None:
    """Spearman's with its interval; None with fewer than four pairs or where one side is constant."""
    if len(pairs) < 4 or any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        return None
    return document(_or_none(lambda: spearman_interval([a for a, _ in pairs], [b for _, b in pairs])))


def _rho_of(rows: Sequence[Row], name: str, gains: Sequence[float]) -> dict[str, Json] | None:
    return _rho([(row[name], gain) for row, gain in zip(rows, gains, strict=True) if row[name] is not None])


def _partial(rows: Sequence[Row], place: str, given: Sequence[str]) -> dict[str, Json] | None:
    table = [
        [row["ELP_net"], row[place]["gain"], *(row[name] for name in given)]
        for row in rows
        if all(row[name] is not None for name in given)
    ]
    if len(table) < len(given) + 4 or math.isnan(partial_spearman(table)):
        return None
    return document(
        _or_none(
            lambda: bootstrap_interval(
                table, partial_spearman, method=Method.PERCENTILE, resamples=_RESAMPLES
            )
        )
    )


def _difference(rows: Sequence[Row], place: str) -> Interval | None:
    first, second = (_of_quadrant(rows, place, quadrant) for quadrant in (Quadrant.Q1, Quadrant.Q2))
    if not first or not second:
        return None
    return unpaired_difference(first, second, bounds=_REACH)


def _of_quadrant(rows: Sequence[Row], place: str, quadrant: Quadrant) -> list[float]:
    return [row[place]["gain"] for row in rows if row["quadrant"] == quadrant.value]


def _mean(values: Sequence[float]) -> Interval | None:
    return mean_interval(values, bounds=_REACH) if values else None


def _or_none(make: Callable[[], Interval]) -> Interval | None:
    """An interval, or None where too many resamples are constant to tell one."""
    try:
        return make()
    except ValueError:
        return None


def _ranks(values: Any) -> Any:
    """Ranks from 1; equal values share the mean of theirs."""
    import numpy as np

    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2.0)[place]
