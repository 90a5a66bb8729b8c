"""An append-only file of JSON lines, each with a checksum: the form of the call log and of recordings.

A line is written by one append, so what a kill -9 can leave behind is at most one torn last line; it is cut
off when the file is opened again. Any other damage is an `EvidenceError` that names the line.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from honing.errors import EvidenceError, StoreError, boundary

_SUM_DIGITS = 16
_HEAD = len('{"sum":"",') + _SUM_DIGITS


class LineLog:
    """Appends records to `path`, which is made where it does not exist. Safe to use from several threads.

    A record survives the death of this process once `append` has returned, and the death of the machine once
    `sync`
    has: whoever owns the log calls `sync` as often as the work is worth.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._dirty = False
        with boundary(StoreError, f"{path}: opening the log"):
            path.parent.mkdir(parents=True, exist_ok=True)
            _cut_torn_end(path)
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one record.

        Raises:
            StoreError: It cannot be written (disk full, for example).
        """
        line = _line(record)
        with self._lock, boundary(StoreError, f"{self.path}: appending a record"):
            written = os.write(self._fd, line)
            if written != len(line):
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
                raise OSError(f"only {written} of {len(line)} bytes could be written; free some disk space")
            self._dirty = True

    def sync(self) -> None:
        """Force what was appended onto the disk."""
        with self._lock:
            if self._dirty and self._fd >= 0:
                os.fsync(self._fd)
                self._dirty = False

    def close(self) -> None:
        """Sync and close. Safe to repeat."""
        self.sync()
        with self._lock:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file, in order. A torn last line, which a killed writer leaves, is left out.

    Raises:
        StoreError: The file cannot be read.
        EvidenceError: A line is damaged; the text names it.
    """
    return (record for _, record in read_lines_at(path))


def read_lines_at(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """As `read_lines`, each record with the offset at which its line begins, for `read_line`."""
    offset = 0
    with boundary(StoreError, f"{path}: reading the log"), path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield offset, _record(f"{path}, line {number}", line[:-1])
            offset += len(line)


def read_line(path: Path, offset: int) -> dict[str, Any]:
    """The one record whose line begins at `offset`."""
    with boundary(StoreError, f"{path}: reading the log"), path.open("rb") as file:
        file.seek(offset)
        return _record(f"{path}, byte {offset}", file.readline().rstrip(b"\n"))


def _line(record: Mapping[str, Any]) -> bytes:
    rest = json.dumps(record, separators=(",", ":"), allow_nan=False)[1:].encode()
    return b'{"sum":"' + _sum(rest) + b'",' + rest + b"\n"


def _sum(rest: bytes) -> bytes:
    return hashlib.sha256(rest).hexdigest()[:_SUM_DIGITS].encode()


def _record(where: str, line: bytes) -> dict[str, Any]:
    rest = line[_HEAD:]
    if line[:_HEAD] != b'{"sum":"' + _sum(rest) + b'",':
        raise EvidenceError(
            f"{where}: the checksum does not match: the line was changed after it was written. "
            "Restore the file from a copy, or record again."
        )
    found = json.loads(b"{" + rest)
    assert isinstance(found, dict)
    return found


def _cut_torn_end(path: Path) -> None:
    if not path.exists():
        return
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        whole = end
        while whole > 0:
            start = max(0, whole - 65536)
            file.seek(start)
            newline = file.read(whole - start).rfind(b"\n")
            if newline >= 0:
                whole = start + newline + 1
                break
            whole = start
        if whole < end:
            file.truncate(whole)
