"""The kinds of task that a table can hold, one file each, tried in this order."""

from honing.contract.data.shapes.base import (
    Decision,
    Found,
    Missing,
    Place,
    Shape,
    TaskKind,
    UnreadableRowError,
)
from honing.contract.data.shapes.code_tests import CodeTests
from honing.contract.data.shapes.columns import Columns
from honing.contract.data.shapes.multiple_choice import MultipleChoice
from honing.contract.data.shapes.question_answer import QuestionAnswer

SHAPES: tuple[Shape, ...] = (CodeTests(), MultipleChoice(), QuestionAnswer())
"""Tests are the strongest evidence, choices the next; any two columns look like question and answer."""

__all__ = [
    "SHAPES",
    "CodeTests",
    "Columns",
    "Decision",
    "Found",
    "Missing",
    "MultipleChoice",
    "Place",
    "QuestionAnswer",
    "Shape",
    "TaskKind",
    "UnreadableRowError",
]
