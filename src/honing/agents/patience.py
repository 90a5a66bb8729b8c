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
        self._before = 0 if channel is None else channel.counts().calls

    def is_set(self) -> bool:
        if self._cancel is not None and self._cancel.is_set():
            return True
        self.ended = self.ended or self._failed_last() >= MOST_FAILURES
        return self.ended

    def _failed_last(self) -> int:
        """Failed calls of this agent since the last one that was answered."""
        if self._channel is None:
            return 0
        found = self._channel.counts()
        return min(found.failed_last, found.calls - self._before)
