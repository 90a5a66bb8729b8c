"""A tracker that keeps what it is told, or fails as it is told to: for tests and for trying things out."""

from __future__ import annotations

from honing.experiments.exporting.record import RunRecord
from honing.experiments.exporting.trackers.base import Destination, Written


class ScriptedTracker:
    """Remembers every record.

    Args:
        failing: Raised instead, where it is given.
    """

    name = "scripted"
    packages: tuple[str, ...] = ()
    extra = ""
    sentence = "keeps what it is told in memory"

    def __init__(self, failing: Exception | None = None) -> None:
        self._failing = failing
        self.told: list[RunRecord] = []
        """Without files: those are gone when `write` has returned."""

    def write(self, record: RunRecord, destination: Destination) -> Written:
        """See `Tracker.write`."""
        if self._failing is not None:
            raise self._failing
        self.told.append(record)
        return Written(place=str(destination.folder or destination.project))
