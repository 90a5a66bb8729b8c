"""Phase 0, prepare: the student that is taught, and demonstrations that keep what it can do already."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from honing.environments import KnowsBest, Task
from honing.learn import ActingHarness, Example, WarmStartOptions, demonstrations, policy_from, warm_start
from honing.store import Run
from honing.teach.apart import hashes_by_group, reserved, tasks_at_most
from honing.teach.desk import Desk, read_rows
from honing.teach.phase import Cost, Phase, PhaseOutcome

Json = Any

STUDENT = "phase0/student.json"
STUDENT_FOLDER = "phase0/student"
REPLAY = "phase0/replay.jsonl"
REPLAY_EXAMPLES = 900
"""Decisions. A training run draws 600 of them at the defaults (0.75 of 8 rows in each of 100 steps)."""


def prepare(desk: Desk) -> PhaseOutcome:
    """Make or name the student, then write down what is replayed beside anything it is taught."""
    student = _student(desk)
    seen = desk.map("prepare.student", look_at_student, [_policy(desk.run, student)])[0]
    desk.run.write_json(STUDENT, {**student, "identity": seen["identity"]})
    examples = _replay(desk)
    desk.run.write_jsonl(REPLAY, [example.as_document() for example in examples])
    return PhaseOutcome(
        summary={
            "student": student["about"],
            "identity": seen["identity"][:12],
            "replay_examples": len(examples),
        },
        artifacts=(STUDENT, REPLAY, *([STUDENT_FOLDER] if (desk.run.path / STUDENT_FOLDER).is_dir() else [])),
    )


def _student(desk: Desk) -> dict[str, Json]:
    """Who is taught, as `phase0/student.json` says it."""
    spec = desk.spec.student
    found: dict[str, Json] = {"checkpoint": "", "history": spec.history, "device": spec.device}
    if spec.harness:
        found["harness"] = ActingHarness.from_document(spec.harness).as_document()
    if spec.mock:
        mock = {"kind": "mock", "seed": desk.spec.seed}
        return {**found, "about": "mock: a scripted policy, for wiring only", "policy": mock}
    if spec.checkpoint:
        given = Path(spec.checkpoint).expanduser()
        # A hub id stays as it is.
        named = str(given.resolve()) if given.is_dir() else spec.checkpoint
        return {**found, "checkpoint": named, "about": "given"}
    about = f"made from scratch ({spec.architecture}), warm-started"
    return {**found, "checkpoint": _warm_started(desk), "about": about}


def student_policy(run: Run) -> dict[str, Json]:
    """The run's student, as `learn.policy_from` reads it."""
    return _policy(run, run.read_json(STUDENT))


def look_at_student(policy: Mapping[str, Json]) -> dict[str, Json]:
    """One unit: load the student and say who it is."""
    found = policy_from(policy)
    return {"name": found.name, "identity": found.identity()}


def _policy(run: Run, student: Mapping[str, Json]) -> dict[str, Json]:
    if "policy" in student:
        return {**student["policy"], **_harness(student)}
    named = str(student["checkpoint"])
    inside = named.startswith("phase0/")
    return {
        "kind": "student",
        "checkpoint": str((run.path / named).resolve()) if inside else named,
        "history": student["history"],
        "device": student["device"],
        **_harness(student),
    }


def _harness(student: Mapping[str, Json]) -> dict[str, Json]:
    """What the student acts through, where there is something."""
    return {"harness": student["harness"]} if student.get("harness") else {}


def _warm_start_options(desk: Desk) -> dict[str, Json]:
    student = desk.spec.student
    given = {"architecture": student.architecture, "history": student.history, "seed": desk.spec.seed}
    return {**given, **student.warm_start}


def _warm_started(desk: Desk) -> str:
    """Make the tiny student or find it in the cache, and put a copy into the run."""
    options = WarmStartOptions.from_options(_warm_start_options(desk))
    made = warm_start(desk.world(), options, desk.cache.expanduser(), told=desk.told)
    copy_folder(made, desk.run.artifact(STUDENT_FOLDER))
    return STUDENT_FOLDER


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder so that it is whole or absent under its name, whenever this is killed."""
    draft = target.with_name(f".{target.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(source, draft)
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)


def _replay(desk: Desk) -> list[Example]:
    """Demonstrations of tasks that nothing else in the study uses; none where the world has no expert.

    A student made from scratch is shown more of what it was made from. A student that was given is shown the
    expert on tasks that need no particular fact, where the world has such: replay is to keep what it can do,
    not to teach what the runs are compared on.
    """
    options, spec = _demonstrators(desk), desk.spec
    environment: object = desk.world().make()
    if not isinstance(environment, KnowsBest):
        desk.told(f"prepare: {spec.environment.name} has no expert, so training runs without replay")
        return []
    found = demonstrations(desk.world(), "replay", REPLAY_EXAMPLES, options, seed=spec.seed)
    tasks = {task.id: task for task in _tasks_named(desk, {example.source for example in found})}
    if spec.student.checkpoint and any(not task.tags for task in tasks.values()):
        found = [example for example in found if not tasks[example.source].tags]
    hashes = hashes_by_group(desk, {**reserved(desk), "replay": list(tasks.values())})
    shown = hashes.pop("replay")
    taken = frozenset().union(*hashes.values())
    kept = {task for value, task in shown.items() if value not in taken}
    return [example for example in found if example.source in kept]


def _demonstrators(desk: Desk) -> WarmStartOptions:
    student = desk.spec.student
    if student.checkpoint:
        return WarmStartOptions(
            knowledge_low=1.0, knowledge_high=1.0, error_rate=0.0, wander=0.0, patched=0.0
        )
    return WarmStartOptions.from_options(_warm_start_options(desk))


def replayed(desk: Desk) -> list[Task]:
    """The tasks whose demonstrations are replayed; none where nothing is."""
    path = desk.run.path / REPLAY
    if not path.exists():
        return []
    return _tasks_named(desk, {str(row.get("source", "")) for row in read_rows(path)})


def _tasks_named(desk: Desk, names: Collection[str]) -> list[Task]:
    """The tasks of the split "replay" that have these ids; what comes from elsewhere has none."""
    # Tasks are not cheap to draw in every world, and the first ones are the ones that are played.
    n = len(names)
    while True:
        tasks = tasks_at_most(desk.world(), "replay", n, seed=desk.spec.seed)
        found = [task for task in tasks if task.id in names]
        if len(found) == len(names) or len(tasks) < n or n >= REPLAY_EXAMPLES:
            return found
        n = min(2 * n, REPLAY_EXAMPLES)


def _cost(desk: Desk) -> Cost:
    student = desk.spec.student
    if student.checkpoint or student.mock:
        return Cost()
    return Cost(optimiser_steps=WarmStartOptions.from_options(_warm_start_options(desk)).steps)


PHASE = Phase(
    name="prepare",
    doing="make the student and what is replayed",
    run=prepare,
    writes=(STUDENT, REPLAY),
    cost=_cost,
)
