"""HTTP connections on which every wait ends at one deadline, however the server behaves.

An HTTP library's read limit starts again with every byte, so a server that sends one byte a second holds its
caller for ever. Here each read and write of a call is given what is left until its deadline, and no more.

This file is imported when the first call is made, never before: the HTTP library takes a tenth of a second.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2

from honing.llm.deadline import Deadline

EXTENSION = "honing_deadline"
"""The request extension that holds a call's deadline."""


class _Now(threading.local):
    """The deadline of the call that this thread is working on."""

    deadline: Deadline | None = None

    @contextmanager
    def until(self, deadline: Deadline) -> Iterator[None]:
        before, self.deadline = self.deadline, deadline
        try:
            yield
        finally:
            self.deadline = before

    def bounded(self, timeout: float | None, late: type[Exception]) -> float | None:
        """The shorter of a timeout and what is left; raises `late` where nothing is."""
        if self.deadline is None:
            return timeout
        left = self.deadline.left_s()
        if left <= 0:
            raise late("the time limit of the whole call has passed")
        return left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    """A connection whose every wait is bounded."""

    def __init__(self, inner: httpcore2.NetworkStream, now: _Now) -> None:
        self._inner = inner
        self._now = now

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._now.bounded(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._now.bounded(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        bounded = self._now.bounded(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, bounded), self._now)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.SyncBackend):
    """Opens bounded connections."""

    def __init__(self, now: _Now) -> None:
        self._now = now

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        bounded = self._now.bounded(timeout, httpcore2.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, bounded, local_address, socket_options), self._now)


class _Body(httpx2.SyncByteStream):
    """A reply's body; whichever thread reads it, its call's deadline holds."""

    def __init__(self, inner: Iterable[bytes], now: _Now, deadline: Deadline) -> None:
        self._inner = inner
        self._now = now
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        chunks = iter(self._inner)
        while True:
            with self._now.until(self._deadline):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def close(self) -> None:
        if hasattr(self._inner, "close"):
            self._inner.close()


class DeadlineTransport(httpx2.BaseTransport):
    """Sends requests over kept connections. A request without a deadline is refused.

    Args:
        max_connections: At once; a call beyond them waits for one, until its deadline.
        tls: Verifies servers; None where only plain HTTP is spoken.
        proxy_url: A forward proxy ("http://host:port").
    """

    def __init__(self, *, max_connections: int, tls: ssl.SSLContext | None, proxy_url: str | None) -> None:
        self._now = _Now()
        shared: dict[str, Any] = {
            "ssl_context": tls,
            "max_connections": max_connections,
            "max_keepalive_connections": max_connections,
            "keepalive_expiry": 30.0,
            "network_backend": _Backend(self._now),
        }
        self._pool = (
            httpcore2.ConnectionPool(**shared)
            if proxy_url is None
            else httpcore2.HTTPProxy(proxy_url=proxy_url, **shared)
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it and read the reply's headers; raises httpcore2's errors."""
        deadline: Deadline = request.extensions[EXTENSION]
        url = request.url
        outgoing = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read(),
            extensions=request.extensions,
        )
        with self._now.until(deadline):
            response = self._pool.handle_request(outgoing)
        stream = response.stream
        if not isinstance(stream, Iterable):
            raise TypeError("the connection pool gave a stream that cannot be read synchronously")
        return httpx2.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(stream, self._now, deadline),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()
