from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from honing.stats import (
    Interval,
    Method,
    clopper_pearson,
    newcombe,
    newcombe_paired,
    proportion,
    proportion_lower_bound,
    proportion_upper_bound,
    wilson,
)

COUNTS = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
TABLES = st.tuples(*[st.integers(0, 60)] * 4).filter(lambda table: sum(table) > 0)


@settings(max_examples=100, deadline=None)
@given(COUNTS, LEVELS)
def test_wilson_is_statsmodels(counts: tuple[int, int], level: float) -> None:
    successes, n = counts

    found = wilson(successes, n, level=level)

    low, high = proportion_confint(successes, n, alpha=1 - level, method="wilson")
    assert (found.estimate, found.level, found.method, found.n) == (successes / n, level, Method.WILSON, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(COUNTS, LEVELS)
def test_clopper_pearson_is_scipys_exact_interval(counts: tuple[int, int], level: float) -> None:
    successes, n = counts

    found = clopper_pearson(successes, n, level=level)

    expected = scipy_stats.binomtest(successes, n).proportion_ci(level, method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(COUNTS, LEVELS)
def test_one_sided_bounds_are_scipys(counts: tuple[int, int], level: float) -> None:
    successes, n = counts

    bounds = (
        proportion_lower_bound(successes, n, level=level),
        proportion_upper_bound(successes, n, level=level),
    )

    lower = (
        scipy_stats.binomtest(successes, n, alternative="greater").proportion_ci(level, method="exact").low
    )
    upper = scipy_stats.binomtest(successes, n, alternative="less").proportion_ci(level, method="exact").high
    assert bounds == pytest.approx((lower, upper), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(COUNTS, st.integers(0, 3000).flatmap(lambda x: st.tuples(st.just(x), st.integers(max(x, 1), 3000))))
def test_the_unpaired_difference_is_statsmodels_newcombe(a: tuple[int, int], b: tuple[int, int]) -> None:
    found = newcombe(*a, *b)

    expected = confint_proportions_2indep(*a, *b, method="newcomb", compare="diff")
    assert found.estimate == a[0] / a[1] - b[0] / b[1]
    assert (found.low, found.high) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("table", "limits"),
    [((14, 5, 0, 22), (0.011, 0.226)), ((1, 1, 7, 12), (-0.507, -0.026))],
    ids=["Altman and others 2000, table 6.2", "Bentur and others 2009, in Fagerland and others 2014"],
)
def test_the_paired_difference_is_the_published_one(
    table: tuple[int, int, int, int], limits: tuple[float, float]
) -> None:
    found = newcombe_paired(*table)

    assert (round(found.low, 3), round(found.high, 3)) == limits


@settings(max_examples=150, deadline=None)
@given(TABLES)
def test_the_paired_difference_is_a_second_writing_of_newcombes_formula(
    table: tuple[int, int, int, int],
) -> None:
    e, f, g, h = table
    n = sum(table)
    (l2, u2), (l3, u3) = (proportion_confint(x, n, method="wilson") for x in (e + f, e + g))
    dl2, du2, dl3, du3 = (e + f) / n - l2, u2 - (e + f) / n, (e + g) / n - l3, u3 - (e + g) / n
    a = (e + f) * (g + h) * (e + g) * (f + h)
    b = e * h - f * g
    c = b - n / 2 if b > n / 2 else 0 if b >= 0 else b
    phi = 0 if a == 0 else c / a**0.5
    delta = (dl2**2 - 2 * phi * dl2 * du3 + du3**2) ** 0.5
    epsilon = (du2**2 - 2 * phi * du2 * dl3 + dl3**2) ** 0.5

    found = newcombe_paired(*table)

    assert (found.low, found.high) == pytest.approx(((f - g) / n - delta, (f - g) / n + epsilon), abs=1e-7)


@settings(max_examples=100, deadline=None)
@given(TABLES)
def test_swapping_the_arms_mirrors_the_paired_difference(table: tuple[int, int, int, int]) -> None:
    both, only_a, only_b, neither = table

    one, other = (
        newcombe_paired(both, only_a, only_b, neither),
        newcombe_paired(both, only_b, only_a, neither),
    )

    assert (one.estimate, one.low, one.high) == pytest.approx((-other.estimate, -other.high, -other.low))


@settings(max_examples=100, deadline=None)
@given(COUNTS, LEVELS)
def test_every_interval_holds_its_estimate_and_mirrors_when_success_and_failure_swap(
    counts: tuple[int, int], level: float
) -> None:
    successes, n = counts

    for method in (wilson, clopper_pearson, proportion):
        found, mirrored = method(successes, n, level=level), method(n - successes, n, level=level)

        assert 0.0 <= found.low <= found.estimate <= found.high <= 1.0
        assert (found.low, found.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(COUNTS)
def test_a_higher_level_never_narrows(counts: tuple[int, int]) -> None:
    for method in (wilson, clopper_pearson, proportion):
        widths = [method(*counts, level=level).half_width for level in (0.5, 0.8, 0.9, 0.95, 0.99)]

        assert widths == sorted(widths)


@pytest.mark.parametrize("n", [1, 10, 1319])
def test_no_success_leaves_zero_possible_and_all_successes_leave_one(n: int) -> None:
    ends = [(method(0, n).low, method(n, n).high) for method in (wilson, clopper_pearson, proportion)]

    assert ends == [(0.0, 1.0)] * 3
    assert proportion_upper_bound(0, n) == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(1, 10), (2, 50), (3, 51), (9, 10)])
def test_the_recommended_interval_reaches_further_where_few_of_a_kind_were_seen(
    successes: int, n: int
) -> None:
    rare = min(successes, n - successes)
    poisson = scipy_stats.chi2.ppf(0.05, 2 * rare) / 2 / n

    found, plain = proportion(successes, n), wilson(successes, n)

    if successes == rare:
        assert (found.low, found.high) == (pytest.approx(min(plain.low, poisson)), plain.high)
    else:
        assert (found.low, found.high) == (plain.low, pytest.approx(max(plain.high, 1 - poisson)))


@pytest.mark.parametrize(
    ("n", "wilsons", "recommended"),
    [(7, 0.834, 0.894), (13, 0.836, 0.909), (40, 0.837, 0.916), (130, 0.838, 0.926)],
)
def test_the_lowest_coverage_over_all_rates_is_what_the_page_says(
    n: int, wilsons: float, recommended: float
) -> None:
    def lowest(method: Callable[[int, int], Interval]) -> float:
        limits = np.array([(i.low, i.high) for i in (method(x, n) for x in range(n + 1))])
        # Coverage jumps at the limits and is smooth and without dips between them.
        ends = np.unique(limits)[1:-1]
        rates = np.concatenate([ends - 1e-9, ends + 1e-9])
        chances = scipy_stats.binom.pmf(np.arange(n + 1)[:, None], n, rates)
        held = (limits[:, :1] <= rates) & (rates <= limits[:, 1:])
        return float((chances * held).sum(axis=0).min())

    assert (lowest(wilson), lowest(proportion)) == pytest.approx((wilsons, recommended), abs=0.0006)


@pytest.mark.parametrize(
    ("successes", "n", "level", "said"),
    [
        (0, 0, 0.95, "n: must be at least 1, got 0"),
        (-1, 5, 0.95, "successes: must lie between 0 and n = 5, got -1"),
        (6, 5, 0.95, "successes: must lie between 0 and n = 5, got 6"),
        (1.5, 5, 0.95, "must be whole numbers, got 1.5 of 5"),
        (float("nan"), 5, 0.95, "must be whole numbers, got nan of 5"),
        (1, 5, 95, "level: must lie strictly between 0 and 1, got 95"),
        (1, 5, 1.0, "level: must lie strictly between 0 and 1, got 1.0"),
    ],
    ids=["no trial", "negative", "too many", "a fraction", "NaN", "a percentage", "certainty"],
)
@pytest.mark.parametrize(
    "method", [wilson, clopper_pearson, proportion, proportion_upper_bound, proportion_lower_bound]
)
def test_impossible_counts_are_refused_by_name(
    method: object, successes: float, n: int, level: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        method(successes, n, level=level)  # type: ignore[operator]


def test_a_progress_bar_gets_its_intervals_without_numpy() -> None:
    script = (
        "import sys, honing.stats as s\n"
        "s.wilson(7, 10), s.proportion(7, 10), s.t_interval(5, 0.5, 0.1), s.mean_interval([0.1, 0.5, 1.0])\n"
        "s.newcombe_paired(1, 1, 7, 12), s.pass_at_k_interval([(1, 5)] * 4, 2)\n"
        "s.episodes_for_half_width(0.03), s.pairs_to_detect(0.5, 0.7), s.mcnemar_exact(1, 5)\n"
        "print(sorted({'numpy', 'scipy', 'statsmodels'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_an_interval_reads_as_a_sentence_and_scales() -> None:
    interval = Interval(0.5, 0.25, 0.875, 0.95, Method.WILSON, 8)

    assert str(interval) == "0.500 [0.250, 0.875]"
    assert (interval.half_width, interval.contains(0.25), interval.contains(0.9)) == (0.3125, True, False)
    assert interval.scaled(4.0, -1.0) == Interval(1.0, 0.0, 2.5, 0.95, Method.WILSON, 8)
