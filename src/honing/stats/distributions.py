"""Quantiles that intervals need, in pure Python: normal, Student t, beta, the lower limit of a Poisson mean.

The base install carries no scipy, and a live progress bar must not load numpy for one quantile. Each function
agrees with scipy to 1e-9 (tests/stats/test_stats_distributions.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

_TINY = 1e-300
_MAX_TERMS = 20_000


@lru_cache(maxsize=256)
def normal_quantile(probability: float) -> float:
    """Value below which a standard normal falls with the given probability, in (0, 1)."""
    # Loaded late: `statistics` costs more to import than everything else here together.
    from statistics import NormalDist

    return NormalDist().inv_cdf(probability)


def normal_cdf(value: float) -> float:
    """Probability that a standard normal is at most `value`."""
    return 0.5 * math.erfc(-value / math.sqrt(2.0))


def incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b): the cumulative distribution of Beta(a, b) at x.

    Continued fraction (Abramowitz and Stegun 1964, 26.5.8), evaluated by the modified method of Lentz
    (Thompson and Barnett 1986), on whichever side of the mean converges faster.

    Args:
        x: In [0, 1].
        a: Greater than 0.
        b: Greater than 0.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - _beta_tail(1.0 - x, b, a)
    return _beta_tail(x, a, b)


def _beta_tail(x: float, a: float, b: float) -> float:
    log_front = (
        math.lgamma(a + b)
        - math.lgamma(a)
        - math.lgamma(b)
        + a * math.log(x)
        + b * math.log1p(-x)
        - math.log(a)
    )
    return math.exp(log_front) / _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """Denominator of the continued fraction of I_x(a, b)."""
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, _MAX_TERMS):
        m = term // 2
        if term % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 + numerator * d
        d = 1.0 / (d if abs(d) > _TINY else _TINY)
        c = 1.0 + numerator / c
        c = c if abs(c) > _TINY else _TINY
        value *= c * d
        if abs(c * d - 1.0) < 1e-16:
            return value
    return value


@lru_cache(maxsize=4096)
def beta_quantile(probability: float, a: float, b: float) -> float:
    """Value below which Beta(a, b) falls with the given probability, in [0, 1]."""
    return _solve_rising(lambda x: incomplete_beta(x, a, b), probability, 0.0, 1.0)


def t_cdf(value: float, df: float) -> float:
    """Probability that Student's t with `df` degrees of freedom is at most `value`."""
    if value == 0.0:
        return 0.5
    tail = 0.5 * incomplete_beta(df / (df + value * value), df / 2.0, 0.5)
    return tail if value < 0.0 else 1.0 - tail


@lru_cache(maxsize=4096)
def t_quantile(probability: float, df: float) -> float:
    """Value below which Student's t with `df` degrees of freedom falls with this probability, in (0, 1)."""
    if probability < 0.5:
        return -t_quantile(1.0 - probability, df)
    if probability == 0.5:
        return 0.0
    high = 1.0
    while t_cdf(high, df) < probability:
        high *= 2.0
    return _solve_rising(lambda t: t_cdf(t, df), probability, 0.0, high)


@lru_cache(maxsize=256)
def poisson_lower_limit(events: int, tail: float) -> float:
    """Smallest Poisson mean under which `events` or more occur with at least probability `tail`.

    Garwood (1936), one-sided. Zero for zero events.
    """
    if events == 0:
        return 0.0

    def at_least(mean: float) -> float:
        below = sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(events))
        return 1.0 - below

    return _solve_rising(at_least, tail, _TINY, events + 1.0)


def log_binomial(n: int, k: int) -> float:
    """Natural logarithm of the number of ways to choose k of n."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def binomial_pmf(successes: int, n: int, probability: float) -> float:
    """Chance of exactly `successes` in n independent trials."""
    if probability <= 0.0 or probability >= 1.0:
        return float(successes == (n if probability >= 1.0 else 0))
    return math.exp(
        log_binomial(n, successes)
        + successes * math.log(probability)
        + (n - successes) * math.log1p(-probability)
    )


def _solve_rising(function: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Where a rising function meets `target`, by halving [low, high] until it can be halved no more."""
    while True:
        middle = low + (high - low) / 2.0
        if not low < middle < high or high - low < 1e-15 * high:
            return middle
        if function(middle) < target:
            low = middle
        else:
            high = middle
