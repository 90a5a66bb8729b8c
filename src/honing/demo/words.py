"""Names and amounts as they are written in a question."""

from __future__ import annotations

import random
from fractions import Fraction

_NAMES = (
    "Amara", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas", "Kofi", "Lena",
    "Mateo", "Nadia", "Oscar", "Priya", "Quentin", "Rosa", "Samir", "Tove", "Uma", "Viktor", "Wanda", "Yusuf",
)  # fmt: skip


def name(rng: random.Random) -> str:
    """One person."""
    return rng.choice(_NAMES)


def names(rng: random.Random, count: int) -> list[str]:
    """Different people."""
    return rng.sample(_NAMES, count)


def money(amount: Fraction | int) -> str:
    """Dollars with cents: `$4.50`. The amount is a whole number of cents, not negative."""
    cents = Fraction(amount) * 100
    if cents.denominator != 1 or cents < 0:
        raise ValueError(f"{amount}: not a whole number of cents")
    return f"${cents.numerator // 100}.{cents.numerator % 100:02d}"
