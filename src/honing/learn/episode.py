"""One trajectory: how it starts, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.environments import Task

Json = Any


class Keep(StrEnum):
    """How much of an episode is kept."""

    ENDING = "ending"
    """Actions, reward, success."""
    STEPS = "steps"
    """Also what was seen, which actions there were and how likely each was."""
    STATES = "states"
    """Also the saved state before every action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where and how one episode begins."""

    task: Task
    draw: str = ""
    """Names the random numbers: episodes of one name meet the same draws, whatever else differs. The task's
    id and the number of the step (from the start of the task) are part of every draw anyway."""
    state: Mapping[str, Json] | None = None
    """A saved state to begin from; the start of the task where None."""
    history: tuple[str, ...] = ()
    """Actions taken before `state`."""
    forced: str = ""
    """A valid action that is taken first, whatever the policy says; empty for none."""
    patch: str = ""
    """Text put in context."""
    patch_steps: int | None = 1
    """For how many steps the patch is shown; None for the whole episode."""
    adapter: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One decision of an episode."""

    observation: str
    actions: tuple[str, ...]
    action: str
    logprobs: tuple[float, ...] = ()
    """Shape (A,); empty where the action was forced."""
    reward: float = 0.0
    """Of the whole episode, after the action."""
    state: Mapping[str, Json] | None = None
    """Before the action."""

    def as_document(self) -> dict[str, Json]:
        """As plain data; a log-probability of -inf becomes null."""
        found: dict[str, Json] = {
            "observation": self.observation,
            "valid_actions": list(self.actions),
            "action": self.action,
            "logprobs": [value if value > float("-inf") else None for value in self.logprobs],
            "reward": self.reward,
        }
        if self.state is not None:
            found["env_state"] = dict(self.state)
        return found

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> Move:
        """The move that `as_document` wrote."""
        return cls(
            observation=document["observation"],
            actions=tuple(document["valid_actions"]),
            action=document["action"],
            logprobs=tuple(float("-inf") if value is None else value for value in document["logprobs"]),
            reward=document["reward"],
            state=document.get("env_state"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """How one trajectory went."""

    task: Task
    task_hash: str
    """By content; see `environments.task_hash`. Empty where it began from a saved state."""
    goal: str
    actions: tuple[str, ...]
    """Taken from the start of this episode on, without those before a saved state."""
    reward: float
    success: bool
    policy: str = ""
    """Name of who acted."""
    tampered: str = ""
    """Why nothing may be learned from it (a reward that no action earned, a replay that differs); empty where
    all is well."""
    invalid_turns: int = 0
    """Turns at which the policy named no valid action, asked again and again; the episode ends at the
    first."""
    moves: tuple[Move, ...] = ()
    """One per action, where they are kept."""

    def as_document(self) -> dict[str, Json]:
        """As plain data, a row of `rollouts.json`."""
        return {
            "task": self.task.as_document(),
            "task_hash": self.task_hash,
            "goal": self.goal,
            "actions": list(self.actions),
            "reward": self.reward,
            "success": self.success,
            "policy": self.policy,
            "tampered": self.tampered,
            "invalid_turns": self.invalid_turns,
            "steps": [move.as_document() for move in self.moves],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> Episode:
        """The episode that `as_document` wrote."""
        return cls(
            task=Task.from_document(document["task"]),
            task_hash=document["task_hash"],
            goal=document["goal"],
            actions=tuple(document["actions"]),
            reward=document["reward"],
            success=document["success"],
            policy=document.get("policy", ""),
            tampered=document.get("tampered", ""),
            invalid_turns=document.get("invalid_turns", 0),
            moves=tuple(Move.from_document(move) for move in document.get("steps", ())),
        )
