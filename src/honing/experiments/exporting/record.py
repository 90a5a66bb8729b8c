"""What a run is to somebody who does not know it: names with values, in the words every tracker has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number, with the ends of its interval where it has one."""

    value: float
    low: float | None = None
    high: float | None = None

    def named(self, name: str) -> dict[str, float]:
        """As plain numbers: `name`, `name/low`, `name/high`."""
        found = {name: self.value, f"{name}/low": self.low, f"{name}/high": self.high}
        return {each: value for each, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A number that was read several times."""

    name: str
    points: tuple[tuple[float, float], ...]
    """Step and value, in the order of steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Rows under named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Scalar, ...], ...]
    """Shape (R, C)."""

    def as_mappings(self) -> list[dict[str, Scalar]]:
        """Each row by column."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Everything a tracker is told of one run."""

    run_id: str
    name: str
    """Of the run's folder."""
    created: float
    """Unix time, seconds."""
    ended: float | None
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    """The run's config, flattened: `options.seed`."""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    curves: tuple[Curve, ...] = ()
    tables: Mapping[str, Grid] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    """Where each artifact lies, by its path inside the run."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""

    def numbers(self) -> dict[str, float]:
        """Every metric and every end of an interval by name."""
        return {
            name: value for base, metric in self.metrics.items() for name, value in metric.named(base).items()
        }
