"""Finding, measuring and ending whole process trees."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import subprocess
from collections.abc import Sequence, Set
from pathlib import Path

from honing.sandbox.scripts.tree import descendants as descendants


def memory_of(pids: Sequence[int]) -> int:
    """Memory of the processes together, in bytes: proportional, or resident where that is hidden."""
    return sum(_memory_of_one(pid) for pid in pids)


def _memory_of_one(pid: int) -> int:
    try:
        for line in Path("/proc", str(pid), "smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int(Path("/proc", str(pid), "statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def deleted_bytes(pids: Sequence[int], devices: Set[int]) -> int:
    """Disk bytes of deleted files that the processes still hold open: no folder lists them, yet they fill the
    disk.

    Args:
        pids: Whose descriptors to look at.
        devices: File systems that count (`st_dev`); memory files lie on others.
    """
    seen: dict[tuple[int, int], int] = {}
    for pid in pids:
        folder = Path("/proc", str(pid), "fd")
        try:
            entries = list(folder.iterdir())
        except OSError:
            continue
        for entry in entries:
            try:
                found = entry.stat()
            except OSError:
                continue
            if found.st_nlink == 0 and found.st_dev in devices and stat.S_ISREG(found.st_mode):
                seen[(found.st_dev, found.st_ino)] = found.st_blocks * 512
    return sum(seen.values())


class ProcessHandle:
    """A process held by a pidfd, so that its number cannot come to mean another process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    def kill(self) -> None:
        try:
            signal.pidfd_send_signal(self._fd, signal.SIGKILL)
        except ProcessLookupError:
            return

    def wait(self, timeout_s: float) -> bool:
        """Whether the process ended within the time. A namespace's first ends after all its others."""
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))

    def close(self) -> None:
        os.close(self._fd)


def reap(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Wait for our own child. False where it is still there after the time."""
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def end_unstarted(marker: bytes) -> int:
    """Kill sandboxes that were being set up when the Honing that started them was killed.

    Bubblewrap's inner process waits for the outer one, which dies with us; where that happens within the
    millisecond before it is told to go on, it waits for ever. It has not started the command then.

    Args:
        marker: An argument that all our sandboxes share.

    Returns:
        How many there were.
    """
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_unstarted(entry, marker):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(entry.name), signal.SIGKILL)
                found += 1
    return found


def _is_unstarted(process: Path, marker: bytes) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        if marker not in words or not words[0].endswith(b"bwrap"):
            return False
        status = (process / "status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        # The first process of a namespace of its own: the inner one. Its parent, the outer one, is gone.
        inner = len(fields["NSpid"].split()) > 1 and fields["NSpid"].split()[-1] == "1"
        above = Path("/proc", fields["PPid"].strip(), "cmdline").read_bytes().split(b"\0")
    except (OSError, KeyError):
        return False
    return inner and marker not in above
