"""Files of a run folder, read as if a stranger had put them there: plain ones only, no link, bounded."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from honing.errors import StoreError

_MOST_FILES = 2000
"""Artifacts that are listed."""
_APART = frozenset({"work", "cache", "blobs"})
"""Folders of a run that are not looked into: scratch, and bodies of the evidence."""
_OWN = frozenset(
    {
        "journal.sqlite",
        "journal.sqlite-wal",
        "journal.sqlite-shm",
        "lock",
        "stop",
        "run.json",
        "evidence.jsonl",
    }
)
"""Files of the run itself, which the page shows in its own way."""
_SERVED_BYTES = 32 * 1024 * 1024
"""Largest file that is sent."""


def open_plain(folder: Path, relative: str) -> int:
    """A descriptor of a plain file below `folder`, reached without following a link.

    Raises:
        StoreError: There is none, or it is something else.
    """
    parts = relative.split("/")
    if not relative or any(part in ("", ".", "..") for part in parts) or "\0" in relative:
        raise StoreError(f"{relative!r}: expected the path of a file inside the run.")
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StoreError(f"{folder}: the run cannot be read: {error.strerror}.") from error
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
            os.close(place)
            place = inner
        # A FIFO without a writer must not hang.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(parts[-1], flags, dir_fd=place)
    except OSError as error:
        raise StoreError(f"{relative!r}: cannot be opened as a plain file: {error.strerror}.") from error
    finally:
        os.close(place)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise StoreError(f"{relative!r}: expected a plain file.")
    return descriptor


def read_plain(folder: Path, relative: str, *, most_bytes: int = _SERVED_BYTES) -> bytes:
    """The bytes of a plain file below `folder`.

    Raises:
        StoreError: There is none, it is something else, or it is larger than `most_bytes`.
    """
    descriptor = open_plain(folder, relative)
    with os.fdopen(descriptor, "rb") as stream:
        payload = stream.read(most_bytes + 1)
    if len(payload) > most_bytes:
        raise StoreError(f"{relative!r}: larger than the {most_bytes:,} bytes that are read here.")
    return payload


def is_plain(path: Path) -> bool:
    """Whether a plain file lies there, and not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def signature(folder: Path, names: tuple[str, ...]) -> tuple[tuple[int, int] | None, ...]:
    """What tells that one of these files has changed: time in nanoseconds and size of each."""
    found: list[tuple[int, int] | None] = []
    for name in names:
        try:
            status = os.lstat(f"{folder}/{name}")
        except (OSError, ValueError):
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_size))
    return tuple(found)


def list_files(folder: Path, *, inner: frozenset[str]) -> tuple[list[dict[str, Any]], bool]:
    """The plain files of a run, sorted, with sizes; and whether that is all of them.

    Args:
        folder: The run's.
        inner: Folders of other runs inside it, relative with forward slashes, which are not looked into.
    """
    found: list[dict[str, Any]] = []
    for path, status in _plain_files(folder, inner):
        if len(found) == _MOST_FILES:
            return sorted(found, key=_by_path), False
        found.append({"path": path, "bytes": status.st_size, "modified": status.st_mtime})
    return sorted(found, key=_by_path), True


def _plain_files(folder: Path, inner: frozenset[str]) -> Iterator[tuple[str, os.stat_result]]:
    for parent, folders, names in os.walk(folder):
        inside = Path(parent).relative_to(folder).as_posix().removeprefix(".")
        prefix = f"{inside}/" if inside else ""
        folders[:] = sorted(
            name
            for name in folders
            if not (not inside and name in _APART) and not name.startswith(".") and prefix + name not in inner
        )
        for name in sorted(names):
            try:
                status = os.lstat(os.path.join(parent, name))  # noqa: PTH118 - the name may be no text
            except OSError:
                continue
            # A name that is no UTF-8 could be shown, but never asked for.
            apart = name.startswith(".") or (not inside and name in _OWN)
            if stat.S_ISREG(status.st_mode) and not apart and _is_text(prefix + name):
                yield prefix + name, status


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _by_path(one: dict[str, Any]) -> tuple[bool, str]:
    """Files of the folder itself before those of folders in it."""
    return "/" in one["path"], one["path"]
