"""Rastrigin's function in six dimensions: a bowl with a great many local minima (Rastrigin 1974)."""

from __future__ import annotations

import json
import math
import random
from typing import Any

from honing.harness.problems.base import Files, Grade, Problem

FILE = "params.json"
DIMENSIONS = 6
BOUND = 5.12
_START = (4.1, -3.2, 2.7, -4.6, 3.4, -2.9)
_HALF = 20.0
"""Value of the function that scores one half."""
_STEPS = (2.0, 0.7, 0.2, 0.05)


def rastrigin() -> Problem:
    """The problem; the minimum is 0, at the origin."""
    return Problem(
        name="rastrigin",
        sentence="a function of six numbers with many local minima (LLM-free, own proposer)",
        objective=f"Make the value of a function of the {DIMENSIONS} numbers in {FILE} small; each must lie "
        f"within -{BOUND} and {BOUND}.",
        baseline={FILE: _text(_START)},
        tasks=("small_value",),
        proposals=200,
        grade=_grade,
        mutate=_mutate,
    )


def value_at(point: tuple[float, ...]) -> float:
    """Rastrigin's function: 0 at the origin, larger everywhere else."""
    return sum(x * x - 10.0 * math.cos(2.0 * math.pi * x) + 10.0 for x in point)


def _grade(files: Files, task: str, seed: int) -> Grade:
    try:
        value = value_at(_point(files.get(FILE, "")))
    except ValueError as error:
        return Grade(score=0.0, reason=str(error))
    return Grade(score=_HALF / (_HALF + value), reason=f"the value is {value:.6f}")


def _point(text: str) -> tuple[float, ...]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{FILE} is no JSON") from error
    numbers = isinstance(found, list) and all(isinstance(each, float) for each in found)
    if not numbers or len(found) != DIMENSIONS or not all(abs(each) <= BOUND for each in found):
        raise ValueError(f"{FILE} must be a list of {DIMENSIONS} numbers within -{BOUND} and {BOUND}")
    return tuple(found)


def _text(point: tuple[float, ...]) -> str:
    return "[\n" + ",\n".join(json.dumps(x) for x in point) + "\n]\n"


def _mutate(files: Files, rng: random.Random) -> Files:
    """Move one number, or some of them, by steps of one size."""
    point = list(_point(files[FILE]))
    step = rng.choice(_STEPS)
    for index in rng.sample(range(DIMENSIONS), rng.choice((1, 1, 2, DIMENSIONS))):
        point[index] = min(max(rng.gauss(point[index], step), -BOUND), BOUND)
    return {FILE: _text(tuple(point))}
