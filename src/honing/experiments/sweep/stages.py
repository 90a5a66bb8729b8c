"""What a sweep has come to: its stages in order, and how far each moved every target."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from honing.experiments.paired import Change, paired_change
from honing.experiments.sweep.collecting import SegmentRows
from honing.experiments.sweep.measuring import Outcome, Rows
from honing.experiments.sweep.segments import SegmentTraining
from honing.stats import mean_interval

BASE = "base"


@dataclass(slots=True, kw_only=True)
class Stage:
    """One state of the model: the base, or what a segment made of it."""

    number: int
    """-1 for the base."""
    training: SegmentTraining | None = None
    """None for the base, and where training did not end."""
    data: SegmentRows | None = None
    reason: str = ""
    """Why training did not end; empty where it did."""
    outcomes: dict[Rows, list[Outcome]] = field(default_factory=dict)
    """In the order of the targets, so far."""
    untouched: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """For every target whose every row was asked: its score over rows that were not trained on."""

    @property
    def name(self) -> str:
        """Of its folder."""
        return BASE if self.number < 0 else f"seg_{self.number}"

    @property
    def trained(self) -> bool:
        return self.number < 0 or self.training is not None

    def outcome(self, target: str, rows: Rows = Rows.SMOKE) -> Outcome | None:
        """What a target came to; None where it was not measured."""
        return next((one for one in self.outcomes.get(rows, []) if one.target == target), None)


def change(before: Stage, after: Stage, target: str) -> tuple[Change | None, str]:
    """How a target's fixed sample moved between two stages, task by task; or None, and why it cannot be
    said."""
    first, second = before.outcome(target), after.outcome(target)
    if first is None or second is None or not (first.ok and second.ok):
        return None, "one of the two measurements is not ok"
    if first.content != second.content:
        return None, "the target's files changed between the two"
    if not first.scores or not second.scores:
        return None, "the target gives no reward for each sample"
    if not set(first.scores) & set(second.scores):
        return None, "the two measured no task in common"
    return paired_change(first.scores, second.scores), ""


def ok(stages: Sequence[Stage], targets: Sequence[str], segments: int) -> bool:
    """Whether every stage is there, trained, and every target of it is ok."""
    return len(stages) == segments + 1 and all(
        stage.trained and len(found) == len(targets) and all(one.ok for one in found)
        for stage in stages
        for found in (stage.outcomes.get(Rows.SMOKE, []), *_further(stage))
    )


def _further(stage: Stage) -> list[list[Outcome]]:
    return [found for rows, found in stage.outcomes.items() if rows is not Rows.SMOKE]


def score_of_others(outcome: Outcome, trained: Collection[str]) -> dict[str, Any]:
    """The mean over tasks whose prompt was not trained on, with its 95% interval, as a share of the metric's
    range; `n` says how many there are, `trained_on` how many were left out."""
    kept = {
        task: scores for task, scores in outcome.scores.items() if outcome.prompts.get(task) not in trained
    }
    values = [value for scores in kept.values() for value in scores]
    found: dict[str, Any] = {"n": len(kept), "trained_on": len(outcome.scores) - len(kept)}
    if not values:
        return {**found, "score": None, "ci95": None}
    clusters = [task for task, scores in kept.items() for _ in scores]
    interval = mean_interval(values, clusters=clusters, bounds=(0.0, 1.0))
    return {**found, "score": interval.estimate, "ci95": [interval.low, interval.high]}
