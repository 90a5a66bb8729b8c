"""From the best of this attempt; after a while without a keep, afresh from the baseline."""

from __future__ import annotations

import random
from collections.abc import Sequence

from honing.harness.candidate import Candidate, Outcome
from honing.harness.search.base import Choice, View
from honing.harness.search.ranking import believed, leader


class Restarts:
    """A hill climber that gives up and starts again. What was best before stays in the running.

    Args:
        restart_after: Slots without a keep after which the next proposal starts from the baseline.
    """

    name = "restarts"
    from_discarded = False

    def __init__(self, *, restart_after: int = 10) -> None:
        self._restart_after = restart_after

    def choose(self, view: View, rng: random.Random) -> Choice:
        climb = self._climb(view.candidates)
        chosen = leader(climb)
        if len(climb) == 1:
            return Choice(parents=(chosen.id,), note="a fresh start from the baseline")
        return Choice(parents=(chosen.id,), note=f"best of this climb ({believed(chosen):.3f})")

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        return leader(candidates)

    def _climb(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The baseline and what was kept since the last fresh start.

        A child of an earlier climb that ends late belongs to none: it may still be the best in the end.
        """
        baseline = next(each for each in candidates if each.outcome is Outcome.BASELINE)
        climb, quiet = [baseline], 0
        for candidate in candidates:
            if candidate is baseline or candidate.outcome is Outcome.INFRA_ERROR:
                continue
            if candidate.in_lineage and any(candidate.parents[0] == each.id for each in climb):
                climb.append(candidate)
                quiet = 0
            else:
                quiet += 1
            if quiet >= self._restart_after:
                climb, quiet = [baseline], 0
        return climb
