"""What all tasks have: an id, a weight, a place in the cascade; and the words for how a command ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import Field

from honing.documents import Record
from honing.harness.tasks.base import Cascade, TaskScore, TaskStatus
from honing.sandbox import Ending, Finished, Limits, sanitise

LOG_CHARACTERS = 2_000
"""Of what a candidate's command printed, from its end."""

Word = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)]


class Basics(Record):
    """Keys that every task may have."""

    id: Word
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Share in the score."""
    cascade: Cascade | None = None
    """When it is run; the usual step of its type where absent."""
    shares: str = ""
    """Tasks that name the same word run in one copy, one after the other."""
    deterministic: bool | None = None
    """Whether the same harness always gets the same score; the usual answer of its type where absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The part of every task that says where it stands; see `Task`."""

    id: str
    weight: float = 1.0
    cascade: Cascade = Cascade.FULL
    shares: str = ""
    deterministic: bool = True


def basics_of(spec: Basics, cascade: Cascade, *, deterministic: bool = True) -> dict[str, Any]:
    """The arguments of `Common`, with the usual ones of a type where the spec is silent."""
    return {
        "id": spec.id,
        "weight": spec.weight,
        "cascade": spec.cascade or cascade,
        "shares": spec.shares,
        "deterministic": deterministic if spec.deterministic is None else spec.deterministic,
    }


def within(timeout_s: float | None) -> Limits | None:
    """Limits with this time; None, the place's own, where none is named."""
    return None if timeout_s is None else Limits(wall_s=timeout_s)


def log_of(*endings: Finished) -> str:
    """The end of what commands printed, for the proposer."""
    printed = "\n".join(
        text for one in endings for text in (one.stdout.rstrip(), one.stderr.rstrip()) if text
    )
    return printed[-LOG_CHARACTERS:]


def scored(score: float, reason: str = "", **more: Any) -> TaskScore:
    """A score with why it is not 1."""
    return TaskScore(status=TaskStatus.SCORED, score=score, reason=reason, **more)


def tampered(reason: str, **more: Any) -> TaskScore:
    return TaskScore(status=TaskStatus.TAMPERED, reason=reason, **more)


def cut_short(finished: Finished, what: str) -> TaskScore | None:
    """The score of something that did not end by itself; None where it did.

    Args:
        finished: How it ended.
        what: What it was, as the start of a sentence.
    """
    if finished.ending in (Ending.EXITED, Ending.SIGNALLED):
        return None
    log, where = log_of(finished), finished.sandbox
    if finished.ending is Ending.TIMEOUT:
        limit = f"{what} did not end within {finished.duration_s:.0f} s; its whole process tree was killed"
        return TaskScore(status=TaskStatus.TIMEOUT, score=0.0, reason=limit, log=log, sandbox=where)
    return scored(
        0.0, f"{what} was ended: {finished.detail or finished.ending.value}", log=log, sandbox=where
    )


def unexpected(finished: Finished, what: str) -> TaskScore | None:
    """Why something that must end with 0 scores nothing; None where it ended with 0."""
    cut = cut_short(finished, what)
    if cut is not None or finished.ok:
        return cut
    reason = f"{what} {how_it_ended(finished)}, expected 0"
    return scored(0.0, reason, log=log_of(finished), sandbox=finished.sandbox)


def how_it_ended(finished: Finished) -> str:
    """The ending of a command that ended by itself, in words."""
    if finished.ending is Ending.SIGNALLED:
        return f"was ended by signal {-(finished.exit_code or 0)}"
    return f"ended with {finished.exit_code}"


def plain(text: str, limit: int = 300) -> str:
    """Text of a candidate's or a grader's, safe to show in one line."""
    line = " ".join(sanitise(text).split())
    return line if len(line) <= limit else line[: limit - 6] + " [...]"


_Some = TypeVar("_Some")


def share(held: dict[_Some, bool]) -> float:
    """How many of them hold, from 0 to 1."""
    return sum(held.values()) / len(held)
