"""Figures for print, PDF and PNG, from the same plain data that the page draws. Same data, same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from honing.errors import MissingToolError, UsageError
from honing.store import Bars, Dots, Estimate, Figure, HeatMap, Histogram, Lines, Series

_INKS = ("#1f5a96", "#c2571a", "#2e7d4f", "#8a3d8f", "#6b6b6b", "#a8862a", "#16818a", "#b03050")
"""Told apart also without colour vision by their lightness, and by their markers."""
_MARKERS = "osD^vPX*"
_FONT = 9.0
_WIDTH_IN = 6.4
_ROW_IN = 0.28
_PNG_DPI = 150
_STYLE: Mapping[str, Any] = {
    "font.size": _FONT,
    "axes.titlesize": _FONT + 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "honing",
    "figure.constrained_layout.use": True,
}


def drawn(figure: Figure) -> dict[str, bytes]:
    """A figure as files, by suffix: `pdf` and `png`.

    Raises:
        MissingToolError: matplotlib is not installed.
        UsageError: It is of a kind that is drawn on the page only.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure as Sheet
    except ImportError as error:
        raise MissingToolError("figures need the extra `teach`: pip install 'honing[teach]'") from error
    draw = _DRAWERS.get(type(figure))
    if draw is None:
        raise UsageError(f"A {type(figure).__name__} is drawn on the page only.")
    with rc_context(dict(_STYLE)):
        sheet = Sheet(figsize=(_WIDTH_IN, _height(figure)))
        FigureCanvasAgg(sheet)
        axes = sheet.add_subplot()
        draw(axes, figure)
        axes.set_title(_wrapped(figure.title), loc="left")
        if figure.caption:
            sheet.supxlabel(_wrapped(figure.caption, 110), fontsize=_FONT - 2, color="#555555")
        return {
            # Neither date nor version: the same data gives the same bytes.
            "pdf": _saved(sheet, "pdf", {"Creator": None, "Producer": None, "CreationDate": None}),
            "png": _saved(sheet, "png", {"Software": None}),
        }


def _saved(sheet: Any, kind: str, metadata: Mapping[str, None]) -> bytes:
    stream = io.BytesIO()
    sheet.savefig(stream, format=kind, dpi=_PNG_DPI, metadata=dict(metadata))
    return stream.getvalue()


def _height(figure: Figure) -> float:
    match figure:
        case Bars(bars=rows) | Dots(dots=rows):
            return 1.3 + _ROW_IN * len(rows)
        case HeatMap(rows=rows):
            return 1.6 + 1.4 * _ROW_IN * len(rows)
        case _:
            return 4.0


def _estimates(axes: Any, rows: Sequence[Estimate], unit: str, *, bars: bool) -> None:
    groups = list(dict.fromkeys(row.group for row in rows))
    for place, row in enumerate(rows):
        ink = _INKS[groups.index(row.group) % len(_INKS)]
        reach = _reach(row.value, row.low, row.high)
        if bars:
            axes.barh(place, row.value, height=0.6, color=ink, alpha=0.55)
            axes.errorbar(row.value, place, xerr=reach, color="#222222", capsize=2, linewidth=1.0)
        else:
            mark = _MARKERS[groups.index(row.group) % len(_MARKERS)]
            axes.errorbar(row.value, place, xerr=reach, color=ink, fmt=mark, markersize=5, capsize=2)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(unit)
    if any(groups):
        _legend_of_groups(axes, groups)


def _legend_of_groups(axes: Any, groups: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color=_INKS[i % len(_INKS)], marker=_MARKERS[i % len(_MARKERS)], linestyle="")
        for i in range(len(groups))
    ]
    axes.legend(marks, groups, loc="best", fontsize=_FONT - 2)


def _reach(value: float, low: float | None, high: float | None) -> list[list[float]] | None:
    """Lengths of an interval's two arms, shape (2, 1); None where there is none."""
    if low is None or high is None:
        return None
    return [[max(0.0, value - low)], [max(0.0, high - value)]]


def _bars(axes: Any, figure: Bars) -> None:
    _estimates(axes, figure.bars, figure.unit, bars=True)
    axes.axvline(0.0, color="#222222", linewidth=0.8)


def _dots(axes: Any, figure: Dots) -> None:
    _estimates(axes, figure.dots, figure.unit, bars=False)
    if figure.reference is not None:
        axes.axvline(figure.reference, color="#222222", linewidth=0.8, linestyle="--")


def _lines(axes: Any, figure: Lines) -> None:
    for index, series in enumerate(figure.series):
        _series(axes, series, _INKS[index % len(_INKS)], _MARKERS[index % len(_MARKERS)])
    axes.set_xlabel(figure.x_label)
    axes.set_ylabel(figure.y_label)
    if len(figure.series) > 1:
        axes.legend(loc="best", fontsize=_FONT - 2)


def _series(axes: Any, series: Series, ink: str, mark: str) -> None:
    x, y = [point.x for point in series.points], [point.y for point in series.points]
    if series.joined:
        axes.plot(x, y, color=ink, marker=mark, markersize=3, label=series.name)
    else:
        axes.scatter(x, y, color=ink, marker=mark, s=14, alpha=0.65, linewidths=0, label=series.name)
    for point in series.points:
        if point.low is not None and point.high is not None:
            reach = _reach(point.y, point.low, point.high)
            axes.errorbar(point.x, point.y, yerr=reach, color=ink, capsize=2, linewidth=0.8)


def _histogram(axes: Any, figure: Histogram) -> None:
    widths = [high - low for low, high in zip(figure.edges, figure.edges[1:], strict=False)]
    axes.bar(figure.edges[:-1], figure.counts, width=widths, align="edge", color=_INKS[0], alpha=0.7)
    for index, mark in enumerate(figure.marks, 1):
        axes.axvline(mark.value, color=_INKS[index], linestyle="--", label=f"{mark.label} {mark.value:.3g}")
    axes.set_xlabel(figure.x_label)
    axes.set_ylabel("count")
    if figure.marks:
        axes.legend(loc="best", fontsize=_FONT - 2)


def _heat_map(axes: Any, figure: HeatMap) -> None:
    import numpy as np

    values = np.array([[np.nan if v is None else v for v in row] for row in figure.values], dtype=float)
    known = values[~np.isnan(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if figure.centre is not None:
        span = max(abs(low - figure.centre), abs(high - figure.centre)) or 1.0
        low, high = figure.centre - span, figure.centre + span
    shades = "RdBu" if figure.centre is not None else "Blues"
    axes.imshow(values, cmap=shades, vmin=low, vmax=high if high > low else low + 1.0, aspect="auto")
    axes.grid(visible=False)
    axes.set_xticks(range(len(figure.columns)), figure.columns)
    axes.set_yticks(range(len(figure.rows)), figure.rows)
    axes.set_xlabel(figure.column_label)
    axes.set_ylabel(figure.row_label)
    digits = 2 if figure.digits is None else figure.digits
    for (row, column), value in np.ndenumerate(values):
        text = "-" if np.isnan(value) else f"{value:.{digits}f}"
        dark = not np.isnan(value) and abs(value - low) > 0.75 * (high - low)
        far = dark or (figure.centre is not None and abs(value - low) < 0.25 * (high - low))
        axes.text(column, row, text, ha="center", va="center", color="white" if far else "#222222")


_DRAWERS: Mapping[type, Callable[[Any, Any], None]] = {
    Bars: _bars,
    Dots: _dots,
    Lines: _lines,
    Histogram: _histogram,
    HeatMap: _heat_map,
}


def _wrapped(text: str, width: int = 80) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
