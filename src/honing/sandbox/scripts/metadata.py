"""Changing modes and times for a command that Landlock contains.

Landlock does not rule over chmod and utime: a contained command could still make its owner's other files
unreadable. So the filter hands those calls to the warden, which opens the file itself, looks where that open
file lies, and makes the change through the open file only below the writable folders. No name is looked up
twice, so none can be swapped.

Format: `struct seccomp_notif` and `seccomp_notif_resp` of linux/seccomp.h.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import time

_RECEIVE, _SEND, _IS_VALID = 0xC0502100, 0xC0182101, 0x40082102
_AT_FDCWD, _AT_SYMLINK_NOFOLLOW, _AT_EMPTY_PATH = -100, 0x100, 0x1000
_UTIME_NOW, _UTIME_OMIT = (1 << 30) - 1, (1 << 30) - 2
_PATH_LIMIT = 4096
_NANO = 10**9


class Metadata:
    """Answers the notifications of one contained command.

    Args:
        listener: The filter's notification descriptor.
        numbers: System call name by number.
        folders: Real paths of the writable folders.
    """

    def __init__(self, listener: int, numbers: dict[int, str], folders: list[bytes]) -> None:
        self.listener = listener
        self._numbers = numbers
        self._folders = folders

    def answer(self) -> None:
        """Serve one call. One that was interrupted meanwhile is dropped."""
        request = bytearray(80)
        try:
            fcntl.ioctl(self.listener, _RECEIVE, request)
        except OSError:
            return
        number_id, pid, _, call, _, _, *arguments = struct.unpack("<QIIiIQ6Q", request)
        try:
            self._carry_out(self._numbers[call], pid, number_id, arguments)
            error = 0
        except OSError as failure:
            error = failure.errno or errno.EPERM
        try:
            fcntl.ioctl(self.listener, _SEND, struct.pack("<QqiI", number_id, 0, -error, 0))
        except OSError:
            return

    def _carry_out(self, call: str, pid: int, number_id: int, arguments: list[int]) -> None:
        folder, path, flags = _AT_FDCWD, 0, 0
        if call in ("chmod", "utime", "utimes"):
            path, rest = arguments[0], arguments[1:]
        elif call == "fchmod":
            folder, rest, flags = _signed(arguments[0]), arguments[1:], _AT_EMPTY_PATH
        else:
            folder, path, rest = _signed(arguments[0]), arguments[1], arguments[2:]
        if call in ("fchmodat2", "utimensat"):
            flags = rest[1]
        name = _read_path(pid, path) if path else b""
        if call == "utimensat" and not path:
            flags |= _AT_EMPTY_PATH
        times = None if "chmod" in call else _read_times(call, pid, rest[0])
        target = _open(pid, folder, name, flags)
        try:
            # The memory and the names above were the caller's only if it still waits for the answer.
            fcntl.ioctl(self.listener, _IS_VALID, struct.pack("<Q", number_id))
            self._must_be_writable(target)
            if "chmod" in call:
                os.chmod(f"/proc/self/fd/{target}", rest[0] & 0o1777)
            elif times is not None:
                _set_times(target, times)
        finally:
            os.close(target)

    def _must_be_writable(self, target: int) -> None:
        place = os.readlink(f"/proc/self/fd/{target}".encode())
        if not any(place == folder or place.startswith(folder + b"/") for folder in self._folders):
            raise PermissionError(errno.EPERM, "outside the writable folders")


def _signed(argument: int) -> int:
    value = argument & 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


def _read_memory(pid: int, address: int, size: int) -> bytes:
    """Bytes of another process, fewer where its memory ends earlier."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        # One page at a time: the next one may not exist.
        first = min(size, 4096 - address % 4096)
        memory.seek(address)
        data = memory.read(first)
        if size > first and b"\0" not in data:
            try:
                data += memory.read(size - first)
            except OSError:
                return data
        return data


def _read_path(pid: int, address: int) -> bytes:
    name, end, _ = _read_memory(pid, address, _PATH_LIMIT).partition(b"\0")
    if not end:
        raise OSError(errno.ENAMETOOLONG, "path too long")
    return name


def _read_times(call: str, pid: int, address: int) -> tuple[int | None, int | None]:
    """Access and modification time in nanoseconds; None leaves one as it is."""
    now = time.time_ns()
    if not address:
        return now, now
    if call == "utime":
        access, change = struct.unpack("<qq", _read_exactly(pid, address, 16))
        return access * _NANO, change * _NANO
    a_s, a_part, m_s, m_part = struct.unpack("<qqqq", _read_exactly(pid, address, 32))
    if call != "utimensat":
        return a_s * _NANO + a_part * 1000, m_s * _NANO + m_part * 1000
    special = {_UTIME_NOW: now, _UTIME_OMIT: None}
    return special.get(a_part, a_s * _NANO + a_part), special.get(m_part, m_s * _NANO + m_part)


def _read_exactly(pid: int, address: int, size: int) -> bytes:
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        memory.seek(address)
        data = memory.read(size)
    if len(data) != size:
        raise OSError(errno.EFAULT, "bad address")
    return data


def _open(pid: int, folder: int, name: bytes, flags: int) -> int:
    """The file another process means, open for nothing but being named."""
    if not name and not flags & _AT_EMPTY_PATH:
        raise FileNotFoundError(errno.ENOENT, "empty path")
    for prefix in (b"/proc/self/", b"/proc/thread-self/"):
        if name.startswith(prefix):
            name = b"/proc/%d/" % pid + name[len(prefix) :]
    if name.startswith(b"/dev/fd/"):
        name = b"/proc/%d/fd/" % pid + name[len(b"/dev/fd/") :]
    how = os.O_PATH | os.O_CLOEXEC | (os.O_NOFOLLOW if flags & _AT_SYMLINK_NOFOLLOW else 0)
    base = f"/proc/{pid}/cwd" if folder == _AT_FDCWD else f"/proc/{pid}/fd/{folder}"
    if not name:
        return os.open(base, os.O_PATH | os.O_CLOEXEC)
    if name.startswith(b"/"):
        return os.open(name, how)
    start = os.open(base, os.O_PATH | os.O_CLOEXEC)
    try:
        return os.open(name, how, dir_fd=start)
    finally:
        os.close(start)


def _set_times(target: int, times: tuple[int | None, int | None]) -> None:
    name = f"/proc/self/fd/{target}"
    found = os.stat(name)
    access, change = times
    os.utime(
        name,
        ns=(found.st_atime_ns if access is None else access, found.st_mtime_ns if change is None else change),
    )
