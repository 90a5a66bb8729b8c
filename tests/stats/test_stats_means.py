from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint

from honing.stats import (
    Interval,
    Method,
    mean_interval,
    mover,
    newcombe,
    newcombe_paired,
    paired_difference,
    proportion,
    t_interval,
    unpaired_difference,
    wilson,
)

VALUES = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=4, max_size=40)
SHARES = st.lists(st.floats(0, 1).map(lambda x: round(x, 3)), min_size=4, max_size=40)


@settings(max_examples=100, deadline=None)
@given(VALUES, st.sampled_from([0.8, 0.95, 0.99]))
def test_the_t_interval_is_scipys(values: list[float], level: float) -> None:
    assume(len(set(values)) > 1)
    n, mean, deviation = len(values), float(np.mean(values)), float(np.std(values, ddof=1))

    found = t_interval(n, mean, deviation, level=level)

    low, high = scipy_stats.t.interval(level, n - 1, mean, deviation / math.sqrt(n))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_a_mean_without_bounds_is_halls_transformation_of_t(values: list[float]) -> None:
    assume(len(set(values)) > 1 and not set(values) <= {0.0, 1.0})
    n = len(values)
    shape = float(scipy_stats.skew(values, bias=False)) / math.sqrt(n)
    assume(abs(shape) > 1e-6)

    found = mean_interval(values)

    # Hall's transform of the studentised mean reaches exactly the quantile of t at either limit.
    error, critical = float(scipy_stats.sem(values)), float(scipy_stats.t.ppf(0.975, n - 1))
    for limit, quantile in ((found.low, critical), (found.high, -critical)):
        t = (found.estimate - limit) / error
        transformed = t + shape * t**2 / 3 + shape**2 * t**3 / 27 + shape / 6
        assert transformed == pytest.approx(quantile, rel=1e-6)
    assert (found.method, found.n) == (Method.SKEW_T, n)


def test_symmetric_values_get_the_plain_t_interval() -> None:
    values = [1.0, 2.0, 3.0, 4.0, 5.0]

    found = mean_interval(values)

    low, high = scipy_stats.t.interval(0.95, 4, 3.0, scipy_stats.sem(values))
    assert (found.estimate, found.low, found.high) == pytest.approx((3.0, low, high))


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_variance_of_clusters_is_statsmodels_cluster_robust_one(level: float) -> None:
    rng = np.random.default_rng(1)
    clusters = np.repeat(np.arange(12), rng.integers(1, 9, size=12))
    values = np.clip(rng.normal(0.5, 0.1, len(clusters)) + rng.normal(0, 0.1, 12)[clusters], 0, 1)

    found = mean_interval(values, clusters=clusters.tolist(), bounds=(0.0, 1.0), level=level)

    fit = OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}
    )
    mean, variance = float(fit.params[0]), float(fit.cov_params()[0, 0]) * 12 / 11
    critical = float(scipy_stats.t.ppf(0.5 + level / 2, 11))
    for limit in (found.low, found.high):
        # Both limits solve (mean - m)^2 = t^2 variance m (1 - m) / (mean (1 - mean)).
        spread = variance * limit * (1 - limit) / (mean * (1 - mean))
        assert abs(mean - limit) == pytest.approx(critical * math.sqrt(spread), rel=1e-7)
    assert (found.estimate, found.method, found.n) == (pytest.approx(mean), Method.SCORE, len(values))


def test_successes_of_independent_tasks_get_the_interval_of_a_proportion() -> None:
    values = [1.0] * 7 + [0.0] * 3

    assert mean_interval(values) == proportion(7, 10)
    assert mean_interval(values, bounds=(0.0, 1.0), clusters=range(10)) == proportion(7, 10)
    assert mean_interval([5.0] * 7 + [-5.0] * 3, bounds=(-5.0, 5.0)) == proportion(7, 10).scaled(10.0, -5.0)


def test_repeating_each_task_adds_nothing_when_its_epochs_agree() -> None:
    once = [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    repeated = [value for value in once for _ in range(6)]
    labels = [task for task in range(8) for _ in range(6)]

    clustered, naive = mean_interval(repeated, clusters=labels), mean_interval(repeated)

    # Eight tasks, not 48: Wilson with n_eff = 7 (variance over n - 1) and t with 7 degrees of freedom.
    low, high = proportion_confint(
        0.625 * 7, 7, alpha=2 * scipy_stats.norm.sf(scipy_stats.t.ppf(0.975, 7)), method="wilson"
    )
    assert (clustered.low, clustered.high) == pytest.approx((low, high))
    assert clustered.half_width > 2 * naive.half_width


@settings(max_examples=80, deadline=None)
@given(SHARES, st.randoms(use_true_random=False), st.sampled_from([None, (0.0, 1.0)]))
def test_order_does_not_matter_and_the_estimate_lies_inside(
    values: list[float], shuffler: random.Random, bounds: tuple[float, float] | None
) -> None:
    labels = [index // 2 for index in range(len(values))]
    pairs = list(zip(values, labels, strict=True))
    shuffler.shuffle(pairs)

    found = mean_interval(values, clusters=labels, bounds=bounds)
    again = mean_interval([v for v, _ in pairs], clusters=[c for _, c in pairs], bounds=bounds)

    assert found.low <= found.estimate <= found.high
    assert (again.estimate, again.low, again.high) == pytest.approx(
        (found.estimate, found.low, found.high), abs=1e-9
    )


@settings(max_examples=80, deadline=None)
@given(SHARES, st.sampled_from([None, (0.0, 1.0), (-3.0, 7.0)]))
def test_a_higher_level_never_narrows_a_mean(values: list[float], bounds: tuple[float, float] | None) -> None:
    found = [mean_interval(values, bounds=bounds, level=level) for level in (0.5, 0.8, 0.95, 0.99)]

    assert [i.low for i in found] == sorted((i.low for i in found), reverse=True)
    assert [i.high for i in found] == sorted(i.high for i in found)


@settings(max_examples=80, deadline=None)
@given(SHARES)
def test_mirrored_rewards_get_the_mirrored_interval(values: list[float]) -> None:
    found, mirrored = (
        mean_interval(v, bounds=(0.0, 1.0)) for v in (values, [1.0 - value for value in values])
    )

    assert (found.low, found.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low), abs=1e-7)


def test_equal_rewards_in_bounds_leave_room_for_what_was_not_seen() -> None:
    found = mean_interval([0.25] * 8, bounds=(0.0, 1.0))

    missed = 1 - 0.025 ** (1 / 8)
    assert (found.low, found.high) == pytest.approx((0.25 - missed * 0.25, 0.25 + missed * 0.75))
    assert found.method is Method.ALL_EQUAL
    assert mean_interval([3.5] * 8) == type(found)(3.5, 3.5, 3.5, 0.95, Method.ALL_EQUAL, 8)


def test_a_single_cluster_says_almost_nothing_in_bounds_and_is_refused_without() -> None:
    values = [0.2, 0.9, 0.5]

    found = mean_interval(values, clusters=["task"] * 3, bounds=(0.0, 1.0))

    assert found.high - found.low == pytest.approx(0.975)
    with pytest.raises(ValueError, match=r"one cluster \(3 values\) says nothing"):
        mean_interval(values, clusters=["task"] * 3)


@pytest.mark.parametrize(
    ("values", "options", "said"),
    [
        ([], {}, "values: n = 0"),
        ([0.1, math.nan], {}, r"values\[1\]: must be a finite number, got nan"),
        ([0.1, math.inf], {}, r"values\[1\]: must be a finite number, got inf"),
        (
            [0.1, 1.5],
            {"bounds": (0.0, 1.0)},
            r"values\[1\]: must lie within the bounds \(0.0, 1.0\), got 1.5",
        ),
        ([0.1, 0.5], {"bounds": (1.0, 0.0)}, "bounds: must be two finite numbers, the smaller first"),
        (
            [0.1, 0.5],
            {"clusters": ["a"]},
            "clusters: must hold one label per value, got 1 labels for 2 values",
        ),
        ([0.1, 0.5], {"level": 0.0}, "level: must lie strictly between 0 and 1, got 0.0"),
    ],
    ids=["none", "NaN", "infinity", "out of bounds", "bounds reversed", "labels missing", "no level"],
)
def test_what_cannot_be_averaged_is_refused_by_name(
    values: list[float], options: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        mean_interval(values, **options)  # type: ignore[arg-type]


def test_paired_successes_get_newcombes_paired_interval() -> None:
    a = [1.0] * 14 + [1.0] * 5 + [0.0] * 22
    b = [1.0] * 14 + [0.0] * 5 + [0.0] * 22

    assert paired_difference(a, b) == newcombe_paired(14, 5, 0, 22)
    assert paired_difference(a, b, bounds=(0.0, 1.0), clusters=range(41)) == newcombe_paired(14, 5, 0, 22)


def test_paired_rewards_get_the_interval_of_their_differences() -> None:
    a, b = [0.5, 0.9, 0.2, 0.7], [0.1, 0.8, 0.3, 0.7]

    differences = [x - y for x, y in zip(a, b, strict=True)]
    assert paired_difference(a, b) == mean_interval(differences)
    assert paired_difference(a, b, bounds=(0.0, 1.0)) == mean_interval(differences, bounds=(-1.0, 1.0))


def test_epochs_of_the_same_task_count_as_one_task_in_a_comparison() -> None:
    a, b = [1.0, 1.0, 1.0, 0.0] * 5, [0.0, 0.0, 1.0, 0.0] * 5
    tasks = [0, 1, 2, 3] * 5

    found = paired_difference(a, b, clusters=tasks)

    differences = [x - y for x, y in zip(a, b, strict=True)]
    assert found == mean_interval(differences, clusters=tasks, bounds=(-1.0, 1.0))
    assert found.half_width > 1.5 * paired_difference(a, b).half_width


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), min_size=4, max_size=20))
@pytest.mark.parametrize("difference", [paired_difference, unpaired_difference])
def test_swapping_the_arms_mirrors_the_difference(
    difference: Callable[[list[float], list[float]], Interval], pairs: list[tuple[float, float]]
) -> None:
    a, b = [round(x, 3) for x, _ in pairs], [round(y, 3) for _, y in pairs]

    one, other = difference(a, b), difference(b, a)

    assert (one.estimate, one.low, one.high) == pytest.approx(
        (-other.estimate, -other.high, -other.low), abs=1e-9
    )


def test_unpaired_successes_get_newcombe_and_rewards_the_joined_intervals() -> None:
    a, b = [1.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0]
    rewards = [0.3, 0.1, 0.6, 0.8], [0.4, 0.2, 0.2]

    assert unpaired_difference(a, b) == newcombe(3, 4, 1, 3)
    assert unpaired_difference(*rewards) == mover(mean_interval(rewards[0]), mean_interval(rewards[1]))


def test_two_t_intervals_of_equal_width_join_by_pythagoras() -> None:
    a, b = t_interval(20, 5.0, 2.0), t_interval(20, 3.0, 2.0)

    found = mover(a, b)

    assert (found.estimate, found.half_width, found.n) == (
        2.0,
        pytest.approx(a.half_width * math.sqrt(2)),
        40,
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: paired_difference([1.0, 0.0], [1.0]), "same tasks in the same order, got 2 and 1"),
        (lambda: paired_difference([], []), "a: n = 0"),
        (lambda: paired_difference([1.0], [math.nan]), r"b\[0\]: must be a finite number"),
        (lambda: paired_difference([0.5, 3.0], [0.1, 0.2], bounds=(0.0, 1.0)), r"a\[1\]: must lie within"),
        (lambda: unpaired_difference([0.5], []), "b: n = 0"),
        (lambda: newcombe_paired(0, 0, 0, 0), "n: must be at least 1"),
        (lambda: newcombe_paired(3, -1, 0, 2), "successes: must lie between 0 and n = 4, got -1"),
        (lambda: mover(wilson(1, 2, level=0.9), wilson(1, 2)), "same level, got 0.9 and 0.95"),
        (lambda: t_interval(1, 0.5, 0.1), "n: must be at least 2, got 1"),
        (lambda: t_interval(5, 0.5, math.nan), "must be finite"),
    ],
    ids=[
        "lengths", "none", "NaN", "bounds", "empty arm", "no pair", "negative", "levels", "one value",
        "NaN deviation",
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_by_name(call: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()  # type: ignore[operator]


def test_differences_that_happen_to_be_0_and_1_are_no_successes() -> None:
    swapped = paired_difference([0.0, 0.0, 0.0, -1.0], [0.0] * 4)
    found = paired_difference([0.0] * 4, [0.0, 0.0, 0.0, -1.0])

    assert (found.estimate, found.low, found.high) == pytest.approx(
        (-swapped.estimate, -swapped.high, -swapped.low)
    )
