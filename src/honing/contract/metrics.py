"""The declared metric of a contract, and the strict reading of the number that claims to be it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.contract.spec import MetricSpec
from honing.contract.strict_json import parse, read_plain_file
from honing.errors import MetricsError


@dataclass(frozen=True, slots=True)
class Reading:
    """A metrics file that may be believed to say what it says (not yet that it is true: calibration decides
    that)."""

    score: float
    document: dict[str, Any]
    """The whole file."""


def read_metrics(
    root: Path, relative: str, metric: MetricSpec, *, required_keys: Sequence[str] = (), not_before: float
) -> Reading:
    """Read the declared metric from a file the evaluate stage wrote.

    Args:
        root: The working copy the stage ran in.
        relative: The metrics file below it.
        metric: Name, path in the document, direction and range.
        required_keys: Keys that must be present; `ok`, where present or required, must be true.
        not_before: Unix time in seconds at which the stage began.

    Raises:
        MetricsError: The file or the number is not acceptable; the text says why and what to write instead.
    """
    document = parse(read_plain_file(root, relative, not_before=not_before), source=relative)
    if not isinstance(document, dict):
        raise MetricsError(f"{relative} must be a JSON object, got {type(document).__name__}.")
    missing = [key for key in required_keys if key not in document]
    if missing:
        raise MetricsError(f"{relative} lacks the required key {', '.join(map(repr, missing))}.")
    if "ok" in document and document["ok"] is not True:
        raise MetricsError(
            f"{relative}: 'ok' is {document['ok']!r}: the target itself says that its result does not hold."
        )
    return Reading(_number_at(document, metric, relative), document)


def _number_at(document: dict[str, Any], metric: MetricSpec, relative: str) -> float:
    value = _at_path(document, metric.path, relative)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MetricsError(
            f"{relative}: {metric.path!r} must be a number, got {value!r}. "
            "Write it in the evaluate stage; `hone contract show` prints that stage."
        )
    low, high = metric.range
    if not low <= value <= high:
        raise MetricsError(
            f"{relative}: {metric.path!r} is {value!r}, outside the declared range [{low:g}, {high:g}] of "
            f"'{metric.name}'. Correct the file, or the range in contract.yaml."
        )
    return float(value)


def _at_path(document: dict[str, Any], path: str, relative: str) -> Any:
    """The value at a dotted path; a key that itself contains dots is found whole first."""
    if path in document:
        return document[path]
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            raise MetricsError(
                f"{relative} has no {path!r}; it has {', '.join(sorted(document)) or 'nothing'}."
            )
        value = value[part]
    return value
