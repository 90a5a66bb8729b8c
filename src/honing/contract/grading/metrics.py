"""The declared metric of a contract, and the strict reading of the number that claims to be it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.contract.grading.patterns import Found, matching_lines
from honing.contract.spec import MetricSpec
from honing.contract.stages.copies import matching
from honing.documents import parse_json, read_plain_file
from honing.errors import MetricsError


@dataclass(frozen=True, slots=True)
class Reading:
    """A metrics file that may be believed to say what it says (not yet that it is true: calibration decides
    that)."""

    score: float
    document: dict[str, Any]
    """The whole file, or the line that was printed."""


_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


def read_metrics(
    root: Path, relative: str, metric: MetricSpec, *, required_keys: Sequence[str] = (), not_before: float
) -> Reading:
    """Read the declared metric from a file the evaluate stage wrote.

    Args:
        root: The working copy the stage ran in.
        relative: The metrics file below it; `*` matches within one folder, and exactly one must match. What
            matched before the stage must have been set aside.
        metric: Name, path in the document, direction and range.
        required_keys: Keys that must be present; `ok`, where present or required, must be true.
        not_before: Unix time in seconds at which the stage began.

    Raises:
        MetricsError: The file or the number is not acceptable; the text says why and what to write instead.
    """
    relative = _the_one(root, relative)
    document = parse_json(read_plain_file(root, relative, not_before=not_before), source=relative)
    if isinstance(document, list) and metric.path.startswith("/") and not required_keys:
        return Reading(_number_at(document, metric, relative), {"": document})
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


def read_printed(
    stdout: str, stderr: str, pattern: str, metric: MetricSpec, *, answers: Sequence[str] = ()
) -> Reading:
    """Read the declared metric from what the evaluate stage printed.

    Args:
        stdout: Its lines are looked at first; the last that matches counts.
        stderr: Looked at where stdout has none: logging and progress bars print there.
        pattern: A regular expression with the group `score`.
        metric: Name, unit, direction and range. A number with a percent sign is a share of 100: where the
            unit is a percentage it is taken as it stands, otherwise divided by 100.
        answers: What was judged. A line that stands in one of them is not the grader's word where other
            lines say otherwise: a stage may print the answers.

    Raises:
        MetricsError: No line matches, what the group holds is not a number in the range, or an answer may
            have said it.
    """
    matching = matching_lines(pattern, (stdout, stderr))
    found = next((matches[-1] for matches in matching if matches), None)
    if found is None:
        raise MetricsError(
            f"no line that the stage printed matches stages.evaluate.pattern {pattern!r}, so there is no "
            "score. See what it printed with `hone contract show`."
        )
    if len({match.score for matches in matching for match in matches}) > 1 and _said(found, answers):
        raise MetricsError(
            f"the last line that matches stages.evaluate.pattern {pattern!r} stands in an answer as well "
            f"({found.matched!r}), and other lines give other numbers: whose word it is cannot be known. "
            "Let the stage write the number into a file (metrics_path), or print no answers."
        )
    text = (found.score or "").strip()
    digits = text.removesuffix("%").rstrip()
    if _NUMBER.fullmatch(digits) is None or not math.isfinite(float(digits)):
        raise MetricsError(f"printed {metric.name!r} must be a number, got {text!r} in {found.line!r}.")
    value = float(digits)
    if text.endswith("%") and metric.unit not in ("percent", "%"):
        value /= 100
    return Reading(_in_range(value, metric, "what the stage printed"), {"printed": found.line.strip()})


def _said(found: Found, answers: Sequence[str]) -> bool:
    """Whether an answer holds what was matched; where that is a mere number, whether a line of one is it."""
    text = _fold(found.matched)
    if text != _fold(found.score or ""):
        return any(text in _fold(answer) for answer in answers)
    line = _fold(found.line)
    return any(line == _fold(one) for answer in answers for one in answer.splitlines())


def _fold(text: str) -> str:
    return " ".join(text.casefold().split())


def _the_one(root: Path, pattern: str) -> str:
    """The single file that a pattern means; a plain path stands for itself."""
    if not any(sign in pattern for sign in "*?["):
        return pattern
    found = matching(root, pattern)
    if len(found) > 1:
        raise MetricsError(
            f"{pattern!r} must match exactly one new file, found {len(found)}: "
            f"{', '.join(found[:5])}. Name one."
        )
    if not found:
        raise MetricsError(
            f"{pattern!r}: no such file was written. The stage must write it; its exit code is not a score."
        )
    return found[0]


def _number_at(document: Any, metric: MetricSpec, relative: str) -> float:
    value = _at_path(document, metric.path, relative)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MetricsError(
            f"{relative}: {metric.path!r} must be a number, got {value!r}. "
            "Write it in the evaluate stage; `hone contract show` prints that stage."
        )
    return _in_range(value, metric, f"{relative}: {metric.path!r}")


def _in_range(value: float, metric: MetricSpec, where: str) -> float:
    low, high = metric.range
    if not low <= value <= high:
        raise MetricsError(
            f"{where} is {value!r}, outside the declared range [{low:g}, {high:g}] of "
            f"'{metric.name}'. Correct the file, or the range in contract.yaml."
        )
    return float(value)


def _at_path(document: Any, path: str, relative: str) -> Any:
    """The value at a dotted path or a JSON pointer; a key that itself contains dots is found whole first."""
    if isinstance(document, dict) and path in document:
        return document[path]
    parts = _pointer(path) if path.startswith("/") else path.split(".")
    value: Any = document
    for part in parts:
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            has = ", ".join(sorted(map(str, document))) if isinstance(document, dict) else "a list"
            raise MetricsError(f"{relative} has no {path!r}; it has {has or 'nothing'}.")
    return value


def _pointer(path: str) -> list[str]:
    """The parts of a JSON pointer (RFC 6901)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
