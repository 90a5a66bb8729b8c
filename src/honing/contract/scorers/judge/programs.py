"""Which reading of a completion is the program: the first that is Python and defines what is tested."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

TRIM_TRIES = 200
"""Lines that may be dropped from the end of a text that code is followed by prose in."""


def choose(programs: Sequence[str], trim: Sequence[int], names: Iterable[str]) -> str | None:
    """The first program that compiles and defines the names; otherwise the first that compiles.

    Args:
        programs: Readings of a completion, the likeliest first.
        trim: How many lines at the end of each may be prose; they are dropped only where no reading is a
            program as it stands.
        names: What the tests use.

    Returns:
        None where nothing compiles.
    """
    wanted = set(names)
    spare = None
    for source in (*programs, *_shortened(programs, trim)):
        tree = _tree(source)
        if tree is not None and wanted <= _defined(tree):
            return source
        if tree is not None and spare is None:
            spare = source
    return spare


def _shortened(programs: Sequence[str], trim: Sequence[int]) -> Iterator[str]:
    """Each program without its last lines, as few as make it compile."""
    for text, most in zip(programs, trim, strict=True):
        lines = text.split("\n")
        shorter = ("\n".join(lines[:-dropped]) for dropped in range(1, min(most, TRIM_TRIES) + 1))
        found = next((source for source in shorter if _tree(source) is not None), None)
        if found is not None:
            yield found


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
