"""Reading a folder that cannot be trusted: nothing is followed, nothing blocks, nothing half-changed is kept.

Every folder is opened relative to its parent without following links, so a link swapped in between two steps
is an error and never a way out. Pipes, sockets and devices are recognised before anything is opened.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from honing.errors import StoreError, UnfitTreeError
from honing.store.trees.manifest import DEPTH, PERMISSIONS, EntryKind, shown

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class ChangedError(Exception):
    """The folder changed while it was read. Caught by the snapshot, which begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeLimits:
    """What a snapshot accepts."""

    file_bytes: int = 512 * 1024**2
    """Size of one file. A sparse file counts with its apparent size."""
    total_bytes: int = 4 * 1024**3
    """Size of all files together."""
    entries: int = 200_000
    """Files, folders and links together."""
    attempts: int = 3
    """How often a folder that changes under the snapshot is read anew before it is refused."""


class Seen(NamedTuple):
    """One entry as `lstat` saw it. Two equal records mean: not touched in between."""

    kind: EntryKind
    mode: int
    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int
    target: bytes = b""
    special: str = ""


Ignore = Callable[[bytes, EntryKind], bool]
"""Whether to leave out a path."""


def ignoring(patterns: Sequence[str]) -> Ignore:
    """A rule from patterns in the manner of shell globs.

    A pattern without a slash matches a name at any depth (`*.pyc`, `.git`); with a slash it matches from the
    top (`build/out`), each part on its own; with a slash at its end it matches folders only. What is below an
    ignored folder is not looked at.
    """
    rules = [
        (
            [os.fsencode(part) for part in pattern.strip("/").split("/")],
            pattern.endswith("/"),
            "/" in pattern.rstrip("/"),
        )
        for pattern in patterns
    ]

    def ignored(path: bytes, kind: EntryKind) -> bool:
        names = path.split(b"/")
        return any(
            (kind is EntryKind.FOLDER or not folders_only)
            and _matches(parts, names if anchored else names[-1:])
            for parts, folders_only, anchored in rules
        )

    return ignored


def scan(top: int, where: Path, ignore: Ignore, limits: TreeLimits) -> dict[bytes, Seen]:
    """Every entry below an open folder, by path.

    Args:
        top: Descriptor of the folder.
        where: Its path, for messages.
        ignore: What to leave out.
        limits: What to refuse.

    Raises:
        UnfitTreeError: A limit is exceeded or a folder cannot be read.
        ChangedError: A folder vanished or was replaced while it was read.
    """
    found: dict[bytes, Seen] = {}
    total = 0
    for path, seen in _walk(top, b"", where, ignore, 0):
        found[path] = seen
        total += seen.size
        if seen.size > limits.file_bytes:
            raise _too_much(where, path, f"{seen.size:,} bytes", f"{limits.file_bytes:,} in one file")
        if total > limits.total_bytes:
            raise _too_much(where, path, "more bytes in all", f"{limits.total_bytes:,}")
        if len(found) > limits.entries:
            raise _too_much(where, path, "more entries", f"{limits.entries:,}")
    return found


@contextmanager
def opened_folder(where: Path) -> Iterator[int]:
    """The descriptor of a folder given by its path. A link at its last place is not followed."""
    try:
        descriptor = os.open(where, _FOLDER_FLAGS)
    except OSError as error:
        raise StoreError(f"{where}: expected a folder that can be read: {error.strerror}.") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_below(top: int, path: bytes) -> Iterator[int]:
    """The descriptor of a folder below `top`, reached name by name without following any link."""
    held = os.dup(top)
    try:
        for name in path.split(b"/") if path else []:
            inner = _open_again(name, held, path)
            os.close(held)
            held = inner
        yield held
    finally:
        os.close(held)


@contextmanager
def opened_file(folder: int, path: bytes, seen: Seen, where: str) -> Iterator[int]:
    """The descriptor of a regular file that must still be the one that was seen, before and after it is read.

    Args:
        folder: Descriptor of the folder that it is in.
        path: From the top; its last name is looked for in the folder.
        seen: What it was.
        where: Its full path, for messages.

    Raises:
        UnfitTreeError: It may not be read.
        ChangedError: It is another file by now, or changed while it was open.
    """
    try:
        descriptor = os.open(path.rpartition(b"/")[2], _FILE_FLAGS, dir_fd=folder)
    except PermissionError as error:
        raise _unfit(
            path,
            f"{where}: the file may not be read. Give read permission (chmod u+r), "
            "or leave it out with `ignore`.",
        ) from error
    except OSError as error:
        raise ChangedError(f"{where}: {error.strerror}") from error
    try:
        _still(descriptor, seen, where)
        yield descriptor
        _still(descriptor, seen, where)
    finally:
        os.close(descriptor)


def _open_again(name: bytes, folder: int, path: bytes) -> int:
    try:
        return os.open(name, _FOLDER_FLAGS, dir_fd=folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise ChangedError(f"{shown(path)} is no longer the folder it was") from error
        raise


def _still(descriptor: int, seen: Seen, where: str) -> None:
    if _seen(os.fstat(descriptor)) != seen:
        raise ChangedError(f"{where}: changed while it was read")


def _walk(
    folder: int, prefix: bytes, where: Path, ignore: Ignore, depth: int
) -> Iterator[tuple[bytes, Seen]]:
    if depth >= DEPTH:
        raise _unfit(
            prefix, f"{where}: folders are nested {DEPTH} deep or more at '{shown(prefix[:80])}...'."
        )
    with os.scandir(folder) as listing:
        names = [(os.fsencode(entry.name), entry) for entry in listing]
    for name, entry in names:
        path = prefix + name
        try:
            seen = _seen(entry.stat(follow_symlinks=False))
            if ignore(path, seen.kind):
                continue
            if seen.kind is EntryKind.LINK:
                seen = seen._replace(target=os.readlink(name, dir_fd=folder))
        except OSError as error:
            raise ChangedError(f"{shown(path)} vanished") from error
        yield path, seen
        if seen.kind is EntryKind.FOLDER:
            inner = _open_folder(name, folder, where, path)
            try:
                yield from _walk(inner, path + b"/", where, ignore, depth + 1)
            finally:
                os.close(inner)


def _open_folder(name: bytes, folder: int, where: Path, path: bytes) -> int:
    try:
        return os.open(name, _FOLDER_FLAGS, dir_fd=folder)
    except PermissionError as error:
        raise _unfit(
            path,
            f"{where}/{shown(path)}: the folder may not be read. "
            "Give read permission (chmod u+rx), or leave it out with `ignore`.",
        ) from error
    except OSError as error:
        raise ChangedError(f"{shown(path)} was replaced: {error.strerror}") from error


def _seen(found: os.stat_result) -> Seen:
    kind, special = _kind(found.st_mode)
    is_file = kind is EntryKind.FILE
    mode = found.st_mode & PERMISSIONS if kind in (EntryKind.FILE, EntryKind.FOLDER) else 0
    return Seen(
        kind=kind,
        mode=mode,
        device=found.st_dev,
        inode=found.st_ino,
        size=found.st_size if is_file else 0,
        # A folder's own times change with entries that are ignored; its listing is compared instead.
        mtime_ns=found.st_mtime_ns if is_file else 0,
        ctime_ns=found.st_ctime_ns if is_file else 0,
        special=special,
    )


def _kind(mode: int) -> tuple[EntryKind, str]:
    if stat.S_ISREG(mode):
        return EntryKind.FILE, ""
    if stat.S_ISDIR(mode):
        return EntryKind.FOLDER, ""
    if stat.S_ISLNK(mode):
        return EntryKind.LINK, ""
    names = ((stat.S_ISFIFO, "fifo"), (stat.S_ISSOCK, "socket"))
    return EntryKind.SPECIAL, next((name for test, name in names if test(mode)), "device")


def _matches(parts: list[bytes], names: list[bytes]) -> bool:
    return len(parts) == len(names) and all(
        fnmatchcase(os.fsdecode(name), os.fsdecode(part)) for part, name in zip(parts, names, strict=True)
    )


def _too_much(where: Path, path: bytes, found: str, allowed: str) -> UnfitTreeError:
    return _unfit(
        path,
        f"{where}: '{shown(path)}' brings {found}; a snapshot takes {allowed} at most. "
        "Leave it out with `ignore`, or raise the limit in TreeLimits.",
    )


def _unfit(path: bytes, text: str) -> UnfitTreeError:
    error = UnfitTreeError(text)
    error.path = shown(path[:200])
    return error
