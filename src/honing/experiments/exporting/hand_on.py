"""The one door: a finished run, told to one tracker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from honing.errors import TrackerError, UsageError, boundary
from honing.experiments.exporting.record import RunRecord
from honing.experiments.exporting.staging import staged
from honing.experiments.exporting.trackers.base import Destination, Tracker, Written
from honing.store import Run, RunStatus

_UNDER_WAY = frozenset({RunStatus.CREATED, RunStatus.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """A run that was told, or would be."""

    tracker: str
    place: str
    """Where to look; empty for what would be."""
    counts: Mapping[str, int]
    """Parameters, metrics, curves, tables and files."""
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def track(
    run: Run,
    tracker: Tracker,
    destination: Destination,
    *,
    known: Mapping[str, str],
    dry_run: bool = False,
) -> Tracked:
    """Tell a tracker a finished run. The run is only read, whatever the tracker does.

    Args:
        run: It may have failed or been stopped; it is not under way.
        tracker: Who is told.
        destination: Where.
        known: The environment whose secrets must not be in what is told.
        dry_run: Only count.

    Raises:
        UsageError: The run is under way, or the destination cannot be used.
        StoreError: The run cannot be read.
        TrackerError: The tracker failed.
    """
    if run.status in _UNDER_WAY:
        raise UsageError(
            f"{run.path.name} is {run.status.value}: a run is handed on once it has ended. "
            f"`hone runs show {run.path.name}` says where it stands."
        )
    with staged(run, known) as record:
        if dry_run:
            return Tracked(tracker=tracker.name, place="", counts=_counts(record), notes=record.notes)
        with boundary(TrackerError, f"{tracker.name}"):
            written: Written = tracker.write(record, destination)
        return Tracked(
            tracker=tracker.name,
            place=written.place,
            counts=_counts(record),
            files=written.files,
            notes=(*record.notes, *written.notes),
        )


def _counts(record: RunRecord) -> dict[str, int]:
    return {
        "parameters": len(record.parameters),
        "metrics": len(record.metrics),
        "curves": len(record.curves),
        "tables": len(record.tables),
        "files": len(record.files),
    }
