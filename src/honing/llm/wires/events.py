"""Server-sent events: writing one, and reading a stream of them whose bytes may be cut anywhere."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from honing.errors import ModelError, ModelReplyError
from honing.llm.base import ModelReply
from honing.llm.wires.fields import Fields, compact_json, strict_json
from honing.llm.wires.refusals import printable, redact

_LINE_END = re.compile(rb"\r\n|\n|\r")
_LONGEST_LINE_BYTES = 16 * 1024 * 1024
_PIECES = 16
_SHORTEST_PIECE = 24


def event(data: Mapping[str, Any] | str, *, name: str = "") -> bytes:
    """One event as bytes: its name where it has one, its data on one line."""
    text = data if isinstance(data, str) else compact_json(data)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def pieces(text: str) -> Iterator[str]:
    """A text in a few pieces, as a model would stream it; none for the empty text."""
    size = max(_SHORTEST_PIECE, -(-len(text) // _PIECES))
    return (text[i : i + size] for i in range(0, len(text), size))


class CutReplyError(ModelReplyError):
    """A stream ended before its terminal event: lost on its way, where another attempt may come through."""


class EventParser(ABC):
    """The part of a stream parser that all wires share; each adds what its events mean.

    `_take` is given one event's data and returns the answer text in it; it sets `_ended` at the terminal
    event. `_reply` assembles the whole.
    """

    def __init__(self) -> None:
        self._ended = False
        self._failure: ModelReplyError | None = None
        self._line = bytearray()
        self._after_return = False
        self._data: list[str] = []

    @property
    def complete(self) -> bool:
        """Nothing that could follow matters: the terminal event was seen, or the stream is beyond repair."""
        return self._ended or self._failure is not None

    def feed(self, data: bytes) -> list[str]:
        """Take the next bytes, cut anywhere, and return the pieces of answer text they finished."""
        found: list[str] = []
        if not data or self.complete:
            return found
        try:
            for line in self._lines(data):
                if self._ended or self._failure is not None:
                    break
                found += self._read(line)
        except (ModelError, ValueError) as error:
            self._fail(str(error))
        return [text for text in found if text]

    def finish(self) -> ModelReply:
        """The whole reply. Raises ModelReplyError where the stream does not hold one."""
        if not self.complete:
            # A last line without its line end is still a line; whether it is whole shows when it is read.
            self.feed(b"\n\n")
            if self._failure is not None:
                raise CutReplyError("the streamed reply was cut: it ended in the middle of an event")
        if self._failure is not None:
            raise self._failure
        return self._reply()

    @abstractmethod
    def _take(self, data: Fields) -> str:
        """One event's object; the answer text it adds."""

    @abstractmethod
    def _reply(self) -> ModelReply:
        """The whole reply, where nothing has failed. Raises ModelReplyError where its end was never seen."""

    def _sentinel(self, text: str) -> bool:
        """Whether an event's data is a mark of the wire that is not JSON."""
        return False

    def _fail(self, reason: str) -> None:
        self._failure = ModelReplyError(f"the streamed reply cannot be used: {reason}")

    def _lines(self, data: bytes) -> list[bytes]:
        if self._after_return and data.startswith(b"\n"):
            data = data[1:]
        self._after_return = data.endswith(b"\r")
        *whole, rest = _LINE_END.split(data)
        if not whole:
            self._line += rest
            if len(self._line) > _LONGEST_LINE_BYTES:
                raise ModelReplyError(f"a line is longer than {_LONGEST_LINE_BYTES} bytes")
            return []
        lines = [bytes(self._line) + whole[0], *whole[1:]]
        self._line = bytearray(rest)
        return lines

    def _read(self, line: bytes) -> list[str]:
        if not line:
            data, self._data = "\n".join(self._data), []
            return [self._dispatch(data)] if data else []
        name, _, value = line.decode("utf-8").removeprefix("\ufeff").partition(":")
        if name == "data":
            self._data.append(value.removeprefix(" "))
        return []

    def _dispatch(self, text: str) -> str:
        if self._sentinel(text):
            return ""
        value = strict_json(text)
        if not isinstance(value, Mapping):
            raise ModelReplyError(f"expected an object in each event, found {text[:80]!r}")
        fields = Fields(value, "", ModelReplyError)
        if fields.has("error"):
            raise ModelReplyError(f"it carries an error: {printable(redact(compact_json(value)))}")
        return self._take(fields)


def cut(missing: str) -> CutReplyError:
    """The error for a stream that ended before its terminal event; `missing` names it."""
    return CutReplyError(f"the streamed reply was cut: it ended without {missing}")
