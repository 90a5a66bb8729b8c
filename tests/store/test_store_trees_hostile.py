"""Snapshots of folders that others change, fill or lay traps in, and what is remembered of them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from honing.errors import StoreError, UnfitTreeError
from honing.store import Entry, EntryKind, TreeLimits, TreeStore

BUILT = ["build", "build/out", "build/out/x"]


def bytes_read() -> int:
    """Bytes this process has asked the kernel for with read(), ever."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


# ---- what must not be followed, opened or waited for ----


def test_links_are_stored_as_links_and_those_that_leave_are_flagged(folder: Path, store: TreeStore) -> None:
    secret = folder.parent / "secret"
    secret.write_text("canary-71c2")
    (folder / "absolute").symlink_to(secret)
    (folder / "upwards").symlink_to("sub/../../secret")
    (folder / "inside").symlink_to("sub/file")
    (folder / "sub").mkdir()
    (folder / "sub" / "out").symlink_to("../..", target_is_directory=True)
    (folder / "sub" / "file").write_text("x")

    tree = store.load(store.snapshot(folder))
    store.materialise(tree.id, folder.parent / "copy")

    assert [entry.path for entry in tree.escaping_links] == [b"absolute", b"sub/out", b"upwards"]
    assert (folder.parent / "copy" / "absolute").readlink() == secret
    stored = b"".join(path.read_bytes() for path in store.root.rglob("*") if path.is_file())
    assert b"canary-71c2" not in stored


def test_pipes_and_sockets_are_recorded_and_never_opened(folder: Path, store: TreeStore) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "sock"))
        (folder / "file").write_text("x")

        tree = store.snapshot(folder)  # a reader that opens the pipe would wait here for ever

    left_out = store.materialise(tree, folder.parent / "copy")
    assert left_out == (
        Entry(b"pipe", EntryKind.SPECIAL, 0, "fifo"),
        Entry(b"sock", EntryKind.SPECIAL, 0, "socket"),
    )
    assert [path.name for path in (folder.parent / "copy").iterdir()] == ["file"]


def test_a_link_swapped_in_while_a_file_is_read_never_leads_out(folder: Path, store: TreeStore) -> None:
    secret = folder.parent / "secret"
    secret.write_text("canary-90fe")
    (folder / "file").write_text("honest")
    (folder / "sub").mkdir()
    (folder / "sub" / "secret").write_text("honest")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (folder / "next").symlink_to(secret)
            (folder / "next").rename(folder / "file")
            (folder / "sub").rename(folder / "aside")
            (folder / "sub").symlink_to("..")
            (folder / "sub").unlink()
            (folder / "aside").rename(folder / "sub")
            (folder / "next").write_text("honest")
            (folder / "next").rename(folder / "file")

    swapper = threading.Thread(target=swap)
    swapper.start()
    outcomes = set()
    for _ in range(60):
        try:
            tree = store.snapshot(folder)
            outcomes.update(store.read(e) for e in store.load(tree).entries if e.kind is EntryKind.FILE)
        except StoreError as error:
            outcomes.add(b"kept changing" if "kept changing" in str(error) else str(error).encode())
    stop.set()
    swapper.join()

    # Empty: the moment between making the next file and writing it.
    assert outcomes <= {b"honest", b"", b"kept changing"}


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user of the machine can enter, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="honing-shared-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


_AS_NOBODY = """
import os, sys
from pathlib import Path
from honing.store import TreeStore
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
base = Path(sys.argv[1])
(base / "f").mkdir()
(base / "f" / "locked").write_text("x")
(base / "f" / "locked").chmod(0)
(base / "g" / "closed").mkdir(parents=True)
(base / "g" / "closed").chmod(0)
for name in "fg":
    try:
        TreeStore(base / "store").snapshot(base / name)
    except Exception as error:
        print(type(error).__name__, error.path, str(error).replace(str(base), "BASE"))
(base / "g" / "closed").chmod(0o755)
"""


def test_what_may_not_be_read_is_an_error_that_names_it(shared: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(shared)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.stdout.splitlines() == [
        "UnfitTreeError locked BASE/f/locked: the file may not be read. Give read permission (chmod u+r), "
        "or leave it out with `ignore`.",
        "UnfitTreeError closed BASE/g/closed: the folder may not be read. Give read permission (chmod u+rx), "
        "or leave it out with `ignore`.",
    ], done.stderr


def test_a_file_that_never_stops_changing_is_no_snapshot(folder: Path, store: TreeStore) -> None:
    grows = folder / "log"
    grows.write_bytes(bytes(32 << 20))
    writer = subprocess.Popen(["bash", "-c", 'while :; do echo line >> "$0"; done', str(grows)])
    try:
        while grows.stat().st_size == 32 << 20:
            time.sleep(0.01)

        with pytest.raises(UnfitTreeError, match=r"kept changing during 3 attempts .*log"):
            store.snapshot(folder)
    finally:
        writer.kill()
        writer.wait()

    assert store.trees() == ()
    assert list((store.root / "staging").iterdir()) == []


def test_what_comes_while_files_are_read_is_part_of_the_snapshot() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        folder = Path(scratch) / "folder"
        folder.mkdir()
        with (folder / "large").open("wb") as stream:
            stream.truncate(192 << 20)
        store = TreeStore(Path(scratch) / "store")

        def add_when_reading_began() -> None:
            while not list((store.root / "staging").glob("*.0")):
                time.sleep(0.001)
            (folder / "late").write_text("x")

        adder = threading.Thread(target=add_when_reading_began)
        adder.start()
        tree = store.snapshot(folder)
        adder.join()

        assert [entry.name for entry in store.load(tree).entries] == ["large", "late"]


# ---- limits ----


def test_a_sparse_file_counts_with_the_size_it_claims(folder: Path, store: TreeStore) -> None:
    with (folder / "hole").open("wb") as stream:
        stream.truncate(1 << 40)

    with pytest.raises(
        StoreError, match=r"'hole' brings 1,099,511,627,776 bytes; a snapshot takes 536,870,912"
    ):
        store.snapshot(folder)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (TreeLimits(file_bytes=9), "10 bytes; a snapshot takes 9 in one file at most"),
        (TreeLimits(total_bytes=29), "more bytes in all; a snapshot takes 29 at most"),
        (TreeLimits(entries=2), "more entries; a snapshot takes 2 at most"),
    ],
    ids=["one file", "all files", "entries"],
)
def test_a_folder_beyond_a_limit_is_refused(folder: Path, limits: TreeLimits, message: str) -> None:
    for name in "abc":
        (folder / name).write_bytes(bytes(10))

    with pytest.raises(UnfitTreeError, match=message):
        TreeStore(folder.parent / "store", limits=limits).snapshot(folder)


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ((".hg",), [".git", ".git/config", "a.pyc", *BUILT, "sub", "sub/a.pyc", "sub/build"]),
        (("*.pyc",), [".git", ".git/config", *BUILT, "sub", "sub/build"]),
        ((".git", "build/"), ["a.pyc", "sub", "sub/a.pyc", "sub/build"]),
        (("build/out",), [".git", ".git/config", "a.pyc", "build", "sub", "sub/a.pyc", "sub/build"]),
        (("/a.pyc", "sub/*"), [".git", ".git/config", *BUILT, "sub"]),
    ],
    ids=["nothing", "a name at any depth", "a folder only", "a path from the top", "each part on its own"],
)
def test_patterns_say_what_is_left_out(
    folder: Path, store: TreeStore, patterns: tuple[str, ...], left: list[str]
) -> None:
    for path in (".git/config", "a.pyc", "build/out/x", "sub/a.pyc", "sub/build"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(path)

    tree = store.snapshot(folder, ignore=patterns)

    assert [entry.name for entry in store.load(tree).entries] == left


# ---- the memory of unchanged files ----


def test_an_unchanged_folder_is_not_read_again(folder: Path, store: TreeStore) -> None:
    for number in range(20):
        (folder / str(number)).write_bytes(os.urandom(50_000))
    time.sleep(0.1)  # younger files are read again on purpose
    start = bytes_read()
    first = store.snapshot(folder)
    middle = bytes_read()

    second = store.snapshot(folder)

    assert second == first
    assert middle - start >= 1_000_000
    assert bytes_read() - middle < 50_000


def test_a_file_touched_a_moment_ago_is_read_again(folder: Path) -> None:
    (folder / "file").write_bytes(bytes(1_000_000))
    changed_ns = (folder / "file").stat().st_ctime_ns
    store = TreeStore(folder.parent / "store", clock_ns=lambda: changed_ns + 1_000_000)
    store.snapshot(folder)
    start = bytes_read()

    store.snapshot(folder)

    assert bytes_read() - start >= 1_000_000


def test_a_change_that_hides_behind_the_old_size_and_time_is_seen(folder: Path, store: TreeStore) -> None:
    victim = folder / "tests.py"
    victim.write_text("assert score == 1")
    time.sleep(0.1)
    before = victim.stat()
    first = store.snapshot(folder)

    victim.write_text("assert score >= 0")
    os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = store.snapshot(folder)

    assert victim.stat().st_mtime_ns == before.st_mtime_ns
    assert second != first
    assert store.read(store.load(second).entries[0]) == b"assert score >= 0"


@pytest.mark.parametrize(
    "rubbish",
    [b"", b"{", b"[]", b'{"a": 1}', b'{"a": ["x", "y"]}', b"\xff"],
    ids=["empty", "cut", "list", "number", "stamp", "bytes"],
)
def test_a_damaged_memory_costs_time_only(folder: Path, store: TreeStore, rubbish: bytes) -> None:
    (folder / "a").write_text("x")
    time.sleep(0.1)
    tree = store.snapshot(folder)
    (memory,) = (store.root / "stat-cache").iterdir()
    memory.write_bytes(rubbish)

    assert store.snapshot(folder) == tree
