"""One client's connection: reads a request within its limits, has it answered, sends the response.

What was read and what is to be sent are plain records; the server (`http.py`) knows only those.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

_log = logging.getLogger(__name__)
_READ_AHEAD_BYTES = 256 * 1024
_LINGER_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What one client may take of the server."""

    header_bytes: int = 64 * 1024
    """Request line and headers together."""
    body_bytes: int = 64 * 1024 * 1024
    """One request's body."""
    request_s: float = 60.0
    """From a request's first byte to its last; a client that trickles is answered 408 and dropped."""
    idle_s: float = 120.0
    """A kept-alive connection without a request is dropped after this long."""
    write_s: float = 60.0
    """A reader that takes nothing of a reply for this long is dropped."""
    connections: int = 512
    """Open connections; one more is answered 503."""
    threads: int = 32
    """Blocking handlers and answerers that run at once."""
    close_s: float = 2.0
    """How long closing waits for blocking handlers."""


class Delivery(StrEnum):
    """How the sending of a response ended. Exactly one holds."""

    COMPLETE = "complete"
    CUT = "cut"
    """Its chunks raised, so the connection was dropped before the end."""
    GONE = "gone"
    """The reader went away."""


class CutConnection(Exception):
    """Raised by a response's chunks: drop the connection, so that nobody takes the part for the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request, read whole."""

    method: str
    path: str
    """Decoded, without the query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case; repeated headers joined by ", "."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What to send back: either `body`, or `chunks` sent one by one as they come."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: AsyncGenerator[bytes, None] | None = None
    sent: Callable[[Delivery], None] | None = None
    """Called once, when the sending has ended, also where it never began."""


def plain(status: int, text: str) -> HttpResponse:
    """A response of one line of text."""
    return HttpResponse(status=status, body=text.encode() + b"\n", content_type="text/plain; charset=utf-8")


class _Refused(Exception):
    def __init__(self, status: int, text: str) -> None:
        self.response = plain(status, text)


class Connection(asyncio.Protocol):
    """One client: reads a request, has it answered, sends the response, and again."""

    _transport: asyncio.Transport
    _task: asyncio.Task[None]

    def __init__(
        self,
        answer: Callable[[HttpRequest], Awaitable[HttpResponse]],
        limits: HttpLimits,
        open_connections: set[asyncio.Task[None]],
    ) -> None:
        self._answer = answer
        self._limits = limits
        self._open = open_connections
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.header_bytes)
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._unread_bytes = 0
        self._refused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        full = len(self._open) >= self._limits.connections
        self._task = asyncio.get_running_loop().create_task(self._turn_away() if full else self._run())
        self._open.add(self._task)
        self._task.add_done_callback(self._open.discard)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._parser.receive_data(data)
        self._unread_bytes += len(data)
        if self._unread_bytes > _READ_AHEAD_BYTES:
            self._transport.pause_reading()
        self._arrived.set()

    def connection_lost(self, error: Exception | None) -> None:
        self._writable.set()
        self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def _turn_away(self) -> None:
        try:
            await self._give(plain(503, "too many connections"), None)
            await self._linger()
        finally:
            self._transport.close()

    async def _run(self) -> None:
        try:
            while await self._turn():
                self._parser.start_next_cycle()
        except (ConnectionError, h11.LocalProtocolError, TimeoutError):
            pass  # The reader went away, or takes nothing: the response's `sent` has been told.
        finally:
            self._transport.close()

    async def _turn(self) -> bool:
        """One request and its response. False where the connection must not be used again."""
        try:
            request = await self._read()
        except _Refused as refused:
            if self._parser.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                await self._give(refused.response, None)
                await self._linger()
            return False
        if request is None:
            return False
        await self._give(await self._answer(request), request)
        return self._parser.our_state is h11.DONE and self._parser.their_state is h11.DONE

    async def _read(self) -> HttpRequest | None:
        """The next request, or None where the client left or stayed silent too long."""
        head: h11.Request | None = None
        body = bytearray()
        loop = asyncio.get_running_loop()
        began = False
        try:
            async with asyncio.timeout(self._limits.idle_s) as clock:
                while True:
                    if not began and (self._unread_bytes or self._parser.trailing_data[0]):
                        began = True
                        clock.reschedule(loop.time() + self._limits.request_s)
                    event = self._next_event()
                    if event is h11.NEED_DATA:
                        await self._more()
                    elif isinstance(event, h11.Request):
                        head = event
                        self._check_size(_declared_bytes(event))
                    elif isinstance(event, h11.Data):
                        body += event.data
                        self._check_size(len(body))
                    elif isinstance(event, h11.EndOfMessage) and head is not None:
                        return _request(head, bytes(body))
                    else:
                        return None
        except TimeoutError:
            if began:
                raise _Refused(408, f"no whole request within {self._limits.request_s:g} s") from None
            return None

    def _next_event(self) -> object:
        try:
            return self._parser.next_event()
        except h11.RemoteProtocolError as error:
            raise _Refused(error.error_status_hint, f"not a valid request: {error}") from error

    async def _more(self) -> None:
        if self._parser.they_are_waiting_for_100_continue:
            self._write(self._parser.send(h11.InformationalResponse(status_code=100, headers=[])))
        self._arrived.clear()
        self._unread_bytes = 0
        self._transport.resume_reading()
        await self._arrived.wait()

    def _check_size(self, size: int) -> None:
        if size > self._limits.body_bytes:
            raise _Refused(413, f"a body may have {self._limits.body_bytes} bytes at most")

    async def _give(self, response: HttpResponse, request: HttpRequest | None) -> None:
        """Send a response and tell it how that ended."""
        ended = Delivery.GONE
        try:
            if response.chunks is None:
                await self._send_whole(response, with_body=request is None or request.method != "HEAD")
            else:
                await self._send_chunks(response, response.chunks)
            ended = Delivery.COMPLETE
        except (asyncio.CancelledError, ConnectionError, TimeoutError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader must not see a whole reply
            ended = Delivery.CUT
            if not isinstance(error, CutConnection):
                _log.error("a response's chunks failed", exc_info=error)
            self._cut()
        finally:
            if response.sent is not None:
                response.sent(ended)

    async def _send_whole(self, response: HttpResponse, *, with_body: bool) -> None:
        headers = [*_headers(response), ("content-length", str(len(response.body)))]
        data = self._parser.send(h11.Response(status_code=response.status, headers=headers)) or b""
        if with_body and response.body:
            data += self._parser.send(h11.Data(data=response.body)) or b""
        self._write(data + (self._parser.send(h11.EndOfMessage()) or b""))
        await self._drain()

    async def _send_chunks(self, response: HttpResponse, chunks: AsyncGenerator[bytes, None]) -> None:
        async with aclosing(chunks):
            # The head goes out with the first chunk: chunks that fail at once leave the reader without a
            # reply.
            head = h11.Response(status_code=response.status, headers=_headers(response))
            unsent = self._parser.send(head) or b""
            async for chunk in chunks:
                self._write(unsent + (self._parser.send(h11.Data(data=chunk)) or b""))
                unsent = b""
                await self._drain()
            self._write(unsent + (self._parser.send(h11.EndOfMessage()) or b""))
            await self._drain()

    async def _linger(self) -> None:
        """Take in what the client still sends: closing on unread bytes would reset the answer away."""
        self._refused = True
        self._transport.resume_reading()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        await asyncio.sleep(_LINGER_S)

    def _write(self, data: bytes | None) -> None:
        if data:
            self._transport.write(data)

    async def _drain(self) -> None:
        if self._transport.is_closing():
            raise ConnectionResetError("the reader went away")
        if not self._writable.is_set():
            async with asyncio.timeout(self._limits.write_s):
                await self._writable.wait()

    def _cut(self) -> None:
        if self._parser.their_http_version == b"1.0":
            # Old clients take the end of the connection for the end of the body: only a reset tells them
            # otherwise.
            connection = self._transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._transport.close()


def _headers(response: HttpResponse) -> list[tuple[str, str]]:
    return [("content-type", response.content_type), *response.headers.items()]


def _declared_bytes(head: h11.Request) -> int:
    return next((int(value) for name, value in head.headers if name == b"content-length"), 0)


def _request(head: h11.Request, body: bytes) -> HttpRequest:
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    target = urlsplit(head.target.decode("latin-1"))
    return HttpRequest(
        method=head.method.decode("latin-1"),
        path=unquote(target.path),
        query=dict(parse_qsl(target.query, keep_blank_values=True)),
        headers=headers,
        body=body,
    )
