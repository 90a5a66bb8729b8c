"""A streamed reply on its way from a server to a caller of the same wire, read along while it passes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, suppress

from honing.errors import ModelReplyError
from honing.llm.base import ModelReply
from honing.llm.exchange import Incoming
from honing.llm.failures import CallFailedError, ErrorKind
from honing.llm.outgoing import Outgoing
from honing.llm.wires import StreamParser, redact

_EVENT_END = re.compile(rb"\r?\n\r?\n")
_EVENT = re.compile(rb".*?\r?\n\r?\n|.+", re.DOTALL)
_USAGE_ONLY = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_REMOVED = b"[key removed]"
_RUN_OUT_S = 0.25
"""How long the end of the body is waited for once the end of the answer was seen."""


class StreamRelay:
    """Passes on whole events, without our key.

    Args:
        incoming: The server's reply.
        parser: Reads it along.
        secrets: Keys to take out of it.
        sent: The request it answers.
    """

    def __init__(
        self, incoming: Incoming, parser: StreamParser, secrets: Sequence[str], sent: Outgoing
    ) -> None:
        self._passed = bytearray()
        self._incoming = incoming
        self._parser = parser
        self._secrets = secrets
        self._sent = sent
        self._buffer = bytearray()
        self._ended = False
        self._first = b""
        self._held = ExitStack()

    @property
    def raw(self) -> bytes:
        """What was passed on so far."""
        return bytes(self._passed)

    async def begin(self) -> None:
        """Wait for the first event.

        Raises:
            CallFailedError: The stream broke before it, or the event says that there will be no answer.
        """
        self._first = await self._next()
        if self._parser.complete or not self._first:
            self.finish()

    def hold(self, held: ExitStack) -> None:
        """Take over what `drop` is to let go of."""
        self._held = held

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Whole events as they arrive. Raises `CallFailedError` where the stream breaks."""
        if self._first:
            yield self._first
        while piece := await self._next():
            yield piece

    async def take_in(self) -> ModelReply:
        """Read the stream to its end and give the reply."""
        while await self._next():
            pass
        return self.finish()

    def finish(self) -> ModelReply:
        """The reply, once the pieces have come to their end.

        Raises:
            CallFailedError: It is not whole, or not what its wire promises.
        """
        kind = ErrorKind.REPLY if self._parser.complete else ErrorKind.TRUNCATED
        try:
            return self._sent.dressed(self._parser.finish())
        except ModelReplyError as error:
            raise CallFailedError(kind, redact(str(error), self._secrets)) from error

    def drop(self) -> None:
        """Let go of the connection. Safe to repeat."""
        self._held.close()

    async def _next(self) -> bytes:
        """The next whole events, b"" after the last."""
        while not self._ended:
            if self._parser.complete:
                await self._run_out()
                break
            data = await self._incoming.receive()
            self._ended = not data
            self._buffer += data
            events = self._whole_events()
            self._parser.feed(events)
            shown = _without_usage(events) if self._sent.adds_usage else events
            if shown:
                self._passed += shown
                return shown
        return b""

    def _whole_events(self) -> bytes:
        """Cut whole events off the buffer; at the stream's end, all of it."""
        end = len(self._buffer) if self._ended else _end_of_last_event(self._buffer)
        events = bytes(self._buffer[:end])
        del self._buffer[:end]
        for secret in self._secrets:
            events = events.replace(secret.encode(), _REMOVED)
        return events

    async def _run_out(self) -> None:
        """Read the few bytes after the last event, so that the connection can be kept."""
        self._ended = True
        with suppress(CallFailedError, TimeoutError):
            async with asyncio.timeout(_RUN_OUT_S):
                while await self._incoming.receive():
                    pass


def _end_of_last_event(buffer: bytearray) -> int:
    return max((found.end() for found in _EVENT_END.finditer(buffer)), default=0)


def _without_usage(events: bytes) -> bytes:
    """The events without the one that only counts tokens, which came because we asked for it."""
    kept = [event for event in _EVENT.findall(events) if not _USAGE_ONLY.search(event)]
    return b"".join(kept)
