"""Phase 1B: which snapshots and tasks, what a unit does, and what the phase leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from honing.environments import Task, World, world_named
from honing.errors import EnvironmentFaultError
from honing.learn import Keep, Start, policy_from, roll_out
from honing.store import json_bytes
from honing.teach.desk import Desk
from honing.teach.micro.similar import likeness, similar_tasks, task_pool
from honing.teach.micro.unit import micro_train_chunk
from honing.teach.phase import PhaseOutcome
from honing.teach.phases.matrix import train_runs
from honing.teach.phases.micro_training import PHASE, RESULTS, _chunks, chosen_snapshots, rows_of
from honing.teach.snapshot import Quadrant, Snapshot
from honing.teach.training.arms import demo_run, trainable
from honing.teach.training.summary import CORRELATION, UNVALIDATED, validation_of
from labelled_scene import OPTIONS, SEED, WORLD, labelled_desk, spec, tasks, tiny_student

LABELLED = "phase1/labeled_snapshots.jsonl"


def task(name: str, *tags: str) -> Task:
    return Task(id=name, seed=0, tags=tags)


class ListedWorld:
    """Gives tasks from a list, as many as it has."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = list(tasks)

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        if n > len(self._tasks) or split != "validation":
            raise EnvironmentFaultError(f"There are not {n}.")
        return self._tasks[:n]


def world(tasks: Sequence[Task]) -> World:
    return ListedWorld(tasks)  # type: ignore[return-value]


MANY = [task(f"t{n}", "rare") if n % 50 == 49 else task(f"t{n}", "common") for n in range(400)]


@pytest.mark.parametrize(
    ("tags", "n", "expected"),
    [({"common"}, 2, 20), ({"rare"}, 2, 160), ({"nowhere"}, 2, 160), ({"nowhere"}, 40, 400)],
    ids=["the first suffice", "more are looked through", "up to a limit", "up to what the world has"],
)
def test_tasks_are_looked_through_until_there_are_enough_of_each_kind(
    tags: set[str], n: int, expected: int
) -> None:
    assert len(task_pool(world(MANY), [frozenset(tags)], n, seed=SEED)) == expected


def test_a_world_that_has_few_tasks_gives_a_half_a_quarter_or_none() -> None:
    pools = [task_pool(world(MANY[:size]), [frozenset({"rare"})], 2, seed=0) for size in (20, 7, 0)]

    assert [len(pool) for pool in pools] == [20, 5, 0]


def test_similar_tasks_have_the_same_tags_first_and_then_the_most_in_common() -> None:
    pool = [
        task("none"),
        task("both", "x", "y"),
        task("one", "x"),
        task("other", "z"),
        task("also", "x", "y"),
    ]

    found = similar_tasks(task("own", "x", "y"), pool, 3, seed=0)
    assert [sorted(found[:2], key=lambda one: one.id), found[2]] == [[pool[4], pool[1]], pool[2]]


def test_snapshots_of_one_kind_get_tasks_of_their_own_draw() -> None:
    pool = [task(f"t{n}") for n in range(40)]

    one, other = (similar_tasks(task(name), pool, 10, seed=0) for name in ("one", "other"))
    assert one != other
    assert one == similar_tasks(task("one"), pool[::-1], 10, seed=0)


def test_likeness_is_the_share_of_common_tags() -> None:
    pairs = [("", ""), ("a", "a"), ("ab", "a"), ("a", "b")]

    assert [likeness(frozenset(one), frozenset(other)) for one, other in pairs] == [1.0, 1.0, 0.5, 0.0]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> list[Snapshot]:
    folder = tmp_path_factory.mktemp("labelled") / "run"
    return labelled_desk(folder, Path("none")).snapshots(LABELLED)


def test_as_many_training_snapshots_are_chosen_of_each_quadrant(labelled: list[Snapshot]) -> None:
    chosen = chosen_snapshots(labelled, 3, seed=SEED)

    assert Counter(one.quadrant for one in chosen) == dict.fromkeys(Quadrant, 3)
    assert {one.split for one in chosen} == {"train"}


def test_snapshots_without_patch_test_or_saved_state_are_not_chosen(labelled: list[Snapshot]) -> None:
    lacking = [one.model_copy(update={"cpt": None}) for one in labelled[::2]] + [
        one.model_copy(update={"env_state": None}) for one in labelled[1::2]
    ]

    assert chosen_snapshots(lacking, 3, seed=SEED) == []


def test_a_gain_is_success_after_minus_before_with_its_halves(labelled: list[Snapshot]) -> None:
    (setting, *_) = spec().micro_training.settings
    trained = {
        "same_after": [1, 1, 0],
        "similar_after": [],
        "n_steps": 2,
        "first_loss": 1.5,
        "final_loss": 0.5,
    }
    result = {"same_before": [0, 1, 0], "similar_before": [], "settings": [trained]}

    (row,) = rows_of(labelled[1], result, [setting])
    assert (row["same"], row["similar"]) == (
        {"n": 3, "before": 1 / 3, "after": 2 / 3, "gain": 1 / 3, "halves": [0.5, 0.0]},
        None,
    )


# With a student that is trained.


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_student(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, student: Path) -> tuple[Desk, PhaseOutcome]:
    strong = {"label": "strong", "n_steps": 12, "learning_rate": 0.1}
    settings = [
        {"label": "still", "n_steps": 1, "learning_rate": 1e-12, "decides": True},
        strong,
    ]
    study = spec(micro_training={"settings": settings})
    desk = labelled_desk(tmp_path_factory.mktemp("micro") / "run", student, study)
    return desk, PHASE.run(desk)


def of_setting(desk: Desk, label: str) -> list[dict[str, Any]]:
    return [row for row in desk.run.read_json(RESULTS) if row["setting"] == label]


@pytest.mark.teach
def test_training_that_moves_nothing_gains_nothing(done: tuple[Desk, PhaseOutcome]) -> None:
    rows = of_setting(done[0], "still")

    assert len(rows) == 8
    assert {row[place]["gain"] for row in rows for place in ("same", "similar")} == {0.0}


@pytest.mark.teach
def test_every_snapshot_is_learned_and_played_from(done: tuple[Desk, PhaseOutcome]) -> None:
    rows = of_setting(done[0], "strong")

    assert [row["snapshot_id"] for row in rows if row["final_loss"] > 0.95 * row["first_loss"]] == []
    assert {(row["n_steps"], row["same"]["n"], row["similar"]["n"]) for row in rows} == {(12, 2, 3)}
    assert any(row["same"]["gain"] for row in rows)


@pytest.mark.teach
def test_a_snapshot_comes_to_the_same_whatever_snapshots_share_its_unit(
    done: tuple[Desk, PhaseOutcome],
) -> None:
    desk, _ = done
    chosen = chosen_snapshots(desk.snapshots(LABELLED), 1, seed=SEED)
    (work,) = _chunks(desk, chosen, {one.id: tasks("validation", 2) for one in chosen})
    backwards = {**work, "snapshots": work["snapshots"][::-1]}

    found, other = ([plays(row) for row in micro_train_chunk(each)] for each in (work, backwards))
    assert found == other[::-1]


def plays(row: Mapping[str, Any]) -> list[Any]:
    """A unit's result without its losses, which differ in their last bits."""
    return [
        row["same_before"],
        row["similar_before"],
        *([one["same_after"], one["similar_after"]] for one in row["settings"]),
    ]


@pytest.mark.teach
def test_what_the_base_does_is_what_a_rollout_of_it_does(done: tuple[Desk, PhaseOutcome]) -> None:
    desk, _ = done
    by_id = {one.id: one for one in desk.snapshots(LABELLED)}
    rows = of_setting(desk, "still")
    starts = [start(by_id[row["snapshot_id"]], number) for row in rows for number in range(2)]
    document = {"kind": "student", "checkpoint": desk.run.read_json("phase0/student.json")["checkpoint"]}

    episodes = roll_out(
        policy_from(document),
        world_named(WORLD, OPTIONS),
        starts,
        temperature=1.0,
        seed=SEED,
        keep=Keep.ENDING,
    )
    expected = [sum(pair) / 2 for pair in zip(*[iter([int(e.success) for e in episodes])] * 2, strict=True)]
    assert [row["same"]["before"] for row in rows] == expected


def start(snapshot: Snapshot, number: int) -> Start:
    return Start(
        task=snapshot.the_task(),
        draw=f"micro:{number}",
        state=snapshot.env_state,
        history=tuple(snapshot.history),
    )


@pytest.mark.teach
def test_a_failed_validation_is_written_down_and_marks_what_is_trained_after(
    done: tuple[Desk, PhaseOutcome],
) -> None:
    desk, outcome = done
    correlation: Mapping[str, Any] = desk.run.read_json(CORRELATION)
    usable = trainable(desk.snapshots(LABELLED), drop_abstained=False)
    summary = train_runs(desk, [demo_run("any", usable[:2])], "phase2")

    assert (correlation["passed"], "cpt_spearman" in [one.name for one in outcome.unmet]) == (False, True)
    assert set(correlation["settings"]) == {"still", "strong"}
    assert (summary["validated"], summary["note"]) == (False, UNVALIDATED)


@pytest.mark.teach
def test_the_same_phase_in_worker_processes_leaves_the_same_bytes(
    done: tuple[Desk, PhaseOutcome], student: Path, tmp_path: Path
) -> None:
    desk, _ = done
    other = labelled_desk(tmp_path / "run", student, desk.spec, workers=2)
    PHASE.run(other)

    for name in (RESULTS, CORRELATION):
        assert json_bytes(other.run.read_json(name)) == json_bytes(desk.run.read_json(name))


def test_without_micro_training_nothing_is_said_about_validation(tmp_path: Path) -> None:
    assert validation_of(labelled_desk(tmp_path / "run", Path("none")).run) is None
