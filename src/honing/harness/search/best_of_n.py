"""Always from the baseline: independent proposals, of which the best is taken. The control arm."""

from __future__ import annotations

import random
from collections.abc import Sequence

from honing.harness.candidate import Candidate, Outcome
from honing.harness.search.base import Choice, View
from honing.harness.search.ranking import leader


class BestOfN:
    """Starts every proposal from the baseline."""

    name = "best_of_n"
    from_discarded = False

    def choose(self, view: View, rng: random.Random) -> Choice:
        baseline = next(each for each in view.candidates if each.outcome is Outcome.BASELINE)
        return Choice(parents=(baseline.id,), note="independent proposal from the baseline")

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        return leader(candidates)
