"""pass@k: the chance that at least one of k attempts at a task succeeds. Pure Python."""

from __future__ import annotations

from collections.abc import Sequence

from honing.stats.intervals import Interval, check_counts
from honing.stats.means import mean_interval


def pass_at_k(successes: int, n: int, k: int) -> float:
    """Unbiased estimate, from n attempts at one task, that at least one of k succeeds (Chen and others 2021).

    1 - C(n - successes, k) / C(n, k), as a product that cannot overflow.

    Raises:
        ValueError: The counts are impossible, or k lies outside 1..n: n attempts say nothing unbiased beyond
            n.
    """
    _check(successes, n, k)
    return 1.0 - _all_drawn_from(n - successes, n, k)


def pass_all_k(successes: int, n: int, k: int) -> float:
    """Unbiased estimate, from n attempts at one task, that k of k succeed: C(successes, k) / C(n, k).

    Raises:
        ValueError: As in `pass_at_k`.
    """
    _check(successes, n, k)
    return _all_drawn_from(successes, n, k)


def pass_at_k_interval(counts: Sequence[tuple[int, int]], k: int, *, level: float = 0.95) -> Interval:
    """Mean pass@k over tasks, with an interval that treats tasks, not attempts, as the sample.

    Args:
        counts: Per task (successes, attempts); each task needs at least k attempts.
        k: Attempts allowed.
        level: Two-sided confidence. The interval is that of `mean_interval` with bounds (0, 1) and one value
            a task, so its `n` is the number of tasks.

    Raises:
        ValueError: No task, or a task with impossible counts or fewer than k attempts.
    """
    return mean_interval(
        [pass_at_k(successes, n, k) for successes, n in counts], bounds=(0.0, 1.0), level=level
    )


def _all_drawn_from(kind: int, n: int, k: int) -> float:
    """Chance that k drawn without replacement from n are all of one kind, of which there are `kind`."""
    chance = 1.0
    for drawn in range(k):
        chance *= max(0, kind - drawn) / (n - drawn)
    return chance


def _check(successes: int, n: int, k: int) -> None:
    check_counts(successes, n)
    if not 1 <= k <= n:
        raise ValueError(f"k: must lie between 1 and the number of attempts n = {n}, got {k!r}.")
