from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from honing.stats import Permutation, holm, mcnemar_exact, paired_permutation, permutation

SMALL = st.lists(st.integers(-20, 20).map(lambda x: x / 4), min_size=2, max_size=7)
DRAWS = st.lists(st.tuples(st.integers(-8, 8), st.integers(-8, 8)), min_size=2, max_size=9)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_statsmodels_exact_test(only_a: int, only_b: int) -> None:
    expected = float(mcnemar([[7, only_a], [only_b, 3]], exact=True).pvalue)

    assert mcnemar_exact(only_a, only_b) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(DRAWS)
def test_small_paired_comparisons_list_every_pattern_as_scipy_does(pairs: list[tuple[int, int]]) -> None:
    a, b = [float(x) for x, _ in pairs], [float(y) for _, y in pairs]

    found = paired_permutation(a, b)

    expected = scipy_stats.permutation_test(
        (a, b), lambda x, y: abs(np.mean(x) - np.mean(y)), permutation_type="samples",
        alternative="greater", n_resamples=math.inf, vectorized=False,
    )  # fmt: skip
    assert (found.p_value, found.exact) == (pytest.approx(expected.pvalue), True)
    assert found.difference == pytest.approx(np.mean(a) - np.mean(b))


@settings(max_examples=40, deadline=None)
@given(SMALL, SMALL)
def test_small_unpaired_comparisons_list_every_split_as_scipy_does(a: list[float], b: list[float]) -> None:
    found = permutation(a, b)

    expected = scipy_stats.permutation_test(
        (a, b), lambda x, y: abs(np.mean(x) - np.mean(y)), permutation_type="independent",
        alternative="greater", n_resamples=math.inf, vectorized=False,
    )  # fmt: skip
    assert (found.p_value, found.arrangements) == (
        pytest.approx(expected.pvalue),
        math.comb(len(a) + len(b), len(a)),
    )


def test_on_successes_the_paired_permutation_test_is_mcnemars() -> None:
    a = [1.0] * 9 + [0.0] * 3 + [1.0] * 20
    b = [0.0] * 9 + [1.0] * 3 + [1.0] * 20

    assert paired_permutation(a, b) == Permutation(6 / 32, mcnemar_exact(9, 3), exact=True, arrangements=4096)


def test_drawn_patterns_agree_with_listing_and_repeat_by_seed() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.45, 1, size=24), rng.normal(size=24)
    t_test = float(scipy_stats.ttest_rel(a, b).pvalue)

    first, again = paired_permutation(a, b, seed=3), paired_permutation(a, b, seed=3)

    assert first == again
    assert (first.exact, first.arrangements) == (False, 9999)
    assert first.p_value == pytest.approx(t_test, abs=0.02)


def test_drawn_splits_agree_with_the_t_test_and_are_never_impossible() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.5, 1, size=30), rng.normal(size=40)
    t_test = float(scipy_stats.ttest_ind(a, b).pvalue)

    found = permutation(a, b)
    far = permutation(a + 100, b)

    assert found.p_value == pytest.approx(t_test, abs=0.02)
    assert far.p_value == 1 / 10_000


def test_epochs_of_a_task_flip_together() -> None:
    a, b = [1.0] * 12, [0.0] * 12

    found = paired_permutation(a, b, clusters=[0] * 4 + [1] * 4 + [2] * 4)

    assert found == Permutation(1.0, 2 / 8, exact=True, arrangements=8)


def test_a_permutation_test_on_noise_rejects_no_more_often_than_it_says() -> None:
    rng = np.random.default_rng(8)
    rejected = [
        paired_permutation(*rng.exponential(size=(2, 9)).tolist()).p_value <= 0.05 for _ in range(2000)
    ]

    assert 0.035 <= sum(rejected) / 2000 <= 0.062


# Few examples: statsmodels collects garbage at each call, 0.15 s with all that is loaded here.
@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=3, max_size=12))
def test_holm_is_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())


def test_holm_of_nothing_is_nothing_and_of_no_probability_is_refused() -> None:
    assert holm([]) == []
    with pytest.raises(ValueError, match=r"p_values\[1\]: must lie in \[0, 1\], got nan"):
        holm([0.1, math.nan])


def test_no_differing_task_is_no_evidence() -> None:
    assert mcnemar_exact(0, 0) == 1.0
    assert paired_permutation([1.0, 2.0], [1.0, 2.0]) == Permutation(0.0, 1.0, exact=True, arrangements=1)
    with pytest.raises(ValueError, match="counts cannot be negative, got -1 and 3"):
        mcnemar_exact(-1, 3)
