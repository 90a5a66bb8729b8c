"""Figures of predictions against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from honing.errors import StudyError
from honing.stats import ndcg_at_k, precision_at_k
from honing.teach.prediction.figures import classification_figures, order_figures, regression_figures
from honing.teach.prediction.folds import grouped_folds
from honing.teach.prediction.ranking import _expected, _ndcg, ranking_figures, relevance

scores = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=20)


def test_r2_is_one_less_the_errors_share_of_the_variance() -> None:
    found = regression_figures([0.0, 1.0, 2.0, 3.0, math.nan], [0.0, 1.0, 2.0, 2.0, 9.0], list("abcde"))

    assert (found["n"], found["r2"], found["mae"]) == (4, 1.0 - 1.0 / 5.0, 0.25)


def test_predicting_the_mean_has_r2_zero_and_orders_nothing() -> None:
    found = regression_figures([0.0, 1.0, 2.0, 3.0], [1.5] * 4, list("abcd"))

    assert (found["r2"], found["spearman"]) == (0.0, None)
    assert found["note"] == "one side holds equal values only, so it orders nothing"


def test_labels_that_do_not_differ_have_no_r2() -> None:
    assert regression_figures([0.5] * 4, [0.1, 0.2, 0.3, 0.4], list("abcd")) == {
        "n": 4,
        "r2": None,
        "spearman": None,
        "mae": None,
        "note": "the labels do not differ",
    }


def test_the_interval_of_r2_draws_tasks_not_snapshots() -> None:
    draws = np.random.default_rng(0)
    true = np.repeat(draws.normal(size=10), 20)
    predicted = true + np.repeat(draws.normal(size=10), 20)

    apart, together = (
        regression_figures(true.tolist(), predicted.tolist(), groups)
        for groups in ([str(n) for n in range(200)], [str(n // 20) for n in range(200)])
    )

    assert together["r2"] == apart["r2"]
    assert together["r2_high"] - together["r2_low"] > 2 * (apart["r2_high"] - apart["r2_low"])


def test_almost_constant_values_have_a_correlation_without_an_interval() -> None:
    pairs = [(float(n == 0), float(n)) for n in range(40)]

    assert order_figures(pairs)["note"] == "almost all values are equal, so no interval"


def test_accuracy_f1_and_confusion_of_four_snapshots() -> None:
    said = [{"a": 0.9, "b": 0.1}, {"a": 0.6, "b": 0.4}, {"a": 0.2, "b": 0.8}, {"a": 0.7, "b": 0.3}]

    found = classification_figures(["a", "b", "b", ""], said, list("wxyz"))

    assert (found["n"], found["accuracy"], found["commonest"]) == (3, 2 / 3, 2 / 3)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert found["confusion"] == {"a": {"a": 1, "b": 0}, "b": {"a": 1, "b": 1}}
    assert found["ece"] == pytest.approx((0.1 + 0.6 + 0.2) / 3)


def test_relevant_is_what_pays_and_reaches_the_border_ties_included() -> None:
    assert relevance([0.5, 0.0, 0.5, -0.5, 1.0], 2) == [1.0, 0.0, 1.0, 0.0, 1.0]
    assert relevance([0.0, 0.0, -0.5], 2) == [0.0, 0.0, 0.0]


def test_a_constant_score_is_chance_and_the_payoff_itself_is_perfect() -> None:
    payoff = [1.0, 0.0, 0.0, 0.0]

    found = ranking_figures(
        payoff,
        {"oracle": payoff, "random": [0.0] * 4},
        list("abcd"),
        k=1,
        against={"oracle": "random"},
    )

    assert found["scores"] == {
        "oracle": {"ndcg": 1.0, "precision": 1.0},
        "random": {"ndcg": 0.25, "precision": 0.25},
    }
    assert found["differences"]["oracle-random"]["ndcg"]["estimate"] == 0.75


def test_where_nothing_pays_no_order_is_better() -> None:
    found = ranking_figures([0.0, -1.0], {"x": [1.0, 2.0]}, ["a", "b"], k=1, against={})

    assert (found["scores"], found["note"]) == (
        {},
        "no snapshot pays, so no order is better than another",
    )


@given(scores, st.integers(1, 25))
def test_the_quick_ndcg_of_the_bootstrap_is_that_of_the_statistics(
    rows: list[tuple[int, int]], k: int
) -> None:
    ranked = np.array([float(score) for score, _ in rows])
    gains = np.array([float(gain) for _, gain in rows])
    labels = (gains > 1).astype(float)

    if gains.any():
        assert _ndcg(ranked, gains, k) == pytest.approx(ndcg_at_k(ranked, gains, k))
    within = min(k, len(rows))
    assert _expected(ranked, labels)[:within].mean() == pytest.approx(precision_at_k(ranked, labels, within))


@given(st.lists(st.sampled_from("abcdefgh"), min_size=10, max_size=60), st.integers(2, 4))
def test_folds_keep_groups_together_and_none_is_empty(groups: list[str], folds: int) -> None:
    if len(set(groups)) < folds:
        with pytest.raises(StudyError, match=r"cannot be cut into"):
            grouped_folds(groups, folds, seed=0)
        return

    found = grouped_folds(groups, folds, seed=0)

    assert set(found) == set(range(folds))
    assert len({(group, fold) for group, fold in zip(groups, found, strict=True)}) == len(set(groups))


def test_folds_are_about_equally_large_and_follow_the_seed() -> None:
    groups = [str(n) for n in range(103)]
    first = grouped_folds(groups, 5, seed=0)

    assert sorted(first.count(fold) for fold in range(5)) == [20, 20, 21, 21, 21]
    assert grouped_folds(groups, 5, seed=0) == first
    assert grouped_folds(groups, 5, seed=1) != first
