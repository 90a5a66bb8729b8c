"""Uncertainty: five estimators from one scoring, and U turned so that higher is less sure."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from chain_scene import CHAIN, chain_desk, chain_snapshots, truth_of

from honing.teach.phases import phase_named
from honing.teach.phases.uncertainty import estimated, oriented, uncertainties
from honing.teach.snapshot import Snapshot, Uncertainty


def logs(*chances: float) -> list[float]:
    return [math.log(chance) if chance > 0 else -math.inf for chance in chances]


def test_every_estimator_of_a_known_distribution() -> None:
    found = estimated(logs(0.25, 0.5, 0.125, 0.125), [-3.0, -0.75, -1.0, -1.0])

    assert found == Uncertainty(
        entropy=round(1.75 * math.log(2), 9),
        margin=0.25,
        topk_spread=0.375,
        effective_actions=round(2**1.75, 9),
        length_normalised=-0.75,
        n_actions=4,
    )


def test_one_action_leaves_no_doubt() -> None:
    assert estimated([0.0], [-0.5]) == Uncertainty(
        entropy=0.0, margin=1.0, topk_spread=1.0, effective_actions=1.0, length_normalised=-0.5, n_actions=1
    )


def test_what_is_never_taken_adds_no_entropy() -> None:
    assert estimated(logs(0.5, 0.0, 0.5), [-1.0, -1.0, -1.0]).entropy == round(math.log(2), 9)


def test_two_actions_have_their_margin_for_a_spread() -> None:
    found = estimated(logs(0.75, 0.25), [-1.0, -1.0])

    assert (found.margin, found.topk_spread) == (0.5, 0.5)


@pytest.mark.parametrize(
    "measure", ["entropy", "margin", "topk_spread", "effective_actions", "length_normalised"]
)
def test_u_is_higher_where_the_student_is_less_sure_by_every_measure(measure: str) -> None:
    sure, torn = logs(0.97, 0.01, 0.01, 0.01), logs(0.3, 0.3, 0.2, 0.2)

    assert oriented(estimated(torn, torn), measure) > oriented(estimated(sure, sure), measure)


def test_the_phase_writes_the_exact_entropy_of_a_student_with_stated_chances(tmp_path: Path) -> None:
    rows = chain_snapshots(80)
    desk = chain_desk(tmp_path / "run")
    desk.run.write_json("phase0/failure_snapshots.json", [row.as_document() for row in rows])
    outcome = phase_named("uncertainty").run(desk)
    done = desk.snapshots("phase1/labeled_snapshots.jsonl")

    assert [one.U for one in done] == pytest.approx([truth_of(row).entropy for row in rows], abs=1e-8)
    assert [one.uncertainty.entropy for one in done if one.uncertainty] == [one.U for one in done]
    assert outcome.summary["labelled"] == 80


def test_the_measure_of_the_study_decides_u_alone(tmp_path: Path) -> None:
    rows = chain_snapshots(5)
    desk = chain_desk(tmp_path / "run", uncertainty={"measure": "margin"})
    desk.run.write_json("phase0/failure_snapshots.json", [row.as_document() for row in rows])
    phase_named("uncertainty").run(desk)
    done = desk.snapshots("phase1/labeled_snapshots.json")

    assert [one.U for one in done] == [1.0 - one.uncertainty.margin for one in done if one.uncertainty]


def test_uncertainty_needs_no_saved_state(tmp_path: Path) -> None:
    rows: list[Snapshot] = [row.model_copy(update={"env_state": None}) for row in chain_snapshots(3)]

    assert len(uncertainties(chain_desk(tmp_path / "run"), {"kind": CHAIN}, rows)) == 3


def test_labels_of_other_phases_are_kept(tmp_path: Path) -> None:
    rows = [row.model_copy(update={"missing": {"cpt": "because"}}) for row in chain_snapshots(3)]
    desk = chain_desk(tmp_path / "run")
    desk.run.write_jsonl("phase1/labeled_snapshots.jsonl", [row.as_document() for row in rows])
    phase_named("uncertainty").run(desk)
    done = desk.snapshots("phase1/labeled_snapshots.jsonl")

    assert [(one.missing, one.advice) for one in done] == [({"cpt": "because"}, row.advice) for row in rows]
