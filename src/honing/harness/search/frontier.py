"""From candidates that are ahead at something: at some tasks, or at less cost or size."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from operator import le

from honing.harness.candidate import Candidate
from honing.harness.search.base import Choice, View
from honing.harness.search.pairs import complement, unrelated
from honing.harness.search.ranking import believed, cost, leader, task_scores

_PAIRED_MOST = 12
"""Members of the front that are looked at for pairs: those that win most."""


class Objective(StrEnum):
    """What a candidate may be ahead at, beside its tasks."""

    SCORE = "score"
    """Highest believed score."""
    COST = "cost"
    """Least spent by a run of all tasks."""
    SIZE = "size"
    """Fewest bytes."""


@dataclass(frozen=True, slots=True)
class Member:
    """One candidate of the front."""

    candidate: Candidate
    wins: int
    """Tasks at which nobody is ahead of it, and of its equals there none is better in every objective."""


class Frontier:
    """Draws parents from the front, each as often as it wins tasks, and joins two that complement each other.

    A task at which all candidates do the same tells nothing and is not counted. With one task the front is
    the best candidate: the search is then greedy.

    Args:
        merge_share: Chance that a proposal is a merge where two of the front complement one another.
        archive: Whether discarded candidates may be on the front; they are then evaluated in full.
        objectives: What decides between candidates that do equally well at a task.
    """

    name = "frontier"

    def __init__(
        self,
        *,
        merge_share: float = 0.25,
        archive: bool = True,
        objectives: Sequence[str] = (Objective.SCORE, Objective.COST),
    ) -> None:
        self._merge_share = merge_share
        self._archive = archive
        self._objectives = tuple(Objective(each) for each in objectives)
        self._seen: dict[str, tuple[Candidate, _Measured]] = {}

    @property
    def from_discarded(self) -> bool:
        return self._archive

    def choose(self, view: View, rng: random.Random) -> Choice:
        front = self.front(view.candidates)
        merging = rng.random() < self._merge_share
        if merging and (pair := self._pair(view.candidates, front)) is not None:
            note = "joins two that each solve what the other does not"
            return Choice(parents=(pair[0].id, pair[1].id), note=note, merge=True)
        (drawn,) = rng.choices(front, weights=[max(1, member.wins) for member in front])
        note = f"on the front of {len(front)}, ahead at {drawn.wins} tasks ({believed(drawn.candidate):.3f})"
        return Choice(parents=(drawn.candidate.id,), note=note)

    def best(self, candidates: Sequence[Candidate]) -> Candidate:
        return leader(candidates)

    def front(self, candidates: Sequence[Candidate]) -> list[Member]:
        """Candidates that are ahead at a task at least, most wins first; the leader where there is none."""
        pool = self._pool(candidates)
        wins: dict[int, int] = {}
        for scores in zip(*(each.scores.values() for each in pool), strict=True):
            for index in _winners(pool, scores):
                wins[index] = wins.get(index, 0) + 1
        if not wins:
            return [Member(leader(candidates), 0)]
        ordered = sorted(wins, key=lambda index: (-wins[index], index))
        return [Member(pool[index].candidate, wins[index]) for index in ordered]

    def _pool(self, candidates: Sequence[Candidate]) -> list[_Measured]:
        """Whoever may be a parent, best first; of candidates with the same tree the earliest."""
        pool: dict[str, _Measured] = {}
        for candidate in candidates:
            allowed = candidate.in_lineage or self._archive
            if allowed and candidate.tree is not None and candidate.tree not in pool:
                measured = self._measured(candidate)
                if measured.complete:
                    pool[candidate.tree] = measured
        return sorted(pool.values(), key=lambda each: each.rank)

    def _measured(self, candidate: Candidate) -> _Measured:
        """What is asked of a candidate at every slot, worked out once."""
        known = self._seen.get(candidate.id)
        if known is None or known[0] is not candidate:
            known = (candidate, _measure(candidate, self._objectives))
            self._seen[candidate.id] = known
        return known[1]

    def _pair(
        self, candidates: Sequence[Candidate], front: Sequence[Member]
    ) -> tuple[Candidate, Candidate] | None:
        """The two that would score most if joining them gave each task the better of both; None if none."""
        by_id = {candidate.id: candidate for candidate in candidates}
        tried = {frozenset(candidate.parents) for candidate in candidates if len(candidate.parents) > 1}
        best: tuple[float, Candidate, Candidate] | None = None
        for one, two in combinations([member.candidate for member in front[:_PAIRED_MOST]], 2):
            a, b = self._measured(one).scores, self._measured(two).scores
            if frozenset((one.id, two.id)) in tried or not complement(a, b) or not unrelated(by_id, one, two):
                continue
            promise = sum(max(a[task], b[task]) for task in a)
            if best is None or promise > best[0]:
                first, second = (one, two) if believed(one) >= believed(two) else (two, one)
                best = (promise, first, second)
        return None if best is None else (best[1], best[2])


@dataclass(frozen=True, slots=True)
class _Measured:
    candidate: Candidate
    complete: bool
    scores: Mapping[str, float]
    rank: tuple[float, ...]
    """One number per objective, less is better."""


def _measure(candidate: Candidate, objectives: Sequence[Objective]) -> _Measured:
    figures = {
        Objective.SCORE: lambda: -believed(candidate),
        Objective.COST: lambda: cost(candidate),
        Objective.SIZE: lambda: float(candidate.size_bytes),
    }
    complete = candidate.score is not None
    rank = tuple(figures[each]() for each in objectives) if complete else ()
    return _Measured(candidate, complete, task_scores(candidate), rank)


def _winners(pool: Sequence[_Measured], scores: Sequence[float]) -> list[int]:
    """Those at the top of a task that none of their equals there beats in every objective."""
    top = max(scores)
    if min(scores) == top:
        return []
    kept: list[int] = []
    # The pool is sorted: whoever comes later is no better in the first objective.
    for index in [index for index, score in enumerate(scores) if score == top]:
        rank = pool[index].rank
        if not any(all(map(le, pool[other].rank, rank)) for other in kept):
            kept.append(index)
    return kept
