"""Unpacking archives that cannot be trusted. All of one is unpacked, or none."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from honing.contract.targets.writer import CHUNK_BYTES, ContentLimits, ContentWriter
from honing.errors import TargetError, boundary

MAX_RATIO = 200
"""Unpacked bytes for one packed byte. Text packs 3 to 20 times; beyond this it is a bomb."""
FREE_BYTES = 64 * 1024**2
"""Unpacked bytes up to which the ratio does not matter."""
_ONE_READ_BYTES = 16 * 1024**2
"""A tar's own records (long names, attributes) are far smaller; file contents are read in chunks."""
_ZIP_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, lzma.LZMAError, zlib.error, OSError, ValueError)
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"(\xb5/\xfd", "zstd"))


def unpack(archive: Path, folder: Path, limits: ContentLimits, *, where: str) -> Path:
    """Unpack a zip or tar file, recognised by its content.

    Args:
        archive: The file.
        folder: Exists and is empty.
        limits: What to refuse.
        where: What the archive is called in messages.

    Returns:
        The folder with the content: the only folder at the archive's top where there is nothing beside it,
        else `folder`.

    Raises:
        TargetError: It is no archive, is damaged, or holds what must not be unpacked. What was written by
            then lies in `folder` and must not be used.
    """
    packed = archive.stat().st_size
    limits = _with_ratio(limits, packed)
    writer = ContentWriter(folder, where, limits)
    try:
        with archive.open("rb") as file:
            # By its first bytes: a tar with a zip at its end is a zip to those who look there.
            if file.read(4) in _ZIP_STARTS:
                _unzip(file, writer, limits, where)
            else:
                _untar(file, writer, limits, where)
    except _DAMAGED as error:
        raise TargetError(
            f"{where}: the archive is damaged or of an unknown kind ({error}). Get it again."
        ) from error
    return _top(folder)


def _with_ratio(limits: ContentLimits, packed: int) -> ContentLimits:
    total = min(limits.total_bytes, max(FREE_BYTES, packed * MAX_RATIO))
    return ContentLimits(total_bytes=total, file_bytes=min(limits.file_bytes, total), entries=limits.entries)


def _top(folder: Path) -> Path:
    with boundary(TargetError, "looking at what was unpacked"):
        found = list(folder.iterdir())
    return found[0] if len(found) == 1 and found[0].is_dir() and not found[0].is_symlink() else folder


def _is_left_out(path: bytes) -> bool:
    """A checkout may have been packed with its `.git`; that is not part of a target."""
    return b".git" in path.split(b"/")


def _unzip(file: IO[bytes], writer: ContentWriter, limits: ContentLimits, where: str) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        if len(entries) > limits.entries:
            raise TargetError(f"{where}: {len(entries):,} entries; a target has {limits.entries:,} at most.")
        for entry in entries:
            _unzip_one(archive, entry, writer, where)


def _unzip_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, writer: ContentWriter, where: str) -> None:
    path = _zip_path(entry, where)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if _is_left_out(path):
        return
    if entry.is_dir():
        writer.add_folder(path)
        return
    if kind not in {0, stat.S_IFREG, stat.S_IFLNK}:
        raise TargetError(
            f"{where}: {entry.filename!r} is neither file, folder nor link; none of it is used."
        )
    writer.check_size(path, entry.file_size)
    with archive.open(entry) as content:
        if kind == stat.S_IFLNK:
            writer.add_link(path, content.read(CHUNK_BYTES), may_escape=False)
        else:
            executable = bool((entry.external_attr >> 16) & 0o100)
            writer.add_file(path, _chunks(content), executable=executable)


def _zip_path(entry: zipfile.ZipInfo, where: str) -> bytes:
    why = ""
    if entry.orig_filename != entry.filename:
        why = "its name holds a zero byte"
    elif "\\" in entry.filename or ":" in entry.filename.split("/")[0]:
        why = "its name is a path of Windows"
    elif entry.flag_bits & 0x1:
        why = "it is encrypted"
    elif entry.compress_type not in _ZIP_METHODS:
        why = f"it is packed with method {entry.compress_type}, which Python cannot read"
    if why:
        raise TargetError(f"{where}: {entry.filename!r} cannot be unpacked: {why}. Pack it again as .tar.gz.")
    return os.fsencode(entry.filename.encode("utf-8", "surrogateescape"))


def _untar(file: IO[bytes], writer: ContentWriter, limits: ContentLimits, where: str) -> None:
    with _unpacked(file, where) as plain:
        # Members, the records between them and the padding of each: nothing of that is written.
        bounded = BoundedReader(plain, limits.total_bytes + limits.entries * 4096 + FREE_BYTES, where)
        with tarfile.open(fileobj=bounded, mode="r:", errors="surrogateescape") as archive:
            for number, member in enumerate(archive, start=1):
                if number > limits.entries:
                    raise TargetError(
                        f"{where}: more than {limits.entries:,} entries, the limit of a target."
                    )
                _untar_one(archive, member, writer, where)
            _check_end(bounded, archive.offset, where)


def _check_end(reader: BoundedReader, end: int, where: str) -> None:
    """A tar ends with a block of zeros, and what packs it with its checksum.

    Python's reader takes a damaged header for the end, and stops before it has read the checksum.

    Raises:
        TargetError: It ends otherwise.
    """
    reader.seek(end)
    if reader.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise TargetError(f"{where}: the archive is damaged, or a part of it is missing. Get it again.")
    while reader.read(CHUNK_BYTES):
        continue


def _untar_one(archive: tarfile.TarFile, member: tarfile.TarInfo, writer: ContentWriter, where: str) -> None:
    path = os.fsencode(member.name)
    if _is_left_out(path):
        return
    if member.isdir():
        writer.add_folder(path)
    elif member.issym():
        writer.add_link(path, os.fsencode(member.linkname), may_escape=False)
    elif member.islnk():
        earlier = writer.read_back(os.fsencode(member.linkname))
        if earlier is None:
            raise TargetError(
                f"{where}: {member.name!r} is a hard link to {member.linkname!r}, which is no file before it "
                "in the archive; none of it is used."
            )
        with earlier.open("rb") as content:
            writer.add_file(path, _chunks(content), executable=bool(member.mode & 0o100))
    elif member.isreg():
        writer.check_size(path, member.size)
        member_file = archive.extractfile(member)
        assert member_file is not None
        with member_file:
            size = writer.add_file(path, _chunks(member_file), executable=bool(member.mode & 0o100))
        if size != member.size:
            raise TargetError(f"{where}: {member.name!r} ends early; the archive is not whole. Get it again.")
    else:
        raise TargetError(f"{where}: {member.name!r} is a device or pipe; nothing of the archive is used.")


@contextmanager
def _unpacked(file: IO[bytes], where: str) -> Iterator[IO[bytes]]:
    """The tar itself, whatever it is packed with."""
    file.seek(0)
    start = file.read(8)
    file.seek(0)
    kind = next((name for magic, name in _MAGIC if start.startswith(magic)), "")
    if kind == "zstd":
        raise TargetError(
            f"{where}: packed with zstd, which Python cannot read here. Unpack it and pass the folder."
        )
    if kind == "":
        yield file
        return
    readers: dict[str, Any] = {
        "gzip": gzip.open,
        "bzip2": bz2.open,
        "xz": lzma.open,
    }
    with readers[kind](file) as opened:
        yield opened


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


class BoundedReader(io.RawIOBase):
    """Reads another file, up to a position and never much at once: a tar's own records are read whole, into
    memory, however large they say they are."""

    def __init__(self, file: IO[bytes], limit_bytes: int, where: str) -> None:
        """Read `file` up to `limit_bytes`; `where` is for messages."""
        self._file = file
        self._limit = limit_bytes
        self._where = where

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _ONE_READ_BYTES:
            raise TargetError(f"{self._where}: a record of {size:,} bytes is no part of an honest archive.")
        self._check(self._file.tell() + size)
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        self._check(position if whence == os.SEEK_SET else 0)
        return self._file.seek(position, whence)

    def _check(self, position: int) -> None:
        if position > self._limit + _ONE_READ_BYTES:
            raise TargetError(
                f"{self._where}: unpacks to more than {self._limit:,} bytes, more than it may for its size."
            )
