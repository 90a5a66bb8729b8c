"""What a shape is: a kind of task that a table can hold, how it is recognised and how its rows are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from honing.contract.data.shapes.columns import Columns
from honing.contract.data.tables import TableRow


class TaskKind(StrEnum):
    """What a row asks for. Exactly one holds."""

    CODE_TESTS = "code_tests"
    """Python code that tests decide about."""
    MULTIPLE_CHOICE = "multiple_choice"
    """One of a few given choices."""
    QUESTION_ANSWER = "question_answer"
    """A number or a short text."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of a derivation, with what speaks for it."""

    what: str
    """What was decided: "input", "target", "gold", "split", ..."""
    anchor: str
    """Where it was seen: file:line/column."""
    why: str
    """One sentence."""
    confidence: float = 0.95
    """By name and values 0.95, by values alone 0.75, by name or elimination alone 0.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A table recognised as a task."""

    kind: TaskKind
    fields: Mapping[str, str | tuple[str, ...]]
    """Column names by role."""
    reading: Mapping[str, Any]
    """How the gold is read from the target: plain values, `form` first."""
    scorer: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """The scorer's parameters."""
    template: str
    """The prompt, see `prompts`."""
    chance: float
    """What guessing reaches."""
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a table is not of a shape."""

    shape: TaskKind
    reason: str
    nearness: int
    """Roles that were found: the nearest miss is the one worth telling."""
    closes: str
    """What would make it one."""
    final: bool = False
    """Whether the table surely is of this shape but for a part, so that no other reading of it would be
    true.
    """


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands in its table, for what depends on it."""

    index: int
    """From 0."""
    seed: int


class UnreadableRowError(ValueError):
    """A row lacks what its shape needs, so it cannot be judged."""


Readable = tuple[dict[str, Any], tuple[str, ...]]
"""A row's inputs by role, and its golds, the main one first."""


class Shape(Protocol):
    """One kind of task."""

    @property
    def kind(self) -> TaskKind: ...

    def find(self, columns: Columns) -> Found | Missing: ...

    def read(self, found: Found, row: TableRow, place: Place) -> Readable:
        """Inputs and golds of one row.

        Raises:
            UnreadableRowError: The row cannot be judged; the text says why.
        """
        ...


def column_anchor(columns: Columns, name: str) -> str:
    """Where a column is first seen."""
    first = columns.rows[0]
    return f"{first.anchor}/{name}"


def text_of(row: TableRow, column: str) -> str:
    """A cell as text.

    Raises:
        UnreadableRowError: It is missing or no plain value.
    """
    value = row.values.get(column)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not str(value).strip():
        raise UnreadableRowError(f"{row.anchor}/{column}: expected a text, got {type(value).__name__}")
    return str(value)
