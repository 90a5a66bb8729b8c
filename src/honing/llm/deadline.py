"""One moment by which everything must be done, on a clock that the caller chooses."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time as the client sees it."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds that only grow."""
    unix: Callable[[], float] = time.time
    """Seconds since 1970; only to read dates that a server names."""
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on a monotonic clock."""

    at: float
    monotonic: Callable[[], float]

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> Deadline:
        """The moment that many seconds from now."""
        return cls(clock.monotonic() + seconds, clock.monotonic)

    def left_s(self) -> float:
        """Seconds until then, negative once it is past."""
        return self.at - self.monotonic()

    def within(self, seconds: float) -> Deadline:
        """The sooner of this moment and the one that many seconds from now."""
        return Deadline(min(self.at, self.monotonic() + seconds), self.monotonic)
