"""Options of a world: a frozen dataclass made from plain data, strictly."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields
from typing import Any, TypeVar

from honing.errors import UsageError

T = TypeVar("T")

_KINDS = {int: "a whole number", str: "a text", bool: "true or false", dict: "a mapping"}


def options_from(kind: type[T], options: Mapping[str, Any], *, world: str) -> T:
    """A world's options, those left out at their defaults.

    Args:
        kind: Frozen dataclass whose fields are numbers, texts, flags, tuples of texts, or mappings.
        options: As in a study file; lists stand for tuples.
        world: What errors call it.

    Raises:
        UsageError: An option is unknown, missing, or of another type.
    """
    # `fields` wants an instance or class of a dataclass, which a type variable cannot say.
    known: dict[str, Field[Any]] = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"{world} has no option {name!r}; it has {', '.join(known)}.{hint}")
    missing = [name for name, field in known.items() if _default(field) is MISSING and name not in options]
    if missing:
        raise UsageError(f"{world} needs the option {missing[0]!r}.")
    return kind(**{name: _value(known[name], value, world) for name, value in options.items()})


def as_plain(options: Any) -> dict[str, Any]:
    """Options as JSON, for a world's identity."""
    return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(options).items()}


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _value(field: Field[Any], value: Any, world: str) -> Any:
    default = _default(field)
    # What has no default is a text.
    default = "" if default is MISSING else default
    if isinstance(default, tuple):
        fits = isinstance(value, list | tuple) and all(isinstance(part, str) for part in value)
        wanted = "a list of texts"
        value = tuple(value) if fits else value
    elif isinstance(default, float):
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        wanted = "a number"
    else:
        fits = type(value) is type(default)
        wanted = _KINDS[type(default)]
    if not fits:
        raise UsageError(f"{world}: the option {field.name!r} must be {wanted}, got {value!r}.")
    if isinstance(default, int | float) and not isinstance(default, bool) and value < 0:
        raise UsageError(f"{world}: the option {field.name!r} must not be negative, got {value!r}.")
    return value
