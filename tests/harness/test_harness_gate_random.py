"""What holds of the gate for any two folders."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judged_folders import made_project

from honing.harness.candidate import Outcome
from honing.harness.gate import Refusal, gate
from honing.harness.project import Rules, Scope
from honing.store import Entry, EntryKind, TreeId, TreeStore

IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
MANY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RULES = Rules(scope=(Scope("in"), Scope("*.md"), Scope("both/one")), required=("in/needed",))
NAMES = st.sampled_from(
    ["in", "out", "both", "one", "a.md", "b.md", "x", "\u0410", "\udcff", ".venv", ".honing"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
THINGS = st.one_of(
    st.binary(max_size=6),
    st.tuples(st.just("link"), st.sampled_from(["x", "../x", "../../x", "/etc", "in/one", "../in/.."])),
    st.just("pipe"),
    st.just("folder"),
)
Thing = bytes | tuple[str, str] | str
FOLDERS = st.dictionaries(PATHS, THINGS, max_size=8).map(lambda found: {"in/needed": b"1", **found})


def tree_of(store: TreeStore, things: Mapping[str, Thing]) -> TreeId:
    """A tree of these things; what lies below something that is no folder is left out."""
    entries: dict[bytes, Entry] = {}
    contents: dict[bytes, bytes] = {}
    for name in sorted(things, key=lambda name: name.count("/")):
        path = name.encode("utf-8", "surrogateescape")
        above = [b"/".join(path.split(b"/")[:n]) for n in range(1, path.count(b"/") + 1)]
        if any(entries.get(one, Entry(one, EntryKind.FOLDER)).kind is not EntryKind.FOLDER for one in above):
            continue
        for one in above:
            entries.setdefault(one, Entry(one, EntryKind.FOLDER, 0o755))
        if path in entries:
            continue
        entries[path], payload = _entry(path, things[name])
        if payload is not None:
            contents[path] = payload
    return store.compose(entries.values(), contents)


def _entry(path: bytes, thing: Thing) -> tuple[Entry, bytes | None]:
    if isinstance(thing, bytes):
        return Entry(path, EntryKind.FILE, 0o644), thing
    if thing == "folder":
        return Entry(path, EntryKind.FOLDER, 0o755), None
    if thing == "pipe":
        return Entry(path, EntryKind.SPECIAL, 0, "fifo"), None
    return Entry(path, EntryKind.LINK, 0, "", 0, thing[1].encode()), None


def verdict(before: Mapping[str, Thing], after: Mapping[str, Thing], rules: Rules = RULES) -> Refusal | None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        store = TreeStore(Path(folder))
        old, new = tree_of(store, before), tree_of(store, after)
        return gate(made_project(rules), store.load(old), store.load(new), store.diff(old, new), store.read)


def in_scope(name: str) -> bool:
    return (
        name.split("/")[0] == "in" or name.split("/")[0].endswith(".md") or f"{name}/".startswith("both/one/")
    )


def is_transient(name: str) -> bool:
    return ".venv" in name.split("/")


@MANY
@given(FOLDERS)
def test_a_folder_that_did_not_change_is_no_change(things: Mapping[str, Thing]) -> None:
    found = verdict(things, things)

    assert found is not None
    assert found.outcome is Outcome.NO_CHANGE


@MANY
@given(FOLDERS, FOLDERS)
def test_a_plain_file_outside_the_scope_never_passes(
    before: Mapping[str, Thing], after: Mapping[str, Thing]
) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        store = TreeStore(Path(folder))
        sides = [{e.name: e for e in store.load(tree_of(store, side)).entries} for side in (before, after)]
    outside = [
        name
        for name in sides[0].keys() | sides[1].keys()
        if sides[0].get(name) != sides[1].get(name)
        and EntryKind.FILE in {side[name].kind for side in sides if name in side}
        and not in_scope(name)
        and not is_transient(name)
    ]

    found = verdict(before, after)

    if outside:
        assert found is not None
        assert found.outcome in (Outcome.TAMPERED, Outcome.SCOPE_VIOLATION)


@MANY
@given(
    FOLDERS, st.dictionaries(st.sampled_from(["in/a", "in/b/c", "n.md", "both/one"]), st.binary(max_size=4))
)
def test_plain_files_within_the_scope_always_pass(
    before: Mapping[str, Thing], written: Mapping[str, bytes]
) -> None:
    quiet = {
        name: what for name, what in before.items() if isinstance(what, bytes) and name not in ("in", "both")
    }
    kept = {
        name: what
        for name, what in quiet.items()
        if not any(f"{w}/".startswith(f"{name}/") or name.startswith(f"{w}/") for w in written)
    }

    found = verdict(kept, {**kept, **written})

    assert found is None or found.outcome is Outcome.NO_CHANGE


@MANY
@given(FOLDERS, FOLDERS, st.sampled_from([".venv/x", "in/.venv/y", "out/__pycache__/z.pyc", "q.pyc"]))
def test_transient_files_never_change_the_verdict(
    before: Mapping[str, Thing], after: Mapping[str, Thing], transient: str
) -> None:
    below = {name for name in after if transient.startswith(f"{name}/")}
    after = {name: what for name, what in after.items() if name not in below}
    opened = {**after, **{"/".join(transient.split("/")[:1]): "folder"}} if "/" in transient else after

    assert verdict(before, {**opened, transient: b"1"}) == verdict(before, opened)


@MANY
@given(FOLDERS, FOLDERS)
def test_a_pipe_or_a_link_to_the_machine_never_passes(
    before: Mapping[str, Thing], after: Mapping[str, Thing]
) -> None:
    plain = {name: what for name, what in before.items() if isinstance(what, bytes)}
    free = {name: what for name, what in after.items() if not name.startswith("trap")}

    pipe = verdict(plain, {**free, "trap": "pipe"})
    link = verdict(plain, {**free, "trap": ("link", "/etc/passwd")})

    assert [one.outcome for one in (pipe, link) if one] == [Outcome.TAMPERED, Outcome.TAMPERED]


@pytest.mark.parametrize("count", [1, 40], ids=["one", "as many as a system follows"])
def test_a_chain_of_links_is_followed_to_its_end(count: int) -> None:
    before = {"in/needed": b"1"}
    chain = {f"in/l{n}": ("link", f"l{n + 1}") for n in range(count)}

    found = verdict(before, {**before, **chain, f"in/l{count}": ("link", "../../x")})

    assert found is not None
    assert found.outcome is Outcome.TAMPERED
