"""Where a channel's answers come from.

`Upstream` (in `upstream.py`) asks a live server. The sources here need none: `Answering` asks an answerer in
this process, `Replay` a recording, and `Recording` keeps what another source answers.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from honing.llm.base import Answerer, ModelReply, ModelRequest
from honing.llm.budget import RateWindow
from honing.llm.failures import as_call_failed
from honing.llm.recording import Recorded, RecordingFile, RecordingReader
from honing.llm.wires import Wire
from honing.llm.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One model call as its caller made it."""

    ordinal: int
    channel: str
    wire: Wire
    """The caller's wire."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    """As given, with all fields, also those we do not know."""
    raw_body: bytes
    request: ModelRequest
    tag: str
    started: float
    """Unix time, seconds."""


class Relay(Protocol):
    """A reply that is still arriving, in the caller's own wire."""

    @property
    def raw(self) -> bytes:
        """What has arrived so far."""
        ...

    def pieces(self) -> AsyncGenerator[bytes, None]:
        """Whole events as they arrive. Raises `CallFailedError` where the stream breaks."""
        ...

    def finish(self) -> ModelReply:
        """The reply, once the pieces have come to their end. Raises `CallFailedError` where it is not
        whole."""
        ...

    def drop(self) -> None:
        """Let go of the connection. Must be called in every case; safe to repeat."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a source gives for a call: a reply, with the server's own bytes where the wire is the caller's, or
    a relay."""

    reply: ModelReply | None = None
    raw: bytes = b""
    """To be sent to the caller as it is; empty: render `reply`."""
    streamed: bool = False
    """Whether `raw` is a stream of events."""
    relay: Relay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What a gateway lends to its sources."""

    workers: Workers
    """Threads for blocking work."""
    slots: Any
    """An `asyncio.Semaphore`: the calls that may be under way to servers at once."""
    requests: RateWindow = field(default_factory=lambda: RateWindow(None))
    """Calls to servers per minute."""
    tokens: RateWindow = field(default_factory=lambda: RateWindow(None))
    """Tokens to and from servers per minute."""


class Source(Protocol):
    """Answers calls on the gateway's event loop. Failures are `ModelError`s; nothing else may be raised."""

    @property
    def name(self) -> str: ...

    @property
    def live(self) -> bool:
        """Whether its calls cost money."""
        ...

    def open(self, host: Host) -> None:
        """Take what the gateway lends; called before the first call, once for each channel that uses the
        source."""
        ...

    def billed_model(self, request: ModelRequest) -> str:
        """The model that a call of this request is billed as."""
        ...

    async def answer(self, call: Call) -> Answer: ...

    def settled(self, call: Call, reply: ModelReply, raw: bytes, *, streamed: bool) -> None:
        """Learn that a call has succeeded; `raw` is what its caller got unchanged, or empty."""
        ...

    def sync(self) -> None:
        """Force onto the disk what must survive the machine; called now and then on a thread."""
        ...

    async def close(self) -> None: ...


class Quiet:
    """What sources do where they have nothing to do."""

    live = False

    def open(self, host: Host) -> None:
        pass

    def billed_model(self, request: ModelRequest) -> str:
        return request.model

    def settled(self, call: Call, reply: ModelReply, raw: bytes, *, streamed: bool) -> None:
        pass

    def sync(self) -> None:
        pass

    async def close(self) -> None:
        pass


class Answering(Quiet):
    """Asks an answerer in this process: a scripted model, an oracle, a null control.

    Args:
        answerer: Called on a thread, several at once.
        name: What the call records say answered.
    """

    def __init__(self, answerer: Answerer, *, name: str | None = None) -> None:
        self.name = name or type(answerer).__name__
        self._answerer = answerer
        self._workers: Workers | None = None

    def open(self, host: Host) -> None:
        self._workers = host.workers

    async def answer(self, call: Call) -> Answer:
        assert self._workers is not None
        try:
            reply = await self._workers.run(lambda: self._answerer.answer(call.request))
        except Exception as error:
            raise as_call_failed(error) from error
        return Answer(reply=reply)


class Replay(Quiet):
    """Answers from a recording and never from anywhere else.

    A call that was not recorded fails with kind `replay_miss`.

    Raises:
        StoreError: The recording cannot be read.
        EvidenceError: It is damaged.
    """

    name = "replay"

    def __init__(self, path: Path) -> None:
        self._reader = RecordingReader(path)

    async def answer(self, call: Call) -> Answer:
        found = self._reader.take(call.request, call.tag)
        fits = found.wire == call.wire.name and found.streamed == call.request.stream
        return Answer(reply=found.reply, raw=found.raw.encode() if fits else b"", streamed=found.streamed)


class Recording:
    """Keeps what another source answers, so that `Replay` can give it again. Failed calls are not kept.

    Args:
        source: What answers.
        path: The file; one that exists is continued.
    """

    def __init__(self, source: Source, path: Path) -> None:
        self._source = source
        self._file = RecordingFile(path)

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def live(self) -> bool:
        return self._source.live

    def open(self, host: Host) -> None:
        self._source.open(host)

    def billed_model(self, request: ModelRequest) -> str:
        return self._source.billed_model(request)

    async def answer(self, call: Call) -> Answer:
        return await self._source.answer(call)

    def settled(self, call: Call, reply: ModelReply, raw: bytes, *, streamed: bool) -> None:
        self._source.settled(call, reply, raw, streamed=streamed)
        text = raw.decode("utf-8", "replace")
        self._file.add(
            call.request,
            call.tag,
            Recorded(reply=reply, wire=call.wire.name if raw else "", streamed=streamed, raw=text),
        )

    def sync(self) -> None:
        self._source.sync()
        self._file.sync()

    async def close(self) -> None:
        await self._source.close()
        self._file.close()
