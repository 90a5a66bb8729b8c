"""Curves and scatters, histograms and heat maps as SVG."""

from __future__ import annotations

from honing.store import HeatMap, Histogram, Lines, Series
from honing.view.formats import compact, written
from honing.view.svg import COLOURS, Canvas, Scale, fit, legend_rows, spread, text_width, ticks

_SHADES = 9
_LARGEST = 11.0
"""Radius of a dot that stands for many points."""
_MOST_POINTS = 2000
"""Of one series that are drawn; of more, every so manyth."""


def describe(figure: Lines | Histogram | HeatMap) -> str:
    """The figure in words."""
    if isinstance(figure, Lines):
        return "; ".join(_series_words(series) for series in figure.series)
    if isinstance(figure, Histogram):
        return (
            f"{sum(figure.counts)} values in {len(figure.counts)} bins "
            f"from {compact(figure.edges[0])} to {compact(figure.edges[-1])}"
        )
    return f"{len(figure.rows)} rows by {len(figure.columns)} columns"


def lines(figure: Lines, width: float) -> Canvas:
    """Curves with bands, scatters with whiskers, a legend where there are several."""
    legend = legend_rows([series.name for series in figure.series], width) if len(figure.series) > 1 else []
    top = 14.0 + 18 * len(legend)
    canvas = Canvas(width, min(300.0, width * 0.62) + 18 * len(legend))
    bottom = canvas.height - (44 if figure.x_label else 28)
    across, up = _extents(figure)
    y_ticks = ticks(*up, 5)
    left = max(text_width(compact(tick), 11) for tick in y_ticks) + (30 if figure.y_label else 14)
    place_x = Scale(*spread(*across), left + 4, width - 14)
    place_y = Scale(y_ticks[0], y_ticks[-1], bottom, top)
    _grid(canvas, (left, width - 10), y_ticks, place_y)
    whole = all(point.x == round(point.x) for series in figure.series for point in series.points)
    _x_axis(canvas, place_x, bottom, figure.x_label, whole=whole)
    if figure.y_label:
        words = fit(figure.y_label, bottom - top, 11)
        canvas.text(12, (top + bottom) / 2, words, "tick", anchor="middle", turn=-90)
    for index, series in enumerate(figure.series):
        _series(canvas, series, (place_x, place_y), f"s{index % COLOURS}")
    canvas.legend(legend)
    return canvas


def histogram(figure: Histogram, width: float) -> Canvas:
    """Bars over their bins; marks as labelled vertical lines."""
    canvas = Canvas(width, min(240.0, width * 0.6))
    bottom = canvas.height - (44 if figure.x_label else 28)
    y_ticks = ticks(0, max([*figure.counts, 1]), 4)
    top = 30.0 if figure.marks else 14.0
    left = max(text_width(compact(tick), 11) for tick in y_ticks) + 14
    ends = [figure.edges[0], figure.edges[-1], *(mark.value for mark in figure.marks)]
    place_x = Scale(*spread(min(ends), max(ends)), left + 4, width - 14)
    place_y = Scale(0, y_ticks[-1], bottom, top)
    _grid(canvas, (left, width - 10), y_ticks, place_y)
    _x_axis(canvas, place_x, bottom, figure.x_label)
    for low, high, count in zip(figure.edges, figure.edges[1:], figure.counts, strict=False):
        x, end = place_x(low) + 0.5, place_x(high) - 0.5
        tip = f"{compact(low)} to {compact(high)}: {count:,}"
        canvas.rect(x, place_y(count), (end - x, bottom - place_y(count)), "bar s0", tip=tip)
    for mark in figure.marks:
        x = place_x(mark.value)
        canvas.line(x, top - 6, x, bottom, "reference")
        anchor = "end" if x > width / 2 else "start"
        words = f"{fit(mark.label, width * 0.4, 11)} {compact(mark.value)}"
        canvas.text(x + (-5 if anchor == "end" else 5), top - 10, words, "tick", anchor=anchor)
    return canvas


def heat_map(figure: HeatMap, width: float) -> Canvas:
    """A grid of shaded cells, each with its number."""
    left = min(max([text_width(row, 13) for row in figure.rows] + [30]) + 24, width * 0.36)
    count = max(len(figure.columns), 1)
    cell = min((width - left - 6) / count, 96.0)
    longest = max([text_width(column, 12) for column in figure.columns] + [0])
    turned = longest > cell - 6
    if turned:
        # The last name leans out over the right edge.
        cell = min((width - left - 6 - min(longest, 130) * 0.62) / (count - 0.5), cell)
    top = (min(longest * 0.62 + 16, 96) if turned else 24.0) + (18 if figure.column_label else 0)
    height = min(max(cell * 0.62, 26.0), 38.0)
    canvas = Canvas(width, top + height * len(figure.rows) + 8)
    if figure.column_label:
        canvas.label(left, 13, figure.column_label, width - left, css="tick")
    for number, column in enumerate(figure.columns):
        x = left + cell * (number + 0.5)
        if turned:
            canvas.text(x - 4, top - 8, fit(column, 130), turn=-38)
        else:
            canvas.label(x, top - 8, column, cell - 4, anchor="middle")
    for number, name in enumerate(figure.rows):
        y = top + height * number
        canvas.label(left - 10, y + height / 2 + 4, name, left - 12, anchor="end", css="row-label")
        _heat_row(canvas, figure, number, ((left, y), (cell, height)))
    if figure.row_label:
        canvas.label(left - 10, top - 8, figure.row_label, left - 12, css="tick", anchor="end")
    return canvas


def _heat_row(
    canvas: Canvas, figure: HeatMap, row: int, box: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    (left, y), (cell, height) = box
    for number, value in enumerate(figure.values[row]):
        x = left + cell * number
        words = written(value, figure.kind, figure.digits if figure.digits is not None else 2)
        tip = f"{figure.rows[row]}, {figure.columns[number]}: {words}"
        shade = _shade(figure, value)
        canvas.rect(x + 1, y + 1, (cell - 2, height - 2), f"heat {shade}", radius=2, tip=tip)
        if text_width(words, 11) <= cell - 2:
            canvas.text(x + cell / 2, y + height / 2 + 4, words, f"heat-text {shade}", anchor="middle")


def _shade(figure: HeatMap, value: float | None) -> str:
    """A class from h0 to h8 (sequential), or from n8 over h0 to p8 around a centre."""
    if value is None:
        return "none"
    present = [each for row in figure.values for each in row if each is not None]
    if figure.centre is None:
        low, high = min(present), max(present)
        share = 0.5 if high == low else (value - low) / (high - low)
        return f"h{round(share * (_SHADES - 1))}"
    reach = max(abs(each - figure.centre) for each in present) or 1.0
    step = round((value - figure.centre) / reach * (_SHADES - 1))
    return "h0" if step == 0 else f"{'p' if step > 0 else 'n'}{abs(step)}"


def _series(canvas: Canvas, series: Series, place: tuple[Scale, Scale], colour: str) -> None:
    place_x, place_y = place
    points = sorted(series.points, key=lambda point: point.x) if series.joined else list(series.points)
    points = points[:: -(-len(points) // _MOST_POINTS)] if points else points
    banded = [point for point in points if point.low is not None and point.high is not None]
    if series.joined and len(banded) > 1:
        upper = [(place_x(point.x), place_y(point.high or 0.0)) for point in banded]
        lower = [(place_x(point.x), place_y(point.low or 0.0)) for point in reversed(banded)]
        canvas.path(upper + lower, f"band {colour}", closed=True)
    elif not series.joined:
        for point in banded:
            x = place_x(point.x)
            canvas.line(x, place_y(point.low or 0.0), x, place_y(point.high or 0.0), f"range {colour}")
    if series.joined and len(points) > 1:
        canvas.path([(place_x(point.x), place_y(point.y)) for point in points], f"curve {colour}")
    crowded = len(points) > 40
    radius = (0 if series.joined else 2.5) if crowded else 3.5
    # Equal points of a scatter would hide one another: one dot, whose area says how many they are.
    stacks: dict[tuple[float, float], list[str]] = {}
    for point in points:
        stacks.setdefault((point.x, point.y), []).append(point.label)
    for (x, y), labels in stacks.items() if radius else []:
        names = ", ".join(label for label in labels if label)
        many = f" ({len(labels)} points)" if len(labels) > 1 else ""
        tip = f"{names or series.name}: {compact(x)}, {compact(y)}{many}"
        size = radius if series.joined else min(radius * len(labels) ** 0.5, _LARGEST)
        canvas.circle(place_x(x), place_y(y), size, f"mark {colour}", tip=tip)
    for point in points:
        if point.named and point.label:
            _beside(canvas, place_x(point.x), place_y(point.y), point.label)


def _beside(canvas: Canvas, x: float, y: float, label: str) -> None:
    """A point's name at the side that has room."""
    left = x > canvas.width * 0.62
    room = (x if left else canvas.width - x) - 14
    words = fit(label, room, 11)
    canvas.text(x + (-8 if left else 8), y + 4, words, "value", anchor="end" if left else "start")


def _extents(figure: Lines) -> tuple[tuple[float, float], tuple[float, float]]:
    points = [point for series in figure.series for point in series.points]
    if not points:
        return (0.0, 1.0), (0.0, 1.0)
    ys = [y for point in points for y in (point.y, point.low, point.high) if y is not None]
    xs = [point.x for point in points]
    return (min(xs), max(xs)), (min(ys), max(ys))


def _grid(canvas: Canvas, across: tuple[float, float], y_ticks: list[float], place: Scale) -> None:
    for tick in y_ticks:
        canvas.line(across[0], place(tick), across[1], place(tick), "grid")
        canvas.text(across[0] - 6, place(tick) + 4, compact(tick), "tick", anchor="end")


def _x_axis(canvas: Canvas, place: Scale, bottom: float, label: str, *, whole: bool = False) -> None:
    """An axis below; if all that stands on it is `whole`, no halves of a round or a segment are marked."""
    canvas.line(place.start - 4, bottom, place.end + 4, bottom, "axis")
    marks = _inside(place, 4 if canvas.width < 420 else 7)
    whole_marks = [tick for tick in marks if tick == round(tick)] if whole else []
    for tick in whole_marks or marks:
        canvas.line(place(tick), bottom, place(tick), bottom + 4, "axis")
        canvas.text(place(tick), bottom + 16, compact(tick), "tick", anchor="middle")
    if label:
        middle = (place.start + place.end) / 2
        canvas.label(middle, canvas.height - 8, label, place.end - place.start, css="tick", anchor="middle")


def _inside(place: Scale, about: int) -> list[float]:
    """Round values within the scale: at least two where finer ones are to be had."""
    found = [tick for tick in ticks(place.low, place.high, about) if place.low <= tick <= place.high]
    if len(found) > 1:
        return found
    return [tick for tick in ticks(place.low, place.high, 2 * about) if place.low <= tick <= place.high]


def _series_words(series: Series) -> str:
    if not series.points:
        return f"{series.name}: no points"
    first, last = series.points[0], series.points[-1]
    ends = f"({compact(first.x)}, {compact(first.y)}) to ({compact(last.x)}, {compact(last.y)})"
    return f"{series.name}: {len(series.points)} points from {ends}"
