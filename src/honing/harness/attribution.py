"""Which parts of a winner's changes matter: each is taken back, and the harness is judged again.

What an agent says of its changes plays no part. A deterministic project needs one evaluation for each part,
and the answer is exact; a noisy one is judged on the same seeds for all, and the answer carries an interval.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from honing.errors import UsageError
from honing.harness.accept_pairs import ROUNDING, difference, interval, pairs
from honing.harness.candidate import Candidate
from honing.harness.hunks import Part, Parts
from honing.harness.manifest import moved_tasks, observed
from honing.harness.tasks.base import Evaluation, Task
from honing.sandbox import Cancel
from honing.store import TreeId, TreeStore

SCHEMA = 1
ARTIFACT = "attribution.json"
MOST_PARTS = 24
"""Parts that are looked at without a stated budget; where there are more, some are joined."""
_PAIRED_TO = 8
"""Parts up to which every two of them are taken back together."""
_ENDS = 3
"""Evaluations beside those of parts and pairs: winner, baseline, and the winner without what does nothing."""


class Finding(StrEnum):
    """What a part does for the score. Exactly one holds."""

    NECESSARY = "necessary"
    """Without it the score is lower."""
    HARMFUL = "harmful"
    """Without it the score is higher."""
    NO_EFFECT = "no-effect"
    """Without it the score is exactly the same, in a deterministic project."""
    UNDECIDED = "undecided"
    """The interval holds 0."""
    NOT_JUDGED = "not-judged"
    """The evaluation could not be completed; `reason` says why."""


class Together(StrEnum):
    """How two parts work together. Exactly one holds."""

    SUBSTITUTES = "substitutes"
    """Each replaces the other: taking one back costs less than its share of taking both back."""
    COMPLEMENTS = "complements"
    """Each needs the other: taking one back costs more than its share of taking both back."""


class Judge(Protocol):
    """Evaluates trees, each task, tree and seed once (`Evaluator`)."""

    def evaluate(
        self, tree: TreeId, tasks: Sequence[Task], seeds: Sequence[int], *, cancel: Cancel | None = None
    ) -> Evaluation: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be attributed."""

    baseline: Candidate
    winner: Candidate
    lineage: Sequence[Candidate] = ()
    """Baseline first, winner last: each made from the one before. For what was predicted on the way."""
    tasks: Sequence[Task]
    """The search tasks."""
    seeds: Sequence[int] = (0,)
    """The same for every evaluation; further ones than the search's own make intervals narrower."""
    level: float = 0.95
    most_task_runs: int | None = None
    """Task runs that may be planned; None: MOST_PARTS parts, whatever they cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What taking something back costs, as a difference of scores: with it minus without it."""

    finding: Finding
    estimate: float | None
    low: float | None
    high: float | None
    tasks: Mapping[str, float]
    """Difference by task, where there is one."""
    reason: str = ""

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "finding": self.finding.value,
            "contribution": _rounded(self.estimate),
            "interval": None if self.low is None else [_rounded(self.low), _rounded(self.high)],
            "tasks": {task: _rounded(value) for task, value in self.tasks.items()},
            "reason": self.reason,
        }


def attribute(
    question: Question,
    trees: TreeStore,
    judge: Judge,
    *,
    told: Callable[[str], None] = lambda line: None,
    cancel: Cancel | None = None,
) -> dict[str, Any]:
    """Judge the winner without each part of its changes, and without some of them together.

    Args:
        question: Winner, baseline and what may be spent.
        trees: Holds both, and gets the trees in between.
        judge: Where it remembers, what was judged is not judged again.
        told: Is given a line for each evaluation that begins.
        cancel: Ends it at once.

    Returns:
        `attribution.json`; docs/harness-attribution.md names its fields.

    Raises:
        UsageError: There is nothing to attribute, or the budget pays for no part.
        StoppedError: `cancel` was set.
    """
    parts, paid = _plan(question, trees)
    work = _Work(question, parts, judge, told, cancel)
    whole = work.judged((), "the winner")
    start = work.judged([part.id for part in parts.all], "the baseline")
    singles = {part.id: work.contribution(whole, (part.id,)) for part in parts.all}
    doubles = {pair: work.contribution(whole, pair) for pair in paid}
    fixed, regressed = moved_tasks(start, whole)
    return {
        "schema": SCHEMA,
        "winner": question.winner.id,
        "baseline": question.baseline.id,
        "score": _rounded(whole.score),
        "gain": work.compared(whole, start).as_document(),
        "deterministic": all(task.deterministic for task in question.tasks),
        "seeds": list(question.seeds),
        "level": question.level,
        "parts": [{**_part_document(part), **singles[part.id].as_document()} for part in parts.all],
        "pairs": _pairs(singles, doubles),
        "pairs_judged": len(doubles),
        "pairs_left_out": math.comb(len(parts.all), 2) - len(doubles),
        "without_idle": work.without_idle(whole, singles, doubles),
        "planned_task_runs": _task_runs(question, parts, paid),
        "fixed": fixed,
        "regressed": regressed,
        "predictions": _predictions(question.lineage),
    }


def planned(question: Question, trees: TreeStore) -> dict[str, Any]:
    """What `attribute` would judge at most; what is remembered costs nothing.

    Raises:
        UsageError: As `attribute`.
    """
    parts, paid = _plan(question, trees)
    return {
        "winner": question.winner.id,
        "parts": [_part_document(part) for part in parts.all],
        "pairs": len(paid),
        "evaluations": _ENDS + len(parts.all) + len(paid),
        "task_runs_at_most": _task_runs(question, parts, paid),
    }


def _plan(question: Question, trees: TreeStore) -> tuple[Parts, list[tuple[str, str]]]:
    """The parts, and the pairs of them that are taken back together."""
    start, end = question.baseline.tree, question.winner.tree
    if start is None or end is None:
        raise UsageError(
            f"{question.winner.id}: its tree or the baseline's is not kept: nothing to attribute."
        )
    per_tree, most = _runs_per_tree(question), question.most_task_runs
    parts = Parts(trees, start, end, most=_parts_paid_for(most, per_tree))
    if not parts.all:
        raise UsageError(f"{question.winner.id} does not differ from the baseline: nothing to attribute.")
    two = list(itertools.combinations([part.id for part in parts.all], 2))
    left = None if most is None else most // per_tree - _ENDS - len(parts.all)
    return parts, two if len(parts.all) <= _PAIRED_TO and (left is None or left >= len(two)) else []


def _runs_per_tree(question: Question) -> int:
    """Task runs of one evaluation."""
    return sum(1 if task.deterministic else len(question.seeds) for task in question.tasks)


def _task_runs(question: Question, parts: Parts, paid: Sequence[tuple[str, str]]) -> int:
    return _runs_per_tree(question) * (_ENDS + len(parts.all) + len(paid))


class _Work:
    """The evaluations of one attribution."""

    def __init__(
        self,
        question: Question,
        parts: Parts,
        judge: Judge,
        told: Callable[[str], None],
        cancel: Cancel | None,
    ) -> None:
        self._question = question
        self._parts = parts
        self._judge = judge
        self._told = told
        self._cancel = cancel
        self._exact = all(task.deterministic for task in question.tasks)

    def judged(self, taken_back: Collection[str], shown: str) -> Evaluation:
        """The winner without some of its parts."""
        self._told(shown)
        question = self._question
        tree = self._parts.without(taken_back)
        return self._judge.evaluate(tree, question.tasks, question.seeds, cancel=self._cancel)

    def contribution(self, whole: Evaluation, taken_back: Collection[str]) -> Contribution:
        """What taking some parts back costs."""
        return self.compared(whole, self.judged(taken_back, f"without {', '.join(taken_back)}"))

    def compared(self, whole: Evaluation, without: Evaluation) -> Contribution:
        """The difference between the winner and something of it."""
        for evaluation, name in ((whole, "the winner"), (without, "what is left")):
            if not evaluation.complete:
                reason = f"{name} could not be judged in full: {evaluation.stopped or 'a task gave no score'}"
                return Contribution(
                    finding=Finding.NOT_JUDGED, estimate=None, low=None, high=None, tasks={}, reason=reason
                )
        found = pairs(whole, without)
        estimate = difference(found)
        low, high = estimate, estimate
        if not self._exact:
            span = interval(found, level=self._question.level)
            low, high = span.low, span.high
        before, after = without.by_task, whole.by_task
        tasks = {
            task: after[task] - before[task] for task in after if abs(after[task] - before[task]) > ROUNDING
        }
        finding = _finding(low, high, exact=self._exact)
        return Contribution(finding=finding, estimate=estimate, low=low, high=high, tasks=tasks)

    def without_idle(
        self,
        whole: Evaluation,
        singles: Mapping[str, Contribution],
        doubles: Mapping[tuple[str, str], Contribution],
    ) -> dict[str, Any] | None:
        """The winner without the parts that do nothing or harm, where there are some. Of two that
        replace each other one stays."""
        nothing = (Finding.NO_EFFECT, Finding.HARMFUL)
        idle = [name for name, found in singles.items() if found.finding in nothing]
        if not idle:
            return None
        taken_back: list[str] = []
        for name in idle:
            partners = [two for two in doubles if name in two and set(two) & set(taken_back)]
            if all(_relation(singles, two, doubles[two]) is not Together.SUBSTITUTES for two in partners):
                taken_back.append(name)
        found = self.contribution(whole, taken_back)
        score = None if found.estimate is None or whole.score is None else whole.score - found.estimate
        tree = self._parts.without(taken_back)
        return {"taken_back": taken_back, "tree": tree, "score": _rounded(score), **found.as_document()}


def _parts_paid_for(most_task_runs: int | None, per_tree: int) -> int:
    if most_task_runs is None:
        return MOST_PARTS
    paid = most_task_runs // per_tree - _ENDS
    if paid < 1:
        raise UsageError(
            f"{most_task_runs} task runs pay for no part: one evaluation takes {per_tree}, and "
            f"{_ENDS + 1} are needed at least. Allow {per_tree * (_ENDS + 1)} or more."
        )
    return min(paid, MOST_PARTS)


def _finding(low: float, high: float, *, exact: bool) -> Finding:
    if low > 0:
        return Finding.NECESSARY
    if high < 0:
        return Finding.HARMFUL
    return Finding.NO_EFFECT if exact else Finding.UNDECIDED


def _pairs(
    singles: Mapping[str, Contribution], doubles: Mapping[tuple[str, str], Contribution]
) -> list[dict[str, Any]]:
    """Pairs that are more or less than the sum of their parts."""
    found = []
    for two, both in doubles.items():
        relation = _relation(singles, two, both)
        if relation is not None:
            excess = _sum(both, [singles[name] for name in two])
            found.append(
                {"parts": list(two), "together": relation.value, "excess": excess, **both.as_document()}
            )
    return found


def _relation(
    singles: Mapping[str, Contribution], two: tuple[str, str], both: Contribution
) -> Together | None:
    """How two parts work together; None where their effects simply add up, or it cannot be told."""
    first, second = (singles[name] for name in two)
    if both.estimate is None or first.estimate is None or second.estimate is None:
        return None
    excess = both.estimate - first.estimate - second.estimate
    # The widest of the three intervals is what the excess has to exceed to be more than noise.
    noise = max(_half_width(one) for one in (both, first, second))
    if abs(excess) <= max(noise, ROUNDING):
        return None
    if excess > 0:
        return Together.SUBSTITUTES
    return Together.COMPLEMENTS if min(first.estimate, second.estimate) > noise else None


def _sum(both: Contribution, singles: Sequence[Contribution]) -> float | None:
    parts = [one.estimate for one in singles]
    if both.estimate is None or None in parts:
        return None
    return _rounded(both.estimate - sum(one for one in parts if one is not None))


def _half_width(one: Contribution) -> float:
    return 0.0 if one.low is None or one.high is None else (one.high - one.low) / 2


def _part_document(part: Part) -> dict[str, Any]:
    return {
        "id": part.id,
        "kind": part.kind.value,
        "paths": list(part.paths),
        "summary": part.summary,
        "text": part.text,
    }


def _predictions(lineage: Sequence[Candidate]) -> list[dict[str, Any]]:
    """What the agent of each step on the way predicted, and what came of it."""
    found = []
    for parent, child in itertools.pairwise(lineage):
        if parent.evaluation is None or child.evaluation is None:
            continue
        manifest = child.proposal.manifest if child.proposal is not None else None
        came = observed(manifest, parent.evaluation, child.evaluation, changed=child.changed)
        found.append({"candidate": child.id, "parent": parent.id, **came})
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 9) + 0.0
