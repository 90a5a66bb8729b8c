"""How a run stands, for people who watch it."""

from __future__ import annotations

from collections.abc import Callable

from honing.executors import Tally
from honing.harness.candidate import Arm, Candidate, Outcome
from honing.harness.loop.intervals import score_interval
from honing.harness.loop.slots import Board
from honing.harness.request import Live
from honing.harness.search.base import Search

_SENTENCE_CHARACTERS = 160


def begin(live: Live, board: Board, search: Search, spend: Callable[[], str], *, level: float) -> None:
    """What is known before the first candidate of this session."""
    live.spend = spend
    live.best = _best(search.best(board.arm(Arm.SEARCH)), level=level)


def heard(live: Live, board: Board, search: Search, candidate: Candidate, *, level: float) -> None:
    """A candidate ended."""
    live.last = f"{candidate.id} {candidate.outcome.value}"
    if candidate.outcome is Outcome.KEEP and candidate.arm is Arm.SEARCH:
        live.best = _best(search.best(board.arm(Arm.SEARCH)), level=level)


def line_of(candidate: Candidate) -> str:
    """A candidate in one line."""
    score = "" if candidate.score is None else f" {candidate.score:.3f}"
    sentence = " ".join(candidate.sentence.split())
    if len(sentence) > _SENTENCE_CHARACTERS:
        sentence = f"{sentence[:_SENTENCE_CHARACTERS]}..."
    return f"{candidate.id} {candidate.outcome.value}{score}: {sentence}"


def words(live: Live) -> Callable[[Tally], str]:
    """What is said beside a bar, or in a line: counts, the best so far, what is spent, the last outcome."""

    def said(tally: Tally) -> str:
        parts = [f"{tally.ended}/{tally.total}", live.best, live.spend()]
        parts.append(f"last: {live.last}" if live.last else "")
        return ", ".join(part for part in parts if part)

    return said


def _best(candidate: Candidate, *, level: float) -> str:
    found = candidate.evaluation
    reach = None if found is None else score_interval(found, level=level)
    score = "" if candidate.score is None else f" {candidate.score:.3f}"
    return f"best{score if reach is None else f' {reach}'} ({candidate.id})"
