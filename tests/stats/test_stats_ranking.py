from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from honing.stats import (
    Interval,
    Method,
    bootstrap_interval,
    expected_calibration_error,
    ndcg_at_k,
    precision_at_k,
    proportion,
    reliability,
    spearman,
    spearman_interval,
)

PAIRS = st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=4, max_size=40)


@settings(max_examples=100, deadline=None)
@given(PAIRS)
def test_spearman_is_scipys_ties_included(pairs: list[tuple[int, int]]) -> None:
    x, y = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    assume(len(set(x)) > 1 and len(set(y)) > 1)

    assert spearman(x, y) == pytest.approx(scipy_stats.spearmanr(x, y).statistic, abs=1e-9)


def test_its_bootstrap_is_the_one_over_rows() -> None:
    rng = np.random.default_rng(2)
    x = np.round(rng.normal(size=50), 1)
    y = np.round(x + rng.normal(size=50), 1)

    for method in (Method.PERCENTILE, Method.BCA):
        found = spearman_interval(x, y, method=method, resamples=400, seed=6)

        by_rows = bootstrap_interval(
            np.column_stack([x, y]), lambda rows: float(scipy_stats.spearmanr(rows).statistic),
            method=method, resamples=400, seed=6,
        )  # fmt: skip
        assert (found.estimate, found.low, found.high) == pytest.approx(
            (by_rows.estimate, by_rows.low, by_rows.high), abs=1e-9
        )


def test_few_pairs_get_bonett_and_wrights_interval() -> None:
    x, y = [1, 2, 3, 4, 5, 6, 7, 8], [2, 1, 4, 3, 7, 5, 8, 6]
    rho = float(scipy_stats.spearmanr(x, y).statistic)
    reach = 1.959963984540054 * math.sqrt((1 + rho**2 / 2) / 5)

    found = spearman_interval(x, y)

    assert (found.estimate, found.method, found.n) == (pytest.approx(rho), Method.BONETT_WRIGHT, 8)
    assert (found.low, found.high) == pytest.approx(
        (math.tanh(math.atanh(rho) - reach), math.tanh(math.atanh(rho) + reach))
    )


@pytest.mark.parametrize("n", [5, 60])
def test_perfect_order_is_not_called_certain(n: int) -> None:
    found, mirrored = (spearman_interval(range(n), range(n)[::step]) for step in (1, -1))

    nearly = math.atanh(1 - 6 / (n**3 - n)) - 1.959963984540054 * math.sqrt(1.5 / (n - 3))
    assert (found.estimate, found.low, found.high) == pytest.approx((1.0, math.tanh(nearly), 1.0))
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_many_pairs_get_the_percentile_bootstrap_and_repeat_by_seed() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 40))

    first, again, other = (spearman_interval(x, y, seed=seed) for seed in (4, 4, 5))

    assert first.method is Method.PERCENTILE
    assert repr(first) == repr(again)
    assert repr(first) != repr(other)


@pytest.mark.parametrize(
    ("scores", "gains", "k", "expected"),
    [
        ([3, 2, 1], [3.0, 2.0, 1.0], 3, 1.0),
        ([1, 2, 3], [3.0, 2.0, 1.0], 1, 1 / 3),
        ([1, 2, 3], [0.0, 0.0, 1.0], 99, 1.0),
        ([3, 2, 1], [0.0, 1.0, 0.0], 2, 1 / math.log2(3)),
    ],
    ids=["perfect", "worst first", "more places than there are", "one behind"],
)
def test_ndcg_is_what_is_counted_by_hand(
    scores: list[float], gains: list[float], k: int, expected: float
) -> None:
    assert ndcg_at_k(scores, gains, k) == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=2, max_size=5), st.integers(1, 5))
def test_equal_scores_count_as_the_mean_over_every_way_to_break_the_tie(
    rows: list[tuple[int, int]], k: int
) -> None:
    scores, gains = [s for s, _ in rows], [float(g) for _, g in rows]
    assume(any(gains) and k <= len(rows))
    labels = [float(g > 1) for g in gains]
    orders = [
        order for order in permutations(range(len(rows)))
        if all(scores[a] >= scores[b] for a, b in pairwise(order))
    ]  # fmt: skip

    def mean_over_orders(worth: list[float], weight: list[float]) -> float:
        return float(np.mean([sum(worth[i] * w for i, w in zip(o, weight, strict=False)) for o in orders]))

    discounts = [1 / math.log2(place + 2) for place in range(k)]
    best = sum(g * d for g, d in zip(sorted(gains, reverse=True), discounts, strict=False))
    assert ndcg_at_k(scores, gains, k) == pytest.approx(mean_over_orders(gains, discounts) / best)
    assert precision_at_k(scores, labels, k) == pytest.approx(mean_over_orders(labels, [1 / k] * k))


def test_reliability_puts_each_prediction_beside_what_happened() -> None:
    probabilities, outcomes = [0.0, 0.1, 0.75, 0.8, 1.0], [0, 0, 1, 0, 1]

    rows = reliability(probabilities, outcomes, bins=4)

    assert [(row.low, row.high, row.n, row.rate) for row in rows] == [
        (0.0, 0.25, 2, proportion(0, 2)),
        (0.5, 0.75, 1, proportion(1, 1)),
        (0.75, 1.0, 2, proportion(1, 2)),
    ]
    assert [row.mean_probability for row in rows] == pytest.approx([0.05, 0.75, 0.9])
    assert expected_calibration_error(probabilities, outcomes, bins=4) == pytest.approx(
        (2 * 0.05 + 1 * 0.25 + 2 * 0.4) / 5
    )


def test_forecasts_that_come_true_as_often_as_they_say_are_calibrated() -> None:
    probabilities = [0.2] * 10 + [0.7] * 10

    assert expected_calibration_error(probabilities, [1] * 2 + [0] * 8 + [1] * 7 + [0] * 3) == pytest.approx(
        0.0
    )
    assert expected_calibration_error(probabilities, [0] * 10 + [0] * 10) == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: spearman([1.0, 1.0], [1.0, 2.0]), "one side holds equal values only"),
        (lambda: spearman([1.0], [1.0]), "n = 1, expected at least two pairs"),
        (lambda: spearman([1.0, math.nan], [1.0, 2.0]), r"a\[1\]: must be a finite number"),
        (lambda: spearman_interval([1, 2, 3], [1, 2, 3]), "n = 3, expected at least four pairs"),
        (lambda: spearman_interval([1, 2, 3, 4], [1, 2, 4, 3], method=Method.T), "method: must be"),
        (lambda: ndcg_at_k([1.0], [-1.0], 1), "gains: must be 0 or more, got -1.0"),
        (lambda: ndcg_at_k([1.0], [0.0], 1), "every gain is 0"),
        (lambda: ndcg_at_k([1.0], [1.0], 0), "k: must be at least 1, got 0"),
        (lambda: precision_at_k([1.0], [1.0], 2), "k: must be at most n = 1, got 2"),
        (lambda: precision_at_k([1.0], [0.5], 1), r"relevant\[0\]: must be 0 or 1, got 0.5"),
        (lambda: reliability([1.2], [1.0]), r"probabilities: must lie in \[0, 1\], got 1.2 to 1.2"),
        (lambda: reliability([0.2], [0.5]), r"outcomes\[0\]: must be 0 or 1, got 0.5"),
        (lambda: reliability([0.2], [1.0], bins=0), "bins: must be at least 1, got 0"),
        (lambda: reliability([], []), "a: n = 0"),
    ],
    ids=[
        "constant", "one pair", "NaN", "three pairs", "other method", "negative gain", "no gain", "no place",
        "too many places",
        "half relevant", "not a probability", "half an outcome", "no bin", "none",
    ],
)  # fmt: skip
def test_what_cannot_be_ranked_is_refused_by_name(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]


def test_an_interval_of_ranks_does_not_depend_on_the_scale() -> None:
    x = [1.0, 2.0, 3.0, 5.0, 8.0, 13.0]
    y = [2.0, 1.0, 4.0, 3.0, 6.0, 5.0]

    found = spearman_interval(x, y)

    assert isinstance(found, Interval)
    assert spearman_interval([math.exp(v) for v in x], [10 * v for v in y]) == found
