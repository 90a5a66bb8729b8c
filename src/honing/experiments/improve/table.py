"""The last look: the versions that count, measured once on tasks that nothing has seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from honing.experiments.improve.base import Measurement, Part, Proposal, Spending, StepName, Version
from honing.experiments.improve.bench import Bench
from honing.experiments.improve.gate import Ending, Verdict
from honing.experiments.improve.remembered import lasting
from honing.experiments.paired import Change, paired_change
from honing.stats import Interval, mean_interval

NOTHING = Spending()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the loop, decided."""

    step: StepName
    before: Version
    proposal: Proposal
    verdict: Verdict
    checking: Spending = NOTHING
    """What its comparisons cost."""

    @property
    def after(self) -> Version:
        """What the next step builds on."""
        if self.verdict.kept and self.proposal.version is not None:
            return self.proposal.version
        return self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the final table."""

    name: str
    """baseline, + harness, + weights, control of harness ..."""
    ending: str
    """baseline, kept, rejected, nothing, skipped or control."""
    reason: str = ""
    version: Version | None = None
    """None where nothing was measured on held-out tasks."""
    score: Interval | None = None
    """Mean over held-out tasks, with its 95% interval."""
    tasks: int = 0
    over_before: Change | None = None
    """Paired gain over the kept version before it."""
    over_baseline: Change | None = None
    over_control: Change | None = None
    """Of a step: over what the same budget gives without its idea."""
    making: Spending = NOTHING
    checking: Spending = NOTHING
    measuring: Spending = NOTHING
    """On the held-out tasks."""

    @property
    def seconds(self) -> float:
        """Of all three."""
        return self.making.wall_s + self.checking.wall_s + self.measuring.wall_s

    def as_document(self) -> dict[str, Any]:
        """As plain data, without what differs between two equal runs."""
        score = self.score
        return {
            "name": self.name,
            "ending": self.ending,
            "reason": self.reason,
            "version": None if self.version is None else self.version.as_document(),
            "score": None if score is None else score.estimate,
            "ci95": None if score is None else [score.low, score.high],
            "tasks": self.tasks,
            "over_before": _document(self.over_before),
            "over_baseline": _document(self.over_baseline),
            "over_control": _document(self.over_control),
            "spent": {
                "making": lasting(self.making),
                "checking": lasting(self.checking),
                "held_out": lasting(self.measuring),
            },
        }


def last_look(bench: Bench, start: Version, stages: Sequence[Stage]) -> list[Row]:
    """Break the seal and measure: the baseline, every kept version, and what their controls made.

    Versions of steps that were rejected are not measured: held-out tasks decide nothing, so there is nothing
    that their scores could be used for.
    """
    bench.open_seal()
    seeds = bench.seeds("held-out", bench.spec.final_repeats)

    def look(version: Version) -> Measurement:
        return bench.measure(version, Part.HELD_OUT, seeds)

    baseline = look(start)
    rows = [_row("baseline", "baseline", start, baseline)]
    before = baseline
    for stage in stages:
        if not stage.verdict.kept or stage.proposal.version is None:
            rows.append(_unmeasured(stage))
            continue
        after = look(stage.proposal.version)
        control = None if stage.proposal.control is None else look(stage.proposal.control)
        rows.append(_kept(stage, after, (baseline, before, control)))
        if stage.proposal.control is not None and control is not None:
            rows.append(_control(stage, control, (baseline, before)))
        before = after
    return rows


def _row(name: str, ending: str, version: Version, found: Measurement) -> Row:
    scores = found.by_task()
    return Row(
        name=name,
        ending=ending,
        version=version,
        score=score_of(found),
        tasks=len(scores),
        measuring=found.spent,
    )


def _kept(
    stage: Stage, after: Measurement, others: tuple[Measurement, Measurement, Measurement | None]
) -> Row:
    baseline, before, control = others
    assert stage.proposal.version is not None
    row = _row(f"+ {stage.step.value}", stage.verdict.ending.value, stage.proposal.version, after)
    return replace(
        row,
        reason=stage.verdict.reason,
        over_before=_change(before, after),
        over_baseline=_change(baseline, after),
        over_control=None if control is None else _change(control, after),
        making=stage.proposal.spent,
        checking=stage.checking,
    )


def _control(stage: Stage, control: Measurement, others: tuple[Measurement, Measurement]) -> Row:
    baseline, before = others
    assert stage.proposal.control is not None
    row = _row(f"control of {stage.step.value}", "control", stage.proposal.control, control)
    return replace(
        row,
        reason="the same budget without the step's idea; made within the step",
        over_before=_change(before, control),
        over_baseline=_change(baseline, control),
    )


def _unmeasured(stage: Stage) -> Row:
    said = stage.verdict.reason
    if stage.verdict.ending is Ending.REJECTED:
        said = f"{said}; not measured on held-out tasks"
    return Row(
        name=f"+ {stage.step.value}",
        ending=stage.verdict.ending.value,
        reason=said,
        making=stage.proposal.spent,
        checking=stage.checking,
    )


def score_of(found: Measurement) -> Interval | None:
    """Mean score with its interval, tasks as clusters; None where nothing was scored."""
    scores = found.by_task()
    values = [score for repeats in scores.values() for score in repeats]
    if not values:
        return None
    labels = [task for task, repeats in scores.items() for _ in repeats]
    clusters = None if len(labels) == len(scores) else labels
    return mean_interval(values, clusters=clusters, bounds=(0.0, 1.0))


def mean_of(found: Measurement) -> float | None:
    """Mean score; None where nothing was scored."""
    values = [score for repeats in found.by_task().values() for score in repeats]
    return math.fsum(values) / len(values) if values else None


def _change(before: Measurement, after: Measurement) -> Change | None:
    first, second = before.by_task(), after.by_task()
    return paired_change(first, second) if first.keys() & second.keys() else None


def _document(change: Change | None) -> dict[str, Any] | None:
    return None if change is None else change.as_document()
