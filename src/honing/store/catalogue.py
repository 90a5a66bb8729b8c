"""The folder of runs: what lies there, what it takes up, and what can go."""

from __future__ import annotations

import os
import re
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from honing.errors import StoreError
from honing.store.atomic import DRAFT
from honing.store.manifest import MANIFEST, RunStatus
from honing.store.run import Run
from honing.store.trees.tree_store import TreeStore

TREES = "trees"
"""Folder beside the runs in which they share the content of their targets."""
DRAFT_SUFFIX = ".new"
REMOVED_PREFIX = ".removed-"
_RESUMABLE = frozenset({RunStatus.CREATED, RunStatus.STOPPED, RunStatus.EXHAUSTED, RunStatus.INTERRUPTED})
_DAY_S = 86400.0
_HASH = re.compile(rb"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """One line of the list of runs."""

    path: Path
    name: str
    """Folder name."""
    damage: str
    """Why it cannot be opened; empty for a sound run. A damaged one has none of what follows."""
    id: str = ""
    kind: str = ""
    status: RunStatus | None = None
    reason: str = ""
    created: float | None = None
    """Unix time, seconds."""
    ended: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """One thing that collection removes."""

    path: Path
    bytes: int
    """Disk space it takes up."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Whether what is left of a run fits on the disk."""

    needed_bytes: int
    free_bytes: int


def list_runs(
    root: Path, *, kind: str | None = None, status: RunStatus | None = None, name: str | None = None
) -> list[RunEntry]:
    """The runs below `root`, oldest first; a damaged one is a line that says so, and comes last.

    Args:
        root: The folder of runs. A missing one holds no runs.
        kind: Only runs of this kind.
        status: Only runs that stand there; damaged ones are left out.
        name: Only runs whose name or id contains this text.
    """
    entries = [_entry(folder) for folder in _run_folders(root)]
    kept = [
        entry
        for entry in entries
        if (kind is None or entry.kind == kind)
        and (status is None or entry.status is status)
        and (name is None or name in entry.name or name in entry.id)
    ]
    return sorted(kept, key=lambda entry: (entry.damage != "", entry.id, entry.name))


def find_run(root: Path, wanted: str) -> Run:
    """Open the run that `wanted` means: its folder, its name, its id, the only start of one, or `latest`.

    Raises:
        StoreError: There is none, there are several, or it is damaged; the text lists what there is.
    """
    entries = list_runs(root)
    sound = [entry for entry in entries if not entry.damage]
    if wanted == "latest" and sound:
        return Run.open(sound[-1].path)
    if (Path(wanted) / MANIFEST).is_file():
        return Run.open(Path(wanted))
    exact = [entry for entry in entries if wanted in (entry.name, entry.id)]
    found = exact or [e for e in entries if e.name.startswith(wanted) or e.id.startswith(wanted)]
    if len(found) == 1:
        return Run.open(found[0].path)
    names = ", ".join(entry.name for entry in (found or entries)[-8:]) or "none"
    if found:
        raise StoreError(f"{root}: {wanted!r} means several runs: {names}. Write more of the name.")
    raise StoreError(f"{root}: no run named {wanted!r}. The last ones: {names}. `hone runs list` shows all.")


def disk_use(path: Path) -> int:
    """Bytes that a file or folder takes up on the disk; hard links count once, vanishing files not at all."""
    total = 0
    seen: set[tuple[int, int]] = set()
    for status in _statuses(path):
        if (status.st_dev, status.st_ino) not in seen:
            seen.add((status.st_dev, status.st_ino))
            total += status.st_blocks * 512
    return total


def remove(run: Run) -> int:
    """Delete a run's folder; returns the bytes that became free.

    It disappears from the list at once, so a crash in between leaves nothing half-deleted in sight.

    Raises:
        StoreError: Somebody works on the run, or the file system refuses.
    """
    size = disk_use(run.path)
    with run.lock():
        gone = run.path.with_name(f"{REMOVED_PREFIX}{run.id}")
        try:
            run.path.rename(gone)
        except OSError as error:
            raise StoreError(f"{run.path}: cannot remove: {error.strerror}. Check its owner.") from error
    _delete(gone)
    return size


def collect_garbage(
    root: Path,
    *,
    dry_run: bool = False,
    keep_resumable_s: float = 7 * _DAY_S,
    clock: Callable[[], float] = time.time,
) -> list[Garbage]:
    """Remove what no run needs any more; returns what was (or, on a dry run, would be) removed.

    That is: caches; working copies (`work/`) of runs that ended, and of resumable ones not touched for
    `keep_resumable_s` seconds; drafts of files and runs that a crash left; stored trees that no run names. A
    run that somebody works on is left alone.

    Args:
        root: The folder of runs.
        dry_run: Only say what would go.
        keep_resumable_s: How long a run that can be resumed keeps its working copies, in seconds.
        clock: Unix time in seconds.
    """
    found: list[Garbage] = []
    for folder in sorted(root.glob(".*")) if root.is_dir() else []:
        leftover = folder.name.startswith(REMOVED_PREFIX) or folder.name.endswith(DRAFT_SUFFIX)
        # A draft lives for milliseconds; an old one belongs to a process that died.
        if leftover and clock() - folder.lstat().st_mtime > 3600:
            found.append(_discard(folder, "left by a crash", dry_run=dry_run))
    for folder in _run_folders(root):
        found.extend(_collect_in(folder, now=clock(), keep_s=keep_resumable_s, dry_run=dry_run))
    return found + _collect_trees(root, dry_run=dry_run)


def free_disk(path: Path) -> int:
    """Bytes that an ordinary user may still write on the disk that holds `path` (or will hold it)."""
    place = path.absolute()
    while not place.exists():
        place = place.parent
    found = os.statvfs(place)
    return found.f_bavail * found.f_frsize


def forecast(
    path: Path,
    *,
    units: int,
    bytes_per_unit: float,
    reserve_bytes: int = 1 << 30,
    free_bytes: int | None = None,
) -> Forecast:
    """Whether a long run fits on the disk, judged by what its units took up so far.

    Args:
        path: The run.
        units: Units still to do.
        bytes_per_unit: Disk space of one, measured on those that are done.
        reserve_bytes: To be left free for everybody else.
        free_bytes: Free space; measured when None.

    Raises:
        StoreError: It does not fit; the text says how much is missing.
    """
    free = free_disk(path) if free_bytes is None else free_bytes
    needed = round(units * bytes_per_unit)
    if needed + reserve_bytes > free:
        raise StoreError(
            f"{path}: {units} more units need about {_size(needed)}, but {_size(free)} are free and "
            f"{_size(reserve_bytes)} stay in reserve. Free {_size(needed + reserve_bytes - free)} (`hone "
            "runs gc`), or "
            "choose another disk with HONING_HOME."
        )
    return Forecast(needed_bytes=needed, free_bytes=free)


def _run_folders(root: Path) -> list[Path]:
    """Folders that are, or once were, runs. Anything else below the root is not ours."""
    if not root.is_dir():
        return []
    marks = (MANIFEST, "journal.sqlite", "evidence.jsonl")
    return [
        folder
        for folder in sorted(root.iterdir())
        if not folder.name.startswith(".")
        and folder.is_dir()
        and any(os.path.lexists(folder / mark) for mark in marks)
    ]


def _entry(folder: Path) -> RunEntry:
    try:
        run = Run.open(folder)
        return RunEntry(
            path=folder,
            name=folder.name,
            damage="",
            id=run.id,
            kind=run.kind,
            status=run.status,
            reason=run.reason,
            created=run.created,
            ended=run.ended,
        )
    except StoreError as error:
        return RunEntry(path=folder, name=folder.name, damage=str(error))


def _collect_in(folder: Path, *, now: float, keep_s: float, dry_run: bool) -> list[Garbage]:
    with ExitStack() as held:
        try:
            run = Run.open(folder)
            # Asked before we lock it ourselves: a run is interrupted when its lock is free.
            status = run.status
            held.enter_context(run.lock())
        except StoreError:
            # Damaged, or somebody works on it: neither is ours to clean.
            return []
        keep_work = status in _RESUMABLE and now - (folder / MANIFEST).stat().st_mtime < keep_s
        return [
            _discard(path, why, dry_run=dry_run)
            for path, why in _scratch(folder, status, keep_work=keep_work)
        ]


def _collect_trees(root: Path, *, dry_run: bool) -> list[Garbage]:
    """Trees that no run's manifest or journal names. Their bytes are known only once they are gone."""
    folder = root / TREES
    if not folder.is_dir():
        return []
    named: set[str] = set()
    for run in _run_folders(root):
        for name in (MANIFEST, "journal.sqlite", "journal.sqlite-wal"):
            with suppress(OSError):
                named.update(match.decode() for match in _HASH.findall((run / name).read_bytes()))
    store = TreeStore(folder)
    unnamed = [tree for tree in store.trees() if tree not in named]
    if not unnamed:
        return []
    why = f"{len(unnamed)} trees that no run names"
    freed = 0 if dry_run else store.collect([tree for tree in store.trees() if tree in named]).bytes
    return [Garbage(path=folder, bytes=freed, why=why)]


def _scratch(folder: Path, status: RunStatus, *, keep_work: bool) -> Iterator[tuple[Path, str]]:
    for name in ("cache",) if keep_work else ("cache", "work"):
        if os.path.lexists(folder / name):
            yield folder / name, f"{name} of a run that is {status.value}"
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("cache", "work")]
        for name in filter(DRAFT.fullmatch, files):
            yield Path(parent) / name, "draft of a file that was never finished"


def _discard(path: Path, why: str, *, dry_run: bool) -> Garbage:
    found = Garbage(path=path, bytes=disk_use(path), why=why)
    if not dry_run:
        _delete(path)
    return found


def _delete(path: Path) -> None:
    """Remove a file, a link (not what it points to) or a folder, whatever permissions a program left
    there."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink()
            return
        path.chmod(stat.S_IRWXU)
        for parent, folders, _ in os.walk(path):
            for folder in (Path(parent) / name for name in folders):
                if not folder.is_symlink():
                    folder.chmod(stat.S_IRWXU)
        shutil.rmtree(path)
    except OSError as error:
        raise StoreError(f"{path}: cannot remove: {error.strerror}. Check its owner.") from error


def _statuses(path: Path) -> Iterator[os.stat_result]:
    try:
        status = path.lstat()
        yield status
        if stat.S_ISDIR(status.st_mode):
            for child in path.iterdir():
                yield from _statuses(child)
    except OSError:
        # It vanished, or may not be read: a running unit works in there.
        return


def _size(count: int) -> str:
    value = float(count)
    for unit in ("bytes", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
