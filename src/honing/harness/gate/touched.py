"""What a candidate touched, as two trees show it, without what is never part of a candidate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from honing.harness.project import Rules
from honing.store import Entry, EntryKind, Ignore, Tree, TreeDiff, ignoring

RESERVED = (".honing", ".metaharness")
"""Folders at the top in which we speak to agents and agents to us. No candidate changes anything there."""
MANIFEST = ".honing/change_manifest.json"
"""Where an agent writes what it changed and why."""
MANIFEST_BEFORE = ".metaharness/change_manifest.json"
"""The same in projects of the predecessor."""


@dataclass(frozen=True, slots=True)
class Touched:
    """One path that differs between two trees. A renamed file is two: one that went, one that came."""

    path: bytes
    before: Entry | None
    """None: it was not there."""
    after: Entry | None
    """None: it is gone."""
    holds_others: bool = False
    """Whether something below this path is touched as well."""

    @property
    def name(self) -> str:
        """The path as text."""
        entry = self.after or self.before
        assert entry is not None
        return entry.name

    @property
    def follows(self) -> bool:
        """Whether it is a folder that came or went with what is in it, which is judged by itself."""
        sides = [side for side in (self.before, self.after) if side is not None]
        return self.holds_others and len(sides) == 1 and sides[0].kind is EntryKind.FOLDER

    @property
    def has_new_content(self) -> bool:
        """Whether the candidate holds a file or link here with other content than before."""
        if self.after is None or self.after.kind not in (EntryKind.FILE, EntryKind.LINK):
            return False
        before = self.before
        same = before is not None and before.kind is self.after.kind
        return not (same and before is not None and _content(before) == _content(self.after))


def left_out(rules: Rules) -> tuple[str, ...]:
    """Patterns for `TreeStore.snapshot`: what is never part of a candidate, whoever wrote it.

    The rules' transient names, the change manifest, and the predecessor's folder, in which nothing but our
    own notes for the agent ever lies. The same patterns are for the baseline and for every candidate.
    """
    return (*rules.transient, f"/{MANIFEST}", f"/{RESERVED[1]}")


def touched(before: Tree, after: Tree, diff: TreeDiff, rules: Rules) -> list[Touched]:
    """Every path that differs, in order, what is left out not among them.

    Args:
        before: The parent.
        after: What the agent left.
        diff: Between the two.
        rules: Say what is transient. Snapshots are taken without it; here it holds also for trees that were
            not.
    """
    ignored = ignoring(left_out(rules))
    old = {entry.path: entry for entry in before.entries}
    new = {entry.path: entry for entry in after.entries}
    found = []
    for path in diff.paths:
        was, now = (_unless_left_out(entries.get(path), ignored) for entries in (old, new))
        if was != now:
            found.append(Touched(path, was, now))
    above = {folder for one in found for folder in _folders(one.path)}
    marked = [replace(one, holds_others=one.path in above) for one in found]
    return [one for one in marked if not _held_the_manifest(one)]


def _unless_left_out(entry: Entry | None, ignored: Ignore) -> Entry | None:
    if entry is None or ignored(entry.path, entry.kind):
        return None
    return None if any(ignored(folder, EntryKind.FOLDER) for folder in _folders(entry.path)) else entry


def _folders(path: bytes) -> Iterator[bytes]:
    """The folders above a path, the topmost first."""
    names = path.split(b"/")
    for count in range(1, len(names)):
        yield b"/".join(names[:count])


def _held_the_manifest(one: Touched) -> bool:
    """Whether it is one of our folders, empty: it stays behind when the change manifest is taken out."""
    sides = [side for side in (one.before, one.after) if side is not None]
    ours = one.path in {name.encode() for name in RESERVED}
    return ours and not one.holds_others and all(side.kind is EntryKind.FOLDER for side in sides)


def _content(entry: Entry) -> tuple[str, bytes]:
    return entry.content, entry.target
