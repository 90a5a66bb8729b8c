"""Stopping early without fooling oneself: decisions that hold at every look, and re-tests.

Everything here is a pure function of the scores seen so far, so a resumed run decides as the first one did.
The decisions rest on betting (Waudby-Smith and Ramdas 2024): money staked against "the mean is m" that grows
twentyfold is evidence at level 0.95, at whatever moment it does. They need tasks in random order and a known
range of scores; they speak about the population the tasks are drawn from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from honing.stats.differences import paired_difference
from honing.stats.intervals import Interval, Method, check_level, checked_pairs, checked_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LARGEST_STAKE = 0.75
"""Share of the capital that one bet may lose."""
_PRECISION = 1e-7
"""Width, as a share of the bounds, to which a limit is found; the outer end is reported."""


class Verdict(StrEnum):
    """What a sequential comparison has settled. Exactly one holds."""

    BETTER = "better"
    """mean(a) - mean(b) exceeds the margin."""
    NOT_BETTER = "not-better"
    """mean(a) - mean(b) falls short of the margin."""
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A sequential comparison so far."""

    verdict: Verdict
    decided_after: int | None
    """Pairs after which the verdict was reached; it does not change with more. None while undecided."""
    difference: Interval
    """Anytime-valid interval of mean(a) - mean(b) from all pairs given."""


@dataclass(frozen=True, slots=True)
class Elimination:
    """One arm that left a race."""

    arm: str
    beaten_by: str
    after: int
    """Tasks that both had run."""


@dataclass(frozen=True, slots=True)
class RaceState:
    """A race so far."""

    alive: tuple[str, ...]
    """Arms that may still be the best, in the order given."""
    eliminated: tuple[Elimination, ...]
    """In the order they left."""
    leader: str
    """The arm alive with the highest mean; the first of several."""

    @property
    def decided(self) -> bool:
        """Whether one arm is left."""
        return len(self.alive) == 1


@dataclass(frozen=True, slots=True)
class Retest:
    """A gain measured again on fresh episodes."""

    kept: bool
    """Whether the lower limit of the fresh difference exceeds the margin."""
    difference: Interval
    """From fresh episodes alone: the figure to report, free of the luck that led to the selection."""
    optimism: float
    """First estimate less the fresh one: what selection had added."""


def anytime_interval(
    values: Iterable[float], *, bounds: tuple[float, float], level: float = 0.95
) -> Interval:
    """Interval for a mean that holds at every n at once, so one may look after each value and stop at will.

    Hedged betting, Waudby-Smith and Ramdas (2024), theorem 3, with predictable plug-in stakes. Wider than
    `mean_interval` at any one n: that is the price of looking.

    Args:
        values: In the order they were seen.
        bounds: Smallest and largest possible value.
        level: Chance that the mean lies inside at every n.

    Raises:
        ValueError: No value, NaN, or a value outside the bounds.
    """
    import numpy as np

    check_level(level)
    shares = _to_shares(values, bounds)
    stakes = _stakes(shares, (1.0 - level) / 2.0)
    enough = math.log(2.0 / (1.0 - level))

    def beats(mean: float) -> bool:
        return float(_log_capital(shares, stakes, mean).max()) >= enough

    def falls_short_of(mean: float) -> bool:
        return float(_log_capital(1.0 - shares, stakes, 1.0 - mean).max()) >= enough

    centre = float(np.mean(shares))
    # What was ruled out once stays ruled out, so the limits may cross the mean; they are not let to.
    low = min(centre, _last_true(beats))
    high = max(centre, 1.0 - _last_true(lambda distance: falls_short_of(1.0 - distance)))
    shared = Interval(centre, low, high, level, Method.BETTING, len(shares))
    return shared.scaled(bounds[1] - bounds[0], bounds[0])


def sequential_comparison(
    a: Iterable[float],
    b: Iterable[float],
    *,
    bounds: tuple[float, float],
    margin: float = 0.0,
    level: float = 0.95,
) -> Comparison:
    """Compare two arms on the same tasks, looking after every pair.

    The chance of ever reaching the wrong verdict is at most 1 - level.

    Args:
        a: One score per task, in the (random) order the tasks were run.
        b: The same tasks in the same order.
        bounds: Smallest and largest possible score.
        margin: Difference that a has to exceed.
        level: Confidence of the verdict.

    Raises:
        ValueError: The arms differ in length, a score lies outside the bounds, or the margin cannot be
            exceeded.
    """
    first, second = checked_pairs(a, b)
    check_level(level)
    reach = bounds[1] - bounds[0]
    if not -reach < margin < reach:
        raise ValueError(f"margin: must lie strictly within {-reach!r} and {reach!r}, got {margin!r}.")
    differences = _differences(first, second, bounds)
    tail = (1.0 - level) / 2.0
    null = (margin + reach) / (2.0 * reach)
    shares = (differences + 1.0) / 2.0
    above = _first_crossing(shares, null, tail)
    below = _first_crossing(1.0 - shares, 1.0 - null, tail)
    interval = anytime_interval(differences * reach, bounds=(-reach, reach), level=level)
    if above is None and below is None:
        return Comparison(Verdict.UNDECIDED, None, interval)
    if below is None or (above is not None and above < below):
        return Comparison(Verdict.BETTER, above, interval)
    return Comparison(Verdict.NOT_BETTER, below, interval)


def first_shortfall(
    a: Iterable[float],
    b: Iterable[float],
    *,
    bounds: tuple[float, float],
    margin: float = 0.0,
    error: float = 0.025,
) -> int | None:
    """After how many pairs it was settled that mean(a) - mean(b) falls short of the margin.

    One side of `sequential_comparison`, without the interval: quick enough to ask after every pair.

    Args:
        a: One score per task, in the (random) order the tasks were run.
        b: The same tasks in the same order.
        bounds: Smallest and largest possible score.
        margin: Difference that a has to exceed.
        error: Chance, at most, of ever saying so of an arm that does not fall short.

    Returns:
        None while it is not settled.

    Raises:
        ValueError: As in `sequential_comparison`, or the error is not a probability strictly within 0 and 1.
    """
    first, second = checked_pairs(a, b)
    check_level(error, "error")
    reach = bounds[1] - bounds[0]
    if not -reach < margin < reach:
        raise ValueError(f"margin: must lie strictly within {-reach!r} and {reach!r}, got {margin!r}.")
    shares = (_differences(first, second, bounds) + 1.0) / 2.0
    return _first_crossing(1.0 - shares, 1.0 - (margin + reach) / (2.0 * reach), error)


def race(
    scores: Mapping[str, Sequence[float]], *, bounds: tuple[float, float], level: float = 0.95
) -> RaceState:
    """Which of several arms may still be the best, from their scores on the same tasks so far.

    An arm leaves as soon as another that is still in beats it by betting, at an error of
    (1 - level) / (arms - 1). The truly best arm is ever eliminated with probability at most 1 - level. Scores
    of an arm after it left are not read, so it does not matter whether some were still under way.

    Args:
        scores: Per arm its scores, task by task in one (random) order for all. Arms that left may have fewer.
        bounds: Smallest and largest possible score.
        level: Confidence that the best arm is among those alive.

    Raises:
        ValueError: No arm, an arm without scores, or a score outside the bounds.
    """
    check_level(level)
    if not scores:
        raise ValueError("scores: need at least one arm, got none.")
    arms = list(scores)
    checked = {arm: checked_values(scores[arm], f"scores[{arm!r}]") for arm in arms}
    tail = (1.0 - level) / max(1, len(arms) - 1)
    left: dict[str, Elimination] = {}
    for after, winner, loser in sorted(_wins(checked, bounds, tail), key=lambda win: win[0]):
        if winner not in left and loser not in left:
            left[loser] = Elimination(loser, winner, after)
    alive = tuple(arm for arm in arms if arm not in left)
    return RaceState(
        alive, tuple(left.values()), max(alive, key=lambda arm: sum(checked[arm]) / len(checked[arm]))
    )


def retest_level(attempt: int, *, level: float = 0.95) -> float:
    """Confidence to ask of the attempt-th re-test so that all of them together, however many, keep `level`.

    The error allowed, 1 - level, is spent as 6 / (pi * attempt) ** 2, which sums to one.

    Raises:
        ValueError: The attempt is below 1.
    """
    check_level(level)
    if attempt < 1:
        raise ValueError(f"attempt: counts from 1, got {attempt!r}.")
    return 1.0 - (1.0 - level) * 6.0 / (math.pi * attempt) ** 2


def retest(
    first_estimate: float,
    a: Iterable[float],
    b: Iterable[float],
    *,
    clusters: Iterable[Hashable] | None = None,
    bounds: tuple[float, float] | None = None,
    margin: float = 0.0,
    level: float = 0.95,
) -> Retest:
    """Keep a gain only if fresh episodes, run after the selection, show it again.

    Args:
        first_estimate: The difference that led to the selection.
        a: Fresh scores of the selected arm, one per task.
        b: Fresh scores of the baseline on the same tasks.
        clusters: As in `paired_difference`.
        bounds: As in `paired_difference`.
        margin: What the difference must exceed.
        level: Two-sided confidence of this re-test; take it from `retest_level` where several are made.

    Raises:
        ValueError: As in `paired_difference`.
    """
    fresh = paired_difference(a, b, clusters=clusters, bounds=bounds, level=level)
    return Retest(fresh.low > margin, fresh, first_estimate - fresh.estimate)


def _wins(
    scores: Mapping[str, Sequence[float]], bounds: tuple[float, float], tail: float
) -> list[tuple[int, str, str]]:
    """Every (task count, winner, loser) at which one arm is first known to beat another."""
    wins = []
    for winner in scores:
        for loser in scores:
            n = min(len(scores[winner]), len(scores[loser]))
            differences = _differences(scores[winner][:n], scores[loser][:n], bounds)
            after = None if winner == loser else _first_crossing((differences + 1.0) / 2.0, 0.5, tail)
            if after is not None:
                wins.append((after, winner, loser))
    return wins


def _differences(a: Sequence[float], b: Sequence[float], bounds: tuple[float, float]) -> Floats:
    """a - b in units of the range, in [-1, 1]."""
    return _to_shares(a, bounds) - _to_shares(b, bounds)


def _to_shares(values: Iterable[float], bounds: tuple[float, float]) -> Floats:
    import numpy as np

    floats = np.array(checked_values(values, "values"))
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"bounds: must be two finite numbers, the smaller first, got {bounds!r}.")
    if floats.min() < low or floats.max() > high:
        raise ValueError(
            f"values: must lie within the bounds {bounds!r}, got {floats.min()!r} to {floats.max()!r}."
        )
    return (floats - low) / (high - low)


def _stakes(shares: Floats, tail: float) -> Floats:
    """How boldly to bet on each value, from those before: sqrt(2 log(1 / tail) / (variance t log(t + 1)))."""
    import numpy as np

    times = np.arange(1, len(shares) + 1)
    means = (0.5 + np.cumsum(shares)) / (times + 1)
    variances = (0.25 + np.cumsum((shares - means) ** 2)) / (times + 1)
    before = np.concatenate([[0.25], variances[:-1]])
    return np.sqrt(2.0 * math.log(1.0 / tail) / (before * times * np.log1p(times)))


def _last_true(holds: Callable[[float], bool]) -> float:
    """Where in [0, 1] a condition that holds at first, if ever, stops to hold; 0 if it never holds."""
    low, high = 0.0, 1.0
    while high - low > _PRECISION:
        middle = (low + high) / 2.0
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _log_capital(shares: Floats, stakes: Floats, mean: float) -> Floats:
    """Logarithm of the capital, after each value, of one who bets that the true mean is above `mean`."""
    import numpy as np

    capped = np.minimum(stakes, _LARGEST_STAKE / mean) if mean > 0.0 else stakes
    return np.cumsum(np.log1p(capped * (shares - mean)))


def _first_crossing(shares: Floats, null: float, tail: float) -> int | None:
    """After how many values the bet that the mean exceeds `null` has grown by 1 / tail; None if never."""
    import numpy as np

    crossed = np.flatnonzero(_log_capital(shares, _stakes(shares, tail), null) >= math.log(1.0 / tail))
    return int(crossed[0]) + 1 if len(crossed) else None
