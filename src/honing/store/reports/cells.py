"""Values of a report's tables and facts: what one cell may hold and how it is to be written."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from honing.errors import StoreError


class Tone(StrEnum):
    """What a badge or a passage says beside its words."""

    NEUTRAL = "neutral"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    INFO = "info"


class CellKind(StrEnum):
    """How a value is written."""

    TEXT = "text"
    CODE = "code"
    """Text in a fixed-width face: commands, hashes, paths."""
    NUMBER = "number"
    INTERVAL = "interval"
    """An `Interval` of plain numbers, shown as text and as a small bar."""
    PERCENT = "percent"
    """A fraction (0.5 is 50%), alone or as an `Interval`."""
    MONEY = "money"
    """US dollars."""
    DURATION = "duration"
    """Seconds."""
    BYTES = "bytes"
    BADGE = "badge"


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its uncertainty. `value` is None where only the bounds are known."""

    value: float | None
    low: float
    high: float
    level: float = 0.95
    """Nominal coverage."""

    def __post_init__(self) -> None:
        check_finite("Interval", (self.value, self.low, self.high, self.level))
        if self.low > self.high:
            raise StoreError(f"Interval: low ({self.low!r}) must not exceed high ({self.high!r}).")


@dataclass(frozen=True, slots=True)
class Badge:
    """A short word with a tone."""

    text: str
    tone: Tone = Tone.NEUTRAL


Cell = str | int | float | bool | None | Interval | Badge
"""What a table cell, a fact or a sample's further column may hold. None is shown as a dash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table or of the sample browser."""

    key: str
    """Name in data; what a sample's `extra` is looked up by."""
    title: str
    kind: CellKind = CellKind.TEXT
    digits: int | None = None
    """Digits after the point; None chooses by kind."""
    low: float | None = None
    """Left end of the bars of an interval column; None takes the smallest bound in the column."""
    high: float | None = None
    note: str = ""
    """One sentence shown with the title."""
    filter: bool = False
    """In the sample browser: offer this column's values as a filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and its value."""

    label: str
    value: Cell
    kind: CellKind = CellKind.TEXT
    digits: int | None = None
    note: str = ""


def is_finite(value: float) -> bool:
    """Whether a number is neither NaN nor infinite, nor a whole number too large for floating point."""
    return abs(value) <= sys.float_info.max


def check_finite(where: str, values: Iterable[float | None]) -> None:
    """Refuse NaN and infinity: neither can be drawn, and JSON has no word for them."""
    for value in values:
        if value is not None and not is_finite(value):
            raise StoreError(
                f"{where}: expected finite numbers, got {value!r}. Use None where there is no value."
            )
