"""Snapshots of folders and the copies made from them."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honing.errors import StoreError
from honing.store import TreeCheck, TreeStore

# A hundred small stores: on a disk their syncs would take longer than everything else.
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
LONG_AGO_NS = 1_000_000_000


def contents(folder: Path) -> dict[bytes, tuple[Any, ...]]:
    """What is in a folder, found by other means than the store's own."""
    found: dict[bytes, tuple[Any, ...]] = {}
    top = os.fsencode(folder)
    for parent, folders, files in os.walk(top):
        for name in [*folders, *files]:
            path = os.path.join(parent, name)  # noqa: PTH118 - bytes
            mode = os.lstat(path).st_mode
            relative = os.path.relpath(path, top)
            if stat.S_ISLNK(mode):
                found[relative] = ("link", os.readlink(path))  # noqa: PTH115 - bytes
            elif stat.S_ISDIR(mode):
                found[relative] = ("folder", mode & 0o777)
            else:
                with open(path, "rb") as stream:  # noqa: PTH123 - bytes
                    found[relative] = ("file", mode & 0o777, stream.read())
    return found


NAMES = st.one_of(
    st.sampled_from(
        [
            b"a",
            b"A",
            b"-rf",
            b"--",
            b" ",
            b"a\nb",
            b"\xff\xfe",
            b"\x01",
            b"*",
            b"%41",
            "é".encode(),
            "e\u0301".encode(),
        ]
    ),
    st.binary(min_size=1, max_size=12).filter(
        lambda name: not set(name) & {0, 0x2F} and name not in (b".", b"..")
    ),
)
FILES = st.tuples(
    st.just("file"), st.binary(max_size=64), st.sampled_from([0o644, 0o755, 0o600, 0o444, 0o400])
)
LINKS = st.tuples(
    st.just("link"),
    st.sampled_from([b"a", b"../..", b"/etc/passwd", b"no\xffwhere", b"loop", b"."]),
    st.just(0),
)
TREES = st.recursive(
    st.dictionaries(NAMES, st.one_of(FILES, LINKS), max_size=4),
    lambda inner: st.dictionaries(NAMES, st.one_of(FILES, LINKS, inner), max_size=4),
    max_leaves=12,
)


def build(spec: dict[bytes, Any], folder: bytes) -> None:
    os.mkdir(folder)  # noqa: PTH102 - bytes
    for name, made in spec.items():
        path = folder + b"/" + name
        if isinstance(made, dict):
            build(made, path)
        elif made[0] == "link":
            os.symlink(made[1], path)  # noqa: PTH211 - bytes
        else:
            with open(path, "wb") as stream:  # noqa: PTH123 - bytes
                stream.write(made[1])
            os.chmod(path, made[2])  # noqa: PTH101 - bytes


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES)
def test_a_made_copy_is_what_the_snapshot_was_taken_of(spec: dict[bytes, Any]) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as scratch:
        base = Path(scratch)
        build(spec, os.fsencode(base / "source"))
        store = TreeStore(base / "store")

        tree = store.snapshot(base / "source")
        left_out = store.materialise(tree, base / "copy")

        assert contents(base / "copy") == contents(base / "source")
        assert store.snapshot(base / "copy") == tree
        assert left_out == ()
        assert store.load(tree).id == tree


def test_equal_folders_have_equal_ids_whatever_their_order_and_times(
    tmp_path: Path, store: TreeStore
) -> None:
    for place, names in (("one", "abc"), ("two", "cba")):
        (tmp_path / place).mkdir()
        for name in names:
            (tmp_path / place / name).write_text(name)
            os.utime(tmp_path / place / name, ns=(LONG_AGO_NS, len(place) * LONG_AGO_NS))

    assert store.snapshot(tmp_path / "one") == store.snapshot(tmp_path / "two")


@pytest.mark.parametrize(
    "alter",
    [
        lambda folder: (folder / "run.sh").chmod(0o755),
        lambda folder: (folder / "run.sh").write_text("echo 2"),
        lambda folder: (folder / "run.sh").rename(folder / "go.sh"),
        lambda folder: (folder / "empty").mkdir(),
        lambda folder: (folder / "link").symlink_to("elsewhere"),
        lambda folder: (folder / "sub").chmod(0o700),
    ],
    ids=["a mode bit", "a byte", "a name", "an empty folder", "a link", "a folder's mode"],
)
def test_every_difference_gives_another_id(folder: Path, store: TreeStore, alter: Any) -> None:
    (folder / "run.sh").write_text("echo 1")
    (folder / "sub").mkdir(mode=0o755)
    before = store.snapshot(folder)

    alter(folder)

    assert store.snapshot(folder) != before


def test_a_copy_shares_no_inode_with_the_store_or_with_another_copy(folder: Path, store: TreeStore) -> None:
    (folder / "notes").write_text("one")
    os.link(folder / "notes", folder / "same inode")
    tree = store.snapshot(folder)
    store.materialise(tree, folder.parent / "first")
    store.materialise(tree, folder.parent / "second")

    with (folder.parent / "first" / "notes").open("r+") as stream:
        stream.write("TWO")

    assert (folder.parent / "first" / "same inode").read_text() == "one"
    assert (folder.parent / "second" / "notes").read_text() == "one"
    assert store.verify(tree) == TreeCheck(tree=tree)
    links = {path.lstat().st_nlink for path in (folder.parent / "second").iterdir()}
    assert links == {1}


def test_set_user_id_bits_are_dropped(folder: Path, store: TreeStore) -> None:
    (folder / "tool").write_text("x")
    (folder / "tool").chmod(0o6755)
    tree = store.snapshot(folder)

    store.materialise(tree, folder.parent / "copy")

    assert stat.S_IMODE((folder.parent / "copy" / "tool").stat().st_mode) == 0o755


def test_paths_longer_than_the_system_takes_at_once_survive(folder: Path, store: TreeStore) -> None:
    # No single path name of 6,000 bytes is valid, only steps from folder to folder are.
    held = os.open(folder, os.O_RDONLY)
    for _ in range(60):
        os.mkdir("d" * 100, dir_fd=held)
        inner = os.open("d" * 100, os.O_RDONLY, dir_fd=held)
        os.close(held)
        held = inner
    os.close(os.open("leaf", os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=held))
    os.close(held)
    tree = store.snapshot(folder)

    store.materialise(tree, folder.parent / "copy")

    assert store.snapshot(folder.parent / "copy") == tree
    assert len(store.load(tree).entries[-1].path) == 60 * 101 + 4


def test_folders_nested_without_end_are_refused(folder: Path, store: TreeStore) -> None:
    deep = folder.joinpath(*["d"] * 201)
    deep.mkdir(parents=True)

    with pytest.raises(StoreError, match="nested 200 deep or more"):
        store.snapshot(folder)
