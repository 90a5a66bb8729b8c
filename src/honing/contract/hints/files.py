"""The target's folder as the search for hints reads it: bounded, and never beyond the folder."""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_FILE_BYTES = 512 * 1024
"""A larger file is no page that somebody wrote to be read."""
MAX_TOTAL_BYTES = 16 * 1024 * 1024
MAX_FILES_READ = 600
MAX_NAMES = 2_000
"""Entries of one folder that are looked at."""
LEFT_OUT = frozenset(
    {".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache",
     "site-packages", ".honing"}
)  # fmt: skip


class TargetFiles:
    """Text files below one folder.

    A link that leads out of the folder does not exist here, nor does anything that is not a regular file.
    What was left out because of its size is said in `notes`.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[str] = []
        self._real = os.path.realpath(root)
        self._texts: dict[str, str | None] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._stats: dict[str, os.stat_result | None] = {}
        self._bytes = 0
        self._files = 0

    def text(self, path: str) -> str | None:
        """The text of a file with every line end as `\\n`; None where there is none, it is too large or no
        text."""
        path = os.path.normpath(path)
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def names(self, folder: str = ".") -> tuple[str, ...]:
        """The entries of a folder in order; empty where it is none or lies outside."""
        folder = os.path.normpath(folder)
        if folder not in self._names:
            self._names[folder] = self._list(folder)
        return self._names[folder]

    def files(self, folder: str = ".") -> list[str]:
        """The files of a folder, as paths from the top."""
        return [path for path in self._children(folder) if self.is_file(path)]

    def folders(self, folder: str = ".") -> list[str]:
        """The folders of a folder, as paths from the top, without those that hold no source."""
        paths = [path for path in self._children(folder) if self.is_folder(path)]
        return [path for path in paths if base_name(path) not in LEFT_OUT]

    def is_file(self, path: str) -> bool:
        """Whether a regular file of the folder is there."""
        found = self._stat(path)
        return found is not None and stat.S_ISREG(found.st_mode)

    def is_folder(self, path: str) -> bool:
        """Whether a folder inside the folder is there."""
        found = self._stat(path)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def _children(self, folder: str) -> list[str]:
        return [os.path.normpath(f"{folder}/{name}") for name in self.names(folder)]

    def _inside(self, path: str) -> str | None:
        if "\0" in path or len(path) > 1_000:
            return None
        try:
            real = os.path.realpath(f"{self._real}/{path}")
        except (OSError, ValueError):
            return None
        inside = real == self._real or real.startswith(self._real.rstrip(os.sep) + os.sep)
        return real if inside else None

    def _stat(self, path: str) -> os.stat_result | None:
        if path not in self._stats:
            real = self._inside(path)
            try:
                self._stats[path] = Path(real).stat() if real is not None else None
            except OSError:
                self._stats[path] = None
        return self._stats[path]

    def _list(self, folder: str) -> tuple[str, ...]:
        real = self._inside(folder)
        if real is None:
            return ()
        try:
            with os.scandir(real) as entries:
                names = [entry.name for _, entry in zip(range(MAX_NAMES + 1), entries, strict=False)]
        except OSError:
            return ()
        if len(names) > MAX_NAMES:
            self.notes.append(f"{folder}: only {MAX_NAMES} of its entries were looked at")
        return tuple(sorted(name for name in names[:MAX_NAMES] if _printable(name)))

    def _read(self, path: str) -> str | None:
        real = self._inside(path)
        if real is None:
            return None
        try:
            # Opening a pipe for reading would wait for a writer.
            descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode) or not self._afford(path, status.st_size):
                return None
            content = stream.read(MAX_FILE_BYTES + 1)
        self._bytes += len(content)
        self._files += 1
        return None if len(content) > MAX_FILE_BYTES else decoded(content)

    def _afford(self, path: str, size: int) -> bool:
        if size > MAX_FILE_BYTES:
            self.notes.append(
                f"{path}: {size} bytes, more than the {MAX_FILE_BYTES} that are read of one file"
            )
            return False
        if self._bytes + size > MAX_TOTAL_BYTES or self._files >= MAX_FILES_READ:
            self.notes.append(
                f"{path}: not read, after {self._files} files with {self._bytes} bytes (limits: "
                f"{MAX_FILES_READ} files, {MAX_TOTAL_BYTES} bytes)"
            )
            return False
        return True


def decoded(content: bytes) -> str | None:
    """Bytes as text, whatever their encoding; None for what is no text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    elif b"\0" in content:
        return None
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def base_name(path: str) -> str:
    """The last part of a path."""
    return path.rstrip("/").rsplit("/", 1)[-1]


def _printable(name: str) -> bool:
    return name.isprintable() and ":" not in name
