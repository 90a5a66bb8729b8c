"""A server that sends exactly the bytes it is given, for misbehaviour below the level of HTTP."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from honing.llm import (
    Clock,
    Endpoint,
    Finish,
    Message,
    ModelReply,
    ModelRequest,
    Role,
    Usage,
    wire_named,
)

Script = bytes | Callable[[socket.socket], None]
"""One connection's answer: the bytes to send, or what to do with the socket."""
QUESTION = ModelRequest(model="scripted", messages=(Message(Role.USER, "What is two and two?"),))
ANSWER = ModelReply(
    text="four",
    finish=Finish.STOP,
    usage=Usage(input_tokens=9, output_tokens=2),
    model="scripted",
)


def fixed(request: ModelRequest) -> ModelReply:
    """What `ScriptedModel` calls: always the same answer."""
    return ANSWER


def endpoint(base_url: str, wire: str = "openai_chat", **more: Any) -> Endpoint:
    """A server on this machine, with a key of its own."""
    return Endpoint(base_url=base_url, wire=wire, key="sk-test-1234567890", **more)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    head: str
    body: Any


class RawServer:
    """Serves one script after another, each to one request on a connection of its own; a context manager."""

    def __init__(self, scripts: Iterable[Script]) -> None:
        self.requests: list[Seen] = []
        self._scripts: Iterator[Script] = iter(scripts)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._open: list[socket.socket] = []

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._listener, *self._open):
            # Wakes whatever waits on it; closing alone would not.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._thread.join(5.0)

    def _serve(self) -> None:
        for script in self._scripts:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._open.append(connection)
                try:
                    self._answer(connection, script)
                except OSError:
                    continue

    def _answer(self, connection: socket.socket, script: Script) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        text = head.decode()
        size = next(
            int(line.partition(":")[2])
            for line in text.split("\r\n")
            if line.lower().startswith("content-length:")
        )
        while len(body) < size:
            body += connection.recv(65536)
        self.requests.append(Seen(text, json.loads(body)))
        if callable(script):
            script(connection)
        else:
            connection.sendall(script)


def http(status: int, body: Any, *, headers: str = "", kind: str = "application/json") -> bytes:
    """A whole HTTP answer; `body` is bytes, or a value to send as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = (
        f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(data)}\r\nconnection: close\r\n"
    )
    return f"{head}{headers}\r\n".encode() + data


def right(wire: str = "openai_chat") -> bytes:
    """`ANSWER` as a whole HTTP answer."""
    return http(200, wire_named(wire).render_reply(ANSWER, QUESTION))


def trickled(head: bytes, *, pause_s: float = 0.02) -> Callable[[socket.socket], None]:
    """Sends the bytes one at a time, then one more for ever."""

    def send(connection: socket.socket) -> None:
        for byte in head:
            connection.sendall(bytes([byte]))
            time.sleep(pause_s)
        while True:
            connection.sendall(b"x")
            time.sleep(pause_s)

    return send


class SkippingClock:
    """Time in which sleeping takes none: it is noted and skipped. `still` stops it between the sleeps."""

    def __init__(self, unix: float = 1_700_000_000.0, *, still: bool = False) -> None:
        self.slept: list[float] = []
        self._unix = unix
        self._passing = (lambda: 0.0) if still else time.monotonic

    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self._passing() + sum(self.slept),
            unix=lambda: self._unix + sum(self.slept),
            sleep=self.slept.append,
        )
