"""How U and L_local are distributed: what one looks at before choosing thresholds by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.errors import MissingToolError
from honing.store import json_bytes, write_atomic
from honing.teach.labels.reliability import correlation
from honing.teach.snapshot import Quadrant, Snapshot

Json = Any

PLOTS = "phase1/threshold_plots"
QUANTILES = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 1.0)
_BINS = 24
_HIGH, _LOW, _LINE = "#b5482a", "#3d6b8e", "#333333"


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One histogram as plain data."""

    name: str
    values: tuple[float, ...]
    threshold: float | None = None


def axes_of(
    snapshots: Sequence[Snapshot], thresholds: tuple[float, float] | None = None
) -> tuple[Axis, Axis]:
    """U and L_local of the training snapshots that have both, in order.

    Args:
        snapshots: Labelled.
        thresholds: Of U and of L_local, to be drawn.
    """
    both = _both(snapshots)
    high_u, high_l = thresholds or (None, None)
    return (
        Axis(name="U", values=tuple(u for u, _, _ in both), threshold=high_u),
        Axis(name="L_local", values=tuple(local for _, local, _ in both), threshold=high_l),
    )


def quantiles_of(snapshots: Sequence[Snapshot]) -> dict[str, Json]:
    """The contents of `quantiles.json`: of the training snapshots that have U and L_local."""
    uncertainty, local = axes_of(snapshots)
    return {
        "n": len(uncertainty.values),
        "U": {str(q): quantile(uncertainty.values, q) for q in QUANTILES},
        "L_local": {str(q): quantile(local.values, q) for q in QUANTILES},
        "L_local_zero": sum(value == 0 for value in local.values),
        "spearman_U_L_local": correlation(uncertainty.values, local.values),
    }


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which a share lies, between neighbours by their distance (Hyndman and Fan's type 7);
    None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def write_threshold_plots(
    snapshots: Sequence[Snapshot], folder: Path, *, thresholds: tuple[float, float] | None = None
) -> list[Path]:
    """Write `quantiles.json` and the three pictures.

    Args:
        snapshots: Labelled.
        folder: Where; made where it is missing.
        thresholds: Of U and of L_local, drawn as lines.

    Raises:
        MissingToolError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    quantiles = folder / "quantiles.json"
    write_atomic(quantiles, json_bytes(quantiles_of(snapshots)))
    return [quantiles, *threshold_figures(snapshots, folder, thresholds=thresholds)]


def threshold_figures(
    snapshots: Sequence[Snapshot], folder: Path, *, thresholds: tuple[float, float] | None = None
) -> list[Path]:
    """Draw `hist_U.png`, `hist_L.png` and `scatter_U_L.png`; the same snapshots give the same bytes.

    Args:
        snapshots: Labelled.
        folder: Where; made where it is missing.
        thresholds: Of U and of L_local, drawn as lines.

    Returns:
        What was drawn; nothing where no snapshot has both labels.

    Raises:
        MissingToolError: matplotlib is not installed.
    """
    both = _both(snapshots)
    if not both:
        return []
    try:
        from matplotlib import rc_context, rcdefaults
    except ImportError as error:
        raise MissingToolError(
            "Threshold plots need the extra `teach`: pip install 'honing[teach]'."
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    uncertainty, local = axes_of(snapshots, thresholds)
    with rc_context():
        # A user's own settings would be other bytes.
        rcdefaults()
        return [
            _histogram(folder / "hist_U.png", uncertainty, "uncertainty U"),
            _histogram(folder / "hist_L.png", local, "actionability L_local"),
            _scatter(folder / "scatter_U_L.png", both, thresholds),
        ]


def _both(snapshots: Sequence[Snapshot]) -> list[tuple[float, float, Quadrant | None]]:
    return [
        (each.U, each.leverage.L_local, each.quadrant)
        for each in snapshots
        if each.split == "train" and each.U is not None and each.leverage is not None
    ]


def _histogram(path: Path, axis: Axis, label: str) -> Path:
    figure, plot = _canvas(label, "snapshots")
    plot.hist(axis.values, bins=_BINS, color=_LOW, edgecolor="white", linewidth=0.4)
    if axis.threshold is not None:
        plot.axvline(axis.threshold, color=_LINE, linestyle="--", linewidth=1)
        plot.set_title(f"n = {len(axis.values)}, threshold {axis.threshold:.3g}", fontsize=10)
    return _saved(figure, path)


def _scatter(
    path: Path, both: Sequence[tuple[float, float, Quadrant | None]], thresholds: tuple[float, float] | None
) -> Path:
    figure, plot = _canvas("uncertainty U", "actionability L_local")
    high = (Quadrant.Q1, Quadrant.Q4)
    for chosen, colour in ((True, _HIGH), (False, _LOW)):
        points = [(u, local) for u, local, quadrant in both if (quadrant in high) is chosen]
        plot.scatter([u for u, _ in points], [local for _, local in points], s=12, alpha=0.6, color=colour)
    if thresholds is not None:
        plot.axvline(thresholds[0], color=_LINE, linestyle="--", linewidth=1)
        plot.axhline(thresholds[1], color=_LINE, linestyle="--", linewidth=1)
    plot.set_title(f"n = {len(both)}", fontsize=10)
    return _saved(figure, path)


def _canvas(across: str, up: str) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.6), dpi=120, layout="tight")
    FigureCanvasAgg(figure)
    plot = figure.add_subplot()
    plot.set_xlabel(across)
    plot.set_ylabel(up)
    for side in ("top", "right"):
        plot.spines[side].set_visible(False)
    return figure, plot


def _saved(figure: Any, path: Path) -> Path:
    # Without a date and without the library's version the bytes follow from the points alone.
    metadata: Mapping[str, None] = {"Software": None}
    figure.savefig(path, format="png", metadata=metadata)
    return path
