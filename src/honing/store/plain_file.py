"""Reading files of a run folder that somebody else may have put there: no link, no pipe, no device."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from honing.errors import StoreError

_HOW = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_plain(path: Path, *, limit_bytes: int) -> bytes:
    """The bytes of a plain file.

    Args:
        path: The file. A link in place of it is refused, not followed; links on the way to it are.
        limit_bytes: Larger files are refused.

    Raises:
        StoreError: It is a link, a pipe, a device or a socket, or too large.
        OSError: It is missing or may not be read.
    """
    try:
        descriptor = os.open(path, _HOW)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise StoreError(f"{path}: a symbolic link, expected a plain file. Remove the link.") from error
        if error.errno == errno.ENXIO:
            raise StoreError(f"{path}: a socket, expected a plain file. Remove it.") from error
        raise
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{path}: a pipe or a device, expected a plain file. Remove it.")
        if status.st_size > limit_bytes:
            raise StoreError(
                f"{path}: {status.st_size:,} bytes, expected at most {limit_bytes:,}. No run of ours writes "
                "as much there; look at what did."
            )
        return stream.read()
