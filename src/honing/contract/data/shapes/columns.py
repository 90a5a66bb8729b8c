"""Columns of a table as evidence: their names, and what their values are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from honing.contract.data.shapes.numbering import numbering
from honing.contract.data.tables import TableRow

NEARLY_ALL = 0.98
"""Share of values that must fit a role. Published tables hold a few broken rows; they become invalid rows."""

_SYNONYMS = {
    "id": "id task_id question_id qid example_id problem_id sample_id uid uuid idx",
    "input": """question problem query prompt input instruction question_text question_stem problem_statement
        text sentence statement stem goal description task ctx premise claim utterance content review context
        passage""",
    "target": """answer target gold label gold_answer correct_answer final_answer answers answerkey
        answer_key answer_idx answer_index answer_id correct correct_option correct_choice correct_answer_idx
        gold_label
        ground_truth groundtruth reference expected expected_answer output response solution""",
    "context": """context passage paragraph article document story support background body table schema
        dialogue conversation transcript report facts""",
    "choices": """choices options candidates endings alternatives answer_choices possible_answers
        multiple_choice_targets""",
    "correct": "correct_answer best_answer correct answer right_answer correct_choice",
    "incorrect": """incorrect_answers wrong_answers distractors incorrect wrong incorrect_answer
        incorrect_choices distractor""",
    "tests": "test tests test_list test_code unit_tests test_cases asserts assertions checks",
    "solution": """canonical_solution reference_solution solution code reference reference_code answer output
        completion response target gold""",
    "entry_point": "entry_point function_name fn_name func_name entry function method_name",
    "setup": "test_setup_code test_setup setup_code setup test_imports imports preamble",
}
NAMES: Mapping[str, tuple[str, ...]] = {role: tuple(names.split()) for role, names in _SYNONYMS.items()}
"""Column names by role, the likeliest first. A name alone is weak evidence: values must fit too."""

_NEVER_TARGET = frozenset(
    {"id", "split", "source", "source_file", "subject", "category", "level", "type", "url", "index"}
)


@dataclass(frozen=True)
class Column:
    """One column: its name and the values that are present."""

    name: str
    values: tuple[Any, ...]
    """Without the missing ones: None and blank text."""
    total: int
    """Rows of the table that were looked at."""

    @property
    def key(self) -> str:
        """The name as compared with `NAMES`."""
        return normal_name(self.name)

    @property
    def filled(self) -> bool:
        """Whether nearly every row has a value."""
        return self.total > 0 and len(self.values) >= NEARLY_ALL * self.total

    def share(self, fits: Callable[[Any], bool]) -> float:
        """Share of the present values that fit; 0 where none is present."""
        return sum(map(bool, map(fits, self.values))) / len(self.values) if self.values else 0.0

    def nearly_all(self, fits: Callable[[Any], bool]) -> bool:
        return self.filled and self.share(fits) >= NEARLY_ALL

    @property
    def is_text(self) -> bool:
        return self.nearly_all(lambda value: isinstance(value, str))

    @property
    def distinct(self) -> int:
        """How many different values are present."""
        return len({repr(value) for value in self.values})

    @property
    def varied(self) -> bool:
        """Whether the values differ from row to row as questions do, rather than repeat as categories do."""
        return self.distinct > 0.3 * len(self.values) or len(self.values) < 5

    @cached_property
    def numbering(self) -> str:
        """Why the column only says which row it is; empty where it may say more."""
        return numbering(self.name, self.values, self.total)


class Columns:
    """The columns of a table, looked up by name or role."""

    def __init__(self, rows: Sequence[TableRow]) -> None:
        names = list(dict.fromkeys(name for row in rows for name in row.values))
        self.rows = rows
        self.by_name = {
            name: Column(name, tuple(v for row in rows if present(v := row.values.get(name))), len(rows))
            for name in names
        }

    def __iter__(self) -> Any:
        return iter(self.by_name.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.by_name)

    def named(self, role: str) -> list[Column]:
        """The columns whose name is one of a role's, the likeliest first."""
        order = NAMES[role]
        found = [column for column in self if column.key in order]
        return sorted(found, key=lambda column: order.index(column.key))

    def first(
        self, role: str, fits: Callable[[Column], bool], *, besides: Sequence[str] = ()
    ) -> Column | None:
        """The likeliest column of a role whose values fit."""
        return next(
            (column for column in self.named(role) if column.name not in besides and fits(column)), None
        )

    def id_column(self) -> str | None:
        """The column of declared ids, where its values are unique."""

        def unique(column: Column) -> bool:
            plain = all(
                isinstance(value, str | int) and not isinstance(value, bool) for value in column.values
            )
            return plain and column.distinct == column.total

        found = self.first("id", unique)
        return found.name if found else None

    def input_column(self, besides: Sequence[str]) -> Column | None:
        """The column that holds what is asked: by name, otherwise the longest varied text."""
        named = self.first("input", lambda column: column.is_text and column.varied, besides=besides)
        if named is not None:
            return named
        texts = [column for column in self if column.name not in besides and column.is_text and column.varied]
        texts = [
            column for column in texts if column.name != self.id_column() and column.key not in _NEVER_TARGET
        ]
        return max(texts, key=lambda column: sum(map(len, column.values)), default=None)

    def target_candidates(self, besides: Sequence[str]) -> list[Column]:
        """Columns that may hold the answer: by name first, then the rest; never one that numbers the rows."""
        named = [column for column in self.named("target") if column.name not in besides]
        rest = [column for column in self if column not in named and column.name not in besides]
        rest = [
            column for column in rest if column.key not in _NEVER_TARGET and column.name != self.id_column()
        ]
        return [column for column in [*named, *rest] if column.filled and not column.numbering]


def normal_name(name: str) -> str:
    """A column's name in lower case with words joined by underscores: "AnswerKey" is "answerkey"."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def present(value: Any) -> bool:
    """Whether a cell holds anything."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def as_int(value: Any) -> int | None:
    """A whole number, written as such or in text; None for anything else, booleans included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,9}\s*", value):
        return int(value)
    return None


def text_list(value: Any) -> list[str] | None:
    """A list of plain values as texts; None for anything else."""
    if not isinstance(value, list) or not all(isinstance(one, str | int | float) for one in value):
        return None
    return [str(one) for one in value]
