"""When to ask a model server again: backing off, what the server asks for, and an even pace of calls."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from honing.errors import ModelError
from honing.llm.deadline import Clock

RETRIED_STATUSES = frozenset({408, 409, 425, 429, *range(500, 600)})
_NEVER = {"insufficient_quota", "billing_hard_limit_reached"}
"""Codes of a 429 that waiting does not cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long to wait before asking again: a random time below a bound that doubles (full jitter)."""

    retries: int = 4
    """Further attempts after the first, where another may help."""
    base_s: float = 0.5
    """Bound of the first wait."""
    cap_s: float = 30.0
    """No bound is greater. A server that asks for a longer wait is given it."""

    def wait_s(self, retry: int, rng: random.Random, asked_s: float | None) -> float:
        """The wait before a retry.

        Args:
            retry: Its number, from 0.
            rng: Draws the jitter.
            asked_s: What the server asked for, where it did: the least to wait.
        """
        bound = min(self.cap_s, self.base_s * 2.0 ** min(retry, 60))
        return max(rng.uniform(0.0, bound), asked_s or 0.0)


class TryAgainError(Exception):
    """An attempt failed in a way that another may not."""

    def __init__(self, error: ModelError, asked_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        """What to raise where no attempt is left."""
        self.asked_s = asked_s
        """The wait the server asked for."""


def worth_retrying(status: int, code: str, headers: Mapping[str, str]) -> bool:
    """Whether a refusal may pass by itself: by its status, unless the server says otherwise."""
    if code in _NEVER or headers.get("x-should-retry") == "false":
        return False
    return status in RETRIED_STATUSES or headers.get("x-should-retry") == "true"


def asked_wait_s(headers: Mapping[str, str], unix: Callable[[], float]) -> float | None:
    """The wait a server asks for, in seconds; None where it does not, or not in words we understand.

    Args:
        headers: Of the reply, names in lower case: `retry-after-ms`, then `retry-after` as seconds or a date.
        unix: The clock to which a date is compared.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        found = _seconds(headers.get(name, ""), unit_s)
        if found is not None:
            return found
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, date.replace(tzinfo=date.tzinfo or UTC).timestamp() - unix())


def _seconds(text: str, unit_s: float) -> float | None:
    try:
        value = float(text) * unit_s
    except ValueError:
        return None
    return value if 0.0 <= value < float("inf") else None


class Pace:
    """Spreads calls evenly: at most so many a minute, across all threads."""

    def __init__(self, per_minute: float | None, clock: Clock) -> None:
        self._gap_s = 0.0 if per_minute is None else 60.0 / per_minute
        self._clock = clock
        self._next = clock.monotonic()
        self._lock = threading.Lock()

    def take(self, within_s: float) -> float | None:
        """Take the next place; the seconds to wait for it, or None where none is free within that time."""
        with self._lock:
            now = self._clock.monotonic()
            place = max(self._next, now)
            if self._gap_s and place - now > within_s:
                return None
            self._next = place + self._gap_s
            return place - now
