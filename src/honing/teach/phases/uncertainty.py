"""Phase 1, uncertainty: how unsure the student is at each snapshot, by five estimators from one scoring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from honing.learn import Policy, Situation, Turn, policy_from
from honing.teach.desk import Desk
from honing.teach.labels.rows import LABELED, LABELED_LIST, keep_labels, labeled
from honing.teach.phase import Phase, PhaseOutcome
from honing.teach.phases.prepare import STUDENT, student_policy
from honing.teach.snapshot import Snapshot, Uncertainty

Json = Any

_SNAPSHOTS_PER_UNIT = 64
_TOP = 3
"""k of the top-k spread."""
_DIGITS = 9
"""Decimals of a figure: float rounding is smaller, differences that matter are larger."""


@runtime_checkable
class ScoresTexts(Protocol):
    """A policy that knows how likely each option's text is, token by token."""

    def per_token(self, turns: Sequence[Turn]) -> list[tuple[float, ...]]:
        """Length-normalised log-probability of each action's text, nats per token, shape (A,)."""
        ...


def label_uncertainty(desk: Desk) -> PhaseOutcome:
    """Score every snapshot once and write all estimators and U."""
    snapshots = labeled(desk)
    measure = desk.spec.uncertainty.measure
    found = uncertainties(desk, student_policy(desk.run), snapshots)
    done = [
        snapshot.model_copy(update={"uncertainty": each, "U": oriented(each, measure)})
        for snapshot, each in zip(snapshots, found, strict=True)
    ]
    written = keep_labels(desk, done)
    values = sorted(oriented(each, measure) for each in found)
    middle = values[len(values) // 2] if values else None
    return PhaseOutcome(
        summary={"labelled": len(done), "measure": measure, "U_median": middle}, artifacts=written
    )


def oriented(found: Uncertainty, measure: str) -> float:
    """U by one of the estimators, turned so that higher is less sure.

    `margin` and `topk_spread` become 1 minus themselves, `length_normalised` its negative.
    """
    value: float = getattr(found, measure)
    if measure in ("margin", "topk_spread"):
        return 1.0 - value
    return -value if measure == "length_normalised" else value


def uncertainties(
    desk: Desk, student: Mapping[str, Json], snapshots: Sequence[Snapshot]
) -> list[Uncertainty]:
    """All estimators of every snapshot, in order.

    Args:
        desk: Of the study.
        student: As `learn.policy_from` reads it.
        snapshots: At least the situation of each; no saved state is needed.
    """
    rows = [
        {
            "goal": each.goal,
            "observation": each.observation,
            "history": each.history,
            "actions": each.valid_actions,
        }
        for each in snapshots
    ]
    work = [
        {"policy": dict(student), "situations": rows[start : start + _SNAPSHOTS_PER_UNIT]}
        for start in range(0, len(rows), _SNAPSHOTS_PER_UNIT)
    ]
    results = desk.map("uncertainty", score_situations, work)
    return [Uncertainty.model_validate(row) for result in results for row in result]


def score_situations(work: Mapping[str, Json]) -> list[Json]:
    """One unit: the estimators of a chunk of situations."""
    turns = [
        Turn(
            situation=Situation(
                goal=row["goal"],
                observation=row["observation"],
                history=tuple(row["history"]),
                actions=tuple(row["actions"]),
            )
        )
        for row in work["situations"]
    ]
    policy: Policy = policy_from(work["policy"])
    scored = policy.logprobs(turns)
    texts = policy.per_token(turns) if isinstance(policy, ScoresTexts) else scored
    return [
        estimated(logprobs, per_token).model_dump(mode="json")
        for logprobs, per_token in zip(scored, texts, strict=True)
    ]


def estimated(logprobs: Sequence[float], per_token: Sequence[float]) -> Uncertainty:
    """Every estimator of one distribution.

    Args:
        logprobs: Natural, normalised over the valid actions, shape (A,), A >= 1; -inf for what is never
            taken.
        per_token: Log-probability of each option's text per token, nats, shape (A,); the log-probabilities
            themselves where the policy knows no tokens.
    """
    chances = sorted((math.exp(value) for value in logprobs), reverse=True)
    entropy = -sum(chance * math.log(chance) for chance in chances if chance > 0)
    likeliest = max(range(len(logprobs)), key=lambda index: logprobs[index])
    alone = len(chances) == 1
    return Uncertainty(
        entropy=_written(entropy),
        margin=1.0 if alone else _written(chances[0] - chances[1]),
        topk_spread=1.0 if alone else _written(chances[0] - chances[min(_TOP, len(chances)) - 1]),
        effective_actions=_written(math.exp(entropy)),
        length_normalised=_written(per_token[likeliest]),
        n_actions=len(chances),
    )


def _written(value: float) -> float:
    return round(value, _DIGITS) + 0.0


PHASE = Phase(
    name="uncertainty",
    doing="score how unsure the student is",
    run=label_uncertainty,
    reads=(STUDENT,),
    writes=(LABELED, LABELED_LIST),
)
