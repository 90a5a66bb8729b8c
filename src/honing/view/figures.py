"""A report's figures as SVG: the bracket, bars, dots with intervals; curves, histograms, maps are in `plots`.

A figure is drawn at a given width in CSS pixels, so the page can hold a wide and a narrow drawing and neither
is ever scaled down to unreadable text. The same figure gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from honing.store import Bars, Bracket, Dots, Estimate, Figure, HeatMap, Histogram, Lines
from honing.view import plots
from honing.view.formats import compact, figures_for, number
from honing.view.svg import Canvas, Scale, apart, text_width, ticks

_ROW = 30
_GROUPS = 6


def draw(figure: Figure, width: float, ident: str) -> str:
    """The figure as one `<svg>` element.

    Args:
        figure: What to draw.
        width: In CSS pixels; at least 280 for readable labels.
        ident: Unique on the page; prefix of the ids inside.
    """
    drawers: dict[type[Any], Callable[[Any, float], Canvas]] = {
        Bracket: _bracket,
        Bars: _bars,
        Dots: _dots,
        Lines: plots.lines,
        Histogram: plots.histogram,
        HeatMap: plots.heat_map,
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
    else:
        return plots.describe(figure)
    return "; ".join(f"{part.label} {estimate_text(part)}" for part in parts)


def estimate_text(estimate: Estimate) -> str:
    """`0.731 [0.665, 0.790]`."""
    digits = figures_for(estimate.value, *_bounds(estimate))
    value = number(float(estimate.value), digits=digits)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (number(float(end), digits=digits) for end in (estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


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


def _bracket(figure: Bracket, width: float) -> Canvas:
    height, top, left = 292.0, 18.0, 40.0
    names = [_control_text(control) for control in (*figure.ceilings, *figure.floors)]
    right = min(max([text_width(name) for name in names] + [60]) + 26, width * 0.42)
    bottom = height - (34 if len(figure.scores) > 1 else 16)
    canvas = Canvas(width, height)
    place = Scale(figure.low, figure.high, bottom, top)
    inner = width - right
    for tick in _bracket_ticks(figure):
        canvas.line(left, place(tick), inner, place(tick), "grid")
        canvas.text(left - 8, place(tick) + 4, compact(tick), "tick", anchor="end")
    _zones(canvas, figure, place, (left, inner))
    _controls(canvas, figure, place, (left, inner))
    slot = (inner - left) / max(len(figure.scores), 1)
    for index, score in enumerate(figure.scores):
        _bracket_score(
            canvas, score, place, (left + slot * (index + 0.5), slot), lone=len(figure.scores) == 1
        )
        if len(figure.scores) > 1:
            canvas.label(left + slot * (index + 0.5), height - 8, score.label, slot - 8, anchor="middle")
    return canvas


def _bracket_ticks(figure: Bracket) -> list[float]:
    return [tick for tick in ticks(figure.low, figure.high, 6) if figure.low <= tick <= figure.high]


def _zones(canvas: Canvas, figure: Bracket, place: Scale, across: tuple[float, float]) -> None:
    """Shade what the controls without knowledge reach, and mark declared chance."""
    left, right = across
    reached = max([figure.chance or figure.low, figure.low, *(_top(each) for each in figure.floors)])
    canvas.rect(left, place(reached), (right - left, place(figure.low) - place(reached)), "floor-zone")
    if figure.ceilings:
        lowest = min(control.value for control in figure.ceilings)
        canvas.text(left + 6, place(lowest) + 14, "given every answer", "tick")
    if figure.floors:
        canvas.text(left + 6, place(reached) - 6, "given no answer", "tick")
    if figure.chance is not None:
        canvas.line(left, place(figure.chance), right, place(figure.chance), "chance")
        if place(figure.low) - place(figure.chance) > 18:
            canvas.text(left + 6, place(figure.chance) + 13, f"chance {compact(figure.chance)}", "tick")


def _controls(canvas: Canvas, figure: Bracket, place: Scale, across: tuple[float, float]) -> None:
    left, right = across
    marked = [(control, "ceiling") for control in figure.ceilings]
    marked += [(control, "floor") for control in figure.floors]
    marked.sort(key=lambda pair: (place(pair[0].value), pair[0].label))
    wanted = [place(control.value) for control, _ in marked]
    for (control, css), label_y in zip(marked, apart(wanted, 16, 12, canvas.height - 6), strict=True):
        y = place(control.value)
        canvas.line(left, y, right, y, css)
        canvas.path([(right, y), (right + 8, y), (right + 14, label_y)], f"leader {css}")
        canvas.label(right + 18, label_y + 4, _control_text(control), canvas.width - right - 18, css=css)


def _bracket_score(
    canvas: Canvas, score: Estimate, place: Scale, slot: tuple[float, float], *, lone: bool
) -> None:
    x, room = slot
    low, high = _bounds(score)
    half = min(room * 0.3, 34)
    canvas.rect(x - half, place(high), (2 * half, place(low) - place(high)), "score-band", radius=3)
    canvas.line(x, place(high), x, place(low), "score-whisker")
    canvas.circle(x, place(score.value), 6, "score-dot", tip=f"{score.label}: {estimate_text(score)}")
    if lone:
        canvas.text(x + half + 8, place(score.value) + 5, number(float(score.value)), "score-text")
        return
    # Above the interval, unless it would leave the plot; then below.
    above = place(high) - 7
    y = above if above > 14 else place(low) + 16
    canvas.text(x, y, number(float(score.value)), "score-text small", anchor="middle")


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
    row = _ROW + (14 if stacked else 0)
    canvas = Canvas(width, 12 + row * len(estimates) + (42 if unit else 26))
    bottom = 8.0 + row * len(estimates)
    place = _row_scale(estimates, base, (labels, width - numbers - 6))
    for tick in ticks(place.low, place.high, 4 if stacked else 6):
        canvas.line(place(tick), 4, place(tick), bottom, "grid")
        canvas.text(place(tick), bottom + 16, compact(tick), "tick", anchor="middle")
    if base is not None:
        canvas.line(place(base), 4, place(base), bottom, "axis" if filled else "reference")
    if unit:
        canvas.label(
            (labels + width - numbers) / 2, bottom + 33, unit, width * 0.6, css="tick", anchor="middle"
        )
    colours = _colours(estimates)
    for index, each in enumerate(estimates):
        y = 8 + row * index + _ROW / 2
        _row_mark(canvas, each, place, (y, colours[index]), base=base if filled else None)
        canvas.label(labels - 10, y + 4, each.label, labels - 12, css="row-label", anchor="end")
        if stacked:
            canvas.text(place(place.low), y + 22, estimate_text(each), "value")
        else:
            canvas.text(width - 4, y + 4, estimate_text(each), "value", anchor="end")
    return canvas


def _row_scale(estimates: tuple[Estimate, ...], base: float | None, across: tuple[float, float]) -> Scale:
    ends = [end for each in estimates for end in _bounds(each)] + ([] if base is None else [base])
    marks = ticks(min(ends, default=0.0), max(ends, default=1.0), 5)
    return Scale(marks[0], marks[-1], across[0] + 4, across[1] - 8)


def _row_mark(
    canvas: Canvas, each: Estimate, place: Scale, at: tuple[float, str], *, base: float | None
) -> None:
    y, colour = at
    tip = f"{each.label}: {estimate_text(each)}"
    low, high = _bounds(each)
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


def _control_text(control: Estimate) -> str:
    return f"{control.label} {number(float(control.value))}"


def _colours(estimates: tuple[Estimate, ...]) -> list[str]:
    """A series class per estimate, by group in order of appearance."""
    groups = list(dict.fromkeys(each.group for each in estimates))
    return [f"s{groups.index(each.group) % _GROUPS}" for each in estimates]


def _bounds(estimate: Estimate) -> tuple[float, float]:
    low = estimate.value if estimate.low is None else estimate.low
    return low, estimate.value if estimate.high is None else estimate.high


def _top(estimate: Estimate) -> float:
    return estimate.value if estimate.high is None else estimate.high
