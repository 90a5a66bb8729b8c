"""A model server that nobody answers at is found out after a few calls, not after all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from honing.errors import ModelUnreachableError
from honing.llm import CallFailedError, ErrorKind, ModelReply, ModelRequest, Source

FAILURES_IN_A_ROW = 5
"""Calls that found nobody at the server, one after the other, each with all its retries."""


class Watched:
    """A `Source` that stops asking once the server behind it could not be reached several times in a row.

    Args:
        source: What answers.
        address: The server's, for messages.
        limit: Failures in a row after which no further call is made.
    """

    def __init__(self, source: Source, address: str, limit: int = FAILURES_IN_A_ROW) -> None:
        self._source = source
        self._address = address
        self._limit = limit
        self._failures = 0
        self.dead = ""
        """Why no further call is made, as a sentence; empty while calls are made."""

    def around(self, wrap: Callable[[Source], Source]) -> Watched:
        """The same watch over the source with something around it."""
        return Watched(wrap(self._source), self._address, self._limit)

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def live(self) -> bool:
        return self._source.live

    def open(self, host: Any) -> None:
        self._source.open(host)

    def billed_model(self, request: ModelRequest) -> str:
        return self._source.billed_model(request)

    async def answer(self, call: Any) -> Any:
        """What the source answers.

        Raises:
            CallFailedError: The source's own, or that the server is dead.
        """
        if self.dead:
            raise _final(self.dead)
        try:
            found = await self._source.answer(call)
        except CallFailedError as error:
            if error.kind is not ErrorKind.UNREACHABLE:
                self._failures = 0
                raise
            self._failures += 1
            if self._failures >= self._limit:
                self.dead = (
                    f"the model server at {self._address} could not be reached {self._failures} times in a "
                    f"row ({error}). Is it running, and is the address right (OPENAI_BASE_URL or the like)? "
                    "The same command goes on where this one stopped"
                )
            raise
        self._failures = 0
        return found

    def settled(self, call: Any, reply: ModelReply, raw: bytes, *, streamed: bool) -> None:
        self._source.settled(call, reply, raw, streamed=streamed)

    def sync(self) -> None:
        self._source.sync()

    async def close(self) -> None:
        await self._source.close()


def _final(text: str) -> CallFailedError:
    error = CallFailedError(ErrorKind.UNREACHABLE, text)
    error.final = True
    return error


def check_alive(source: Source) -> None:
    """Stop where the server behind a source is known to be dead.

    Raises:
        ModelUnreachableError: It is; the text names the server.
    """
    if isinstance(source, Watched) and source.dead:
        raise ModelUnreachableError(source.dead + ".")
