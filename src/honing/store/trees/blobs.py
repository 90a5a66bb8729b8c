"""File contents by their hash: written once, made durable in batches, checked whenever they are read."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from honing.errors import StoreError
from honing.store.atomic import sync_folder, write_all, write_failed

CHUNK_BYTES = 1 << 20
_FICLONE = 0x40049409
_BATCH_FROM = 16
"""From this many new files on, one sync of the file system is cheaper than one per file."""


class BlobWriter:
    """New blobs of one snapshot. They are in the store, durably, once `commit` has returned, not before."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / "staging"
        self._folder.mkdir(parents=True, exist_ok=True)
        # No folder of its own: to make and remove one can cost more than all the rest of a small snapshot.
        self._own = f"{os.getpid()}.{secrets.token_hex(6)}"
        self._drafts: dict[str, Path] = {}
        self._count = 0

    def take(self, source: int) -> tuple[str, int]:
        """Copy everything that can be read from a descriptor.

        Returns:
            The SHA-256 of the bytes and their number.
        """
        draft = self._folder / f"{self._own}.{self._count}"
        self._count += 1
        digest = hashlib.sha256()
        size = 0
        chunk = os.read(source, CHUNK_BYTES)
        output = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            while chunk:
                digest.update(chunk)
                size += len(chunk)
                write_all(output, chunk)
                chunk = os.read(source, CHUNK_BYTES)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise write_failed(draft, error) from error
        finally:
            os.close(output)
        name = digest.hexdigest()
        if name in self._drafts or has_blob(self._root, name, size):
            draft.unlink()
        else:
            self._drafts[name] = draft
        return name, size

    def commit(self) -> None:
        """Make the new blobs durable, then visible.

        Raises:
            StoreError: The file system refused.
        """
        try:
            _sync_files(list(self._drafts.values()), self._folder)
            folders = set()
            for name, draft in self._drafts.items():
                place = blob_path(self._root, name)
                if place.parent not in folders:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    folders.add(place.parent)
                draft.chmod(0o444)
                draft.replace(place)
            for folder in sorted(folders):
                sync_folder(folder)
            if folders:
                sync_folder(self._root / "blobs")
        except OSError as error:
            raise write_failed(self._root, error) from error

    def close(self) -> None:
        """Remove what was not committed."""
        for draft in self._drafts.values():
            with suppress(FileNotFoundError):
                draft.unlink()


def blob_path(root: Path, name: str) -> Path:
    """Where the bytes with this hash lie."""
    return root / "blobs" / name[:2] / name[2:]


def has_blob(root: Path, name: str, size: int) -> bool:
    """Whether the bytes are there, judged by name and size; `read` and `copy` check the hash itself."""
    try:
        # Plain text instead of a Path: this is asked for every file of every snapshot.
        return os.stat(f"{root}/blobs/{name[:2]}/{name[2:]}").st_size == size  # noqa: PTH116
    except FileNotFoundError:
        return False


def read_blob(root: Path, name: str) -> bytes:
    """The bytes with this hash.

    Raises:
        StoreError: They are missing or damaged.
    """
    try:
        payload = blob_path(root, name).read_bytes()
    except FileNotFoundError as error:
        raise _missing(root, name) from error
    if hashlib.sha256(payload).hexdigest() != name:
        raise _damaged(root, name)
    return payload


def copy_blob(root: Path, name: str, output: int) -> None:
    """Write the bytes with this hash to a new, empty file that shares no inode with the store.

    Where the file system can, the file shares extents (a reflink, copied on the first write); elsewhere the
    bytes are copied.

    Raises:
        StoreError: They are missing or damaged. Something may have been written already.
    """
    try:
        source = os.open(blob_path(root, name), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise _missing(root, name) from error
    try:
        cloned = _clone(source, output)
        digest = hashlib.sha256()
        while chunk := os.read(source, CHUNK_BYTES):
            digest.update(chunk)
            if not cloned:
                write_all(output, chunk)
    finally:
        os.close(source)
    if digest.hexdigest() != name:
        raise _damaged(root, name)


def damage(root: Path, name: str) -> str:
    """What is wrong with a blob: `missing`, `damaged`, or nothing."""
    digest = hashlib.sha256()
    try:
        with blob_path(root, name).open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        return "missing"
    return "" if digest.hexdigest() == name else "damaged"


def _clone(source: int, output: int) -> bool:
    try:
        fcntl.ioctl(output, _FICLONE, source)
    except OSError:
        # Another file system, or one without shared extents.
        return False
    return True


def _sync_files(files: list[Path], folder: Path) -> None:
    if len(files) >= _BATCH_FROM and _sync_file_system(folder):
        return
    for file in files:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _sync_file_system(folder: Path) -> bool:
    """Write the file system out in one call; False where the platform has no such call."""
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return False
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)
    return True


def _missing(root: Path, name: str) -> StoreError:
    return StoreError(
        f"{blob_path(root, name)}: the content {name} is missing from the store. "
        "Take the snapshot again from its folder, or restore the file from a copy."
    )


def _damaged(root: Path, name: str) -> StoreError:
    return StoreError(
        f"{blob_path(root, name)}: the content {name} is damaged: its hash no longer is its name. "
        "Remove the file and take the snapshot again from its folder, or restore it from a copy."
    )
