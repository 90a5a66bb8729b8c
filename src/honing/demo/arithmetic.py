"""Problems, their worked steps, and an evaluation of the steps that does not trust whoever wrote them."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

Number = int | Fraction

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the worked answer."""

    label: str
    expression: str
    """With the signs + - * / % and `ceil`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One word problem."""

    question: str
    steps: tuple[Step, ...]
    answer: Number
    """As the template computes it, from its own formula."""
    thousands: bool = False
    """Whether the final line groups digits with commas."""


def evaluate(expression: str) -> Fraction:
    """The exact value of an expression over decimals.

    Raises:
        ValueError: It holds anything but numbers, the signs + - * / %, brackets and `ceil`.
    """
    return _value(ast.parse(expression, mode="eval").body, expression)


def _value(node: ast.expr, expression: str) -> Fraction:
    match node:
        case ast.Constant(value=int() | float()):
            # The literal's own text, so that 0.1 means one tenth.
            return Fraction(expression[node.col_offset : node.end_col_offset])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, expression)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_value(left, expression), _value(right, expression))
        case ast.Call(func=ast.Name(id="ceil"), args=[argument], keywords=[]):
            return Fraction(math.ceil(_value(argument, expression)))
    raise ValueError(f"{expression!r}: only numbers, + - * / %, brackets and ceil are understood")


def plain(value: Number) -> str:
    """A number as a step writes it: a whole number, a finite decimal, else a fraction in lowest terms."""
    exact = Fraction(value)
    digits = next((count for count in range(7) if (exact * 10**count).denominator == 1), None)
    if digits is None:
        return f"{exact.numerator}/{exact.denominator}"
    if digits == 0:
        return str(exact.numerator)
    scaled = f"{abs(exact.numerator) * 10**digits // exact.denominator:0{digits + 1}d}"
    return f"{'-' if exact < 0 else ''}{scaled[:-digits]}.{scaled[-digits:]}"


def worked(problem: Problem) -> str:
    """The worked answer: one line a step, then the marked final line.

    Raises:
        ValueError: The steps do not lead to the answer.
    """
    values = [evaluate(step.expression) for step in problem.steps]
    if values[-1] != problem.answer:
        raise ValueError(
            f"{problem.question!r}: the steps give {plain(values[-1])}, the formula {plain(problem.answer)}"
        )
    lines = [
        f"{step.label}: {step.expression} = {plain(value)}"
        for step, value in zip(problem.steps, values, strict=True)
    ]
    final = f"{int(problem.answer):,}" if problem.thousands else plain(problem.answer)
    return "\n".join([*lines, f"#### {final}"])
