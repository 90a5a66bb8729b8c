"""A policy without a model: opinions that follow from a hash. For pilots and tests."""

from __future__ import annotations

from collections.abc import Sequence

from honing.learn.policy import Situation, Turn, draw
from honing.learn.scoring.base import normalised


class MockPolicy:
    """Has an opinion of every action, the same each time: a stand-in where no model shall be loaded.

    What it prefers depends on goal, observation, patch and action, and not on the history or on the order of
    the actions.

    Args:
        seed: Another seed has other opinions.
        sharpness: How far opinions lie apart, in nats; 0 is indifferent.
    """

    name = "mock"

    def __init__(self, *, seed: int = 0, sharpness: float = 3.0) -> None:
        self._seed = seed
        self._sharpness = sharpness

    def identity(self) -> str:
        """See `Policy`."""
        return f"mock:{self._seed}:{self._sharpness:g}"

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """See `Policy`."""
        return [
            normalised([self._opinion(turn.situation, a) for a in turn.situation.actions]) for turn in turns
        ]

    def _opinion(self, seen: Situation, action: str) -> float:
        return self._sharpness * draw(self._seed, seen.goal, seen.observation, seen.patch, action)
