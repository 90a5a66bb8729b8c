"""Writing into a copy that a candidate had its hands on: nothing it left is followed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from honing.sandbox import remove_tree

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_below(root: Path, path: str, content: bytes, *, mode: int = 0o644) -> None:
    """Write a file below a folder in which no process of the candidate's runs any more.

    Folders on the way are made; a link, a file or a pipe that stands where a folder is needed is removed, and
    so is whatever stands where the file goes.

    Args:
        root: The copy.
        path: Relative to it, without `..`.
        content: What the file holds afterwards.
        mode: Its permission bits.

    Raises:
        OSError: The disk is full, or something cannot be removed.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or path.startswith("/"):
        raise ValueError(f"{path!r} must be a path inside the copy, without '..'")
    folder = os.open(root, _FOLDER)
    try:
        at = root
        for part in parts[:-1]:
            at /= part
            inner = _folder(folder, part)
            os.close(folder)
            folder = inner
        _writable(folder)
        _clear(folder, at / parts[-1])
        output = os.open(parts[-1], _NEW_FILE, 0o600, dir_fd=folder)
        try:
            with os.fdopen(os.dup(output), "wb") as stream:
                stream.write(content)
            os.fchmod(output, mode)
        finally:
            os.close(output)
    finally:
        os.close(folder)


def _folder(parent: int, name: str) -> int:
    """A folder of that name, opened; made where there is none, or where something else has its name."""
    _writable(parent)
    kind = _kind(parent, name)
    if kind is not None and not stat.S_ISDIR(kind):
        os.unlink(name, dir_fd=parent)
        kind = None
    if kind is None:
        os.mkdir(name, 0o755, dir_fd=parent)
    elif kind & 0o700 != 0o700:
        # It is a folder, so there is no link that this could follow.
        os.chmod(name, stat.S_IMODE(kind) | 0o700, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)


def _writable(folder: int) -> None:
    mode = stat.S_IMODE(os.fstat(folder).st_mode)
    if mode & 0o700 != 0o700:
        os.fchmod(folder, mode | 0o700)


def _clear(parent: int, place: Path) -> None:
    kind = _kind(parent, place.name)
    if kind is None:
        return
    if stat.S_ISDIR(kind):
        remove_tree(place)
    else:
        os.unlink(place.name, dir_fd=parent)


def _kind(parent: int, name: str) -> int | None:
    try:
        return os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None
