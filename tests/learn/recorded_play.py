"""Chains to play on, a policy that keeps what it was asked, and worlds whose environments misbehave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from honing.environments import Task
from honing.environments.scripted import ChainEnvironment, ChainOptions, ScriptedWorld
from honing.learn import Episode, MockPolicy, Start, Turn, roll_out

WORLD = ScriptedWorld(ChainOptions(length=4, pit_share=0.0, stay_share=0.5))
TASKS = WORLD.tasks("collect", 12)


class Recorder:
    """A mock policy that keeps what it was asked."""

    name = "recorder"

    def __init__(self, answer: Callable[[Turn], tuple[float, ...]] | None = None) -> None:
        self.asked: list[list[Turn]] = []
        self._answer = answer

    def identity(self) -> str:
        return "recorder"

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        self.asked.append(list(turns))
        return [self._answer(turn) for turn in turns] if self._answer else MockPolicy().logprobs(turns)


class BentWorld(ScriptedWorld):
    """Chains whose environments are made by another class, and kept for looking at."""

    def __init__(self, kind: type[ChainEnvironment], options: ChainOptions | None = None) -> None:
        super().__init__(options or WORLD.options)
        self._kind = kind
        self.made: list[Any] = []

    def make(self) -> ChainEnvironment:
        self.made.append(self._kind(self.options.max_steps))
        return self.made[-1]


def starts(tasks: Sequence[Task] = TASKS, **given: Any) -> list[Start]:
    return [Start(task=task, **given) for task in tasks]


def played(starts: Sequence[Start], policy: Any = None, world: Any = WORLD, **given: Any) -> list[Episode]:
    return roll_out(policy or MockPolicy(), world, starts, **{"temperature": 1.0, "seed": 0, **given})
