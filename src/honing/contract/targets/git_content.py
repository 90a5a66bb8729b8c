"""What a commit holds, written into a folder as it was committed: no checkout, so no hook, filter or
attribute."""

from __future__ import annotations

import posixpath
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from honing.contract.targets.git_program import Git, GitError, stop
from honing.contract.targets.writer import CHUNK_BYTES, ContentWriter
from honing.errors import TargetError

_LFS = b"version https://git-lfs.github.com/spec/"
_LFS_BYTES = 1024
_LINE = re.compile(rb"(\d{6}) (blob|tree|commit) ([0-9a-f]{40,64}) +(\d+|-)\t(.*)", re.DOTALL)
_MAX_LINK_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Blob:
    """One file or link of a commit."""

    path: bytes
    """Below the folder that is written."""
    mode: str
    object: str
    size: int


@dataclass(slots=True)
class Content:
    """What one commit (below one folder) holds."""

    blobs: list[Blob] = field(default_factory=list)
    submodules: dict[bytes, str] = field(default_factory=dict)
    """{path below the folder: commit}"""


def list_content(git: Git, repository: Path, commit: str, subpath: str) -> Content:
    """Files, links and submodules of a commit below one folder.

    Raises:
        TargetError: There is no such folder in it.
    """
    if subpath:
        try:
            kind = git.run(["cat-file", "-t", f"{commit}:{subpath}"], repository).strip()
        except GitError:
            raise TargetError(f"commit {commit[:12]} holds no folder {subpath!r}.") from None
        if kind != b"tree":
            raise TargetError(f"{subpath!r} of commit {commit[:12]} is a file; a target is a folder.")
    listing = git.run(["ls-tree", "-r", "-z", "-l", f"{commit}:{subpath}"], repository)
    content = Content()
    for line in filter(None, listing.split(b"\0")):
        match = _LINE.fullmatch(line)
        if match is None:
            raise TargetError(f"commit {commit[:12]}: git lists {line[:80]!r}, which cannot be read.")
        mode, kind, name, size, path = match.groups()
        if kind == b"commit":
            content.submodules[path] = name.decode()
        else:
            content.blobs.append(Blob(path, mode.decode(), name.decode(), int(size)))
    return content


def write_content(
    git: Git, repository: Path, content: Content, writer: ContentWriter, below: bytes
) -> list[str]:
    """Write files and links as committed.

    Args:
        git: The program.
        repository: Holds the objects.
        content: What to write.
        writer: Where it goes; it checks every path.
        below: Folder in the target that everything goes into; empty for its top.

    Returns:
        Names of files that are pointers to Git LFS, whose content is not in the repository.

    Raises:
        TargetError: A path is refused, a limit is met, or an object is missing.
    """
    pointers = []
    if below:
        writer.add_folder(below)
    with _Objects(git, repository) as objects:
        for blob in content.blobs:
            path = posixpath.join(below, blob.path)
            writer.check_size(path, blob.size)
            if blob.mode == "120000":
                target = b"".join(objects.read(blob)) if blob.size <= _MAX_LINK_BYTES else b""
                writer.add_link(path, target, may_escape=True)
                continue
            chunks = objects.read(blob)
            if blob.size <= _LFS_BYTES:
                whole = b"".join(chunks)
                chunks = iter([whole])
                if whole.startswith(_LFS):
                    pointers.append(path.decode("utf-8", "backslashreplace"))
            writer.add_file(path, chunks, executable=blob.mode == "100755")
    return pointers


class _Objects:
    """One git process that gives the bytes of many objects, one at a time."""

    def __init__(self, git: Git, repository: Path) -> None:
        self._process = git.start(
            ["cat-file", "--batch"],
            repository,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> _Objects:
        return self

    def __exit__(self, *_: object) -> None:
        stop(self._process)

    def read(self, blob: Blob) -> Iterator[bytes]:
        """The bytes of one object; they must be taken to the end before the next one is read."""
        asked, given = self._process.stdin, self._process.stdout
        assert asked is not None
        assert given is not None
        asked.write(f"{blob.object}\n".encode())
        asked.flush()
        head = given.readline(200).split()
        if head != [blob.object.encode(), b"blob", str(blob.size).encode()]:
            raise TargetError(
                f"{blob.path.decode('utf-8', 'backslashreplace')!r}: object {blob.object} cannot be read "
                "from the cache of repositories. Remove the cache and try again."
            )
        yield from _exactly(given, blob.size)
        given.read(1)


def _exactly(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while size:
        chunk = stream.read(min(size, CHUNK_BYTES))
        if not chunk:
            raise TargetError("git ended in the middle of a file; try again.")
        size -= len(chunk)
        yield chunk
