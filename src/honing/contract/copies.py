"""Working copies: what a stage may write is a throw-away copy of a stored tree, made anew each time."""

from __future__ import annotations

import hashlib
from pathlib import Path

from honing.sandbox import remove_tree
from honing.store import Run, TreeId, TreeStore

_FOLDER = "work"


def place(run: Run, name: str) -> Path:
    """Where a working copy lies. Its folder's name tells nothing: a command must not see whether a model or a
    control answers."""
    return run.path / _FOLDER / hashlib.sha256(f"{run.id} {name}".encode()).hexdigest()[:12]


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
