"""One supervisor at a time: a lock that vanishes with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

from honing.errors import StoreError

# A reader that asks whether a folder is locked holds the lock for microseconds; a supervisor waits that out.
_PATIENCE_S = 0.5
_PAUSE_S = 0.02


class FolderLock:
    """An exclusive lock on one folder, held through an open file and so freed by the kernel when the holder
    dies.

    The same object may be entered several times, also by several threads; another object, in this process or
    another one, is refused. The lock is not inherited by programs that the holder starts.
    """

    def __init__(self, path: Path) -> None:
        """Hold nothing yet.

        Args:
            path: The lock file. It is created when needed and never removed.
        """
        self._path = path
        self._depth = 0
        self._descriptor = -1
        self._guard = threading.Lock()
        self.session = ""
        """Name of the present holding, unique for all time; empty while it is not held."""

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._depth > 0

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            StoreError: Somebody else holds it; the text names the process.
        """
        with self._guard:
            if self._depth == 0:
                self._descriptor = self._take()
                self.session = f"{os.uname().nodename}:{os.getpid()}:{os.urandom(6).hex()}"
            self._depth += 1

    def release(self) -> None:
        """Give it back; the last release of nested ones frees the lock."""
        with self._guard:
            self._depth -= 1
            if self._depth == 0:
                os.close(self._descriptor)
                self._descriptor = -1
                self.session = ""

    def taken(self) -> bool:
        """Whether anybody, this object included, holds the lock now."""
        if self.held:
            return True
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not _try_lock(descriptor)
        finally:
            os.close(descriptor)

    def holder(self) -> str:
        """Who took the lock last, as text for a message ("process 4711 on host alpha")."""
        try:
            words = self._path.read_text("utf-8", "replace").split()
        except OSError:
            words = []
        return f"process {words[0]} on host {words[1]}" if len(words) == 2 else "an unknown process"

    def _take(self) -> int:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            descriptor = self._open()
            if _try_lock(descriptor) and self._still_ours(descriptor):
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()} {os.uname().nodename}\n".encode(), 0)
                return descriptor
            os.close(descriptor)
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{self._path.parent}: this run is already being worked on by {self.holder()}. Wait for "
                    "it, "
                    f"stop it with `touch {self._path.parent / 'stop'}`, or end that process."
                )
            time.sleep(_PAUSE_S)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise StoreError(f"{self._path}: cannot open the lock file: {error.strerror}.") from error

    def _still_ours(self, descriptor: int) -> bool:
        # The file may have been removed or replaced between opening and locking it.
        try:
            named = self._path.stat()
        except OSError:
            return False
        ours = os.fstat(descriptor)
        return (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
