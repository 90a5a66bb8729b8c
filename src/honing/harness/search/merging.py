"""Joining two candidates without an agent: what each changed since their common ancestor, in one tree."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from honing.store import Entry, EntryKind, TreeId, TreeStore, line_operations, text_lines

_TEXT_BYTES = 1 << 20
"""Larger files are taken whole from one side."""

_Entries = dict[bytes, Entry]


@dataclass(frozen=True, slots=True)
class Merged:
    """Two trees, joined."""

    tree: TreeId
    conflicts: tuple[bytes, ...]
    """Paths that both had changed in ways that do not go together; they are as in the first of the two."""


def merge_trees(trees: TreeStore, base: TreeId, ours: TreeId, theirs: TreeId) -> Merged:
    """Apply what the second tree changed to the first.

    A path that only one side changed is as that side left it. Text that both changed is joined line by line
    where the changes do not touch the same lines. Everything else is as in the first tree.

    Args:
        trees: Where all three lie, and the result will.
        base: What both were made from, at some remove.
        ours: The first tree.
        theirs: The second.

    Raises:
        StoreError: A tree or a content is missing or damaged.
    """
    sides = [{entry.path: entry for entry in trees.load(tree).entries} for tree in (base, ours, theirs)]
    merge = _Merge(trees.read, *sides)
    merge.run()
    tree = trees.compose(merge.entries.values(), merge.contents)
    return Merged(tree, tuple(sorted(merge.conflicts)))


class _Merge:
    """One three-way merge of entries."""

    def __init__(
        self, read: Callable[[Entry], bytes], base: _Entries, ours: _Entries, theirs: _Entries
    ) -> None:
        self._read = read
        self._base, self._ours, self._theirs = base, ours, theirs
        self.entries: _Entries = {}
        self.contents: dict[bytes, bytes] = {}
        self.conflicts: set[bytes] = set()

    def run(self) -> None:
        for path in sorted(self._base.keys() | self._ours.keys() | self._theirs.keys()):
            chosen = self._chosen(path)
            if chosen is not None:
                self.entries[path] = chosen
        for path in sorted(self.entries):
            if not self._stands(path):
                self.conflicts.add(path)
                del self.entries[path]
                self.contents.pop(path, None)

    def _chosen(self, path: bytes) -> Entry | None:
        """What stands at a path afterwards; None for nothing."""
        base, ours, theirs = (side.get(path) for side in (self._base, self._ours, self._theirs))
        if theirs in (base, ours):
            return ours
        if ours == base:
            return theirs
        if base is not None and ours is not None and theirs is not None:
            joined = self._joined(base, ours, theirs)
            if joined is not None:
                return joined
        self.conflicts.add(path)
        return ours

    def _joined(self, base: Entry, ours: Entry, theirs: Entry) -> Entry | None:
        """A file that both changed, with both changes; None where that is not possible."""
        if not base.kind == ours.kind == theirs.kind == EntryKind.FILE:
            return None
        mode = ours.mode if theirs.mode == base.mode else theirs.mode
        if theirs.mode not in (base.mode, ours.mode) and ours.mode != base.mode:
            return None
        if theirs.content in (base.content, ours.content):
            return replace(ours, mode=mode)
        if ours.content == base.content:
            return replace(theirs, mode=mode)
        texts = [_text(entry, self._read) for entry in (base, ours, theirs)]
        lines = [text_lines(text) for text in texts if text is not None]
        found = merge_lines(*lines) if len(lines) == len(texts) else None
        if found is None:
            return None
        self.contents[ours.path] = "".join(found).encode()
        return replace(ours, mode=mode)

    def _stands(self, path: bytes) -> bool:
        """Whether what a path lies in is a folder, made anew where only the first tree had removed it."""
        parent = posixpath.dirname(path)
        if not parent:
            return True
        at = self.entries.get(parent)
        if at is None:
            if not self._stands(parent):
                return False
            at = self.entries[parent] = self._folder(parent)
        return at.kind is EntryKind.FOLDER

    def _folder(self, path: bytes) -> Entry:
        known = (self._theirs.get(path), self._base.get(path))
        found = (entry for entry in known if entry is not None and entry.kind is EntryKind.FOLDER)
        return next(found, Entry(path, EntryKind.FOLDER, 0o755))


def merge_lines(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """Both changes to the same lines of text; None where they touch the same lines differently."""
    edits = sorted({*_edits(base, ours), *_edits(base, theirs)})
    merged: list[str] = []
    at = 0
    previous: tuple[int, int] | None = None
    for start, stop, lines in edits:
        # Two insertions at one place have no order; a change of a line and one before it do.
        if previous is not None and (start < previous[1] or (start, stop) == previous):
            return None
        merged += [*base[at:start], *lines]
        at, previous = stop, (start, stop)
    return [*merged, *base[at:]]


def _edits(base: list[str], changed: list[str]) -> set[tuple[int, int, tuple[str, ...]]]:
    """Ranges of the base that were replaced, and by what."""
    return {
        (start, stop, tuple(changed[first:last]))
        for tag, start, stop, first, last in line_operations(base, changed)
        if tag != "equal"
    }


def _text(entry: Entry, read: Callable[[Entry], bytes]) -> str | None:
    if entry.kind is not EntryKind.FILE or entry.size > _TEXT_BYTES:
        return None
    payload = read(entry)
    try:
        return None if b"\0" in payload else payload.decode("utf-8")
    except UnicodeDecodeError:
        return None
