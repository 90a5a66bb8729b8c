"""What a harness needs of whoever measures contracts: another system owns that, `experiments` joins them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from honing.sandbox import Cancel


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAsked:
    """One measurement under one harness."""

    target: str
    """A folder of this machine, or an address."""
    model: str
    contract: Path | None
    """A contract that replaces the target's own."""
    full: bool
    """Every row, rather than a seeded sample of the usual size."""
    limit: int | None
    """A seeded sample of this many rows instead."""
    system: str
    """System prompt; the contract's own where empty."""
    template: str
    """Text around each prompt, with `{prompt}`; the contract's own where empty."""
    overlay: Mapping[str, bytes] = field(default_factory=dict)
    """Files that replace the target's, by their paths in it."""
    folder: Path | None
    """The harness, shown to the target's own rollout commands; None where they do not read it."""
    identity: str
    """Stands for the content of the harness."""
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractMeasured:
    """What a measurement came to."""

    score: float | None
    """In the metric's own unit; None where there is none."""
    low: float
    high: float
    """Range of the metric."""
    higher_is_better: bool
    reason: str
    """Why there is no score."""
    by_harness: bool
    """Whether it is what the harness did that there is none: the target's commands failed with it."""
    cost_usd: float | None
    sandbox: str


class ContractObjective(Protocol):
    """Measures targets. Safe to use from several threads at once."""

    def measure(self, asked: ContractAsked, cancel: Cancel | None) -> ContractMeasured:
        """One measurement; the target is set up, and calibrated, once for all that differ in prompts only.

        Raises:
            HoningError: The target cannot be set up or measured, whatever the harness.
            BudgetExhaustedError: A budget is met.
            StoppedError: `cancel` was set.
        """
        ...


Contracts = Callable[[Path], AbstractContextManager[ContractObjective]]
"""Makes what measures contracts, given a folder of the run for it."""
