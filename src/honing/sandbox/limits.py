"""The limits that nobody but us holds: disk, memory without a control group, and each process's own."""

from __future__ import annotations

import contextlib
import os
import resource
import stat
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from honing.sandbox.base import Ending, Limits
from honing.sandbox.processes import deleted_bytes, descendants, memory_of

FILL_RATE = 2 * 1024**3
"""Bytes a second that we expect a tree to fill at most; the nearer a limit, the sooner the next look."""
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0
WALK_BUDGET_S = 1.0
ENTRY_BYTES = 512
"""Charged for each directory entry, so that a million empty files are not free."""


def process_limits(
    limits: Limits, *, memory_capped: bool, processes_capped: bool, disk_capped: bool = False
) -> list[tuple[int, int]]:
    """Resource limits of each process, as (RLIMIT_*, value).

    Those on memory and processes stand in where no control group caps the tree: RLIMIT_DATA, which unlike
    RLIMIT_AS lets runtimes reserve address space, and RLIMIT_NPROC, which the kernel does not hold against
    root.
    """
    chosen = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, limits.open_files)]
    if not disk_capped:
        chosen.append((resource.RLIMIT_FSIZE, limits.disk_bytes))
    if not memory_capped:
        chosen.append((resource.RLIMIT_DATA, limits.memory_bytes))
    if not processes_capped:
        chosen.append((resource.RLIMIT_NPROC, limits.processes))
    return chosen


class DiskMeter:
    """How much the writable folders have grown since the command started.

    Args:
        folders: Host folders, none inside another.
    """

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._devices = {Path(folder).stat().st_dev for folder in folders}
        self._before, _ = self._walk(budget_s=30.0)
        self._free_before = self._free()

    def used(self, pids: Sequence[int]) -> int:
        """Bytes of growth, deleted files that `pids` hold open included.

        Where a folder cannot be read, or is too large to walk in time, the growth of its whole file system
        counts
        instead: hiding files must not help.
        """
        total, complete = self._walk(budget_s=WALK_BUDGET_S)
        grown = total - self._before + deleted_bytes(pids, self._devices)
        return grown if complete else max(grown, self._free_before - self._free())

    def _free(self) -> int:
        found = {}
        for folder in self._folders:
            with contextlib.suppress(FileNotFoundError):
                found[Path(folder).stat().st_dev] = os.statvfs(folder)
        return sum(one.f_bfree * one.f_frsize for one in found.values())

    def _walk(self, budget_s: float) -> tuple[int, bool]:
        """Disk bytes below the folders (hard links once), and whether all could be read in time."""
        deadline = time.monotonic() + budget_s
        total, complete, seen = 0, True, set()
        waiting = list(self._folders)
        while waiting:
            if time.monotonic() > deadline:
                return total, False
            folder = waiting.pop()
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        with contextlib.suppress(FileNotFoundError):
                            found = entry.stat(follow_symlinks=False)
                            if found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode):
                                if (found.st_dev, found.st_ino) in seen:
                                    continue
                                seen.add((found.st_dev, found.st_ino))
                            total += found.st_blocks * 512 + ENTRY_BYTES
                            if stat.S_ISDIR(found.st_mode):
                                waiting.append(entry.path)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError:
                complete = False
        return total, complete


class Meters:
    """Looks at disk and memory as often as the room that is left demands.

    Args:
        limits: What the tree may use.
        folders: Host folders whose growth counts.
        root: Gives the process above the whole tree.
        exceeded: Whether the kernel already killed a member for memory.
        watch_memory: Whether memory has to be summed here, because no control group holds it.
    """

    def __init__(
        self,
        limits: Limits,
        folders: Sequence[str],
        root: int,
        *,
        exceeded: Callable[[], bool],
        watch_memory: bool,
        watch_disk: bool = True,
    ) -> None:
        self._limits = limits
        self._disk = DiskMeter(folders) if folders and watch_disk else None
        self._root = root
        self._exceeded = exceeded
        self._watch_memory = watch_memory
        self.next_look = time.monotonic() + SHORTEST_PAUSE_S

    def look(self, *, ended: bool = False) -> tuple[Ending, str] | None:
        """The limit that is exceeded with a sentence on it, or None; sets `next_look`.

        Args:
            ended: Whether the tree is gone, so that only what it left counts.
        """
        started = time.monotonic()
        pids = descendants(self._root) if (self._disk or self._watch_memory) and not ended else []
        room = [FILL_RATE]
        if self._exceeded():
            return Ending.MEMORY, f"the tree needed more than {self._limits.memory_bytes} bytes of memory"
        if self._watch_memory:
            used = memory_of(pids)
            if used > self._limits.memory_bytes:
                return (
                    Ending.MEMORY,
                    f"the tree held {used} bytes of memory, {self._limits.memory_bytes} are allowed",
                )
            room.append(self._limits.memory_bytes - used)
        if self._disk:
            used = self._disk.used(pids)
            # At the limit is over it: a single file stops growing exactly there (RLIMIT_FSIZE).
            if used >= self._limits.disk_bytes:
                return Ending.DISK, f"the command wrote {used} bytes, {self._limits.disk_bytes} are allowed"
            room.append(self._limits.disk_bytes - used)
        now = time.monotonic()
        pause = min(max(min(room) / FILL_RATE, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
        # A look takes at most a tenth of the time, however large the folders.
        self.next_look = now + max(pause, 9 * (now - started))
        return None
