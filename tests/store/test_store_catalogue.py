"""The folder of runs: listing, finding, removing, cleaning, forecasting."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from honing.errors import StoreError
from honing.store import (
    Run,
    RunStatus,
    TreeStore,
    collect_garbage,
    disk_use,
    find_run,
    forecast,
    free_disk,
    list_runs,
    remove,
)

LATER = 40 * 86400.0


def make(root: Path, name: str, *, kind: str = "measure", now: float = 1_700_000_000.0) -> Run:
    return Run.create(root, kind=kind, config={}, command=["x"], seed=1, name=name, clock=lambda: now)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three sound runs, of which one is done, one damaged, and things that are no runs."""
    root = tmp_path / "runs"
    make(root, "older", now=1_600_000_000.0).set_status(RunStatus.DONE)
    make(root, "newer", kind="teach")
    make(root, "dead").set_status(RunStatus.RUNNING)
    make(root, "broken")
    (root / "broken" / "run.json").write_text("{")
    (root / "notes").mkdir()
    (root / "file.txt").write_text("x")
    (root / ".draft.new").mkdir()
    return root


def names(root: Path, **filters: object) -> list[str]:
    return [entry.name for entry in list_runs(root, **filters)]  # type: ignore[arg-type]


def test_the_list_is_by_age_with_damaged_runs_last(root: Path) -> None:
    entries = list_runs(root)

    assert [(e.name, e.kind, e.status, bool(e.damage)) for e in entries if e.name != "dead"] == [
        ("older", "measure", RunStatus.DONE, False),
        ("newer", "teach", RunStatus.CREATED, False),
        ("broken", "", None, True),
    ]
    assert entries[-1].damage.startswith(f"{root / 'broken' / 'run.json'}: expected JSON")


def test_a_run_whose_supervisor_died_is_listed_as_interrupted(root: Path) -> None:
    assert names(root, status=RunStatus.INTERRUPTED) == ["dead"]


def test_the_list_is_filtered_by_kind_status_and_name(root: Path) -> None:
    assert names(root, kind="teach") == ["newer"]
    assert names(root, status=RunStatus.DONE) == ["older"]
    assert names(root, name="e") == [e for e in names(root) if "e" in e]
    assert names(root, name="old") == ["older"]


def test_a_folder_without_manifest_but_with_a_journal_is_a_damaged_run(root: Path) -> None:
    (root / "older" / "run.json").unlink()
    (root / "older" / "journal.sqlite").touch()

    assert [e.name for e in list_runs(root) if e.damage] == ["broken", "older"]


def test_a_missing_root_holds_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "none") == []
    assert collect_garbage(tmp_path / "none") == []


@pytest.mark.parametrize("wanted", ["newer", "new", "latest"])
def test_a_run_is_found_by_name_by_its_start_and_as_the_latest(root: Path, wanted: str) -> None:
    shutil.rmtree(root / "dead")

    assert find_run(root, wanted).path == root / "newer"


def test_a_run_is_found_by_id_and_by_path(root: Path) -> None:
    run = Run.open(root / "older")

    assert find_run(root, run.id).path == run.path
    assert find_run(root, str(run.path)).path == run.path


def test_an_unknown_or_ambiguous_name_lists_the_runs(root: Path) -> None:
    make(root, "newest", kind="teach")

    with pytest.raises(StoreError, match=r"no run named 'zzz'\. The last ones: "):
        find_run(root, "zzz")
    with pytest.raises(StoreError, match="'new' means several runs: newe"):
        find_run(root, "new")
    with pytest.raises(StoreError, match="expected JSON"):
        find_run(root, "broken")


def test_disk_use_counts_blocks_hard_links_once_and_links_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "a").write_bytes(os.urandom(100_000))
    (tmp_path / "big").write_bytes(os.urandom(5_000_000))
    before = disk_use(folder)
    (folder / "b").hardlink_to(folder / "a")
    (folder / "c").symlink_to(tmp_path / "big")

    assert 100_000 <= before < 150_000
    assert disk_use(folder) - before < 50_000


def test_removing_a_run_deletes_it_whatever_its_permissions_and_spares_what_links_point_to(
    root: Path,
) -> None:
    run = Run.open(root / "older")
    run.write_text("a/b/c.txt", "x" * 10_000)
    (run.path / "out").symlink_to(root / "newer")
    (run.path / "a" / "b").chmod(0)
    (run.path / "a").chmod(0)

    freed = remove(run)

    assert freed >= 10_000
    assert "older" not in names(root)
    assert sorted(path.name for path in root.iterdir()) == [
        ".draft.new",
        ".gitignore",
        "broken",
        "dead",
        "file.txt",
        "newer",
        "notes",
    ]
    assert (root / "newer" / "run.json").exists()


def test_a_run_that_is_worked_on_is_neither_removed_nor_cleaned(root: Path) -> None:
    run = Run.open(root / "older")
    run.write_text("work/x", "x")

    with run.lock():
        with pytest.raises(StoreError, match="already being worked on"):
            remove(Run.open(run.path))
        assert collect_garbage(root, clock=lambda: time.time() + 60) == []
    assert (run.path / "work" / "x").exists()


def test_garbage_is_caches_old_working_copies_and_drafts(root: Path) -> None:
    for name in ("older", "newer", "dead", "broken"):
        for folder in ("work", "cache", "kept"):
            (root / name / folder).mkdir()
            (root / name / folder / "x").write_text("x")
    (root / "older" / "kept" / ".a.json.123.0123abcd.new").write_text("draft")
    (root / "newer" / "work" / ".a.json.123.0123abcd.new").write_text("theirs")

    soon = [str(g.path.relative_to(root)) for g in collect_garbage(root, dry_run=True)]
    later = [str(g.path.relative_to(root)) for g in collect_garbage(root, clock=lambda: time.time() + LATER)]

    assert soon == [
        "dead/cache",
        "newer/cache",
        "older/cache",
        "older/work",
        "older/kept/.a.json.123.0123abcd.new",
    ]
    assert later == [
        ".draft.new",
        "dead/cache",
        "dead/work",
        "newer/cache",
        "newer/work",
        "older/cache",
        "older/work",
        "older/kept/.a.json.123.0123abcd.new",
    ]
    assert sorted(path.name for path in (root / "dead").iterdir()) == ["kept", "lock", "logs", "run.json"]
    assert (root / "broken" / "work" / "x").exists()


def test_a_working_copy_that_is_a_link_is_unlinked_and_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("x")
    (root / "older" / "work").symlink_to(tmp_path / "mine")

    collect_garbage(root)

    assert not (root / "older" / "work").is_symlink()
    assert (tmp_path / "mine" / "x").read_text() == "x"


def test_free_disk_is_measured_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free

    assert abs(free_disk(tmp_path / "a" / "b") - free) < 1 << 30


def test_a_run_that_will_not_fit_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(
        StoreError, match=r"1000 more units need about 2.0 GB, but 1.5 GB are free .* Free 1.0 GB"
    ):
        forecast(
            tmp_path, units=1000, bytes_per_unit=2e6, reserve_bytes=500_000_000, free_bytes=1_500_000_000
        )


def test_a_run_that_fits_is_told_its_need(tmp_path: Path) -> None:
    found = forecast(tmp_path, units=10, bytes_per_unit=1.5, reserve_bytes=0, free_bytes=15)

    assert (found.needed_bytes, found.free_bytes) == (15, 15)


def test_a_tree_that_no_run_names_is_collected_and_one_that_a_run_names_stays(tmp_path: Path) -> None:
    root, content = tmp_path / "runs", tmp_path / "content"
    content.mkdir()
    store = TreeStore(root / "trees", clock_ns=lambda: 0)
    (content / "a").write_text("kept")
    kept = store.snapshot(content)
    (content / "a").write_text("given up")
    store.snapshot(content)
    Run.create(root, kind="k", config={"tree": kept}, command=[], seed=0)
    long_ago = 1
    for manifest in (root / "trees" / "trees").glob("??/*"):
        os.utime(manifest, (long_ago, long_ago))

    (found,) = collect_garbage(root)

    assert found.why == "1 trees that no run names"
    assert TreeStore(root / "trees").trees() == (kept,)
