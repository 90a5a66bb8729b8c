"""A version as what acts: the harness from the store, the model from where it lies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honing.errors import UsageError
from honing.experiments.improve.base import Version
from honing.experiments.improve.desk import Desk
from honing.learn import HARNESS_FILES, ActingHarness, acting_files, acting_from_files, read_acting
from honing.sandbox import remove_tree
from honing.store import TREES, TreeId, TreeStore, make_home

Json = Any


def stored(desk: Desk, harness: ActingHarness) -> str:
    """The tree of a harness in the store of the folder of runs."""
    scratch = desk.run.path / "work" / "harness"
    remove_tree(scratch)
    write_harness(harness, scratch)
    try:
        return stored_folder(desk, scratch)
    finally:
        remove_tree(scratch)


def stored_folder(desk: Desk, folder: Path) -> str:
    """The tree of a folder, which must hold a harness that can be read.

    Raises:
        UsageError: It does not.
    """
    read_acting(folder)
    make_home(desk.home)
    return TreeStore(desk.home / TREES).snapshot(folder, again=False)


def write_harness(harness: ActingHarness, folder: Path) -> None:
    """Write a harness as the folder that people and agents edit."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in acting_files(harness).items():
        (folder / name).write_text(text, encoding="utf-8")


def harness_of(desk: Desk, version: Version) -> ActingHarness:
    """The harness of a version.

    Raises:
        UsageError: The tree holds none.
    """
    store = TreeStore(desk.home / TREES)
    texts = {entry.name: entry for entry in store.load(TreeId(version.harness)).entries}
    missing = [name for name in HARNESS_FILES if name not in texts]
    if missing:
        raise UsageError(f"tree {version.harness}: no {missing[0]}, so it is no student's harness.")
    return acting_from_files({name: store.read(texts[name]).decode() for name in HARNESS_FILES})


def model_of(desk: Desk, version: Version) -> str:
    """The model's folder or hub id, as it is loaded: one inside the run by its full path."""
    inside = desk.run.path / version.model
    return str(inside.resolve()) if inside.is_dir() else version.model


def policy_document(desk: Desk, version: Version, device: str) -> dict[str, Json]:
    """A version as `learn.policy_from` takes it."""
    return acting_document(model_of(desk, version), harness_of(desk, version), device)


def acting_document(model: str, harness: ActingHarness, device: str) -> dict[str, Json]:
    """A model inside a harness, as `learn.policy_from` takes it."""
    return {"kind": "student", "checkpoint": model, "device": device, "harness": harness.as_document()}


def harness_document(harness: ActingHarness) -> Mapping[str, Json]:
    """A harness as facts for a reader: its two files."""
    return dict(acting_files(harness))
