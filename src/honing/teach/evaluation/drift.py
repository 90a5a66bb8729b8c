"""The gate after training: a run that forgets too much, or moves too far from the base, is not kept.

Two fixed panels decide. Retention: tasks that the base solves greedily. Shift: states of the base's
successful episodes, where nothing needed to change; how far a run's distribution moved there is
KL(base || run). The same divergence on failing states is shown beside: there a change is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from honing.stats import Interval
from honing.teach.evaluation.estimates import document, mean
from honing.teach.evaluation.mechanism import Distribution, divergence

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """What a run may lose."""

    retention_drop: float = 0.10
    """Drop of the share of retention tasks that are solved; a run at the limit is beyond it."""
    kl_nats: float = 0.5
    """Mean KL(base || run) on succeeding states."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far one run went."""

    run_id: str
    retention_drop: Interval | None
    """None where there is no retention panel."""
    kl_succeeding: Interval | None
    """Nats; None where there are no succeeding states."""
    kl_failing: Interval | None
    beyond: tuple[str, ...]
    """Each limit that is exceeded, in words; empty for a run that is kept."""

    @property
    def kept(self) -> bool | None:
        """Whether the run passes the gate; None where nothing of it could be measured."""
        if self.retention_drop is None and self.kl_succeeding is None:
            return None
        return not self.beyond

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return {
            "retention_drop": document(self.retention_drop),
            "kl_succeeding": document(self.kl_succeeding),
            "kl_failing": document(self.kl_failing),
            "kept": self.kept,
            "beyond": list(self.beyond),
        }


def judge(
    run_id: str,
    retention_drop: Interval | None,
    kl_succeeding: Interval | None,
    kl_failing: Interval | None,
    limits: DriftLimits,
) -> Drift:
    """Hold a run against the limits. The estimates decide; their intervals are shown."""
    beyond = []
    if retention_drop is not None and retention_drop.estimate >= limits.retention_drop:
        beyond.append(
            f"retention drop {retention_drop.estimate:.3f}, the limit is {limits.retention_drop:.2f}"
        )
    if kl_succeeding is not None and kl_succeeding.estimate > limits.kl_nats:
        beyond.append(
            f"shift on succeeding states {kl_succeeding.estimate:.3f} nats, the limit is {limits.kl_nats:.2f}"
        )
    return Drift(
        run_id=run_id,
        retention_drop=retention_drop,
        kl_succeeding=kl_succeeding,
        kl_failing=kl_failing,
        beyond=tuple(beyond),
    )


def shift(
    before: Sequence[Distribution], after: Sequence[Distribution], clusters: Sequence[str]
) -> Interval | None:
    """Mean KL(before || after) over states, nats, with its interval over tasks; None without two tasks."""
    return mean([divergence(old, new) for old, new in zip(before, after, strict=True)], clusters, bounds=None)
