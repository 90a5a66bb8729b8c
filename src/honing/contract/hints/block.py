"""A block: consecutive lines of a file that may hold shell text, with the words around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file."""

    number: int
    """Counted from 1."""
    text: str
    """Without its line end, and without the indentation of the list or directive it stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines that may be shell text."""

    file: str
    """Path below the target."""
    source: str
    """Kind of file, as in `Hint.source`."""
    lines: tuple[Line, ...]
    language: str = ""
    """What the file says the text is (`bash`, `python`, empty)."""
    headings: tuple[str, ...] = ()
    """Headings above it, from the page's title to the nearest one."""
    before: str = ""
    """The paragraph above it; for a CI step its name."""
    inline: bool = False
    """Whether it stands within a sentence."""
    certain: bool = False
    """Whether it is shell text by the format of its file (a CI step's `run`); a shell of its own runs it."""
    behind: str = ""
    """Shell text that the command stands for: a recipe, a task. It says what the command is for."""
    workdir: str = ""
    """Folder that the format of the file names; empty where it names none."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Variables that the format of the file sets."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values that the format of the file lists for a placeholder by its name (a CI matrix)."""


def numbered(text: str, first: int) -> tuple[Line, ...]:
    """The lines of a text whose first line has the number `first` in its file."""
    return tuple(Line(first + index, line) for index, line in enumerate(text.split("\n")))
