"""Quadrants: thresholds, probabilities, counts, and the schema that other programs rely on."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from chain_scene import chain_desk, chain_snapshots

from honing.teach.labels.schema import as_text, labeled_snapshot_schema, shipped_schema
from honing.teach.labels.thresholds import axes_of, quantile, quantiles_of, threshold_figures
from honing.teach.phases import phase_named
from honing.teach.phases.leverage import leverage_of
from honing.teach.phases.quadrants import (
    NO_THRESHOLDS,
    Thresholds,
    chance_of_high_leverage,
    counts_of,
    enough,
    in_quadrant,
    thresholds_of,
)
from honing.teach.snapshot import Leverage, Quadrant, Snapshot
from honing.teach.study_spec import QuadrantSpec

MIDDLE = Thresholds(U=0.5, L=0.3)


def leverage(successes: int, of: int = 4) -> Leverage:
    """L_local of successes/of."""
    return leverage_of(
        {"policy": [0] * of, "force": [1] * successes + [0] * (of - successes), "expert": [1]}, "go"
    )


@pytest.fixture(scope="module")
def bare() -> Snapshot:
    return chain_snapshots(1)[0]


def labelled(bare: Snapshot, u: float, successes: int, split: str = "train") -> Snapshot:
    update = {"U": u, "leverage": leverage(successes), "split": split, "id": f"{u}-{successes}-{split}"}
    return bare.model_copy(update=update)


@pytest.mark.parametrize(
    ("u", "successes", "quadrant"),
    [
        (0.9, 3, Quadrant.Q1),
        (0.9, 1, Quadrant.Q2),
        (0.1, 1, Quadrant.Q3),
        (0.1, 3, Quadrant.Q4),
        (0.5, 3, Quadrant.Q4),
    ],
    ids=["unsure and helped", "unsure, not helped", "sure, not helped", "sure and helped", "at is not above"],
)
def test_a_snapshot_is_in_the_quadrant_of_its_labels(
    bare: Snapshot, u: float, successes: int, quadrant: Quadrant
) -> None:
    assert in_quadrant(labelled(bare, u, successes), MIDDLE, 0.5).quadrant is quadrant


def test_probabilities_sum_to_one_and_leave_no_doubt_about_u(bare: Snapshot) -> None:
    found = in_quadrant(labelled(bare, 0.9, 3), MIDDLE, 0.5).quadrant_probability

    assert found is not None
    assert sum(found.values()) == pytest.approx(1.0)
    assert (found[Quadrant.Q3], found[Quadrant.Q4]) == (0.0, 0.0)
    assert found[Quadrant.Q1] > 0.8


def test_the_chance_of_high_leverage_comes_from_the_side_of_the_threshold() -> None:
    found = leverage(2)
    lopsided = found.model_copy(update={"L_local_low": 0.4, "L_local_high": 0.9})

    assert chance_of_high_leverage(lopsided, 0.4) == pytest.approx(0.975)
    assert chance_of_high_leverage(lopsided, 0.9) == pytest.approx(0.025)
    assert chance_of_high_leverage(lopsided, 0.5) == pytest.approx(0.5)


@pytest.mark.parametrize(("threshold", "chance"), [(0.4, 1.0), (0.5, 0.0), (0.6, 0.0)])
def test_leverage_without_noise_leaves_no_doubt(threshold: float, chance: float) -> None:
    exact = leverage(2).model_copy(update={"L_local_low": 0.5, "L_local_high": 0.5})

    assert chance_of_high_leverage(exact, threshold) == chance


def test_an_improbable_quadrant_abstains_and_is_named_all_the_same(bare: Snapshot) -> None:
    row = labelled(bare, 0.9, 2)
    strict, easy = in_quadrant(row, MIDDLE, 0.95), in_quadrant(row, MIDDLE, 0.5)

    assert (strict.quadrant, strict.abstain) == (Quadrant.Q1, True)
    assert (easy.quadrant, easy.abstain) == (Quadrant.Q1, False)


def test_thresholds_are_the_medians_of_training_snapshots(bare: Snapshot) -> None:
    rows = [labelled(bare, 0.1, 0), labelled(bare, 0.2, 1), labelled(bare, 0.6, 4)]
    panel = labelled(bare, 9.0, 4, "panel")

    assert thresholds_of([*rows, panel], QuadrantSpec()) == Thresholds(U=0.2, L=0.25)


def test_thresholds_that_are_given_are_used(bare: Snapshot) -> None:
    spec = QuadrantSpec(U_threshold=0.7)

    assert thresholds_of([labelled(bare, 0.1, 4)], spec) == Thresholds(U=0.7, L=1.0, chosen_U=True)
    assert thresholds_of([], QuadrantSpec(U_threshold=0.7, L_threshold=0.1)) == Thresholds(
        U=0.7, L=0.1, chosen_U=True, chosen_L=True
    )


def test_what_has_no_labels_gets_the_reason_and_no_quadrant(bare: Snapshot) -> None:
    nothing = in_quadrant(bare, MIDDLE, 0.5)
    no_leverage = in_quadrant(bare.model_copy(update={"U": 0.1}), MIDDLE, 0.5)
    no_threshold = in_quadrant(labelled(bare, 0.1, 1), thresholds_of([], QuadrantSpec()), 0.5)

    assert [one.missing for one in (nothing, no_leverage, no_threshold)] == [
        {"quadrant": "it has no U and no leverage"},
        {"quadrant": "it has no leverage"},
        {"quadrant": NO_THRESHOLDS},
    ]
    assert [one.quadrant for one in (nothing, no_leverage, no_threshold)] == [None] * 3


def test_counts_leave_out_the_panel_and_what_abstains_where_asked(bare: Snapshot) -> None:
    rows = [labelled(bare, 0.9, 2), labelled(bare, 0.9, 4), labelled(bare, 0.1, 0, "panel")]
    done = [in_quadrant(row, MIDDLE, 0.95) for row in rows]

    assert counts_of(done, "train")[Quadrant.Q1.value] == 2
    assert counts_of(done, "train", drop_abstained=True)[Quadrant.Q1.value] == 1
    assert counts_of(done, "panel")[Quadrant.Q3.value] == 1


@pytest.mark.parametrize(("fewest", "met"), [(99, False), (100, True)])
def test_the_smallest_quadrant_decides_the_criterion(fewest: int, met: bool) -> None:  # noqa: FBT001
    criterion = enough({"Q1": 200, "Q2": fewest, "Q3": 150, "Q4": 120}, 100)

    assert (criterion.value, criterion.met, criterion.n) == (fewest, met, 470 + fewest)
    assert criterion.note.startswith("Q2 ")


@pytest.mark.teach
def test_the_phase_writes_thresholds_counts_quantiles_and_pictures(bare: Snapshot, tmp_path: Path) -> None:
    rows = [labelled(bare, u / 10, u % 5) for u in range(12)] + [bare, labelled(bare, 0.4, 4, "panel")]
    desk = chain_desk(tmp_path / "run", quadrants={"min_per_quadrant": 3})
    desk.run.write_jsonl("phase1/labeled_snapshots.jsonl", [row.as_document() for row in rows])
    outcome = phase_named("quadrants").run(desk)
    written = json.loads((desk.run.path / "phase1/quadrant_thresholds_auto.json").read_text())
    done = desk.snapshots("phase1/labeled_snapshots.jsonl")

    assert written["thresholds"] == {
        "U": {"threshold": 0.55, "how": "median"},
        "L_local": {"threshold": 0.375, "how": "median"},
    }
    assert sum(written["counts"]["train"].values()) == 12
    assert sum(written["counts"]["panel"].values()) == 1
    assert [one.quadrant is None for one in done] == [False] * 12 + [True, False]
    assert outcome.criteria[0].met is (min(written["counts"]["train"].values()) >= 3)
    assert sorted(path.name for path in (desk.run.path / "phase1/threshold_plots").iterdir()) == [
        "hist_L.png", "hist_U.png", "quantiles.json", "scatter_U_L.png",
    ]  # fmt: skip


def test_quantiles_lie_between_neighbours_by_distance() -> None:
    assert [quantile([3.0, 1.0, 2.0], share) for share in (0.0, 0.25, 0.5, 1.0)] == [1.0, 1.5, 2.0, 3.0]
    assert quantile([], 0.5) is None


def test_quantiles_are_those_of_training_snapshots_with_both_labels(bare: Snapshot) -> None:
    rows = [labelled(bare, u / 10, u % 5) for u in range(5)]
    found = quantiles_of([*rows, bare, labelled(bare, 7.0, 4, "panel")])

    assert (found["n"], found["U"]["0.5"], found["U"]["1.0"], found["L_local_zero"]) == (5, 0.2, 0.4, 1)
    assert found["spearman_U_L_local"]["rho"] == 1.0
    assert axes_of([bare])[0].values == ()


@pytest.mark.teach
def test_pictures_are_the_same_bytes_each_time(bare: Snapshot, tmp_path: Path) -> None:
    rows = [in_quadrant(labelled(bare, u / 10, u % 5), MIDDLE, 0.5) for u in range(10)]
    first = threshold_figures(rows, tmp_path / "a", thresholds=(0.5, 0.3))
    second = threshold_figures(rows, tmp_path / "b", thresholds=(0.5, 0.3))
    other = threshold_figures(rows[1:], tmp_path / "c", thresholds=(0.5, 0.3))

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in first)
    assert [path.read_bytes() for path in first] != [path.read_bytes() for path in other]


def test_nothing_is_drawn_of_nothing(bare: Snapshot, tmp_path: Path) -> None:
    assert threshold_figures([bare], tmp_path / "plots") == []
    assert not (tmp_path / "plots").exists()


def test_the_shipped_schema_is_the_one_of_the_records() -> None:
    assert as_text(shipped_schema()) == as_text(labeled_snapshot_schema())


def test_a_labelled_row_fits_the_schema_and_a_wrong_one_does_not(bare: Snapshot) -> None:
    row = in_quadrant(labelled(bare, 0.9, 3), MIDDLE, 0.5).as_document()
    schema = shipped_schema()
    jsonschema.validate(row, schema)

    for wrong in (
        {**row, "quadrant": "Q5"},
        {**row, "U": "high"},
        {**row, "leverage": {**row["leverage"], "L_local": None}},
        {**row, "cpt": {"ELP_net": 0.5}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
