"""A mapping read from a file whose every part knows its line, asked for part by part."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from honing.documents.lines import Lines, Where, json_lines
from honing.documents.strict_json import parse_json
from honing.documents.yaml_text import parse_yaml
from honing.errors import HoningError

LARGEST_BYTES = 1024 * 1024
"""Largest document that is read."""


@dataclass(frozen=True, slots=True)
class Document:
    """A mapping read from a YAML or JSON file."""

    file: str
    """What errors and anchors call it."""
    value: dict[str, Any]
    lines: Lines
    error: type[HoningError]
    """What is raised where a part is wrong."""

    def anchor(self, *where: str | int) -> str:
        """file:line of a part, or of the deepest part on the way to it that exists."""
        return f"{self.file}:{self.lines.line_of(where)}"

    def check_keys(self, where: Where, known: Iterable[str]) -> None:
        """Refuse keys that are not known in a mapping of the document.

        Raises:
            HoningError: One is unknown, or the part is no mapping; the text names line and nearest key.
        """
        names = sorted(known)
        for key in self.mapping(where):
            if key not in names:
                raise self.error(self.unknown(where, key, names))

    def unknown(self, where: Where, key: str, known: Iterable[str]) -> str:
        """The sentence about a key that is not known: its line, and the nearest key."""
        near = get_close_matches(str(key), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
        name = ".".join(map(str, (*where, key)))
        return f"{self.anchor(*where, key)}: unknown key {name!r}; {hint}"

    def at(self, where: Where) -> Any:
        """The value of a part; None where it does not exist."""
        value: Any = self.value
        for part in where:
            inside = part in value if isinstance(value, dict) else _is_position(part, value)
            if not inside:
                return None
            value = value[part]
        return value

    def mapping(self, where: Where) -> dict[str, Any]:
        """A part that must be a mapping; empty where it does not exist."""
        value = self.at(where)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self.wrong(where, "a mapping")
        return value

    def text(self, where: Where, default: str = "") -> str:
        """A part that must be a text."""
        value = self.at(where)
        if value is None:
            return default
        if not isinstance(value, str):
            raise self.wrong(where, "a text")
        return value

    def number(self, where: Where) -> float | None:
        """A part that must be a number above 0; None where it does not exist."""
        value = self.at(where)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise self.wrong(where, "a number above 0")
        return float(value)

    def count(self, where: Where) -> int:
        """A part that must be a whole number of 0 or more; 0 where it does not exist."""
        value = self.at(where)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.wrong(where, "a whole number of 0 or more")
        return value

    def variables(self, where: Where) -> dict[str, str]:
        """A part that must map names to plain values; empty where it does not exist."""
        found = self.mapping(where)
        for name, value in found.items():
            if isinstance(value, dict | list) or value is None:
                raise self.wrong((*where, name), "a text or a number")
        return {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in found.items()
        }

    def texts(self, where: Where) -> list[str]:
        """A part that must be a text or a list of texts; empty where it does not exist."""
        value = self.at(where)
        values = [] if value is None else [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self.wrong(where, "a text or a list of texts")
        return values

    def wrong(self, where: Where, expected: str) -> HoningError:
        """The error of a part that has the wrong kind."""
        shown = repr(self.at(where))
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        return self.error(
            f"{self.anchor(*where)}: {'.'.join(map(str, where))} must be {expected}, got {shown}."
        )


def read_bytes(path: Path, *, source: str, error: type[HoningError], what: str = "a document") -> bytes:
    """The content of a file that a user wrote.

    Args:
        path: The file.
        source: What errors call it.
        error: What is raised where something is wrong.
        what: What it is, for errors ("a contract").

    Raises:
        HoningError: Of that kind: it cannot be read, or is larger than `LARGEST_BYTES`.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise error(f"{source}: cannot be read (it is no plain file).")
        with path.open("rb") as stream:
            content = stream.read(LARGEST_BYTES + 1)
    except OSError as found:
        raise error(f"{source}: cannot be read ({found.strerror}).") from None
    if len(content) > LARGEST_BYTES:
        raise error(f"{source}: {status.st_size} bytes; {what} has at most {LARGEST_BYTES}.")
    return content


def parse_located(
    content: bytes, *, source: str, error: type[HoningError], foreign: bool = False, what: str = "YAML"
) -> tuple[Any, Lines]:
    """The value of a YAML document (JSON where `source` ends in `.json`), and where its parts stand.

    Args:
        content: The document.
        source: What errors call it.
        error: What is raised where something is wrong.
        foreign: Whether a YAML document is another tool's; see `parse_yaml`.
        what: What the document should have been, for errors.

    Raises:
        HoningError: Of that kind; the text names the line.
    """
    if not source.endswith(".json"):
        return parse_yaml(content, source=source, error=error, foreign=foreign, what=what)
    try:
        text = content.decode("utf-8-sig")
        json.loads(text)
        lines = json_lines(text, source=source, error=error)
    except UnicodeDecodeError as found:
        raise error(f"{source}: not UTF-8 at byte {found.start}.") from None
    except json.JSONDecodeError as found:
        raise error(f"{source}:{found.lineno}: not JSON: {found.msg}.") from None
    except (RecursionError, ValueError):
        raise error(f"{source}: nested too deeply, or with a number too long, to be {what}.") from None
    return parse_json(text.encode(), source=source, error=error), lines


def _is_position(part: str | int, value: Any) -> bool:
    return isinstance(value, list) and isinstance(part, int) and part < len(value)
