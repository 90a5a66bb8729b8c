"""What a question is made of: the texts before it, and long columns that play no role though they should.

A question without its passage, table or program can have an answer in the data and none in the prompt. No
right answer and no control can tell, since both come from the same columns; so the columns are asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from honing.contract.data.shapes.base import UnreadableRowError
from honing.contract.data.shapes.columns import NAMES, NEARLY_ALL, Column, Columns, text_list
from honing.contract.data.tables import TableRow

MIN_CHARS = 40
"""Mean length below which a column without a role is a detail, not a part of the question."""
_CODE = frozenset({"code", "program", "function", "snippet", "source_code", "code_snippet"})
_SECOND = frozenset({"hypothesis", "sentence2", "sentence_2", "question2", "text2", "text_b", "conclusion"})
"""The other half of a pair."""
_MEDIA = frozenset({"image", "images", "picture", "img", "figure", "audio", "video"})
_WRITE = re.compile(r"\b(?:write|implement|create|complete|generate)\b", re.IGNORECASE)
_OF_CODE = re.compile(
    r"\b(?:code|program|function|snippet|script|output|outputs|return|returns|print|prints|printed)\b",
    re.IGNORECASE,
)
_ASKING = frozenset(NAMES["input"]) - {"input", "text", "content", "context", "passage", "sentence", "ctx"}
_ASIDE_WORDS = """
explanation explanations explain exp rationale rationales reason reasons reasoning cot chain thought
thoughts step steps working solution solutions proof derivation analysis justification source sources url
urls link links href doi citation citations reference references author authors title hint hints id ids
uid uuid hash tag tags topic category subject domain type level difficulty test tests assert asserts
metadata meta info note notes comment comments feedback review reviewer revised revision pre rubric
rubrics grading criteria checklist theorem output outputs completion completions response responses
generation generations prediction predictions answer answers gold target label correct incorrect wrong
distractor distractors translation translated original paraphrase paraphrased rephrased keyword license
"""
_ASIDE = frozenset(_ASIDE_WORDS.split())
"""Words in the names of columns that stand beside a question and are no part of it."""


def context_columns(columns: Columns, asked: Column, besides: Sequence[str]) -> tuple[str, ...]:
    """The columns of texts that a question is about, in the table's order.

    A program is one of them only where the questions speak of it: beside other questions it may be the
    solution.
    """
    taken = {asked.name, *besides}
    named = columns.named("context")
    found = [
        column.name for column in columns if column in named and column.name not in taken and _texts(column)
    ]
    if _speaks_of_code(asked):
        found += [
            column.name
            for column in columns
            if column.key in _CODE and column.name not in taken and column.is_text
        ]
    return tuple(found)


def context_role(names: Sequence[str]) -> dict[str, str | tuple[str, ...]]:
    """The columns as a role of a task's fields; nothing where there are none."""
    if not names:
        return {}
    return {"context": names[0] if len(names) == 1 else tuple(names)}


def context_of(row: TableRow, role: str | Sequence[str]) -> str:
    """What a row shows before its question.

    Raises:
        UnreadableRowError: A part is missing or no text.
    """
    parts = {name: _text(row.values.get(name)) for name in ([role] if isinstance(role, str) else role)}
    if empty := next((name for name, part in parts.items() if not part.strip()), None):
        raise UnreadableRowError(f"{row.anchor}/{empty}: expected a text before the question, found none")
    return "\n\n".join(parts.values())


def left_out(columns: Columns, fields: Mapping[str, str | tuple[str, ...]]) -> str:
    """Why a question is probably incomplete: the longest column that plays no role and looks like a part of
    it. Empty where there is none.
    """
    asked = columns.by_name[str(fields["input"])]
    used = {name for names in fields.values() for name in ([names] if isinstance(names, str) else names)}
    rest = [column for column in columns if column.name not in used]
    hidden = [column for column in rest if column.filled and column.varied and _cannot_be_shown(column)]
    if hidden:
        return (
            f"{hidden[0].name!r} holds what {asked.name!r} is about, in a form that no prompt can show as it "
            "stands, so the question would be asked without it"
        )
    parts = [column for column in rest if _is_part(column, asked)]
    longest = max(parts, key=_mean_chars, default=None)
    if longest is None:
        return ""
    return (
        f"{asked.name!r} would be asked alone, but {longest.name!r} holds texts (about "
        f"{_mean_chars(longest):.0f} characters against {_mean_chars(asked):.0f}) that differ from row to "
        "row and play no role, so the question may be incomplete without it"
    )


def _is_part(column: Column, asked: Column) -> bool:
    if not column.is_text or not column.varied or column.numbering or _is_aside(column.key):
        return False
    length = _mean_chars(column)
    if column.key in _SECOND:
        return True
    if column.key in _CODE:
        return length >= MIN_CHARS / 2 and not _is_whole(asked)
    if length < MIN_CHARS or length <= _mean_chars(asked):
        return False
    if column.share(lambda text: len(str(text).split()) < 2) > 0.5:
        return False
    return not _same_question(column, asked)


def _cannot_be_shown(column: Column) -> bool:
    nested = column.key in NAMES["context"] and not column.is_text
    return nested or column.key in _MEDIA


def _speaks_of_code(asked: Column) -> bool:
    """Whether the questions are about a program that they do not ask for."""
    speaks = asked.share(lambda text: bool(_OF_CODE.search(str(text))))
    asks_for = asked.share(lambda text: bool(_WRITE.search(str(text))))
    return asked.key in _ASKING and speaks >= NEARLY_ALL and asks_for < 0.1


def _is_whole(asked: Column) -> bool:
    """Whether the texts are sentences to which a program would rather be the solution."""

    def sentence(text: Any) -> bool:
        return len(str(text).split()) >= 6 and str(text).rstrip().endswith(("?", ".", ":", "!"))

    return asked.share(sentence) >= 0.8 and not _speaks_of_code(asked)


def _is_aside(key: str) -> bool:
    return not _ASIDE.isdisjoint(key.split("_"))


def _same_question(column: Column, asked: Column) -> bool:
    """Whether a column writes the question once more, with the same words around it in every row, or is
    within it already.
    """
    if len(column.values) != len(asked.values):
        return False
    pairs = [
        (str(one).strip(), str(two).strip()) for one, two in zip(column.values, asked.values, strict=True)
    ]
    within = sum(one in two for one, two in pairs)
    around = [one.replace(two, "") for one, two in pairs if two in one]
    framed = len(around) >= NEARLY_ALL * len(pairs) and len(set(around)) <= max(3, 0.02 * len(pairs))
    return framed or within >= NEARLY_ALL * len(pairs)


def _mean_chars(column: Column) -> float:
    return sum(len(str(value)) for value in column.values) / max(1, len(column.values))


def _texts(column: Column) -> bool:
    return column.nearly_all(lambda value: bool(_text(value).strip()))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "\n".join(text_list(value) or []) if isinstance(value, list) else ""
