"""What a command did, as evidence: the programs it ran, the files it opened, wrote and removed in one folder.

It is watched from outside, by means that need no privilege and that the command cannot switch off: inotify on
the folder's inodes, which sees opens through any mount of them, and looks at /proc. A look at /proc can miss
a program that lives for milliseconds; `Trace.processes_by` says how they were found.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from honing.sandbox.base import Trace
from honing.sandbox.scripts.tree import descendants

if TYPE_CHECKING:
    import ctypes

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.005, 0.05
_GROWTH = 1.5
"""By how much the pause grows from look to look: what a command starts, it mostly starts at once."""
_COST = 19
"""A look takes at most a twentieth of the time."""
MOST_FOLDERS = 20_000
MOST_NAMES = 5_000
"""Of each kind; more are counted, not named."""
_WORDS = 24
_WORD_BYTES = 300
_IN_OPEN, _IN_MOVED_TO, _IN_CREATE = 0x20, 0x80, 0x100
_IN_Q_OVERFLOW, _IN_ISDIR, _IN_ONLYDIR, _IN_DONT_FOLLOW = 0x4000, 0x40000000, 0x01000000, 0x02000000
_EVENT = struct.Struct("iIII")


class Tracer:
    """Watches one folder and one process tree, from its making to `finish`.

    Args:
        folder: On the host.
        root: The process above the tree.
    """

    def __init__(self, folder: Path, root: int) -> None:
        self._folder = os.fsencode(folder.resolve())
        self._root = root
        self._processes: dict[tuple[str, ...], None] = {}
        self._opened: dict[str, None] = {}
        self._incomplete: dict[str, None] = {}
        self._known: dict[int, tuple[str, ...]] = {}
        self._watches: dict[int, bytes] = {}
        self._inotify = _Inotify.open()
        if self._inotify is None:
            self._incomplete["inotify is not available, so opened files are not known"] = None
        self._before = self._list(watch=True)
        self._pause = SHORTEST_PAUSE_S
        self.next_look = time.monotonic() + self._pause

    def look(self) -> None:
        """Take in what happened since the last look; sets `next_look`."""
        started = time.monotonic()
        self._see_processes()
        self._see_files()
        now = time.monotonic()
        self._pause = min(max(_COST * (now - started), self._pause * _GROWTH), LONGEST_PAUSE_S)
        self.next_look = now + self._pause

    def finish(self) -> Trace:
        """What was seen, once the tree is gone."""
        self._see_files()
        after = self._list(watch=False)
        both = self._before.keys() & after.keys()
        return Trace(
            processes=tuple(self._processes),
            processes_by="sampling",
            opened=tuple(self._opened),
            opened_by="inotify" if self._inotify is not None else "",
            added=self._names(after.keys() - self._before.keys()),
            changed=self._names(name for name in both if after[name] != self._before[name]),
            removed=self._names(self._before.keys() - after.keys()),
            incomplete=tuple(self._incomplete),
        )

    def close(self) -> None:
        if self._inotify is not None:
            self._inotify.close()

    def _names(self, found: Iterable[str]) -> tuple[str, ...]:
        names = sorted(found)
        if len(names) > MOST_NAMES:
            self._incomplete[f"{len(names)} files changed, {MOST_NAMES} are named"] = None
        return tuple(names[:MOST_NAMES])

    # Processes

    def _see_processes(self) -> None:
        for pid in _tree(self._root):
            words = _argv(pid)
            # A process that runs another program later is another entry.
            if not words or self._known.get(pid) == words or pid == self._root:
                continue
            self._known[pid] = words
            if len(self._processes) < MOST_NAMES:
                self._processes[words] = None

    # Files

    def _see_files(self) -> None:
        if self._inotify is None:
            return
        for watch, mask, name in self._inotify.read():
            if mask & _IN_Q_OVERFLOW:
                self._incomplete["more files were opened at once than the kernel keeps events of"] = None
                continue
            folder = self._watches.get(watch)
            if folder is None or not name:
                continue
            path = folder + b"/" + name
            if mask & _IN_ISDIR:
                if mask & (_IN_CREATE | _IN_MOVED_TO):
                    self._list(watch=True, top=path)
            elif mask & _IN_OPEN and len(self._opened) < MOST_NAMES:
                self._opened[self._relative(path)] = None
            elif mask & _IN_OPEN:
                self._incomplete[f"more than {MOST_NAMES} files were opened"] = None

    def _list(self, *, watch: bool, top: bytes | None = None) -> dict[str, tuple[int, ...]]:
        """Every file below a folder with what tells whether it was touched; watches each folder met."""
        found: dict[str, tuple[int, ...]] = {}
        waiting = [top or self._folder]
        folders = 0
        while waiting:
            folder = waiting.pop()
            folders += 1
            if folders > MOST_FOLDERS:
                self._incomplete[f"more than {MOST_FOLDERS} folders: the rest is not watched"] = None
                break
            if watch:
                self._watch(folder)
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        seen = entry.stat(follow_symlinks=False)
                        if stat.S_ISDIR(seen.st_mode):
                            waiting.append(entry.path)
                        else:
                            found[self._relative(entry.path)] = _state(seen)
        return found

    def _watch(self, folder: bytes) -> None:
        if self._inotify is None:
            return
        watch, error = self._inotify.add(folder)
        if watch >= 0:
            self._watches[watch] = folder
        elif error == errno.ENOSPC:
            self._incomplete["fs.inotify.max_user_watches is met: some folders are not watched"] = None

    def _relative(self, path: bytes) -> str:
        return path[len(self._folder) + 1 :].decode("utf-8", "backslashreplace")


def _state(seen: os.stat_result) -> tuple[int, ...]:
    # The time of change cannot be set by a program, unlike that of modification.
    return (seen.st_ino, seen.st_size, seen.st_mode, seen.st_ctime_ns)


def _tree(root: int) -> list[int]:
    """Ids of a process and those below it, by the kernel's own lists of children where it keeps them."""
    if not _keeps_children():
        return descendants(root)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            for task in Path("/proc", str(pid), "task").iterdir():
                waiting += map(int, (task / "children").read_bytes().split())
    return found


@functools.cache
def _keeps_children() -> bool:
    return Path("/proc/self/task", str(os.getpid()), "children").exists()


def _argv(pid: int) -> tuple[str, ...]:
    try:
        with Path("/proc", str(pid), "cmdline").open("rb") as file:
            line = file.read(1 << 16)
    except OSError:
        return ()
    words = [word.decode("utf-8", "backslashreplace") for word in line.rstrip(b"\0").split(b"\0")]
    cut = [word if len(word) <= _WORD_BYTES else word[:_WORD_BYTES] + "..." for word in words if word]
    return tuple(cut[:_WORDS] + (["..."] if len(cut) > _WORDS else []))


class _Inotify:
    """The kernel's file events."""

    def __init__(self, descriptor: int, libc: ctypes.CDLL) -> None:
        self._descriptor = descriptor
        self._libc = libc

    @classmethod
    def open(cls) -> _Inotify | None:
        """None where the kernel refuses (limits, other systems)."""
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "inotify_init1"):
            return None
        descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        return None if descriptor < 0 else cls(descriptor, libc)

    def add(self, folder: bytes) -> tuple[int, int]:
        """The watch's number, or a negative one with the error."""
        import ctypes

        mask = _IN_OPEN | _IN_CREATE | _IN_MOVED_TO | _IN_ONLYDIR | _IN_DONT_FOLLOW
        watch = self._libc.inotify_add_watch(self._descriptor, folder, mask)
        return watch, ctypes.get_errno()

    def read(self) -> list[tuple[int, int, bytes]]:
        """Events that wait: watch, mask, name."""
        found: list[tuple[int, int, bytes]] = []
        while True:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except OSError:
                return found
            at = 0
            while at < len(data):
                watch, mask, _, size = _EVENT.unpack_from(data, at)
                at += _EVENT.size
                found.append((watch, mask, data[at : at + size].rstrip(b"\0")))
                at += size

    def close(self) -> None:
        os.close(self._descriptor)
