"""What is trained on and what is measured on share no task: checked by what tasks show, not by names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import Task, World, task_hash, world_named
from honing.errors import EnvironmentFaultError, LeakageError
from honing.teach.desk import Desk

Json = Any

_TASKS_PER_UNIT = 128


def hashes_of(desk: Desk, tasks: Sequence[Task], *, step: str = "tasks.hashes") -> dict[str, str]:
    """Identity by content of each task, and the id of the first task that shows it.

    Args:
        desk: Of the study; its world plays the tasks.
        tasks: Any of that world.
        step: Name of the step in the journal.
    """
    return hashes_by_group(desk, {"": tasks}, step=step)[""]


def hashes_by_group(
    desk: Desk, groups: Mapping[str, Sequence[Task]], *, step: str = "tasks.hashes"
) -> dict[str, dict[str, str]]:
    """The same for several groups in one step.

    Args:
        desk: Of the study; its world plays the tasks.
        groups: By name, any tasks of that world.
        step: Name of the step in the journal; a group that was asked for before is not played again.
    """
    world = world_document(desk)
    rows = [(name, task.as_document()) for name, tasks in groups.items() for task in tasks]
    chunks: list[dict[str, Json]] = []
    for name in groups:
        documents = [document for group, document in rows if group == name]
        chunks += [
            {"world": world, "tasks": documents[start : start + _TASKS_PER_UNIT]}
            for start in range(0, len(documents), _TASKS_PER_UNIT)
        ]
    values = [value for hashes in desk.map(step, hash_chunk, chunks) for value in hashes]
    found: dict[str, dict[str, str]] = {name: {} for name in groups}
    for value, (name, document) in zip(values, rows, strict=True):
        found[name].setdefault(value, document["id"])
    return found


def reserved(desk: Desk) -> dict[str, list[Task]]:
    """The tasks kept for measuring, by split: nothing that is trained on may show what they show."""
    spec, world = desk.spec, desk.world()
    return {
        split: tasks_at_most(world, split, spec.evaluation.n_tasks, seed=spec.seed)
        for split in ("evaluate", "validation")
    }


def tasks_at_most(world: World, split: str, n: int, *, seed: int) -> list[Task]:
    """The first tasks of a split: as many as asked for, or about as many as there are."""
    while n:
        try:
            return world.tasks(split, n, seed=seed)
        except EnvironmentFaultError:
            n //= 2
    return []


def world_document(desk: Desk) -> dict[str, Json]:
    """The study's world as a unit of work names it."""
    return {"name": desk.spec.environment.name, "options": desk.spec.environment.options}


def hash_chunk(work: Mapping[str, Json]) -> list[str]:
    """One unit: the hash of each task of a chunk."""
    environment = world_named(work["world"]["name"], work["world"]["options"]).make()
    try:
        tasks = [Task.from_document(document) for document in work["tasks"]]
        return [task_hash(environment.reset(task), task) for task in tasks]
    finally:
        environment.close()


def check_apart(training: Mapping[str, Mapping[str, str]], held_out: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse to go on where something trained on is also measured on.

    Args:
        training: By the name of a set ("replay"): task hash -> which task or snapshot.
        held_out: The same, of what is measured on.

    Raises:
        LeakageError: Two sets share a task; the text names both and the first tasks they share.
    """
    for name, trained in training.items():
        for other, measured in held_out.items():
            shared = sorted(trained.keys() & measured.keys())
            if shared:
                pairs = ", ".join(f"{trained[one]} = {measured[one]}" for one in shared[:3])
                raise LeakageError(
                    f"'{name}', which is trained on, and '{other}', which is measured on, share "
                    f"{len(shared)} task(s) by content: {pairs}. A gain measured there would be false. Make "
                    "the tasks anew from splits that share none (`World.tasks`), or drop these."
                )
