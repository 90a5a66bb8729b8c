"""A Gymnasium environment with texts: a corridor with a lit and a dark end."""

from __future__ import annotations

from typing import Any

import gymnasium


class Corridor(gymnasium.Env):  # type: ignore[misc]
    """The walker begins in the middle; which end is lit comes from the seed."""

    def __init__(self, length: int, *, texts: bool = False, forgetful: bool = False) -> None:
        self.action_space = gymnasium.spaces.Discrete(2)
        self._length = length
        self._texts = texts
        self._forgetful = forgetful
        """Whether it ignores its seed, as an environment must not."""
        self._at = self._lit = 0
        self._others = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=None if self._forgetful else seed)
        self._lit = self._length if self.np_random.random() < 0.5 else -self._length
        self._others = int(self.np_random.integers(1, 1_000_000))
        self._at = 0
        return self._seen(), self._info()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        names = ("walk left", "walk right")
        self._at += (-1, 1)[names.index(action) if self._texts else action]
        ended = abs(self._at) == self._length
        return self._seen(), float(self._at == self._lit), ended, False, self._info()

    def _seen(self) -> Any:
        side = "right" if self._lit > 0 else "left"
        text = f"You stand {self._at} steps from the middle of corridor {self._others}. The light is {side}."
        return {"text": text} if self._texts else text

    def _info(self) -> dict[str, Any]:
        best = "walk right" if self._lit > 0 else "walk left"
        return {
            "admissible_commands": ["walk left", "walk right"],
            "goal": "Reach the lit end.",
            "best": best,
            "won": self._at == self._lit,
        }
