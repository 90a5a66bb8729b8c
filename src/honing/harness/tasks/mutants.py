"""Versions of Python source: ones that do the same and look different, ones with one small defect each."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Iterator

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Add,
}


def restyled(source: str, rng: random.Random) -> str:
    """The same program, written differently: neither its text nor its syntax tree is what it was.

    Comments and layout go, and every function gains a statement that does nothing; so a script that compares
    the source with what it knows, rather than running it, fails on this as it does on a defect.

    Raises:
        SyntaxError: It is no Python.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            node.body.insert(1 if ast.get_docstring(node) is not None else 0, _nothing(rng))
    # At the end: `from __future__` has to come first.
    tree.body.append(_nothing(rng))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def mutants(source: str, count: int, rng: random.Random) -> list[str]:
    """Versions with one defect each, no two alike: the code of functions only, docstrings left out.

    Args:
        source: The right program.
        count: How many; fewer come back where there are fewer places for one.
        rng: Chooses the places.

    Raises:
        SyntaxError: It is no Python.
    """
    places = len(list(_changes(ast.parse(source))))
    found: dict[str, None] = {}
    for place in rng.sample(range(places), places):
        tree = ast.parse(source)
        list(_changes(tree))[place]()
        # A second parse: a defect must not be one of syntax.
        found.setdefault(ast.unparse(ast.parse(ast.unparse(ast.fix_missing_locations(tree)))) + "\n")
        if len(found) == count:
            break
    return list(found)


def _nothing(rng: random.Random) -> ast.stmt:
    name = f"_unused_{rng.getrandbits(32):08x}"
    return ast.Assign(targets=[ast.Name(name, ast.Store())], value=ast.Constant(rng.randrange(1000)))


def _changes(tree: ast.Module) -> Iterator[Callable[[], None]]:
    """Every defect that can be made, as what makes it; in the order of the source."""
    functions = [node for node in ast.walk(tree) if isinstance(node, _Function)]
    seen: set[int] = set()
    for function in functions:
        for statement in function.body:
            for node in ast.walk(statement):
                if id(node) not in seen:
                    seen.add(id(node))
                    yield from _changes_of(node)


def _changes_of(node: ast.AST) -> Iterator[Callable[[], None]]:
    replacement: ast.AST | None = None
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARISONS:
            compared = _COMPARISONS[type(operator)]()
            yield lambda: setattr(node, "ops", [compared])
        case ast.BinOp(op=ast.operator() as calculated) if not _is_text(node):
            found = _OPERATORS.get(type(calculated))
            replacement = found() if found is not None else None
        case ast.BoolOp(op=joined):
            replacement = ast.Or() if isinstance(joined, ast.And) else ast.And()
        case ast.Return(value=ast.expr()):
            yield lambda: setattr(node, "value", ast.Constant(None))
        case ast.Constant(value=bool(held)):
            yield lambda: setattr(node, "value", not held)
        case ast.Constant(value=int(held)):
            yield lambda: setattr(node, "value", held + 1)
    if replacement is not None:
        yield lambda: setattr(node, "op", replacement)


def _is_text(node: ast.BinOp) -> bool:
    """Whether an operand is visibly a text: `%` and `*` mean something else there, and break at once."""
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )
