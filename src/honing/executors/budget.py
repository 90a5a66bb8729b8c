"""What a step may spend, and whether it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from honing.errors import UsageError
from honing.executors.base import Json
from honing.store import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one result is worth and what it cost."""

    value: float | None = None
    """For the live mean, for example the reward; None where the unit has none."""
    tokens: int = 0
    """Input and output tokens together."""
    cost_usd: float | None = None
    """None: unknown, which is never counted as zero."""


Observe = Callable[[Json], Observation]
"""Reads an observation from a result. A pure function: it is asked again for results from the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be spent, earlier sessions of the same run included. None: no limit.

    Units under way when a limit is met are finished and committed, so spending may exceed it by what they
    cost.
    """

    units: int | None = None
    """Executions of units, failed ones included. This limit is never exceeded."""
    tokens: int | None = None
    cost_usd: float | None = None
    """While a price is unknown this limit cannot be kept, so the step stops."""
    wall_s: float | None = None
    """Seconds of supervision."""
    whole_run: bool = False
    """Whether the limits hold for all steps of the run together instead of each step by itself."""

    def __post_init__(self) -> None:
        for name in ("units", "tokens", "cost_usd", "wall_s"):
            limit = getattr(self, name)
            if limit is not None and not limit >= 0:
                raise UsageError(f"budget.{name} must be at least 0, got {limit!r}.")

    @property
    def needs_observation(self) -> bool:
        """Whether results must be observed to keep it."""
        return self.tokens is not None or self.cost_usd is not None

    def exceeded(self, spent: Totals, *, wall_s: float = 0.0) -> str:
        """What is used up, as words for a message; empty while all limits hold.

        Args:
            spent: What the journal knows.
            wall_s: Seconds that are not in the journal yet.
        """
        if self.units is not None and spent.attempts >= self.units:
            return f"{self.units} units"
        if self.tokens is not None and spent.tokens >= self.tokens:
            return f"{self.tokens} tokens ({spent.tokens} spent)"
        if self.cost_usd is not None and spent.cost_unknown:
            return (
                f"${self.cost_usd:.2f}, which cannot be kept: the cost of {spent.cost_unknown} units is "
                "unknown (give "
                "a price, or a budget of tokens)"
            )
        if self.cost_usd is not None and spent.cost_usd >= self.cost_usd:
            return f"${self.cost_usd:.2f} (${spent.cost_usd:.4f} spent)"
        if self.wall_s is not None and spent.wall_s + wall_s >= self.wall_s:
            return f"{self.wall_s:g} s"
        return ""
