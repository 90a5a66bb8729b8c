"""A student in a world: what it acts through is searched, its weights are taught from its own mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.environments import Task, World, world_named
from honing.errors import UsageError
from honing.experiments.improve.base import (
    Measurement,
    Panel,
    Part,
    Proposal,
    Sizes,
    Spending,
    TaskScore,
    Version,
)
from honing.experiments.improve.desk import Desk
from honing.experiments.improve.worlds.certify import certified_panel, tasks_of
from honing.experiments.improve.worlds.options import WorldOptions, same_place
from honing.experiments.improve.worlds.playing import chunks_of, mapped, play_chunk
from honing.experiments.improve.worlds.rewriting import rewritten
from honing.experiments.improve.worlds.student import given_digest, own_student
from honing.experiments.improve.worlds.teaching import taught
from honing.experiments.improve.worlds.versions import harness_of, policy_document, stored
from honing.harness import AgentChoice
from honing.learn import ActingHarness, Prompt, read_acting

Json = Any

PLAIN = ActingHarness(prompt=Prompt(history=2))
"""Where a search begins if nobody says otherwise: a plain prompt, two past actions, the student's own
distribution, no rules, nothing remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSubject:
    """See `Subject`. Made by `world_subject`."""

    world_name: str
    options: WorldOptions
    model: str = ""
    """Folder or hub id; empty for a tiny student that is made from scratch."""
    harness: ActingHarness = PLAIN
    choice: AgentChoice = field(default_factory=lambda: AgentChoice(name=""))
    """Who proposes harnesses; without a name the programmatic proposer."""

    @property
    def name(self) -> str:
        """See `Subject`."""
        return f"{Path(self.model).name or 'a tiny student'} in {self.world_name}"

    def identity(self) -> Mapping[str, Any]:
        """See `Subject`."""
        return {
            "kind": "world",
            "world": self.world.identity(),
            "options": self.options.as_document(),
            "model": given_digest(self.model),
            "harness": self.harness.as_document(),
            "agent": {
                "name": self.choice.name,
                "model": self.choice.model,
                "options": dict(self.choice.options),
            },
        }

    def sizes(self) -> Sizes:
        """See `Sized`. A candidate is judged once, and a second time if it gains."""
        options = self.options
        return Sizes(
            tasks={
                Part.SEARCH: options.search_tasks,
                Part.CHECK: options.check_tasks,
                Part.HELD_OUT: options.held_out_tasks,
            },
            search_runs_each=3 * options.search_tasks,
            training_runs=options.search_tasks,
        )

    @property
    def world(self) -> World:
        """The world."""
        return world_named(self.world_name, self.options.world)

    @property
    def document(self) -> dict[str, Json]:
        """The world as a unit of work names it."""
        return {"name": self.world_name, "options": dict(self.options.world)}

    def start(self, desk: Desk) -> Version:
        """See `Subject`."""
        model = self.model or own_student(desk, self.world, self.options)
        return Version(harness=stored(desk, self.harness), model=model)

    def panel(self, desk: Desk) -> Panel:
        """See `Subject`."""
        return certified_panel(desk, self.world, self.document, self.options)

    def measure(self, desk: Desk, version: Version, part: Part, seeds: Sequence[int]) -> Measurement:
        """See `Subject`. The score of a task is whether it is solved."""
        tasks = self._tasks(desk, part)
        policy = policy_document(desk, version, self.options.device)
        # The model's folder is part of a unit by its place: a version's weights never change.
        units = chunks_of(self.document, policy, tasks, seeds=seeds)
        step = f"measure.{part.value}"
        rows = iter(mapped(desk.run, desk.executor, step, play_chunk, units, progress=desk.progress(step)))
        by_seed = {seed: {task.id: next(rows) for task in tasks} for seed in seeds}
        scores = tuple(
            TaskScore(task=task.id, seed=seed, score=_score(by_seed[seed][task.id]))
            for task in tasks
            for seed in seeds
        )
        return Measurement(
            scores=scores,
            spent=Spending(task_runs=len(scores)),
            deterministic=harness_of(desk, version).temperature == 0,
        )

    def rewrite(self, desk: Desk, version: Version) -> Proposal:
        """See `Subject`."""
        return rewritten(
            desk,
            version,
            world=self.world,
            document=self.document,
            tasks=self._tasks(desk, Part.SEARCH),
            device=self.options.device,
            choice=self.choice,
        )

    def teach(self, desk: Desk, version: Version) -> Proposal:
        """See `Subject`."""
        return taught(desk, version, world=self.document, options=self.options)

    def _tasks(self, desk: Desk, part: Part) -> list[Task]:
        return [task for task, _ in tasks_of(desk, self.world, self.document, self.options)[part]]


def world_subject(
    world: str,
    options: WorldOptions | None = None,
    *,
    model: str = "",
    harness: Path | None = None,
    choice: AgentChoice | None = None,
) -> WorldSubject:
    """A world as the subject of a loop.

    Args:
        world: Its name, as `environments.world_named` takes it.
        options: Sizes, and what teaching does.
        model: Folder or hub id of the student; empty for a tiny one that is made from scratch.
        harness: Folder with prompt.txt and harness.yaml; None for a plain one.
        choice: Who proposes harnesses; the programmatic proposer where None.

    Raises:
        UsageError: The harness cannot be read, or there is no such world.
        MissingToolError: The world needs a package that is not installed.
    """
    if harness is not None and not harness.is_dir():
        raise UsageError(f"{harness}: expected a folder with a student's harness (prompt.txt, harness.yaml).")
    subject = WorldSubject(
        world_name=world,
        options=options or WorldOptions(),
        model=same_place(model),
        harness=PLAIN if harness is None else read_acting(harness),
        choice=choice or AgentChoice(name=""),
    )
    _ = subject.world
    return subject


def _score(row: Mapping[str, Json]) -> float | None:
    """1 for a solved task; None where the episode cannot be trusted."""
    return None if row["tampered"] else float(row["success"])
