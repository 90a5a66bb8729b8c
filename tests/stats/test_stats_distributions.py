from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from honing.stats import distributions

PROBABILITIES = st.floats(1e-6, 1.0 - 1e-6)


@settings(max_examples=150, deadline=None)
@given(PROBABILITIES, st.floats(1.0, 5000.0), st.floats(1.0, 5000.0))
def test_the_beta_quantile_is_scipys(probability: float, a: float, b: float) -> None:
    found = distributions.beta_quantile(probability, a, b)

    assert found == pytest.approx(stats.beta.ppf(probability, a, b), rel=1e-9, abs=1e-12)


@settings(max_examples=150, deadline=None)
@given(PROBABILITIES, st.one_of(st.integers(1, 40), st.integers(41, 20_000)))
def test_the_t_quantile_is_scipys(probability: float, df: int) -> None:
    found = distributions.t_quantile(probability, df)

    assert found == pytest.approx(stats.t.ppf(probability, df), rel=1e-9, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(st.floats(0.0, 1.0 - 1e-9), st.floats(0.5, 500.0), st.floats(0.5, 500.0))
def test_the_incomplete_beta_is_scipys(x: float, a: float, b: float) -> None:
    assert distributions.incomplete_beta(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), abs=1e-11)


@pytest.mark.parametrize("probability", [1e-6, 0.025, 0.3, 0.5, 0.9, 0.975, 1 - 1e-6])
def test_the_normal_quantile_is_scipys(probability: float) -> None:
    found = distributions.normal_quantile(probability)

    assert found == pytest.approx(stats.norm.ppf(probability), abs=1e-9)
    assert distributions.normal_cdf(found) == pytest.approx(probability, abs=1e-12)


@pytest.mark.parametrize("events", [0, 1, 2, 3, 10])
@pytest.mark.parametrize("tail", [0.01, 0.05, 0.2])
def test_the_lower_limit_of_a_poisson_mean_is_half_a_chi_squared_quantile(events: int, tail: float) -> None:
    expected = stats.chi2.ppf(tail, 2 * events) / 2 if events else 0.0

    assert distributions.poisson_lower_limit(events, tail) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("successes", "n", "probability"), [(0, 1, 0.0), (3, 3, 1.0), (2, 3, 1.0), (700, 1000, 0.7)]
)
def test_the_binomial_chance_is_scipys(successes: int, n: int, probability: float) -> None:
    found = distributions.binomial_pmf(successes, n, probability)

    assert found == pytest.approx(stats.binom.pmf(successes, n, probability), rel=1e-9)


def test_the_incomplete_beta_keeps_its_digits_next_to_1_where_scipys_loses_some() -> None:
    # I_x(1/2, 1/2) = 2/pi asin(sqrt(x)), whose complement at x is its value at 1 - x.
    x = 1.0 - 2.0**-53
    exact = 1.0 - 2.0 / math.pi * math.asin(math.sqrt(2.0**-53))

    assert distributions.incomplete_beta(x, 0.5, 0.5) == pytest.approx(exact, abs=1e-15)
