"""JSON without its pitfalls: no duplicate keys, no NaN or Infinity in any spelling, no number that overflows,
no endless nesting.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from honing.errors import HoningError, MetricsError

_MAX_DIGITS = 400


def parse_json(content: bytes, *, source: str, error: type[HoningError] = MetricsError) -> Any:
    """The value of a strictly JSON document.

    Args:
        content: The document.
        source: What errors call it.
        error: What is raised where something is wrong.

    Raises:
        HoningError: Of that kind: not UTF-8, not JSON, a duplicate key, NaN or Infinity, an overflowing or
            absurdly long number, or nesting too deep to be a result.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as found:
        raise error(f"{source} is not UTF-8 at byte {found.start}.") from None
    rules = _Rules(source, error)
    try:
        return json.loads(
            text,
            object_pairs_hook=rules.mapping,
            parse_constant=rules.constant,
            parse_float=rules.fraction,
            parse_int=rules.whole,
        )
    except json.JSONDecodeError as found:
        raise error(f"{source}:{found.lineno}: not JSON ({found.msg}).") from None
    except RecursionError:
        raise error(f"{source} is nested too deeply to be a result.") from None


@dataclass(frozen=True, slots=True)
class _Rules:
    source: str
    error: type[HoningError]

    def mapping(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise self.error(
                    f"{self.source} has the key {key!r} twice; which one counts cannot be known."
                )
            result[key] = value
        return result

    def constant(self, name: str) -> Any:
        raise self.error(f"{self.source} contains {name}, which is not a number that can be a result.")

    def fraction(self, digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise self.error(
                f"{self.source} contains {digits}, which is too large to be a number (it reads as infinity)."
            )
        return value

    def whole(self, digits: str) -> int:
        if len(digits) > _MAX_DIGITS:
            raise self.error(f"{self.source} contains an integer of {len(digits)} digits.")
        return int(digits)
