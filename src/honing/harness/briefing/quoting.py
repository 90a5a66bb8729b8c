"""Text of others in a brief: quoted, bounded, without anything that moves a cursor or hides."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from honing.sandbox import sanitise


def clean(text: str) -> str:
    """Text that can be written and shown, whatever it was."""
    return sanitise(text.encode("utf-8", "replace").decode("utf-8"))


def cleaned(document: Any) -> Any:
    """A document with every text in it clean, names included."""
    if isinstance(document, str):
        return clean(document)
    if isinstance(document, Mapping):
        return {clean(str(name)): cleaned(value) for name, value in document.items()}
    return [cleaned(one) for one in document] if isinstance(document, list | tuple) else document


def indented(text: str) -> str:
    """A block that nothing in the text can end: every line begins with four spaces."""
    return "\n".join(f"    {line}" for line in clean(text).splitlines())


def quoted(text: str, most: int) -> str:
    """One line in quotes, cut to a number of characters."""
    words = " ".join(clean(text).split())
    return json.dumps(words if len(words) <= most else f"{words[:most]} [...]", ensure_ascii=False)


def start_of(text: str, most: int, *, what: str) -> str:
    """The start of a long text, and a line that says how much is missing."""
    if len(text) <= most:
        return text
    return f"{text[:most]}\n[... {len(text) - most} more characters of {what} ...]\n"


def end_of(text: str, most: int) -> str:
    """The end of a long text, from the start of a line where there is one."""
    if len(text) <= most:
        return text
    tail = text[-most:]
    return f"[...]\n{tail.partition(chr(10))[2] or tail}"
