"""What a policy is: it says how likely it would take each valid action."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from honing.environments import TextEnvironment


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What a policy is shown."""

    goal: str
    observation: str
    history: tuple[str, ...] = ()
    """Actions taken so far in the episode, the oldest first; how many of them are shown is the prompt's
    choice."""
    actions: tuple[str, ...]
    """The valid ones, in the environment's order, at least one."""
    patch: str = ""
    """Text put in context: an example from a similar situation; empty for none."""
    seen: tuple[str, ...] = ()
    """What was seen before each of the last actions of `history`, as far as it is known: an episode that goes
    on from a saved state knows what it saw since then. For rules of a harness; no prompt shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One decision that is asked for."""

    situation: Situation
    environment: TextEnvironment | None = None
    """Where the situation comes from, for policies that look inside (an expert). They never step it."""
    adapter: int | None = None
    """Which of several adapters decides, for a policy that has several; None is the base."""


class Policy(Protocol):
    """Gives a distribution over the valid actions. Deterministic in its turns, whatever batch they share, up
    to 1e-5 of a log-probability."""

    @property
    def name(self) -> str:
        """For tables and artifacts."""
        ...

    def identity(self) -> str:
        """Hash of whatever decides its distributions: weights, prompt, model name."""
        ...

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """Natural log-probabilities over each turn's actions, shape (A,), normalised over the actions.

        -inf marks an action that is never taken; one that always takes the same gives 0 and -inf. All are
        -inf where it was asked and named no valid action.

        Raises:
            ModelError: The model behind it cannot be asked.
            EnvironmentFaultError: It needs an environment with an expert, and there is none.
        """
        ...


@runtime_checkable
class PerToken(Protocol):
    """A policy that scores texts token by token."""

    def per_token(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """Length-normalised log-probability of each action's text, shape (A,): nats per token, the end token
        included, not normalised over the actions."""
        ...


def draw(*key: object) -> float:
    """A number in [0, 1) that depends on nothing but its key: common random numbers need no generator."""
    content = "\0".join(str(part) for part in key).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") / 2.0**64


def choose(logprobs: Sequence[float], *, temperature: float, u: float) -> int:
    """The action that a distribution takes for a draw.

    Args:
        logprobs: Shape (A,), natural.
        temperature: 0 takes the likeliest, the first of equals; 1 follows the distribution.
        u: In [0, 1). The same draw takes the same action for as long as the distribution is about the same.

    Returns:
        Index of the action.
    """
    best = max(range(len(logprobs)), key=lambda index: logprobs[index])
    if temperature <= 0:
        return best
    weights = [math.exp((value - logprobs[best]) / temperature) for value in logprobs]
    left = u * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    return best
