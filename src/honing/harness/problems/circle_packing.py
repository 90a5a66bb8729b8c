"""Circles in the unit square: place n of them without overlap so that their radii add up to most.

For n = 26 the best sum published is about 2.636. A packing is checked exactly, in rational numbers, so that
no rounding lets circles overlap.
"""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction
from functools import partial
from typing import Any

from honing.harness.problems.base import Files, Grade, Problem

FILE = "packing.json"
_SCALE = {10: 1.60, 26: 2.64}
"""Sum of radii that counts as 1; a little above the best that is known."""
_SAFETY = 1e-9
"""What a proposed circle stays away from its neighbours, so that rounding does not make them overlap."""
_NEAR = 1e-6
"""Distance between two rims below which floats are not trusted; their error is some 1e-16."""
_STEPS = (0.3, 0.1, 0.03, 0.01, 0.003)
"""How far a proposal moves a circle, as standard deviations."""

Circle = tuple[float, float, float]
"""Centre (x, y) and radius."""


def circle_packing(n: int = 26) -> Problem:
    """The problem for n circles.

    Args:
        n: 10 or 26.
    """
    return Problem(
        name=f"circle_packing_{n}",
        sentence=f"{n} circles in the unit square, sum of radii (LLM-free, own proposer)",
        objective=f"Place {n} circles in the unit square without overlap; the larger the sum of their radii, "
        f"the better. {FILE} lists x, y and radius of each.",
        baseline={FILE: _text(_grid(n))},
        tasks=("sum_of_radii",),
        proposals=200,
        grade=partial(_grade, n),
        mutate=_mutate,
    )


def sum_of_radii(text: str, n: int) -> Fraction:
    """What a packing is worth, exactly.

    Raises:
        ValueError: It is no list of n circles, or the circles leave the square or overlap.
    """
    circles = _circles(text, n)
    for index, circle in enumerate(circles):
        x, y, radius = (Fraction(number) for number in circle)
        if radius <= 0 or not (radius <= x <= 1 - radius and radius <= y <= 1 - radius):
            raise ValueError(f"circle {index} does not lie in the square")
        for other, (x2, y2, radius2) in enumerate(circles[:index]):
            # Floats settle what is far apart; only near contacts need rational numbers.
            apart = math.hypot(circle[0] - x2, circle[1] - y2) - circle[2] - radius2
            if apart < _NEAR and _overlap((x, y, radius), (Fraction(x2), Fraction(y2), Fraction(radius2))):
                raise ValueError(f"circles {other} and {index} overlap")
    return sum((Fraction(radius) for _, _, radius in circles), Fraction(0))


def _overlap(one: tuple[Fraction, ...], other: tuple[Fraction, ...]) -> bool:
    across, up, reach = one[0] - other[0], one[1] - other[1], one[2] + other[2]
    return across * across + up * up < reach * reach


def _grade(n: int, files: Files, task: str, seed: int) -> Grade:
    try:
        total = sum_of_radii(files.get(FILE, ""), n)
    except ValueError as error:
        return Grade(score=0.0, reason=str(error))
    return Grade(score=min(1.0, float(total) / _SCALE[n]), reason=f"the radii add up to {float(total):.6f}")


def _circles(text: str, n: int) -> list[Circle]:
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{FILE} is no JSON") from error
    if not isinstance(found, list) or len(found) != n:
        raise ValueError(f"{FILE} must be a list of {n} circles")
    for circle in found:
        right = isinstance(circle, list) and len(circle) == 3
        if not right or not all(isinstance(each, float) and math.isfinite(each) for each in circle):
            raise ValueError("a circle must be three finite numbers with a decimal point: x, y, radius")
    return [(x, y, radius) for x, y, radius in found]


def _text(circles: list[Circle]) -> str:
    """One circle a line, so that two proposals that move different circles can be joined."""
    return "[\n" + ",\n".join(json.dumps(circle) for circle in circles) + "\n]\n"


def _grid(n: int) -> list[Circle]:
    side = math.ceil(math.sqrt(n))
    radius = 0.5 / side - 1e-6
    return [((i % side + 0.5) / side, (i // side + 0.5) / side, radius) for i in range(n)]


def _mutate(files: Files, rng: random.Random) -> Files:
    """Move one circle or a few; they push their neighbours' rims back, or fit in between; then all grow."""
    circles = _circles(files[FILE], len(json.loads(files[FILE])))
    n = len(circles)
    step = rng.choice(_STEPS)
    moved = rng.sample(range(n), rng.choice((1, 1, 1, 2, 3)))
    for index in moved:
        x, y, radius = circles[index]
        circles[index] = (_within(rng.gauss(x, step)), _within(rng.gauss(y, step)), radius)
    others = [index for index in rng.sample(range(n), n) if index not in moved]
    order = [*moved, *others] if rng.random() < 0.5 else [*others, *moved]
    return {FILE: _text(_grown(circles, order, rng.choice((1.0, 1.0, 0.98))))}


def _within(value: float) -> float:
    return min(max(value, 0.01), 0.99)


def _grown(circles: list[Circle], order: list[int], keep: float) -> list[Circle]:
    """The same centres with radii that fit: what each had times `keep` where that fits, then more in turn."""
    radii = [0.0] * len(circles)
    for limit in (keep, math.inf):
        for index in order:
            x, y, had = circles[index]
            room = min(x, y, 1.0 - x, 1.0 - y)
            for other, (x2, y2, _) in enumerate(circles):
                if other != index:
                    room = min(room, math.hypot(x - x2, y - y2) - radii[other])
            radii[index] = max(min(room - _SAFETY, had * limit), 1e-6)
    return [(x, y, radius) for (x, y, _), radius in zip(circles, radii, strict=True)]
