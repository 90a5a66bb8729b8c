"""The bracket: a score between what was scored with every answer and what was scored with none.

Where less is better, the controls that know the answers are at the bottom; the words move with them.
"""

from __future__ import annotations

from dataclasses import dataclass

from honing.store import Bracket, Estimate
from honing.view.formats import bounds, compact, estimate_text, number
from honing.view.svg import Canvas, Scale, apart, fit, text_width, ticks

_LEFT = 40.0
_PLOT_HEIGHT = 258.0
_TOP = 18.0


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where things go."""

    canvas: Canvas
    place: Scale
    right: float
    """Right end of the plot; the controls' names stand beyond."""
    rising: bool
    """Whether more is better, so that the floor is at the bottom."""

    def inside(self, y: float) -> float:
        """Baseline of a word beside a line of the floor, on the side of the scores."""
        return y - 6 if self.rising else y + 14

    def outside(self, y: float) -> float:
        """Baseline of a word on the other side: below a ceiling at the top, above one at the bottom."""
        return y + 14 if self.rising else y - 6


def draw(figure: Bracket, width: float) -> Canvas:
    """The figure at a width in CSS pixels."""
    names = [_name(control) for control in (*figure.ceilings, *figure.floors)]
    beyond = min(max([text_width(name) for name in names] + [60]) + 26, width * 0.46)
    right = width - beyond
    slot = (right - _LEFT) / max(len(figure.scores), 1)
    staggered = any(text_width(score.label) > slot - 8 for score in figure.scores)
    below = (36 if staggered else 22) if len(figure.scores) > 1 else 0
    bottom = _TOP + _PLOT_HEIGHT
    canvas = Canvas(width, bottom + 16 + below)
    plot = _Plot(canvas, Scale(figure.low, figure.high, bottom, _TOP), right, _is_rising(figure))
    for tick in ticks(figure.low, figure.high, 6):
        if figure.low <= tick <= figure.high:
            canvas.line(_LEFT, plot.place(tick), right, plot.place(tick), "grid")
            canvas.text(_LEFT - 8, plot.place(tick) + 4, compact(tick), "tick", anchor="end")
    _floor(plot, figure)
    _controls(plot, figure)
    for index, score in enumerate(figure.scores):
        x = _LEFT + slot * (index + 0.5)
        _score(plot, score, (x, slot), lone=len(figure.scores) == 1)
        if len(figure.scores) > 1:
            row = index % 2 if staggered else 0
            room = slot * (2 if staggered else 1) - 8
            canvas.label(x, bottom + 26 + 15 * row, score.label, room, anchor="middle")
    return canvas


def _is_rising(figure: Bracket) -> bool:
    if not figure.ceilings or not figure.floors:
        return True
    return max(each.value for each in figure.ceilings) >= min(each.value for each in figure.floors)


def _floor(plot: _Plot, figure: Bracket) -> None:
    """Shade what is reached without any answer, and mark declared chance."""
    edge = plot.place(figure.low if plot.rising else figure.high)
    ends = [bounds(each)[1 if plot.rising else 0] for each in figure.floors]
    ends += [] if figure.chance is None else [figure.chance]
    if ends:
        reached = plot.place(max(ends) if plot.rising else min(ends))
        plot.canvas.rect(_LEFT, min(edge, reached), (plot.right - _LEFT, abs(edge - reached)), "floor-zone")
        if figure.floors:
            plot.canvas.text(_LEFT + 6, plot.inside(reached), "given no answer", "tick")
    if figure.chance is not None:
        y = plot.place(figure.chance)
        plot.canvas.line(_LEFT, y, plot.right, y, "chance")
        if abs(edge - y) > 18:
            plot.canvas.text(_LEFT + 6, plot.outside(y), f"chance {compact(figure.chance)}", "tick")


def _controls(plot: _Plot, figure: Bracket) -> None:
    """A line for every control, its name beyond the plot; names of equal scores are moved apart."""
    canvas = plot.canvas
    marked = [(control, "ceiling") for control in figure.ceilings]
    marked += [(control, "floor") for control in figure.floors]
    marked.sort(key=lambda pair: (plot.place(pair[0].value), pair[0].label))
    wanted = [plot.place(control.value) for control, _ in marked]
    for (control, css), label_y in zip(marked, apart(wanted, 16, 12, canvas.height - 6), strict=True):
        y = plot.place(control.value)
        canvas.line(_LEFT, y, plot.right, y, css)
        canvas.path([(plot.right, y), (plot.right + 8, y), (plot.right + 14, label_y)], f"leader {css}")
        # The number says more than the end of a long name.
        value = number(float(control.value))
        label = fit(control.label, canvas.width - plot.right - 18 - text_width(f" {value}"))
        canvas.text(plot.right + 18, label_y + 4, f"{label} {value}", css)
    if figure.ceilings:
        ys = [plot.place(each.value) for each in figure.ceilings]
        innermost = max(ys) if plot.rising else min(ys)
        canvas.text(_LEFT + 6, plot.outside(innermost), "given every answer", "tick")


def _score(plot: _Plot, score: Estimate, slot: tuple[float, float], *, lone: bool) -> None:
    """A dot for the score, a whisker and a band for its interval, the number beside or above it."""
    x, room = slot
    canvas, place = plot.canvas, plot.place
    low, high = bounds(score)
    half = min(room * 0.3, 34)
    canvas.rect(x - half, place(high), (2 * half, place(low) - place(high)), "score-band", radius=3)
    canvas.line(x, place(high), x, place(low), "score-whisker")
    canvas.circle(x, place(score.value), 6, "score-dot", tip=f"{score.label}: {estimate_text(score)}")
    words = number(float(score.value))
    if lone:
        canvas.text(x + half + 8, place(score.value) + 5, words, "score-text")
        return
    # Above the interval, unless it would leave the plot; then below.
    above = min(place(high), place(score.value) - 6) - 7
    y = above if above > 14 else max(place(low), place(score.value) + 6) + 14
    canvas.text(x, y, words, "score-text small", anchor="middle")


def _name(control: Estimate) -> str:
    return f"{control.label} {number(float(control.value))}"
