"""When to stop waiting for an agent whose model fails it again and again."""

from __future__ import annotations

from honing.llm import Channel
from honing.sandbox import Cancel

MOST_FAILURES = 3
"""Failed model calls in a row after which an agent is stopped. The gateway has tried each of them again
already; some programs (OpenCode, for one) would go on asking until their time limit."""


class Patience:
    """A `Cancel` that is also set when the last calls of a channel all failed.

    Args:
        channel: Whose calls are watched; None where there are none.
        cancel: The caller's own.
    """

    def __init__(self, channel: Channel | None, cancel: Cancel | None) -> None:
        self.ended = False
        """Whether it was the failures that stopped the agent."""
        self._channel = channel
        self._cancel = cancel
        self._calls, self._ok = self._counts()
        self._failed = 0

    def is_set(self) -> bool:
        if self._cancel is not None and self._cancel.is_set():
            return True
        calls, ok = self._counts()
        new_failures = (calls - self._calls) - (ok - self._ok)
        self._failed = new_failures if ok > self._ok else self._failed + new_failures
        self._calls, self._ok = calls, ok
        self.ended = self.ended or self._failed >= MOST_FAILURES
        return self.ended

    def _counts(self) -> tuple[int, int]:
        if self._channel is None:
            return 0, 0
        found = self._channel.counts()
        return found.calls, found.ok
