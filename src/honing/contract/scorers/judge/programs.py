"""Which reading of a completion is the program: the first that is Python and defines what is tested."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

TRIM_TRIES = 200
"""Lines that may be dropped from the end of a text that code is followed by prose in."""


def choose(programs: Sequence[str], trim: Sequence[bool], names: Iterable[str]) -> str | None:
    """The first program that compiles and defines the names; otherwise the first that compiles; None without
    any.
    """
    spare = None
    wanted = set(names)
    for text, trimmed in zip(programs, trim, strict=True):
        found = next(((source, tree) for source in _readings(text, trimmed) if (tree := _tree(source))), None)
        if found is None:
            continue
        source, tree = found
        if wanted <= _defined(tree):
            return source
        spare = spare or source
    return spare


def _readings(text: str, trimmed: bool) -> Iterator[str]:  # noqa: FBT001
    """The text, then without its last lines."""
    lines = text.split("\n")
    fewest = max(0, len(lines) - TRIM_TRIES) if trimmed else len(lines) - 1
    for end in range(len(lines), fewest, -1):
        yield "\n".join(lines[:end])


def _tree(source: str) -> ast.Module | None:
    """The syntax tree of a program that does something; None where it is no Python."""
    try:
        compile(source, "<solution>", "exec")
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if tree.body else None


def _defined(tree: ast.Module) -> set[str]:
    """The names a program binds outside its functions and classes."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        waiting.extend(ast.iter_child_nodes(node))
    return names
