"""A store that is damaged, cleaned, killed and used by many at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from honing.errors import StoreError
from honing.store import Collected, TreeCheck, TreeId, TreeStore
from honing.store.trees.blobs import blob_path

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

    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("mine", "mine")]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["folder", "store"]


def test_an_empty_folder_is_filled(folder: Path, store: TreeStore) -> None:
    (folder / "file").write_text("x")
    tree = store.snapshot(folder)
    (folder.parent / "waiting").mkdir()

    store.materialise(tree, folder.parent / "waiting")

    assert [path.name for path in (folder.parent / "waiting").iterdir()] == ["file"]


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
