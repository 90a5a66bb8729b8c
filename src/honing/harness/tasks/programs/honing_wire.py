"""What the two sides of a hidden test say to one another: frames of JSON, values by content.

This file runs in two sandboxes, under any Python since 3.8, and imports nothing but the standard library.
One side asks and is trusted; the other holds the candidate's code and may answer anything. So nothing here
ever builds more than plain values: no pickle, no classes by name.
"""

from __future__ import annotations

import datetime
import decimal
import fractions
import json
import math
import pathlib
import socket
import struct
from typing import Any, Callable  # noqa: UP035 - it runs under the candidate's own interpreter

LARGEST_FRAME = 32 * 1024 * 1024
"""Bytes of one message."""
FORGED = 99
"""Exit code of a program that found a file where it was to write its results."""
DEEPEST = 60
"""Values in values."""
_LONG_INT = 2**63
_TEXTUAL: dict[str, Any] = {
    "D": (decimal.Decimal, str, decimal.Decimal),
    "F": (fractions.Fraction, str, fractions.Fraction),
    "dt": (datetime.datetime, datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    "da": (datetime.date, datetime.date.isoformat, datetime.date.fromisoformat),
    "ti": (datetime.time, datetime.time.isoformat, datetime.time.fromisoformat),
    "P": (type(pathlib.PurePath()), str, pathlib.PurePath),
    "Q": (type(pathlib.Path()), str, pathlib.Path),
}
"""Types of the standard library that are carried as their text: tag, type, out, in."""
_SEQUENCES: dict[str, Any] = {"l": list, "t": tuple, "s": set, "z": frozenset}


class WireError(Exception):
    """The other side ended, or what it said is no message."""


def write_results(folder: pathlib.Path, document: Any) -> None:
    """Write what a judging program found, once, at its end.

    Raises:
        SystemExit: Something stands there already; the exit code says so.
    """
    try:
        with (folder / "results.json").open("x", encoding="utf-8") as file:
            json.dump(document, file, allow_nan=False)
    except FileExistsError:
        raise SystemExit(FORGED) from None


def send(connection: socket.socket, message: Any) -> None:
    """Send one message."""
    frame = json.dumps(message, separators=(",", ":")).encode("ascii")
    if len(frame) > LARGEST_FRAME:
        raise WireError(f"a value of {len(frame)} bytes is too large to be carried")
    try:
        connection.sendall(struct.pack(">I", len(frame)) + frame)
    except OSError as error:
        raise WireError("the other side has ended") from error


def receive(connection: socket.socket, before: Callable[[], None] = lambda: None) -> Any:
    """The next message.

    Args:
        connection: Where it comes from.
        before: Called before each wait; sets the time limit of the connection.
    """
    size = struct.unpack(">I", _exactly(connection, 4, before))[0]
    if size > LARGEST_FRAME:
        raise WireError(f"a message of {size} bytes was announced")
    try:
        return json.loads(_exactly(connection, size, before).decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise WireError("what came is no message") from error


def _exactly(connection: socket.socket, size: int, before: Callable[[], None]) -> bytes:
    got = bytearray()
    while len(got) < size:
        before()
        try:
            chunk = connection.recv(min(size - len(got), 1 << 20))
        except OSError as error:
            raise WireError("no answer came in time") from error
        if not chunk:
            raise WireError("the other side has ended")
        got += chunk
    return bytes(got)


def encode(value: Any, other: Callable[[Any], Any], depth: int = 0) -> Any:
    """A value as JSON; `other` is asked for what is not carried by content.

    Only exact types are carried: a subclass may have an equality of its own.
    """
    if depth > DEEPEST:
        raise WireError("values are nested too deeply to be carried")
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        return value if -_LONG_INT < value < _LONG_INT else {"k": "i", "v": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"k": "f", "v": repr(value)}
    if kind in (bytes, bytearray):
        return {"k": "b" if kind is bytes else "B", "v": value.hex()}
    if kind is complex:
        return {"k": "c", "v": [repr(value.real), repr(value.imag)]}
    return _composed(value, kind, other, depth)


def _composed(value: Any, kind: type, other: Callable[[Any], Any], depth: int) -> Any:
    for tag, sequence in _SEQUENCES.items():
        if kind is sequence:
            return {"k": tag, "v": [encode(one, other, depth + 1) for one in value]}
    if kind is dict:
        pairs = [[encode(key, other, depth + 1), encode(one, other, depth + 1)] for key, one in value.items()]
        return {"k": "d", "v": pairs}
    if kind is datetime.timedelta:
        return {"k": "td", "v": [value.days, value.seconds, value.microseconds]}
    for tag, (known, write, _) in _TEXTUAL.items():
        if kind is known:
            return {"k": tag, "v": write(value)}
    return other(value)


def decode(value: Any, other: Callable[[Any], Any], depth: int = 0) -> Any:
    """The value of JSON that `encode` made; `other` is asked for objects of a kind that is not known here."""
    if depth > DEEPEST:
        raise WireError("values are nested too deeply")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if not isinstance(value, dict):
        raise WireError("what came is no value")
    try:
        return _decoded(value, other, depth)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise WireError(f"what came is no value ({type(error).__name__})") from error


def _decoded(value: Any, other: Callable[[Any], Any], depth: int) -> Any:
    kind, held = value["k"], value.get("v")
    if kind in _SEQUENCES:
        return _SEQUENCES[kind](decode(one, other, depth + 1) for one in held)
    if kind == "d":
        return {decode(key, other, depth + 1): decode(one, other, depth + 1) for key, one in held}
    if kind in _TEXTUAL:
        return _TEXTUAL[kind][2](held)
    simple: dict[str, Callable[[], Any]] = {
        "i": lambda: int(held, 16),
        "f": lambda: float(held),
        "b": lambda: bytes.fromhex(held),
        "B": lambda: bytearray.fromhex(held),
        "c": lambda: complex(float(held[0]), float(held[1])),
        "td": lambda: datetime.timedelta(held[0], held[1], held[2]),
    }
    return simple[kind]() if kind in simple else other(value)


def plain_content(value: Any) -> Any:
    """What an instance of a subclass of a plain type holds, as that type; `WireError` where it is none.

    Read through the plain type's own methods, so that nothing the subclass overrides takes part.
    """
    for base, read in _PLAIN_READERS:
        if isinstance(value, base):
            return read(value)
    raise WireError("not plain")


_PLAIN_READERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (int, lambda value: int.__add__(value, 0)),
    (float, lambda value: float.__add__(value, 0.0)),
    (str, lambda value: str.__add__("", value)),
    (bytes, lambda value: bytes.__add__(b"", value)),
    (tuple, lambda value: tuple(tuple.__iter__(value))),
    (list, lambda value: list(list.__iter__(value))),
    (dict, lambda value: {key: dict.__getitem__(value, key) for key in dict.__iter__(value)}),
    (set, lambda value: set(set.__iter__(value))),
    (frozenset, lambda value: frozenset(frozenset.__iter__(value))),
)
