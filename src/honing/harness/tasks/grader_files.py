"""What a project's author wrote to judge with: hashed when the project is loaded, and again around each use.

A grader lies outside every harness and is mounted read-only. The second hash is for sandboxes that do not
protect the host, and for authors who save a file in the middle of a run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from honing.errors import GraderError, UsageError

_IGNORED = ("__pycache__",)


@dataclass(frozen=True, slots=True)
class GraderFiles:
    """A file or folder of a grader, as it was when the project was loaded."""

    path: Path
    digest: str
    """SHA-256 over names and contents."""

    def changed(self) -> str:
        """What is no longer as it was; empty where nothing is."""
        try:
            now = digest_of(self.path)
        except OSError as error:
            return f"{self.path.name} cannot be read any more ({error.strerror})"
        return (
            "" if now == self.digest else f"{self.path.name} is not what it was when the project was loaded"
        )

    def texts(self) -> tuple[str, ...]:
        """What the files say, those that are text, as they were when they were first asked for."""
        return _texts(self.path, self.digest)

    def check(self) -> None:
        """Refuse to judge with a grader that is not the one that the project was loaded with.

        Raises:
            GraderError: It has changed.
        """
        if problem := self.changed():
            raise GraderError(f"{self.path}: {problem}. Start the run again to judge with what it is now.")


def grader_files(folder: Path, path: str, key: str) -> GraderFiles:
    """A file or folder that a spec names.

    Args:
        folder: The project's, to which the path is relative; an absolute path and `..` are the author's
            choice.
        path: As the spec writes it.
        key: Where the spec names it, for the message.

    Raises:
        UsageError: There is none, or it cannot be read.
    """
    found = Path(os.path.normpath(folder.absolute() / path))
    try:
        return GraderFiles(found, digest_of(found))
    except OSError as error:
        raise UsageError(
            f"{key}: {str(found)!r} cannot be read ({error.strerror}). Paths of graders are relative to the "
            "project's folder."
        ) from error


@lru_cache(maxsize=64)
def _texts(path: Path, digest: str) -> tuple[str, ...]:
    """By digest, so that a grader that changed is read anew."""
    del digest
    found = []
    for file in files_below(path):
        try:
            found.append(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            continue
    return tuple(found)


def files_below(path: Path) -> Iterator[Path]:
    """Every file, sorted by path; the file itself where it is one."""
    if not path.is_dir():
        yield path
        return
    for found in sorted(path.rglob("*")):
        if found.is_file() and not any(part in _IGNORED for part in found.relative_to(path).parts):
            yield found


def digest_of(path: Path) -> str:
    """SHA-256 over the names and contents of a file or of all files of a folder.

    Raises:
        OSError: Something cannot be read, or there is nothing.
    """
    sha = hashlib.sha256()
    for file in files_below(path):
        name = "" if file == path else file.relative_to(path).as_posix()
        content = file.read_bytes()
        sha.update(f"{name}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
        sha.update(content)
    return sha.hexdigest()
