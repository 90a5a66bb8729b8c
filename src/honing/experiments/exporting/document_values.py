"""The numbers of a run's own documents (`metrics.json`, `summary.json`, ...), whatever system wrote them.

The shapes of intervals that Honing's documents use are known: `ci95` beside the number it belongs to,
`NAME_ci95`, `NAME_low` with `NAME_high`, and `low` with `high` beside a value.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from honing.experiments.exporting.record import Curve, Metric, Scalar

_OWNERS = ("score", "difference", "gain", "change", "estimate", "value", "mean", "rate", "rho")
"""Whose interval a bare `ci95`, or `low` with `high`, is; the first that is there."""
_IDENTIFIERS = ("run_id", "name", "id", "target", "model", "step", "arm", "phase", "segment", "a")
"""What tells one mapping of a list from another; the first that is there."""
_LARGEST = sys.float_info.max
_MOST_ENTRIES = 200
"""Longer lists are data, not results."""


def flattened(document: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every leaf of a document by its dotted path; lists as their entries' numbers."""
    for key, value in document.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping) and value:
            yield from flattened(value, f"{name}.")
        elif isinstance(value, list | tuple) and value:
            yield from flattened({str(at): one for at, one in enumerate(value)}, f"{name}.")
        elif value is None or isinstance(value, str | int | float | bool):
            yield name, value
        else:
            yield name, str(value)


def metrics_in(document: Any, before: str = "") -> Iterator[tuple[str, Metric]]:
    """Every finite number of a document by its path, with its interval where the document gives one.

    Args:
        document: Plain data.
        before: Begins every name.
    """
    if isinstance(document, Mapping):
        yield from _of_mapping(document, before)
    elif isinstance(document, list) and len(document) <= _MOST_ENTRIES:
        for name, one in _named_entries(document):
            yield from metrics_in(one, f"{before}{name}/")


def curves_in(document: Any, before: str = "") -> Iterator[Curve]:
    """Lists of numbers that were written as something went on: a name that ends in `loss`, `losses`,
    `curve` or `history`."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            name = f"{before}{part(key)}"
            if re.search(r"(loss|losses|curve|history)$", str(key)) and _numbers(value):
                points = tuple((float(at), float(one)) for at, one in enumerate(value, 1))
                yield Curve(name=name, points=points)
            else:
                yield from curves_in(value, f"{name}/")
    elif isinstance(document, list) and len(document) <= _MOST_ENTRIES:
        for name, one in _named_entries(document):
            yield from curves_in(one, f"{before}{name}/")


def part(key: object) -> str:
    """A key as one part of a metric's name, in the characters that every tracker takes."""
    return re.sub(r"[^\w.-]+", "_", str(key), flags=re.ASCII).strip("_.") or "unnamed"


def _of_mapping(document: Mapping[str, Any], before: str) -> Iterator[tuple[str, Metric]]:
    owner = next((name for name in _OWNERS if _number(document.get(name))), "")
    ends = _ends(document.get("ci95")) or _pair(document.get("low"), document.get("high"))
    for key, value in document.items():
        if key == "ci95" or (ends and key in {"low", "high"} and owner):
            continue
        if _is_end(key, document):
            continue
        if _number(value):
            own = ends if key == owner else None
            low, high = own or _beside(document, key) or (None, None)
            yield f"{before}{part(key)}", Metric(value=float(value), low=low, high=high)
        else:
            yield from metrics_in(value, f"{before}{part(key)}/")


def _named_entries(entries: list[Any]) -> Iterator[tuple[str, Any]]:
    """The mappings of a list, each by what tells it from the others."""
    taken: set[str] = set()
    for at, one in enumerate(entries):
        if not isinstance(one, Mapping):
            continue
        name = next((part(one[key]) for key in _IDENTIFIERS if isinstance(one.get(key), str | int)), str(at))
        name = name if name not in taken else f"{name}.{at}"
        taken.add(name)
        yield name, one


def _beside(document: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    """The interval of a number, under names made from its own."""
    return _ends(document.get(f"{key}_ci95")) or _pair(
        document.get(f"{key}_low"), document.get(f"{key}_high")
    )


def _is_end(key: str, document: Mapping[str, Any]) -> bool:
    """Whether a key holds the interval of another one, and so is no number of its own."""
    for ending in ("_ci95", "_low", "_high"):
        owner = key.removesuffix(ending)
        if owner != key and _number(document.get(owner)) and _beside(document, owner):
            return True
    return False


def _ends(value: Any) -> tuple[float, float] | None:
    return _pair(*value) if isinstance(value, list | tuple) and len(value) == 2 else None


def _pair(low: Any, high: Any) -> tuple[float, float] | None:
    return (float(low), float(high)) if _number(low) and _number(high) else None


def _number(value: Any) -> bool:
    """Whether a value is a finite number that a float can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST < value < _LARGEST


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and all(map(_number, value))
