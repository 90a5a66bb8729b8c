"""Candidates with the scores that a test gives them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from honing.harness.candidate import Acceptance, Arm, Candidate, Outcome
from honing.harness.search.base import Choice, Search, View
from honing.harness.tasks.base import Evaluation, TaskRun, TaskScore, TaskStatus
from honing.store import TreeId

Scores = Mapping[str, float | Sequence[float]]
"""By task: one score, or one for each seed."""


def evaluation(scores: Scores, *, weights: Mapping[str, float] | None = None, seeds: int = 0) -> Evaluation:
    """A complete evaluation.

    Args:
        scores: By task, from the seed `seeds` on.
        weights: Of tasks that do not weigh 1.
        seeds: The first seed.
    """
    runs = [
        TaskRun(
            task=task,
            seed=seed,
            weight=(weights or {}).get(task, 1.0),
            score=TaskScore(status=TaskStatus.SCORED, score=score),
        )
        for task, found in scores.items()
        for seed, score in enumerate([found] if isinstance(found, int | float) else found, start=seeds)
    ]
    return Evaluation(runs=tuple(runs), complete=True)


def baseline(scores: Scores | None = None) -> Candidate:
    return Candidate(
        id="c0000",
        arm=Arm.SEARCH,
        slot=0,
        outcome=Outcome.BASELINE,
        sentence="",
        tree=TreeId("tree 0"),
        evaluation=evaluation(scores or {"a": 0.5}),
    )


def kept(slot: int, parent: str, scores: Scores, *, estimate: float | None = None) -> Candidate:
    return _made(slot, (parent,), scores, Outcome.KEEP, estimate)


def discarded(slot: int, parent: str, scores: Scores) -> Candidate:
    return _made(slot, (parent,), scores, Outcome.DISCARD, None)


def merged(slot: int, parents: tuple[str, str], scores: Scores) -> Candidate:
    return _made(slot, parents, scores, Outcome.DISCARD, None)


def failed(slot: int, parent: str, outcome: Outcome) -> Candidate:
    return Candidate(
        id=f"c{slot:04d}", arm=Arm.SEARCH, slot=slot, parents=(parent,), outcome=outcome, sentence=""
    )


def choose(search: Search, candidates: Sequence[Candidate], *, slot: int = 0, seed: int = 0) -> Choice:
    """What the search chooses for the slot after the last candidate, or for the one given."""
    at = slot or candidates[-1].slot + 1
    view = View(arm=Arm.SEARCH, slot=at, slots=100, candidates=tuple(candidates))
    return search.choose(view, random.Random(f"{seed}/{at}"))


def _made(
    slot: int, parents: tuple[str, ...], scores: Scores, outcome: Outcome, estimate: float | None
) -> Candidate:
    believed = None if estimate is None else Acceptance(accepted=True, sentence="", estimate=estimate)
    return Candidate(
        id=f"c{slot:04d}",
        arm=Arm.SEARCH,
        slot=slot,
        parents=parents,
        outcome=outcome,
        sentence="",
        tree=TreeId(f"tree {slot}"),
        evaluation=evaluation(scores),
        acceptance=believed,
    )
