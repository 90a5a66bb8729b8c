"""The policy that knows nothing: the floor of every comparison."""

from __future__ import annotations

import math
from collections.abc import Sequence

from honing.learn.policy import Turn


class RandomPolicy:
    """Every valid action is equally likely. Which one is taken follows from the draws of the episode."""

    name = "random"

    def identity(self) -> str:
        """See `Policy`."""
        return "random"

    def logprobs(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """See `Policy`."""
        sizes = [len(turn.situation.actions) for turn in turns]
        return [(-math.log(size),) * size for size in sizes]
