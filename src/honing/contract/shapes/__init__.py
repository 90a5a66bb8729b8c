"""The kinds of task that a table can hold, one file each, tried in this order."""

from honing.contract.shapes.base import Decision, Found, Missing, Place, Shape, TaskKind, UnreadableRowError
from honing.contract.shapes.code_tests import CodeTests
from honing.contract.shapes.columns import Columns
from honing.contract.shapes.multiple_choice import MultipleChoice
from honing.contract.shapes.question_answer import QuestionAnswer

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
