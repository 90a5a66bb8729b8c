"""What a trial comes to, and what each kind of matrix has to know about its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from honing.experiments.matrix.plan import Cell, Trial
from honing.store import Run


class TrialOutcome(StrEnum):
    """How one trial ended. Exactly one holds."""

    IMPROVED = "improved"
    """The harness scores more than its baseline."""
    NOT_IMPROVED = "not-improved"
    SCORED = "scored"
    """The model has a score on the target."""
    NO_SCORE = "no-score"
    """It ended, but no score may be reported: not calibrated, too few judged, its own budget spent."""
    INFRA_ERROR = "infra_error"
    """Ours or a provider's failure: sandbox, disk, network, gateway."""
    CRASH = "crash"
    """Anything else: the target, the project or the agent cannot be run as it is."""

    @property
    def ok(self) -> bool:
        """Whether there is a number that counts."""
        return self in (TrialOutcome.IMPROVED, TrialOutcome.NOT_IMPROVED, TrialOutcome.SCORED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a trial cost, all its sessions together."""

    tokens: int = 0
    calls: int = 0
    cost_usd: float | None = 0.0
    """None where a price is unknown: never counted as zero."""
    duration_s: float = 0.0
    """Seconds that somebody worked on it. Volatile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A trial that has a number which counts."""

    outcome: TrialOutcome
    score: float
    """Harness: of the winner, free of the luck of its selection. Measurement: the target's own metric."""
    low: float | None = None
    """Lower end of the 95% interval within the trial; None where there is none."""
    high: float | None = None
    baseline: float | None = None
    """Score of the harness as it was."""
    best: float | None = None
    """Score of the winner as it was selected."""
    spent: Spent = Spent()
    rewards: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Of each task of the target that was judged, in the order of epochs; empty where only the score is
    known."""
    bounds: tuple[float, float] = (0.0, 1.0)
    """Worst and best possible score, in increasing order."""
    rising: bool = True
    """Whether more is better."""
    columns: Mapping[str, Any] = field(default_factory=dict)
    """Further columns of its kind."""

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "outcome": self.outcome.value, "bounds": list(self.bounds)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Ended:
        """What `as_document` wrote."""
        return cls(
            **{
                **document,
                "outcome": TrialOutcome(document["outcome"]),
                "spent": Spent(**document["spent"]),
                "bounds": tuple(document["bounds"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A trial that has none."""

    outcome: TrialOutcome
    reason: str
    spent: Spent = Spent()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one trial may spend, earlier sessions of it included. None: no limit."""

    tokens: int | None = None
    cost_usd: Decimal | None = None


class TrialKind(Protocol):
    """Harness runs or measurements: how a trial of it is run and read."""

    columns: tuple[str, ...]
    """Further columns of its trials."""
    cell_columns: tuple[str, ...]
    """Further columns of its cells."""
    compared: tuple[str, ...]
    """Axes along which cells are compared in pairs."""

    def contents(self) -> dict[str, str]:
        """A hash of everything local that the axes name: what has changed is other work.

        Raises:
            HoningError: Something that is named cannot be read.
        """
        ...

    def work(self, trial: Trial, run_name: str, limits: Limits) -> None:
        """Run a trial, or go on with it, until its run is done.

        Raises:
            HoningError: It ended otherwise.
        """
        ...

    def read(self, run: Run) -> Ended:
        """What a run that is done came to.

        Raises:
            TrialError: No number of it may be counted.
        """
        ...

    def spent(self, run: Run) -> Spent:
        """What a run spent so far, whatever its state.

        Raises:
            StoreError: It cannot be read.
        """
        ...

    def of_cell(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Values of `cell_columns`, from rows of trials that have a number; there may be none."""
        ...

    def forecast(self, cell: Cell) -> dict[str, Any]:
        """What one trial of a cell would do and may cost; nothing is run.

        Raises:
            HoningError: It could not be run at all.
        """
        ...
