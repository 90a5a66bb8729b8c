"""What the heads of the predictor learn: the labels of snapshots as numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from honing.teach.snapshot import Quadrant, Route, Snapshot

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

NUMBERS: tuple[str, ...] = ("ELP_net", "L_local", "L_upper", "U", "d_force", "d_expert")
"""Heads that predict a number."""
CLASSES: Mapping[str, tuple[str, ...]] = {
    "quadrant": tuple(Quadrant),
    "route": tuple(Route),
}
"""Heads that predict probabilities, and of what."""
UNKNOWN = -1
"""Class of a snapshot that has no such label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Labels of N snapshots."""

    numbers: Mapping[str, Floats]
    """By head, shape (N,); NaN where there is no label."""
    classes: Mapping[str, Integers]
    """By head, shape (N,): index in `CLASSES`, or `UNKNOWN`."""

    def rows(self, places: Sequence[int] | Integers) -> Targets:
        """The labels of some of them."""
        import numpy as np

        at = np.asarray(places, dtype=np.int64)
        return Targets(
            numbers={name: values[at] for name, values in self.numbers.items()},
            classes={name: values[at] for name, values in self.classes.items()},
        )


def targets_of(snapshots: Sequence[Snapshot]) -> Targets:
    """The labels of snapshots; what was not measured has none."""
    import numpy as np

    return Targets(
        numbers={
            name: np.array([_nan(_number(snapshot, name)) for snapshot in snapshots], dtype=np.float64)
            for name in NUMBERS
        },
        classes={
            name: np.array([_class(snapshot, name) for snapshot in snapshots], dtype=np.int64)
            for name in CLASSES
        },
    )


def _number(snapshot: Snapshot, name: str) -> float | None:
    if name == "U":
        return snapshot.U
    if name == "ELP_net":
        return snapshot.cpt.ELP_net if snapshot.cpt else None
    found: float | None = getattr(snapshot.leverage, name) if snapshot.leverage else None
    return found


def _nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _class(snapshot: Snapshot, name: str) -> int:
    if name == "quadrant":
        label: str | None = snapshot.quadrant
    else:
        label = snapshot.cpt.route_net if snapshot.cpt else None
    return CLASSES[name].index(label) if label is not None else UNKNOWN
