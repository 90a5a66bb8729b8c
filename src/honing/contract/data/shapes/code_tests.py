"""Programming tasks that come with tests."""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Sequence
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
from honing.contract.data.shapes.columns import Column, Columns, text_list
from honing.contract.data.tables import TableRow

_CHECK = re.compile(r"^\s*(?:assert\b|def\s+check\s*\()", re.MULTILINE)
_UNITTEST = re.compile(r"\bunittest\b|\bTestCase\b|^\s*(?:async\s+)?def\s+test_", re.MULTILINE)


_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class CodeTests:
    """A column that describes a program, a column of tests, and usually one with a solution.

    Two forms: where the text and the solution are one program together, the model completes code
    (`complete`); otherwise it writes the program (`write`).
    """

    kind = TaskKind.CODE_TESTS

    def find(self, columns: Columns) -> Found | Missing:
        tests = _tests_column(columns)
        if tests is None:
            return Missing(
                self.kind, "no column holds Python tests (assert, or def check)", 0, "a column of asserts"
            )
        if tests.share(lambda value: bool(_UNITTEST.search(_joined(value)))) > 0.02:
            return Missing(
                self.kind,
                f"{tests.name!r} holds test classes or test functions, which need their own runner",
                2,
                "the target's own evaluate command",
                final=True,
            )
        taken = [tests.name]
        entry = columns.first("entry_point", lambda column: column.nearly_all(_is_identifier), besides=taken)
        setup = [column.name for column in columns.named("setup") if column.name not in taken]
        asked = _asked(columns, taken)
        if asked is None:
            return Missing(
                self.kind, f"{tests.name!r} holds tests, but no column says what to write", 1, "a 'prompt'"
            )
        solution, form = _solution(columns, asked, tests, [*taken, asked.name])
        fields: dict[str, str | tuple[str, ...]] = {"input": asked.name, "tests": tests.name}
        for role, name in (("solution", solution), ("entry_point", entry.name if entry else None)):
            if name:
                fields[role] = name
        if setup:
            fields["setup"] = tuple(setup)
        return Found(
            kind=self.kind,
            fields=fields,
            reading={"form": form},
            scorer="code",
            template=prompts.COMPLETE if form == "complete" else prompts.WRITE,
            chance=0.0,
            decisions=_decisions(columns, tests, asked, solution, form),
        )

    def read(self, found: Found, row: TableRow, place: Place) -> Readable:
        fields = found.fields
        tests = _joined(row.values.get(str(fields["tests"])))
        if not _CHECK.search(tests):
            raise UnreadableRowError(f"{row.anchor}/{fields['tests']}: no test asserts anything")
        setup = "\n".join(_joined(row.values.get(name)) for name in fields.get("setup", ()))
        asked = text_of(row, str(fields["input"]))
        solution = row.values.get(str(fields.get("solution", "")))
        golds = (solution,) if isinstance(solution, str) and solution.strip() else ()
        entry = str(row.values.get(str(fields.get("entry_point", ""))) or "")
        names = (entry,) if entry else names_under_test(tests, setup, golds[0] if golds else "")
        if not names:
            raise UnreadableRowError(
                f"{row.anchor}/{fields['tests']}: no test uses a name that could be defined"
            )
        inputs: dict[str, Any] = {
            "input": asked,
            "tests": tests,
            "setup": setup.strip(),
            "entry_point": names[0],
            "under_test": names,
            "names": ", ".join(f"`{name}`" for name in names),
            "example": _example(tests),
            "form": found.reading["form"],
        }
        return inputs, golds


def names_under_test(tests: str, setup: str = "", solution: str = "") -> tuple[str, ...]:
    """The names that tests use and only a solution defines, in the order of their first use.

    A name of a built-in function counts where the given solution redefines it.
    """
    tree = parsed(f"{setup}\n{tests}")
    if tree is None:
        return ()
    solved = parsed(solution)
    redefined = {node.name for node in solved.body if isinstance(node, _DEFINITION)} if solved else set()
    bound = (set(dir(builtins)) - redefined) | _bound(tree)
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)]
    used.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in used if node.id not in bound))


def parsed(code: str) -> ast.Module | None:
    """The syntax tree of a program; None where it is not Python."""
    with warnings.catch_warnings():
        # Strangers' code may hold "\d"; that is their business.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _bound(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, _DEFINITION):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
    return names


def _joined(value: Any) -> str:
    """Tests or set-up as one program: a text, or a list of lines."""
    if isinstance(value, str):
        return value
    return "\n".join(text_list(value) or [])


def _example(tests: str) -> str:
    """The first assert, as an example of a call."""
    return next((line.strip() for line in tests.splitlines() if line.strip().startswith("assert")), "")


def _is_identifier(value: Any) -> bool:
    return isinstance(value, str) and value.isidentifier()


def _tests_column(columns: Columns) -> Column | None:
    def holds_tests(column: Column) -> bool:
        return column.nearly_all(lambda value: bool(_CHECK.search(_joined(value))))

    named = columns.first("tests", holds_tests)
    if named is not None:
        return named
    # By values alone: asserts stand in prompts and solutions too, so every value must be a test and no more.
    rest = [column for column in columns if holds_tests(column) and column.nearly_all(_only_tests)]
    return rest[0] if rest else None


def _only_tests(value: Any) -> bool:
    text = _joined(value)
    return parsed(text) is not None and bool(names_under_test(text) or "def check" in text)


def _asked(columns: Columns, taken: Sequence[str]) -> Column | None:
    names = [*taken, *(column.name for role in ("setup", "entry_point") for column in columns.named(role))]
    solutions = [column.name for column in columns.named("solution") if column.nearly_all(_is_program)]
    return columns.input_column([*names, *solutions])


def _is_program(value: Any) -> bool:
    tree = parsed(value) if isinstance(value, str) else None
    return tree is not None and any(
        isinstance(n, ast.FunctionDef | ast.ClassDef | ast.Assign) for n in tree.body
    )


def _solution(columns: Columns, asked: Column, tests: Column, taken: Sequence[str]) -> tuple[str | None, str]:
    """The column with a right program, and whether it continues the prompt (`complete`) or stands alone."""
    named = [column for column in columns.named("solution") if column.name not in taken]
    rest = [
        column for column in columns if column not in named and column.name not in taken and column.is_text
    ]
    for column in [*named, *rest]:
        if not column.is_text:
            continue
        if _continues(columns, asked.name, column.name):
            return column.name, "complete"
        if column.nearly_all(_is_program):
            return column.name, "write"
    code = asked.nearly_all(lambda value: bool(re.search(r"^\s*def\s+\w+\s*\(", value, re.MULTILINE)))
    return None, "complete" if code and asked.nearly_all(_opens_function) else "write"


def _continues(columns: Columns, asked: str, solution: str) -> bool:
    pairs = [(row.values.get(asked), row.values.get(solution)) for row in columns.rows]
    texts = [(one, two) for one, two in pairs if isinstance(one, str) and isinstance(two, str)]
    if not texts:
        return False
    fitting = sum(_is_program(one + two) and not _is_program(two) for one, two in texts)
    return fitting >= 0.98 * len(columns.rows)


def _opens_function(prompt: Any) -> bool:
    return isinstance(prompt, str) and parsed(prompt.rstrip() + "\n    pass\n") is not None


def _decisions(
    columns: Columns, tests: Column, asked: Column, solution: str | None, form: str
) -> tuple[Decision, ...]:
    by_name = tests in columns.named("tests")
    together = "continues the prompt to one program" if form == "complete" else "is a program of its own"
    found = [
        Decision(
            "tests",
            column_anchor(columns, tests.name),
            f"nearly every {tests.name!r} asserts something about code",
            0.95 if by_name else 0.75,
        ),
        Decision(
            "input",
            column_anchor(columns, asked.name),
            f"{asked.name!r} holds texts that differ from row to row",
            0.95 if asked in columns.named("input") else 0.75,
        ),
    ]
    if solution is not None:
        found.append(
            Decision("solution", column_anchor(columns, solution), f"nearly every {solution!r} {together}")
        )
    return tuple(found)
