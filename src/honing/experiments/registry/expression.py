"""The small language of done signals: what may stand in an expression, checked before anything is read.

Python's own parser reads it; everything but names, keys, numbers, texts, comparisons, `and or not`, plain
arithmetic and a fixed list of functions is refused. Nothing of Python is ever reached: a name is an artifact,
a dot is a key of a document.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from honing.errors import RegistryError

CONSTANTS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
"""Words that are values; JSON's spelling and Python's."""
FUNCTIONS = {
    "abs": 1,
    "all": 1,
    "any": 1,
    "count": 1,
    "exists": 1,
    "len": 1,
    "max": 1,
    "min": 1,
    "number": 1,
    "order": 2,
    "sum": 1,
}
"""Functions and how many arguments each takes."""
LONGEST = 1000
"""Characters of one expression."""
MOST_PARTS = 300
DEEPEST = 40

_OPERATORS = (
    ast.And, ast.Or, ast.Not, ast.USub, ast.Add, ast.Sub, ast.Mult, ast.Div,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Load, ast.Store,
)  # fmt: skip
_PARTS = (
    ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Name, ast.Attribute, ast.Subscript, ast.Call,
    ast.Constant, ast.List, ast.Tuple, ast.GeneratorExp, ast.ListComp, ast.comprehension,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that is allowed."""

    text: str
    tree: ast.expr
    names: frozenset[str]
    """Names whose values it takes from outside: artifacts, or keys of the output. What is only counted, or
    asked for whether it is there, is not among them."""

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Read an expression and check all of it.

        Raises:
            RegistryError: It cannot be read, or something in it is not allowed; the text names the place.
        """
        if len(text) > LONGEST:
            raise RegistryError(f"an expression of {len(text)} characters; at most {LONGEST} are read")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as found:
            where = f" at column {found.offset}" if found.offset else ""
            raise RegistryError(f"{text!r} cannot be read{where}: {found.msg}") from None
        except (ValueError, RecursionError, MemoryError):
            raise RegistryError(f"{_short(text)} cannot be read: nested too deeply, or no text") from None
        parts = list(_checked(tree, text, depth=0))
        if len(parts) > MOST_PARTS:
            raise RegistryError(f"{_short(text)} has {len(parts)} parts; at most {MOST_PARTS} are read")
        own = {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
        unread = _unread(parts)
        read = {part.id for part in parts if isinstance(part, ast.Name) and id(part) not in unread}
        return cls(text, tree, frozenset(read - own - set(CONSTANTS)))


def _unread(parts: list[ast.AST]) -> set[int]:
    """The parts that are names without being read: functions, and what is counted or looked for."""
    calls = [part for part in parts if isinstance(part, ast.Call)]
    asked = [
        call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("count", "exists")
    ]
    return {id(call.func) for call in calls} | {id(one) for call in asked for one in call.args}


def _checked(part: ast.AST, text: str, *, depth: int) -> Iterator[ast.AST]:
    """Every part, once it is known to be allowed."""
    if depth > DEEPEST:
        raise RegistryError(f"{_short(text)} is nested deeper than {DEEPEST}")
    if not isinstance(part, _OPERATORS + _PARTS):
        raise _refused(part, text, f"{_called(part)} is not part of the language")
    check = _CHECKS.get(type(part))
    if check is not None:
        check(part, text)
    yield part
    for inner in ast.iter_child_nodes(part):
        yield from _checked(inner, text, depth=depth + 1)


def _check_call(part: ast.Call, text: str) -> None:
    known = ", ".join(sorted(FUNCTIONS))
    if not isinstance(part.func, ast.Name) or part.func.id not in FUNCTIONS:
        raise _refused(part, text, f"only these functions can be called: {known}")
    if part.keywords or len(part.args) != FUNCTIONS[part.func.id]:
        raise _refused(part, text, f"{part.func.id} takes {FUNCTIONS[part.func.id]} argument(s), by position")


def _check_name(part: ast.Name, text: str) -> None:
    if part.id.startswith("__"):
        raise _refused(part, text, "a name begins with no two underscores")
    if isinstance(part.ctx, ast.Store) and part.id in {*CONSTANTS, *FUNCTIONS}:
        raise _refused(part, text, f"{part.id!r} has a meaning of its own; choose another variable")


def _check_attribute(part: ast.Attribute, text: str) -> None:
    if part.attr.startswith("__"):
        raise _refused(part, text, 'a key after a dot begins with no two underscores; write ["..."] for it')


def _check_subscript(part: ast.Subscript, text: str) -> None:
    index = part.slice
    if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
        index = index.operand
    plain = isinstance(index, ast.Constant) and type(index.value) in (str, int)
    if not plain:
        raise _refused(part, text, "between brackets stands a text or a whole number")


def _check_constant(part: ast.Constant, text: str) -> None:
    if type(part.value) not in (str, int, float, bool, type(None)):
        raise _refused(part, text, "values are numbers, texts, true, false and null")


def _check_loop(part: ast.GeneratorExp | ast.ListComp, text: str) -> None:
    if len(part.generators) != 1:
        raise _refused(part, text, "one `for` an expression")


def _check_comprehension(part: ast.comprehension, text: str) -> None:
    if part.is_async or not isinstance(part.target, ast.Name):
        raise _refused(part.target, text, "after `for` stands one variable")


_CHECKS: Mapping[type[ast.AST], Callable[[Any, str], None]] = {
    ast.Call: _check_call,
    ast.Name: _check_name,
    ast.Attribute: _check_attribute,
    ast.Subscript: _check_subscript,
    ast.Constant: _check_constant,
    ast.GeneratorExp: _check_loop,
    ast.ListComp: _check_loop,
    ast.comprehension: _check_comprehension,
}


def _refused(part: ast.AST, text: str, why: str) -> RegistryError:
    column = getattr(part, "col_offset", 0) + 1
    return RegistryError(f"{_short(text)}, column {column}: {why}")


def _called(part: ast.AST) -> str:
    return type(part).__name__.lower()


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
