"""Files that are either the old one or the new one, never a part of either."""

from __future__ import annotations

import errno
import os
import re
from contextlib import suppress
from pathlib import Path

from honing.errors import StoreError

_NEXT_STEP = {
    errno.ENOSPC: "The disk is full: free some space (`hone runs gc`), then resume the run.",
    errno.EDQUOT: "The disk quota is used up: free some space (`hone runs gc`), then resume the run.",
    errno.EFBIG: "The file would exceed the file size limit (`ulimit -f`): raise it, then resume the run.",
    errno.EROFS: "The file system is read-only: choose another folder with HONING_HOME.",
    errno.EACCES: "Permission is missing: check the folder's owner, or choose another one with HONING_HOME.",
    errno.EIO: "The disk reports an error: check it (dmesg) before going on.",
}

DRAFT = re.compile(r"\..+\.\d+\.[0-9a-f]{8}\.new")
"""Names that `write_atomic` gives to what it has not finished."""


def write_atomic(path: Path, payload: bytes) -> None:
    """Replace `path` by a file with these bytes, durably.

    The bytes go to a new file in the same folder, are synced, and the file is renamed over `path`; then the
    folder is synced. A crash at any point leaves the old file or the new one. A symbolic link at `path` is
    replaced, not followed.

    Raises:
        StoreError: The file system refused; the old file is untouched.
    """
    draft = path.with_name(f".{path.name[:100]}.{os.getpid()}.{os.urandom(4).hex()}.new")
    try:
        _write_new(draft, payload)
        draft.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise write_failed(path, error) from error


def remove_drafts(folder: Path, *, leave_out: frozenset[str]) -> None:
    """Delete what writers that were killed left below `folder`. Nobody may be writing there now.

    Args:
        folder: Where to look.
        leave_out: Names directly in `folder` that are not looked into.
    """
    for place, folders, files in os.walk(folder):
        if place == str(folder):
            folders[:] = [name for name in folders if name not in leave_out]
        for name in filter(DRAFT.fullmatch, files):
            Path(place, name).unlink(missing_ok=True)


def write_failed(path: Path, error: OSError) -> StoreError:
    """The error to raise where `path` could not be written: what happened and what to do about it."""
    step = _NEXT_STEP.get(error.errno or 0, "Check the path and its permissions.")
    return StoreError(f"{path}: cannot write: {error.strerror or error}. {step}")


def sync_folder(folder: Path) -> None:
    """Make renames and new names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, payload: bytes) -> None:
    """Write every byte; `os.write` may take fewer."""
    view = memoryview(payload)
    while view:
        view = view[os.write(descriptor, view) :]


def _write_new(path: Path, payload: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        write_all(descriptor, payload)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
