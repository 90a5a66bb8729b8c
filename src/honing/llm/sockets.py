"""Listening sockets that only this user can reach: a loopback port and a Unix socket of mode 0600."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

_LONGEST_PATH_BYTES = 107
"""What the kernel's address holds beside its closing zero byte."""


@dataclass(slots=True)
class BoundSocket:
    """A bound socket, not yet listening, and what to remove when it is done with."""

    socket: socket.socket
    port: int = 0
    path: Path | None = None
    temporary: Path | None = None
    """A folder made for the socket because the path asked for was too long."""

    def close(self) -> None:
        """Close it and remove its path. Safe to repeat."""
        self.socket.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        if self.temporary is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)


def bind_loopback(port: int = 0) -> BoundSocket:
    """Bind 127.0.0.1 at `port`; 0 takes a free one."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return BoundSocket(socket=bound, port=bound.getsockname()[1])


def bind_unix(path: Path) -> BoundSocket:
    """Bind a Unix socket that only its owner may connect to.

    A socket that a dead process left at `path` is replaced. Where the path is longer than the kernel allows,
    the socket is made in a new private folder with a short name instead; the result says where it lies.

    Raises:
        OSError: Somebody listens there already, or something that is not a socket is in the way.
    """
    wanted = path.absolute()
    temporary = None
    if len(os.fsencode(wanted)) > _LONGEST_PATH_BYTES:
        temporary = _short_folder()
        wanted = temporary / "gateway.sock"
    else:
        _clear(wanted)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(wanted))
        # Before listen(), when nobody can connect yet: there is no moment at which others could.
        wanted.chmod(0o600)
    except OSError:
        bound.close()
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        raise
    return BoundSocket(socket=bound, path=wanted, temporary=temporary)


def _short_folder() -> Path:
    usual = tempfile.gettempdir()
    fits = len(os.fsencode(usual)) < _LONGEST_PATH_BYTES - 40
    return Path(tempfile.mkdtemp(prefix="honing-", dir=usual if fits else "/tmp"))


def _clear(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(
            f"{path}: a socket is to be made here, but a file of another kind is in the way"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise FileExistsError(f"{path}: another process is listening here; stop it or choose another path")
