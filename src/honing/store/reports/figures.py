"""Figures of a report as plain data; `view` draws them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from honing.errors import StoreError
from honing.store.reports.cells import CellKind, Interval, Tone, check_finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A named number with its interval, for figures."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    group: str = ""
    """Estimates of one group share a colour."""

    def __post_init__(self) -> None:
        check_finite(f"Estimate {self.label!r}", (self.value, self.low, self.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """Scores between their controls: the oracle at the top, the answers without knowledge at the floor."""

    title: str
    scores: tuple[Estimate, ...]
    ceilings: tuple[Estimate, ...]
    """Controls that must score near the maximum (oracle, format variants)."""
    floors: tuple[Estimate, ...]
    """Controls that must score near chance (null, shuffled)."""
    low: float = 0.0
    """Lower end of the metric's range."""
    high: float = 1.0
    chance: float | None = None
    """Declared score of guessing."""
    unit: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        check_finite(f"Bracket {self.title!r}", (self.low, self.high, self.chance))
        if self.low >= self.high:
            raise StoreError(
                f"Bracket {self.title!r}: low ({self.low!r}) must be below high ({self.high!r})."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """One bar per estimate, with its interval, from zero."""

    title: str
    bars: tuple[Estimate, ...]
    unit: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dots:
    """One row per estimate: a dot and its interval on a common scale."""

    title: str
    dots: tuple[Estimate, ...]
    reference: float | None = None
    """A vertical line to compare with (0 for differences)."""
    unit: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One point of a series, with an optional interval in y."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None
    label: str = ""
    """What it is, in its tool tip and in the figure's table."""
    named: bool = False
    """Whether the label stands beside it too: few have room."""

    def __post_init__(self) -> None:
        check_finite("Point", (self.x, self.y, self.low, self.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points that belong together."""

    name: str
    points: tuple[Point, ...]
    joined: bool = True
    """A line through the points; False draws a scatter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Series over a common x axis: curves (with bands) or scatters."""

    title: str
    series: tuple[Series, ...]
    x_label: str = ""
    y_label: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Counts of a quantity in adjoining bins."""

    title: str
    edges: tuple[float, ...]
    """Bin edges, ascending, one more than counts."""
    counts: tuple[int, ...]
    x_label: str = ""
    marks: tuple[Estimate, ...] = ()
    """Vertical lines to point out, such as a mean or a threshold."""
    caption: str = ""

    def __post_init__(self) -> None:
        check_finite(f"Histogram {self.title!r}", self.edges)
        if len(self.edges) != len(self.counts) + 1 or any(
            a >= b for a, b in zip(self.edges, self.edges[1:], strict=False)
        ):
            raise StoreError(
                f"Histogram {self.title!r}: {len(self.counts)} counts need {len(self.counts) + 1} "
                f"ascending edges, got {list(self.edges)!r}."
            )
        if any(count < 0 for count in self.counts):
            raise StoreError(
                f"Histogram {self.title!r}: counts must not be negative, got {list(self.counts)!r}."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """A matrix of values, each cell with its number."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    """Shape (rows, columns); None is an empty cell."""
    row_label: str = ""
    column_label: str = ""
    kind: CellKind = CellKind.NUMBER
    digits: int | None = None
    centre: float | None = None
    """Where colours diverge (0 for differences); None shades from the smallest to the largest value."""
    caption: str = ""

    def __post_init__(self) -> None:
        check_finite(f"HeatMap {self.title!r}", [value for row in self.values for value in row])
        shape = [len(row) for row in self.values]
        if shape != [len(self.columns)] * len(self.rows):
            raise StoreError(
                f"HeatMap {self.title!r}: rows of {shape!r} values, "
                f"expected {len(self.rows)} of {len(self.columns)}."
            )


class Shape(StrEnum):
    """What a node is drawn as, so that kinds differ without colour too."""

    DISC = "disc"
    RING = "ring"
    SQUARE = "square"
    TRIANGLE = "triangle"
    DIAMOND = "diamond"
    CROSS = "cross"
    PLUS = "plus"
    DASH = "dash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step of a lineage."""

    id: str
    position: int
    """Place along the x axis; the same for nodes of different groups that were made side by side."""
    value: float | None
    """None where there is none: such nodes stand in a row of their own below the axis."""
    parents: tuple[str, ...] = ()
    """The node it was made from first; others that it was made from as well."""
    group: str = ""
    """Groups are drawn one below the other; a node without one is in all of them."""
    kind: str
    """What it is, for the legend. Nodes of one kind have the same shape and tone."""
    shape: Shape = Shape.DISC
    tone: Tone = Tone.NEUTRAL
    label: str = ""
    """Written beside it; few nodes have one."""
    strong: bool = False
    """Whether the edge to its first parent is drawn heavily."""

    def __post_init__(self) -> None:
        check_finite(f"Node {self.id!r}", (self.value,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """What was made from what, by order along x and value along y."""

    title: str
    nodes: tuple[Node, ...]
    x_label: str = ""
    y_label: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One state of something that was changed in steps: its score, and what the step brought."""

    label: str
    """What was done ("baseline", "+ harness")."""
    value: float
    low: float | None = None
    high: float | None = None
    gain: Interval | None = None
    """Over the last step that was taken, on the same tasks."""
    taken: bool = True
    """Whether what follows builds on it. Others are drawn hollow, beside the way."""
    word: str = ""
    """How it ended ("kept", "rejected")."""
    tone: Tone = Tone.NEUTRAL
    """Of the word."""
    note: str = ""
    """One short line below, such as what the step cost."""

    def __post_init__(self) -> None:
        check_finite(f"Step {self.label!r}", (self.value, self.low, self.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """A stair: from the score before all steps to the score after them, each with its interval and gain."""

    title: str
    steps: tuple[Step, ...]
    y_label: str = ""
    reference: float | None = None
    """A horizontal line to compare with, such as what an expert scores."""
    reference_label: str = ""
    caption: str = ""

    def __post_init__(self) -> None:
        check_finite(f"Steps {self.title!r}", (self.reference,))


Figure = Bracket | Bars | Dots | Lines | Histogram | HeatMap | Lineage | Steps
