"""Reliability: correlations of a label with itself, or why there are none."""

from __future__ import annotations

import pytest

from honing.teach.labels.reliability import correlation, mean_of, split_half


def test_a_label_that_comes_out_alike_is_reliable() -> None:
    values = [number / 40 for number in range(40)]
    found = correlation(values, values)

    assert (found["rho"], found["n"], found["note"]) == (1.0, 40, "")
    assert found["low"] > 0.9


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "3 pairs, at least 4 are needed"),
        ([1.0] * 9, [float(n) for n in range(9)], "one side holds equal values only, so it orders nothing"),
        ([1.0] + [0.0] * 59, [0.0] * 59 + [1.0], "almost all values are equal, so no interval can be told"),
    ],
    ids=["few", "constant", "nearly constant"],
)
def test_what_orders_nothing_has_no_correlation_and_says_why(
    first: list[float], second: list[float], note: str
) -> None:
    found = correlation(first, second)

    assert found == {"rho": None, "low": None, "high": None, "n": len(first), "note": note}


def test_halves_speak_for_the_whole_by_spearman_and_brown() -> None:
    found = split_half([1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.0, 3.0, 4.0, 5.0])

    assert found["rho"] == pytest.approx(0.9)
    assert found["full_length"] == pytest.approx(1.8 / 1.9)
    assert split_half([1.0], [1.0])["full_length"] is None


def test_a_mean_of_nothing_is_no_number() -> None:
    assert mean_of([]) == {"mean": None, "low": None, "high": None, "n": 0}
    assert mean_of([0.5, -0.5, 0.5, 0.5])["mean"] == 0.25
