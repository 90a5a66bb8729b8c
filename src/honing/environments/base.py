"""What a text environment is: it can be stepped, saved as small JSON, restored, forked, and replayed exactly.

An environment holds one episode at a time. A `World` is a family of tasks with the machinery to play them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

Json = Any
"""A value `json.dumps` can write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row of a world: everything that decides an episode but the agent's actions."""

    id: str
    """Unique within the world, also in file names: letters, digits, `-`, `_`, `.`."""
    seed: int
    parameters: Mapping[str, Json] = field(default_factory=dict)
    """What else decides the episode, in the world's own terms."""
    tags: tuple[str, ...] = ()
    """What a solver has to know or do, in the world's own terms ("colour_synonym"); empty where unknown."""

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return {
            "id": self.id,
            "seed": self.seed,
            "parameters": dict(self.parameters),
            "tags": list(self.tags),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> Task:
        """The task that `as_document` wrote."""
        return cls(
            id=document["id"],
            seed=document["seed"],
            parameters=document.get("parameters", {}),
            tags=tuple(document.get("tags", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What `reset`, `step` and `restore` show: the state an agent stands in now."""

    goal: str
    observation: str
    actions: tuple[str, ...]
    """Every valid action, unique, in an order that does not depend on the machine; empty once `done`."""
    reward: float = 0.0
    """Of the whole episode so far, in [0, 1]."""
    done: bool = False
    success: bool = False
    """Whether the task is solved. Never true before `done`."""

    def hash(self) -> str:
        """sha256 over everything an agent sees and gets: equal states show equal hashes."""
        content = [self.goal, self.observation, list(self.actions), self.reward, self.done, self.success]
        return hashlib.sha256(json.dumps(content, ensure_ascii=True).encode()).hexdigest()


class TextEnvironment(Protocol):
    """One episode at a time. Not safe to use from several threads; forks are independent."""

    @property
    def task(self) -> Task:
        """The task of the episode under way."""
        ...

    def reset(self, task: Task) -> Step:
        """Begin an episode.

        Raises:
            EnvironmentFaultError: The task does not belong to this world.
        """
        ...

    def step(self, action: str) -> Step:
        """Act. The step that reaches the world's limit of steps ends the episode.

        Raises:
            EnvironmentFaultError: The action is not one of the valid ones, or the episode is over.
        """
        ...

    def now(self) -> Step:
        """What the last `reset`, `step` or `restore` showed."""
        ...

    def valid_actions(self) -> tuple[str, ...]:
        """The actions of `now()`."""
        ...

    @property
    def goal(self) -> str:
        """The goal of `now()`."""
        ...

    @property
    def steps_taken(self) -> int: ...

    def save(self) -> dict[str, Json]:
        """The state as small JSON, from which any environment of this world goes on exactly."""
        ...

    def restore(self, state: Mapping[str, Json]) -> Step:
        """Go on from a saved state; also in another process, on another machine.

        Raises:
            EnvironmentFaultError: The state is not one of this world, or its replay shows another hash.
        """
        ...

    def fork(self) -> TextEnvironment:
        """An independent copy of the present state."""
        ...

    def close(self) -> None:
        """Let go of processes and connections. Safe to repeat."""
        ...


@runtime_checkable
class KnowsBest(Protocol):
    """An environment with an expert inside."""

    def expert_action(self, knows: Collection[str] | None = None) -> str:
        """A good valid action in the present state. Asking changes nothing.

        Args:
            knows: Which of the world's `facts` the demonstrator knows; None knows all. One who lacks a fact
                acts as somebody ignorant of it would.

        Raises:
            EnvironmentFaultError: The episode is over.
        """
        ...


class World(Protocol):
    """A family of tasks. Cheap to make; loads its libraries when the first environment is made."""

    @property
    def name(self) -> str: ...

    @property
    def max_steps(self) -> int:
        """Steps after which an episode ends."""
        ...

    @property
    def facts(self) -> tuple[str, ...]:
        """What a demonstrator may know or lack, as in the tags of tasks; empty where there is nothing."""
        ...

    @property
    def escapes(self) -> tuple[str, ...]:
        """Kinds of action that leave a place without advancing (back, turn round)."""
        ...

    def identity(self) -> dict[str, Json]:
        """Name, every option and the versions of the packages that decide what an episode shows."""
        ...

    def make(self) -> TextEnvironment:
        """A fresh environment.

        Raises:
            MissingToolError: A package it needs is not installed; the text names the extra.
        """
        ...

    def tasks(self, split: str, n: int, *, seed: int = 0) -> list[Task]:
        """The first `n` tasks of a split. Splits share no task; longer lists begin with shorter ones.

        Args:
            split: Any name: "warm_start", "collect", "validation", "evaluate" ...
            n: How many.
            seed: Of the drawing; another seed draws other tasks.

        Raises:
            EnvironmentFaultError: There are not that many.
        """
        ...

    def kind(self, action: str) -> str:
        """What sort of action it is ("search", "click", "buy"): for stratifying and for controls."""
        ...


def task_hash(first: Step, task: Task) -> str:
    """Identity of a task by what it shows: tasks of one hash are the same task, whatever their names."""
    content = [first.hash(), dict(task.parameters)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """An episode to be replayed exactly."""

    task: Task
    actions: tuple[str, ...]
    hashes: tuple[str, ...]
    """Of the step after reset and after every action: one more than actions."""


def record_trace(environment: TextEnvironment, task: Task, actions: Sequence[str]) -> Trace:
    """Play actions from the start and note the hash of every step."""
    hashes = [environment.reset(task).hash()]
    hashes += [environment.step(action).hash() for action in actions]
    return Trace(task=task, actions=tuple(actions), hashes=tuple(hashes))
