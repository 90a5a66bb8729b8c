"""Tables, lists of facts and single cells as HTML."""

from __future__ import annotations

from dataclasses import dataclass

from honing.store import Badge, Cell, CellKind, Column, Fact, Interval, Table
from honing.view.figures import interval_bar
from honing.view.formats import MISSING, written
from honing.view.text import bounded, escape

NUMERIC = (
    CellKind.NUMBER,
    CellKind.PERCENT,
    CellKind.MONEY,
    CellKind.DURATION,
    CellKind.BYTES,
    CellKind.INTERVAL,
)
_CELL_CHARACTERS = 2000
_SHORT = 24
"""Words of at most this many characters are never broken."""
_LONG = 32
"""Words of at least this many get a column that is wide enough to read them in."""


@dataclass(frozen=True, slots=True)
class Span:
    """Both ends of the bars of one column; None where the column has none."""

    ends: tuple[float, float] | None


def table_html(table: Table, *, css: str = "") -> str:
    """A table in a box of its own that scrolls sideways where the page is narrow."""
    spans = [_span(column, [row[index] for row in table.rows]) for index, column in enumerate(table.columns)]
    head = "".join(_head(column, sortable=table.sortable and len(table.rows) > 1) for column in table.columns)
    body = "".join(
        f"<tr>{''.join(_cell(c, v, s) for c, v, s in zip(table.columns, row, spans, strict=True))}</tr>"
        for row in table.rows
    )
    titled = table.caption and not table.folded
    caption = f"<caption>{escape(table.caption)}</caption>" if titled else ""
    name = escape(table.caption or ", ".join(column.title for column in table.columns))
    empty = (
        "" if table.rows else f'<tr><td colspan="{max(len(table.columns), 1)}" class="none">no rows</td></tr>'
    )
    shown = (
        f'<div class="scroll {css}" role="region" aria-label="{name}" tabindex="0"><table>{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}{empty}</tbody></table></div>"
    )
    return f'<details class="fold"><summary>{name}</summary>{shown}</details>' if table.folded else shown


def facts_html(facts: tuple[Fact, ...], *, css: str = "facts") -> str:
    """Facts as a description list."""
    entries = "".join(_fact(fact) for fact in facts)
    return f'<dl class="{css}">{entries}</dl>'


def _fact(fact: Fact) -> str:
    value = value_html(fact.value, fact.kind, fact.digits)
    note = f'<span class="note">{escape(fact.note)}</span>' if fact.note else ""
    return f"<div><dt>{escape(fact.label)}</dt><dd>{value}{note}</dd></div>"


def value_html(value: Cell, kind: CellKind = CellKind.TEXT, digits: int | None = None) -> str:
    """One value, marked up by what it is."""
    if value is None:
        return f'<span class="none">{MISSING}</span>'
    if isinstance(value, Badge):
        return badge_html(value)
    words = escape(bounded(written(value, kind, digits), _CELL_CHARACTERS))
    if kind is CellKind.CODE:
        return f"<code>{words}</code>"
    if isinstance(value, Interval) and value.value is not None:
        estimate, bounds = words.split(" ", 1)
        return f'<span class="num">{estimate} <span class="bounds">{bounds}</span></span>'
    return f'<span class="num">{words}</span>' if _is_number(value) else words


def badge_html(badge: Badge) -> str:
    return f'<span class="badge {badge.tone.value}">{escape(badge.text)}</span>'


def _head(column: Column, *, sortable: bool) -> str:
    css = ' class="right"' if column.kind in NUMERIC else ""
    title = escape(column.title)
    tip = f' title="{escape(column.note)}"' if column.note else ""
    if sortable:
        title = f'<button type="button" class="sort">{title}<span class="arrow"></span></button>'
    return f'<th scope="col"{css}{tip}>{title}</th>'


def _cell(column: Column, value: Cell, span: Span) -> str:
    right = column.kind in NUMERIC or _is_number(value)
    short = isinstance(value, str) and len(value) <= _SHORT
    long = isinstance(value, str) and len(value) >= _LONG
    css = ' class="right"' if right else ' class="short"' if short else ' class="long"' if long else ""
    shown = value_html(value, column.kind, column.digits)
    if isinstance(value, Interval) and span.ends is not None:
        bar = interval_bar(value.low, value.value, value.high, span.ends)
        shown = f'<span class="with-bar">{shown}{bar}</span>'
    return f'<td{css} data-sort="{_sort_key(value)}">{shown}</td>'


def _sort_key(value: Cell) -> str:
    """What a column is sorted by: the number where there is one, the words otherwise."""
    if isinstance(value, Interval):
        return repr(float(value.value if value.value is not None else (value.low + value.high) / 2))
    if _is_number(value):
        return repr(float(value))  # type: ignore[arg-type]
    return "" if value is None else escape(bounded(written(value), 200))


def _span(column: Column, cells: list[Cell]) -> Span:
    intervals = [cell for cell in cells if isinstance(cell, Interval)]
    if not intervals:
        return Span(None)
    low = min(each.low for each in intervals)
    high = max(each.high for each in intervals)
    if column.kind is CellKind.PERCENT and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    low = low if column.low is None else column.low
    high = high if column.high is None else column.high
    return Span((low, high) if high > low else (low - 0.5, low + 0.5))


def _is_number(value: Cell) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
