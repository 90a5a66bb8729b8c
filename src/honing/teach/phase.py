"""What a phase is, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from honing.teach.desk import Desk

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """Something that should hold, with the number that decides it."""

    name: str
    """Short and unique: "cpt_spearman"."""
    sentence: str
    """What should hold, with its threshold: "Spearman of ELP with the gain of micro-training is at least 0.3
    (2 steps at 1e-3)."."""
    value: float | None
    """What was found; None where it could not be computed, and then `note` says why."""
    low: float | None = None
    high: float | None = None
    """95% interval of `value`."""
    n: int | None = None
    met: bool | None
    """None where the data decide nothing."""
    decides: bool = True
    """Whether the exit code follows it; others are shown beside."""
    note: str = ""

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseOutcome:
    """How one phase ended."""

    summary: Mapping[str, Json]
    """Figures of the phase for the table on the terminal, a handful."""
    criteria: tuple[Criterion, ...] = ()
    artifacts: tuple[str, ...] = ()
    """What it wrote, relative to the run."""

    @property
    def unmet(self) -> tuple[Criterion, ...]:
        """Criteria that decide the exit code and are not met."""
        return tuple(criterion for criterion in self.criteria if criterion.decides and criterion.met is False)

    def as_document(self) -> dict[str, Json]:
        """As plain data."""
        return {
            "summary": dict(self.summary),
            "criteria": [criterion.as_document() for criterion in self.criteria],
            "artifacts": list(self.artifacts),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Json]) -> PhaseOutcome:
        """The outcome that `as_document` wrote."""
        return cls(
            summary=document["summary"],
            criteria=tuple(Criterion(**criterion) for criterion in document["criteria"]),
            artifacts=tuple(document["artifacts"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a phase would take, for `--dry-run`."""

    episodes: int = 0
    calls: int = 0
    """Of the teacher or of a chat model, at most."""
    tokens: int = 0
    usd: Decimal | None = None
    """Of these calls, at most, where the phase knows better than by its tokens and the teacher's price."""
    optimiser_steps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One step of a study. It reads artifacts of the run and writes others: nothing else passes between
    phases, so any phase can be run alone."""

    name: str
    """As in `hone teach <name>` and `--until`."""
    doing: str
    """For progress: "label uncertainty"."""
    run: Callable[[Desk], PhaseOutcome]
    reads: tuple[str, ...] = ()
    """Artifacts it needs, relative to the run."""
    writes: tuple[str, ...] = ()
    cost: Callable[[Desk], Cost] = field(default=lambda _: Cost())
