"""Small studies for tests: a run on the scripted chain, with a student whose chances are stated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from honing.environments import Task, World, world_named
from honing.learn import Episode, Keep, Start, policy_from, roll_out
from honing.store import Run
from honing.teach.desk import Desk
from honing.teach.phases.prepare import STUDENT
from honing.teach.snapshot import Snapshot
from honing.teach.study_spec import StudySpec

CHAIN: dict[str, Any] = {"kind": "honing.environments.scripted_truth:ChainPolicy"}
SMALL: dict[str, Any] = {
    "name": "small",
    "environment": {"name": "scripted", "options": {"length": 4, "max_steps": 10}},
    "collect": {"n_tasks": 90, "expert_tasks": 12},
    "mine": {"retention_tasks": 6, "max_snapshots": 40, "failure_panel": 10},
    "cpt": {"succeeding": 8},
    "evaluation": {"n_tasks": 10},
}


def small_spec(**changes: Any) -> StudySpec:
    """The small study; each change replaces keys of one section."""
    document = {name: dict(value) if isinstance(value, dict) else value for name, value in SMALL.items()}
    for section, change in changes.items():
        document[section] = {**document.get(section, {}), **change} if isinstance(change, dict) else change
    return StudySpec.model_validate(document)


def small_desk(folder: Path, spec: StudySpec | None = None, **options: Any) -> Desk:
    """A run below a folder, with the student of `CHAIN` in place of what `prepare` would make."""
    spec = spec or small_spec()
    run = Run.create(folder, kind="teach", config=spec.as_document(), command=["test"], seed=spec.seed)
    run.write_json(
        STUDENT, {"checkpoint": "", "history": 4, "device": "cpu", "about": "test", "policy": CHAIN}
    )
    return Desk(run=run, spec=spec, **{"workers": 0, "cache": folder / "cache", **options})


def chain_world(**options: Any) -> World:
    """The scripted chain."""
    return world_named("scripted", {"length": 4, "max_steps": 10, **options})


def chain_episodes(n: int, *, policy: dict[str, Any] | None = None, split: str = "collect") -> list[Episode]:
    """Episodes of the chain's student, with states."""
    world = chain_world()
    starts = [Start(task=task, draw="collect") for task in world.tasks(split, n)]
    return roll_out(policy_from(policy or CHAIN), world, starts, temperature=1.0, seed=0, keep=Keep.STATES)


def a_snapshot(**changes: Any) -> Snapshot:
    """A moment in a room with three doors, the wrong one taken."""
    found: dict[str, Any] = {
        "id": "t1-s00",
        "task": Task(id="t1", seed=1).as_document(),
        "task_hash": "h1",
        "goal": "leave the house",
        "observation": "You are in the hall.",
        "valid_actions": ["take the red door", "take the blue door", "go back"],
        "history": ["go back"],
        "action": "take the red door",
        "action_kind": "door",
        "step_index": 0,
        "n_steps": 3,
    }
    return Snapshot.model_validate({**found, **changes})


class LeakyWorld:
    """The chain, but the first task of one split is that of another."""

    def __init__(self, source: str, target: str) -> None:
        self._inner = chain_world()
        self._source, self._target = source, target

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> LeakyWorld:
        """Which split leaks into which: `from` and `to`."""
        return cls(options["from"], options["to"])

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        """As the chain's, but for one."""
        found = self._inner.tasks(split, n, seed=seed)
        return self._inner.tasks(self._source, 1, seed=seed) + found[1:] if split == self._target else found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class MuteWorld:
    """A world without an expert."""

    name = "mute"

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> MuteWorld:
        """Without options."""
        del options
        return cls()

    def make(self) -> object:
        """Something that knows nothing."""
        return object()
