"""The runs that a reading command of `hone harness` is about, and their ledgers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from honing.cli.frame import Frame
from honing.cli.printing import visible
from honing.errors import UsageError

if TYPE_CHECKING:
    from honing.harness import Ledger
    from honing.settings import Settings
    from honing.store import Run

KIND = "harness"
RUN_HELP = "A run: its folder, name or id, the start of one, or latest."
RUNS_HELP = "Runs, or folders of runs (a project's own runs too)."


def ledger_of(frame: Frame, settings: Settings, wanted: str) -> Ledger:
    """The ledger of the run that a word means: its folder, its name or id in the folder of runs, or latest.

    Raises:
        StoreError: There is no such run, or it is damaged.
        UsageError: It is a run of another kind.
    """
    from honing.harness import read_ledger

    return read_ledger(run_of(frame, settings, wanted))


def run_of(frame: Frame, settings: Settings, wanted: str) -> Run:
    """The run that a word means: its folder, its name or id in the folder of runs, or latest.

    Raises:
        StoreError: There is no such run, or it is damaged.
        UsageError: It is a run of another kind.
    """
    from honing.store import find_run

    folder = frame.cwd / wanted
    return _checked(find_run(settings.paths.home, str(folder) if _is_run(folder) else wanted))


def ledgers_of(frame: Frame, settings: Settings, wanted: Sequence[str]) -> list[Ledger]:
    """The ledgers of all runs that the words mean: a run each, or every harness run of a folder.

    What lies in a folder and cannot be opened is named on stderr.

    Raises:
        StoreError: There is no such run, or it is damaged.
        UsageError: A folder holds no harness run, or a run is of another kind.
    """
    found: dict[Path, Ledger] = {}
    for word in wanted:
        named = _is_run(settings.paths.home / word)
        folder = None if named else _folder_of_runs(frame.cwd / word)
        for ledger in [ledger_of(frame, settings, word)] if folder is None else _ledgers_in(folder):
            found.setdefault(ledger.path.resolve(), ledger)
    return list(found.values())


def _folder_of_runs(path: Path) -> Path | None:
    """The folder of runs that a word names, as itself or as the project it belongs to."""
    if not path.is_dir() or _is_run(path):
        return None
    return path / "runs" if (path / "runs").is_dir() else path


def _is_run(path: Path) -> bool:
    return (path / "run.json").is_file()


def _ledgers_in(folder: Path) -> list[Ledger]:
    from honing.harness import read_ledger
    from honing.store import Run, list_runs

    entries = list_runs(folder)
    for entry in entries:
        if entry.damage:
            sys.stderr.write(f"left out: {visible(entry.damage)}\n")
    ledgers = [read_ledger(Run.open(each.path)) for each in entries if each.kind == KIND and not each.damage]
    if not ledgers:
        raise UsageError(
            f"{folder}: there is no harness run in this folder. Name a run, or a folder of runs."
        )
    return ledgers


def _checked(run: Run) -> Run:
    if run.kind != KIND:
        raise UsageError(
            f"{run.path.name} is a run of kind {run.kind!r}, not of a harness; "
            f"`hone runs show {run.path.name}` shows it."
        )
    return run
