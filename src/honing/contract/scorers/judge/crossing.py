"""What crosses between referee and solver: plain data as JSON, everything else as a reference."""

from __future__ import annotations

import importlib
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

LONGEST_MESSAGE = 64 * 1024 * 1024
_DEEPEST = 200

Json = Any
Keep = Callable[[Any], Json]
Find = Callable[[str, Any], Any]


class EndedError(BaseException):
    """The solver is gone, broke the protocol or ran out of time: nothing it was asked for can be believed.

    Not an `Exception`, so that tests which catch those do not catch it.
    """


def encode(value: Any, keep: Keep, depth: int = 0) -> Json:
    """A value as JSON. Of a subclass the plain part crosses, without its own idea of equality.

    Args:
        value: Anything.
        keep: Turns what is not plain data into a reference, or raises.
        depth: How deep the value lies in others.
    """
    if value is None or type(value) in (bool, str):
        return value
    if depth > _DEEPEST:
        return keep(value)
    for kind, written in _SCALARS:
        if isinstance(value, kind):
            return written(value)
    for collection, tag in _COLLECTIONS:
        if isinstance(value, collection):
            return [tag, [encode(one, keep, depth + 1) for one in collection.__iter__(value)]]
    if isinstance(value, dict):
        pairs = dict.items(value)
        return ["d", [[encode(key, keep, depth + 1), encode(one, keep, depth + 1)] for key, one in pairs]]
    name = f"{type(value).__module__}.{type(value).__name__}"
    if name in _NAMED:
        return ["o", name, encode(list(_NAMED[name](value)), keep, depth + 1)]
    if not isinstance(value, type) and callable(getattr(value, "tolist", None)):
        return encode(value.tolist(), keep, depth + 1)  # Arrays and numbers of numerical packages.
    return keep(value)


def decode(message: Json, find: Find) -> Any:
    """The value of `encode`'s JSON; `find` resolves references."""
    if not isinstance(message, list):
        return message
    tag, *rest = message
    if tag in _BUILD:
        return _BUILD[tag](*rest)
    if tag in _COLLECT:
        return _COLLECT[tag](decode(one, find) for one in rest[0])
    if tag == "d":
        return {decode(key, find): decode(one, find) for key, one in rest[0]}
    if tag == "o" and rest[0] in _NAMED:
        module, _, name = rest[0].rpartition(".")
        return getattr(importlib.import_module(module), name)(*decode(rest[1], find))
    return find(tag, rest[0])


_SCALARS: tuple[tuple[type, Callable[[Any], Json]], ...] = (
    (bool, bool),
    (int, lambda value: int(value) if abs(value) < 2**53 else ["i", hex(value)]),
    (float, lambda value: float(value) if value - value == 0 else ["f", repr(float(value))]),
    (str, lambda value: str.__str__(value)),
    (bytes, lambda value: ["b", bytes(value).hex()]),
    (bytearray, lambda value: ["a", bytes(value).hex()]),
    (complex, lambda value: ["c", repr(value.real), repr(value.imag)]),
    (range, lambda value: ["r", value.start, value.stop, value.step]),
)
_COLLECTIONS: tuple[tuple[Any, str], ...] = ((list, "l"), (tuple, "t"), (set, "s"), (frozenset, "z"))
_NAMED: dict[str, Callable[[Any], Any]] = {
    "decimal.Decimal": lambda value: [str(value)],
    "fractions.Fraction": lambda value: [value.numerator, value.denominator],
    "datetime.date": lambda value: value.timetuple()[:3],
    "datetime.datetime": lambda value: [*value.timetuple()[:6], value.microsecond],
    "datetime.timedelta": lambda value: [value.days, value.seconds, value.microseconds],
    "collections.deque": lambda value: [list(value)],
}
_BUILD: dict[str, Callable[..., Any]] = {
    "i": lambda digits: int(digits, 16),
    "f": float,
    "b": bytes.fromhex,
    "a": bytearray.fromhex,
    "c": lambda real, imaginary: complex(float(real), float(imaginary)),
    "r": range,
}
_COLLECT: dict[str, Callable[[Any], Any]] = {"l": list, "t": tuple, "s": set, "z": frozenset}


class Channel:
    """Messages over a socket: four bytes of length, then JSON."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: Json) -> None:
        content = json.dumps(message).encode()
        self._end.sendall(struct.pack("!I", len(content)) + content)

    def receive(self) -> Json:
        """The next message.

        Raises:
            EndedError: The other side is gone, or its message is too long.
        """
        (length,) = struct.unpack("!I", self._exactly(4))
        if length > LONGEST_MESSAGE:
            raise EndedError("the solution returned more than 64 MB")
        return json.loads(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        parts = []
        while count:
            part = self._end.recv(min(count, 1 << 20))
            if not part:
                raise EndedError("the solution ended its process")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)
