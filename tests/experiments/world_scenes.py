"""A loop over the scripted chain with a student that is made in a second."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from honing.environments import Task
from honing.environments.scripted import ScriptedWorld
from honing.executors import InlineExecutor
from honing.experiments import ImproveOptions, ImproveSpec, WorldOptions, world_subject
from honing.experiments.improve.worlds.subject import WorldSubject
from honing.learn import Episode, Move

CHAIN = {"length": 3, "doors": 3, "pit_share": 0.0}
TINY = {"hidden": 16, "heads": 2, "layers": 1, "steps": 60, "demonstrations": 400}
SPEC = ImproveSpec(seed=3, proposals=3, training_steps=4, retest_repeats=1, final_repeats=1)


class FewChains(ScriptedWorld):
    """Chains of which some show the same, within a split and in two of them."""

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        """See `World.tasks`."""
        first, times = {"evaluate": (0, 2), "validation": (5, 1), "collect": (20, 1)}.get(split, (100, 1))
        drawn = [self._drawn(f"{seed}-{first + number // times}") for number in range(n)]
        return [replace(task, id=f"{split}-{number}") for number, task in enumerate(drawn)]


def options(**changes: Any) -> WorldOptions:
    """The smallest sizes; a random agent solves many of such short chains."""
    sizes: dict[str, Any] = {
        "world": CHAIN,
        "warm_start": TINY,
        "search_tasks": 24,
        "check_tasks": 20,
        "held_out_tasks": 20,
        "random_to": 0.9,
        "lora_rank": 2,
    }
    return WorldOptions(**{**sizes, **changes})


def subject(**changes: Any) -> WorldSubject:
    """A tiny student in the chain."""
    return world_subject("scripted", options(**changes))


def asked(home: Path, cache: Path, **changes: Any) -> ImproveOptions:
    """In this process, the student from a cache that tests share."""
    given: dict[str, Any] = {"home": home, "cache": cache, "executor": InlineExecutor(), **changes}
    return ImproveOptions(**given)


def episode(goal: str, *moves: tuple[str, str], success: bool) -> Episode:
    """An episode of what was seen and done; the same three actions everywhere."""
    actions = ("open box", "look under", "leave")
    task: Any = None
    return Episode(
        task=task,
        task_hash="h",
        goal=goal,
        actions=tuple(action for _, action in moves),
        reward=float(success),
        success=success,
        moves=tuple(Move(observation=seen, actions=actions, action=action) for seen, action in moves),
    )
