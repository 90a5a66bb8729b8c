"""Phase 5 with a tiny student on the scripted chain: choose, train, evaluate, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from honing.errors import UsageError
from honing.stats import holm, mcnemar_exact
from honing.teach.desk import Desk
from honing.teach.phase import PhaseOutcome
from honing.teach.phases.selection import FOLDER, PHASE, SUMMARY, build_pool, select
from honing.teach.prediction.cross_validation import OURS
from honing.teach.selecting.comparison import selection_criteria
from honing.teach.snapshot import Snapshot, Uncertainty
from honing.teach.verdicts.artifacts import table
from labelled_scene import labelled_desk, spec, tiny_student

pytestmark = pytest.mark.teach

METHODS = ("random", "random_same_kind", "entropy", "predictor", "oracle", "one_flip", "influence")
LABELLED = "phase1/labeled_snapshots.jsonl"


def study(**selection: Any) -> Any:
    return spec(
        evaluation={"n_tasks": 12, "n_snapshots_per_quadrant": 1, "sampled": False}, selection=selection
    )


def measured(snapshot: Snapshot, number: int) -> Snapshot:
    """With the uncertainty that the first phases would have measured."""
    unsure = Uncertainty(
        entropy=(number % 11) / 11, margin=0.5, topk_spread=0.5, effective_actions=1.5,
        length_normalised=-0.5, n_actions=len(snapshot.valid_actions),
    )  # fmt: skip
    return snapshot.model_copy(update={"uncertainty": unsure})


def prepared(home: Path, student: Path, **selection: Any) -> Desk:
    desk = labelled_desk(home, student, study(**selection))
    found = [measured(one, number) for number, one in enumerate(desk.snapshots(LABELLED))]
    desk.run.write_jsonl(LABELLED, [one.as_document() for one in found])
    rows = [{"id": one.id, OURS: {"ELP_net": -float(n)}} for n, one in enumerate(found)]
    desk.run.write_jsonl("phase4/out_of_fold.jsonl", rows)
    return desk


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def selected(tmp_path_factory: pytest.TempPathFactory, student: Path) -> tuple[Desk, PhaseOutcome]:
    desk = prepared(
        tmp_path_factory.mktemp("select"), student, methods=["random", "entropy", "predictor"], budget=4
    )
    return desk, select(desk)


def summary_of(desk: Desk) -> Any:
    return desk.run.read_json(SUMMARY)


def test_every_method_trains_on_as_many_snapshots_and_has_its_folder(
    selected: tuple[Desk, PhaseOutcome],
) -> None:
    desk, outcome = selected
    summary = summary_of(desk)

    assert (summary["pool"], summary["budget"], summary["predictions"]) == (32, 4, "out_of_fold")
    assert {name: row["n"] for name, row in summary["methods"].items()} == {
        "random": 4,
        "entropy": 4,
        "predictor": 4,
    }
    for name, row in summary["methods"].items():
        folder = desk.run.path / FOLDER / name
        (trained,) = desk.run.read_json(f"{FOLDER}/{name}/training_summary.json")["runs"]
        assert (trained["run_id"], trained["n_steps"], trained["snapshot_ids"]) == (name, 3, row["chosen"])
        assert (desk.run.path / row["adapter"] / "adapter_config.json").is_file()
        players = {line["run_id"] for line in table(folder, "eval/overall_task_results.csv")}
        assert players == {"base", "expert", name}
    assert all((desk.run.path / path).exists() for path in outcome.artifacts)


def test_nobody_chooses_from_the_panel(selected: tuple[Desk, PhaseOutcome]) -> None:
    desk, _ = selected
    panel = {one.id for one in desk.snapshots(LABELLED) if one.split == "panel"}
    chosen = {name for row in summary_of(desk)["methods"].values() for name in row["chosen"]}

    assert not chosen & panel


def test_comparisons_follow_from_the_episodes(selected: tuple[Desk, PhaseOutcome]) -> None:
    desk, _ = selected
    successes = {
        name: {
            row["place"]: row["success"] == "true"
            for row in table(desk.run.path, f"{FOLDER}/{name}/eval/episodes.csv")
            if (row["run_id"], row["panel"]) == (name, "tasks")
        }
        for name in ("predictor", "entropy", "random")
    }

    found = [row for row in summary_of(desk)["comparisons"] if row["family"] == "hypothesis"]

    expected = []
    for first, second in (("predictor", "entropy"), ("entropy", "random")):
        a, b = successes[first], successes[second]
        only = [sum(a[p] > b[p] for p in a), sum(b[p] > a[p] for p in a)]
        expected.append((first, second, 12, *only, (only[0] - only[1]) / 12, mcnemar_exact(*only)))
    keys = ("first", "second", "n", "only_first", "only_second", "estimate", "p")
    assert [tuple(row[key] for key in keys) for row in found] == expected
    assert [row["p_holm"] for row in found] == holm([row["p"] for row in found])


def test_a_method_overlaps_with_itself_fully(selected: tuple[Desk, PhaseOutcome]) -> None:
    methods = summary_of(selected[0])["methods"]

    for name, row in methods.items():
        shared = {other: len(set(row["chosen"]) & set(methods[other]["chosen"])) / 4 for other in methods}
        assert row["overlap"] == shared
        assert row["overlap"][name] == 1.0


def test_a_second_session_finds_everything_done(selected: tuple[Desk, PhaseOutcome]) -> None:
    desk, outcome = selected
    before = (desk.run.path / SUMMARY).read_bytes()
    with desk.run.journal() as journal:
        done = journal.totals().done

    assert select(desk) == outcome
    assert (desk.run.path / SUMMARY).read_bytes() == before
    with desk.run.journal() as journal:
        assert journal.totals().done == done


def test_the_pool_measures_what_methods_go_by(tmp_path: Path, student: Path) -> None:
    desk = prepared(tmp_path, student, methods=list(METHODS))

    pool, predicted, left_out = build_pool(desk, desk.snapshots(LABELLED))

    assert left_out == {}
    assert (len(pool.snapshots), pool.budget, predicted.source) == (32, 8, "out_of_fold")
    assert set(pool.score("one_flip").values()) == {0.0, 1.0}
    assert set(pool.score("influence")) == {one.id for one in pool.snapshots}
    assert all(-1.0 <= value <= 1.0 for value in pool.score("influence").values())
    assert len(set(pool.score("influence").values())) > 4


def test_what_cannot_be_done_is_left_out_with_the_reason(tmp_path: Path, student: Path) -> None:
    desk = prepared(tmp_path, student, methods=["random", "predictor", "oracle", "one_flip"])
    (desk.run.path / "phase4/out_of_fold.jsonl").unlink()
    bare = [one.model_copy(update={"cpt": None, "env_state": None}) for one in desk.snapshots(LABELLED)]

    _, predicted, left_out = build_pool(desk, bare)

    assert predicted.source == "none"
    assert left_out == {
        "predictor": "there are no predictions of ELP_net: run the predictor on snapshots with a patch test",
        "oracle": "no snapshot has a true ELP_net: the patch test was skipped",
        "one_flip": "no snapshot has a saved state to play from",
    }


def test_a_budget_as_large_as_the_pool_ends_the_phase(tmp_path: Path) -> None:
    desk = prepared(tmp_path, Path("none"), methods=["random"], budget=32)

    with pytest.raises(UsageError, match="--budget 32: must be smaller than the pool of 32"):
        select(desk)


def row(first: str, second: str, estimate: float, p: float) -> dict[str, Any]:
    found = {"estimate": estimate, "low": estimate - 0.05, "high": estimate + 0.05, "n": 400, "p_holm": p}
    return {"first": first, "second": second, **found}


def test_criteria_ask_for_both_orders_and_for_retention() -> None:
    found = [
        row("predictor", "entropy", 0.1, 0.01),
        row("entropy", "random", 0.02, 0.4),
        row("oracle", "random_same_kind", -0.1, 0.01),
    ]

    criteria = selection_criteria(found, {"random": 0.02, "entropy": 0.12, "oracle": None}, 0.1)

    assert [(each.name, each.met, each.decides) for each in criteria] == [
        ("select_predictor_over_entropy", True, True),
        ("select_entropy_over_random", False, True),
        ("select_oracle_over_random_same_kind", False, False),
        ("select_retention_comparable", False, True),
    ]
    assert (criteria[-1].value, criteria[-1].note) == (0.12, "largest drop: entropy; methods differ by 0.100")


def test_a_predictor_that_saw_the_tasks_before_decides_nothing() -> None:
    found = [row("predictor", "entropy", 0.1, 0.01), row("entropy", "random", 0.1, 0.01)]

    criteria = selection_criteria(found, {"random": 0.02}, 0.1, seen=7)

    assert [(each.name, each.met) for each in criteria] == [
        ("select_predictor_over_entropy", None),
        ("select_entropy_over_random", True),
        ("select_retention_comparable", True),
    ]
    assert "trained on the tasks of 7 of these snapshots" in criteria[0].note


def test_selection_needs_labels_and_a_student_alone() -> None:
    """A command on files of one's own has no rollouts, and so no retention tasks before it begins."""
    assert PHASE.reads == (LABELLED, "phase0/student.json")


def test_a_method_that_was_left_out_decides_nothing() -> None:
    criteria = selection_criteria([], {}, 0.1)

    assert [each.met for each in criteria] == [None, None, None]
