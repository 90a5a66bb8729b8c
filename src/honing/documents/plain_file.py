"""Reading a file that the judged could have written, as if it were hostile.

The file must be a plain file of our own tree, small, and written when it was to be written.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from honing.errors import MetricsError

MAX_BYTES = 4 * 1024 * 1024
"""Largest result file that is read."""
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
}


def read_plain_file(
    root: Path, relative: str, *, max_bytes: int = MAX_BYTES, not_before: float | None = None
) -> bytes:
    """The bytes of a plain file below `root`, reached without following a single symbolic link.

    Args:
        root: A folder of ours.
        relative: Path below it, with forward slashes.
        max_bytes: Refuse a larger file.
        not_before: Unix time in seconds; a file modified or created before it is stale and refused.

    Raises:
        MetricsError: The file is missing, is not a plain file, is linked, too large or stale; the text says
            which.
    """
    shown = f"{relative!r}"
    parts = [part for part in relative.split("/") if part not in ("", ".")]
    if not parts or ".." in parts or relative.startswith("/") or "\0" in relative:
        raise MetricsError(f"{shown} must be a path inside the working copy, without '..'.")
    descriptor = _open_below(root, parts, shown)
    try:
        status = os.fstat(descriptor)
        _check_status(status, shown, max_bytes, not_before)
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            content = stream.read(max_bytes + 1)
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:
        raise MetricsError(f"{shown} grew past {max_bytes} bytes while it was read.")
    return content


def _open_below(root: Path, parts: list[str], shown: str) -> int:
    """A descriptor of root/parts; every component is opened relative to the last, links refused."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        # O_NONBLOCK: opening a FIFO without a writer must not hang.
        return os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        raise MetricsError(
            f"{shown} was not written. The stage must write it; its exit code is not a score."
        ) from None
    except OSError as error:
        raise MetricsError(
            f"{shown} must be a plain file, found {_describe(root, parts)} ({error.strerror})."
        ) from None
    finally:
        os.close(folder)


def _describe(root: Path, parts: list[str]) -> str:
    path = root
    for part in parts:
        path = path / part
        kind = stat.S_IFMT(path.lstat().st_mode)
        if kind == stat.S_IFLNK:
            return f"a symbolic link to {str(path.readlink())!r}"
    return _KINDS.get(kind, "something that cannot be opened")


def _check_status(status: os.stat_result, shown: str, max_bytes: int, not_before: float | None) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise MetricsError(f"{shown} must be a plain file, found {_KINDS.get(kind, 'a special file')}.")
    if status.st_nlink != 1:
        raise MetricsError(
            f"{shown} has {status.st_nlink} hard links; a result file must belong to this stage alone."
        )
    if status.st_size > max_bytes:
        raise MetricsError(f"{shown} has {status.st_size} bytes; at most {max_bytes} are read.")
    if not_before is not None:
        for what, moment in (("modified", status.st_mtime), ("created", status.st_ctime)):
            # One second of slack: some file systems keep whole seconds.
            if moment < not_before - 1.0:
                age = not_before - moment
                raise MetricsError(
                    f"{shown} was {what} {age:.0f} s before the stage that must write it began: a stale "
                    "result. "
                    "Write it anew in the evaluate stage."
                )
