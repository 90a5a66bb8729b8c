"""What changed between two measurements of the same tasks, and how sure one can be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from honing.errors import UsageError
from honing.stats import paired_difference


class Direction(StrEnum):
    """What a paired interval says of a change. Exactly one holds."""

    BETTER = "better"
    """The interval lies above 0."""
    WORSE = "worse"
    """It lies below 0."""
    UNDECIDED = "undecided"
    """It holds 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """After minus before, over the tasks that both measured, higher is better."""

    before: float
    """Mean score over the pairs."""
    after: float
    difference: float
    low: float
    """Lower end of the paired 95% interval of the difference."""
    high: float
    tasks: int
    pairs: int
    """Tasks times repeats."""
    gained: int
    """Pairs that score higher after."""
    lost: int
    """Pairs that score lower after."""
    unpaired: int
    """Scores of one side that the other lacks; they count for nothing."""

    @property
    def direction(self) -> Direction:
        if self.low > 0:
            return Direction.BETTER
        return Direction.WORSE if self.high < 0 else Direction.UNDECIDED

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "before": self.before,
            "after": self.after,
            "difference": self.difference,
            "ci95": [self.low, self.high],
            "direction": self.direction.value,
            "tasks": self.tasks,
            "pairs": self.pairs,
            "gained": self.gained,
            "lost": self.lost,
            "unpaired": self.unpaired,
        }


def paired_change(
    before: Mapping[str, Sequence[float]],
    after: Mapping[str, Sequence[float]],
    *,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> Change:
    """Compare two measurements, each task with itself.

    Args:
        before: Scores of each task by its id, in the order of seeds; the same seeds in `after`.
        after: Likewise.
        bounds: Range of one score; None where it has none.

    Raises:
        UsageError: They share no task.
    """
    shared = [task for task in before if task in after]
    pairs = [(task, b, a) for task in shared for b, a in zip(before[task], after[task], strict=False)]
    if not pairs:
        raise UsageError("Two measurements without a common task cannot be compared; measure the same tasks.")
    found = paired_difference(
        [a for _, _, a in pairs],
        [b for _, b, _ in pairs],
        clusters=None if len(pairs) == len(shared) else [task for task, _, _ in pairs],
        bounds=bounds,
    )
    every = sum(map(len, before.values())) + sum(map(len, after.values()))
    return Change(
        before=math.fsum(b for _, b, _ in pairs) / len(pairs),
        after=math.fsum(a for _, _, a in pairs) / len(pairs),
        difference=found.estimate,
        low=found.low,
        high=found.high,
        tasks=len(shared),
        pairs=len(pairs),
        gained=sum(a > b for _, b, a in pairs),
        lost=sum(a < b for _, b, a in pairs),
        unpaired=every - 2 * len(pairs),
    )
