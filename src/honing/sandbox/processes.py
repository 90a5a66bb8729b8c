"""Starting, finding and ending whole process trees."""

from __future__ import annotations

import os
import queue
import select
import signal
import stat
import subprocess
import threading
from collections.abc import Sequence, Set
from concurrent.futures import Future
from pathlib import Path

from honing.sandbox.scripts.tree import descendants as descendants


class Launcher:
    """One long-lived thread that starts every sandboxed process.

    A parent-death signal follows the *thread* that started a process, not the program: a worker thread that
    ended would take its sandboxes with it, and the kernel would be right. This thread lives as long as the
    program.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[Future[subprocess.Popen[bytes]], Sequence[str], Streams]] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._serve, name="honing-launcher", daemon=True).start()

    def start(self, argv: Sequence[str], streams: Streams) -> subprocess.Popen[bytes]:
        """Start a process with no environment, in a session of its own: Ctrl-C is for us alone."""
        future: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((future, argv, streams))
        return future.result()

    def _serve(self) -> None:
        while True:
            future, argv, streams = self._orders.get()
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=streams.stdin,
                    stdout=streams.stdout,
                    stderr=streams.stderr,
                    pass_fds=streams.inherited,
                    env={},
                    cwd="/",
                    start_new_session=True,
                )
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
                future.set_exception(error)
            else:
                future.set_result(process)


class Streams:
    """File descriptors a new process gets: its streams, and those it inherits under the same numbers."""

    def __init__(self, stdin: int, stdout: int, stderr: int, inherited: Sequence[int]) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.inherited = tuple(inherited)


_launchers: dict[int, Launcher] = {}
_launchers_lock = threading.Lock()


def launcher() -> Launcher:
    """This process's launcher. A forked child gets its own, since threads do not survive a fork."""
    with _launchers_lock:
        if os.getpid() not in _launchers:
            _launchers.clear()
            _launchers[os.getpid()] = Launcher()
        return _launchers[os.getpid()]


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
