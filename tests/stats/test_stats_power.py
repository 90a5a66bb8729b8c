from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

from honing.stats import (
    episodes_for_half_width,
    episodes_to_detect,
    mcnemar_exact,
    mcnemar_power,
    mean_interval,
    pairs_to_detect,
    pairs_to_detect_mean,
    pass_all_k,
    pass_at_k,
    pass_at_k_interval,
    smallest_difference,
    smallest_mean_difference,
    wilson,
)


@pytest.mark.parametrize("half_width", [0.1, 0.05, 0.03, 0.01])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_so_many_episodes_reach_the_half_width_and_one_fewer_does_not(
    half_width: float, level: float
) -> None:
    n = episodes_for_half_width(half_width, level=level)

    # With half of an even number successful, Wilson's own interval is as narrow as promised.
    even = n + n % 2
    assert wilson(even // 2, even, level=level).half_width <= half_width
    fewer = n - 2 - n % 2
    assert wilson(fewer // 2, fewer, level=level).half_width > half_width


def test_three_points_at_even_odds_need_1064_episodes_and_far_fewer_at_long_odds() -> None:
    assert (episodes_for_half_width(0.03), episodes_for_half_width(0.03, rate=0.05)) == (1064, 215)


@pytest.mark.parametrize("effect", [0.1, 0.3, 0.8, 2.0])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("level", [0.9, 0.99])
def test_pairs_for_a_mean_are_statsmodels_number(effect: float, power: float, level: float) -> None:
    expected = TTestPower().solve_power(effect, power=power, alpha=1 - level)

    assert pairs_to_detect_mean(3 * effect, 3.0, power=power, level=level) == math.ceil(expected - 1e-6)


@pytest.mark.parametrize(("pairs", "only_a", "only_b"), [(12, 0.4, 0.1), (30, 0.25, 0.05), (20, 0.2, 0.2)])
def test_the_power_of_mcnemar_is_the_sum_over_every_table(pairs: int, only_a: float, only_b: float) -> None:
    tables = [
        (a, b) for a, b in product(range(pairs + 1), repeat=2)
        if a + b <= pairs and mcnemar_exact(a, b) <= 0.05
    ]  # fmt: skip
    rows = np.array([[a, b, pairs - a - b] for a, b in tables])
    expected = scipy_stats.multinomial.pmf(rows, pairs, [only_a, only_b, 1 - only_a - only_b]).sum()

    assert mcnemar_power(pairs, only_a, only_b) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_the_pairs_asked_for_suffice_and_one_fewer_do_not(correlation: float) -> None:
    n = pairs_to_detect(0.5, 0.7, correlation=correlation)

    both = 0.35 + correlation * math.sqrt(0.25 * 0.21)
    powers = [mcnemar_power(pairs, 0.5 - both, 0.7 - both) for pairs in range(n - 1, n + 30)]
    assert powers[0] < 0.8 <= min(powers[1:])


def test_two_independent_arms_need_statsmodels_number_of_episodes() -> None:
    expected = samplesize_proportions_2indep_onetail(
        0.1, 0.5, 0.8, ratio=1, alpha=0.05, alternative="two-sided"
    )

    assert episodes_to_detect(0.6, 0.5) == math.ceil(expected)


def test_pairing_saves_episodes_when_tasks_are_hard_for_both_arms() -> None:
    counts = [pairs_to_detect(0.5, 0.6, correlation=c) for c in (0.0, 0.3, 0.6)]

    # Without correlation pairing gains nothing; the exact test even asks for a few more.
    assert counts[0] == pytest.approx(episodes_to_detect(0.5, 0.6), rel=0.06)
    assert counts[2] < 0.5 * counts[0] < 0.75 * counts[0] > counts[1]


def test_large_comparisons_use_connors_formula() -> None:
    # Connor 1987: (z_level sqrt(psi) + z_power sqrt(psi - d^2))^2 / d^2 with psi = 0.5002, d = 0.02.
    expected = (1.959964 * 0.5002**0.5 + 0.841621 * (0.5002 - 0.0004) ** 0.5) ** 2 / 0.0004

    assert pairs_to_detect(0.49, 0.51) == math.ceil(expected)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_all_draws_of_k_attempts(case: tuple[int, int, int]) -> None:
    successes, n, k = case
    draws = list(combinations([True] * successes + [False] * (n - successes), k))

    assert pass_at_k(successes, n, k) == pytest.approx(np.mean([any(draw) for draw in draws]))
    assert pass_all_k(successes, n, k) == pytest.approx(np.mean([all(draw) for draw in draws]))


def test_pass_at_k_is_unbiased() -> None:
    rate, n, k = 0.3, 10, 4
    chances = scipy_stats.binom.pmf(range(n + 1), n, rate)

    mean = math.fsum(p * pass_at_k(c, n, k) for c, p in enumerate(chances))

    assert mean == pytest.approx(1 - (1 - rate) ** k, abs=1e-12)


def test_the_interval_of_pass_at_k_takes_tasks_as_the_sample() -> None:
    counts = [(0, 10), (3, 10), (10, 10), (1, 12), (5, 5)]

    found = pass_at_k_interval(counts, 3)

    values = [pass_at_k(c, n, 3) for c, n in counts]
    assert found == mean_interval(values, bounds=(0.0, 1.0))
    assert (found.n, found.estimate) == (5, pytest.approx(np.mean(values)))


def test_pass_at_k_does_not_overflow() -> None:
    assert pass_at_k(1, 100_000, 50_000) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: episodes_for_half_width(3), r"half_width: must lie in \(0, 0.5\), got 3"),
        (lambda: episodes_for_half_width(0.1, rate=1.0), "rate: must lie strictly between 0 and 1, got 1.0"),
        (lambda: pairs_to_detect(0.5, 0.5), "rate_a, rate_b: must differ, got 0.5 twice"),
        (lambda: pairs_to_detect(0.9, 0.1, correlation=0.9), "correlation: 0.9 is impossible"),
        (lambda: pairs_to_detect(0.5, 0.6, power=80), "power: must lie strictly between 0 and 1, got 80"),
        (lambda: episodes_to_detect(0.0, 0.5), "rate_a: must lie strictly"),
        (lambda: pairs_to_detect_mean(0.0, 1.0), "must not be 0, got 0.0 and 1.0"),
        (lambda: pass_at_k(1, 5, 6), "k: must lie between 1 and the number of attempts n = 5, got 6"),
        (lambda: pass_at_k(6, 5, 1), "successes: must lie between 0 and n = 5"),
        (lambda: pass_at_k_interval([], 1), "values: n = 0"),
        (lambda: pass_at_k_interval([(1, 5), (0, 2)], 3), "number of attempts n = 2, got 3"),
    ],
    ids=[
        "three", "certain", "equal", "impossible", "a percentage", "never", "no difference", "too many drawn",
        "too many successes", "no task", "too few attempts",
    ],
)  # fmt: skip
def test_questions_without_an_answer_are_refused_by_name(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(("pairs", "differing"), [(40, 0.3), (150, 0.2), (800, 0.15)])
def test_the_smallest_difference_is_found_and_a_smaller_one_is_not(pairs: int, differing: float) -> None:
    gap = smallest_difference(pairs, differing)
    powers = [
        mcnemar_power(pairs, (differing + one) / 2, (differing - one) / 2) for one in (gap * 1.02, gap * 0.9)
    ]

    # Beyond 200 pairs the answer rests on an approximation.
    assert powers[0] >= 0.8 if pairs <= 200 else powers[0] > 0.77
    assert powers[1] < 0.8


def test_five_pairs_find_nothing_however_large_the_difference() -> None:
    assert smallest_difference(5, 0.0) == 1.0


def test_the_smallest_mean_difference_is_the_one_whose_pairs_are_needed() -> None:
    gap = smallest_mean_difference(30, 0.4)

    assert gap is not None
    assert pairs_to_detect_mean(gap * 1.001, 0.4) == 30
    assert pairs_to_detect_mean(gap * 0.97, 0.4) > 30
    assert smallest_mean_difference(1, 0.4) is None
