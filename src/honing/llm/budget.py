"""What calls may cost in all, and how fast they may come."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from honing.llm.failures import CallFailedError, ErrorKind
from honing.llm.records import Spent


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits on calls that go to a source. None means: no limit.

    Tokens and money are known only after a call, so the calls under way when a limit is reached may pass it;
    the number of calls is exact.
    """

    calls: int | None = None
    """Failed calls count as well; calls refused for want of budget do not."""
    tokens: int | None = None
    """Input and output together."""
    cost_usd: Decimal | None = None
    refuse_unknown_price: bool = True
    """With a money limit, refuse models whose price is unknown. Otherwise they are let through uncounted."""


class Account:
    """One budget and what is spent of it. Used from the gateway's loop only.

    Args:
        budget: The limits.
        owner: Whose budget it is, for messages ("channel 'judge'").
        earlier: Spent in earlier sessions of the same run, which counts as well.
    """

    def __init__(self, budget: Budget, owner: str, earlier: Spent | None = None) -> None:
        earlier = earlier or Spent()
        self.budget = budget
        self.calls = earlier.calls
        self.tokens = earlier.tokens
        self.cost_usd = earlier.cost_usd
        self.exhausted: str | None = None
        """Why the first call was refused; None as long as none was."""
        self._owner = owner

    def check(self, *, price_known: bool, model: str) -> None:
        """Refuse a call that the budget does not allow.

        Raises:
            CallFailedError: Of kind `budget`; the text names the limit.
        """
        reason = self._spent_limit()
        if reason is not None:
            self.exhausted = self.exhausted or reason
            raise CallFailedError(ErrorKind.BUDGET, f"{reason}; raise the budget and resume to go on")
        if self.budget.cost_usd is not None and self.budget.refuse_unknown_price and not price_known:
            raise CallFailedError(
                ErrorKind.BUDGET,
                f"{self._owner} has a money limit, but the price of {model!r} is unknown. Give its price, "
                "choose another model, or allow unknown prices (they are then not counted).",
            )

    def admit(self) -> None:
        """Count a call that goes on to the source."""
        self.calls += 1

    def settle(self, *, tokens: int, cost_usd: Decimal) -> None:
        """Count what a call turned out to cost."""
        self.tokens += tokens
        self.cost_usd += cost_usd

    def _spent_limit(self) -> str | None:
        for what, spent, limit in (
            ("calls", self.calls, self.budget.calls),
            ("tokens", self.tokens, self.budget.tokens),
            ("US dollars", self.cost_usd, self.budget.cost_usd),
        ):
            if limit is not None and spent >= limit:
                return f"the budget of {self._owner} is spent: {spent} of {limit} {what}"
        return None


class RateWindow:
    """At most `limit` units in any window of `window_s` seconds; who comes too early waits, in order of
    arrival.

    Args:
        limit: Units per window; None lets everything through.
        window_s: Length of the window.
        clock: Seconds, monotonic.
        sleep: Waits that many seconds.
    """

    def __init__(
        self,
        limit: int | None,
        *,
        window_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        self._sleep = sleep
        self._taken: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._turn = asyncio.Lock()

    async def take(self, units: int = 1) -> None:
        """Wait until `units` more fit. More than the whole limit at once waits for an empty window."""
        if self._limit is None:
            return
        async with self._turn:
            while self._expire() and self._sum + units > self._limit:
                await self._sleep(max(0.001, self._taken[0][0] + self._window_s - self._clock()))
            self._note(units)

    def correct(self, units: int) -> None:
        """Add what a call used beyond its estimate; a negative number gives back."""
        if self._limit is not None and units:
            self._note(units)

    def _note(self, units: int) -> None:
        self._taken.append((self._clock(), units))
        self._sum += units

    def _expire(self) -> bool:
        """Forget what has left the window; whether anything is left in it."""
        edge = self._clock() - self._window_s
        while self._taken and self._taken[0][0] <= edge:
            self._sum -= self._taken.popleft()[1]
        return bool(self._taken)
