"""Snapshots of folders and the copies made from them."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honing.errors import StoreError
from honing.store import Collected, Entry, EntryKind, TreeCheck, TreeId, TreeLimits, TreeStore
from honing.store.trees_blobs import blob_path

LONG_AGO_NS = 1_000_000_000
# A hundred small stores: on a disk their syncs would take longer than everything else.
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
BUILT = ["build", "build/out", "build/out/x"]


@pytest.fixture
def store(tmp_path: Path) -> TreeStore:
    return TreeStore(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


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


def bytes_read() -> int:
    """Bytes this process has asked the kernel for with read(), ever."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("rchar"))


# ---- round trip ----

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
        print(type(error).__name__, str(error).replace(str(base), "BASE"))
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
        "StoreError BASE/f/locked: the file may not be read. Give read permission (chmod u+r), "
        "or leave it out with `ignore`.",
        "StoreError BASE/g/closed: the folder may not be read. Give read permission (chmod u+rx), "
        "or leave it out with `ignore`.",
    ], done.stderr


def test_a_file_that_never_stops_changing_is_no_snapshot(folder: Path, store: TreeStore) -> None:
    grows = folder / "log"
    grows.write_bytes(bytes(32 << 20))
    writer = subprocess.Popen(["bash", "-c", 'while :; do echo line >> "$0"; done', str(grows)])
    try:
        while grows.stat().st_size == 32 << 20:
            time.sleep(0.01)

        with pytest.raises(StoreError, match=r"kept changing during 3 attempts .*log"):
            store.snapshot(folder)
    finally:
        writer.kill()
        writer.wait()

    assert store.trees() == ()
    assert list((store.root / "staging").iterdir()) == []


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

    with pytest.raises(StoreError, match=message):
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


# ---- damage ----


def stored_blob(store: TreeStore, tree: TreeId, path: bytes) -> Path:
    entry = next(entry for entry in store.load(tree).entries if entry.path == path)
    return blob_path(store.root, entry.content)


def test_a_flipped_bit_is_found_and_no_copy_is_made(folder: Path, store: TreeStore) -> None:
    (folder / "good").write_text("good")
    (folder / "zbad").write_text("bad!")
    tree = store.snapshot(folder)
    blob = stored_blob(store, tree, b"zbad")
    blob.chmod(0o644)
    blob.write_text("bad?")

    with pytest.raises(StoreError, match="is damaged: its hash no longer is its name"):
        store.materialise(tree, folder.parent / "copy")

    name = f"{blob.parent.name}{blob.name}"
    assert store.verify(tree) == TreeCheck(tree=tree, damaged=(name,))
    assert sorted(path.name for path in folder.parent.iterdir()) == ["folder", "store"]


def test_a_missing_content_is_found_and_a_new_snapshot_brings_it_back(folder: Path, store: TreeStore) -> None:
    (folder / "file").write_text("x")
    time.sleep(0.1)
    tree = store.snapshot(folder)
    blob = stored_blob(store, tree, b"file")
    blob.unlink()
    name = f"{blob.parent.name}{blob.name}"
    assert store.verify(tree) == TreeCheck(tree=tree, missing=(name,))
    with pytest.raises(StoreError, match="is missing from the store"):
        store.materialise(tree, folder.parent / "copy")

    again = store.snapshot(folder)

    assert again == tree
    assert store.verify(tree) == TreeCheck(tree=tree)


def test_a_damaged_manifest_is_found(folder: Path, store: TreeStore) -> None:
    (folder / "file").write_text("x")
    tree = store.snapshot(folder)
    manifest = store.root / "trees" / tree[:2] / tree[2:]
    manifest.write_bytes(manifest.read_bytes().replace(b"0644", b"0755"))

    with pytest.raises(StoreError, match=r"the manifest of tree .* is damaged"):
        store.load(tree)
    assert store.verify(tree).ok is False


@pytest.mark.parametrize(
    "wrong", ["", "../../etc/passwd", "a" * 63, "A" * 64], ids=["empty", "path", "short", "capitals"]
)
def test_only_an_id_names_a_tree(store: TreeStore, wrong: str) -> None:
    with pytest.raises(StoreError, match="64 hexadecimal digits"):
        store.load(TreeId(wrong))


def test_a_folder_that_is_not_empty_is_left_alone(folder: Path, store: TreeStore) -> None:
    tree = store.snapshot(folder)
    (folder / "mine").write_text("mine")

    with pytest.raises(StoreError, match=r"making .*folder: .*not empty"):
        store.materialise(tree, folder)

    assert contents(folder) == {b"mine": ("file", 0o644, b"mine")}
    assert sorted(path.name for path in folder.parent.iterdir()) == ["folder", "store"]


def test_an_empty_folder_is_filled(folder: Path, store: TreeStore) -> None:
    (folder / "file").write_text("x")
    tree = store.snapshot(folder)
    (folder.parent / "waiting").mkdir()

    store.materialise(tree, folder.parent / "waiting")

    assert contents(folder.parent / "waiting") == contents(folder)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere", "No such file"),
        ("file", "Not a directory"),
        ("link", "expected a folder that can be read"),
    ],
)
def test_only_a_folder_can_be_taken(folder: Path, store: TreeStore, place: str, message: str) -> None:
    (folder / "file").write_text("x")
    (folder / "link").symlink_to(folder)

    with pytest.raises(StoreError, match=message):
        store.snapshot(folder / place)


# ---- removal, crashes, many at once ----


def test_collect_removes_what_no_kept_tree_needs(folder: Path, store: TreeStore) -> None:
    (folder / "shared").write_text("shared")
    (folder / "old").write_text("old one")
    old = store.snapshot(folder)
    (folder / "old").write_text("new")
    new = store.snapshot(folder)
    (store.root / "staging" / "left by a dead process").mkdir()

    removed = store.collect([new], grace_s=0)

    assert removed == Collected(trees=1, blobs=1, bytes=7)
    assert store.trees() == (new,)
    assert store.verify(new) == TreeCheck(tree=new)
    with pytest.raises(StoreError, match="there is no tree"):
        store.load(old)


def test_collect_leaves_a_tree_whose_snapshot_is_young(folder: Path) -> None:
    now = [time.time_ns()]
    store = TreeStore(folder.parent / "store", clock_ns=lambda: now[0])
    tree = store.snapshot(folder)

    now[0] += 59 * 1_000_000_000
    early = store.collect([], grace_s=60)
    now[0] += 2 * 1_000_000_000
    late = store.collect([], grace_s=60)

    assert (early, late) == (Collected(trees=0, blobs=0, bytes=0), Collected(trees=1, blobs=0, bytes=0))
    assert store.verify(tree).ok is False


def test_collect_removes_nothing_when_a_tree_to_keep_cannot_be_read(folder: Path, store: TreeStore) -> None:
    (folder / "file").write_text("x")
    tree = store.snapshot(folder)

    with pytest.raises(StoreError, match="there is no tree"):
        store.collect([TreeId("0" * 64)], grace_s=0)

    assert store.verify(tree) == TreeCheck(tree=tree)


_SNAPSHOTS = """
import sys
from pathlib import Path
from honing.store import TreeStore
store = TreeStore(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(1000):
    for part in range(40):
        (Path(sys.argv[2]) / str(part)).write_text(f"{number} {part}" * 500)
    print(store.snapshot(Path(sys.argv[2])), flush=True)
"""


def test_a_kill_leaves_every_reported_tree_and_none_that_is_broken(folder: Path, store: TreeStore) -> None:
    reported: list[str] = []
    for moment in (0.0, 0.05, 0.12, 0.21, 0.33):
        process = subprocess.Popen(
            [sys.executable, "-c", _SNAPSHOTS, str(store.root), str(folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(moment)
        process.kill()
        output, _ = process.communicate()
        reported += [line for line in output.splitlines(keepends=True) if line.endswith("\n")]

    ids = {TreeId(line.strip()) for line in reported}
    assert ids <= set(store.trees())
    assert [check for check in map(store.verify, store.trees()) if not check.ok] == []
    final = store.snapshot(folder)
    store.collect([final], grace_s=0)
    assert store.verify(final) == TreeCheck(tree=final)


def test_many_threads_and_a_collector_do_not_disturb_each_other(tmp_path: Path, store: TreeStore) -> None:
    for number in range(4):
        (tmp_path / f"f{number}").mkdir()
        for part in range(30):
            (tmp_path / f"f{number}" / str(part)).write_text(str(part * (number % 2)))
    found: dict[int, set[TreeId]] = {number: set() for number in range(4)}
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(5):
                tree = store.snapshot(tmp_path / f"f{number}")
                found[number].add(tree)
                if number == 0:
                    store.collect([])
                elif turn == 2:
                    store.materialise(tree, tmp_path / f"copy{number}")
        except BaseException as error:  # noqa: BLE001 - reported below
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert found[0] == found[2]
    assert found[1] == found[3]
    assert [len(ids) for ids in found.values()] == [1, 1, 1, 1]
    assert [store.verify(tree).ok for tree in store.trees()] == [True, True]


def test_a_snapshot_of_a_small_change_adds_only_that_change(folder: Path, store: TreeStore) -> None:
    for number in range(50):
        (folder / str(number)).write_text(str(number) * 100)
    time.sleep(0.1)
    store.snapshot(folder)
    before = {path for path in store.root.rglob("*") if path.is_file()}

    (folder / "7").write_text("changed")
    store.snapshot(folder)

    added = {path for path in store.root.rglob("*") if path.is_file()} - before
    kinds = sorted(path.relative_to(store.root).parts[0] for path in added)
    assert kinds == ["blobs", "trees"]
