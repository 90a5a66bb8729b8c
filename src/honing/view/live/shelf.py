"""All runs of a home as lines, read again only where something changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from honing.errors import StoreError
from honing.view.live.files import signature
from honing.view.live.folders import Place, inner_places, top_places
from honing.view.live.rows import WATCHED, read_headline, read_row
from honing.view.live.wording import shown

_INNER_S = 2.0
"""How often a run that works is searched for runs inside it, in seconds."""
_CHARACTERS = 400
"""Of a text in a line: a reason, a headline."""

Signature = tuple[tuple[int, int] | None, ...]


@dataclass(slots=True)
class _Known:
    """What is known of one run folder."""

    place: Place
    signature: Signature = ()
    row: dict[str, Any] = field(default_factory=dict)
    headline_of: tuple[int, int] | None = None
    """Signature of the report that `headline` was read from."""
    headline: dict[str, Any] | None = None
    inner: list[Place] = field(default_factory=list)
    searched: float = float("-inf")
    stale: bool = True
    """Whether there may be other runs inside than `inner`."""


class Shelf:
    """The lines of all runs. Safe to use from several threads."""

    def __init__(self, home: Path, *, ticks: Callable[[], float] = time.monotonic) -> None:
        """Read nothing yet.

        Args:
            home: The folder of runs.
            ticks: Monotonic time in seconds.
        """
        self.home = home
        self._ticks = ticks
        self._guard = threading.Lock()
        self._known: dict[str, _Known] = {}

    def rows(self, *, patience_s: float = 0.25) -> dict[str, dict[str, Any]]:
        """The line of every run, by its key; each before those of the runs inside it.

        Args:
            patience_s: How long headlines may be read from reports that have changed, in seconds. Those that
                remain are read by the next calls.
        """
        with self._guard:
            tops = [self._entry(place) for place in top_places(self.home)]
            listed = [known for top in tops for known in (top, *map(self._entry, self._inside(top)))]
            self._known = {known.place.key: known for known in listed}
            deadline = self._ticks() + patience_s
            for known in self._known.values():
                self._refresh(known)
            # Reports may be large: those of the newest runs, which are looked at first, are read first.
            for known in sorted(self._known.values(), key=_age):
                if self._ticks() < deadline:
                    _read_headline(known)
            return {key: {**known.row, "headline": known.headline} for key, known in self._known.items()}

    def place(self, key: str) -> Place:
        """Where the run of a key lies.

        Raises:
            StoreError: There is none; it may have been removed.
        """
        if key not in self._known:
            self.rows(patience_s=0.0)
        known = self._known.get(key)
        if known is None:
            raise StoreError("There is no such run any more: it was removed, or its folder renamed.")
        return known.place

    def inside(self, key: str) -> list[Place]:
        """The runs inside a run, at any depth."""
        within = {key}
        found: list[Place] = []
        for known in list(self._known.values()):
            if known.place.parent in within:
                within.add(known.place.key)
                found.append(known.place)
        return found

    def _entry(self, place: Place) -> _Known:
        known = self._known.get(place.key)
        return known if known is not None and known.place == place else _Known(place)

    def _inside(self, top: _Known) -> list[Place]:
        """The runs inside one; looked for where it is new, has changed, or works."""
        changed = signature(top.place.path, WATCHED) != top.signature
        top.stale = top.stale or changed or bool(top.row.get("can_stop"))
        if top.stale and self._ticks() - top.searched >= _INNER_S:
            top.inner, top.searched, top.stale = inner_places(self.home, top.place), self._ticks(), False
        return top.inner

    def _refresh(self, known: _Known) -> None:
        found = signature(known.place.path, WATCHED)
        # That a supervisor died changes no file, so a run that works is read again each time.
        if found != known.signature or known.row.get("can_stop"):
            known.signature = found
            known.row = shown(read_row(known.place), characters=_CHARACTERS)


def _age(known: _Known) -> float:
    created = known.row.get("created")
    return -created if isinstance(created, int | float) else 0.0


def _read_headline(known: _Known) -> None:
    report = known.signature[WATCHED.index("report.json")]
    if report != known.headline_of:
        known.headline_of = report
        found = read_headline(known.place.path) if report is not None else None
        known.headline = shown(found, characters=_CHARACTERS)
