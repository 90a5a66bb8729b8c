"""Trees made of entries of other trees, without a folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from honing.errors import StoreError
from honing.store import Entry, EntryKind, TreeStore


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_same_entries_are_the_same_tree(tmp_path: Path) -> None:
    store = TreeStore(tmp_path / "trees")
    tree = store.snapshot(make(tmp_path / "a", {"x": "1", "f/y": "2"}))

    assert store.compose(store.load(tree).entries) == tree


def test_a_file_with_new_bytes_is_what_a_snapshot_of_it_would_be(tmp_path: Path) -> None:
    store = TreeStore(tmp_path / "trees")
    before = store.snapshot(make(tmp_path / "a", {"x": "1", "f/y": "2"}))
    wanted = store.snapshot(make(tmp_path / "b", {"x": "1", "f/y": "new"}))

    assert store.compose(store.load(before).entries, {b"f/y": b"new"}) == wanted
    assert store.verify(wanted).ok


@pytest.mark.parametrize(
    ("path", "says"),
    [(b"no/folder", "cannot stand in a tree"), (b"../out", "cannot stand"), (b"/etc/x", "cannot stand")],
    ids=["without its folder", "above the top", "from the root"],
)
def test_a_path_that_cannot_stand_in_a_tree_is_refused(tmp_path: Path, path: bytes, says: str) -> None:
    store = TreeStore(tmp_path / "trees")
    (entry,) = store.load(store.snapshot(make(tmp_path / "a", {"x": "1"}))).entries

    with pytest.raises(StoreError, match=says):
        store.compose([replace(entry, path=path)])


def test_a_content_that_is_not_stored_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    store = TreeStore(tmp_path / "trees")
    stranger = Entry(b"x", EntryKind.FILE, 0o644, "0" * 64, 1)

    with pytest.raises(StoreError, match="the content of 'x' is not in"):
        store.compose([stranger])
    assert store.trees() == ()
