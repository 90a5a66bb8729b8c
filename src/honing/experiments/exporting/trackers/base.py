"""What a tracker is: told one finished run, somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from honing.errors import UsageError
from honing.experiments.exporting.record import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a run is handed on to."""

    folder: Path | None = None
    """A folder of this machine; None for the tracker's own server, as its usual variables name it."""
    project: str = "honing"
    """What runs that belong together are filed under."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Variables for the tracker's own client: addresses, keys."""
    limit_s: float = 300.0
    """A client that does not end by then is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a tracker was told."""

    place: str
    """Where to look: a folder or an address."""
    files: tuple[str, ...] = ()
    """Below the folder, where it is one that was made for this run."""
    notes: tuple[str, ...] = ()


class Tracker(Protocol):
    """Where runs are kept beside the folder of runs."""

    @property
    def name(self) -> str:
        """What `--to` and `--track` call it."""
        ...

    @property
    def packages(self) -> tuple[str, ...]:
        """What it needs installed, as it is imported."""
        ...

    @property
    def extra(self) -> str:
        """The extra of Honing that brings them; empty where none is needed."""
        ...

    @property
    def sentence(self) -> str:
        """What it writes, for a list."""
        ...

    def write(self, record: RunRecord, destination: Destination) -> Written:
        """Hand a run on. Everything in the record has been cleared of secrets.

        Raises:
            UsageError: The destination cannot be used: no folder, or one that holds files.
            TrackerError: The tracker refused, cannot be reached, or broke.
        """
        ...


def folder_of(destination: Destination, tracker: str) -> Path:
    """The folder to write into.

    Raises:
        UsageError: None was given.
    """
    if destination.folder is None:
        raise UsageError(f"--to {tracker}: where to? Give --out FOLDER.")
    return destination.folder


def new_folder(destination: Destination, tracker: str) -> Path:
    """The folder to write into, made, and empty.

    Raises:
        UsageError: None was given, it holds files, or it cannot be made.
    """
    folder = folder_of(destination, tracker)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(
                f"--out {folder}: holds files already. Name a new folder, so that nothing is mixed."
            )
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be written ({error.strerror}).") from None
    return folder


def files_below(folder: Path) -> tuple[str, ...]:
    """Every file of a folder, in order."""
    return tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()))
