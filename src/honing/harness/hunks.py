"""The parts of a candidate's changes, each of which can be taken back without the others.

A part is a run of changed lines of one file, or something that cannot be split: a file that came, went, moved
or got another mode, a file that is no text, a link, a path that became something else together with
everything below it.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from honing.sandbox import sanitise
from honing.store import Entry, EntryKind, Tree, TreeId, TreeStore, line_operations, text_lines

_APART = 2
"""Runs of changed lines with this many equal lines between them, or fewer, are one part."""
_TEXT_BYTES = 1 << 20
_SHOWN_LINES = 40

_Operation = tuple[str, int, int, int, int]
_Files = dict[bytes, Entry]


class PartKind(StrEnum):
    """What a part is. Exactly one holds; several parts joined are named after the first."""

    LINES = "lines"
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CONTENT = "content"
    """Another content of a file that is no text, or another target of a link."""
    MODE = "mode"
    TYPE = "type"
    """A path that became something else, with everything below it."""


@dataclass(frozen=True, slots=True)
class _Atom:
    """The smallest part."""

    kind: PartKind
    paths: tuple[bytes, ...]
    operations: tuple[_Operation, ...] = ()
    """Of a part of kind `lines`: the changed ranges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that can be taken back on its own."""

    id: str
    """`p1`, `p2` ... in the order of paths and lines."""
    kind: PartKind
    paths: tuple[str, ...]
    """Sanitised."""
    summary: str
    """What it is, in a few words."""
    text: str
    """Its lines as a diff has them, bounded and sanitised; empty where it has none."""
    atoms: tuple[int, ...]


class Parts:
    """The parts of the way from one tree to another, and the trees on the way.

    Args:
        trees: Holds both.
        before: Where the changes start, such as the baseline.
        after: Where they lead to, such as the winner.
        most: Parts at most; where there are more, those of one file, then of one folder, are joined.
    """

    def __init__(self, trees: TreeStore, before: TreeId, after: TreeId, *, most: int) -> None:
        self._trees = trees
        self._before, self._after = trees.load(before), trees.load(after)
        self._old, self._new = _files(self._before), _files(self._after)
        self._all = tuple(
            {entry.path: entry for entry in tree.entries} for tree in (self._before, self._after)
        )
        self._lines: dict[bytes, tuple[list[str], list[str]]] = {}
        self._atoms = list(self._found())
        self.all = self._joined(most)

    def without(self, taken_back: Collection[str]) -> TreeId:
        """The tree that has every change but those of some parts.

        Args:
            taken_back: Ids of parts.

        Raises:
            StoreError: A content is missing or damaged.
        """
        back = {number for part in self.all if part.id in taken_back for number in part.atoms}
        files = dict(self._new)
        contents: dict[bytes, bytes] = {}
        for number in sorted(back):
            atom = self._atoms[number]
            if atom.kind not in (PartKind.LINES, PartKind.MODE):
                _put_back(files, self._old, atom.paths)
        for path in self._lines:
            mine = [atom for n, atom in enumerate(self._atoms) if n in back and atom.paths == (path,)]
            if any(atom.kind is PartKind.LINES for atom in mine):
                contents[path] = self._text_without(path, mine)
        for number in back:
            if self._atoms[number].kind is PartKind.MODE:
                (path,) = self._atoms[number].paths
                files[path] = replace(files[path], mode=self._old[path].mode)
        return self._trees.compose([*self._folders(files, back), *files.values()], contents)

    def _text_without(self, path: bytes, taken_back: Sequence[_Atom]) -> bytes:
        """A file in which some changed ranges are as they were."""
        old, new = self._lines[path]
        kept_old = {operation for atom in taken_back for operation in atom.operations}
        text: list[str] = []
        for operation in line_operations(old, new):
            _, a, b, c, d = operation
            text += old[a:b] if operation in kept_old else new[c:d]
        return "".join(text).encode()

    def _folders(self, files: _Files, back: Collection[int]) -> list[Entry]:
        """The folders that a tree of these files has: those of both sides, those that came or went by
        themselves, and whatever lies above something."""
        old, new = _folders_of(self._before), _folders_of(self._after)
        wanted = old.keys() & new.keys()
        for number, atom in enumerate(self._atoms):
            wanted |= {path for path in atom.paths if path in (old if number in back else new)}
        for path in [*files, *wanted]:
            wanted |= set(_above(path))
        as_before = {
            path
            for number in back
            if self._atoms[number].kind is PartKind.MODE
            for path in self._atoms[number].paths
        }
        return [old[path] if path in as_before or path not in new else new[path] for path in sorted(wanted)]

    def _found(self) -> Iterator[_Atom]:
        """Every atom, by path and line."""
        diff = self._trees.diff(self._before.id, self._after.id)
        tops = [change.after.path for change in diff.type_changed]
        found = [
            _Atom(PartKind.TYPE, tuple(path for path in diff.paths if _inside(path, [top])))
            for top in tops
            if not any(_inside(top, [other]) for other in tops if other != top)
        ]
        taken = {path for atom in found for path in atom.paths}
        for change in diff.renamed:
            pair = (change.before.path, change.after.path)
            if not taken & set(pair):
                found.append(_Atom(PartKind.RENAMED, pair))
                taken |= set(pair)
        changed = {change.after.path for change in diff.changed}
        modes = {change.after.path for change in diff.mode_changed}
        for path in diff.paths:
            if path not in taken:
                found += self._of_path(path, changed=path in changed, mode=path in modes)
        yield from sorted(found, key=_position)

    def _of_path(self, path: bytes, *, changed: bool, mode: bool) -> Iterator[_Atom]:
        old, new = self._all[0].get(path), self._all[1].get(path)
        if old is None or new is None:
            kind = PartKind.ADDED if old is None else PartKind.REMOVED
            folder = (new or old or Entry(path, EntryKind.FILE)).kind is EntryKind.FOLDER
            # A folder with something in it comes and goes with that.
            if not folder or not any(other.startswith(path + b"/") for other in (*self._old, *self._new)):
                yield _Atom(kind, (path,))
            return
        if mode:
            yield _Atom(PartKind.MODE, (path,))
        if changed:
            sides = [self._text(entry) for entry in (old, new)]
            if sides[0] is None or sides[1] is None:
                yield _Atom(PartKind.CONTENT, (path,))
                return
            lines = (text_lines(sides[0]), text_lines(sides[1]))
            self._lines[path] = lines
            for run in _runs(line_operations(*lines)):
                yield _Atom(PartKind.LINES, (path,), run)

    def _text(self, entry: Entry) -> str | None:
        """A file as text that encodes back to the same bytes; None where there is no such."""
        if entry.kind is not EntryKind.FILE or entry.size > _TEXT_BYTES:
            return None
        try:
            return self._trees.read(entry).decode("utf-8")
        except UnicodeDecodeError:
            return None

    def _joined(self, most: int) -> tuple[Part, ...]:
        """Atoms as parts, joined by file and then by folder until there are few enough."""
        groups: list[tuple[int, ...]] = [(number,) for number in range(len(self._atoms))]
        for depth in (None, 1):
            if len(groups) > most:
                groups = _grouped(groups, [_key(self._atoms[group[0]], depth) for group in groups], most)
        if len(groups) > most:
            groups = [*groups[: most - 1], tuple(number for group in groups[most - 1 :] for number in group)]
        return tuple(self._part(f"p{number}", group) for number, group in enumerate(groups, start=1))

    def _part(self, identity: str, numbers: tuple[int, ...]) -> Part:
        atoms = [self._atoms[number] for number in numbers]
        paths = tuple(
            dict.fromkeys(
                sanitise(path.decode("utf-8", "backslashreplace")) for atom in atoms for path in atom.paths
            )
        )
        return Part(
            id=identity,
            kind=atoms[0].kind,
            paths=paths,
            summary=_summary(atoms, paths),
            text=self._shown(atoms),
            atoms=numbers,
        )

    def _shown(self, atoms: Sequence[_Atom]) -> str:
        lines = []
        for atom in atoms:
            for _, a, b, c, d in atom.operations:
                old, new = self._lines[atom.paths[0]]
                lines += [f"-{line}" for line in old[a:b]] + [f"+{line}" for line in new[c:d]]
        cut = [f"[... {len(lines) - _SHOWN_LINES} more lines ...]"] if len(lines) > _SHOWN_LINES else []
        return sanitise("\n".join([line.rstrip("\n") for line in lines[:_SHOWN_LINES]] + cut))


def _files(tree: Tree) -> _Files:
    """Everything that can be made again and is no folder."""
    return {entry.path: entry for entry in tree.entries if entry.kind in (EntryKind.FILE, EntryKind.LINK)}


def _folders_of(tree: Tree) -> _Files:
    return {entry.path: entry for entry in tree.entries if entry.kind is EntryKind.FOLDER}


def _put_back(files: _Files, old: Mapping[bytes, Entry], paths: Sequence[bytes]) -> None:
    for path in paths:
        files.pop(path, None)
    for path in paths:
        if path in old:
            files[path] = old[path]


def _runs(operations: Sequence[_Operation]) -> Iterator[tuple[_Operation, ...]]:
    """Changed ranges, those with few equal lines between them together."""
    run: list[_Operation] = []
    for operation in operations:
        if operation[0] != "equal":
            run.append(operation)
        elif run and operation[2] - operation[1] > _APART:
            yield tuple(run)
            run = []
    if run:
        yield tuple(run)


def _inside(path: bytes, tops: Sequence[bytes]) -> bool:
    """Whether a path is one of these, or lies below one."""
    return any(path == top or path.startswith(top + b"/") for top in tops)


def _above(path: bytes) -> Iterator[bytes]:
    while path := posixpath.dirname(path):
        yield path


def _position(atom: _Atom) -> tuple[bytes, int]:
    return atom.paths[0], atom.operations[0][3] if atom.operations else -1


def _key(atom: _Atom, depth: int | None) -> bytes:
    """The path of an atom, or so many of its first names."""
    return b"/".join(atom.paths[0].split(b"/")[:depth])


def _grouped(groups: Sequence[tuple[int, ...]], keys: Sequence[bytes], most: int) -> list[tuple[int, ...]]:
    """Groups joined by key, those with the most groups first, until there are few enough."""
    counts = Counter(keys)
    left = len(groups)
    joined: set[bytes] = set()
    for key, count in sorted(counts.items(), key=lambda found: (-found[1], found[0])):
        if left <= most:
            break
        joined.add(key)
        left -= count - 1
    made: dict[tuple[bytes, int], tuple[int, ...]] = {}
    for number, (key, group) in enumerate(zip(keys, groups, strict=True)):
        place = (key, -1 if key in joined else number)
        made[place] = (*made.get(place, ()), *group)
    return list(made.values())


def _summary(atoms: Sequence[_Atom], paths: Sequence[str]) -> str:
    """What a part is, in a few words."""
    first = atoms[0]
    if len(atoms) > 1:
        where = paths[0] if len(paths) == 1 else f"{len(paths)} paths from {paths[0]}"
        return f"{len(atoms)} changes in {where}"
    if first.kind is PartKind.LINES:
        removed = sum(b - a for _, a, b, _, _ in first.operations)
        added = sum(d - c for *_, c, d in first.operations)
        start, end = first.operations[0][3] + 1, first.operations[-1][4]
        lines = f"line {start}" if end <= start else f"lines {start}-{end}"
        return f"{paths[0]}: {lines} (+{added} -{removed})"
    if first.kind is PartKind.RENAMED:
        return f"{paths[0]} renamed to {paths[-1]}"
    return f"{paths[0]}: {_WORDS[first.kind]}"


_WORDS = {
    PartKind.ADDED: "added",
    PartKind.REMOVED: "removed",
    PartKind.CONTENT: "another content",
    PartKind.MODE: "another mode",
    PartKind.TYPE: "became something else",
}
