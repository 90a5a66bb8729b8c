"""The target: what is measured, copied by content before anything touches it.

`resolve` is the one door. Behind it, `targets/` holds one file for each place a target can come from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from honing.contract.targets.addresses import ARCHIVES, Address, parse_address, without_secrets
from honing.contract.targets.base import (
    AGENT_FILES,
    Fetched,
    SourceOptions,
    TargetKind,
    agent_files,
    is_agent_file,
)
from honing.contract.targets.local import fetch_archive_file, fetch_folder
from honing.errors import TargetError, boundary
from honing.store import EntryKind, Tree, TreeId, TreeStore

__all__ = [
    "AGENT_FILES",
    "SourceOptions",
    "Target",
    "TargetKind",
    "agent_files",
    "is_agent_file",
    "is_archive",
    "origin_to_repeat",
    "resolve",
    "without_secrets",
]

IGNORED = (".git", ".hg", ".venv", "__pycache__", ".DS_Store")
"""Not part of a target's content."""
_NAMED = 200
"""Names kept of each list in `Target.details`; its full length stands beside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resolved target. `tree` is its identity: the same content has the same tree on every machine."""

    origin: str
    """As the user gave it, without passwords and tokens."""
    tree: TreeId
    files: int
    bytes: int
    kind: TargetKind = TargetKind.FOLDER
    address: str = ""
    """Canonical, pinned as far as that is possible, without secrets. Resolving it again gives the same
    content."""
    revision: str = ""
    """What pins it: the full commit of a repository or data set, the version of a package, the sha256 of an
    archive; empty for a folder."""
    config: str | None = None
    """Configuration that a data set's address names."""
    split: str | None = None
    subpath: str = ""
    """Folder of the repository, archive or data set that is the target; empty for all of it."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Evidence as plain data: `agent_files`, and by kind a manifest of checksums, submodules, and more; see
    docs/targets.md."""
    notes: tuple[str, ...] = ()
    """What a person should know: what was left out, what is not what it seems."""

    @property
    def commit(self) -> str:
        """The commit of a repository or data set; empty for the others."""
        return self.revision if self.kind in (TargetKind.GIT, TargetKind.DATASET) else ""

    @property
    def name(self) -> str:
        """How a report may call it."""
        address = self.address.partition("#")[0].partition("==")[0].rstrip("/")
        if self.kind in (TargetKind.GIT, TargetKind.DATASET):
            address = address.rpartition("@")[0] or address
        last = (self.subpath or address).rpartition("/")[2]
        return last.removeprefix("pypi:").removeprefix("hf:").removesuffix(".git") or self.origin

    def as_document(self) -> dict[str, Any]:
        """Everything, as plain data, for the run's record."""
        return {
            "origin": self.origin,
            "kind": self.kind.value,
            "address": self.address,
            "revision": self.revision,
            "subpath": self.subpath,
            "tree": self.tree,
            "files": self.files,
            "bytes": self.bytes,
            "notes": list(self.notes),
            "details": dict(self.details),
        }


def resolve(
    origin: str | Path,
    trees: TreeStore,
    *,
    leave_out: Path | None = None,
    options: SourceOptions | None = None,
) -> Target:
    """Take a target's content into the tree store. A folder of the user's is never used in place.

    Nothing of the target is run: no hook, no filter, no build.

    Args:
        origin: A folder, an archive, a git address, `pypi:NAME`, or a data set of the hub; see
            docs/targets.md.
        trees: Where its content goes.
        leave_out: A folder that is not part of the target even where it lies inside: that of the runs.
        options: How what lies elsewhere is reached.

    Raises:
        TargetError: There is no such target, it is empty, too large, cannot be read, or is not what its
            checksums promise. Nothing is used in part.
        MissingToolError: It needs git, which is not here.
    """
    address = parse_address(str(origin))
    options = _completed(options or SourceOptions(), address, trees)
    if address.kind is TargetKind.FOLDER:
        return _taken(address, fetch_folder(address), trees, leave_out)
    cache = options.cache
    assert cache is not None
    with boundary(TargetError, f"fetching {address.shown!r}"):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="staging-", dir=cache) as staging:
            fetched = _fetch(address, Path(staging), options)
            return _taken(address, fetched, trees, None)


def is_archive(text: str) -> bool:
    """Whether a path names an archive that would be unpacked."""
    return text.lower().endswith(ARCHIVES)


def origin_to_repeat(origin: str, folder: Path) -> str:
    """A target's name that means the same from any folder, without secrets.

    Args:
        origin: As the user gave it.
        folder: What a relative path counts from.
    """
    address = parse_address(origin, is_there=lambda text: (folder / text).exists())
    is_path = address.kind is TargetKind.FOLDER or (
        address.kind is TargetKind.ARCHIVE and "://" not in origin
    )
    return str((folder / origin).resolve()) if is_path else without_secrets(origin)


def _completed(options: SourceOptions, address: Address, trees: TreeStore) -> SourceOptions:
    return replace(
        options,
        cache=options.cache or trees.root.parent / "cache" / "targets",
        config=options.config or address.config,
        split=options.split or address.split,
    )


def _fetch(address: Address, staging: Path, options: SourceOptions) -> Fetched:
    """The content, from wherever the address leads. Each source is loaded when it is needed."""
    if address.kind is TargetKind.GIT:
        from honing.contract.targets.git import fetch_git

        return fetch_git(address, staging, options)
    if address.kind is TargetKind.PYPI:
        from honing.contract.targets.pypi import fetch_package

        return fetch_package(address, staging, options)
    if address.kind is TargetKind.DATASET:
        from honing.contract.targets.huggingface import fetch_dataset

        return fetch_dataset(address, staging, options)
    if "://" in address.url:
        from honing.contract.targets.downloads import fetch_archive

        return fetch_archive(address, staging, options)
    return fetch_archive_file(address, staging, options)


def _taken(address: Address, fetched: Fetched, trees: TreeStore, leave_out: Path | None) -> Target:
    folder = fetched.folder
    with boundary(TargetError, f"copying the target {address.shown!r}"):
        tree = trees.load(trees.snapshot(folder, ignore=(*IGNORED, *_inside(folder, leave_out))))
    files = [entry for entry in tree.entries if entry.kind is EntryKind.FILE]
    if not files:
        raise TargetError(f"{address.shown!r} holds no files.")
    return Target(
        origin=address.shown,
        tree=tree.id,
        files=len(files),
        bytes=tree.bytes,
        kind=address.kind,
        address=fetched.address,
        revision=fetched.revision,
        config=address.config,
        split=address.split,
        subpath=str(fetched.details.get("subpath", "")),
        details={**_seen_in(tree), **fetched.details},
        notes=fetched.notes,
    )


def _seen_in(tree: Tree) -> dict[str, Any]:
    """What in the content asks for care, whatever its source."""
    lists = {
        "agent_files": list(agent_files(tree.entries)),
        "escaping_links": [entry.name for entry in tree.escaping_links],
        "special_files": [entry.name for entry in tree.specials],
        "confusable_names": [entry.name for group in tree.confusable for entry in group],
    }
    return {
        name: found if name == "agent_files" else found[:_NAMED]
        for name, found in lists.items()
        if found or name == "agent_files"
    }


def _inside(folder: Path, leave_out: Path | None) -> tuple[str, ...]:
    """The pattern that leaves out a folder below `folder`, from the top."""
    if leave_out is None or not leave_out.resolve().is_relative_to(folder.resolve()):
        return ()
    relative = leave_out.resolve().relative_to(folder.resolve())
    return (f"/{relative}",) if relative.parts else ()
