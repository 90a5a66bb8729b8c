"""Phase 2: which runs there are, what they are trained on, and training them with a tiny student."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from honing.environments import world_named
from honing.errors import LeakageError, StudyError, TrainingError, UsageError
from honing.learn import (
    Episode,
    Example,
    Policy,
    StackedStudent,
    Start,
    Student,
    load_stack,
    policy_from,
    roll_out,
)
from honing.teach.desk import Desk
from honing.teach.evaluation.results import GREEDY, RETENTION, SAMPLED, TASKS
from honing.teach.phases import matrix
from honing.teach.phases.evaluate import evaluate_runs
from honing.teach.phases.matrix import check_nothing_leaked, planned_runs, train_runs
from honing.teach.snapshot import Quadrant, Snapshot
from honing.teach.study_spec import StudySpec
from honing.teach.training.arms import (
    TrainRun,
    by_quadrant,
    demo_run,
    equal_share,
    matrix_runs,
    recovery_run,
    trainable,
)
from honing.teach.training.summary import only, players_of
from labelled_scene import OPTIONS, SEED, WORLD, hash_of, labelled_desk, spec, tasks, tiny_student


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return labelled_desk(tmp_path_factory.mktemp("matrix") / "run", Path("none"))


@pytest.fixture(scope="module")
def labelled(desk: Desk) -> list[Snapshot]:
    return desk.snapshots("phase1/labeled_snapshots.jsonl")


@pytest.fixture(scope="module")
def usable(labelled: list[Snapshot]) -> list[Snapshot]:
    return trainable(labelled, drop_abstained=False)


def test_the_matrix_has_twelve_runs_and_two_baselines(usable: list[Snapshot]) -> None:
    names = [run.run_id for run in matrix_runs(usable, seed=SEED)]

    grid = [f"{quadrant}_{route}" for quadrant in Quadrant for route in ("demo", "contrast", "hint")]
    assert names == [*grid, "B1_uniform", "B2_all"]


def test_all_runs_but_one_train_on_as_many_snapshots_as_the_smallest_quadrant_has(
    usable: list[Snapshot],
) -> None:
    unequal = [one for one in usable if one.quadrant is not Quadrant.Q4][:-1] + usable[:1]
    counts = Counter(one.quadrant for one in unequal)
    runs = matrix_runs(unequal, seed=SEED)

    smallest = min(counts.values())
    sizes = {run.run_id: len(run.snapshots) for run in runs}
    assert sizes.pop("B2_all") == len(unequal)
    assert set(sizes.values()) == {smallest}


def test_a_run_of_a_quadrant_trains_on_that_quadrant_alone(usable: list[Snapshot]) -> None:
    runs = [run for run in matrix_runs(usable, seed=SEED) if run.quadrant is not None]

    assert [run.run_id for run in runs if {one.quadrant for one in run.snapshots} != {run.quadrant}] == []


def test_the_uniform_baseline_takes_equally_of_each_quadrant(usable: list[Snapshot]) -> None:
    (uniform,) = [run for run in matrix_runs(usable, seed=SEED) if run.run_id == "B1_uniform"]

    counts = Counter(one.quadrant for one in uniform.snapshots)
    assert max(counts.values()) - min(counts.get(quadrant, 0) for quadrant in Quadrant) <= 1


def test_the_three_formats_of_a_quadrant_train_on_the_same_snapshots_and_targets(
    usable: list[Snapshot],
) -> None:
    runs = [run for run in matrix_runs(usable, seed=SEED) if run.quadrant is Quadrant.Q2]

    taught = {tuple((example.source, example.action) for example in run.examples) for run in runs}
    assert (len(runs), len(taught)) == (3, 1)


def test_every_target_is_the_teachers_action(usable: list[Snapshot]) -> None:
    advised = {one.id: one.advice.suggested_action for one in usable if one.advice}
    runs = matrix_runs(usable, seed=SEED, preference=True)

    wrong = [e for run in runs for e in run.examples if e.action != advised[e.source]]
    assert wrong == []


def test_an_empty_quadrant_has_no_runs_and_the_criterion_names_it(usable: list[Snapshot]) -> None:
    lacking = [one for one in usable if one.quadrant is not Quadrant.Q3]
    runs = matrix_runs(lacking, seed=SEED)
    criterion = matrix._complete(runs)

    assert (len(runs), criterion.met, criterion.note) == (11, False, "no snapshots in Q3_lowU_lowL")


def test_panel_snapshots_invalid_advice_and_abstention_are_left_out(labelled: list[Snapshot]) -> None:
    train = [one for one in labelled if one.split == "train"]
    first = train[0]
    assert first.advice is not None
    spoilt = [
        first.model_copy(update={"advice": first.advice.model_copy(update={"valid": False})}),
        train[1].model_copy(update={"abstain": True}),
        train[2].model_copy(update={"quadrant": None}),
        *train[3:],
        *[one for one in labelled if one.split == "panel"],
    ]

    ids = [{one.id for one in trainable(spoilt, drop_abstained=drop)} for drop in (False, True)]
    kept = {one.id for one in train[3:]}
    assert ids == [kept | {train[1].id}, kept]


def test_preference_arms_hold_only_pairs(usable: list[Snapshot]) -> None:
    agreeing = [
        one.model_copy(update={"action": one.advice.suggested_action}) if number % 2 and one.advice else one
        for number, one in enumerate(usable)
    ]
    arms = [run for run in matrix_runs(agreeing, seed=SEED, preference=True) if run.preference]

    assert {example.rejected == "" for run in arms for example in run.examples} == {False}
    assert all({e.source for e in run.examples} == {s.id for s in run.snapshots} for run in arms)


def test_the_recovery_arm_names_only_the_snapshots_that_the_expert_recovered_from(
    usable: list[Snapshot],
) -> None:
    def second_only(chosen: list[Snapshot]) -> list[Example]:
        return list(demo_run("x", chosen[1:2]).examples) * 3

    run = recovery_run(usable, 4, second_only)

    assert run is not None
    assert ([one.id for one in run.snapshots], len(run.examples)) == ([usable[1].id], 3)
    assert recovery_run(usable, 4, lambda _: []) is None


@pytest.mark.parametrize(
    ("parts", "expected"),
    [({}, 15), ({"recovery": False}, 14), ({"dpo": True}, 19)],
    ids=["default", "without recovery", "with pairs"],
)
def test_runs_are_counted_before_they_are_trained(parts: dict[str, bool], expected: int) -> None:
    assert planned_runs(StudySpec.model_validate({"training": parts})) == expected


@pytest.mark.parametrize("panel", ["failure panel", "retention tasks", "evaluate", "validation"])
def test_a_snapshot_whose_task_is_measured_on_stops_the_training(
    desk: Desk, labelled: list[Snapshot], usable: list[Snapshot], panel: str
) -> None:
    if panel == "failure panel":
        shown = next(one.task_hash for one in labelled if one.split == "panel")
    else:
        shown = hash_of(tasks(panel.split()[0], 3)[-1])
    leaking = [usable[0].model_copy(update={"task_hash": shown}), *usable[1:]]

    assert f"'{panel}'" in refusal(desk, [demo_run("run", leaking)], labelled)


def test_what_is_apart_passes_the_check(desk: Desk, labelled: list[Snapshot], usable: list[Snapshot]) -> None:
    assert refusal(desk, matrix_runs(usable, seed=SEED), labelled) == ""


def refusal(desk: Desk, runs: list[TrainRun], labelled: list[Snapshot]) -> str:
    """Why the check on leakage stops these runs; empty where it lets them pass."""
    try:
        check_nothing_leaked(desk, runs, labelled)
    except LeakageError as error:
        return str(error)
    return ""


def test_snapshots_are_drawn_by_their_ids_whatever_their_order(usable: list[Snapshot]) -> None:
    orders = [by_quadrant(rows, seed=SEED) for rows in (usable, usable[::-1])]

    assert orders[0] == orders[1]
    assert equal_share(orders[0]) == min(len(found) for found in orders[0].values())


def test_a_student_without_weights_cannot_be_trained(tmp_path: Path) -> None:
    desk = labelled_desk(tmp_path / "run", Path("none"))
    student = desk.run.read_json("phase0/student.json")
    desk.run.write_json("phase0/student.json", {**student, "policy": {"kind": "mock"}})

    with pytest.raises(UsageError, match="'mock', which has no weights"):
        train_runs(desk, runs_for(desk), "phase2")


# With a student that is trained.


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_student(tmp_path_factory.mktemp("cache"))


def runs_for(desk: Desk, count: int = 2) -> list[TrainRun]:
    usable = trainable(desk.snapshots("phase1/labeled_snapshots.jsonl"), drop_abstained=False)
    return matrix_runs(usable, seed=SEED)[:count]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, student: Path) -> tuple[Desk, dict[str, object]]:
    desk = labelled_desk(tmp_path_factory.mktemp("trained") / "run", student)
    return desk, train_runs(desk, runs_for(desk), "phase2")


@pytest.mark.teach
def test_the_summary_says_what_was_trained_with_true_counts(
    trained: tuple[Desk, dict[str, object]],
) -> None:
    desk, summary = trained
    (first, _) = desk.run.read_json("phase2/training_summary.json")["runs"]

    assert desk.run.read_json("phase2/training_summary.json") == json.loads(json.dumps(summary))
    told = {name: first[name] for name in ("run_id", "quadrant", "supervision", "n_steps", "trainer")}
    assert told == {
        "run_id": "Q1_highU_highL_demo",
        "quadrant": "Q1_highU_highL",
        "supervision": "demo",
        "n_steps": 3,
        "trainer": "trl",
    }
    assert (first["n_snapshots"], first["n_replay"]) == (len(first["snapshot_ids"]), 3 * 3)


@pytest.mark.teach
def test_a_trained_run_plays_and_is_told_from_the_base(trained: tuple[Desk, dict[str, object]]) -> None:
    desk, summary = trained
    found = evaluate_runs(desk, only(summary, ["Q1_highU_highL_demo"]), "phase3")

    (drift,) = found.drifts
    assert len(found.results.rows(drift.run_id, TASKS, SAMPLED)) == 12
    assert len(found.results.rows(drift.run_id, TASKS, GREEDY)) == 12
    assert drift.kl_succeeding is not None
    assert drift.kl_succeeding.estimate > 0


@pytest.mark.teach
def test_adapters_in_one_pass_play_as_each_does_merged_into_the_base(
    trained: tuple[Desk, dict[str, object]],
) -> None:
    desk, summary = trained
    base, *runs = players_of(desk, summary)
    student = policy_from(base.policy)
    assert isinstance(student, Student)
    stack = load_stack(student.model, {one.run_id: Path(one.policy["adapter"]) for one in runs})
    starts = [
        Start(task=task, draw="any", adapter=number)
        for number in range(len(runs))
        for task in tasks("evaluate", 12)
    ]

    stacked = rolled_out(StackedStudent(student, stack), starts)
    merged = [
        rolled_out(policy_from(one.policy), [replace(start, adapter=None) for start in starts[:12]])
        for one in runs
    ]
    assert [one.actions for one in stacked] == [one.actions for part in merged for one in part]


def rolled_out(policy: Policy, starts: list[Start]) -> list[Episode]:
    return roll_out(policy, world_named(WORLD, OPTIONS), starts, temperature=1.0, seed=SEED)


@pytest.mark.teach
def test_evaluated_alone_retention_tasks_are_found_among_tasks_not_trained_on(
    trained: tuple[Desk, dict[str, object]],
) -> None:
    desk, summary = trained
    place = desk.run.path / "phase0/retention_tasks.json"
    before = place.read_bytes()
    place.unlink()
    try:
        results = evaluate_runs(desk, only(summary, []), "alone").results
    finally:
        found = json.loads(place.read_bytes())
        place.write_bytes(before)

    kept = results.rows("base", RETENTION, GREEDY)
    assert [row.place for row in kept] == [row["id"] for row in found]
    assert {row.success for row in kept} == {True}


@pytest.mark.teach
def test_the_same_training_elsewhere_gives_the_same_bytes(
    trained: tuple[Desk, dict[str, object]], student: Path, tmp_path: Path
) -> None:
    desk, _ = trained
    other = labelled_desk(tmp_path / "elsewhere", student)
    train_runs(other, runs_for(other), "phase2")

    names = [
        "training_summary.json",
        *(f"Q1_highU_highL_{route}/adapter/adapter_model.safetensors" for route in ("demo", "contrast")),
    ]
    pairs = [[(d.run.path / "phase2" / name).read_bytes() for d in (desk, other)] for name in names]
    assert [name for name, (one, two) in zip(names, pairs, strict=True) if one != two] == []


@pytest.mark.teach
def test_runs_trained_in_one_pass_come_to_the_same_weights(
    trained: tuple[Desk, dict[str, object]], student: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    desk, _ = trained
    other = labelled_desk(tmp_path / "stacked", student, spec(training={"trainer": "stacked"}))
    summary = train_runs(other, runs_for(other), "phase2")
    place = "phase2/Q1_highU_highL_contrast/adapter/adapter_model.safetensors"
    alone, stacked = (load_file(one.run.path / place) for one in (desk, other))

    apart = max(float((alone[name] - stacked[name]).abs().max()) for name in alone)
    assert (set(alone) == set(stacked), apart < 1e-4) == (True, True)
    assert {row["trainer"] for row in summary["runs"]} == {"stacked"}


@pytest.mark.teach
def test_an_adapter_that_was_changed_after_training_is_refused(
    trained: tuple[Desk, dict[str, object]], tmp_path: Path
) -> None:
    desk, summary = trained
    weights = desk.run.path / "phase2/Q1_highU_highL_demo/adapter"
    kept = shutil.copytree(weights, tmp_path / "kept")
    try:
        (weights / "adapter_model.safetensors").write_bytes(b"other")
        with pytest.raises(TrainingError, match="changed or removed"):
            train_runs(desk, runs_for(desk), "phase2")
        shutil.rmtree(weights)
        with pytest.raises(StudyError, match="Q1_highU_highL_demo"):
            players_of(desk, summary)
    finally:
        shutil.rmtree(weights, ignore_errors=True)
        shutil.copytree(kept, weights)


def test_adapters_are_refused_on_another_student_than_theirs(desk: Desk) -> None:
    summary = {"base_model": "somewhere/else", "base_identity": "another", "runs": []}

    with pytest.raises(StudyError, match=r"trained on the student 'somewhere/else' \(another\)"):
        players_of(desk, summary)
