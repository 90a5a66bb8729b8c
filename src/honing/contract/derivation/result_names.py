"""The name of a result file without what belongs to one run: the model's name, dates, times, random marks."""

from __future__ import annotations

import re

_STAMP = re.compile(
    r"\d{4}[-_]?\d{2}[-_]?\d{2}(?:[-_T ]?\d{2}[-_:.]?\d{2}(?:[-_:.]?\d{2})?(?:[.]\d+)?Z?)?|\d{6,}"
)
_MARK = re.compile(
    r"(?<![0-9a-f])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,64})(?![0-9a-f])"
)


def pattern_of(path: str, model: str) -> str:
    """The path with `*` for what changes from run to run.

    Args:
        path: Below the working copy.
        model: The model's name as the target saw it; "" where it saw none.
    """
    if model:
        path = _model(model).sub(lambda match: "/".join("*" for _ in match[0].split("/")), path)
    return re.sub(r"\*+", "*", _STAMP.sub("*", _MARK.sub("*", path)))


def _model(name: str) -> re.Pattern[str]:
    """The model's name, as programs write it into file names: other signs for those that names must not
    have."""
    parts = [re.escape(part) for part in re.split(r"[^A-Za-z0-9]+", name) if part]
    return re.compile(rf"(?<![A-Za-z0-9]){'[^A-Za-z0-9]{1,3}'.join(parts)}(?![A-Za-z0-9])")
