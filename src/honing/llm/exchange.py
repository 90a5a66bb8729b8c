"""The gateway's leg to a model server: HTTP/1.1 requests on an event loop, with kept connections and hard
limits.

The gateway relays bytes between two sockets of one loop, where a general client library would cost more per
call than everything else together (`benchmarks/gateway.py`). Redirects are never followed: a key must not
travel to a host that the user did not name.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

from honing.llm.failures import CallFailedError, ErrorKind

_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeLimits:
    """What one exchange with a server may take."""

    connect_s: float = 10.0
    """Until the connection, TLS included, stands."""
    read_s: float = 120.0
    """Between two pieces of a reply, and until its first."""
    total_s: float = 600.0
    """From the request to the end of the reply, however steadily the server trickles."""
    reply_bytes: int = 64 * 1024 * 1024
    """A longer reply is refused."""
    keep_idle_s: float = 20.0
    """An idle connection older than this is not used again: servers drop them without a word."""


Origin = tuple[str, str, int]
"""Scheme, host and port."""


class _Link:
    """One connection to one origin."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.parser = h11.Connection(h11.CLIENT)
        self.idle_since = 0.0
        self.reused = False

    def reusable(self) -> bool:
        return self.parser.our_state is h11.DONE and self.parser.their_state is h11.DONE

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError, ssl.SSLError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self.writer.wait_closed()


class Incoming:
    """A reply whose head has arrived. Read it with `receive` or `read`, then `close` it, in every case."""

    def __init__(self, exchange: Exchange, origin: Origin, link: _Link, deadline: float) -> None:
        self._exchange = exchange
        self._origin = origin
        self._link = link
        self._deadline = deadline
        self._open = True
        self._size = 0
        self.status = 0
        self.headers: dict[str, str] = {}

    async def head(self) -> None:
        """Wait for the status and the headers."""
        while True:
            event = await self._event()
            if isinstance(event, h11.Response):
                self.status = event.status_code
                self.headers = {n.decode("latin-1"): v.decode("latin-1") for n, v in event.headers}
                return

    async def receive(self) -> bytes:
        """The body's next piece as it arrives; b"" at its end.

        Raises:
            CallFailedError: It ended early, stalled, or is longer than allowed.
        """
        event = await self._event()
        while not isinstance(event, h11.Data | h11.EndOfMessage):
            event = await self._event()
        if isinstance(event, h11.EndOfMessage):
            return b""
        self._size += len(event.data)
        if self._size > self._exchange.limits.reply_bytes:
            raise CallFailedError(
                ErrorKind.TOO_LARGE,
                f"the server's reply is longer than {self._exchange.limits.reply_bytes} bytes",
            )
        return bytes(event.data)

    async def read(self) -> bytes:
        """The whole body."""
        pieces = []
        while piece := await self.receive():
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """Keep the connection where the reply was read to its end, drop it otherwise. Safe to repeat."""
        if self._open:
            self._open = False
            self._exchange.give_back(self._origin, self._link)

    async def _event(self) -> object:
        try:
            while (event := self._link.parser.next_event()) is h11.NEED_DATA:
                data = await self._receive()
                if not data and not self.status:
                    raise CallFailedError(
                        ErrorKind.TRUNCATED, "the server closed the connection without a reply"
                    )
                self._link.parser.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise CallFailedError(ErrorKind.TRUNCATED, f"the server broke off its reply: {error}") from error
        return event

    async def _receive(self) -> bytes:
        limits = self._exchange.limits
        left = self._deadline - self._exchange.clock()
        wait_s = min(limits.read_s, left)
        try:
            async with asyncio.timeout(max(0.0, wait_s)):
                return await self._link.reader.read(_READ_BYTES)
        except TimeoutError:
            what = (
                f"{limits.total_s:g} s in all" if left <= limits.read_s else f"{limits.read_s:g} s of silence"
            )
            raise CallFailedError(ErrorKind.TIMEOUT, f"no complete reply within {what}") from None
        except OSError as error:
            raise CallFailedError(ErrorKind.TRUNCATED, f"the connection broke: {error}") from error


class Exchange:
    """Sends requests from one event loop and keeps idle connections.

    Args:
        limits: What one exchange may take.
        tls: Verifies https servers; the system's trusted authorities by default.
        proxy_url: A forward proxy ("http://host:port"): plain requests go to it whole, https through a
            tunnel.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        limits: ExchangeLimits | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        proxy_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits or ExchangeLimits()
        self.clock = clock
        self._idle: defaultdict[Origin, list[_Link]] = defaultdict(list)
        self._tls = tls
        self._proxy_url = proxy_url

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Incoming:
        """Send one request and wait for the head of its reply.

        A kept connection that turns out to be dead before a byte of the reply is replaced once by a fresh
        one.

        Raises:
            CallFailedError: The server cannot be reached, does not answer in time or does not speak HTTP.
        """
        parts = urlsplit(url)
        origin = (parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if self._proxy_url is not None and parts.scheme == "http":
            target = f"http://{parts.netloc}{target}"
        message = h11.Request(
            method=method,
            target=target,
            headers=[
                ("host", parts.netloc.rpartition("@")[2]),
                *headers.items(),
                ("content-length", str(len(body))),
            ],
        )
        deadline = self.clock() + self.limits.total_s
        while True:
            link = await self._link(origin)
            incoming = Incoming(self, origin, link, deadline)
            try:
                await self._ask(link, message, body)
                await incoming.head()
            except CallFailedError as error:
                link.writer.transport.abort()
                if link.reused and error.kind is ErrorKind.TRUNCATED:
                    continue
                raise
            except BaseException:
                link.writer.transport.abort()
                raise
            return incoming

    def give_back(self, origin: Origin, link: _Link) -> None:
        """Keep a connection for the next request, or drop it where it cannot serve one."""
        if not link.reusable() or link.reader.at_eof():
            link.writer.transport.abort()
            return
        link.parser.start_next_cycle()
        link.idle_since = self.clock()
        self._idle[origin].append(link)

    async def close(self) -> None:
        """Close the idle connections."""
        links = [link for links in self._idle.values() for link in links]
        self._idle.clear()
        await asyncio.gather(*(link.close() for link in links))

    async def _ask(self, link: _Link, message: h11.Request, body: bytes) -> None:
        data = link.parser.send(message) or b""
        if body:
            data += link.parser.send(h11.Data(data=body)) or b""
        data += link.parser.send(h11.EndOfMessage()) or b""
        try:
            link.writer.write(data)
            async with asyncio.timeout(self.limits.read_s):
                await link.writer.drain()
        except TimeoutError:
            raise CallFailedError(ErrorKind.TIMEOUT, "the server does not take the request") from None
        except OSError as error:
            raise CallFailedError(ErrorKind.TRUNCATED, f"the connection broke: {error}") from error

    async def _link(self, origin: Origin) -> _Link:
        kept = self._idle[origin]
        while kept:
            link = kept.pop()
            if not link.reader.at_eof() and self.clock() - link.idle_since < self.limits.keep_idle_s:
                link.reused = True
                return link
            link.writer.transport.abort()
        return await self._connect(origin)

    async def _connect(self, origin: Origin) -> _Link:
        scheme, host, port = origin
        if scheme == "https" and self._tls is None:
            self._tls = ssl.create_default_context()
        tls = self._tls if scheme == "https" else None
        try:
            async with asyncio.timeout(self.limits.connect_s):
                if self._proxy_url is not None:
                    return await self._connect_through(self._proxy_url, host, port, tls)
                return _Link(*await asyncio.open_connection(host, port, ssl=tls))
        except TimeoutError:
            detail = f"{host}:{port} did not take a connection within {self.limits.connect_s:g} s"
            raise CallFailedError(ErrorKind.UNREACHABLE, detail) from None
        except (OSError, EOFError) as error:
            raise CallFailedError(
                ErrorKind.UNREACHABLE, f"cannot connect to {host}:{port}: {error}"
            ) from error

    async def _connect_through(
        self, proxy_url: str, host: str, port: int, tls: ssl.SSLContext | None
    ) -> _Link:
        proxy = urlsplit(proxy_url)
        reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port or 80)
        if tls is None:
            return _Link(reader, writer)
        try:
            writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nhost: {host}:{port}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            status = head.split(b" ", 2)[1:2]
            if status != [b"200"]:
                raise ConnectionError(f"the proxy {proxy.netloc} refused the tunnel: {head[:80]!r}")
            await writer.start_tls(tls, server_hostname=host)
        except BaseException:
            writer.transport.abort()
            raise
        return _Link(reader, writer)
