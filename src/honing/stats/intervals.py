"""What an interval is, and the checks that every function of this module shares."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How an interval was made. docs/statistics.md has the formula, source and limits of each."""

    WILSON = "wilson"
    MODIFIED_WILSON = "modified-wilson"
    CLOPPER_PEARSON = "clopper-pearson"
    T = "t"
    SKEW_T = "skew-adjusted-t"
    SCORE = "score"
    """Wilson's formula with the effective number of observations and Student's t: bounded means, clusters."""
    ALL_EQUAL = "all-equal"
    """No variation was seen; the limits come from how unlikely that is if there were some."""
    NEWCOMBE = "newcombe"
    NEWCOMBE_PAIRED = "newcombe-paired"
    MOVER = "mover"
    PERCENTILE = "bootstrap-percentile"
    BCA = "bootstrap-bca"
    BONETT_WRIGHT = "bonett-wright"
    BETTING = "betting"
    """A confidence sequence: holds at every sample size at once."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the values that the evidence cannot tell from it."""

    estimate: float
    low: float
    high: float
    level: float
    """Nominal two-sided confidence, such as 0.95."""
    method: Method
    n: int
    """Observations used: values, pairs, or both arms together; not clusters."""

    @property
    def half_width(self) -> float:
        """Half the distance between the limits."""
        return (self.high - self.low) / 2.0

    def contains(self, value: float) -> bool:
        """Whether `value` lies between the limits, ends included."""
        return self.low <= value <= self.high

    def scaled(self, factor: float, offset: float) -> Interval:
        """The interval of `offset + factor * x`, for a factor above 0."""
        estimate, low, high = (offset + factor * v for v in (self.estimate, self.low, self.high))
        return Interval(estimate, low, high, self.level, self.method, self.n)

    def __str__(self) -> str:
        return f"{self.estimate:.3f} [{self.low:.3f}, {self.high:.3f}]"


def check_level(level: float, name: str = "level") -> None:
    """Refuse a confidence level that is not a probability strictly between 0 and 1.

    Raises:
        ValueError: The level is 0, 1, outside, or a percentage such as 95.
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"{name}: must lie strictly between 0 and 1, got {level!r}. Write 95% as 0.95.")


def check_counts(successes: int, n: int) -> None:
    """Refuse counts that no experiment can give.

    Raises:
        ValueError: n is below 1, a count is not whole, or successes lie outside 0..n.
    """
    if not (float(n).is_integer() and float(successes).is_integer()):
        raise ValueError(f"successes, n: must be whole numbers, got {successes!r} of {n!r}.")
    if n < 1:
        raise ValueError(f"n: must be at least 1, got {n!r}. No trial was made, so there is no proportion.")
    if not 0 <= successes <= n:
        raise ValueError(f"successes: must lie between 0 and n = {n}, got {successes!r}.")


def checked_values(values: Iterable[float], name: str) -> list[float]:
    """The values as floats.

    Raises:
        ValueError: There is none, or one is NaN or infinite; the text says which.
    """
    floats = [float(value) for value in values]
    if not floats:
        raise ValueError(
            f"{name}: n = 0, expected at least one value. Nothing was observed, so nothing can be said."
        )
    for index, value in enumerate(floats):
        if not math.isfinite(value):
            raise ValueError(
                f"{name}[{index}]: must be a finite number, got {value!r}. "
                "Leave out what was not scored and report its count; do not average it."
            )
    return floats


def checked_clusters(clusters: Iterable[Hashable] | None, n: int) -> list[int]:
    """One number per value, from 0, that says which cluster it belongs to; each value its own where None.

    Raises:
        ValueError: There are not exactly n labels.
    """
    if clusters is None:
        return list(range(n))
    numbers: dict[Hashable, int] = {}
    labels = [numbers.setdefault(label, len(numbers)) for label in clusters]
    if len(labels) != n:
        raise ValueError(f"clusters: must hold one label per value, got {len(labels)} labels for {n} values.")
    return labels


def checked_pairs(a: Iterable[float], b: Iterable[float]) -> tuple[list[float], list[float]]:
    """Both arms as floats, of equal length.

    Raises:
        ValueError: The arms differ in length, are empty, or hold NaN or infinity.
    """
    first, second = checked_values(a, "a"), checked_values(b, "b")
    if len(first) != len(second):
        raise ValueError(
            f"a, b: a paired comparison needs the same tasks in the same order, "
            f"got {len(first)} and {len(second)} values."
        )
    return first, second


def is_binary(values: Sequence[float]) -> bool:
    """Whether every value is 0 or 1."""
    return all(value in (0.0, 1.0) for value in values)
