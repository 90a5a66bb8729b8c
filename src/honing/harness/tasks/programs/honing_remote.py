"""The other side of a hidden test: one connection for the length of one test, and the objects it holds.

Nothing of the candidate's runs in this process. What it answers is a plain value or a name for an object that
stays where it is.
"""

from __future__ import annotations

import builtins
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, ClassVar

import honing_wire as wire

_MOST_HOPS = 10_000
"""Calls back of one call."""
_NONE = object()
"""Stands for the plain content of what has none."""


class SubjectError(Exception):
    """The candidate's side ended, did not answer in time, or answered nonsense."""


class Connection:
    """The other side, for the length of one test."""

    current: ClassVar[Connection | None] = None

    def __init__(self, port: int, limit_s: float) -> None:
        """Connect.

        Args:
            port: Where the candidate's side is reached.
            limit_s: Until the end of the test.
        """
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.settimeout(limit_s)
        self._until = time.monotonic() + limit_s
        self._limit_s = limit_s
        self._callbacks: list[Callable[..., Any]] = []
        self._classes: dict[str, type[BaseException]] = {}

    def close(self) -> None:
        self._socket.close()

    def ask(self, op: str, **message: Any) -> Any:
        """One request and its answer.

        Raises:
            SubjectError: There is none.
        """
        try:
            wire.send(self._socket, {"op": op, **message})
            for _ in range(_MOST_HOPS):
                answer = wire.receive(self._socket, self._before)
                if not isinstance(answer, dict):
                    raise SubjectError("the candidate's side answered nonsense")
                if "callback" not in answer:
                    return self._result(answer)
                wire.send(self._socket, self._called_back(answer))
        except wire.WireError as error:
            raise SubjectError(str(error)) from None
        raise SubjectError("one call called back without end")

    def encode(self, value: Any) -> Any:
        return wire.encode(value, self._other)

    def decode(self, value: Any) -> Any:
        return wire.decode(value, self._given)

    def _before(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise SubjectError(f"the test did not end within {self._limit_s:.0f} s")
        self._socket.settimeout(left)

    def _result(self, answer: dict[str, Any]) -> Any:
        if printed := answer.get("printed"):
            sys.stdout.write(str(printed))
        if "error" in answer:
            raise self._exception(answer["error"])
        return answer

    def _exception(self, found: Any) -> BaseException:
        try:
            kind = self._class(found["lineage"])
            error = kind(*(self.decode(one) for one in found["args"]))
            if hasattr(kind, "lineage"):
                error.text = str(found["text"])  # type: ignore[attr-defined]
        except (KeyError, TypeError, IndexError, ValueError, AttributeError):
            return SubjectError("the candidate's side answered nonsense")
        return error

    def _class(self, lineage: Any) -> type[BaseException]:
        """A class of our own for each of the candidate's exceptions, below the built-in one it comes from."""
        module, name = (str(part) for part in lineage[0])
        known = getattr(builtins, name, None) if module == "builtins" else None
        if isinstance(known, type) and issubclass(known, BaseException):
            return known
        place = f"{module}.{name}"
        if place not in self._classes:
            rest = lineage[1:]
            base = self._class(rest) if rest else Exception
            own = {"lineage": lineage, "text": "", "__str__": lambda error: error.text}
            self._classes[place] = type(name, (base,), own)
        return self._classes[place]

    def _other(self, value: Any) -> Any:
        if type(value) is Remote:
            return {"k": "h", "id": value._id}
        if isinstance(value, type) and hasattr(value, "lineage"):
            return {"k": "x", "lineage": value.lineage}
        if isinstance(value, type) and issubclass(value, BaseException):
            return {"k": "x", "lineage": [["builtins", value.__name__]]}
        if callable(value):
            self._callbacks.append(value)
            return {"k": "cb", "id": len(self._callbacks) - 1}
        raise wire.WireError(f"a {type(value).__name__} cannot be given to the candidate")

    def _given(self, value: Any) -> Any:
        if value["k"] == "o":
            plain = self.decode(value["plain"]) if "plain" in value else _NONE
            return Remote(self, int(value["id"]), str(value["type"]), plain)
        if value["k"] == "x":
            return self._class(value["lineage"])
        if value["k"] == "no":
            return NotImplemented
        raise wire.WireError("an unknown kind of value")

    def _called_back(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            callback = self._callbacks[int(asked["callback"])]
            args = [self.decode(one) for one in asked["args"]]
            kwargs = {str(name): self.decode(one) for name, one in asked["kwargs"].items()}
        except (KeyError, IndexError, TypeError, ValueError):
            raise SubjectError("the candidate's side answered nonsense") from None
        try:
            return {"result": self.encode(callback(*args, **kwargs))}
        except Exception as error:  # noqa: BLE001 - the test's own callable; the candidate is told
            return {"raised": f"{type(error).__name__}: {error}"}


def connected() -> Connection:
    """The connection of the test that runs."""
    if Connection.current is None:
        raise SubjectError("the candidate can be reached only while a test runs")
    return Connection.current


class Remote:
    """An object of the candidate's. What it is asked is asked there; what it equals is decided here wherever
    its content is plain."""

    __slots__ = ("_connection", "_id", "_plain", "_type")

    def __init__(self, connection: Connection, number: int, kind: str, plain: Any) -> None:
        object.__setattr__(self, "_connection", connection)
        object.__setattr__(self, "_id", number)
        object.__setattr__(self, "_type", kind)
        object.__setattr__(self, "_plain", plain)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """What `isinstance` sees: a subclass of a plain type counts as that type."""
        return Remote if self._plain is _NONE else type(self._plain)

    def _ask(self, op: str, **message: Any) -> Any:
        connection: Connection = self._connection
        return connection.decode(connection.ask(op, of=self._id, **message).get("value"))

    def _method(self, name: str, *args: Any) -> Any:
        return self._ask("method", name=name, args=[self._connection.encode(one) for one in args])

    def __getattr__(self, name: str) -> Any:
        return self._ask("get", name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._ask("set", name=name, value=self._connection.encode(value))

    def __delattr__(self, name: str) -> None:
        self._ask("del", name=name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        connection: Connection = self._connection
        sent = [connection.encode(one) for one in args]
        named = {name: connection.encode(one) for name, one in kwargs.items()}
        answer = connection.ask("call", of=self._id, args=sent, kwargs=named)
        for at, after in answer.get("changed") or ():
            _write_back(args[int(at)], connection.decode(after))
        return connection.decode(answer.get("value"))

    def __eq__(self, other: object) -> Any:
        mine, theirs = self._plain, other._plain if type(other) is Remote else other
        if mine is not _NONE and theirs is not _NONE:
            return mine == theirs
        if type(other) is Remote:
            return self._id == other._id or self._method("__eq__", other) is True
        # An object that says it equals everything does not equal what a test expects.
        return NotImplemented

    def __ne__(self, other: object) -> Any:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __hash__(self) -> int:
        return hash(self._plain) if self._plain is not _NONE else hash(self._id)

    def __bool__(self) -> bool:
        if self._plain is not _NONE:
            return bool(self._plain)
        return bool(self._truth())

    def _truth(self) -> Any:
        for name in ("__bool__", "__len__"):
            try:
                return self._method(name)
            except TypeError:
                continue
        return True

    def __instancecheck__(self, instance: Any) -> bool:
        return self._ask("isinstance", value=self._connection.encode(instance)) is True

    def __iter__(self) -> Any:
        return self._method("__iter__")

    def __next__(self) -> Any:
        return self._method("__next__")

    def __len__(self) -> int:
        found = self._method("__len__")
        if type(found) is not int:
            raise SubjectError("a length is no whole number")
        return found

    def __contains__(self, value: Any) -> bool:
        return self._method("__contains__", value) is True

    def __repr__(self) -> str:
        return f"<{self._type} of the candidate>"

    def __str__(self) -> str:
        return str(self._method("__str__"))

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        return self._method("__exit__", None, None, None) is True


def _delegated(name: str) -> Callable[..., Any]:
    def method(self: Remote, *args: Any) -> Any:
        return self._method(name, *args)

    return method


_DELEGATED = (
    *("getitem", "setitem", "delitem", "enter", "lt", "le", "gt", "ge", "add", "radd", "sub", "rsub", "mul"),
    *(
        "rmul",
        "truediv",
        "rtruediv",
        "floordiv",
        "mod",
        "pow",
        "neg",
        "abs",
        "int",
        "float",
        "index",
        "round",
    ),
    *("reversed", "and", "or", "xor", "invert", "matmul", "format", "bytes"),
)
for _name in _DELEGATED:
    setattr(Remote, f"__{_name}__", _delegated(f"__{_name}__"))


def _write_back(given: Any, after: Any) -> None:
    """What a call did to a list, a mapping or a set that it was given."""
    if type(given) is list and type(after) is list:
        given[:] = after
    elif type(given) in (dict, set) and type(after) is type(given):
        given.clear()
        given.update(after)
