"""The tasks of a world's panel, and why a score on them can be believed: an expert and a random agent bracket
it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from honing.environments import KnowsBest, Task, World
from honing.errors import CalibrationError
from honing.experiments.improve.base import Panel, PanelTask, Part
from honing.experiments.improve.desk import Desk
from honing.experiments.improve.worlds.options import WorldOptions
from honing.experiments.improve.worlds.playing import chunks_of, hash_chunk, mapped, play_chunk
from honing.stats import proportion

Json = Any

SPLITS: Mapping[Part, str] = {Part.SEARCH: "collect", Part.CHECK: "validation", Part.HELD_OUT: "evaluate"}
"""Splits of the world, by part: those that a study collects on, and those that it never trains on."""


def tasks_of(
    desk: Desk, world: World, document: Mapping[str, Json], options: WorldOptions
) -> dict[Part, list[tuple[Task, str]]]:
    """The tasks of each part in their order, with their hash by content. No two show the same: parts that
    scores are taken on choose first. What tasks show is found out once in the life of the run.

    Args:
        desk: Of the loop.
        world: The tasks' world.
        document: The same as a unit of work names it.
        options: How many tasks.
    """
    found: dict[Part, list[tuple[Task, str]]] = {}
    taken: set[str] = set()
    for part in (Part.HELD_OUT, Part.CHECK, Part.SEARCH):
        tasks = _drawn(world, options, part, desk.seed)
        units = [{"world": dict(document), "tasks": [one.as_document() for one in tasks]}]
        digests = mapped(desk.run, desk.executor, f"world.hashes.{part.value}", hash_chunk, units)
        found[part] = []
        for task, digest in zip(tasks, digests, strict=True):
            if digest not in taken:
                taken.add(digest)
                found[part].append((task, digest))
    return found


def _drawn(world: World, options: WorldOptions, part: Part, seed: int) -> list[Task]:
    sizes = {
        Part.SEARCH: options.search_tasks,
        Part.CHECK: options.check_tasks,
        Part.HELD_OUT: options.held_out_tasks,
    }
    return world.tasks(SPLITS[part], sizes[part], seed=seed)


def certified_panel(desk: Desk, world: World, document: Mapping[str, Json], options: WorldOptions) -> Panel:
    """Fix the tasks, and let the expert and a random agent play those that scores are taken on.

    Args:
        desk: Of the loop.
        world: The tasks' world.
        document: The same as a unit of work names it.
        options: Sizes and what the bracket must hold.

    Raises:
        CalibrationError: The expert does not solve the tasks, or chance does; or there is no expert.
        LeakageError: Two parts share a task.
    """
    found = tasks_of(desk, world, document, options)
    if empty := [part.value for part in Part if not found[part]]:
        raise CalibrationError(
            f"{world.name}: every task of the part '{empty[0]}' shows what another part's shows. Ask for "
            "fewer tasks, or choose other options of the world."
        )
    measured = [task for part in (Part.CHECK, Part.HELD_OUT) for task, _ in found[part]]
    return Panel(
        tasks={
            part: tuple(PanelTask(id=task.id, digest=digest) for task, digest in found[part]) for part in Part
        },
        certificate=_bracket(desk, world, document, options, measured),
    )


def _bracket(
    desk: Desk,
    world: World,
    document: Mapping[str, Json],
    options: WorldOptions,
    tasks: Sequence[Task],
) -> dict[str, Json]:
    """How the expert and a random agent do on the tasks that scores are taken on."""
    environment: object = world.make()
    if not isinstance(environment, KnowsBest):
        raise CalibrationError(
            f"{world.name}: it has no expert, so nothing shows that its tasks can be solved. Take a world "
            "with an expert inside."
        )
    rates = {name: _rate(desk, document, name, tasks) for name in ("expert", "random")}
    if rates["expert"]["success"] < options.expert_from or rates["random"]["success"] > options.random_to:
        raise CalibrationError(
            f"{world.name}: the expert solves {rates['expert']['success']:.3f} of the tasks (expected "
            f"{options.expert_from:g} or more), a random agent {rates['random']['success']:.3f} (expected "
            f"{options.random_to:g} or less): scores on them say little. Choose other options of the world."
        )
    return {**rates, "expected": {"expert_from": options.expert_from, "random_to": options.random_to}}


def _rate(desk: Desk, document: Mapping[str, Json], kind: str, tasks: Sequence[Task]) -> dict[str, Json]:
    units = chunks_of(document, {"kind": kind}, tasks, seeds=[desk.seed])
    rows = mapped(desk.run, desk.executor, f"world.{kind}", play_chunk, units)
    rate = proportion(sum(row["success"] for row in rows), len(rows))
    return {"success": rate.estimate, "ci95": [rate.low, rate.high], "tasks": len(rows)}
