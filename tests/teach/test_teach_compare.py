"""Two experiments' labels side by side."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from teach_runs import a_snapshot

from honing.errors import StudyError
from honing.stats import mean_interval, mover, newcombe
from honing.teach.compare import compare_labels, distribution_test
from honing.teach.snapshot import Leverage, PatchTest, Profile, Quadrant, Rate, Route, Snapshot

RATE = Rate(p=0.5, n=2, low=0.1, high=0.9)


def labelled(number: int, *, task: str = "", **changes: Any) -> Snapshot:
    """A snapshot with a label or two; each of a task of its own unless one is named."""
    return a_snapshot(id=f"s{number}", task_hash=task or f"task {number}", **changes)


def with_leverage(value: float) -> Leverage:
    return Leverage(
        p_policy=RATE,
        p_force=RATE,
        p_expert=RATE,
        L_local=value,
        L_local_low=-1,
        L_local_high=1,
        L_upper=0,
        L_upper_low=-1,
        L_upper_high=1,
        profile=Profile.MIXED,
        forced_action="go back",
    )


def with_payoff(value: float) -> PatchTest:
    deltas = dict.fromkeys(Route, value)
    return PatchTest(
        p={}, delta_net=deltas, delta_raw=deltas, ELP_net=value, ELP_raw=value, route_net=Route.DEMO
    )


def test_means_quartiles_and_the_difference_come_with_their_intervals() -> None:
    first, second = [0.1 * n for n in range(11)], [0.1 * n + 0.5 for n in range(21)]
    a = [labelled(n, U=value) for n, value in enumerate(first)]
    b = [labelled(n, U=value) for n, value in enumerate(second)]

    found = compare_labels(a, b, names=("student", "expert"))

    difference = mover(mean_interval(first), mean_interval(second))
    measured = found["measures"]["U"]
    assert measured["student"] == {
        "n": 11,
        "mean": pytest.approx(0.5),
        "quartiles": pytest.approx([0.25, 0.5, 0.75]),
    }
    assert measured["difference"] == {
        "estimate": difference.estimate,
        "low": difference.low,
        "high": difference.high,
    }
    assert difference.estimate == pytest.approx(-1.0)
    assert (found["n"], found["tasks"]) == ({"student": 11, "expert": 21}, {"student": 11, "expert": 21})


def test_each_label_is_read_from_its_own_place() -> None:
    a = [labelled(n, leverage=with_leverage(0.25), cpt=with_payoff(0.5), U=1.0) for n in range(3)]
    b = [labelled(n, leverage=with_leverage(-0.25), cpt=with_payoff(0.0), U=3.0) for n in range(3)]

    measures = compare_labels(a, b)["measures"]

    assert [measures[name]["A"]["mean"] for name in ("U", "L_local", "ELP_net")] == [1.0, 0.25, 0.5]
    assert [measures[name]["B"]["mean"] for name in ("U", "L_local", "ELP_net")] == [3.0, -0.25, 0.0]


def test_shares_of_quadrants_and_their_difference() -> None:
    a = [labelled(n, quadrant=Quadrant.Q1 if n < 6 else Quadrant.Q3) for n in range(20)]
    b = [labelled(n, quadrant=Quadrant.Q1 if n < 3 else Quadrant.Q4) for n in range(30)]

    found = compare_labels(a, b)["quadrants"]

    expected = newcombe(6, 20, 3, 30)
    assert found[Quadrant.Q1]["A"]["estimate"] == pytest.approx(0.3)
    assert found[Quadrant.Q1]["B"] == pytest.approx({**found[Quadrant.Q1]["B"], "estimate": 0.1, "n": 30})
    difference = found[Quadrant.Q1]["difference"]
    assert difference["estimate"] == pytest.approx(expected.estimate)
    assert difference["low"] == pytest.approx(expected.low, abs=0.02)
    assert difference["high"] == pytest.approx(expected.high, abs=0.02)
    assert [found[name]["A"]["estimate"] for name in (Quadrant.Q2, Quadrant.Q3, Quadrant.Q4)] == [0, 0.7, 0]


# scipy computes a p-value besides, which divides by nothing for a few of these samples; it is not looked at.
@pytest.mark.filterwarnings("ignore::RuntimeWarning:scipy")
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=25), st.lists(st.integers(0, 6), min_size=1, max_size=25)
)
def test_the_distance_is_that_of_kolmogorov_and_smirnov(a: list[int], b: list[int]) -> None:
    tasks = [str(n) for n in range(30)]

    distance, _ = distribution_test((a, tasks[: len(a)]), (b, tasks[: len(b)]), seed=0, resamples=1)

    assert distance == pytest.approx(ks_2samp(a, b, method="asymp").statistic)


def test_two_samples_of_one_population_are_seldom_told_apart_and_others_are() -> None:
    rng = random.Random(5)
    tasks = [str(n) for n in range(40)]

    def p_value(shift: float) -> float:
        a, b = [rng.gauss(0, 1) for _ in tasks], [rng.gauss(shift, 1) for _ in tasks]
        return distribution_test((a, tasks), (b, tasks), seed=1, resamples=199)[1]

    alike = [p_value(0.0) for _ in range(60)]
    assert sum(p <= 0.05 for p in alike) <= 8
    assert [p_value(2.0) for _ in range(3)] == [1 / 200] * 3


def test_snapshots_of_one_task_count_as_one_when_tasks_change_sides() -> None:
    rng = np.random.default_rng(3)
    centres = {side: rng.normal(0, 1, 5) for side in "ab"}
    values = {side: [float(c) for c in centres[side] for _ in range(40)] for side in "ab"}
    tasks = [str(n) for n in range(5) for _ in range(40)]
    alone = [str(n) for n in range(200)]

    together = distribution_test((values["a"], tasks), (values["b"], tasks), seed=0, resamples=499)[1]
    apart = distribution_test((values["a"], alone), (values["b"], alone), seed=0, resamples=499)[1]

    assert apart == 1 / 500
    assert together > 0.05


def test_clusters_widen_the_difference() -> None:
    def width(*, clustered: bool) -> float:
        side = [labelled(n, task=f"t{n // 10}" if clustered else "", U=float(n // 10)) for n in range(60)]
        found = compare_labels(side, side)["measures"]["U"]["difference"]
        return float(found["high"] - found["low"])

    assert width(clustered=True) > 2 * width(clustered=False)


def test_labels_that_are_not_there_are_none_and_not_tested() -> None:
    a = [labelled(n, U=float(n)) for n in range(5)]
    b = [labelled(n, U=float(n) + 1, leverage=with_leverage(0.5)) for n in range(5)]

    measures = compare_labels(a, b)["measures"]

    assert measures["L_local"] == {
        "A": {"n": 0, "mean": None, "quartiles": None},
        "B": {"n": 5, "mean": 0.5, "quartiles": [0.5, 0.5, 0.5]},
        "difference": None,
        "distance": None,
        "p_value": None,
        "p_holm": None,
    }
    # One label was tested, so there is nothing to correct for.
    assert measures["U"]["p_holm"] == measures["U"]["p_value"]


def test_p_values_are_corrected_for_the_number_of_labels_tested() -> None:
    a = [labelled(n, U=float(n), leverage=with_leverage(0.1), cpt=with_payoff(0.1 * n)) for n in range(8)]
    b = [labelled(n, U=n + 9.0, leverage=with_leverage(0.1), cpt=with_payoff(0.1 * n)) for n in range(8)]

    measures = compare_labels(a, b)["measures"]

    assert measures["U"]["p_holm"] == pytest.approx(3 * measures["U"]["p_value"])
    assert [measures[name]["p_holm"] for name in ("L_local", "ELP_net")] == [1.0, 1.0]


def test_the_same_snapshots_and_seed_give_the_same_document() -> None:
    a = [labelled(n, U=float(n % 3)) for n in range(12)]
    b = [labelled(n, U=float(n % 4)) for n in range(12)]

    assert compare_labels(a, b, seed=4) == compare_labels(a, b, seed=4)


@pytest.mark.parametrize(
    ("a", "b", "names", "said"),
    [
        ([], [labelled(1)], ("A", "B"), "A has no snapshots"),
        ([labelled(1)], [], ("A", "B"), "B has no snapshots"),
        ([labelled(1)], [labelled(1)], ("A", "A"), "Both sides are called 'A'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    a: list[Snapshot], b: list[Snapshot], names: tuple[str, str], said: str
) -> None:
    with pytest.raises(StudyError, match=said):
        compare_labels(a, b, names=names)
