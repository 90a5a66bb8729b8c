"""Where a candidate may write, of how many classes, how large it may be and what it must keep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from honing.harness.candidate import Outcome
from honing.harness.gate.refusal import Refusal, refusal
from honing.harness.gate.touched import Touched
from honing.harness.project import Rules, Scope
from honing.store import EntryKind, Tree

OTHER = "other"
"""Class of what no scope with a class names."""


class Places:
    """The places that a candidate may change.

    Args:
        scope: As the project says it; empty for everything.
        literal: Whether a path is a prefix and nothing else, as in projects of the predecessor; otherwise `*`
            and `?` stand for anything but a slash, `**` for any number of folders.
    """

    def __init__(self, scope: Sequence[Scope], *, literal: bool) -> None:
        self._scope = [(one, _path(one.path)) for one in scope]
        self._literal = literal

    def allow(self, path: bytes) -> bool:
        """Whether a candidate may change what lies at a path."""
        return not self._scope or self.named(path)

    def named(self, path: bytes) -> bool:
        """Whether one of the places, as they are written down, holds a path."""
        return any(self._holds(place, path) for _, place in self._scope)

    def kind(self, path: bytes) -> str:
        """Class of what lies at a path: that of the most closely fitting place."""
        fitting = [(len(place), one.kind) for one, place in self._scope if self._holds(place, path)]
        return max(fitting, default=(0, ""))[1] or OTHER

    def __str__(self) -> str:
        return ", ".join(one.path for one, _ in self._scope) or "everything"

    def _holds(self, place: str, path: bytes) -> bool:
        name = path.decode("utf-8", "surrogateescape")
        if place in ("", ".") or name == place or name.startswith(f"{place}/"):
            return True
        return not self._literal and _pattern(place).match(name) is not None


def scope_violation(
    before: Tree, after: Tree, found: Sequence[Touched], rules: Rules, places: Places
) -> Refusal | None:
    """Why a candidate breaks the write scope, if it does."""
    outside = [one.name for one in found if not places.allow(one.path) and not one.follows]
    if outside:
        allowed = f"A candidate may change: {places}"
        return refusal(Outcome.SCOPE_VIOLATION, "it changed what it may not change", outside, advice=allowed)
    files = {entry.name for entry in after.entries if entry.kind is EntryKind.FILE}
    missing = [path for written in rules.required if (path := _path(written)) not in files]
    if missing:
        why = "files that every candidate must have are missing or no plain files"
        return refusal(Outcome.SCOPE_VIOLATION, why, missing)
    if after.bytes > max(rules.largest_bytes, before.bytes):
        grown = [one.name for one in found if _growth(one) > 0]
        why = f"it holds {after.bytes:,} bytes, where {rules.largest_bytes:,} are allowed"
        return refusal(Outcome.SCOPE_VIOLATION, why, grown)
    return None


def class_violation(found: Sequence[Touched], rules: Rules, places: Places) -> Refusal | None:
    """Why a candidate breaks the rule that it changes one class of files, if it does."""
    if not rules.single_class:
        return None
    kinds = {places.kind(one.path) for one in found if not one.follows}
    if len(kinds) < 2:
        return None
    return refusal(Outcome.CLASS_VIOLATION, "it changed files of more than one class", kinds)


def _growth(one: Touched) -> int:
    return (one.after.size if one.after else 0) - (one.before.size if one.before else 0)


def _path(written: str) -> str:
    """A path as trees hold it: no slash at its ends, no `.` in it."""
    return "/".join(part for part in written.split("/") if part not in ("", "."))


@lru_cache(maxsize=256)
def _pattern(place: str) -> re.Pattern[str]:
    """A place as an expression that matches it and everything in it."""
    names = place.split("/")
    expression = ""
    for name in names[:-1]:
        expression += "(?:[^/]+/)*" if name == "**" else f"{_name(name)}/"
    expression += ".+" if names[-1] == "**" else _name(names[-1])
    return re.compile(rf"{expression}(?:/.*)?\Z", re.DOTALL)


def _name(pattern: str) -> str:
    pieces = re.findall(r"\*|\?|[^*?]+", pattern)
    return "".join({"*": "[^/]*", "?": "[^/]"}.get(piece) or re.escape(piece) for piece in pieces)
