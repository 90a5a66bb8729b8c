"""Control groups: the kernel's own cap on the memory and the number of processes of a whole tree.

Version 1 (one folder per controller) and version 2 (one folder) are both used where the current group is
writable, which is usual for root and for containers, and rare for an ordinary user. A group is named after
the process that made it, so that what a killed Honing left behind is found and removed by the next one
(`sweep`).
"""

from __future__ import annotations

import functools
import itertools
import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from honing.errors import SandboxError

_PREFIX = "honing-"
_REMOVAL_PAUSE_S = 0.0005
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where groups can be made."""

    parents: Mapping[str, Path]
    """Folder by controller, `memory` and `pids`; both the same in version 2. Missing: not available."""
    unified: bool
    """Version 2."""

    @property
    def memory(self) -> bool:
        return "memory" in self.parents

    @property
    def pids(self) -> bool:
        return "pids" in self.parents


@functools.cache
def hierarchy() -> Hierarchy:
    """The usable controllers of this process, found by making a group and reading a limit back."""
    mounts = Path("/proc/self/mounts").read_text(errors="replace").splitlines()
    memberships = Path("/proc/self/cgroup").read_text(errors="replace").splitlines()
    own = dict(line.split(":", 2)[1:] for line in memberships)
    parents: dict[str, Path] = {}
    for line in mounts:
        _, folder, kind, options = line.split()[:4]
        for controller in ("memory", "pids"):
            if kind == "cgroup" and controller in options.split(",") and controller in own:
                parents[controller] = Path(folder + own[controller])
    unified = not parents
    for line in mounts:
        _, folder, kind = line.split()[:3]
        if unified and kind == "cgroup2" and "" in own:
            group = Path(folder + own[""])
            parents = dict.fromkeys(_delegated(group), group)
    usable = {name: folder for name, folder in parents.items() if _can_limit(name, folder, unified=unified)}
    return Hierarchy(usable, unified)


def _delegated(group: Path) -> list[str]:
    """Controllers that a child of this version 2 group has."""
    try:
        passed_on = (group / "cgroup.subtree_control").read_text().split()
    except OSError:
        return []
    return [name for name in ("memory", "pids") if name in passed_on]


def _can_limit(controller: str, parent: Path, *, unified: bool) -> bool:
    probe = parent / f"{_PREFIX}{_owner()}-probe-{controller}"
    try:
        probe.mkdir()
    except OSError:
        return False
    try:
        wanted = 64 * 1024**2 if controller == "memory" else 64
        file = probe / _limit_file(controller, unified=unified)
        file.write_text(str(wanted))
        return int(file.read_text()) == wanted
    except (OSError, ValueError):
        return False
    finally:
        probe.rmdir()


def _limit_file(controller: str, *, unified: bool) -> str:
    if controller == "pids":
        return "pids.max"
    return "memory.max" if unified else "memory.limit_in_bytes"


def _owner() -> str:
    return f"{_namespace()}-{os.getpid()}-{_start_ticks(os.getpid())}"


def _namespace() -> int:
    """Which numbering our process ids belong to: another container's groups are not ours to judge."""
    return Path("/proc/self/ns/pid").stat().st_ino


def _start_ticks(pid: int) -> str:
    """When a process started, which tells it from a later one with its number; empty where it is gone."""
    try:
        line = Path("/proc", str(pid), "stat").read_bytes()
    except OSError:
        return ""
    return line[line.rindex(b")") + 2 :].split()[19].decode()


class Group:
    """The control groups of one command; empty (and harmless) where none can be made.

    Args:
        memory_bytes: Cap on the memory of all members together, page cache and tmpfs files included; None for
            no cap.
        processes: Cap on processes and threads together; None for no cap.

    Raises:
        SandboxError: A group that the probe could make cannot be made now.
    """

    def __init__(self, memory_bytes: int | None, processes: int | None) -> None:
        found = hierarchy()
        limits = {"memory": memory_bytes, "pids": processes}
        name = f"{_PREFIX}{_owner()}-{next(_numbers)}"
        self._unified = found.unified
        self._folders: dict[str, Path] = {}
        for controller, parent in found.parents.items():
            limit = limits[controller]
            if limit is not None:
                self._folders[controller] = parent / name
                self._make(controller, limit)

    def _make(self, controller: str, limit: int) -> None:
        folder = self._folders[controller]
        try:
            folder.mkdir(exist_ok=self._unified)
            (folder / _limit_file(controller, unified=self._unified)).write_text(str(limit))
        except OSError as error:
            self.remove()
            raise SandboxError(f"making the control group {folder}: {error}") from error
        if controller != "memory":
            return
        # Swap would let the tree have more than its limit. The file is missing where the kernel counts no
        # swap.
        swap = folder / ("memory.swap.max" if self._unified else "memory.memsw.limit_in_bytes")
        try:
            swap.write_text("0" if self._unified else str(limit))
        except OSError:
            return

    @property
    def folders(self) -> list[Path]:
        """The folders that make up the group."""
        return sorted(set(self._folders.values()))

    def open_entrances(self) -> list[int]:
        """Descriptors, to be closed by the caller, through which a process puts itself into the group.

        It writes `0` to each; its children follow by inheritance. Moving another process would make the
        kernel wait for every fork and exec on the machine (version 1), some milliseconds even when it is
        idle.
        """
        name = "cgroup.procs" if self._unified else "tasks"
        return [os.open(folder / name, os.O_WRONLY | os.O_CLOEXEC) for folder in self.folders]

    def memory_was_exceeded(self) -> bool:
        """Whether the kernel killed a member for going over the memory limit."""
        folder = self._folders.get("memory")
        if folder is None:
            return False
        name = "memory.events" if self._unified else "memory.oom_control"
        for line in (folder / name).read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == "oom_kill":
                return int(value) > 0
        return False

    def members(self) -> list[int]:
        found: set[int] = set()
        for folder in self.folders:
            try:
                found.update(int(pid) for pid in (folder / "cgroup.procs").read_text().split())
            except OSError:
                continue
        return sorted(found)

    def kill(self) -> None:
        """Kill every member, once; the caller repeats until `members` is empty."""
        for pid in self.members():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def remove(self, timeout_s: float = 5.0) -> bool:
        """Kill what is left and remove the folders. False where something would not end in time."""
        deadline = time.monotonic() + timeout_s
        for folder in self.folders:
            while not _remove(folder):
                if time.monotonic() > deadline:
                    return False
                self.kill()
                time.sleep(_REMOVAL_PAUSE_S)
        return True


def _remove(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


_sweep_lock = threading.Lock()


def sweep() -> int:
    """Remove the groups of Honing processes that no longer exist, and kill what still runs in them.

    Returns:
        How many groups were removed.
    """
    removed = 0
    with _sweep_lock:
        for parent in set(hierarchy().parents.values()):
            for folder in parent.glob(f"{_PREFIX}{_namespace()}-*-*"):
                _, _, pid, started = folder.name.split("-")[:4]
                if _start_ticks(int(pid)) != started:
                    removed += _clear(folder)
    return removed


def _clear(folder: Path) -> bool:
    for _ in range(2000):
        if _remove(folder):
            return True
        try:
            for pid in (folder / "cgroup.procs").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue
        time.sleep(_REMOVAL_PAUSE_S)
    return False
