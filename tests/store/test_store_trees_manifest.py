"""A tree's manifest, and the steps of reading a folder that others can change."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from honing.errors import StoreError
from honing.store import Entry, EntryKind, Tree, TreeId, TreeLimits
from honing.store.trees.manifest import make_tree, read_tree
from honing.store.trees.scan import (
    ChangedError,
    Seen,
    ignoring,
    opened_below,
    opened_file,
    opened_folder,
    scan,
)

HASH = "a" * 64


def named(manifest: str) -> tuple[TreeId, bytes]:
    payload = manifest.encode("latin-1")
    return TreeId(hashlib.sha256(payload).hexdigest()), payload


def test_a_manifest_is_text_that_a_person_can_read() -> None:
    entries = [
        Entry(b"run me.sh", EntryKind.FILE, 0o755, HASH, 12),
        Entry(b"\xff\n", EntryKind.LINK, target=b"/etc/x y"),
        Entry(b"d", EntryKind.FOLDER, 0o700),
        Entry(b"d/pipe", EntryKind.SPECIAL, content="fifo"),
    ]

    tree, manifest = make_tree(entries)

    assert manifest.decode("ascii").splitlines() == [
        "honing-tree 1",
        "d 0700 0 - d",
        "s 0000 0 fifo d/pipe",
        f"f 0755 12 {HASH} run%20me.sh",
        "l 0000 0 /etc/x%20y %FF%0A",
    ]
    assert read_tree(tree.id, manifest, where="test") == tree


@pytest.mark.parametrize(
    "lines",
    [
        [f"f 0644 1 {HASH} ../outside"],
        [f"f 0644 1 {HASH} /etc/passwd"],
        [f"f 0644 1 {HASH} a/./b"],
        [f"f 0644 1 {HASH} a%00b"],
        [f"f 0644 1 {HASH} nowhere/file"],
        ["l 0000 0 /etc a", f"f 0644 1 {HASH} a/passwd"],
        [f"f 0644 1 {HASH} b", f"f 0644 1 {HASH} a"],
        [f"f 0644 1 {HASH} a", f"f 0644 1 {HASH} a"],
        [f"f 4755 1 {HASH} a"],
        [f"f 0644 01 {HASH} a"],
        [f"x 0644 1 {HASH} a"],
        ["f 0644 1"],
        ["d 0755 0 - " + "/".join(["d"] * 201)],
        ["\xe9"],
    ],
    ids=[
        "leads up",
        "is absolute",
        "holds a dot",
        "holds a zero byte",
        "has no folder",
        "leads through a link",
        "is out of order",
        "stands twice",
        "sets a user id",
        "is written in another way",
        "is of no known kind",
        "is cut",
        "is too deep",
        "is no ASCII",
    ],
)
def test_a_manifest_is_refused_when_a_line(lines: list[str]) -> None:
    tree, manifest = named("\n".join(["honing-tree 1", *lines]) + "\n")

    with pytest.raises(StoreError, match="manifest"):
        read_tree(tree, manifest, where="somewhere")


@pytest.mark.parametrize("manifest", ["", "honing-tree 2\n", "honing-tree 1"], ids=["empty", "newer", "cut"])
def test_a_manifest_of_another_shape_is_refused(manifest: str) -> None:
    tree, payload = named(manifest)

    with pytest.raises(StoreError, match="expected a manifest that starts with 'honing-tree 1'"):
        read_tree(tree, payload, where="somewhere")


def test_names_that_could_be_taken_for_one_another_are_grouped() -> None:
    names = ["Makefile", "makefile", "\u212a.txt", "k.txt", "e\u0301", "\u00e9", "own"]
    tree = Tree(TreeId("0" * 64), tuple(Entry(name.encode(), EntryKind.FILE) for name in names))

    assert [[entry.path for entry in group] for group in tree.confusable] == [
        [b"Makefile", b"makefile"],
        ["\u212a.txt".encode(), b"k.txt"],
        ["e\u0301".encode(), "\u00e9".encode()],
    ]


def seen_in(folder: Path) -> dict[bytes, Seen]:
    with opened_folder(folder) as top:
        return scan(top, folder, ignoring(()), TreeLimits())


@pytest.mark.parametrize("what", ["link", "pipe", "another file", "longer", "same size"])
def test_a_file_replaced_after_the_scan_is_not_read(tmp_path: Path, what: str) -> None:
    victim = tmp_path / "file"
    victim.write_text("honest")
    (tmp_path / "secret").write_text("canary")
    seen = seen_in(tmp_path)[b"file"]

    if what == "longer":
        victim.write_text("honest and more")
    elif what == "same size":
        victim.write_text("HONEST")
        os.utime(victim, ns=(seen.mtime_ns, seen.mtime_ns + 1))
    else:
        victim.unlink()
        make = {"link": lambda: victim.symlink_to("secret"), "pipe": lambda: os.mkfifo(victim)}
        make.get(what, lambda: victim.write_text("honest"))()

    with opened_folder(tmp_path) as top, pytest.raises(ChangedError), opened_file(top, b"file", seen, "file"):
        pytest.fail("the file was opened")


def test_a_link_put_in_place_of_a_file_is_not_opened_at_all(tmp_path: Path) -> None:
    victim = tmp_path / "file"
    victim.write_text("honest")
    seen = seen_in(tmp_path)[b"file"]
    os.mkfifo(tmp_path / "pipe")
    victim.unlink()
    victim.symlink_to("pipe")
    reader_came = threading.Event()

    def wait_for_a_reader() -> None:
        os.close(os.open(tmp_path / "pipe", os.O_WRONLY))
        reader_came.set()

    writer = threading.Thread(target=wait_for_a_reader)
    writer.start()
    time.sleep(0.2)  # until it waits in open()
    with opened_folder(tmp_path) as top, pytest.raises(ChangedError), opened_file(top, b"file", seen, "file"):
        pytest.fail("the link was opened")
    opened = reader_came.wait(0.3)
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    writer.join()
    os.close(reader)

    assert opened is False


def test_a_file_changed_while_it_is_open_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("one")
    seen = seen_in(tmp_path)[b"file"]

    with (
        opened_folder(tmp_path) as top,
        pytest.raises(ChangedError, match="changed while it was read"),
        opened_file(top, b"file", seen, "file"),
    ):
        (tmp_path / "file").write_text("three")


def test_a_folder_replaced_by_a_link_after_the_scan_is_not_entered(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "elsewhere" / "b").mkdir(parents=True)
    (tmp_path / "a").rename(tmp_path / "aside")
    (tmp_path / "a").symlink_to("elsewhere")

    with opened_folder(tmp_path) as top, pytest.raises(ChangedError), opened_below(top, b"a/b"):
        pytest.fail("the link was followed")
