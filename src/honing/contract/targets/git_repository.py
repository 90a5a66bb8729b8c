"""A repository in the cache: what its server lists, and one commit of it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from honing.contract.targets.base import SourceOptions
from honing.contract.targets.git_access import accesses, with_access
from honing.contract.targets.git_program import Access, Git, GitError
from honing.errors import TargetError

FULL = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""A whole commit."""
_HISTORY = ("+refs/heads/*:refs/honing/heads/*", "+refs/tags/*:refs/honing/tags/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One repository in the cache and the server it came from."""

    git: Git
    folder: Path
    """Bare, ours, without hooks."""
    url: str
    """What is fetched from."""
    ways: list[Access]
    max_bytes: int

    def remote_refs(self) -> dict[str, str]:
        """{name: commit or tag object} as the server lists them; `^{}` after a tag's name is its commit."""
        listing = with_access(
            self.ways, lambda way: self.git.run(["ls-remote", "--quiet", "--", self.url], access=way)
        )
        lines = (line.split("\t") for line in listing.decode("utf-8", "replace").splitlines())
        return {line[1]: line[0] for line in lines if len(line) == 2 and FULL.fullmatch(line[0])}

    def fetch(self, commit: str) -> None:
        """Bring one commit into the cache, alone where the server allows it. Costs nothing where it is there.

        Raises:
            GitError: It cannot be had.
        """
        if self.git.has_commit(self.folder, commit):
            return
        self.git.make(self.folder, "sha256" if len(commit) == 64 else "sha1")
        try:
            self._fetch(["--depth=1"], f"{commit}:refs/honing/{commit}")
        except GitError as error:
            if not re.search(r"unadvertised|shallow|dumb", error.stderr):
                raise
            self._fetch([], *_HISTORY)
        if not self.git.has_commit(self.folder, commit):
            raise GitError(f"there is no commit {commit}", f"there is no commit {commit}")

    def find_short(self, start: str) -> str:
        """The full commit that a short one means, from the whole history.

        Raises:
            TargetError: There is none, or several.
        """
        self.git.make(self.folder, "sha1")
        self._fetch([], *_HISTORY)
        try:
            found = self.git.run(["rev-parse", "--verify", "--quiet", f"{start}^{{commit}}"], self.folder)
        except GitError:
            raise TargetError(f"no branch, tag or commit {start!r}, or several commits start so.") from None
        return found.decode().strip()

    def committed(self, commit: str) -> str:
        """When a commit was made, in ISO 8601."""
        return self.git.run(["log", "-1", "--format=%cI", commit], self.folder).decode().strip()

    def _fetch(self, how: list[str], *refs: str) -> None:
        command = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", *how]

        def fetch(way: Access) -> bytes:
            return self.git.run(
                [*command, "--", self.url, *refs], self.folder, access=way, watch=self._watch()
            )

        with_access(self.ways, fetch)

    def _watch(self) -> Callable[[], None]:
        """Ends a fetch that brings more than a target may hold, packed."""

        def check() -> None:
            size = sum(
                os.lstat(f"{place}/{name}").st_size
                for place, _, names in os.walk(self.folder)
                for name in names
                if os.path.lexists(f"{place}/{name}")
            )
            if size > self.max_bytes:
                raise TargetError(
                    f"{self.url} brings more than {self.max_bytes:,} bytes, the limit "
                    "(HONING_MAX_TARGET_MIB)."
                )

        return check


def open_repository(url: str, credentials: str, git: Git, options: SourceOptions) -> Repository:
    """The cache's copy of a repository, made or filled by the first fetch."""
    assert options.cache is not None
    name = hashlib.sha256(url.encode()).hexdigest()[:32]
    return Repository(
        git=git,
        folder=options.cache / "git" / f"{name}.git",
        url=url,
        ways=accesses(url, credentials, options),
        max_bytes=options.max_total_bytes,
    )
