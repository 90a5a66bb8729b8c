from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats as scipy_stats

from honing.stats import Interval, Method, bootstrap_interval
from honing.stats.bootstrap import weighted_bootstrap


def median(rows: Any) -> float:
    return float(np.median(rows))


@pytest.mark.parametrize(("method", "scipys"), [(Method.BCA, "BCa"), (Method.PERCENTILE, "percentile")])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_bootstrap_is_scipys_on_the_same_draws(method: Method, scipys: str, level: float) -> None:
    values = np.random.default_rng(3).exponential(size=25)

    found = bootstrap_interval(values, lambda v: float(v.mean()), method=method, level=level, seed=11)

    expected = scipy_stats.bootstrap(
        (values,), np.mean, n_resamples=2000, confidence_level=level, method=scipys,
        rng=np.random.default_rng(11),
    ).confidence_interval  # fmt: skip
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert (found.estimate, found.level, found.method, found.n) == (values.mean(), level, method, 25)


@pytest.mark.parametrize("method", [Method.BCA, Method.PERCENTILE])
def test_weights_draw_the_same_resamples_as_rows(method: Method) -> None:
    values = np.random.default_rng(5).normal(size=30)

    by_rows = bootstrap_interval(values, lambda v: float(v.mean()), method=method, seed=2)
    by_weights = weighted_bootstrap(30, lambda w: (w @ values) / w.sum(axis=1), method=method, seed=2)

    assert (by_weights.low, by_weights.high) == pytest.approx((by_rows.low, by_rows.high), rel=1e-9)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    values = np.random.default_rng(0).normal(size=40)

    first, again, other = (bootstrap_interval(values, median, seed=seed, resamples=300) for seed in (1, 1, 2))

    assert repr(first) == repr(again)
    assert repr(first) != repr(other)


def test_whole_clusters_are_drawn_in_whatever_order_rows_come() -> None:
    rng = np.random.default_rng(4)
    effects = rng.normal(size=15)
    values, labels = np.repeat(effects, 20), np.repeat(np.arange(15), 20)
    order = rng.permutation(300)

    clustered = bootstrap_interval(
        values[order], lambda v: float(v.mean()), clusters=labels[order], method=Method.PERCENTILE
    )
    by_cluster = bootstrap_interval(effects, lambda v: float(v.mean()), method=Method.PERCENTILE)

    # Twenty equal copies of each of fifteen values are worth fifteen values.
    assert clustered.half_width == pytest.approx(by_cluster.half_width, rel=0.1)
    assert clustered.half_width > 3 * bootstrap_interval(values, lambda v: float(v.mean())).half_width


def test_rows_of_several_columns_stay_together() -> None:
    x = np.arange(30.0)

    found = bootstrap_interval(
        np.column_stack([x, 2 * x]),
        lambda rows: float((rows[:, 1] - 2 * rows[:, 0]).sum()),
        method=Method.PERCENTILE,
    )

    assert found == Interval(0.0, 0.0, 0.0, 0.95, Method.PERCENTILE, 30)


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ([], {}, "rows: need shape"),
        ([1.0, np.nan], {}, r"rows\[1\]: every number must be finite"),
        ([1.0], {}, "at least two clusters, got 1"),
        ([1.0, 2.0], {"clusters": ["a", "a"]}, r"at least two clusters, got 1 \(2 rows\)"),
        ([1.0, 2.0], {"method": Method.WILSON}, "method: must be Method.BCA or Method.PERCENTILE"),
        ([1.0, 2.0], {"resamples": 0}, "resamples: must be at least 1, got 0"),
        ([1.0, 1.0, 1.0, 1.0], {}, None),
    ],
    ids=["none", "NaN", "one row", "one cluster", "other method", "no draw", "all equal"],
)
def test_what_cannot_be_resampled_is_refused_by_name(
    rows: list[float], options: dict[str, Any], said: str | None
) -> None:
    if said is None:
        found = bootstrap_interval(rows, median, **options)

        assert (found.low, found.high) == (1.0, 1.0)
        return
    with pytest.raises(ValueError, match=said):
        bootstrap_interval(rows, median, **options)


def test_a_statistic_that_often_fails_is_refused_with_the_count() -> None:
    with pytest.raises(ValueError, match=r"not finite on \d+ of 2000 draws"):
        bootstrap_interval([1.0, 2.0, 3.0], lambda v: float("nan") if v[0] == 1.0 and v[1] != 2.0 else 1.0)


def test_a_statistic_that_fails_on_the_data_is_refused() -> None:
    with pytest.raises(ValueError, match="finite on the data itself, got nan"):
        bootstrap_interval([1.0, 2.0], lambda v: float("nan"))
