"""Writing what came from elsewhere into an empty folder: nothing lands outside, nothing is overwritten, and
what is too large ends early."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from honing.errors import TargetError

CHUNK_BYTES = 1024 * 1024
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_DEPTH = 100
_PATH_BYTES = 4000
_NAME_BYTES = 255
_INVISIBLE = dict.fromkeys([*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
"""Code points that some file systems drop from names, so that `.g<invisible>it` is `.git` to them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentLimits:
    """What one target may bring."""

    total_bytes: int
    file_bytes: int
    entries: int


class ContentWriter:
    """Fills one new folder. Every path is checked against all that came before it.

    Names are bytes with `/` between them. A path may not be absolute, lead up, or lead through anything but a
    folder, also where a file system that ignores case would take a link for that folder. Nothing may come
    twice. Set-user-id and the like are dropped.
    """

    def __init__(self, root: Path, where: str, limits: ContentLimits) -> None:
        """Write below `root`, which exists and is empty.

        Args:
            root: The folder.
            where: What is being unpacked, for messages.
            limits: What to refuse.
        """
        self._root = root
        self._where = where
        self._limits = limits
        self._folders: set[bytes] = {b""}
        self._others: set[bytes] = set()
        self._folded_links: set[str] = set()
        self._folded_folders: set[str] = set()
        self.bytes = 0
        """Written so far."""

    @property
    def entries(self) -> int:
        """Files, folders and links so far."""
        return len(self._folders) + len(self._others) - 1

    def add_folder(self, path: bytes) -> None:
        """Make a folder and those above it. One that is there already is fine.

        Raises:
            TargetError: The path is refused.
        """
        path = self._checked(path)
        if path in self._others:
            raise self._refused(path, "is a folder and something else at once")
        self._make_folders(path)

    def add_file(self, path: bytes, chunks: Iterable[bytes], *, executable: bool = False) -> int:
        """Write a new file. Returns its bytes.

        Raises:
            TargetError: The path is refused, or a limit is met.
        """
        path = self._claim(path)
        descriptor = os.open(self._at(path), _NEW_FILE, 0o755 if executable else 0o644)
        size = 0
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                size += len(chunk)
                self.bytes += len(chunk)
                self.check_size(path, size)
                file.write(chunk)
            os.fchmod(descriptor, 0o755 if executable else 0o644)
        return size

    def add_link(self, path: bytes, target: bytes, *, may_escape: bool) -> None:
        """Make a symbolic link. It is never followed here, and the tree store keeps it as text.

        Args:
            path: Where.
            target: Where it points.
            may_escape: Whether it may point outside of the folder.

        Raises:
            TargetError: The path or the link's target is refused.
        """
        path = self._claim(path)
        if not target or b"\0" in target or len(target) > _PATH_BYTES:
            raise self._refused(path, "is a link to nowhere")
        if not may_escape and _escapes(path, target):
            raise self._refused(path, f"is a link that leads out, to {os.fsdecode(target)!r}")
        self._folded_links.add(_folded(path))
        if _folded(path) in self._folded_folders:
            raise self._refused(path, "is a link and a folder at once where case is ignored")
        self._at(path).symlink_to(os.fsdecode(target))

    def read_back(self, path: bytes) -> Path | None:
        """Where a file lies that was written before, for a hard link; None where there is none."""
        path = self._checked(path)
        return self._at(path) if path in self._others and _folded(path) not in self._folded_links else None

    def check_size(self, path: bytes, size: int) -> None:
        """Refuse a file of this many bytes, or what was written altogether.

        Raises:
            TargetError: A limit is met.
        """
        if size > self._limits.file_bytes:
            raise self._refused(
                path, f"has more than {self._limits.file_bytes:,} bytes, the limit of one file"
            )
        if self.bytes > self._limits.total_bytes:
            raise self._refused(
                path, f"brings more than {self._limits.total_bytes:,} bytes, the limit of a target"
            )

    def _claim(self, path: bytes) -> bytes:
        path = self._checked(path)
        if path in self._others or path in self._folders:
            raise self._refused(path, "comes twice")
        self._make_folders(posixpath.dirname(path))
        self._others.add(path)
        self._count(path)
        return path

    def _make_folders(self, path: bytes) -> None:
        missing = []
        while path not in self._folders:
            if path in self._others or _folded(path) in self._folded_links:
                raise self._refused(path, "is a folder and a link or file at once")
            missing.append(path)
            path = posixpath.dirname(path)
        for folder in reversed(missing):
            self._at(folder).mkdir(0o755)
            self._folders.add(folder)
            self._folded_folders.add(_folded(folder))
            self._count(folder)

    def _count(self, path: bytes) -> None:
        if self.entries > self._limits.entries:
            raise self._refused(
                path, f"is one of more than {self._limits.entries:,} entries, the limit of a target"
            )

    def _checked(self, path: bytes) -> bytes:
        names = path.rstrip(b"/").split(b"/")
        while names[:1] == [b"."] and len(names) > 1:
            names.pop(0)
        if names == [b"."]:
            return b""
        if path.startswith(b"/") or b".." in names:
            raise self._refused(path, "leads out of the target")
        if b"" in names or b"." in names or b"\0" in path:
            raise self._refused(path, "is no proper path")
        if len(path) > _PATH_BYTES or len(names) > _DEPTH or max(map(len, names)) > _NAME_BYTES:
            raise self._refused(path[:80], "(cut) is too long or too deep")
        if any(_is_git_trick(name) for name in names):
            raise self._refused(path, "would pass for git's own folder")
        return b"/".join(names)

    def _at(self, path: bytes) -> Path:
        return self._root / os.fsdecode(path)

    def _refused(self, path: bytes, why: str) -> TargetError:
        shown = path.decode("utf-8", "backslashreplace")
        return TargetError(f"{self._where}: {shown!r} {why}, so nothing of it is used.")


def _escapes(path: bytes, target: bytes) -> bool:
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return target.startswith(b"/") or joined == b".." or joined.startswith(b"../")


def _folded(path: bytes) -> str:
    return unicodedata.normalize("NFKC", path.decode("utf-8", "surrogateescape")).casefold()


def _is_git_trick(name: bytes) -> bool:
    """Whether some file system takes the name for `.git`: by case, invisible letters, dots, or a short
    name."""
    folded = _folded(name).translate(_INVISIBLE).partition(":")[0].rstrip(". ")
    return folded in {".git", "git~1"}
