"""The target: what is measured, copied by content before anything touches it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from honing.errors import TargetError, boundary
from honing.store import EntryKind, TreeId, TreeStore

IGNORED = (".git", ".hg", ".venv", "__pycache__", ".DS_Store")
"""Not part of a target's content."""
_REMOTE = re.compile(r"^(https?://|git@|ssh://|pypi:|hf:)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resolved target. `tree` is its identity: the same content has the same tree on every machine."""

    origin: str
    """As the user gave it."""
    tree: TreeId
    files: int
    bytes: int


def resolve(origin: str | Path, trees: TreeStore, *, leave_out: Path | None = None) -> Target:
    """Take a local folder's content into the tree store. The folder itself is never used in place.

    Args:
        origin: The folder.
        trees: Where its content goes.
        leave_out: A folder that is not part of the target even where it lies inside: that of the runs.

    Raises:
        TargetError: There is no such folder, it is empty, or it cannot be read.
    """
    text = str(origin)
    if _REMOTE.match(text):
        raise TargetError(
            f"{text!r}: this version measures local folders. Clone or download the target, then pass the "
            "folder."
        )
    folder = Path(text).expanduser()
    if not folder.exists():
        raise TargetError(
            f"{text!r}: no such folder. Pass the folder of a benchmark or of a downloaded data set."
        )
    if not folder.is_dir():
        raise TargetError(f"{text!r} is a file; a target is a folder. Put the file into a folder of its own.")
    with boundary(TargetError, f"copying the target {text!r}"):
        tree = trees.snapshot(folder, ignore=(*IGNORED, *_inside(folder, leave_out)))
        entries = trees.load(tree).entries
    files = [entry for entry in entries if entry.kind is EntryKind.FILE]
    if not files:
        raise TargetError(f"{text!r} holds no files.")
    return Target(origin=text, tree=tree, files=len(files), bytes=sum(entry.size for entry in files))


def _inside(folder: Path, leave_out: Path | None) -> tuple[str, ...]:
    """The pattern that leaves out a folder below `folder`, from the top."""
    if leave_out is None or not leave_out.resolve().is_relative_to(folder.resolve()):
        return ()
    relative = leave_out.resolve().relative_to(folder.resolve())
    return (f"/{relative}",) if relative.parts else ()
