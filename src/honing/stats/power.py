"""How many episodes a question needs, before any is run. Pure Python."""

from __future__ import annotations

import math
from collections.abc import Callable

from honing.stats.distributions import binomial_pmf, normal_cdf, normal_quantile, t_quantile
from honing.stats.intervals import check_level
from honing.stats.proportions import score_limits

_EXACT_PAIRS = 400
"""Up to this many pairs the power of McNemar's test is summed exactly; beyond, an approximation is close."""
_EXACT_SMALLEST = 200
"""The same for a search, which sums it twenty times."""


def episodes_for_half_width(half_width: float, *, rate: float = 0.5, level: float = 0.95) -> int:
    """Fewest independent episodes whose Wilson interval reaches `half_width` to either side on average.

    Args:
        half_width: Wanted, in (0, 0.5), as a share: 0.03 for three points.
        rate: Expected success rate; 0.5 needs the most.
        level: Two-sided confidence.

    Raises:
        ValueError: An argument lies outside its range.
    """
    check_level(level)
    if not 0.0 < half_width < 0.5:
        raise ValueError(f"half_width: must lie in (0, 0.5), got {half_width!r}. Write three points as 0.03.")
    _check_rate(rate, "rate")
    critical = normal_quantile(0.5 + level / 2.0)

    def narrow_enough(n: int) -> bool:
        low, high = score_limits(rate, n, critical)
        return (high - low) / 2.0 <= half_width

    return _fewest(narrow_enough)


def pairs_to_detect(
    rate_a: float,
    rate_b: float,
    *,
    correlation: float = 0.0,
    power: float = 0.8,
    level: float = 0.95,
) -> int:
    """Fewest tasks, each run under both arms, on which McNemar's exact test finds the difference.

    Power is summed exactly over the number of differing tasks up to 400 pairs (and the answer is then a
    number from which it does not fall below `power` again); beyond, it is Connor's (1987) normal
    approximation.

    Args:
        rate_a: Success rate of the first arm.
        rate_b: Success rate of the second.
        correlation: Between the two arms' successes on one task; common random numbers raise it, and it saves
            tasks.
        power: Chance wanted of finding it.
        level: 1 - the chance of finding a difference where there is none.

    Raises:
        ValueError: The rates are equal or impossible together with that correlation.
    """
    check_level(level)
    check_level(power, "power")
    only_a, only_b = _discordance(rate_a, rate_b, correlation)
    approximate = _connor(only_a, only_b, power, level)
    if approximate > _EXACT_PAIRS:
        return approximate
    longest = 3 * approximate // 2 + 30
    given = _power_given(longest, only_a / (only_a + only_b), 1.0 - level)
    last_below = 0
    for pairs in range(1, longest + 1):
        if _average(given, pairs, only_a + only_b) < power:
            last_below = pairs
    return last_below + 1


def mcnemar_power(pairs: int, only_a: float, only_b: float, *, level: float = 0.95) -> float:
    """Chance that McNemar's exact test rejects, summed over every possible outcome.

    Args:
        pairs: Tasks, each run under both arms.
        only_a: Chance that only the first arm solves a task.
        only_b: Chance that only the second does.
        level: 1 - the level of the test.
    """
    check_level(level)
    differing = only_a + only_b
    return _average(_power_given(pairs, only_a / differing, 1.0 - level), pairs, differing)


def episodes_to_detect(rate_a: float, rate_b: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """Fewest episodes in each of two independent arms that find the difference (Fleiss and others 2003).

    Raises:
        ValueError: The rates are equal or not in (0, 1).
    """
    check_level(level)
    check_level(power, "power")
    _discordance(rate_a, rate_b, 0.0)
    mean = (rate_a + rate_b) / 2.0
    null = normal_quantile(0.5 + level / 2.0) * math.sqrt(2.0 * mean * (1.0 - mean))
    real = normal_quantile(power) * math.sqrt(rate_a * (1.0 - rate_a) + rate_b * (1.0 - rate_b))
    return math.ceil(((null + real) / (rate_a - rate_b)) ** 2)


def pairs_to_detect_mean(
    difference: float, standard_deviation: float, *, power: float = 0.8, level: float = 0.95
) -> int:
    """Fewest pairs whose t test finds a mean difference, given the deviation of one pair's difference.

    The power of the t test is integrated numerically, so the answer is exact.

    Raises:
        ValueError: The difference is 0, or the deviation is not above 0.
    """
    check_level(level)
    check_level(power, "power")
    if difference == 0.0 or not standard_deviation > 0.0:
        raise ValueError(
            f"difference, standard_deviation: must not be 0, got {difference!r} and {standard_deviation!r}."
        )
    effect = abs(difference) / standard_deviation

    def powerful_enough(n: int) -> bool:
        if n < 2:
            return False
        return _t_test_power(n, effect, 1.0 - level) >= power

    return _fewest(powerful_enough)


def smallest_difference(pairs: int, differing: float, *, power: float = 0.8, level: float = 0.95) -> float:
    """Smallest difference of two success rates that McNemar's exact test finds on this many pairs.

    Power is exact up to 200 pairs; beyond, it is Connor's (1987) normal approximation.

    Args:
        pairs: Tasks, each run under both arms.
        differing: Share of tasks that only one arm solves, as observed. Where all of them together are too
            few to be found, the answer is the smallest larger share that would be, all of one sign.
        power: Chance wanted of finding it.
        level: 1 - the level of the test.

    Returns:
        A share in (0, 1]; 1.0 also where not even that would be found.

    Raises:
        ValueError: An argument lies outside its range.
    """
    check_level(level)
    check_level(power, "power")
    if pairs < 1 or not 0.0 <= differing <= 1.0:
        raise ValueError(f"pairs, differing: must be 1 or more and a share, got {pairs!r}, {differing!r}.")

    def found(gap: float) -> bool:
        share = max(differing, gap)
        only_a, only_b = (share + gap) / 2.0, (share - gap) / 2.0
        if pairs > _EXACT_SMALLEST:
            return _connor(only_a, only_b, power, level) <= pairs
        return mcnemar_power(pairs, only_a, only_b, level=level) >= power

    return _least(found, 1.0)


def smallest_mean_difference(
    pairs: int, standard_deviation: float, *, power: float = 0.8, level: float = 0.95
) -> float | None:
    """Smallest mean difference that a t test of this many pairs finds; None for a single pair.

    Raises:
        ValueError: The deviation is not above 0, or an argument lies outside its range.
    """
    check_level(level)
    check_level(power, "power")
    if not standard_deviation > 0.0:
        raise ValueError(f"standard_deviation: must be above 0, got {standard_deviation!r}.")
    if pairs < 2:
        return None
    effect = 1.0
    while _t_test_power(pairs, effect, 1.0 - level) < power:
        effect *= 2.0
    return standard_deviation * _least(lambda one: _t_test_power(pairs, one, 1.0 - level) >= power, effect)


def _least(enough: Callable[[float], bool], high: float) -> float:
    """The smallest value in (0, high] that is enough, to one part in a million; `high` where none is."""
    low = 0.0
    for _ in range(20):
        middle = (low + high) / 2.0
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _t_test_power(n: int, effect: float, alpha: float) -> float:
    """Chance that a two-sided t test of n values, whose mean is `effect` deviations from 0, rejects.

    The normal probability of rejecting at each sample deviation, averaged over its density by Simpson's rule.
    """
    df, critical, shift = n - 1, t_quantile(1.0 - alpha / 2.0, n - 1), effect * math.sqrt(n)
    spread = 10.0 / math.sqrt(2.0 * df)
    low, high, steps = max(1e-12, 1.0 - spread), 1.0 + spread, 400
    log_scale = math.log(2.0) + df / 2.0 * math.log(df / 2.0) - math.lgamma(df / 2.0)
    total = 0.0
    for step in range(steps + 1):
        s = low + (high - low) * step / steps
        density = math.exp(log_scale + (df - 1) * math.log(s) - df * s * s / 2.0)
        rejects = normal_cdf(shift - critical * s) + normal_cdf(-shift - critical * s)
        total += (1 if step in (0, steps) else 4 if step % 2 else 2) * density * rejects
    return total * (high - low) / (3.0 * steps)


def _connor(only_a: float, only_b: float, power: float, level: float) -> int:
    differing, gap = only_a + only_b, only_a - only_b
    null = normal_quantile(0.5 + level / 2.0) * math.sqrt(differing)
    real = normal_quantile(power) * math.sqrt(differing - gap * gap)
    return max(1, math.ceil(((null + real) / gap) ** 2))


def _discordance(rate_a: float, rate_b: float, correlation: float) -> tuple[float, float]:
    """Chances that only the first, and only the second, arm solves a task."""
    _check_rate(rate_a, "rate_a")
    _check_rate(rate_b, "rate_b")
    if rate_a == rate_b:
        raise ValueError(
            f"rate_a, rate_b: must differ, got {rate_a!r} twice. No number of tasks finds nothing."
        )
    both = rate_a * rate_b + correlation * math.sqrt(rate_a * (1 - rate_a) * rate_b * (1 - rate_b))
    only_a, only_b = rate_a - both, rate_b - both
    if min(only_a, only_b, both, 1.0 - rate_a - only_b) < -1e-12:
        raise ValueError(
            f"correlation: {correlation!r} is impossible between rates {rate_a!r} and {rate_b!r}; "
            "take it nearer to 0."
        )
    return max(0.0, only_a), max(0.0, only_b)


def _power_given(most: int, share: float, alpha: float) -> list[float]:
    """Chance that McNemar's exact test rejects, given that 0, 1, ... `most` tasks differ.

    Args:
        most: Largest number of differing tasks.
        share: Chance that a differing task is one that only the first arm solves.
        alpha: Level of the test.
    """
    powers = []
    for n in range(most + 1):
        total, tail, ways = 0.0, 0, 1
        for k in range((n + 1) // 2):
            tail += ways
            if 2 * tail / (1 << n) > alpha:
                break
            total += binomial_pmf(k, n, share) + binomial_pmf(n - k, n, share)
            ways = ways * (n - k) // (k + 1)
        powers.append(total)
    return powers


def _average(given: list[float], pairs: int, differing: float) -> float:
    """`given` averaged over how many of the pairs differ, each with chance `differing`."""
    return math.fsum(binomial_pmf(n, pairs, differing) * given[n] for n in range(pairs + 1))


def _check_rate(rate: float, name: str) -> None:
    if not 0.0 < rate < 1.0:
        raise ValueError(f"{name}: must lie strictly between 0 and 1, got {rate!r}.")


def _fewest(enough: Callable[[int], bool]) -> int:
    """Smallest n that is enough, where more is never worse."""
    high = 1
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
