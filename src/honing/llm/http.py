"""A small HTTP/1.1 server for this machine: one daemon thread, one event loop, a port or a Unix socket.

It speaks to programs that nobody vetted (a target's own command, a coding agent), so every wait and every
size has a limit. A reply that cannot be finished is cut in a way its reader must notice, never ended as if it
were whole.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from pathlib import Path
from typing import Self, cast

from honing.llm.http_connection import (
    Connection,
    CutConnection,
    Delivery,
    HttpLimits,
    HttpRequest,
    HttpResponse,
    plain,
)
from honing.llm.sockets import BoundSocket, bind_loopback, bind_unix
from honing.llm.workers import Workers

__all__ = [
    "CutConnection",
    "Delivery",
    "Handler",
    "HttpLimits",
    "HttpRequest",
    "HttpResponse",
    "HttpServer",
    "plain",
]

_log = logging.getLogger(__name__)

Handler = Callable[[HttpRequest], HttpResponse] | Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Answers a request: a plain function runs on a thread, a coroutine function on the server's loop."""


class HttpServer:
    """Serves `handler` until closed. A context manager; `start` and `close` may be called from any thread.

    Args:
        handler: Answers each request. One that raises is answered 500 and logged.
        limits: What a client may take.
        tcp: Listen on 127.0.0.1.
        port: The port there; 0 takes a free one.
        socket_path: Also listen on this Unix socket, mode 0600. A path too long for the kernel is replaced by
            a short one in a private temporary folder; `socket` says which.
        tls: Serve https on the port; the Unix socket stays plain.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        limits: HttpLimits | None = None,
        tcp: bool = True,
        port: int = 0,
        socket_path: Path | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.limits = limits or HttpLimits()
        self.workers = Workers(self.limits.threads, name="honing-http-worker")
        self._handler = handler
        self._is_async = inspect.iscoroutinefunction(handler)
        self._tls = tls
        self._wanted = (tcp, port, socket_path)
        self._bound: list[BoundSocket] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._background: list[Callable[[], Coroutine[None, None, None]]] = []
        self._on_close: list[Callable[[], Awaitable[None]]] = []

    def start(self) -> Self:
        """Bind and begin to serve; on return the first connection is accepted.

        Raises:
            OSError: A port or path cannot be bound.
        """
        ready: Future[None] = Future()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="honing-http", daemon=True
        )
        try:
            self._bind()
            thread.start()
            ready.result()
        except OSError:
            self._unbind()
            raise
        self._thread = thread
        return self

    def close(self) -> None:
        """Stop serving: drop open connections, wait a short while for blocking handlers. Safe to repeat."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stop is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()
        self.workers.close(self.limits.close_s)
        self._unbind()

    def on_start(self, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run `work` on the server's loop from start to close, when it is cancelled."""
        self._background.append(work)

    def on_close(self, action: Callable[[], Awaitable[None]]) -> None:
        """Await `action` on the server's loop when it closes, after the connections have ended."""
        self._on_close.append(action)

    @property
    def port(self) -> int:
        """The loopback port, or 0 where only a Unix socket is served."""
        return next((bound.port for bound in self._bound if bound.port), 0)

    @property
    def socket(self) -> Path | None:
        """The Unix socket that is really served."""
        return next((bound.path for bound in self._bound if bound.path), None)

    @property
    def base_url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _bind(self) -> None:
        tcp, port, socket_path = self._wanted
        if tcp:
            self._bound.append(bind_loopback(port))
        if socket_path is not None:
            self._bound.append(bind_unix(socket_path))

    def _unbind(self) -> None:
        for bound in self._bound:
            bound.close()

    async def _serve(self, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            servers = [await self._listen(bound) for bound in self._bound]
        except OSError as error:
            ready.set_exception(error)  # the waiting thread's to raise
            return
        ready.set_result(None)
        background = [self._loop.create_task(work()) for work in self._background]
        await self._stop.wait()
        for server in servers:
            server.close()
        running = [*self._connections, *background]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for action in self._on_close:
            await action()
        # One more turn of the loop, in which the transports really close their sockets.
        await asyncio.sleep(0)

    async def _listen(self, bound: BoundSocket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        tls = self._tls if bound.port else None
        return await loop.create_server(self._connection, sock=bound.socket, backlog=1024, ssl=tls)

    def _connection(self) -> Connection:
        return Connection(self._answer, self.limits, self._connections)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        """The handler's response, or a 500 where it raised."""
        try:
            if self._is_async:
                return await cast("Awaitable[HttpResponse]", self._handler(request))
            return await self.workers.run(lambda: cast("HttpResponse", self._handler(request)))
        except Exception as error:  # noqa: BLE001 - the boundary to a handler that may do anything
            _log.error("%s %s failed in the handler", request.method, request.path, exc_info=error)
            return plain(500, f"the server failed: {type(error).__name__}")
