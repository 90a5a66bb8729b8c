"""Questions whose answer is a number or a short text."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
from honing.contract.data.shapes.columns import NEARLY_ALL, Column, Columns, as_int, text_list
from honing.contract.data.shapes.question_parts import context_columns, context_of, context_role
from honing.contract.data.tables import TableRow
from honing.contract.scorers.answers import marked_answer
from honing.contract.scorers.numeric import read_gold
from honing.contract.scorers.text import normalise

MAX_WORDS = 12
"""A longer gold is free text, which no exact comparison can judge."""
MAX_LABELS = 12
_MARKERS = {
    "####": re.compile("####"),
    "Final answer:": re.compile(r"^[ \t]*final answer:", re.IGNORECASE | re.MULTILINE),
    "Answer:": re.compile(r"^[ \t]*answer:", re.IGNORECASE | re.MULTILINE),
    "A:": re.compile(r"^[ \t]*A:", re.MULTILINE),
    "The answer is": re.compile(r"\bthe (?:final )?answer is:?", re.IGNORECASE),
}
"""How a target may mark its final answer within a longer text."""
_CLASS_NAMES = frozenset({"label", "labels", "class", "class_id", "category", "target", "gold_label"})
_ALIASES = ("value", "text", "answer", "aliases", "normalized_value", "normalized_aliases")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How golds are read from a target column."""

    form: str
    marker: str
    why: str
    confidence: float


class QuestionAnswer:
    """A column that asks, and a column that holds the answer."""

    kind = TaskKind.QUESTION_ANSWER

    def find(self, columns: Columns) -> Found | Missing:
        asked = columns.input_column(besides=[column.name for column in columns.named("target")])
        if asked is None:
            return self._missing(_why_nothing_asks(columns), 0, "a column 'question'")
        reason = _why_nothing_answers(columns, asked)
        closes = "a column 'answer' with one number or a few words in every row"
        named = columns.named("target")
        guessed: list[Found] = []
        for target in columns.target_candidates([asked.name]):
            found = self._with_target(columns, asked, target)
            if isinstance(found, Found) and target in named:
                return found
            if isinstance(found, Found):
                guessed.append(found)
            elif target in named:
                reason, closes = found, _what_closes(target, closes)
        if len(guessed) == 1:
            return guessed[0]
        return self._missing(reason, 1, closes)

    def read(self, found: Found, row: TableRow, place: Place) -> Readable:
        target = str(found.fields["target"])
        golds = _golds(
            row.values.get(target), str(found.reading["form"]), str(found.reading.get("marker", ""))
        )
        if not golds:
            raise UnreadableRowError(f"{row.anchor}/{target}: no gold can be read")
        inputs: dict[str, Any] = {"input": text_of(row, str(found.fields["input"]))}
        if "context" in found.fields:
            inputs["context"] = context_of(row, found.fields["context"])
        if labels := found.parameters.get("labels"):
            inputs["answers"] = ", ".join(labels)
        if isinstance(whole := row.values.get(target), str):
            inputs["reference"] = whole
        return inputs, tuple(golds)

    def _missing(self, reason: str, nearness: int, closes: str) -> Missing:
        return Missing(self.kind, reason, nearness, closes)

    def _with_target(self, columns: Columns, asked: Column, target: Column) -> Found | str:
        """The task with this target, or why it cannot be one."""
        named = target in columns.named("target")
        if _is_class_number(target):
            return f"{target.name!r} holds class numbers whose meaning no column gives"
        reading = _reading(target)
        if reading is None:
            return _why_unreadable(target)
        golds = [_golds(value, reading.form, reading.marker) for value in target.values]
        readable = [gold for gold in golds if gold]
        numeric = sum(_is_number(gold[0]) for gold in readable) >= 0.98 * len(readable)
        if not named and not (numeric and target.varied):
            return f"{target.name!r} might be the answer, but neither its name nor its values say so"
        labels = () if numeric else _labels(readable)
        context = context_role(context_columns(columns, asked, [target.name]))
        scorer = "numeric" if numeric else "text"
        template = prompts.NUMBER if numeric else prompts.LABELS if labels else prompts.TEXT
        what = "numbers" if numeric else "short texts"
        seen = column_anchor(columns, target.name)
        decisions = (
            _asked_decision(columns, asked),
            Decision("target", seen, reading.why, reading.confidence if named else 0.6),
            Decision("scorer", seen, f"{len(readable)} of {target.total} golds can be read; they are {what}"),
        )
        fields: dict[str, str | tuple[str, ...]] = {"input": asked.name, "target": target.name}
        return Found(
            kind=self.kind,
            fields={**fields, **context},
            reading={"form": reading.form, "marker": reading.marker}
            if reading.marker
            else {"form": reading.form},
            scorer=scorer,
            parameters={"labels": list(labels)} if labels else {},
            template=prompts.with_context(template) if context else template,
            chance=1 / len(labels) if labels else 0.0,
            decisions=decisions,
        )


def _why_nothing_asks(columns: Columns) -> str:
    repeated = next((one for one in columns.named("input") if one.is_text and not one.varied), None)
    if repeated is not None:
        count = len(repeated.values)
        return f"{repeated.name!r} repeats itself: {repeated.distinct} different texts in {count} rows"
    return f"no column holds a question (columns: {', '.join(columns.names)})"


def _why_nothing_answers(columns: Columns, asked: Column) -> str:
    numbered = [column for column in columns if column.name != asked.name and column.numbering]
    index = next(iter(sorted(numbered, key=lambda column: column not in columns.named("target"))), None)
    of_that = f"; {index.numbering}" if index is not None else ""
    return f"no column beside {asked.name!r} holds an answer (columns: {', '.join(columns.names)}){of_that}"


def _why_unreadable(target: Column) -> str:
    """Why no gold can be read, with counts and one such value where most could be."""
    odd = _beyond_judging(target)
    fine = len(target.values) - len(odd)
    if fine <= len(odd):
        return f"{target.name!r} holds neither numbers nor short texts, so exact comparison cannot judge it"
    kind = {"list": "lists", "dict": "objects", "str": "longer texts"}.get(
        type(odd[0]).__name__, "other values"
    )
    return (
        f"{fine} of {len(target.values)} values of {target.name!r} are numbers or short texts; {len(odd)} "
        f"are not, but {kind} such as {str(odd[0])[:60]!r}, so exact comparison cannot judge all of them"
    )


def _what_closes(target: Column, otherwise: str) -> str:
    odd = _beyond_judging(target)
    if not 0 < len(odd) < 0.5 * len(target.values):
        return otherwise
    rows = "the row" if len(odd) == 1 else f"the {len(odd)} rows"
    return (
        f"a copy of the data without {rows} that exact comparison cannot judge, or a contract with the "
        "target's own grader"
    )


def _beyond_judging(target: Column) -> list[Any]:
    """The values that are neither numbers nor short texts nor true or false."""
    return [
        value for value in target.values if not (isinstance(value, bool | int | float) or _is_short(value))
    ]


def _asked_decision(columns: Columns, asked: Column) -> Decision:
    if asked in columns.named("input"):
        why, confidence = f"the column is called {asked.name!r} and its texts differ from row to row", 0.95
    else:
        why, confidence = f"{asked.name!r} holds the longest texts that differ from row to row", 0.75
    return Decision("input", column_anchor(columns, asked.name), why, confidence)


def _is_class_number(target: Column) -> bool:
    """Whether the values number classes ("label": 0, 1, 2), which only a list of names could explain."""
    whole = target.nearly_all(lambda value: as_int(value) is not None)
    few = target.distinct <= 50 and target.distinct < 0.5 * len(target.values)
    return whole and few and target.key in _CLASS_NAMES


def _reading(target: Column) -> _Reading | None:
    """How golds are read from this column; None where they cannot be."""
    if not target.filled:
        return None
    if target.nearly_all(lambda value: isinstance(value, bool)):
        return _Reading("plain", "", f"{target.name!r} holds true and false", 0.95)
    if target.nearly_all(lambda value: isinstance(value, int | float)):
        return _Reading("plain", "", f"every value of {target.name!r} is a number", 0.95)
    if target.nearly_all(lambda value: bool(_listed(value))):
        short = target.nearly_all(lambda value: all(_is_short(text) for text in _listed(value)))
        return _Reading("list", "", f"{target.name!r} lists acceptable answers", 0.95) if short else None
    if not target.is_text:
        return None
    for marker in _MARKERS:
        if sum(_is_short(_after(value, marker)) for value in target.values) >= NEARLY_ALL * len(
            target.values
        ):
            why = f"nearly every {target.name!r} ends with {marker!r} and the answer"
            return _Reading("after_marker", marker, why, 0.95)
    if target.nearly_all(lambda value: bool(_boxed(value))):
        return _Reading("boxed", "", f"nearly every {target.name!r} boxes its answer", 0.95)
    if target.share(_is_short) >= 0.9 and target.filled:
        return _Reading("plain", "", f"{target.name!r} holds short answers", 0.9)
    return None


def _golds(value: Any, form: str, marker: str) -> list[str]:
    """The acceptable answers in a target cell; empty where none can be read."""
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if isinstance(value, int | float):
        return [str(value)]
    if form == "list":
        return list(dict.fromkeys(text for text in _listed(value) if text.strip()))
    if not isinstance(value, str) or not value.strip():
        return []
    if form == "after_marker":
        gold = _after(value, marker)
    elif form == "boxed":
        gold = _boxed(value)
    else:
        gold = value.strip()
    return [gold] if gold else []


def _after(value: Any, marker: str) -> str:
    if not isinstance(value, str):
        return ""
    found = list(_MARKERS[marker].finditer(value))
    return value[found[-1].end() :].strip().rstrip(".").strip() if found else ""


def _boxed(value: Any) -> str:
    marked = marked_answer(value) if isinstance(value, str) and "\\boxed" in value else None
    return marked.text.strip() if marked else ""


def _listed(value: Any) -> list[str]:
    """Golds of a cell that lists them: a list of texts, or an object with a text, a value, or aliases."""
    if isinstance(value, dict):
        found: list[str] = []
        for key in _ALIASES:
            entry = value.get(key)
            found += [entry] if isinstance(entry, str) else text_list(entry) or []
        return found
    return text_list(value) or []


def _is_short(text: Any) -> bool:
    return isinstance(text, str) and 0 < len(text.split()) <= MAX_WORDS and "\n" not in text.strip()


_AROUND = re.compile(r"[\s$€£¥₹(\[{~\\]*[-+]?[0-9.][^=]*")


def _is_number(gold: str) -> bool:
    """Whether a gold is a number, perhaps with a currency before and a unit of at most two words after it."""
    text = gold.strip()
    if not _AROUND.fullmatch(text.replace("\u2212", "-")) and not text.startswith("\\frac"):
        return False
    return read_gold(text) is not None and len(re.findall(r"[^\W\d_]{2,}", text.replace("\\frac", ""))) <= 2


def _labels(golds: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The closed set of answers, where a few short texts recur; empty where answers are open."""
    seen = [gold[0] for gold in golds if len(gold) == 1]
    distinct = {normalise(gold): gold for gold in seen}
    closed = 2 <= len(distinct) <= MAX_LABELS and len(seen) == len(golds) and len(seen) >= 8 * len(distinct)
    if not closed or any(len(label.split()) > 3 for label in distinct):
        return ()
    return tuple(sorted(distinct.values()))
