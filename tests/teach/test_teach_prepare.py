"""Phase 0, prepare: who is taught, and what is replayed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from teach_runs import CHAIN, SMALL, MuteWorld, chain_world, small_desk, small_spec

from honing.environments import task_hash
from honing.learn import Example, policy_from
from honing.store import Run, identity
from honing.teach.apart import hashes_by_group, reserved
from honing.teach.desk import Desk, read_rows
from honing.teach.phase import Cost
from honing.teach.phases.collect import ROLLOUTS, collect
from honing.teach.phases.prepare import (
    PHASE,
    REPLAY,
    REPLAY_EXAMPLES,
    STUDENT,
    STUDENT_FOLDER,
    copy_folder,
    prepare,
    replayed,
    student_policy,
)
from honing.teach.study_spec import StudySpec

TINY = {"hidden": 16, "heads": 2, "steps": 3, "demonstrations": 200, "batch_size": 8}


def fresh_desk(folder: Path, spec: StudySpec, cache: Path | None = None) -> Desk:
    """A run with nothing in it yet."""
    run = Run.create(folder, kind="teach", config=spec.as_document(), command=["test"], seed=spec.seed)
    return Desk(run=run, spec=spec, workers=0, cache=cache or folder / "cache")


def replay_of(desk: Desk) -> list[Example]:
    return [Example.from_document(row) for row in read_rows(desk.run.path / REPLAY)]


@pytest.fixture(scope="module")
def mocked(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = fresh_desk(tmp_path_factory.mktemp("mocked"), small_spec(student={"mock": True}))
    prepare(desk)
    return desk


def test_a_mock_student_is_named_as_one_and_plays(mocked: Desk) -> None:
    document = mocked.run.read_json(STUDENT)

    assert document["about"] == "mock: a scripted policy, for wiring only"
    assert student_policy(mocked.run) == {"kind": "mock", "seed": 0}
    assert document["identity"] == policy_from({"kind": "mock", "seed": 0}).identity()
    assert len(collect(mocked).artifacts) == 2
    assert len(read_rows(mocked.run.path / ROLLOUTS)) == SMALL["collect"]["n_tasks"]


def test_replay_comes_from_tasks_that_nothing_else_has(mocked: Desk) -> None:
    examples = replay_of(mocked)
    tasks = {task.id: task for task in chain_world().tasks("replay", REPLAY_EXAMPLES)}
    hashes = hashes_by_group(mocked, reserved(mocked))
    environment = chain_world().make()

    sources = [tasks[source] for source in dict.fromkeys(one.source for one in examples)]
    shown = {task_hash(environment.reset(task), task) for task in sources}

    assert len(examples) == REPLAY_EXAMPLES
    assert shown.isdisjoint(set().union(*hashes.values()))
    assert replayed(mocked) == sources
    assert all(one.action in one.situation.actions for one in examples)


def test_a_task_of_replay_that_is_measured_elsewhere_is_left_out(tmp_path: Path) -> None:
    leaky = {"name": "teach_runs:LeakyWorld", "options": {"from": "evaluate", "to": "replay"}}
    spec = small_spec(student={"mock": True}, environment=leaky)
    shared = chain_world().tasks("evaluate", 1)[0].id

    desk = fresh_desk(tmp_path, spec)
    prepare(desk)

    examples = replay_of(desk)
    assert shared not in {one.source for one in examples}
    assert 0 < REPLAY_EXAMPLES - len(examples) < 20


def test_a_world_without_an_expert_has_no_replay_and_that_is_said(tmp_path: Path) -> None:
    told: list[str] = []
    spec = small_spec(student={"mock": True}, environment={"name": "teach_runs:MuteWorld", "options": {}})
    desk = Desk(run=fresh_desk(tmp_path, spec).run, spec=spec, workers=0, told=told.append)

    assert not hasattr(MuteWorld().make(), "expert_action")
    assert prepare(desk).summary["replay_examples"] == 0
    assert told == ["prepare: teach_runs:MuteWorld has no expert, so training runs without replay"]


def test_a_given_student_is_shown_experts_on_tasks_without_particular_facts(tmp_path: Path) -> None:
    chain = small_desk(tmp_path)
    spec = small_spec(student={"mock": True, "checkpoint": "some/hub-id"})
    desk = Desk(run=chain.run, spec=spec, workers=0)

    prepare(desk)

    tasks = {task.id: task for task in chain_world().tasks("replay", REPLAY_EXAMPLES)}
    examples = replay_of(desk)
    assert {tasks[one.source].tags for one in examples} == {()}
    # The expert of the chain never goes wrong, and no patch is in sight.
    first = {one.source: one for one in reversed(examples)}
    environment = chain_world().make()
    for source, example in first.items():
        environment.reset(tasks[source])
        assert example.action == environment.expert_action()  # type: ignore[attr-defined]
        assert example.situation.patch == ""


def test_a_run_may_name_any_policy_as_its_student(tmp_path: Path) -> None:
    assert student_policy(small_desk(tmp_path).run) == CHAIN


def test_a_students_folder_inside_the_run_is_found_wherever_the_run_lies(tmp_path: Path) -> None:
    run = fresh_desk(tmp_path / "a", small_spec()).run
    document = {"checkpoint": STUDENT_FOLDER, "history": 3, "device": "cpu"}
    run.write_json(STUDENT, document)
    moved = Path(shutil.move(run.path, tmp_path / "moved"))

    assert student_policy(Run.open(moved)) == {
        "kind": "student",
        "checkpoint": str(moved / STUDENT_FOLDER),
        "history": 3,
        "device": "cpu",
    }


def test_copying_a_folder_replaces_what_lay_there_and_what_a_kill_left(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "new").write_text("new")
    for left in ("to", ".to.part"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "old").write_text("old")

    copy_folder(tmp_path / "from", tmp_path / "to")

    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "from",
        "from/new",
        "to",
        "to/new",
    ]


def test_what_a_dry_run_says_of_the_warm_start(tmp_path: Path) -> None:
    made = fresh_desk(tmp_path / "a", small_spec(student={"warm_start": {"steps": 77}}))
    given = fresh_desk(tmp_path / "b", small_spec(student={"checkpoint": "some/hub-id"}))

    assert PHASE.cost(made) == Cost(optimiser_steps=77)
    assert PHASE.cost(given) == Cost()


@pytest.mark.teach
def test_a_student_is_made_copied_into_the_run_and_given_by_its_folder(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    few = {"n_tasks": 6, "expert_tasks": 0}
    made = small_spec(student={"warm_start": TINY, "device": "cpu"}, collect=few)
    first, again = (fresh_desk(tmp_path / name, made, cache) for name in ("a", "b"))
    prepare(first)
    prepare(again)
    folder = str(first.run.path / STUDENT_FOLDER)
    given = fresh_desk(tmp_path / "c", small_spec(student={"checkpoint": folder}, collect=few), cache)
    prepare(given)

    document = json.loads((first.run.path / STUDENT).read_text())
    assert document == {
        "about": "made from scratch (llama), warm-started",
        "checkpoint": STUDENT_FOLDER,
        "device": "cpu",
        "history": 4,
        "identity": document["identity"],
    }
    assert identity(again.run.path) == identity(first.run.path)
    student = policy_from(student_policy(first.run))
    assert student.identity() == document["identity"] == given.run.read_json(STUDENT)["identity"]
    assert given.run.read_json(STUDENT)["about"] == "given"
    assert not (given.run.path / STUDENT_FOLDER).exists()
    assert collect(given).summary["student_episodes"] == 6
