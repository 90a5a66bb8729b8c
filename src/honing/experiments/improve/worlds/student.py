"""Whose weights are taught: a tiny student that is made for the run, or a model that is given."""

from __future__ import annotations

from pathlib import Path

from honing.environments import World
from honing.experiments.improve.desk import Desk
from honing.experiments.improve.worlds.options import WorldOptions
from honing.learn import WarmStartOptions, folder_digest, warm_start
from honing.sandbox import remove_tree

OWN = "weights/student"
"""Where a student that was made for the run lies in it."""


def own_student(desk: Desk, world: World, options: WorldOptions) -> str:
    """The place of the tiny student, relative to the run; made, or taken from the cache, if it is not there
    yet.

    Raises:
        MissingToolError: The extra `teach` is not installed.
        UsageError: The world has no expert, so nobody can demonstrate.
    """
    folder = desk.run.path / OWN
    if folder.is_dir():
        return OWN
    asked = WarmStartOptions.from_options({"seed": desk.seed, **options.warm_start})
    made = warm_start(world, asked, desk.cache.expanduser(), told=desk.told)
    folder.parent.mkdir(exist_ok=True)
    draft = folder.with_name(f".{folder.name}.part")
    remove_tree(draft)
    _copied(made, draft)
    draft.rename(folder)
    return OWN


def given_digest(model: str) -> str:
    """What identifies a model that is given: a folder by its content; empty where none is given."""
    folder = Path(model).expanduser()
    return folder_digest(folder) if model and folder.is_dir() else model


def _copied(source: Path, target: Path) -> None:
    """The files of a student, without what tells how it was made."""
    target.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.is_file():
            (target / path.name).write_bytes(path.read_bytes())
