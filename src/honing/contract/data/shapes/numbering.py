"""Columns that number or name rows. They differ on every row, as answers may, and answer nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

MIN_ROWS = 8
"""Of fewer rows, answers rise from row to row by chance too often to say that they number them."""
_UUID = re.compile(r"\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?", re.IGNORECASE)
_DIGEST = re.compile(r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,64}", re.IGNORECASE)
_NAME_AND_NUMBER = re.compile(r"(?P<name>[^\W\d][\w.\-/]*[/_:#.\-])(?P<number>\d+)(?:\.\w+)?")


def numbering(name: str, values: Sequence[Any], total: int) -> str:
    """Why a column says no more than which row it is; empty where it may say more.

    Args:
        name: The column's name.
        values: Its present values, in the order of the rows.
        total: Rows of the table.
    """
    if total < MIN_ROWS or len(values) < total:
        return ""
    if whys := _numbers(name, values):
        return whys
    texts = [value.strip() for value in values if isinstance(value, str)]
    if len(texts) < total or len(set(texts)) < total:
        return ""
    shown = f"({texts[0]}, {texts[1]}, ...)"
    for what, fits in _IDENTIFIERS:
        if all(map(fits, texts)):
            return f"{name!r} holds {what} {shown} that name the rows"
    return ""


def _numbers(name: str, values: Sequence[Any]) -> str:
    numbers = [number_of(value) for value in values]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return ""
    rising = all(before < after for before, after in pairwise(known))
    falling = all(before > after for before, after in pairwise(known))
    if not rising and not falling:
        return ""
    shown = ", ".join(str(value).strip() for value in values[:3])
    if all(after - before == 1 for before, after in pairwise(known)):
        return f"{name!r} counts the rows ({shown}, ...)"
    return f"{name!r} {'rises' if rising else 'falls'} from row to row ({shown}, ...), as an index does"


def number_of(value: Any) -> float | None:
    """A number, written as such or in plain digits; None for anything else, booleans included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,15}(?:\.\d+)?\s*", value):
        return float(value)
    return None


def _named_and_numbered(text: str) -> bool:
    return _NAME_AND_NUMBER.fullmatch(text) is not None


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


_IDENTIFIERS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("names with a number", _named_and_numbered),
    ("identifiers", _is_uuid),
    ("identifiers", _is_digest),
)
