"""One row of the target as a task of a harness search.

All rows of a candidate are asked together, so that many calls are under way at once; each task then reads its
own row. So the search compares candidates row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from honing.errors import StoppedError, UsageError
from honing.experiments.improve.contracts.measuring import Answered, Answers
from honing.experiments.improve.contracts.prompt_folder import (
    LARGEST_BYTES,
    Names,
    PromptHarness,
    read_harness,
)
from honing.harness import Cascade, Place, TaskScore, TaskStatus

AskAll = Callable[[PromptHarness, int], Answers]
"""Asks every row of the search part under a harness and a seed."""
_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTask:
    """Judges a harness by what a model makes of one row."""

    row: str
    """Its id in the data."""
    digest: str
    """Of what it asks."""
    names: Names
    ask: AskAll = field(repr=False)
    words: Mapping[str, Any]
    """What else decides its score: the target's content, the model."""
    deterministic: bool
    weight: float = 1.0
    cascade: Cascade = Cascade.FULL
    shares: str = "rows"

    @property
    def id(self) -> str:
        return f"row-{self.digest[:8]}"

    def identity(self) -> Mapping[str, Any]:
        """See `Task.identity`."""
        return {"type": "row", "row": self.digest, "files": list(self.names.all()), **self.words}

    def judge(self, place: Place, seed: int) -> TaskScore:
        """See `Task.judge`."""
        if place.cancel is not None and place.cancel.is_set():
            raise StoppedError("asking the rows was asked to stop")
        try:
            harness = read_harness(lambda name: place.read_text(name, limit_bytes=LARGEST_BYTES), self.names)
        except UsageError as error:
            return TaskScore(status=TaskStatus.SCORED, score=0.0, reason=str(error)[:_SHOWN])
        found = next(row for row in self.ask(harness, seed).rows if row.id == self.row)
        if found.score is None:
            return TaskScore(
                status=TaskStatus.INFRA_ERROR, reason=f"row {self.row} cannot be judged: {found.why}"
            )
        return TaskScore(status=TaskStatus.SCORED, score=found.score, reason=_said(found))


def _said(found: Answered) -> str:
    """What was asked and answered, for the proposer: rows of the search part are no secret."""
    if found.score == 1:
        return ""
    return f"asked {_short(found.prompt)}, answered {_short(found.completion)}, expected {_short(found.gold)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]} [...]")
