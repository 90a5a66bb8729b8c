"""A streamed reply on its way from a server to a caller of the same wire, read along while it passes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import ExitStack, suppress

from honing.errors import ModelReplyError
from honing.llm.base import ModelReply
from honing.llm.exchange import Incoming
from honing.llm.failures import CallFailedError, ErrorKind
from honing.llm.wires import StreamParser, redact

_EVENT_END = re.compile(rb"\r?\n\r?\n")
_REMOVED = b"[key removed]"
_RUN_OUT_S = 0.25
"""How long the end of the body is waited for once the end of the answer was seen."""


class StreamRelay:
    """Passes on whole events, without our key.

    Args:
        incoming: The server's reply.
        parser: Reads it along.
        secret: Our key; "" where there is none.
    """

    def __init__(self, incoming: Incoming, parser: StreamParser, secret: str) -> None:
        self.raw = b""
        """What was passed on so far."""
        self._incoming = incoming
        self._parser = parser
        self._secret = secret
        self._buffer = bytearray()
        self._ended = False
        self._first = b""
        self._held = ExitStack()

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
        try:
            return self._parser.finish()
        except ModelReplyError as error:
            secrets = (self._secret,) if self._secret else ()
            kind = ErrorKind.REPLY if self._parser.complete else ErrorKind.TRUNCATED
            raise CallFailedError(kind, redact(str(error), secrets)) from error

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
            piece = self._whole_events()
            if piece:
                self._parser.feed(piece)
                self.raw += piece
                return piece
        return b""

    def _whole_events(self) -> bytes:
        """Cut whole events off the buffer; at the stream's end, all of it."""
        end = len(self._buffer) if self._ended else _end_of_last_event(self._buffer)
        piece = bytes(self._buffer[:end])
        del self._buffer[:end]
        return piece.replace(self._secret.encode(), _REMOVED) if self._secret else piece

    async def _run_out(self) -> None:
        """Read the few bytes after the last event, so that the connection can be kept."""
        self._ended = True
        with suppress(CallFailedError, TimeoutError):
            async with asyncio.timeout(_RUN_OUT_S):
                while await self._incoming.receive():
                    pass


def _end_of_last_event(buffer: bytearray) -> int:
    return max((found.end() for found in _EVENT_END.finditer(buffer)), default=0)
