"""Tables, lists of facts and single cells as HTML."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from honing.store import Badge, Cell, CellKind, Column, Fact, Interval, Table
from honing.view.figures import interval_bar
from honing.view.formats import MISSING, written
from honing.view.text import bounded, escape, words

NUMERIC = (
    CellKind.NUMBER,
    CellKind.PERCENT,
    CellKind.MONEY,
    CellKind.DURATION,
    CellKind.BYTES,
    CellKind.INTERVAL,
)
MOST_COLUMNS = 100
MOST_ROWS = 2000
"""Of a table on the page; report.json holds the rest."""
_STICKY_FROM = 20
"""Rows from which a table scrolls in a box of its own, below its head."""
_STACKED_FROM = 3
"""Interval columns from which their bars stand below the numbers."""
_DENSE_FROM = 4
"""Interval columns from which the bounds stand below the estimates too."""
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
    left_out = _left_out(table)
    table = _within_bounds(table)
    spans = [_span(column, [row[index] for row in table.rows]) for index, column in enumerate(table.columns)]
    head = "".join(_head(column, sortable=table.sortable and len(table.rows) > 1) for column in table.columns)
    body = "".join(
        f"<tr>{''.join(_cell(c, v, s) for c, v, s in zip(table.columns, row, spans, strict=True))}</tr>"
        for row in table.rows
    )
    said = " ".join(part for part in ("" if table.folded else table.caption, left_out) if part)
    caption = f"<caption>{words(said)}</caption>" if said else ""
    name = words(table.caption or ", ".join(column.title for column in table.columns))
    css = f"{css} {_layout(table)}".strip()
    empty = (
        "" if table.rows else f'<tr><td colspan="{max(len(table.columns), 1)}" class="none">no rows</td></tr>'
    )
    shown = (
        f'<div class="scroll {css}" role="region" aria-label="{name}" tabindex="0"><table>{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}{empty}</tbody></table></div>"
    )
    return f'<details class="fold"><summary>{name}</summary>{shown}</details>' if table.folded else shown


def _left_out(table: Table) -> str:
    """What the page does not show of a large table, in words."""
    rows, columns = len(table.rows), len(table.columns)
    parts = [f"{MOST_ROWS:,} of {rows:,} rows"] if rows > MOST_ROWS else []
    parts += [f"{MOST_COLUMNS:,} of {columns:,} columns"] if columns > MOST_COLUMNS else []
    return f"Shown: the first {' and '.join(parts)}; report.json holds the rest." if parts else ""


def _within_bounds(table: Table) -> Table:
    if len(table.rows) <= MOST_ROWS and len(table.columns) <= MOST_COLUMNS:
        return table
    rows = tuple(row[:MOST_COLUMNS] for row in table.rows[:MOST_ROWS])
    return replace(table, columns=table.columns[:MOST_COLUMNS], rows=rows)


def _layout(table: Table) -> str:
    """Classes that follow from a table's size."""
    columns = range(len(table.columns))
    intervals = sum(any(isinstance(row[at], Interval) for row in table.rows) for at in columns)
    holding = {
        "tall": len(table.rows) > _STICKY_FROM,
        "stacked": intervals >= _STACKED_FROM,
        "dense": intervals >= _DENSE_FROM,
    }
    return " ".join(name for name, holds in holding.items() if holds)


def facts_html(facts: tuple[Fact, ...], *, css: str = "facts") -> str:
    """Facts as a description list."""
    entries = "".join(_fact(fact) for fact in facts)
    return f'<dl class="{css}">{entries}</dl>'


def _fact(fact: Fact) -> str:
    value = value_html(fact.value, fact.kind, fact.digits)
    note = f'<span class="note">{words(fact.note)}</span>' if fact.note else ""
    return f"<div><dt>{words(fact.label)}</dt><dd>{value}{note}</dd></div>"


def value_html(value: Cell, kind: CellKind = CellKind.TEXT, digits: int | None = None) -> str:
    """One value, marked up by what it is."""
    if value is None:
        return f'<span class="none">{MISSING}</span>'
    if isinstance(value, Badge):
        return badge_html(value)
    shown = words(written(value, kind, digits))
    if kind is CellKind.CODE:
        return f"<code>{shown}</code>"
    if isinstance(value, Interval) and value.value is not None:
        estimate, bounds = shown.split(" ", 1)
        return f'<span class="num">{estimate} <span class="bounds">{bounds}</span></span>'
    return f'<span class="num">{shown}</span>' if _is_number(value) else shown


def badge_html(badge: Badge) -> str:
    return f'<span class="badge {badge.tone.value}">{words(badge.text)}</span>'


def _head(column: Column, *, sortable: bool) -> str:
    css = ' class="right"' if column.kind in NUMERIC else ""
    title = words(column.title)
    tip = f' title="{words(column.note)}"' if column.note else ""
    if sortable:
        title = f'<button type="button" class="sort">{title}<span class="arrow"></span></button>'
    return f'<th scope="col"{css}{tip}>{title}</th>'


def _cell(column: Column, value: Cell, span: Span) -> str:
    right = column.kind in NUMERIC or _is_number(value)
    short = isinstance(value, str) and len(value) <= _SHORT
    long = isinstance(value, str) and len(value) >= _LONG
    words_css = "short" if short else "long" if long else "middling" if isinstance(value, str) else ""
    css = ' class="right"' if right else f' class="{words_css}"' if words_css else ""
    shown = value_html(value, column.kind, column.digits)
    if isinstance(value, Interval) and span.ends is not None:
        bar = interval_bar(value.low, value.value, value.high, span.ends)
        shown = f'<span class="with-bar">{shown}{bar}</span>'
    ends = ""
    if isinstance(value, Interval):
        ends = f' data-low="{float(value.low)!r}" data-high="{float(value.high)!r}"'
    return f'<td{css} data-sort="{_sort_key(value)}"{ends}>{shown}</td>'


def _sort_key(value: Cell) -> str:
    """What a column is sorted by: the number where there is one, the words otherwise."""
    if isinstance(value, Interval):
        return repr(float(value.value if value.value is not None else (value.low + value.high) / 2))
    if isinstance(value, int | float) and _is_number(value):
        return repr(float(value)) if abs(value) <= sys.float_info.max else ""
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
