"""The sample browser: its frame as HTML and its rows as JSON for the page's script.

Rows are packed as lists and every value is already written as text, so the script formats nothing and puts
nothing but text into the page.
"""

from __future__ import annotations

from typing import Any

from honing.store import Badge, Cell, Column, SampleRow, Samples
from honing.view.formats import number, written
from honing.view.tables import NUMERIC
from honing.view.templates import asset, filled
from honing.view.text import bounded, script_json, visible, words

TEXT_LIMITS = (20_000, 4_000, 1_000, 300)
"""Characters kept of one text: the first of these with which all together stay below `PAGE_CHARACTERS`."""
PAGE_CHARACTERS = 24_000_000


def samples_html(samples: Samples, ident: str) -> str:
    """The browser of one block of samples.

    Args:
        samples: The rows.
        ident: Unique on the page.
    """
    limit = _limit(samples)
    payload = script_json(_payload(samples, limit))
    cut = any(len(text) > limit for row in samples.rows for text in _texts(row))
    note = f" Texts longer than {limit:,} characters are shortened on this page." if cut else ""
    caption = f'<p class="caption">{words(samples.caption)}{note}</p>' if samples.caption or note else ""
    parts = {"ident": ident, "caption": caption, "payload": payload}
    return filled(asset("samples.html"), parts)


def _payload(samples: Samples, limit: int) -> dict[str, Any]:
    return {
        "columns": [_column(column) for column in samples.columns],
        "details": [_column(column) for column in samples.details],
        "rows": [_row(row, samples, limit) for row in samples.rows],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "title": visible(bounded(column.title, 200)),
        "kind": column.kind.value,
        "right": column.kind in NUMERIC,
        "filter": column.filter,
    }


def _row(row: SampleRow, samples: Samples, limit: int) -> list[Any]:
    """[id, prompt, completion, target, reward, status, mark, columns, details]; a badge is [text, tone]."""
    prompt, completion, target = (
        visible(bounded(text, limit)) for text in (row.prompt, row.completion, row.target)
    )
    reward = "" if row.reward is None else number(row.reward, digits=_digits(row.reward))
    columns = [_value(row.extra.get(column.key), column, limit) for column in samples.columns]
    details = [_value(row.extra.get(column.key), column, limit) for column in samples.details]
    return [
        visible(bounded(row.id, 400)),
        prompt,
        completion,
        target,
        reward,
        visible(bounded(row.status, 200)),
        _mark(row, samples),
        columns,
        details,
    ]


def _mark(row: SampleRow, samples: Samples) -> str:
    if row.reward is None:
        return "unjudged"
    return "right" if row.reward >= samples.right_from else "wrong"


def _value(value: Cell, column: Column, limit: int) -> Any:
    if value is None:
        return ""
    if isinstance(value, Badge):
        return [visible(bounded(value.text, 200)), value.tone.value]
    return visible(bounded(written(value, column.kind, column.digits), limit))


def _digits(reward: float) -> int:
    return 0 if float(reward).is_integer() else 3


def _limit(samples: Samples) -> int:
    lengths = [len(text) for row in samples.rows for text in _texts(row)]
    for limit in TEXT_LIMITS:
        if sum(min(length, limit) for length in lengths) <= PAGE_CHARACTERS:
            return limit
    return TEXT_LIMITS[-1]


def _texts(row: SampleRow) -> list[str]:
    return [
        row.prompt,
        row.completion,
        row.target,
        *(each for each in row.extra.values() if isinstance(each, str)),
    ]
