"""What is kept between fetches: one process at a time fills an entry, and what is there is whole."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(entry: Path) -> Iterator[Path]:
    """Hold one entry of the cache for this process alone; another that wants it waits.

    Args:
        entry: The file or folder. Its parent is made; it itself is the caller's.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(
        entry.with_name(f"{entry.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
    )
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield entry
    finally:
        os.close(lock)
