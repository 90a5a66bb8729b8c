"""Hypotheses and claims from artifacts that were made up to support, refute or leave open each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from honing.store import Run
from honing.teach.snapshot import Quadrant, Snapshot
from honing.teach.verdicts import Claim, Finding, Hypothesis, Verdict, claims, hypotheses
from honing.teach.verdicts.base import above
from honing.teach.verdicts.testing import quadrants_differ
from honing.teach.verdicts.variance import differing_groups, f_statistic
from teach_made_up import labelled_snapshots, made_run

FORMATS = ("demo", "contrast", "hint")


def by_id(found: list[Hypothesis] | list[Claim]) -> dict[str, Any]:
    return {one.id: one for one in found}


def interval(estimate: float, width: float = 0.05, n: int = 100) -> dict[str, Any]:
    return {"estimate": estimate, "low": estimate - width, "high": estimate + width, "n": n}


def write_labels(run: Run, snapshots: list[Snapshot]) -> None:
    run.write_jsonl("phase1/labeled_snapshots.jsonl", [one.as_document() for one in snapshots])


def write_correlation(run: Run, rho: dict[str, Any] | None, n: int = 100) -> None:
    same = {"n": n, "rho": rho, "partial_given_L_local": interval(0.02, 0.2), "Q1_minus_Q2": interval(0.3)}
    settings = {"seed": {"n_steps": 2, "learning_rate": 1e-3, "decides": True, "same": same}}
    run.write_json("phase1b/cpt_correlation.json", {"schema": 1, "passed": True, "settings": settings})


def write_evaluation(run: Run, solved: dict[str, int], panel: dict[str, int], drop: float) -> None:
    """An evaluation on 100 tasks and 40 snapshots per quadrant.

    Args:
        run: Gets it.
        solved: By run, how many of the tasks are solved: the first ones.
        panel: By run, how many of the snapshots of its own quadrant are solved; the base solves 4.
        drop: Of retention, of every run.
    """
    runs = [
        {"run_id": f"{q.value}_{s}", "quadrant": q.value, "supervision": s} for q in Quadrant for s in FORMATS
    ]
    runs.append({"run_id": "B2_all", "quadrant": None, "supervision": "demo"})
    run.write_json("phase2/training_summary.json", {"schema": 1, "runs": runs})
    lines = ["run_id,panel,place,cluster,quadrant,temperature,draw,success,reward,n_steps"]
    for name in ["base", *(row["run_id"] for row in runs)]:
        for task in range(100):
            success = str(task < solved.get(name, 40)).lower()
            lines.append(f"{name},tasks,t{task},t{task},,0,0,{success},0,5")
        for q in Quadrant:
            count = panel.get(name, 4) if name.startswith(q.value) else 4
            lines += [
                f"{name},snapshots,{q.value}-{n},{q.value}-{n},{q.value},0,0,{str(n < count).lower()},0,5"
                for n in range(40)
            ]
    run.write_text("phase3/episodes.csv", "\n".join(lines) + "\n")
    run.write_json(
        "phase3/evaluation.json",
        {
            "schema": 1,
            "transfer_diagonal_minus_rest": {"0": {"pooled": interval(0.2)}},
            "runs": {
                row["run_id"]: {"gain": None, "retention_drop": interval(drop, 0.02), "kept": drop < 0.1}
                for row in runs
            },
        },
    )


def write_prediction(run: Run, *, met: bool, ndcg: float) -> None:
    def criterion(name: str, value: float, *, ok: bool) -> dict[str, Any]:
        ends = {"low": value - 0.05, "high": value + 0.05}
        return {"name": name, "value": value, "met": ok, "decides": True, **ends}

    run.write_json(
        "phase4/training_result.json",
        {
            "schema": 1,
            "ranking": {"k": 25, "differences": {"predictor-entropy": {"ndcg": interval(ndcg)}}},
            "out_of_fold": {},
            "criteria": [
                criterion("predictor_r2_U", 0.9, ok=True),
                criterion("predictor_r2_L", 0.6 if met else 0.2, ok=met),
                criterion("predictor_ndcg_over_entropy", ndcg, ok=ndcg > 0.05),
            ],
        },
    )


def write_selection(run: Run, first: dict[str, Any], second: dict[str, Any], *, retention: bool) -> None:
    def compared(pair: tuple[str, str], found: dict[str, Any], family: str) -> dict[str, Any]:
        return {"first": pair[0], "second": pair[1], "family": family, **found}

    run.write_json(
        "phase5/selection/selection_summary.json",
        {
            "schema": 1,
            "comparisons": [
                compared(("predictor", "entropy"), first, "hypothesis"),
                compared(("entropy", "random"), second, "hypothesis"),
                compared(("oracle", "random_same_kind"), {**interval(-0.02, 0.04), "p_holm": 0.6}, "control"),
            ],
            "criteria": [{"name": "select_retention_comparable", "met": retention}],
            "methods": {
                name: {"retention_drop": interval(drop, 0.01)}
                for name, drop in (("random", 0.02), ("entropy", 0.03))
            },
        },
    )


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return made_run(tmp_path)


@pytest.fixture
def good(run: Run) -> Run:
    write_labels(run, labelled_snapshots(60))
    write_correlation(run, interval(0.45, 0.15))
    panel = {f"{q.value}_{s}": 30 for q in (Quadrant.Q1, Quadrant.Q4) for s in ("contrast", "hint")}
    write_evaluation(run, {"B2_all": 70, "Q1_highU_highL_hint": 80}, panel, 0.03)
    write_prediction(run, met=True, ndcg=0.2)
    sure = {"p_holm": 0.001}
    write_selection(run, {**interval(0.1), **sure}, {**interval(0.08), **sure}, retention=True)
    return run


def test_a_study_that_shows_everything_supports_every_hypothesis(good: Run) -> None:
    found = hypotheses(good.path)

    assert [(one.id, one.verdict) for one in found] == [(f"H{n}", Verdict.SUPPORTED) for n in range(1, 8)]
    assert [one.found.n for one in found] == [60, 100, 160, 100, 100, 100, 100]


def test_an_empty_folder_decides_nothing_and_says_why(run: Run) -> None:
    found = hypotheses(run.path)

    assert {one.verdict for one in found} == {Verdict.NOT_DECIDED}
    assert [one.note for one in found] == [
        "fewer than two quadrants have two snapshots with an ELP_net",
        "micro-training has not run",
        "no two formats were trained and evaluated on one quadrant",
        "the evaluation has not run",
        "the evaluation has not run",
        "the predictor has not run",
        "the selection has not run",
    ]


def test_quadrants_whose_payoffs_are_shuffled_do_not_differ() -> None:
    shuffled = [
        one.model_copy(update={"quadrant": list(Quadrant)[number % 4]})
        for number, one in enumerate(labelled_snapshots(60))
    ]

    found = quadrants_differ(shuffled)

    assert found.verdict is Verdict.NOT_SUPPORTED
    assert found.found.p is not None
    assert found.found.p > 0.01


def test_f_and_its_p_are_those_of_the_textbook() -> None:
    groups = {
        "a": [0.1, 0.5, 0.4, 0.3, 0.9, 0.2, 0.6],
        "b": [0.7, 0.8, 0.6, 0.9, 0.4, 0.8],
        "c": [0.5, 0.2, 0.3, 0.6, 0.7, 0.4, 0.4],
    }

    found, details = differing_groups(groups)

    wanted = stats.f_oneway(*groups.values())
    assert found.effect == pytest.approx(wanted.statistic)
    assert found.p == pytest.approx(wanted.pvalue, abs=0.012)
    assert found.n == 20
    assert details["means"] == {name: sum(part) / len(part) for name, part in groups.items()}


def test_groups_that_differ_without_spread_have_an_infinite_f() -> None:
    assert f_statistic([[1.0, 1.0], [2.0, 2.0]]) == float("inf")
    assert f_statistic([[1.0, 1.0], [1.0, 1.0]]) == 0.0


@pytest.mark.parametrize(
    ("rho", "verdict"),
    [
        (interval(0.1, 0.15), Verdict.NOT_SUPPORTED),
        (interval(0.25, 0.15), Verdict.NOT_DECIDED),
        (interval(0.4, 0.45), Verdict.NOT_DECIDED),
        (interval(0.3, 0.2), Verdict.SUPPORTED),
        (None, Verdict.NOT_SUPPORTED),
    ],
    ids=["below", "may reach it", "may be nothing", "reaches it", "all gains are equal"],
)
def test_h2_follows_the_interval(run: Run, rho: dict[str, Any] | None, verdict: Verdict) -> None:
    write_correlation(run, rho)

    assert by_id(hypotheses(run.path))["H2"].verdict is verdict


def test_h3_needs_two_quadrants_beyond_chance(run: Run) -> None:
    write_evaluation(run, {}, {"Q1_highU_highL_hint": 30, "Q2_highU_lowL_hint": 6}, 0.0)

    found = by_id(hypotheses(run.path))["H3"]

    assert (found.verdict, found.found.effect) == (Verdict.NOT_DECIDED, 1.0)
    assert found.note == "another format is ahead of demo in 2, beyond chance in 1 quadrants"


def test_h3_is_not_supported_where_demo_is_never_behind(run: Run) -> None:
    write_evaluation(run, {}, {f"{q.value}_demo": 20 for q in Quadrant}, 0.0)

    assert by_id(hypotheses(run.path))["H3"].verdict is Verdict.NOT_SUPPORTED


@pytest.mark.parametrize(
    ("solved", "drop", "verdict"),
    [
        (70, 0.03, Verdict.SUPPORTED),
        (70, 0.11, Verdict.NOT_DECIDED),
        (70, 0.2, Verdict.NOT_SUPPORTED),
        (42, 0.0, Verdict.NOT_DECIDED),
        (20, 0.0, Verdict.NOT_SUPPORTED),
    ],
    ids=["gains", "gains and may forget", "forgets", "a little", "loses"],
)
def test_h5_weighs_gain_against_forgetting(run: Run, solved: int, drop: float, verdict: Verdict) -> None:
    write_evaluation(run, {"B2_all": solved}, {}, drop)

    assert by_id(hypotheses(run.path))["H5"].verdict is verdict


@pytest.mark.parametrize(
    ("met", "ndcg", "verdict"),
    [
        (True, 0.2, Verdict.SUPPORTED),
        (False, 0.2, Verdict.NOT_SUPPORTED),
        (True, 0.03, Verdict.NOT_DECIDED),
        (True, -0.2, Verdict.NOT_SUPPORTED),
    ],
    ids=["all met", "R2 surely too low", "maybe better than entropy", "worse than entropy"],
)
def test_h6_needs_every_criterion(run: Run, *, met: bool, ndcg: float, verdict: Verdict) -> None:
    write_prediction(run, met=met, ndcg=ndcg)

    assert by_id(hypotheses(run.path))["H6"].verdict is verdict


@pytest.mark.parametrize(
    ("first", "p", "retention", "verdict"),
    [
        (0.1, 0.001, True, Verdict.SUPPORTED),
        (0.1, 0.2, True, Verdict.NOT_DECIDED),
        (-0.1, 0.001, True, Verdict.NOT_SUPPORTED),
        (0.1, 0.001, False, Verdict.NOT_SUPPORTED),
    ],
    ids=["in order", "by chance", "reversed", "forgets"],
)
def test_h7_needs_the_order_and_retention(
    run: Run, *, first: float, p: float, retention: bool, verdict: Verdict
) -> None:
    rest = {**interval(0.1), "p_holm": 0.001}
    write_selection(run, {**interval(first), "p_holm": p}, rest, retention=retention)

    assert by_id(hypotheses(run.path))["H7"].verdict is verdict


def test_p_of_several_hypotheses_are_corrected_together(good: Run) -> None:
    found = by_id(hypotheses(good.path))
    tested = {name: one for name, one in found.items() if one.found.p is not None}

    assert set(tested) == {"H1", "H5", "H7"}
    assert all(one.p_holm >= one.found.p for one in tested.values())
    assert found["H2"].p_holm is None


def test_the_rule_of_one_threshold() -> None:
    def verdict(effect: float, low: float, high: float, threshold: float = 0.0) -> Verdict:
        return above(Finding(effect=effect, low=low, high=high), threshold)

    assert verdict(0.1, 0.05, 0.15) is Verdict.SUPPORTED
    assert verdict(0.1, -0.05, 0.25) is Verdict.NOT_DECIDED
    assert verdict(0.0, -0.04, 0.04) is Verdict.NOT_SUPPORTED
    assert verdict(0.4, 0.2, 0.6, 0.5) is Verdict.NOT_DECIDED
    assert verdict(0.2, 0.1, 0.3, 0.5) is Verdict.NOT_SUPPORTED
    assert above(Finding(effect=0.4), 0.3) is Verdict.NOT_DECIDED


def test_claims_name_test_effect_interval_and_n(good: Run) -> None:
    found = claims(good.path)
    tested = [one for one in found if one.found.effect is not None]

    assert len({one.id for one in found}) == len(found)
    assert len(tested) > 15
    for one in tested:
        assert f"{one.found.effect:.3f}" in one.sentence
        assert f"n = {one.found.n}" in one.sentence
        assert one.found.test in one.sentence
        assert one.found.low is None or f"[{one.found.low:.3f}, {one.found.high:.3f}]" in one.sentence


def test_the_deliverables_of_phase_1a_are_claimed_with_their_numbers(good: Run) -> None:
    found = by_id(claims(good.path))

    assert {
        name: (one.holds, one.found.effect) for name, one in found.items() if one.topic == "phase 1A"
    } == {
        "success_above_base": (True, pytest.approx(0.3)),
        "q1_gains_most": (True, pytest.approx((0 + 26 + 26) / 120 - 52 / 120 / 3)),
        "q1_gains_most_on_tasks": (True, pytest.approx(0.4 / 3)),
        "q2_largely_lost": (True, 0.0),
        "best_format_depends": (True, 2.0),
        "reliability_retention_frontier": (True, pytest.approx(0.4)),
    }
    assert "runs that do: B2_all, Q1_highU_highL_hint" in found["reliability_retention_frontier"].note


def test_controls_stand_beside_the_claims(good: Run) -> None:
    found = by_id(claims(good.path))

    assert (found["same_kind_control_oracle"].holds, found["same_kind_control_oracle"].found.effect) == (
        False,
        -0.02,
    )
    assert found["placebo_control"].holds is True
    assert found["cpt_adds_to_L"].holds is None
    assert found["reliable_L_local"].found.effect == pytest.approx(1.0)
    assert found["selection_retention_comparable"].found.effect == pytest.approx(0.01)
    assert found["selection_predictor_over_random"].holds is None


def test_what_was_not_tested_is_said(run: Run, good: Run) -> None:
    said = {one.id for one in claims(good.path) if one.topic == "not tested"}

    assert said == {"untested_students", "untested_worlds", "untested_teacher", "untested_states"}


def test_phases_that_did_not_run_are_said_to_be_untested(run: Run) -> None:
    found = claims(run.path)

    assert {one.holds for one in found} == {None}
    assert {one.id for one in found if one.topic == "not tested"} >= {
        "untested_validation",
        "untested_evaluation",
        "untested_predictor",
        "untested_selection",
    }


def test_the_same_folder_gives_the_same_words(good: Run) -> None:
    assert [one.as_document() for one in claims(good.path)] == [
        one.as_document() for one in claims(good.path)
    ]
    assert [one.as_document() for one in hypotheses(good.path)] == [
        one.as_document() for one in hypotheses(good.path)
    ]
