"""A scorer that plays a function: the shipped fake, and the way to bring a scorer of one's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from honing.contract.scorers.base import Row, ScoreDetail, ScoreStatus, invalid


@dataclass(frozen=True, slots=True)
class ScriptedScorer:
    """Judges with a callable, and keeps its verdict honest: a reward outside [0, 1] is not a reward."""

    judge: Callable[[Row, str], float | ScoreDetail]
    """Returns a reward in [0, 1], or a whole `ScoreDetail`. What it raises is a row that cannot be judged."""
    name: str = "scripted"

    def score(self, row: Row, completion: str) -> ScoreDetail:
        try:
            verdict = self.judge(row, completion)
        except Exception as error:  # noqa: BLE001  (foreign code; its failure is a record)
            return invalid(row.gold, f"the scorer raised {type(error).__name__}: {error}")
        if isinstance(verdict, ScoreDetail):
            return verdict
        if isinstance(verdict, bool):
            verdict = float(verdict)
        if not isinstance(verdict, int | float) or not 0 <= verdict <= 1:
            return invalid(row.gold, f"the scorer returned {verdict!r}; expected a number in [0, 1]")
        return ScoreDetail(
            reward=float(verdict),
            extracted=completion,
            expected=row.gold,
            why="the scripted scorer's verdict",
            status=ScoreStatus.SCORED,
        )

    def values(self, row: Row) -> frozenset[str]:
        """See `Scorer.values`."""
        return frozenset(row.golds)
