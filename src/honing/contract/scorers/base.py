"""What a scorer is: it judges one completion against one row, and says why.

A scorer never guesses about the row: a gold that cannot be read makes the row `invalid`, whatever the
completion says, so that two unreadable texts never count as equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a data set, its columns read by their roles."""

    id: str
    """The declared id where it is unique, otherwise a hash of the content and its occurrence."""
    inputs: Mapping[str, Any]
    """What a prompt may show, by role: `input`, `context`, `choices`, `entry_point`, `tests`, ..."""
    golds: tuple[str, ...]
    """Acceptable answers, the main one first; empty where the row has none that can be read."""
    anchor: str
    """Where the row stands: file:line, or file:row for formats without lines."""

    @property
    def gold(self) -> str:
        """The main acceptable answer; empty where there is none."""
        return self.golds[0] if self.golds else ""


class ScoreStatus(StrEnum):
    """How judging one completion ended. Exactly one holds."""

    SCORED = "scored"
    """The completion was judged."""
    INVALID = "invalid"
    """The row cannot be judged (an unreadable gold, tests that test nothing), whatever the completion."""
    INFRA_ERROR = "infra_error"
    """Ours: the sandbox or a package that the tests need. Never a property of the completion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreDetail:
    """The judgement of one completion."""

    reward: float | None
    """In [0, 1]; None unless the status is SCORED, so that a failure of ours cannot be averaged."""
    extracted: str | None
    """What was taken for the answer; None where none was found."""
    expected: str
    """The gold as the scorer reads it."""
    why: str
    """One sentence."""
    status: ScoreStatus = ScoreStatus.SCORED
    scores: Mapping[str, float] = field(default_factory=dict)
    """Further figures beside the reward."""


class Scorer(Protocol):
    """Judges completions. Safe to call from several threads at once; no completion makes it raise."""

    @property
    def name(self) -> str: ...

    def score(self, row: Row, completion: str) -> ScoreDetail: ...

    def values(self, row: Row) -> frozenset[str]:
        """The row's golds in a canonical form: two rows that share none have answers that differ in value."""
        ...


def right(expected: str, extracted: str, why: str, **scores: float) -> ScoreDetail:
    """A completion that is right."""
    return ScoreDetail(reward=1.0, extracted=extracted, expected=expected, why=why, scores=scores)


def wrong(expected: str, extracted: str | None, why: str, **scores: float) -> ScoreDetail:
    """A completion that is wrong."""
    return ScoreDetail(reward=0.0, extracted=extracted, expected=expected, why=why, scores=scores)


def invalid(expected: str, why: str) -> ScoreDetail:
    """A row that no completion could get right."""
    return ScoreDetail(reward=None, extracted=None, expected=expected, why=why, status=ScoreStatus.INVALID)


def infra_error(expected: str, why: str) -> ScoreDetail:
    """A failure of ours."""
    return ScoreDetail(
        reward=None, extracted=None, expected=expected, why=why, status=ScoreStatus.INFRA_ERROR
    )
