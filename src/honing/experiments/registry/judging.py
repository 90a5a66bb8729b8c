"""An expression judged against what lies on the disk: whether it holds, and every value read for it."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from honing.errors import HoningError
from honing.experiments.registry.expression import CONSTANTS, Expression

MOST_STEPS = 500_000
"""Parts evaluated for one expression: a loop over long files ends there."""
_SHOWN_READS = 40
_SHOWN_CHARACTERS = 200
_SHOWN_MEMBERS = 6
_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_ORDER: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class NoValueError(HoningError):
    """An expression has no value here: a file or key is missing, or kinds do not fit."""


class Scope(Protocol):
    """What names stand for."""

    def value(self, name: str) -> Any:
        """The document of an artifact, or a key of the output.

        Raises:
            NoValueError: There is none.
        """
        ...

    def count(self, name: str) -> int:
        """How many files an artifact's pattern matches."""
        ...

    def lines(self, file: str) -> list[str]:
        """The lines of a list beside the registry, without comments and empty ones.

        Raises:
            NoValueError: It cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A value that was looked at."""

    name: str
    """As the expression writes it."""
    value: Any
    """A number, text, true, false, null or a few of them; of longer things, how long they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one signal."""

    expression: str
    holds: bool
    reason: str = ""
    """Why it does not hold; empty where it does."""
    reads: tuple[Read, ...] = ()

    def as_document(self) -> dict[str, Any]:
        """As plain data."""
        reads = [{"name": read.name, "value": read.value} for read in self.reads]
        return {"expression": self.expression, "holds": self.holds, "reason": self.reason, "reads": reads}


def judge(text: str, scope: Scope) -> Verdict:
    """Whether a signal holds. Whatever is missing or does not fit is a signal that does not, with the reason.

    Raises:
        RegistryError: The expression itself is not allowed.
    """
    expression = Expression.parse(text)
    evaluation = _Evaluation(scope)
    try:
        value = evaluation.of(expression.tree)
        reason = _reason(value, evaluation.reads)
    except NoValueError as error:
        reason = str(error)
    return Verdict(expression=text, holds=not reason, reason=reason, reads=tuple(evaluation.reads))


def value_of(text: str, scope: Scope) -> Any:
    """What an expression comes to, as it is shown; None where it has no value.

    Raises:
        RegistryError: The expression itself is not allowed.
    """
    try:
        return shown(_Evaluation(scope).of(Expression.parse(text).tree))
    except NoValueError:
        return None


def shown(value: Any) -> Any:
    """A value short enough for a table: a few plain values as they are, of more of them how many."""
    if isinstance(value, list):
        plain = len(value) <= _SHOWN_MEMBERS and not any(isinstance(one, list | dict) for one in value)
        return [shown(one) for one in value] if plain and value else f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"a record of {len(value)} keys"
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return value[:_SHOWN_CHARACTERS] + "..."
    return value


def _reason(value: Any, reads: Sequence[Read]) -> str:
    if value is True:
        return ""
    if value is not False:
        return f"it is {shown(value)!r}, which is neither true nor false"
    told = ", ".join(f"{read.name} is {read.value!r}" for read in reads[:4])
    return f"it does not hold: {told}" if told else "it does not hold"


@dataclass(slots=True)
class _Evaluation:
    """One evaluation of one expression."""

    scope: Scope
    reads: list[Read] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    steps: int = 0

    def of(self, part: ast.expr) -> Any:
        """The value of a part; what is read from outside is noted."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise NoValueError(f"it takes more than {MOST_STEPS} steps; count or compare something shorter")
        if isinstance(part, ast.Name | ast.Attribute | ast.Subscript):
            value = self._chain(part)
            if not (isinstance(part, ast.Name) and part.id in CONSTANTS):
                self._note(ast.unparse(part), value)
            return value
        return _KINDS[type(part)](self, part)

    def _chain(self, part: ast.expr) -> Any:
        if isinstance(part, ast.Attribute):
            return _member(self._chain(part.value), part.attr, ast.unparse(part.value))
        if isinstance(part, ast.Subscript):
            return _member(self._chain(part.value), ast.literal_eval(part.slice), ast.unparse(part.value))
        if isinstance(part, ast.Name):
            return self._name(part.id)
        return self.of(part)

    def _name(self, name: str) -> Any:
        if name in CONSTANTS:
            return CONSTANTS[name]
        return self.variables[name] if name in self.variables else self.scope.value(name)

    def _note(self, name: str, value: Any) -> None:
        read = Read(name=name, value=shown(value))
        if len(self.reads) < _SHOWN_READS and read not in self.reads:
            self.reads.append(read)

    def truth(self, part: ast.expr) -> bool:
        value = self.of(part)
        if not isinstance(value, bool):
            raise NoValueError(f"{ast.unparse(part)} is {shown(value)!r}, expected true or false")
        return value

    def constant(self, part: ast.Constant) -> Any:
        return part.value

    def listed(self, part: ast.List | ast.Tuple) -> list[Any]:
        return [self.of(one) for one in part.elts]

    def junction(self, part: ast.BoolOp) -> bool:
        # The first that decides ends it, so that `exists(a) and a.b` can be written.
        if isinstance(part.op, ast.And):
            return all(self.truth(one) for one in part.values)
        return any(self.truth(one) for one in part.values)

    def unary(self, part: ast.UnaryOp) -> Any:
        if isinstance(part.op, ast.Not):
            return not self.truth(part.operand)
        return -_number(self.of(part.operand), part.operand)

    def arithmetic(self, part: ast.BinOp) -> float:
        left, right = _number(self.of(part.left), part.left), _number(self.of(part.right), part.right)
        try:
            value = _ARITHMETIC[type(part.op)](left, right)
        except (ZeroDivisionError, OverflowError) as error:
            raise NoValueError(f"{ast.unparse(part)}: {error}") from None
        return value

    def comparison(self, part: ast.Compare) -> bool:
        left = self.of(part.left)
        for kind, right_part in zip(part.ops, part.comparators, strict=True):
            right = self.of(right_part)
            if not _compare(type(kind), left, right, ast.unparse(part)):
                return False
            left = right
        return True

    def loop(self, part: ast.GeneratorExp | ast.ListComp) -> list[Any]:
        return list(self.looped(part, self.of))

    def looped(self, part: ast.GeneratorExp | ast.ListComp, take: Callable[[ast.expr], Any]) -> Iterator[Any]:
        """What `take` makes of the element, one after the other."""
        (loop,) = part.generators
        assert isinstance(loop.target, ast.Name)
        members = self.of(loop.iter)
        if not isinstance(members, list):
            raise NoValueError(f"{ast.unparse(loop.iter)} is {shown(members)!r}, expected a list")
        before = dict(self.variables)
        try:
            for member in members:
                self.variables = {**before, loop.target.id: member}
                if all(self.truth(condition) for condition in loop.ifs):
                    yield take(part.elt)
        finally:
            self.variables = before

    def call(self, part: ast.Call) -> Any:
        assert isinstance(part.func, ast.Name)
        return _FUNCTIONS[part.func.id](self, *part.args)

    def size(self, part: ast.expr) -> int:
        value = self.of(part)
        if not isinstance(value, list | dict | str):
            raise NoValueError(f"len({ast.unparse(part)}): {shown(value)!r} has no length")
        return len(value)

    def every(self, part: ast.expr) -> bool:
        looked, holds = 0, True
        for value in self.truths(part):
            looked, holds = looked + 1, value
            if not holds:
                break
        if not looked:
            # Of nothing everything is true: a list that stayed empty must not tick a box.
            raise NoValueError(f"all({ast.unparse(part)}): there is nothing to look at")
        return holds

    def some(self, part: ast.expr) -> bool:
        return any(self.truths(part))

    def truths(self, part: ast.expr) -> Iterator[bool]:
        if isinstance(part, ast.GeneratorExp | ast.ListComp):
            yield from self.looped(part, self.truth)
            return
        for position, value in enumerate(self.members(part)):
            if not isinstance(value, bool):
                raise NoValueError(f"{ast.unparse(part)}[{position}] is {shown(value)!r}, not true or false")
            yield value

    def members(self, part: ast.expr) -> list[Any]:
        value = self.of(part)
        if not isinstance(value, list):
            raise NoValueError(f"{ast.unparse(part)} is {shown(value)!r}, expected a list")
        return value

    def numbers(self, part: ast.expr) -> list[float]:
        found = [_number(value, part) for value in self.members(part)]
        if not found:
            raise NoValueError(f"{ast.unparse(part)} is empty")
        return found

    def is_number(self, part: ast.expr) -> bool:
        value = self.of(part)
        return _is_number(value)

    def exists(self, part: ast.expr) -> bool:
        if isinstance(part, ast.Name) and part.id not in self.variables and self.scope.count(part.id):
            return True
        try:
            return self.of(part) is not None
        except NoValueError:
            return False

    def count(self, part: ast.expr) -> int:
        if not isinstance(part, ast.Name):
            raise NoValueError(f"count takes an artifact's name, found {ast.unparse(part)}")
        return self.scope.count(part.id)

    def in_order(self, part: ast.expr, wanted: ast.expr) -> bool:
        names = [_named(member, part) for member in self.members(part)]
        expected = (
            self.scope.lines(wanted.value)
            if isinstance(wanted, ast.Constant) and isinstance(wanted.value, str)
            else [_named(member, wanted) for member in self.members(wanted)]
        )
        self._note(f"names of {ast.unparse(part)}", ", ".join(names))
        self._note(f"names of {ast.unparse(wanted)}", ", ".join(expected))
        return bool(names) and names == expected


_KINDS: Mapping[type[ast.AST], Callable[[_Evaluation, Any], Any]] = {
    ast.Constant: _Evaluation.constant,
    ast.List: _Evaluation.listed,
    ast.Tuple: _Evaluation.listed,
    ast.BoolOp: _Evaluation.junction,
    ast.UnaryOp: _Evaluation.unary,
    ast.BinOp: _Evaluation.arithmetic,
    ast.Compare: _Evaluation.comparison,
    ast.GeneratorExp: _Evaluation.loop,
    ast.ListComp: _Evaluation.loop,
    ast.Call: _Evaluation.call,
}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": lambda here, part: abs(_number(here.of(part), part)),
    "all": _Evaluation.every,
    "any": _Evaluation.some,
    "count": _Evaluation.count,
    "exists": _Evaluation.exists,
    "len": _Evaluation.size,
    "max": lambda here, part: max(here.numbers(part)),
    "min": lambda here, part: min(here.numbers(part)),
    "number": _Evaluation.is_number,
    "order": _Evaluation.in_order,
    "sum": lambda here, part: math.fsum(here.numbers(part)),
}


def _member(value: Any, key: str | int, where: str) -> Any:
    if isinstance(key, str) and isinstance(value, dict):
        if key in value:
            return value[key]
        known = ", ".join(list(value)[:12])
        raise NoValueError(f"{where} has no {key!r}; it has {known or 'no keys'}")
    if isinstance(key, int) and isinstance(value, list):
        if -len(value) <= key < len(value):
            return value[key]
        raise NoValueError(f"{where} has {len(value)} members, so there is no [{key}]")
    expected = "a record" if isinstance(key, str) else "a list"
    raise NoValueError(f"{where} is {shown(value)!r}, expected {expected} with {key!r} in it")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: Any, part: ast.expr) -> float:
    if not _is_number(value):
        raise NoValueError(f"{ast.unparse(part)} is {shown(value)!r}, expected a number")
    return value  # type: ignore[no-any-return]


def _compare(kind: type[ast.cmpop], left: Any, right: Any, where: str) -> bool:
    if kind in (ast.Eq, ast.NotEq):
        return _equal(left, right) is (kind is ast.Eq)
    if kind in (ast.In, ast.NotIn):
        return _holds(right, left, where) is (kind is ast.In)
    both_numbers = _is_number(left) and _is_number(right)
    if not both_numbers and not (isinstance(left, str) and isinstance(right, str)):
        raise NoValueError(f"{where}: {shown(left)!r} and {shown(right)!r} have no order")
    return _ORDER[kind](left, right)


def _equal(left: Any, right: Any) -> bool:
    """Python takes true for 1; a done signal must not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    return bool(left == right)


def _holds(container: Any, member: Any, where: str) -> bool:
    if isinstance(container, str) and isinstance(member, str):
        return member in container
    if isinstance(container, dict) and isinstance(member, str):
        return member in container
    if isinstance(container, list):
        return any(_equal(member, one) for one in container)
    raise NoValueError(f"{where}: nothing can be in {shown(container)!r}")


def _named(member: Any, part: ast.expr) -> str:
    """A text itself, or what a record says that it is about."""
    name = member.get("target", member.get("name")) if isinstance(member, dict) else member
    if not isinstance(name, str):
        raise NoValueError(
            f"{ast.unparse(part)} holds {shown(member)!r}, expected texts or records of targets"
        )
    return name
