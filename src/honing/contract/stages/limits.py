"""The end of a whole measurement: what is under way then is stopped, and the same call goes on later."""

from __future__ import annotations

import time
from collections.abc import Callable

from honing.errors import BudgetExhaustedError


class Deadline:
    """A total limit. It is a `Cancel`: commands under way when it is met are stopped, their tree with them.

    Args:
        limit_s: Seconds from now.
        clock: Seconds, monotonic.
    """

    def __init__(self, limit_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._end = clock() + limit_s

    @property
    def left_s(self) -> float:
        """Seconds left, at least 0."""
        return max(0.0, self._end - self._clock())

    def is_set(self) -> bool:
        return self._clock() >= self._end

    def check(self) -> None:
        """Refuse to go on once it is met.

        Raises:
            BudgetExhaustedError: It is.
        """
        if self.is_set():
            raise BudgetExhaustedError(
                f"the total limit of {self._limit_s:g} s for this measurement is met. What was finished is "
                "kept: run the same command again to go on, or raise --max-total-seconds."
            )
