"""Differences between trees, as lists and as a diff that git applies."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from honing.store import Entry, TreeDiff, TreeStore


def write(folder: Path, files: dict[str, bytes | str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def difference(base: Path, before: dict[str, bytes | str], after: dict[str, bytes | str]) -> TreeDiff:
    store = TreeStore(base / "store")
    for place, files in (("before", before), ("after", after)):
        (base / place).mkdir()
        write(base / place, files)
    return store.diff(store.snapshot(base / "before"), store.snapshot(base / "after"))


def paths(entries: tuple[Entry, ...]) -> list[bytes]:
    return [entry.path for entry in entries]


def test_each_difference_is_in_its_list(tmp_path: Path) -> None:
    before, after, store = tmp_path / "before", tmp_path / "after", TreeStore(tmp_path / "store")
    same = {"same": "same", "keeps/x": "x"}
    write(
        before,
        {**same, "gone": "gone", "edited": "1", "tool": "#!", "moved/name.py": "long", "kind": "k", "to": ""},
    )
    write(
        after, {**same, "new": "new", "edited": "2", "tool": "#!", "elsewhere/name.py": "long", "empty": ""}
    )
    (after / "tool").chmod(0o755)
    (after / "kind").symlink_to("same")
    (before / "link").symlink_to("a")
    (after / "link").symlink_to("b")

    diff = store.diff(store.snapshot(before), store.snapshot(after))

    assert paths(diff.added) == [b"elsewhere", b"empty", b"new"]
    assert paths(diff.removed) == [b"gone", b"moved", b"to"]
    assert [change.after.path for change in diff.changed] == [b"edited", b"link"]
    assert [(change.before.mode, change.after.mode) for change in diff.mode_changed] == [(0o644, 0o755)]
    assert [(change.before.kind, change.after.kind) for change in diff.type_changed] == [("file", "link")]
    assert [(change.before.path, change.after.path) for change in diff.renamed] == [
        (b"moved/name.py", b"elsewhere/name.py")
    ]
    assert diff.paths == (
        *(b"edited", b"elsewhere", b"elsewhere/name.py", b"empty", b"gone", b"kind", b"link"),
        *(b"moved", b"moved/name.py", b"new", b"to", b"tool"),
    )


def test_equal_trees_differ_in_nothing(tmp_path: Path) -> None:
    diff = difference(tmp_path, {"a": "1"}, {"a": "1"})

    assert diff.empty
    assert diff.unified() == ""


def test_a_rename_prefers_the_same_file_name(tmp_path: Path) -> None:
    diff = difference(tmp_path, {"a/one": "x", "a/two": "x"}, {"b/two": "x", "b/six": "x"})

    pairs = [(change.before.path, change.after.path) for change in diff.renamed]
    assert pairs == [(b"a/one", b"b/six"), (b"a/two", b"b/two")]


def test_the_unified_diff_reads_like_one_of_git(tmp_path: Path) -> None:
    notes = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n"
    before = {"notes.md": notes, "gone": "x", "data.bin": b"\0\1", "old name": "same\n"}
    after = {"notes.md": notes.replace("three", "THREE"), "data.bin": b"\0\2", "caf\u00e9": "same\n"}

    diff = difference(tmp_path, before, after)

    assert diff.unified() == (
        'diff --git a/old name "b/caf\\303\\251"\n'
        'similarity index 100%\nrename from old name\nrename to "caf\\303\\251"\n'
        "diff --git a/data.bin b/data.bin\nBinary files a/data.bin and b/data.bin differ\n"
        "diff --git a/gone b/gone\ndeleted file mode 100644\n"
        "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n"
        "diff --git a/notes.md b/notes.md\n--- a/notes.md\n+++ b/notes.md\n"
        "@@ -1,6 +1,6 @@\n one\n two\n-three\n+THREE\n four\n five\n six\n"
    )


LINES = st.lists(st.sampled_from(["a", "b", "", "c c", "\r", "\x0c", "\u2028", "-- x"]), max_size=14)
TEXTS = st.tuples(LINES, st.sampled_from(["", "\n"])).map(lambda pair: "\n".join(pair[0]) + pair[1])
# On a disk the syncs of so many small stores would take longer than everything else.
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
GIT_ENV = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
NAMES = st.sampled_from(["a", "b/c", "b/d e", "-x", 'q"uote', "t\tab", "n\nl", "\u00e9", "z\udcff"])
FOLDERS = st.dictionaries(NAMES, st.tuples(TEXTS, st.booleans()), max_size=4)


def make(folder: Path, files: dict[str, tuple[str, bool]]) -> None:
    folder.mkdir()
    for name, (text, executable) in files.items():
        write(folder, {name: text})
        (folder / name).chmod(0o755 if executable else 0o644)


@settings(max_examples=40, deadline=None)
@given(FOLDERS, FOLDERS)
def test_git_applies_the_diff_and_gets_the_other_tree(
    before: dict[str, tuple[str, bool]], after: dict[str, tuple[str, bool]]
) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as scratch:
        base = Path(scratch)
        store = TreeStore(base / "store")
        make(base / "before", before)
        make(base / "after", after)
        diff = store.diff(store.snapshot(base / "before"), store.snapshot(base / "after"))

        text = diff.unified()
        if text:
            subprocess.run(
                ["git", "apply", "--whitespace=nowarn", "-"],
                cwd=base / "before",
                input=text.encode("utf-8", "surrogateescape"),
                env={**GIT_ENV, "GIT_CEILING_DIRECTORIES": scratch},
                capture_output=True,
                check=True,
            )

        patched, wanted = (store.load(store.snapshot(base / place)).entries for place in ("before", "after"))
        assert [e for e in patched if e.kind == "file"] == [e for e in wanted if e.kind == "file"]


@pytest.mark.parametrize("context", [0, 1, 3, 50])
def test_hunks_are_split_where_their_context_does_not_meet(tmp_path: Path, context: int) -> None:
    old = [f"line {number}" for number in range(40)]
    new = [f"LINE {number}" if number in (3, 11, 30) else f"line {number}" for number in range(40)]

    diff = difference(tmp_path, {"f": "\n".join(old) + "\n"}, {"f": "\n".join(new) + "\n"})

    hunks = [line for line in diff.unified(context=context).splitlines() if line.startswith("@@")]
    assert (
        hunks
        == {
            0: ["@@ -4 +4 @@", "@@ -12 +12 @@", "@@ -31 +31 @@"],
            1: ["@@ -3,3 +3,3 @@", "@@ -11,3 +11,3 @@", "@@ -30,3 +30,3 @@"],
            3: ["@@ -1,7 +1,7 @@", "@@ -9,7 +9,7 @@", "@@ -28,7 +28,7 @@"],
            50: ["@@ -1,40 +1,40 @@"],
        }[context]
    )


def test_a_file_made_to_be_slow_to_compare_is_replaced_as_a_whole(tmp_path: Path) -> None:
    seeded = random.Random(5)
    before, after = ("".join(seeded.choices(["x\n", "y\n"], k=count)) for count in (200_000, 200_001))
    started = time.monotonic()

    text = difference(tmp_path, {"f": before}, {"f": after}).unified()

    assert time.monotonic() - started < 20
    assert text.count("\n-") + text.count("\n+") > 399_900


def test_a_large_file_is_noted_and_not_compared(tmp_path: Path) -> None:
    diff = difference(tmp_path, {"f": "x" * 1_100_000}, {"f": "y" * 1_100_000})

    assert diff.unified() == "diff --git a/f b/f\nBinary files a/f and b/f differ\n"
