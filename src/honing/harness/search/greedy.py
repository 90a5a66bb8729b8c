"""Always from the best kept so far: the hill climber, and the default."""

from __future__ import annotations

import random
from collections.abc import Sequence

from honing.harness.candidate import Candidate
from honing.harness.search.base import Choice, View
from honing.harness.search.ranking import believed, leader


class Greedy:
    """Starts every proposal from the leader."""

    name = "greedy"
    from_discarded = False

    def choose(self, view: View, rng: random.Random) -> Choice:
        chosen = leader(view.candidates)
        return Choice(parents=(chosen.id,), note=f"best kept so far ({believed(chosen):.3f})")

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        return leader(candidates)
