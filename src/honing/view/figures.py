"""A report's figures as SVG: the bracket, bars, dots with intervals; curves, histograms, maps are in `plots`.

A figure is drawn at a given width in CSS pixels, so the page can hold a wide and a narrow drawing and neither
is ever scaled down to unreadable text. The same figure gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from honing.store import Bars, Bracket, Dots, Estimate, Figure, HeatMap, Histogram, Lineage, Lines, Steps
from honing.view import bracket, lineage, plots, steps
from honing.view.formats import bounds, compact, estimate_text
from honing.view.svg import COLOURS, Canvas, Scale, legend_rows, text_width, ticks

_ROW = 30


def draw(figure: Figure, width: float, ident: str) -> str:
    """The figure as one `<svg>` element.

    Args:
        figure: What to draw.
        width: In CSS pixels; at least 280 for readable labels.
        ident: Unique on the page; prefix of the ids inside.
    """
    drawers: dict[type[Any], Callable[[Any, float], Canvas]] = {
        Bracket: bracket.draw,
        Bars: _bars,
        Dots: _dots,
        Lines: plots.lines,
        Histogram: plots.histogram,
        HeatMap: plots.heat_map,
        Lineage: lineage.draw,
        Steps: steps.draw,
    }
    return drawers[type(figure)](figure, width).svg(ident, figure.title, describe(figure))


def describe(figure: Figure) -> str:
    """The figure in words, for readers that cannot see it."""
    if isinstance(figure, Bracket):
        parts = [*figure.ceilings, *figure.scores, *figure.floors]
    elif isinstance(figure, Bars):
        parts = [*figure.bars]
    elif isinstance(figure, Dots):
        parts = [*figure.dots]
    elif isinstance(figure, Lineage):
        return lineage.describe(figure)
    elif isinstance(figure, Steps):
        return steps.describe(figure)
    else:
        return plots.describe(figure)
    return "; ".join(f"{part.label} {estimate_text(part)}" for part in parts)


def interval_bar(low: float, value: float | None, high: float, span: tuple[float, float]) -> str:
    """The small bar beside an interval in a table: a track, the interval, a dot, and zero if inside."""
    canvas = Canvas(72, 14)
    place = Scale(*span, 3, 69)
    canvas.line(3, 7, 69, 7, "track")
    if span[0] < 0 < span[1]:
        canvas.line(place(0), 2, place(0), 12, "zero")
    canvas.line(place(low), 7, place(high), 7, "whisker")
    if value is not None:
        canvas.circle(place(value), 7, 3.2, "dot")
    return canvas.bare("ci")


def _bars(figure: Bars, width: float) -> Canvas:
    return _rows(figure.bars, width, unit=figure.unit, base=0.0, filled=True)


def _dots(figure: Dots, width: float) -> Canvas:
    return _rows(figure.dots, width, unit=figure.unit, base=figure.reference, filled=False)


def _rows(
    estimates: tuple[Estimate, ...], width: float, *, unit: str, base: float | None, filled: bool
) -> Canvas:
    """One row per estimate: label, bar or dot with whisker, number."""
    labels = min(max([text_width(each.label, 13) for each in estimates] + [40]) + 14, width * 0.34)
    numbers = max([text_width(estimate_text(each)) for each in estimates] + [40]) + 10
    stacked = width - labels - numbers < 150
    numbers = 8.0 if stacked else numbers
    groups = list(dict.fromkeys(each.group for each in estimates))
    legend = legend_rows(groups, width) if len(groups) > 1 else []
    row, top = _ROW + (14 if stacked else 0), 8.0 + 18 * len(legend)
    bottom = top + row * len(estimates)
    canvas = Canvas(width, bottom + (46 if unit else 30))
    canvas.legend(legend)
    place = _row_axis(canvas, estimates, base, ((labels, width - numbers - 6), (top - 4, bottom)))
    if base is not None:
        canvas.line(place(base), top - 4, place(base), bottom, "axis" if filled else "reference")
    if unit:
        middle = (place.start + place.end) / 2
        canvas.label(middle, bottom + 33, unit, width * 0.6, css="tick", anchor="middle")
    for index, each in enumerate(estimates):
        y = top + row * index + _ROW / 2
        colour = f"s{groups.index(each.group) % COLOURS}"
        _row_mark(canvas, each, place, (y, colour), base=base if filled else None)
        canvas.label(labels - 10, y + 4, each.label, labels - 12, css="row-label", anchor="end")
        if stacked:
            canvas.text(place.start, y + 22, estimate_text(each), "value")
        else:
            canvas.text(width - 4, y + 4, estimate_text(each), "value", anchor="end")
    return canvas


def _row_axis(
    canvas: Canvas,
    estimates: tuple[Estimate, ...],
    base: float | None,
    box: tuple[tuple[float, float], tuple[float, float]],
) -> Scale:
    """The common scale of all rows, from its first to its last tick, with its grid."""
    (left, right), (top, bottom) = box
    ends = [end for each in estimates for end in bounds(each)] + ([] if base is None else [base])
    marks = ticks(min(ends, default=0.0), max(ends, default=1.0), 4 if right - left < 250 else 6)
    place = Scale(marks[0], marks[-1], left + 4, right - 8)
    for tick in marks:
        canvas.line(place(tick), top, place(tick), bottom, "grid")
        canvas.text(place(tick), bottom + 16, compact(tick), "tick", anchor="middle")
    return place


def _row_mark(
    canvas: Canvas, each: Estimate, place: Scale, at: tuple[float, str], *, base: float | None
) -> None:
    y, colour = at
    tip = f"{each.label}: {estimate_text(each)}"
    low, high = bounds(each)
    if base is not None:
        start, end = sorted((place(base), place(each.value)))
        canvas.rect(start, y - 8, (end - start, 16), f"bar {colour}", radius=2, tip=tip)
    if low < high:
        canvas.line(place(low), y, place(high), y, f"range {colour}{'' if base is None else ' over'}")
        for end in (low, high):
            canvas.line(
                place(end), y - 4, place(end), y + 4, f"range {colour}{'' if base is None else ' over'}"
            )
    if base is None:
        canvas.circle(place(each.value), y, 5, f"mark {colour}", tip=tip)
