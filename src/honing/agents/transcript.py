"""What a command-line agent printed, read as far as it can be: its events, its last words, its complaints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from honing.agents.base import AgentEvent

MOST_EVENTS = 200
_TEXT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """One run as its program told it."""

    events: tuple[AgentEvent, ...] = ()
    message: str = ""
    complaint: str = ""
    """Why the program says it could not go on; empty where it says nothing of the kind."""
    denied: tuple[str, ...] = ()
    """Tools that it was not permitted to use."""
    used_tools: int = 0


def json_lines(printed: str) -> Iterator[Mapping[str, Any]]:
    """The JSON objects among the lines; whatever else was printed is passed over."""
    # Not splitlines: a JSON text may hold the line separators of Unicode as they are.
    for line in printed.split("\n"):
        if not line.startswith("{"):
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            yield found


def short(text: object) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(str(text).split())
    return line if len(line) <= _TEXT else line[: _TEXT - 3] + "..."


def sequence(value: object) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one: events come from a program that we do not own."""
    return value if isinstance(value, dict) else {}
