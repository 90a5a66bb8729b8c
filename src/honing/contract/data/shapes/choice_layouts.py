"""Where a table keeps the choices of its questions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from honing.contract.data.shapes.columns import NEARLY_ALL, Column, Columns, normal_name, text_list
from honing.contract.data.tables import TableRow
from honing.contract.scorers.choice import LETTERS, MAX_CHOICES


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which a table's choices are written."""

    name: str
    """`list`, `labelled`, `mapping`, `columns` or `correct_first`."""
    columns: tuple[str, ...]
    """The columns that hold them, in order."""
    why: str
    confidence: float
    gold: str = ""
    """How the right one is known without a target: `first` or `one_hot`; empty where a target names it."""

    @property
    def fields(self) -> dict[str, str | tuple[str, ...]]:
        return {"choices": self.columns[0] if len(self.columns) == 1 else self.columns}


def layouts(columns: Columns) -> Iterator[Layout]:
    """Every layout whose values are really there, the surest first."""
    yield from _single_columns(columns)
    yield from _correct_and_incorrect(columns)
    yield from _column_groups(columns)


def choices_of(row: TableRow, layout: str, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """A row's own labels (empty where it has none) and its choices; both empty where they cannot be read."""
    if layout == "columns":
        cells = [row.values.get(column) for column in columns]
        texts = [str(cell) for cell in cells if isinstance(cell, str | int | float) and str(cell).strip()]
        # A gap in the middle would move every later letter.
        complete = len(texts) == len(cells) or all(cell in (None, "") for cell in cells[len(texts) :])
        return [], texts if complete else []
    if layout == "correct_first":
        return [], _correct_first(row, columns)
    return _READERS[layout](row.values.get(columns[0]))


def texts_of(row: TableRow, layout: Layout) -> list[str]:
    """A row's choices."""
    return choices_of(row, layout.name, layout.columns)[1]


def _list(cell: Any) -> tuple[list[str], list[str]]:
    texts = text_list(cell)
    return [], texts if texts and 2 <= len(texts) <= MAX_CHOICES else []


def _labelled(cell: Any) -> tuple[list[str], list[str]]:
    """{"text": [...], "label": [...]} or [{"label": "A", "text": "..."}, ...]."""
    if isinstance(cell, list) and cell and all(isinstance(one, dict) for one in cell):
        texts: Any = [
            next((one[key] for key in ("text", "content", "value", "choice") if key in one), None)
            for one in cell
        ]
        labels: Any = [next((one[key] for key in ("label", "key", "id") if key in one), None) for one in cell]
    elif isinstance(cell, dict):
        texts = cell.get("text", cell.get("texts", cell.get("choices")))
        labels = cell.get("label", cell.get("labels"))
    else:
        return [], []
    found = text_list(texts) or []
    own = text_list(labels) or []
    return (own, found) if 2 <= len(found) <= MAX_CHOICES and len(own) == len(found) else ([], [])


def _mapping(cell: Any) -> tuple[list[str], list[str]]:
    """{"A": "...", "B": "..."}."""
    if not isinstance(cell, dict) or not all(isinstance(value, str | int | float) for value in cell.values()):
        return [], []
    keys = sorted(key for key, value in cell.items() if str(value).strip())
    starts = (
        list(LETTERS[: len(keys)]),
        [str(n) for n in range(len(keys))],
        [str(n + 1) for n in range(len(keys))],
    )
    return (keys, [str(cell[key]) for key in keys]) if len(keys) >= 2 and keys in starts else ([], [])


_READERS = {"list": _list, "labelled": _labelled, "one_hot": _labelled, "mapping": _mapping}
_WHY = {
    "list": "lists the choices",
    "labelled": "holds the choices with a label each",
    "mapping": "maps labels to choices",
    "one_hot": "holds the choices with a mark on the right one",
}


def _single_columns(columns: Columns) -> Iterator[Layout]:
    named = columns.named("choices")
    rest = [column for column in columns if column not in named and column not in columns.named("incorrect")]
    for column in [*named, *rest]:
        for name in ("one_hot", "labelled", "mapping", "list"):
            if not column.nearly_all(lambda cell, name=name: bool(_READERS[name](cell)[1])):
                continue
            if (name == "one_hot") != _marks_one(column):
                continue
            confidence = 0.95 if column in named else 0.75
            gold = "one_hot" if name == "one_hot" else ""
            yield Layout(name, (column.name,), f"{column.name!r} {_WHY[name]}", confidence, gold)
            break


def _marks_one(column: Column) -> bool:
    def marked(cell: Any) -> bool:
        labels = _labelled(cell)[0]
        return labels.count("1") == 1 and set(labels) <= {"0", "1"}

    return column.nearly_all(marked)


def _correct_and_incorrect(columns: Columns) -> Iterator[Layout]:
    wrong = columns.first("incorrect", lambda column: column.nearly_all(lambda cell: bool(text_list(cell))))
    groups = [
        group
        for group in _groups(columns)
        if any(word in group[0] for word in ("distractor", "incorrect", "wrong"))
    ]
    wrong_columns = (wrong.name,) if wrong else groups[0][1] if groups else ()
    if not wrong_columns:
        return
    right = columns.first("correct", lambda column: column.is_text, besides=wrong_columns)
    if right is not None:
        why = (
            f"{right.name!r} holds the right answer and {', '.join(map(repr, wrong_columns))} the wrong ones"
        )
        yield Layout("correct_first", (right.name, *wrong_columns), why, 0.95, "first")


def _correct_first(row: TableRow, columns: Sequence[str]) -> list[str]:
    right = row.values.get(columns[0])
    wrong: list[str] = []
    for column in columns[1:]:
        cell = row.values.get(column)
        wrong += text_list(cell) or (
            [str(cell)] if isinstance(cell, str | int | float) and str(cell).strip() else []
        )
    wrong = [choice for choice in dict.fromkeys(wrong) if choice.strip() and choice != right]
    return [str(right), *wrong[: MAX_CHOICES - 1]] if isinstance(right, str | int | float) and wrong else []


_MEMBER = re.compile(r"(?P<stem>[a-z_]*?)_?(?P<mark>[a-h]|[0-9])")
_WORDS = ("option", "opt", "choice", "ending", "answer", "sol", "solution", "alternative", "op", "candidate")


def _groups(columns: Columns) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Columns that are numbered or lettered in a row: (stem, names)."""
    members: dict[str, dict[str, str]] = {}
    for column in columns:
        match = _MEMBER.fullmatch(normal_name(column.name))
        if match:
            members.setdefault(match["stem"].strip("_"), {})[match["mark"]] = column.name
    for stem, found in members.items():
        marks = sorted(found)
        for series in ("abcdefgh", "0123456789", "123456789"):
            if len(marks) >= 2 and marks == list(series[: len(marks)]):
                yield stem, tuple(found[mark] for mark in marks)


def _column_groups(columns: Columns) -> Iterator[Layout]:
    for stem, names in _groups(columns):
        if stem and stem not in _WORDS:
            continue
        if not stem and names[0].upper() != "A":
            continue
        rows = columns.rows
        texts = sum(bool(choices_of(row, "columns", names)[1]) for row in rows)
        if texts >= NEARLY_ALL * len(rows) and all(
            isinstance(columns.by_name[name], Column) for name in names
        ):
            yield Layout("columns", names, f"the columns {', '.join(names)} hold one choice each", 0.95)
