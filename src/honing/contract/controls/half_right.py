"""The control that is right about half of the tasks: its score must lie half way.

A judge that looks at the first task only, that asks whether most tasks are right, or that leaves unanswered
tasks out of its denominator gives right answers the best score and worthless ones the worst. Only a mixture
shows it. The mixture is also judged twice: the same answers must score the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from honing.contract.controls.calibrate import Taken, denormalised, goodness
from honing.contract.controls.control import AnswerBook, Control
from honing.contract.controls.gold import Gold
from honing.contract.spec import MetricSpec
from honing.contract.workbench.bench import Measurement, Rollout

HALF_WITHIN = 0.2
"""Of the way from worthless to right answers, by which the mixture may miss its place: a number that is no
plain mean (an F1, a weighted mean) lies near it, not on it."""
REPEATS_WITHIN = 0.02
"""Of the range, by which two judgements of the same answers may differ."""
LEAST_TASKS = 4
"""Fewer make no mixture."""


def known_half(ids: Sequence[str], seed: int) -> frozenset[str]:
    """The tasks about which the control is right: a seeded half of them."""
    ranked = sorted(ids, key=lambda one: hashlib.sha256(f"{seed}\0half\0{one}".encode()).digest())
    return frozenset(ranked[: len(ranked) // 2])


def half_right(gold: Gold, known: frozenset[str]) -> AnswerBook:
    """An answerer that gives the gold of the known tasks, and nothing for the others."""
    return gold.book({one: text if one in known else "" for one, text in gold.right.items()})


def why_not_half_way(
    metric: MetricSpec, taken: dict[str, Taken], found: Measurement, known: frozenset[str], gold: Gold
) -> str:
    """Why the mixture's score is not where it must lie; empty where it is, or where nothing can be said."""
    scores = [taken[name].score if name in taken else None for name in _BRACKET]
    if metric.aggregation != "mean" or any(score is None for score in scores):
        return ""
    right, nothing, half = (goodness(metric, score) for score in scores if score is not None)
    asked = {sample.id for sample in found.samples} & set(gold.right)
    if len(asked) < LEAST_TASKS or right <= nothing:
        return ""
    known_asked = len(asked & known)
    expected = nothing + (right - nothing) * known_asked / len(asked)
    if abs(half - expected) <= HALF_WITHIN * (right - nothing):
        return ""
    return (
        f"half: scored {denormalised(metric, half):.4g} where about half of the answers are right "
        f"({known_asked} of {len(asked)}, the others empty); a mean over tasks would be "
        f"{denormalised(metric, expected):.4g}. Where the number is meant to be no mean over tasks, say "
        "`aggregation: other` in the contract's metric"
    )


def why_not_repeatable(metric: MetricSpec, first: float | None, second: Measurement) -> str:
    """Why two judgements of the same answers disagree; empty where they agree."""
    again = second.evaluation.score
    if first is None:
        return ""
    if again is None:
        return f"half: the same answers scored {first:.4g}, and then nothing: {second.reason}"
    if abs(goodness(metric, first) - goodness(metric, again)) <= REPEATS_WITHIN:
        return ""
    return f"half: the same answers scored {first:.4g}, and then {again:.4g}: the judge cannot be repeated"


def once_more(rollout: Rollout) -> Rollout:
    """The rollout under another name, so that its answers are judged anew."""
    return replace(rollout, plan=replace(rollout.plan, name=f"{rollout.plan.name}.again"))


_BRACKET = (Control.ORACLE, Control.NULL, Control.HALF)
