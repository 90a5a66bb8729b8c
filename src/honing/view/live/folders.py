"""Where runs lie: those of the home, and those that a run made inside its own folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MARKS = ("run.json", "journal.sqlite", "evidence.jsonl")
_NEVER = frozenset({"work", "cache", "logs", "blobs", "trees"})
"""Folders in which no run of a run lies."""
_DEPTH = 6
_MOST_FOLDERS = 5000
"""Folders looked into below one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One run folder."""

    key: str
    """Names it in addresses; made from the path, and safe whatever the folder is called."""
    path: Path
    name: str
    """Folder name; of a run inside another one its path from there."""
    parent: str = ""
    """Key of the run inside whose folder it lies; empty for a run of the home."""


def key_of(home: Path, path: Path) -> str:
    """The key of a run folder."""
    return hashlib.sha256(os.fsencode(path.relative_to(home))).hexdigest()[:16]


def top_places(home: Path) -> list[Place]:
    """The run folders of the home, by name. Links are followed: somebody put them there."""
    try:
        with os.scandir(home) as entries:
            folders = [Path(one.path) for one in entries if not one.name.startswith(".") and one.is_dir()]
    except OSError:
        return []
    return [
        Place(key=key_of(home, folder), path=folder, name=folder.name)
        for folder in sorted(folders)
        if any(os.path.lexists(folder / mark) for mark in _MARKS)
    ]


def inner_places(home: Path, outer: Place) -> list[Place]:
    """The runs inside a run's folder, at any depth, each with the run that it lies in."""
    found: list[Place] = []
    owners = {outer.path: outer}
    for count, folder in enumerate(_folders(outer.path)):
        if count == _MOST_FOLDERS:
            break
        if (folder / "run.json").is_file():
            owner = next(owners[above] for above in folder.parents if above in owners)
            name = folder.relative_to(owner.path).as_posix()
            place = Place(key=key_of(home, folder), path=folder, name=name, parent=owner.key)
            owners[folder] = place
            found.append(place)
    return found


def _folders(top: Path) -> Iterator[Path]:
    """Every folder below, a folder before what lies in it; no links."""
    waiting = [(top, 0)]
    while waiting:
        folder, depth = waiting.pop(0)
        try:
            with os.scandir(folder) as entries:
                inner = sorted(
                    one.name
                    for one in entries
                    if one.is_dir(follow_symlinks=False) and one.name not in _NEVER and one.name[0] != "."
                )
        except OSError:
            continue
        for name in inner:
            yield folder / name
            if depth + 1 < _DEPTH:
                waiting.append((folder / name, depth + 1))
