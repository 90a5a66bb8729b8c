"""What training changed inside one decision: the first action, and where the probability went."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from honing.stats import Interval
from honing.teach.evaluation.estimates import difference, mean
from honing.teach.evaluation.players import BASE
from honing.teach.snapshot import Quadrant

Distribution = tuple[float, ...]
"""Log-probabilities over the valid actions of one state, nats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A held-out failure snapshot with what the teacher would do there."""

    cluster: str
    quadrant: str
    teacher: int
    """Index of the teacher's action among the valid ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """One player on the probes of one quadrant, or of all."""

    run_id: str
    quadrant: str
    """Empty for all."""
    n: int
    correct: Interval | None
    """Share of probes where the likeliest action is the teacher's."""
    probability: float
    """Mean probability of the teacher's action."""
    shift: Interval | None
    """By how much that grew over the base's; None for the base itself."""


def mechanisms(probes: Sequence[Probe], scored: dict[str, list[Distribution]]) -> list[Mechanism]:
    """What each player does at the probes, over all of them and per quadrant.

    Args:
        probes: The states.
        scored: By run id, the base among them: one distribution per probe.
    """
    found = []
    for run_id, rows in scored.items():
        for quadrant in ("", *(quadrant.value for quadrant in Quadrant)):
            chosen = [n for n, probe in enumerate(probes) if quadrant in ("", probe.quadrant)]
            if chosen:
                found.append(_mechanism(run_id, quadrant, chosen, probes, (rows, scored[BASE])))
    return found


def divergence(before: Distribution, after: Distribution) -> float:
    """KL(before || after) in nats: how surprising the base's behaviour is to the trained student. A
    probability that went to 0 counts as e^-50."""
    return sum(
        math.exp(old) * (old - max(new, -50.0))
        for old, new in zip(before, after, strict=True)
        if old > float("-inf")
    )


def _mechanism(
    run_id: str,
    quadrant: str,
    chosen: Sequence[int],
    probes: Sequence[Probe],
    rows: tuple[list[Distribution], list[Distribution]],
) -> Mechanism:
    here, base = rows
    clusters = [probes[n].cluster for n in chosen]
    now = [min(1.0, math.exp(here[n][probes[n].teacher])) for n in chosen]
    then = [min(1.0, math.exp(base[n][probes[n].teacher])) for n in chosen]
    correct = [float(_likeliest(here[n]) == probes[n].teacher) for n in chosen]
    return Mechanism(
        run_id=run_id,
        quadrant=quadrant,
        n=len(chosen),
        correct=mean(correct, clusters),
        probability=sum(now) / len(now),
        shift=None if run_id == BASE else difference(now, then, clusters),
    )


def _likeliest(row: Distribution) -> int:
    return max(range(len(row)), key=lambda index: row[index])
