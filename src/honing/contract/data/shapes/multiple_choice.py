"""Questions with given choices, in every layout that tables use for them."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from honing.contract.data import prompts
from honing.contract.data.shapes.base import (
    Decision,
    Found,
    Missing,
    Place,
    Readable,
    TaskKind,
    UnreadableRowError,
    column_anchor,
    text_of,
)
from honing.contract.data.shapes.choice_layouts import Layout, choices_of, layouts, texts_of
from honing.contract.data.shapes.columns import Column, Columns, as_int
from honing.contract.data.shapes.question_parts import context_columns, context_of, context_role
from honing.contract.data.tables import TableRow
from honing.contract.scorers.choice import LETTERS, MAX_CHOICES


@dataclass(frozen=True, slots=True)
class _Gold:
    """How the target names the right choice."""

    form: str
    """`label` (the choice's own label or its letter), `index`, or `text`."""
    base: int
    """The number of the first choice, for `index`."""
    why: str


_AMBIGUOUS = "that fit whether the first choice is 0 or 1"


class MultipleChoice:
    """A column that asks, choices in one of several layouts, and a target that names the right one."""

    kind = TaskKind.MULTIPLE_CHOICE

    def find(self, columns: Columns) -> Found | Missing:
        reason, nearness, final = "no column, and no group of columns, holds choices", 0, False
        for layout in layouts(columns):
            found = self._with_layout(columns, layout)
            if isinstance(found, Found):
                return found
            if not final:
                reason, nearness = found, 2
            final = final or layout.confidence >= 0.95 or _AMBIGUOUS in found
        closes = "a target column with the letter, index or text of a choice"
        return Missing(self.kind, reason, nearness, closes, final)

    def read(self, found: Found, row: TableRow, place: Place) -> Readable:
        reading = found.reading
        own_labels, choices = choices_of(row, str(reading["layout"]), _choice_columns(found))
        if not 2 <= len(choices) <= MAX_CHOICES:
            raise UnreadableRowError(f"{row.anchor}: {len(choices)} choices; expected 2 to {MAX_CHOICES}")
        right = self._right(found, row, own_labels, choices)
        if reading.get("shuffle"):
            choices, right = _moved(choices, right, place)
        labels = tuple(LETTERS[: len(choices)])
        inputs: dict[str, Any] = {
            "input": text_of(row, str(found.fields["input"])),
            "choices": tuple(choices),
            "labels": labels,
        }
        if "context" in found.fields:
            inputs["context"] = context_of(row, found.fields["context"])
        return inputs, (labels[right],)

    def _right(self, found: Found, row: TableRow, own_labels: Sequence[str], choices: Sequence[str]) -> int:
        form = str(found.reading["form"])
        if form == "first":
            return 0
        if form == "one_hot":
            cell = row.values.get(str(found.fields["choices"]))
            return _one_hot(cell, row)
        target = str(found.fields["target"])
        right = _position(
            row.values.get(target), form, int(found.reading.get("base", 0)), own_labels, choices
        )
        if right is None:
            shown = repr(row.values.get(target))[:60]
            raise UnreadableRowError(
                f"{row.anchor}/{target}: {shown} names none of the {len(choices)} choices"
            )
        return right

    def _with_layout(self, columns: Columns, layout: Layout) -> Found | str:
        taken = [*layout.columns]
        gold = _Gold(layout.gold, 0, layout.why) if layout.gold else None
        target = None
        if gold is None:
            named = _find_gold(columns, layout)
            if isinstance(named, str):
                return named
            target, gold = named
            taken.append(target.name)
        asked = columns.input_column(taken)
        if asked is None:
            return f"choices were found ({layout.why}), but no column asks a question"
        context = context_role(context_columns(columns, asked, taken))
        return self._found(columns, layout, gold, target, asked, context)

    def _found(
        self,
        columns: Columns,
        layout: Layout,
        gold: _Gold,
        target: Column | None,
        asked: Column,
        context: Mapping[str, str | tuple[str, ...]],
    ) -> Found:
        fields: dict[str, str | tuple[str, ...]] = {"input": asked.name, **layout.fields, **context}
        if target is not None:
            fields["target"] = target.name
        reading: dict[str, Any] = {"form": gold.form, "layout": layout.name}
        if gold.form == "index":
            reading["base"] = gold.base
        if gold.form in {"first", "one_hot"}:
            reading["shuffle"] = True
        counts = [len(choices) for row in columns.rows if (choices := texts_of(row, layout))]
        by_name = asked in columns.named("input")
        by_target_name = target is None or target in columns.named("target")
        asked_why = f"{asked.name!r} holds texts that differ from row to row"
        gold_column = target.name if target else layout.columns[0]
        decisions = (
            Decision("choices", column_anchor(columns, layout.columns[0]), layout.why, layout.confidence),
            Decision("input", column_anchor(columns, asked.name), asked_why, 0.95 if by_name else 0.75),
            Decision(
                "target", column_anchor(columns, gold_column), gold.why, 0.95 if by_target_name else 0.75
            ),
        )
        return Found(
            kind=self.kind,
            fields=fields,
            reading=reading,
            scorer="choice",
            template=prompts.with_context(prompts.CHOICE) if context else prompts.CHOICE,
            chance=sum(1 / count for count in counts) / len(counts),
            decisions=decisions,
        )


def _find_gold(columns: Columns, layout: Layout) -> tuple[Column, _Gold] | str:
    """The column that names the right choice of every row, or why none does."""
    reason = f"choices were found ({layout.why}), but no column names the right one"
    for column in columns.target_candidates(layout.columns):
        if column.name == columns.id_column():
            continue
        gold = _gold_of(columns, layout, column)
        if isinstance(gold, _Gold):
            return column, gold
        if gold and column in columns.named("target"):
            reason = gold
    return reason


def _gold_of(columns: Columns, layout: Layout, column: Column) -> _Gold | str:
    """How a column names the right choice; an explanation, or nothing, where it does not."""
    rows = [row for row in columns.rows if row.values.get(column.name) is not None]
    for form in ("label", "text"):
        if _fits(rows, layout, column.name, form, 0):
            what = {"label": "label or letter", "text": "text"}[form]
            return _Gold(form, 0, f"every value of {column.name!r} is the {what} of one of its row's choices")
    bases = [base for base in (0, 1) if _fits(rows, layout, column.name, "index", base)]
    if len(bases) == 2:
        known = column in columns.named("target")
        return (
            f"{column.name!r} holds indices {_AMBIGUOUS}; "
            "a row that names the first or the last choice would decide"
            if known
            else ""
        )
    if bases:
        why = f"every value of {column.name!r} is the index of a choice of its row, counted from {bases[0]}"
        return _Gold("index", bases[0], why)
    return f"the values of {column.name!r} are neither letters, indices nor texts of the choices"


def _fits(rows: Sequence[TableRow], layout: Layout, column: str, form: str, base: int) -> bool:
    fitting = 0
    for row in rows:
        own, choices = choices_of(row, layout.name, layout.columns)
        fitting += _position(row.values.get(column), form, base, own, choices) is not None
    return len(rows) > 0 and fitting >= 0.98 * len(rows)


def _position(value: Any, form: str, base: int, own: Sequence[str], choices: Sequence[str]) -> int | None:
    """The position of the choice a target cell names; None where it names none."""
    if form == "index":
        index = as_int(value)
        return index - base if index is not None and 0 <= index - base < len(choices) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if form == "text":
        return next((at for at, choice in enumerate(choices) if choice.strip() == text), None)
    if text in own:
        return own.index(text)
    letter = re.sub(r"[\s().\[\]]", "", text).upper()
    lettered = not own and len(letter) == 1 and letter in LETTERS[: len(choices)]
    return LETTERS.index(letter) if lettered else None


def _one_hot(cell: Any, row: TableRow) -> int:
    labels = cell.get("labels", cell.get("label", [])) if isinstance(cell, dict) else []
    marks = [index for index, label in enumerate(labels or []) if label in (1, True, "1")]
    if len(marks) != 1:
        raise UnreadableRowError(f"{row.anchor}: {len(marks)} choices are marked right; expected one")
    return marks[0]


def _moved(choices: Sequence[str], right: int, place: Place) -> tuple[list[str], int]:
    """The choices in a seeded order: in a block of as many rows as choices, each position is right once."""
    count = len(choices)
    block, within = divmod(place.index, count)
    positions = list(range(count))
    random.Random(f"{place.seed}:{count}:{block}").shuffle(positions)
    rest = [choice for at, choice in enumerate(choices) if at != right]
    random.Random(f"{place.seed}:{count}:{place.index}").shuffle(rest)
    at = positions[within]
    return [*rest[:at], choices[right], *rest[at:]], at


def _choice_columns(found: Found) -> tuple[str, ...]:
    columns = found.fields["choices"]
    return (columns,) if isinstance(columns, str) else tuple(columns)
