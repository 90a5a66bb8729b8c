"""What a hypothesis and a claim are, and the one rule by which numbers decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

Json = Any

WORTH = 0.05
"""Difference of success below which nobody would care: where the whole interval lies below it, an advantage
is refuted, not merely unseen."""


class Verdict(StrEnum):
    """What the data say of a hypothesis. Exactly one holds."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    """The data speak against it: what was claimed lies outside the interval."""
    NOT_DECIDED = "not decided"
    """The data are compatible with both, or are not there; `note` says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One number and how sure it is."""

    effect: float | None = None
    low: float | None = None
    high: float | None = None
    """95% interval."""
    n: int | None = None
    """Observations."""
    p: float | None = None
    test: str = ""
    """How it was tested."""

    @classmethod
    def of(cls, found: Mapping[str, Json] | None, test: str, *, p: float | None = None) -> Finding:
        """From an interval as artifacts hold it."""
        if not found or found.get("estimate") is None:
            return cls(test=test)
        return cls(
            effect=found["estimate"],
            low=found.get("low"),
            high=found.get("high"),
            n=found.get("n"),
            p=p,
            test=test,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One of H1 to H7, answered."""

    id: str
    sentence: str
    """What it says, with its threshold."""
    effect_name: str
    """What `found.effect` is."""
    found: Finding
    verdict: Verdict
    p_holm: float | None = None
    """`found.p` corrected over the hypotheses that have a p of their own."""
    details: Mapping[str, Json] = field(default_factory=dict)
    note: str = ""

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return {**_flat(self), "details": dict(self.details)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence that a report may print, with what it rests on."""

    id: str
    topic: str
    """`labels`, `phase 1A`, `validation`, `predictor`, `selection`, `not tested`."""
    sentence: str
    """Says what was found, not what was hoped."""
    claimed: str
    """What was to be shown."""
    found: Finding
    holds: bool | None
    """Whether what was to be shown holds; None where the data decide nothing, or it was not tested."""
    note: str = ""

    def as_document(self) -> dict[str, Json]:
        """As plain data, a row of `claims.json`."""
        return _flat(self)


def above(found: Finding, threshold: float = 0.0, *, margin: float = WORTH) -> Verdict:
    """Is an effect at least a threshold, and surely above zero?

    Supported where the estimate reaches the threshold and the interval lies above zero; not supported where
    the interval lies below the threshold (below `margin` for a threshold of zero); else not decided.
    """
    if found.effect is None or found.low is None or found.high is None:
        return Verdict.NOT_DECIDED
    if found.effect >= threshold and found.low > 0:
        return Verdict.SUPPORTED
    return Verdict.NOT_SUPPORTED if found.high < (threshold or margin) else Verdict.NOT_DECIDED


def holds(verdict: Verdict) -> bool | None:
    """A verdict as a truth value."""
    return {Verdict.SUPPORTED: True, Verdict.NOT_SUPPORTED: False}.get(verdict)


def _flat(record: Hypothesis | Claim) -> dict[str, Json]:
    document = asdict(record)
    return {**{name: value for name, value in document.items() if name != "found"}, **document["found"]}
