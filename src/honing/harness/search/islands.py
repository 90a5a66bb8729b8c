"""Several climbs side by side that now and then look at one another."""

from __future__ import annotations

import random
from collections.abc import Sequence

from honing.harness.candidate import Candidate
from honing.harness.search.base import Choice, View
from honing.harness.search.pairs import complement, merged_before, unrelated
from honing.harness.search.ranking import believed, leader, task_scores


class Islands:
    """Slot s belongs to island (s - 1) mod k, and each island climbs by itself from the baseline.

    Args:
        islands: How many, k.
        migrate_every: Every so many slots of an island it looks at its neighbour and goes on from the
            neighbour's best where that is ahead; 0: never.
        merge: Whether it joins the neighbour's best with its own instead, where each solves what the other
            does not.
    """

    name = "islands"
    from_discarded = False

    def __init__(self, *, islands: int = 3, migrate_every: int = 5, merge: bool = True) -> None:
        self._islands = islands
        self._migrate_every = migrate_every
        self._merge = merge

    def choose(self, view: View, rng: random.Random) -> Choice:
        turn, island = divmod(view.slot - 1, self._islands)
        own = leader(self._members(view.candidates, island))
        if self._islands > 1 and self._migrate_every and turn and turn % self._migrate_every == 0:
            other = leader(self._members(view.candidates, (island - 1) % self._islands))
            if self._merge and self._worth_joining(view.candidates, own, other):
                note = f"island {island + 1} joins its neighbour's best"
                return Choice(parents=(own.id, other.id), note=note, merge=True)
            if believed(other) > believed(own):
                note = f"island {island + 1} goes on from its neighbour's best ({believed(other):.3f})"
                return Choice(parents=(other.id,), note=note)
        return Choice(parents=(own.id,), note=f"best of island {island + 1} ({believed(own):.3f})")

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        return leader(candidates)

    def _worth_joining(self, candidates: Sequence[Candidate], own: Candidate, other: Candidate) -> bool:
        by_id = {candidate.id: candidate for candidate in candidates}
        return (
            complement(task_scores(own), task_scores(other))
            and unrelated(by_id, own, other)
            and not merged_before(candidates, own, other)
        )

    def _members(self, candidates: Sequence[Candidate], island: int) -> list[Candidate]:
        return [each for each in candidates if each.slot == 0 or (each.slot - 1) % self._islands == island]
