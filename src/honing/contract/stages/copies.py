"""Working copies: what a stage may write is a throw-away copy of a stored tree, made anew each time."""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

from honing.errors import MetricsError
from honing.sandbox import remove_tree
from honing.store import Run, TreeId, TreeStore

_FOLDER = "work"
_UNGUESSED = secrets.token_bytes(16)
"""Known to this process alone: a command knows its run and could guess the rest of a name."""


def place(run: Run, name: str) -> Path:
    """Where a working copy lies. Its folder's name tells nothing: a command must not see whether a model or a
    control answers."""
    return run.path / _FOLDER / hmac.digest(_UNGUESSED, f"{run.id} {name}".encode(), "sha256").hex()[:12]


def fresh_copy(run: Run, trees: TreeStore, tree: TreeId, name: str) -> Path:
    """A copy of a stored tree in the run's `work` folder; what an earlier attempt left there is gone."""
    folder = place(run, name)
    remove_tree(folder)
    folder.parent.mkdir(exist_ok=True)
    trees.materialise(tree, folder)
    return folder


def remove_copies(run: Run) -> None:
    """Remove every working copy of a run."""
    remove_tree(run.path / _FOLDER)


def inside(workdir: str, relative: str) -> str:
    """A stage's path as seen from the top of the working copy."""
    return os.path.normpath(f"{workdir}/{relative}")


def matching(folder: Path, pattern: str) -> list[str]:
    """What lies below a folder under a pattern, sorted: `*` and `?` match within one folder, links to folders
    are not followed."""
    found = [""]
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    for depth, part in enumerate(parts):
        last = depth == len(parts) - 1
        found = [
            f"{parent}/{name}".lstrip("/")
            for parent in found
            for name in _names(folder / parent)
            if fnmatchcase(name, part) and (last or _is_folder(folder / parent / name))
        ]
    return sorted(found)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208  (names, not paths: they are matched by part)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def set_aside(folder: Path, pattern: str) -> list[str]:
    """Remove results that lie there before the stage that must write them. Links are removed, never followed.

    Args:
        folder: A working copy.
        pattern: Path below it; `*` matches within one folder.

    Returns:
        What was removed.

    Raises:
        MetricsError: A file stands where a folder of the path must be.
    """
    _clear_way(folder, pattern)
    removed = matching(folder, pattern)
    for name in removed:
        path = folder / name
        if _is_folder(path):
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return removed


def _clear_way(folder: Path, pattern: str) -> None:
    """Remove links and refuse files among the folders that lead to a result."""
    path = folder
    for part in Path(pattern).parts[:-1]:
        if any(sign in part for sign in "*?["):
            return
        path = path / part
        if path.is_symlink():
            path.unlink()
            return
        if path.exists() and not path.is_dir():
            raise MetricsError(
                f"{pattern!r}: {part!r} is a file of the target, so no result can lie below it."
            )
