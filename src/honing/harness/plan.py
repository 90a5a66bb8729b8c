"""Which tasks run together, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.harness.tasks.base import CASCADE, Cascade, Task


@dataclass(frozen=True, slots=True)
class Group:
    """Tasks that run in one copy, one after the other; mostly one."""

    tasks: tuple[Task, ...]

    @property
    def step(self) -> Cascade:
        """That of its most expensive task: the copy is made once."""
        return max((task.cascade for task in self.tasks), key=CASCADE.index)

    @property
    def deterministic(self) -> bool:
        return all(task.deterministic for task in self.tasks)

    def identity(self) -> Mapping[str, Any]:
        """Everything but tree, seed and surroundings that decides the scores."""
        return {"tasks": [dict(task.identity()) for task in self.tasks]}

    def seeds(self, seeds: Sequence[int]) -> Sequence[int]:
        """Under which it is run; a deterministic one under 0, whatever the others are given."""
        return (0,) if self.deterministic else seeds


def planned(tasks: Sequence[Task]) -> list[Group]:
    """The groups of tasks, in the order of their first tasks."""
    together: dict[str, list[Task]] = {}
    for at, task in enumerate(tasks):
        # A space cannot be typed into `shares` by accident, and no two tasks have the same number.
        together.setdefault(task.shares or f" {at}", []).append(task)
    return [Group(tuple(members)) for members in together.values()]
