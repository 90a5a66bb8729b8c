"""What phase 1B makes of its rows."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from honing.stats import spearman
from honing.teach.micro.agreement import agreement, partial_spearman, spearman_brown
from honing.teach.micro.verdict import criteria_of
from honing.teach.snapshot import Quadrant
from honing.teach.study_spec import MicroSetting

SEED = MicroSetting(label="seed", n_steps=2, learning_rate=1e-3, decides=True)
OURS = MicroSetting(label="ours", n_steps=4, learning_rate=3e-3)


def rows(n: int, *, told: float = 1.0, seed: int = 0) -> list[dict[str, Any]]:
    """Snapshots whose gain follows ELP_net as far as `told`, and noise for the rest."""
    chance = random.Random(seed)
    found = []
    for number in range(n):
        elp = chance.random()
        gain = max(-1.0, min(1.0, told * elp + (1 - told) * chance.gauss(0, 0.3)))
        quadrant = Quadrant.Q1 if elp > 0.5 else Quadrant.Q2
        here = {"n": 2, "before": 0.0, "after": gain, "gain": gain, "halves": [gain, gain]}
        found.append(
            {
                "quadrant": quadrant.value,
                "ELP_net": elp,
                "ELP_net_retest": elp,
                "L_local": chance.random(),
                "U": float(number),
                "same": here,
                "similar": None,
            }
        )
    return found


def test_a_patch_test_that_foretells_every_gain_has_rho_one_also_with_the_cheap_labels_held_constant() -> (
    None
):
    found = agreement(rows(40))

    same = found["same"]
    rhos = [same[name]["estimate"] for name in ("rho", "partial_given_L_local", "partial_given_both")]
    assert rhos == pytest.approx([1.0, 1.0, 1.0], abs=1e-6)
    assert (same["reliability_gain"]["estimate"], found["reliability_ELP_net"]["estimate"]) == (1.0, 1.0)


def test_noise_has_a_rho_whose_interval_holds_zero() -> None:
    same = agreement(rows(60, told=0.0))["same"]

    assert same["rho"]["low"] < 0 < same["rho"]["high"]
    assert same["partial_given_both"]["low"] < 0 < same["partial_given_both"]["high"]


def test_a_place_where_nothing_was_measured_has_no_figures() -> None:
    similar = agreement(rows(10))["similar"]

    assert (similar["n"], similar["rho"], similar["mean_gain"], similar["Q1_minus_Q2"]) == (
        0,
        None,
        None,
        None,
    )


def test_quadrants_are_compared_by_their_mean_gains() -> None:
    same = agreement(rows(40))["same"]

    first, second = (same["quadrants"][quadrant.value]["estimate"] for quadrant in (Quadrant.Q1, Quadrant.Q2))
    assert same["Q1_minus_Q2"]["estimate"] == pytest.approx(first - second)
    assert same["Q1_minus_Q2"]["low"] > 0


def test_a_third_label_that_explains_both_leaves_nothing_of_their_correlation() -> None:
    chance = random.Random(4)
    cause = [chance.gauss(0, 1) for _ in range(400)]
    table = [[value + chance.gauss(0, 0.5), value + chance.gauss(0, 0.5), value] for value in cause]

    raw = spearman([row[0] for row in table], [row[1] for row in table])
    assert (raw > 0.7, abs(partial_spearman(table)) < 0.15) == (True, True)


def test_with_an_unrelated_label_held_constant_the_correlation_stays() -> None:
    table = [[float(n), float(n), float((n * 7) % 5)] for n in range(50)]

    assert partial_spearman(table) == pytest.approx(1.0)


def test_nothing_is_left_to_correlate_of_a_column_that_is_held_constant() -> None:
    assert math.isnan(partial_spearman([[float(n), float(n * n), float(n)] for n in range(9)]))


@pytest.mark.parametrize(("half", "whole"), [(0.5, 2 / 3), (1.0, 1.0), (0.0, 0.0), (-0.1, None)])
def test_the_reliability_of_the_whole_follows_from_that_of_its_halves(
    half: float, whole: float | None
) -> None:
    assert spearman_brown(half) == (whole if whole is None else pytest.approx(whole))


def verdicts(found: list[dict[str, Any]], *settings: MicroSetting) -> dict[str, tuple[bool | None, bool]]:
    figures = {setting.label: agreement(found) for setting in settings}
    return {one.name: (one.met, one.decides) for one in criteria_of(settings, figures)}


def test_the_seeds_setting_decides_and_the_others_stand_beside() -> None:
    assert verdicts(rows(40), SEED, OURS) == {
        "cpt_spearman": (True, True),
        "cpt_q1_above_q2": (True, True),
        "cpt_spearman_stretch": (True, False),
        "cpt_spearman_ours": (True, False),
        "cpt_q1_above_q2_ours": (True, False),
    }


def test_gains_of_noise_fail_the_criteria() -> None:
    assert verdicts(rows(60, told=0.0), SEED) == {
        "cpt_spearman": (False, True),
        "cpt_q1_above_q2": (False, True),
        "cpt_spearman_stretch": (False, False),
    }


def test_gains_that_are_all_the_same_fail_the_validation() -> None:
    still = [{**row, "same": {**row["same"], "gain": 0.0, "halves": [0.0, 0.0]}} for row in rows(20)]

    assert verdicts(still, SEED)["cpt_spearman"] == (False, True)


def test_too_few_snapshots_decide_nothing() -> None:
    assert verdicts(rows(3), SEED)["cpt_spearman"] == (None, True)
