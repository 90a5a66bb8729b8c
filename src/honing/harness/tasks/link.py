"""Joins two sandboxes that can reach nothing but us: tests on one side, the candidate's code on the other.

Both connect outwards. The first connection of the one is joined to the first of the other, and so on; bytes
are carried and never looked at.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import socket
import tempfile
import threading
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from honing.sandbox import Forward

INNER_PORT = 4242
"""Where each side finds the other, in sandboxes that have ports of their own."""
_CHUNK = 64 * 1024


@dataclass(slots=True)
class _Stream:
    """One direction of a joined pair."""

    sink: socket.socket
    waiting: bytearray = field(default_factory=bytearray)


class Link:
    """Use it as a context manager; one thread carries everything.

    Args:
        own_network: Whether each side has ports of its own; otherwise free ports of the machine are used.
    """

    def __init__(self, *, own_network: bool) -> None:
        # A socket's path has room for 107 bytes, which a run's folder may exceed.
        self._folder = tempfile.mkdtemp(prefix="honing-link-")
        self._listeners = [self._listening(name) for name in ("tests", "subject")]
        ports = [INNER_PORT, INNER_PORT] if own_network else [_free_port(), _free_port()]
        self.tests = Forward(ports[0], Path(self._folder, "tests"))
        self.subject = Forward(ports[1], Path(self._folder, "subject"))
        self._selector = selectors.DefaultSelector()
        self._early: tuple[deque[socket.socket], deque[socket.socket]] = (deque(), deque())
        self._streams: dict[socket.socket, _Stream] = {}
        self._hung_up = False
        self._wake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._carry, name="honing-link", daemon=True)

    def __enter__(self) -> Self:
        self._selector.register(self._wake, selectors.EVENT_READ)
        for listener in self._listeners:
            self._selector.register(listener, selectors.EVENT_READ)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def hang_up(self) -> None:
        """End every connection, and each further one as it comes: one side is gone."""
        with contextlib.suppress(OSError):
            self._waker.send(b"!")

    def close(self) -> None:
        """End everything."""
        self._waker.close()
        if self._thread.is_alive():
            self._thread.join()
        waiting = [one for side in self._early for one in side]
        for one in (*self._listeners, *self._streams, *waiting, self._wake):
            one.close()
        self._selector.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _listening(self, name: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(os.path.join(self._folder, name))  # noqa: PTH118 - a socket's address is text
        listener.listen()
        listener.settimeout(0)
        return listener

    def _carry(self) -> None:
        while True:
            for key, events in self._selector.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if ready is self._wake:
                    if not self._wake.recv(1):
                        return
                    self._hung_up = True
                    while self._streams:
                        self._end(next(iter(self._streams)))
                    self._drop_early()
                elif ready in self._listeners:
                    self._accept(self._listeners.index(ready))
                elif ready in self._streams:
                    self._serve(ready, events)

    def _accept(self, side: int) -> None:
        with contextlib.suppress(OSError):
            connection, _ = self._listeners[side].accept()
            connection.settimeout(0)
            self._early[side].append(connection)
        if self._hung_up:
            self._drop_early()
        while self._early[0] and self._early[1]:
            pair = self._early[0].popleft(), self._early[1].popleft()
            for one, other in (pair, pair[::-1]):
                self._streams[one] = _Stream(sink=other)
                self._selector.register(one, selectors.EVENT_READ)

    def _drop_early(self) -> None:
        for side in self._early:
            while side:
                side.popleft().close()

    def _serve(self, ready: socket.socket, events: int) -> None:
        other = self._streams[ready].sink
        try:
            if events & selectors.EVENT_READ:
                self._read(ready)
            if events & selectors.EVENT_WRITE:
                self._flush(other)
        except OSError:
            self._end(ready)

    def _read(self, source: socket.socket) -> None:
        chunk = source.recv(_CHUNK)
        if not chunk:
            raise ConnectionError
        self._streams[source].waiting += chunk
        self._flush(source)

    def _flush(self, source: socket.socket) -> None:
        """Hand on what came from `source`; while it waits, no more is read from it."""
        stream = self._streams[source]
        with contextlib.suppress(BlockingIOError):
            while stream.waiting:
                del stream.waiting[: stream.sink.send(stream.waiting)]
        self._watch(source)
        self._watch(stream.sink)

    def _watch(self, one: socket.socket) -> None:
        reading = 0 if self._streams[one].waiting else selectors.EVENT_READ
        other = self._streams[one].sink
        writing = selectors.EVENT_WRITE if self._streams[other].waiting else 0
        wanted = reading | writing
        if one in self._selector.get_map():
            if wanted:
                self._selector.modify(one, wanted)
            else:
                self._selector.unregister(one)
        elif wanted:
            self._selector.register(one, wanted)

    def _end(self, one: socket.socket) -> None:
        """End a pair: what one side has sent before it ended still reaches the other."""
        other = self._streams[one].sink
        left = self._streams[one].waiting
        with contextlib.suppress(OSError):
            other.settimeout(1.0)
            other.sendall(left)
        for each in (one, other):
            if each in self._selector.get_map():
                self._selector.unregister(each)
            del self._streams[each]
            each.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
