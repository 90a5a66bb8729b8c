"""The parts of a change, and the trees with some of them taken back."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honing.harness.hunks import PartKind, Parts
from honing.store import TreeId, TreeStore

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
Written = bytes | tuple[str, str] | tuple[bytes, int] | None
"""A file's bytes; a link; bytes and mode; an empty folder."""


def made(store: TreeStore, folder: Path, files: Mapping[str, Written]) -> TreeId:
    folder.mkdir(parents=True)
    for name, what in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if what is None:
            path.mkdir(exist_ok=True)
        elif isinstance(what, bytes):
            path.write_bytes(what)
        elif isinstance(what[0], str):
            os.symlink(str(what[1]), path)  # noqa: PTH211
        else:
            path.write_bytes(what[0])
            path.chmod(int(what[1]))
    return store.snapshot(folder)


def parts_of(
    tmp_path: Path, before: Mapping[str, Written], after: Mapping[str, Written], most: int = 50
) -> Parts:
    store = TreeStore(tmp_path / "trees")
    return Parts(store, made(store, tmp_path / "a", before), made(store, tmp_path / "b", after), most=most)


TEN = b"".join(b"line %d\n" % n for n in range(10))

CASES = [
    ({"a": TEN}, {"a": TEN.replace(b"line 1\n", b"one\n").replace(b"line 8\n", b"eight\n")},
     ["a: line 2 (+1 -1)", "a: line 9 (+1 -1)"]),
    ({"a": TEN}, {"a": TEN.replace(b"line 4\n", b"four\n").replace(b"line 6\n", b"six\n")},
     ["a: lines 5-7 (+2 -2)"]),
    ({"a": b"1"}, {"a": b"1", "n/b": b"2"}, ["n/b: added"]),
    ({"a": b"1", "n/b": b"2"}, {"a": b"1"}, ["n/b: removed"]),
    ({"a": b"same"}, {"b": b"same"}, ["a renamed to b"]),
    ({"a": b"\xff\x00"}, {"a": b"\xfe\x00"}, ["a: another content"]),
    ({"a": (b"x", 0o644)}, {"a": (b"x", 0o755)}, ["a: another mode"]),
    ({"a": (b"x\n", 0o644)}, {"a": (b"y\n", 0o755)}, ["a: another mode", "a: line 1 (+1 -1)"]),
    ({"a": b"x", "l": ("link", "a")}, {"a": b"x", "l": ("link", "b")}, ["l: another content"]),
    ({"a": b"x"}, {"a/b": b"x", "a/c": b"y"}, ["a: became something else"]),
    ({"a/b": b"x", "a/c": b"y"}, {"a": b"z"}, ["a: became something else"]),
    ({"a": b"x"}, {"a": b"x", "e/f": None}, ["e: added", "e/f: added"]),
    ({"x": b"moved", "a": b"q"}, {"a/b": b"moved"}, ["a: became something else", "x: removed"]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "summaries"), CASES, ids=[str(case[2]) for case in CASES])
def test_a_change_is_split_where_it_can_be(
    tmp_path: Path, before: Mapping[str, Written], after: Mapping[str, Written], summaries: list[str]
) -> None:
    assert [part.summary for part in parts_of(tmp_path, before, after).all] == summaries


@pytest.mark.parametrize(("before", "after", "summaries"), CASES, ids=[str(case[2]) for case in CASES])
def test_nothing_taken_back_is_the_end_and_everything_the_start(
    tmp_path: Path, before: Mapping[str, Written], after: Mapping[str, Written], summaries: list[str]
) -> None:
    store = TreeStore(tmp_path / "trees")
    start, end = made(store, tmp_path / "a", before), made(store, tmp_path / "b", after)
    parts = Parts(store, start, end, most=50)

    assert parts.without(()) == end
    assert parts.without([part.id for part in parts.all]) == start


def test_one_run_of_lines_is_taken_back_and_the_other_stays(tmp_path: Path) -> None:
    first, both = (
        TEN.replace(b"line 1\n", b"one\n"),
        TEN.replace(b"line 1\n", b"one\n").replace(b"line 8\n", b""),
    )
    store = TreeStore(tmp_path / "trees")
    start, end = made(store, tmp_path / "a", {"a": TEN}), made(store, tmp_path / "b", {"a": both})
    wanted = made(store, tmp_path / "c", {"a": first})
    parts = Parts(store, start, end, most=50)

    assert parts.without([parts.all[1].id]) == wanted
    assert parts.all[1].text == "-line 8"


def test_parts_are_joined_by_file_before_they_are_joined_by_folder(tmp_path: Path) -> None:
    before = {"x/a": TEN, "x/b": b"1\n", "y": b"1\n"}
    after = {"x/a": TEN.replace(b"line 1\n", b"").replace(b"line 8\n", b""), "x/b": b"2\n", "y": b"2\n"}

    assert [part.summary for part in parts_of(tmp_path / "1", before, after, most=3).all] == [
        "2 changes in x/a",
        "x/b: line 1 (+1 -1)",
        "y: line 1 (+1 -1)",
    ]
    assert [part.summary for part in parts_of(tmp_path / "2", before, after, most=2).all] == [
        "3 changes in 2 paths from x/a",
        "y: line 1 (+1 -1)",
    ]
    assert [part.summary for part in parts_of(tmp_path / "3", before, after, most=1).all] == [
        "4 changes in 3 paths from x/a"
    ]


CONTENT = st.one_of(
    st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d"]), max_size=8).map(b"".join),
    st.sampled_from([b"\xff\x00", b""]),
)
WRITTEN = st.one_of(
    CONTENT,
    st.none(),
    st.tuples(CONTENT, st.sampled_from([0o644, 0o755])),
    st.tuples(st.just("link"), st.sampled_from(["a", "d/x", "nowhere"])),
)
TREES = st.dictionaries(
    st.sampled_from(["a", "b", "d/x", "d/y", "d/e/z", "f/x"]), WRITTEN, max_size=5
).flatmap(
    lambda files: st.sampled_from(
        [
            files,
            {
                ("d" if name == "d/x" else name): what
                for name, what in files.items()
                if not name.startswith("d/") or name == "d/x"
            },
        ]
    )
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TREES, TREES)
def test_any_subset_can_be_taken_back_and_the_ends_are_exact(
    before: Mapping[str, Written], after: Mapping[str, Written]
) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        store = TreeStore(Path(folder, "trees"))
        start, end = made(store, Path(folder, "a"), before), made(store, Path(folder, "b"), after)
        parts = Parts(store, start, end, most=8)
        names = [part.id for part in parts.all]

        assert parts.without(()) == end
        assert parts.without(names) == start
        for chosen in itertools.islice(itertools.combinations(names, 2), 6):
            rest = [name for name in names if name not in chosen]
            store.materialise(parts.without(chosen), Path(folder, "-".join(chosen)))
            assert store.verify(parts.without(rest)).ok


def test_a_part_is_of_the_kind_it_looks_like(tmp_path: Path) -> None:
    parts = parts_of(tmp_path, {"a": b"1\n", "b": b"2"}, {"a": b"2\n", "c": b"3"})

    assert [(part.kind, part.paths) for part in parts.all] == [
        (PartKind.LINES, ("a",)),
        (PartKind.REMOVED, ("b",)),
        (PartKind.ADDED, ("c",)),
    ]
