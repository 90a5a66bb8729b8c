"""A stair as SVG: the score before and after each step, with its interval, and what the step brought."""

from __future__ import annotations

from dataclasses import dataclass

from honing.store import CellKind, Column, Interval, Step, Steps, Table
from honing.view.formats import MINUS, compact, number
from honing.view.svg import Canvas, Scale, fit, text_width, ticks

_PLOT = 208.0
"""Height of the scores, in CSS pixels."""
_TOP = 24.0
_LINE = 16.0
"""Between lines of text below the axis."""
_WIDEST = 190.0
"""Of one column."""
_ROOMY = 92.0
"""Columns at least this wide hold a gain with its interval."""


@dataclass(frozen=True, slots=True)
class _Stair:
    """Where things go."""

    canvas: Canvas
    place: Scale
    left: float
    column: float

    def edges(self, number: int) -> tuple[float, float]:
        return self.left + self.column * number, self.left + self.column * (number + 1)

    def middle(self, number: int) -> float:
        return self.left + self.column * (number + 0.5)


def describe(figure: Steps) -> str:
    """The figure in words."""
    return "; ".join(
        ", ".join(part for part in (f"{each.label} {_score(each)}", each.word, _gain_words(each)) if part)
        for each in figure.steps
    )


def steps_table(figure: Steps) -> Table:
    """The numbers of the figure."""
    columns = (
        Column(key="label", title=""),
        Column(key="score", title=figure.y_label or "value", kind=CellKind.INTERVAL),
        Column(key="gain", title="gain over the step before", kind=CellKind.INTERVAL),
        Column(key="word", title="ended"),
        Column(key="note", title="note"),
    )
    rows = [
        {
            "label": each.label,
            "score": Interval(each.value, *_ends(each)),
            "gain": each.gain,
            "word": each.word,
            "note": each.note,
        }
        for each in figure.steps
    ]
    return Table.of(columns, rows)


def draw(figure: Steps, width: float) -> Canvas:
    """The figure at a width in CSS pixels."""
    values = [end for each in figure.steps for end in (*_ends(each), each.value)]
    values += [] if figure.reference is None else [figure.reference]
    marks = ticks(min(values, default=0.0), max(values, default=1.0), 5)
    left = max(text_width(compact(mark), 11) for mark in marks) + (30 if figure.y_label else 14)
    place = Scale(marks[0], marks[-1], _TOP + _PLOT, _TOP)
    count = max(len(figure.steps), 1)
    column = min((width - left - 6) / count, _WIDEST)
    roomy = column >= _ROOMY
    lines = (5 if any(each.note for each in figure.steps) else 4) if roomy else 1.5 + 2.4 * count
    canvas = Canvas(width, _TOP + _PLOT + 14 + _LINE * lines)
    stair = _Stair(canvas, place, left, column)
    right = stair.edges(count)[0]
    for mark in marks:
        canvas.line(left, place(mark), right, place(mark), "grid")
        canvas.text(left - 8, place(mark) + 4, compact(mark), "tick", anchor="end")
    if figure.y_label:
        words = fit(figure.y_label, _PLOT, 11)
        canvas.text(12, _TOP + _PLOT / 2, words, "tick", anchor="middle", turn=-90)
    _reference(stair, figure, right)
    _way(stair, figure.steps)
    for index, each in enumerate(figure.steps):
        _mark(stair, index, each)
        _below(stair, index, each) if roomy else _listed(stair, index, each)
    return canvas


def _reference(stair: _Stair, figure: Steps, right: float) -> None:
    if figure.reference is None:
        return
    y = stair.place(figure.reference)
    stair.canvas.line(stair.left, y, right, y, "ceiling")
    words = f"{figure.reference_label} {compact(figure.reference)}".strip()
    stair.canvas.label(right - 4, y - 5, words, right - stair.left, css="ceiling", anchor="end")


def _way(stair: _Stair, steps: tuple[Step, ...]) -> None:
    """Treads at each score that was taken, risers between them; a tread goes on past what was not."""
    taken = [(index, stair.place(each.value)) for index, each in enumerate(steps) if each.taken]
    ends = [*(index for index, _ in taken[1:]), len(steps)]
    points: list[tuple[float, float]] = []
    for (index, y), end in zip(taken, ends, strict=False):
        points += [(stair.edges(index)[0], y), (stair.edges(end)[0], y)]
    if len(points) > 1:
        stair.canvas.path(points, "stair")


def _mark(stair: _Stair, index: int, each: Step) -> None:
    canvas, place, x = stair.canvas, stair.place, stair.middle(index)
    low, high = _ends(each)
    if low < high:
        half = min(stair.column * 0.22, 22)
        css = "score-band" if each.taken else "score-band faint"
        canvas.rect(x - half, place(high), (2 * half, place(low) - place(high)), css, radius=3)
        canvas.line(x, place(high), x, place(low), "score-whisker" if each.taken else "reference")
    css = "score-dot" if each.taken else "node hollow"
    canvas.circle(x, place(each.value), 6, css, tip=f"{each.label}: {_score(each)}")
    above = min(place(high), place(each.value) - 6) - 6
    words = number(float(each.value))
    canvas.text(x, max(above, 12), words, "score-text small" if each.taken else "value", anchor="middle")


def _below(stair: _Stair, index: int, each: Step) -> None:
    """What it is, how it ended, what it brought, what it cost."""
    x, y, room = stair.middle(index), _TOP + _PLOT + 20, stair.column - 6
    stair.canvas.label(x, y, each.label, room, css="row-label", anchor="middle")
    stair.canvas.label(x, y + _LINE, each.word, room, css=f"word {each.tone.value}", anchor="middle")
    if each.gain is not None and each.gain.value is not None:
        css = f"{_tone_of(each.gain)} strong"
        stair.canvas.text(x, y + 2 * _LINE, _signed(each.gain.value), css, anchor="middle")
        span = f"[{_signed(each.gain.low)}, {_signed(each.gain.high)}]"
        stair.canvas.text(x, y + 3 * _LINE - 1, span, "tick", anchor="middle")
    if each.note:
        stair.canvas.label(x, y + 4 * _LINE - 1, each.note, room, css="tick", anchor="middle")


def _listed(stair: _Stair, index: int, each: Step) -> None:
    """The same where columns are narrow: a number below the column, and a line for it in a list."""
    canvas = stair.canvas
    canvas.text(stair.middle(index), _TOP + _PLOT + 18, str(index + 1), "tick", anchor="middle")
    y = _TOP + _PLOT + 18 + _LINE * (1.6 + 2.4 * index)
    said = ", ".join(part for part in (each.word, each.note) if part)
    canvas.label(4, y, f"{index + 1}  {each.label}", canvas.width * 0.52, css="row-label")
    canvas.label(20, y + _LINE, said, canvas.width - 30, css="tick")
    if each.gain is not None and each.gain.value is not None:
        words = f"{_signed(each.gain.value)} [{_signed(each.gain.low)}, {_signed(each.gain.high)}]"
        canvas.text(canvas.width - 4, y, words, _tone_of(each.gain), anchor="end")


def _tone_of(gain: Interval) -> str:
    """Only an interval that leaves 0 out is a gain or a loss."""
    return "good" if gain.low > 0 else "bad" if gain.high < 0 else "tick"


def _ends(each: Step) -> tuple[float, float]:
    return (
        each.value if each.low is None else min(each.low, each.value),
        each.value if each.high is None else max(each.high, each.value),
    )


def _score(each: Step) -> str:
    low, high = _ends(each)
    value = number(float(each.value))
    return f"{value} [{number(float(low))}, {number(float(high))}]" if low < high else value


def _gain_words(each: Step) -> str:
    if each.gain is None or each.gain.value is None:
        return ""
    return f"gain {_signed(each.gain.value)} [{_signed(each.gain.low)}, {_signed(each.gain.high)}]"


def _signed(value: float) -> str:
    """With its sign: a gain is a difference."""
    words = number(float(value))
    return words if words.startswith(MINUS) or float(value) == 0 else f"+{words}"
