"""The expert inside an environment."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from honing.environments import KnowsBest
from honing.errors import EnvironmentFaultError
from honing.learn.policy import Turn


class Expert:
    """Takes what the environment's expert would take, always.

    Args:
        knows: Which of the world's facts it knows; None is all.
    """

    name = "expert"

    def __init__(self, *, knows: Collection[str] | None = None) -> None:
        self._knows = None if knows is None else tuple(sorted(knows))

    def identity(self) -> str:
        """See `Policy`."""
        return "expert" if self._knows is None else f"expert:{','.join(self._knows)}"

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """See `Policy`: 0 for the expert's action, -inf for the others.

        Raises:
            EnvironmentFaultError: A turn has no environment with an expert, or the expert's action is not
                among the valid ones.
        """
        return [self._one(turn) for turn in turns]

    def _one(self, turn: Turn) -> tuple[float, ...]:
        environment: object = turn.environment
        if not isinstance(environment, KnowsBest):
            raise EnvironmentFaultError(
                f"{type(environment).__name__} has no expert; take another policy, or a teacher."
            )
        action = environment.expert_action(self._knows)
        if action not in turn.situation.actions:
            raise EnvironmentFaultError(
                f"The expert of {type(environment).__name__} took {action!r}, which is not valid there: "
                f"{list(turn.situation.actions)}."
            )
        return tuple(0.0 if option == action else -math.inf for option in turn.situation.actions)
