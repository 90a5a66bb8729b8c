"""A callable of the project's author, called in this process: for programmatic problems, where a thousand
candidates are to take seconds.

It is trusted, and the folder it is given is not: it must read files with care (`honing.harness.tasks.read`)
and never run what lies there. The type `python` runs the same callable contained.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from honing.documents import read_plain_file
from honing.errors import GraderError, MetricsError
from honing.harness.tasks.base import Place, TaskScore
from honing.harness.tasks.basics import Common, plain, scored

Grade = float | Mapping[str, Any]
"""A score in [0, 1], or a mapping with `score` and perhaps `reason`, `checks` (name to true or false) and
`cost`."""
_KNOWN = ("score", "reason", "checks", "cost")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallableTask(Common):
    """What a callable says of a candidate's folder."""

    call: Callable[..., Grade]
    """Called with the folder; with the folder and the seed where it takes two positional arguments."""
    words: Mapping[str, Any]
    """What decides its scores, for the cache: its name, the hash of its source, its settings."""

    def identity(self) -> Mapping[str, Any]:
        return {"type": "python", "in_process": True, **self.words}

    def judge(self, place: Place, seed: int) -> TaskScore:
        if takes_seed(self.call):
            return score_of(self.call(place.workspace, seed), self.id)
        return score_of(self.call(place.workspace), self.id)


def takes_seed(call: Callable[..., Any]) -> bool:
    """Whether a callable takes a second positional argument."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    found = inspect.signature(call).parameters.values()
    return sum(one.kind in kinds for one in found) > 1


def score_of(grade: Any, task: str) -> TaskScore:
    """The score that a grader's answer stands for.

    Raises:
        GraderError: It is no finite number in [0, 1] and no mapping with one.
    """
    found = dict(grade) if isinstance(grade, Mapping) else {"score": grade}
    where = f"task '{task}': its grader"
    if unknown := sorted(set(found) - set(_KNOWN)):
        raise GraderError(f"{where} gave {unknown[0]!r}; it may give {', '.join(_KNOWN)}.")
    score = _number(found.get("score"), f"{where}: 'score'", high=1.0)
    checks, reason = found.get("checks", {}), found.get("reason", "")
    if not isinstance(checks, Mapping) or not all(isinstance(held, bool) for held in checks.values()):
        raise GraderError(
            f"{where}: 'checks' must map names to true or false, got {plain(repr(checks), 80)}."
        )
    cost = _number(found.get("cost", 0.0), f"{where}: 'cost'", high=math.inf)
    named = {plain(str(name), 200): held for name, held in checks.items()}
    said = plain(str(reason)) or ("" if score == 1 else f"the grader gave {score:g}")
    return scored(score, said, checks=named, cost=cost)


def _number(value: Any, what: str, *, high: float) -> float:
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or not 0 <= value <= high or not math.isfinite(value):
        span = "[0, 1]" if high == 1.0 else "at least 0"
        raise GraderError(f"{what} must be a finite number, {span}, got {plain(repr(value), 80)}.")
    return float(value)


def read(folder: Path, path: str, *, limit_bytes: int = 1_000_000) -> str | None:
    """A file of a candidate as text; None unless it is a plain file of that size, reached without any link.

    For callables in this process: opening a candidate's files in any other way may hang or lead elsewhere.
    """
    try:
        return read_plain_file(folder, path, max_bytes=limit_bytes).decode("utf-8", "replace")
    except (MetricsError, OSError, ValueError):
        return None
