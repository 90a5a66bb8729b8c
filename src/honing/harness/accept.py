"""Whether a candidate's gain over its parent is believed.

Where every task is deterministic one evaluation settles it. Otherwise a gain is luck until it shows again:
the candidate meets its parent on the same tasks and seeds, is stopped as soon as it cannot win, and what won
is run again, with its parent, on seeds that nobody has seen. docs/harness-search.md has the evidence for the
defaults; benchmarks/harness_noise.py measures them through this code.

A proposal is judged in three steps: evaluate it on `first_seeds`, asking `hopeless` after each run; hand both
evaluations to `accept`; it calls back for the re-test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from honing.harness.accept_pairs import (
    ROUNDING,
    Pair,
    difference,
    interval,
    mean_first,
    pairs,
    planned_shares,
)
from honing.harness.candidate import Acceptance, Candidate
from honing.harness.project import Judging, KeepRule
from honing.harness.tasks.base import Evaluation, TaskRun
from honing.stats import first_shortfall, retest_level

Retest = Callable[[Sequence[int]], tuple[Evaluation, Evaluation]]
"""Runs parent and child on the seeds given and returns both evaluations, complete, in that order. What keeps
one from being complete (ours failed, the candidate tampered) is for the callable's maker to raise."""

_FRESH_FROM = 1_000_000
"""Seeds from here on are for re-tests, by attempt; below are the first ones."""
_BAR_FROM = 1_000_000_000
"""Seeds from here on are for further looks at a parent that nobody beats."""
_BAR_HOLDS_FOR = 10
"""Children that meet a parent on the same seeds, unless one of them is tested again before."""
_FINAL_FROM = 2_000_000_000
"""Seeds from here on are for the very end."""


def first_seeds(parent: Candidate, seen: Sequence[Candidate], settings: Judging) -> tuple[int, ...]:
    """Seeds on which a child of this parent is evaluated first.

    They are those of the last re-test that the parent took part in. What a parent scored when it was first
    evaluated is part of why it was chosen, and so too high a bar; what it scored in a re-test is much less
    so, and costs nothing because it is remembered. A bar that ten children in a row did not reach may still
    be luck: the eleventh meets the parent on seeds that are new to both.

    Args:
        parent: A candidate of the view.
        seen: The candidates of the view, so that the seeds are the same at any number of workers.
        settings: Of the project.
    """
    marks, waited = [0], 0
    for each in sorted(seen, key=lambda candidate: candidate.slot):
        child = each.parents[:1] == (parent.id,) and each.evaluation is not None
        if (child or each.id == parent.id) and _retested(each):
            marks.append(each.slot)
            waited = 0
        elif child and settings.rule is not KeepRule.ONCE:
            waited += 1
            if waited % _BAR_HOLDS_FOR == 0:
                marks.append(-each.slot)
    known = [seed for mark in reversed(marks) for seed in _seeds_of(mark, settings)]
    return tuple(known[: settings.repeats])


def _retested(candidate: Candidate) -> bool:
    return candidate.acceptance is not None and candidate.acceptance.retest is not None


def _seeds_of(mark: int, settings: Judging) -> tuple[int, ...]:
    """Seeds on which a parent was run: 0 for the first ones, a slot for its re-test, minus a slot for a look
    at the parent after it."""
    if mark == 0:
        return tuple(range(settings.repeats))
    if mark > 0:
        return fresh_seeds(mark, settings)
    start = _BAR_FROM - mark * settings.repeats
    return tuple(range(start, start + settings.repeats))


def fresh_seeds(attempt: int, settings: Judging) -> tuple[int, ...]:
    """Seeds of the re-test of one slot, which no other slot uses."""
    count = settings.retest_repeats or settings.repeats
    start = _FRESH_FROM + attempt * count
    return tuple(range(start, start + count))


def final_seeds(settings: Judging) -> tuple[int, ...]:
    """Seeds of the last look at the winners, which nothing before has used."""
    return tuple(range(_FINAL_FROM, _FINAL_FROM + (settings.final_repeats or settings.repeats)))


def hopeless(parent: Evaluation, runs: Sequence[TaskRun], settings: Judging, *, noisy: bool = False) -> str:
    """Why a candidate cannot be kept any more, from the runs made so far; empty while it may.

    Args:
        parent: The parent on all seeds that the candidate is to be run on.
        runs: The candidate's so far, in the order in which they ended.
        settings: Of the project. Empty is returned where `racing` is off.
        noisy: Whether some task is not deterministic: then a candidate is also stopped when it is so far
            behind that a candidate as good as its parent would seldom be.
    """
    if not settings.racing:
        return ""
    shares = planned_shares(parent.runs)
    theirs = {(run.task, run.seed): run.score.score for run in parent.runs}
    made = [
        (shares[key], run.score.score, their)
        for run in runs
        if (key := (run.task, run.seed)) in shares
        and run.score.score is not None
        and (their := theirs[key]) is not None
    ]
    reached = sum(share * mine for share, mine, _ in made)
    most = reached + sum(shares.values()) - sum(share for share, _, _ in made)
    bar = sum(share * (theirs[key] or 0.0) for key, share in shares.items()) + settings.margin
    if most <= bar + ROUNDING:
        return (
            f"it cannot beat its parent any more: at most {most:.3f} after {len(runs)} of {len(shares)} "
            f"runs, more than {bar:.3f} is needed"
        )
    if noisy and made and settings.rule is not KeepRule.ONCE:
        widest = max(share for share, _, _ in made)
        mine = [share / widest * score for share, score, _ in made]
        other = [share / widest * score for share, _, score in made]
        behind = sum(mine) < sum(other)
        if (
            behind
            and first_shortfall(mine, other, bounds=(0.0, 1.0), error=settings.racing_error) is not None
        ):
            return (
                f"it fell too far behind its parent: {sum(mine):.1f} against {sum(other):.1f} points after "
                f"{len(runs)} of {len(shares)} runs"
            )
    return ""


def accept(
    parent: Evaluation,
    child: Evaluation,
    settings: Judging,
    retest: Retest | None,
    *,
    attempt: int = 1,
) -> Acceptance:
    """Decide whether a candidate is kept.

    Args:
        parent: On the same seeds as the child.
        child: In full, or stopped early, which is never kept.
        settings: Of the project.
        retest: None where every task is deterministic: a second look would show the same.
        attempt: The candidate's slot. It decides the fresh seeds, and for the rule `bound` the level.

    Raises:
        ValueError: Two evaluations to be compared share no run.
    """
    if child.score is None or parent.score is None:
        return Acceptance(accepted=False, sentence=child.stopped or "not all of its tasks were scored")
    found = pairs(child, parent)
    gain = difference(found)
    gained = gain > settings.margin + ROUNDING
    if retest is None:
        exact = (gain, gain, gain)
        return Acceptance(
            accepted=gained, sentence=_against(found), difference=exact, estimate=mean_first(found)
        )
    first = interval(found, level=settings.level)
    limits = (first.estimate, first.low, first.high)
    if not gained or settings.rule is KeepRule.ONCE:
        ending = ", and was not tested again" if gained else ""
        return Acceptance(
            accepted=gained,
            sentence=f"{_against(found)}{ending}",
            difference=limits,
            estimate=mean_first(found),
        )
    seeds = fresh_seeds(attempt, settings)
    return _after_retest(found, limits, retest(seeds), settings, attempt)


def _after_retest(
    first: Sequence[Pair],
    limits: tuple[float, float, float],
    fresh: tuple[Evaluation, Evaluation],
    settings: Judging,
    attempt: int,
) -> Acceptance:
    parent, child = fresh
    again = pairs(child, parent)
    gain = difference(again)
    level = retest_level(attempt, level=settings.level) if settings.rule is KeepRule.BOUND else settings.level
    reach = interval(again, level=level)
    proven = reach.low if settings.rule is KeepRule.BOUND else gain
    kept = proven > settings.margin + ROUNDING
    if kept:
        words = f"{_against(first)}, and on fresh seeds {_against(again)}"
    else:
        bound = f" (lower limit {reach.low:+.3f} at level {level:.4f})" if gain > settings.margin else ""
        words = f"{_against(first)}, but on fresh seeds {_against(again)}{bound}"
    return Acceptance(
        accepted=kept,
        sentence=words,
        difference=limits,
        retest=(reach.estimate, reach.low, reach.high),
        estimate=mean_first(again),
        task_runs=2 * len([pair for pair in again if pair.seed >= _FRESH_FROM]),
    )


def _against(found: Sequence[Pair]) -> str:
    mine, gain = mean_first(found), difference(found)
    verb = (
        "beats its parent" if gain > 0 else "equals its parent" if gain == 0 else "falls short of its parent"
    )
    return f"{verb}: {mine:.3f} against {mine - gain:.3f}"
