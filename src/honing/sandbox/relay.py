"""Forwards: connections accepted inside the sandbox's network are carried to Unix sockets outside.

The listening sockets were opened inside (so they live in its network namespace) and handed out, so the relay
itself runs here, where the command cannot reach it, and the Unix socket need not be visible inside.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from honing.errors import SandboxError

_CHUNK = 64 * 1024
_CONNECT_LIMIT_S = 5.0


def open_listeners(ports: Sequence[int]) -> list[tuple[int, socket.socket]]:
    """Listen on the host's loopback, for sandboxes that share its network.

    Raises:
        SandboxError: Another program has one of the ports.
    """
    listeners: list[tuple[int, socket.socket]] = []
    for port in ports:
        try:
            listeners.append((port, socket.create_server(("127.0.0.1", port))))
        except OSError as error:
            for _, listener in listeners:
                listener.close()
            raise SandboxError(
                f"forward of port {port}: another program has it ({error.strerror}). Choose another; only "
                "bubblewrap gives each command ports of its own."
            ) from error
    return listeners


class _Pipe:
    """One direction of one connection: what was read from `source` and not yet written to `sink`."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.waiting = b""
        self.ended = False


class Relay:
    """Carries connections until closed. One thread for all of them.

    Args:
        listeners: Accepting sockets with the port they stand for.
        targets: Unix socket by port.
    """

    def __init__(self, listeners: Sequence[tuple[int, socket.socket]], targets: Mapping[int, Path]) -> None:
        self._selector = selectors.DefaultSelector()
        self._pipes: dict[socket.socket, tuple[_Pipe, _Pipe]] = {}
        self._listeners = [listener for _, listener in listeners]
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._wake, selectors.EVENT_READ, None)
        for port, listener in listeners:
            listener.settimeout(0)
            self._selector.register(listener, selectors.EVENT_READ, targets[port])
        self._thread = threading.Thread(target=self._carry, name="honing-relay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._waker.close()
        self._thread.join()

    def _carry(self) -> None:
        try:
            while True:
                for key, events in self._selector.select():
                    if key.fileobj is self._wake:
                        return
                    if isinstance(key.data, Path):
                        self._accept(cast(socket.socket, key.fileobj), key.data)
                    elif key.fileobj in self._pipes:
                        self._move(key.fileobj, events)
        finally:
            for one in (*self._pipes, *self._listeners, self._wake):
                one.close()
            self._selector.close()

    def _accept(self, listener: socket.socket, target: Path) -> None:
        try:
            inner, _ = listener.accept()
        except OSError:
            return
        outer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        outer.settimeout(_CONNECT_LIMIT_S)
        try:
            outer.connect(str(target))
        except OSError:
            # The caller's server is gone: the client sees its connection end, as it would with any server.
            outer.close()
            inner.close()
            return
        forth, back = _Pipe(inner, outer), _Pipe(outer, inner)
        for one, reads, writes in ((inner, forth, back), (outer, back, forth)):
            one.settimeout(0)
            self._pipes[one] = (reads, writes)
            self._selector.register(one, selectors.EVENT_READ, "connection")

    def _move(self, one: socket.socket, events: int) -> None:
        reads, writes = self._pipes[one]
        try:
            if events & selectors.EVENT_READ and not reads.waiting and not reads.ended:
                reads.waiting = one.recv(_CHUNK)
                reads.ended = not reads.waiting
                self._flush(reads)
            if events & selectors.EVENT_WRITE:
                self._flush(writes)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(one)
            return
        if reads.ended and writes.ended and not reads.waiting and not writes.waiting:
            self._drop(one)
            return
        for end in (reads.source, reads.sink):
            self._want(end)

    @staticmethod
    def _flush(pipe: _Pipe) -> None:
        try:
            while pipe.waiting:
                pipe.waiting = pipe.waiting[pipe.sink.send(pipe.waiting) :]
        except BlockingIOError:
            return
        if pipe.ended:
            pipe.sink.shutdown(socket.SHUT_WR)

    def _want(self, one: socket.socket) -> None:
        """Watch a socket for exactly what can be done next, so that a full or ended one does not spin."""
        reads, writes = self._pipes[one]
        events = 0
        if not reads.ended and not reads.waiting:
            events |= selectors.EVENT_READ
        if writes.waiting:
            events |= selectors.EVENT_WRITE
        watched = one in self._selector.get_map()
        if events and watched:
            self._selector.modify(one, events, "connection")
        elif events:
            self._selector.register(one, events, "connection")
        elif watched:
            self._selector.unregister(one)

    def _drop(self, one: socket.socket) -> None:
        reads, _ = self._pipes[one]
        for end in (reads.source, reads.sink):
            if end in self._selector.get_map():
                self._selector.unregister(end)
            del self._pipes[end]
            end.close()
