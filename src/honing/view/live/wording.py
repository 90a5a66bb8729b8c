"""What leaves for the page: plain data whose every text is visible and bounded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from honing.view.text import bounded, visible

_CHARACTERS = 4000
_ENTRIES = 2000
_DEPTH = 12
_LARGEST = 2**53
"""Above, JavaScript no longer tells whole numbers apart."""


def shown(value: Any, *, characters: int = _CHARACTERS, depth: int = 0) -> Any:
    """The value with every text made visible and cut to about `characters`, numbers that JavaScript can hold,
    lists of bounded length."""
    if isinstance(value, str):
        return visible(bounded(value, characters))
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST else "a number too long to be shown"
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth == _DEPTH:
        return "..."
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_ENTRIES]
        return {
            shown(str(key), characters=characters): shown(entry, characters=characters, depth=depth + 1)
            for key, entry in pairs
        }
    return [shown(entry, characters=characters, depth=depth + 1) for entry in list(value)[:_ENTRIES]]


def flat(value: Any, *, prefix: str = "", most: int = 1000) -> dict[str, Any]:
    """Nested data under dotted names: `limits.tokens`, `models.0.name`. At most `most` of them."""
    found: dict[str, Any] = {}
    waiting = [(prefix, value)]
    while waiting and len(found) < most:
        name, entry = waiting.pop()
        inner: list[tuple[str, Any]] = []
        if isinstance(entry, Mapping):
            inner = [(str(key), member) for key, member in entry.items()]
        elif isinstance(entry, list):
            inner = [(str(at), member) for at, member in enumerate(entry)]
        if inner:
            waiting += [(f"{name}.{key}" if name else key, member) for key, member in reversed(inner)]
        elif name:
            found[name] = entry
    return found
