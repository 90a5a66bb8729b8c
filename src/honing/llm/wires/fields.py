"""Typed reading of a stranger's JSON: every refusal names the field, what it held and what was expected."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Never

from honing.errors import ModelError

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object and where it stands, read field by field.

    A field that is null counts as absent. `failure` is the error to raise: a request's reader blames the
    caller, a reply's reader the server.
    """

    body: Mapping[str, Any]
    where: str
    """Path of this object in the whole body, "" for the body itself."""
    failure: type[ModelError]

    def path(self, name: str) -> str:
        """A field's path in the whole body."""
        return f"{self.where}.{name}" if self.where else name

    def refuse(self, name: str, expected: str) -> Never:
        """Raise for a field whose value cannot be used."""
        found = shown(self.body[name]) if name in self.body else "nothing"
        raise self.failure(f"{self.path(name)}: expected {expected}, found {found}")

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.body.get(name) is not None

    def text(self, name: str) -> str:
        """A required string."""
        value = self.body.get(name)
        return value if isinstance(value, str) else self.refuse(name, "a string")

    def text_or(self, name: str, default: str) -> str:
        """A string, or `default` where it is absent."""
        return self.text(name) if self.has(name) else default

    def flag(self, name: str) -> bool:
        """A boolean, False where it is absent."""
        value = self.body.get(name)
        if value is None:
            return False
        return value if isinstance(value, bool) else self.refuse(name, "true or false")

    def number(self, name: str) -> float | None:
        """A number, or None where it is absent."""
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, "a number")
        return value

    def count(self, name: str, *, least: int = 0, most: int = 10**12) -> int | None:
        """A whole number from `least` to `most`, or None where it is absent."""
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(name, f"a whole number from {least} to {most}")
        return value

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A required object."""
        value = self.body.get(name)
        return value if isinstance(value, Mapping) else self.refuse(name, "an object")

    def sequence(self, name: str) -> Sequence[Any]:
        """A list, empty where it is absent."""
        value = self.body.get(name)
        if value is None:
            return ()
        return value if isinstance(value, list | tuple) else self.refuse(name, "a list")

    def texts(self, name: str) -> tuple[str, ...] | None:
        """One string or a list of strings, as a tuple; None where it is absent."""
        value = self.body.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            return (value,)
        if not isinstance(value, list | tuple) or not all(isinstance(entry, str) for entry in value):
            self.refuse(name, "a string or a list of strings")
        return tuple(value)

    def within(self, name: str) -> Fields:
        """A required object, to be read further."""
        return Fields(self.mapping(name), self.path(name), self.failure)

    def within_or_empty(self, name: str) -> Fields:
        """An object to be read further, an empty one where it is absent."""
        return self.within(name) if self.has(name) else Fields({}, self.path(name), self.failure)

    def each(self, name: str) -> Iterator[Fields]:
        """The objects of a list, to be read further; none where it is absent."""
        for index, value in enumerate(self.sequence(name)):
            where = f"{self.path(name)}[{index}]"
            if not isinstance(value, Mapping):
                raise self.failure(f"{where}: expected an object, found {shown(value)}")
            yield Fields(value, where, self.failure)

    def beyond(self, known: Collection[str]) -> tuple[str, ...]:
        """Paths of the fields that say something and are not `known`, sorted. Zero and empty say nothing."""
        return tuple(
            sorted(self.path(name) for name, value in self.body.items() if value and name not in known)
        )


def shown(value: Any) -> str:
    """A value for an error text, bounded, its control characters escaped."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _no_constant(text: str) -> Never:
    raise ValueError(f"{text} is not JSON")


def strict_json(text: str | bytes) -> Any:
    """What a JSON text says. Infinity and NaN, which Python would accept, are refused.

    Raises:
        ValueError: The text is not JSON (or not UTF-8, or nested too deep to read).
    """
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise ValueError("it is nested too deep to read") from error


def compact_json(value: Any) -> str:
    """A value as JSON text without spaces, in ASCII, so that no character can break a line of a stream."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
