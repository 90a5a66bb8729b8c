"""What changed between two trees, as lists and as a unified diff that `git apply` and `patch` understand."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from honing.store.trees.manifest import Entry, EntryKind, Tree

Read = Callable[[Entry], bytes]

_TEXT_BYTES = 1 << 20
"""Larger files are noted, not compared line by line."""
_COMPARED_PAIRS = 250_000
"""Pairs of equal lines, once common ends are cut, that are still compared; beyond it the part between counts
as replaced. A hostile file could otherwise make the comparison take hours."""


@dataclass(frozen=True, slots=True)
class Change:
    """One name in two states."""

    before: Entry
    after: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDiff:
    """The differences. A name is in one list; `mode_changed` may repeat those of `changed` and `renamed`."""

    added: tuple[Entry, ...] = ()
    removed: tuple[Entry, ...] = ()
    changed: tuple[Change, ...] = ()
    """Files with other bytes, links with another target."""
    mode_changed: tuple[Change, ...] = ()
    """Files and folders with other permission bits."""
    type_changed: tuple[Change, ...] = ()
    """A file that became a link, and the like."""
    renamed: tuple[Change, ...] = ()
    """Files whose content disappeared under one name and appeared under another; found by equal content."""
    read: Read = field(repr=False, compare=False)
    """Reads a stored file; only the text of the diff needs it."""

    @property
    def empty(self) -> bool:
        return not (
            self.added
            or self.removed
            or self.changed
            or self.mode_changed
            or self.type_changed
            or self.renamed
        )

    @property
    def paths(self) -> tuple[bytes, ...]:
        """Every path that differs, sorted."""
        alone = {entry.path for entry in (*self.added, *self.removed)}
        pairs = (*self.changed, *self.mode_changed, *self.type_changed, *self.renamed)
        return tuple(sorted(alone | {entry.path for pair in pairs for entry in (pair.before, pair.after)}))

    def unified(self, *, context: int = 3) -> str:
        """The changes of files and links as a unified diff.

        Folders have no lines of their own. Files that are no UTF-8 text, or larger than 1 MiB, are noted as
        binary. Bytes and names of hostile origin come through unaltered: escape before showing.

        Args:
            context: Unchanged lines around each change.

        Raises:
            StoreError: A content is missing or damaged.
        """
        pairs: list[tuple[Entry | None, Entry | None]] = [(None, entry) for entry in self.added]
        pairs += [(entry, None) for entry in self.removed]
        pairs += [(change.before, change.after) for change in (*self.changed, *self.renamed)]
        shown = {change.after.path for change in (*self.changed, *self.renamed)}
        pairs += [(c.before, c.after) for c in self.mode_changed if c.after.path not in shown]
        for change in self.type_changed:
            pairs += [(change.before, None), (None, change.after)]
        # A path that changes its type is removed before it is added again.
        pairs.sort(key=lambda pair: ((pair[1] or pair[0] or _NOTHING).path, pair[1] is not None))
        return "".join("".join(_file_diff(before, after, self.read, context)) for before, after in pairs)


_NOTHING = Entry(b"", EntryKind.FOLDER)


def compare(before: Tree, after: Tree, read: Read) -> TreeDiff:
    """The differences between two trees."""
    old = {entry.path: entry for entry in before.entries}
    new = {entry.path: entry for entry in after.entries}
    both = [Change(old[path], new[path]) for path in sorted(old.keys() & new.keys())]
    removed = [old[path] for path in sorted(old.keys() - new.keys())]
    added = [new[path] for path in sorted(new.keys() - old.keys())]
    renamed = _renamed(removed, added)
    same_kind = [change for change in both if change.before.kind is change.after.kind]
    return TreeDiff(
        added=_without(added, {change.after.path for change in renamed}),
        removed=_without(removed, {change.before.path for change in renamed}),
        changed=tuple(change for change in same_kind if _content(change.before) != _content(change.after)),
        mode_changed=tuple(
            change for change in (*same_kind, *renamed) if change.before.mode != change.after.mode
        ),
        type_changed=tuple(change for change in both if change.before.kind is not change.after.kind),
        renamed=tuple(renamed),
        read=read,
    )


def _renamed(removed: list[Entry], added: list[Entry]) -> list[Change]:
    """Pairs of equal, non-empty content; the same file name is preferred, then the order of paths."""
    waiting: dict[str, list[Entry]] = {}
    for entry in removed:
        if entry.kind is EntryKind.FILE and entry.size:
            waiting.setdefault(entry.content, []).append(entry)
    found: list[Change] = []
    for entry in added:
        sources = waiting.get(entry.content, []) if entry.kind is EntryKind.FILE else []
        if sources:
            name = entry.path.rpartition(b"/")[2]
            source = next((each for each in sources if each.path.rpartition(b"/")[2] == name), sources[0])
            sources.remove(source)
            found.append(Change(source, entry))
    return found


def _without(entries: list[Entry], paths: set[bytes]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.path not in paths)


def _content(entry: Entry) -> tuple[str, bytes]:
    return entry.content, entry.target


def _file_diff(before: Entry | None, after: Entry | None, read: Read, context: int) -> Iterator[str]:
    """The part of one file or link: header lines as git writes them, then hunks."""
    old, new = (_tracked(entry) for entry in (before, after))
    if old is None and new is None:
        return
    name_a, name_b = (
        _quoted(b"a/" + (old or new or _NOTHING).path),
        _quoted(b"b/" + (new or old or _NOTHING).path),
    )
    yield f"diff --git {name_a} {name_b}\n"
    if old is None and new is not None:
        yield f"new file mode {_git_mode(new)}\n"
    elif new is None and old is not None:
        yield f"deleted file mode {_git_mode(old)}\n"
    elif old is not None and new is not None:
        yield from _pair_header(old, new)
    if old is not None and new is not None and _content(old) == _content(new):
        return
    sides = [None if entry is None else _text(entry, read) for entry in (old, new)]
    names = ("/dev/null" if old is None else name_a, "/dev/null" if new is None else name_b)
    if any(text is None and entry is not None for text, entry in zip(sides, (old, new), strict=True)):
        yield f"Binary files {names[0]} and {names[1]} differ\n"
        return
    hunks = list(_hunks(text_lines(sides[0] or ""), text_lines(sides[1] or ""), context))
    if hunks:
        # A tab ends a name that holds a space, as git and patch expect it.
        yield f"--- {names[0]}{_tail(names[0])}\n+++ {names[1]}{_tail(names[1])}\n"
        yield from hunks


def _pair_header(old: Entry, new: Entry) -> Iterator[str]:
    if _git_mode(old) != _git_mode(new):
        yield f"old mode {_git_mode(old)}\nnew mode {_git_mode(new)}\n"
    if old.path != new.path:
        yield f"similarity index 100%\nrename from {_quoted(old.path)}\nrename to {_quoted(new.path)}\n"


def _tracked(entry: Entry | None) -> Entry | None:
    return entry if entry is not None and entry.kind in (EntryKind.FILE, EntryKind.LINK) else None


def _git_mode(entry: Entry) -> str:
    """The three modes a unified diff knows; finer permission bits are in the lists."""
    if entry.kind is EntryKind.LINK:
        return "120000"
    return "100755" if entry.mode & 0o100 else "100644"


def _text(entry: Entry, read: Read) -> str | None:
    """The text of a file or link; None where it is binary or too large."""
    if entry.kind is EntryKind.FILE and entry.size > _TEXT_BYTES:
        return None
    payload = entry.target if entry.kind is EntryKind.LINK else read(entry)
    try:
        return None if b"\0" in payload else payload.decode("utf-8")
    except UnicodeDecodeError:
        return None


def text_lines(text: str) -> list[str]:
    """Lines with their newline. Only a newline ends one: a form feed or line separator is a character."""
    parts = text.split("\n")
    return [f"{part}\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _hunks(old: list[str], new: list[str], context: int) -> Iterator[str]:
    for group in _groups(line_operations(old, new), context):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from (_line(" ", line) for line in old[a:b])
            else:
                yield from (_line("-", line) for line in old[a:b])
                yield from (_line("+", line) for line in new[c:d])


_Operation = tuple[str, int, int, int, int]


def line_operations(old: list[str], new: list[str]) -> list[_Operation]:
    """How one list of lines becomes another: tag (equal, replace, delete, insert) and both ranges, as
    `difflib` gives them.

    Common ends are cut first: what is left is what the quadratic comparison costs. Where it would cost too
    much, all that is left counts as replaced.
    """
    shorter = min(len(old), len(new))
    head = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    tail = next((n for n in range(shorter - head) if old[-1 - n] != new[-1 - n]), shorter - head)
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    inner: list[_Operation]
    if _equal_pairs(a, b) > _COMPARED_PAIRS:
        inner = [("replace", 0, len(a), 0, len(b))]
    else:
        inner = list(difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes())
    moved = [(tag, i + head, j + head, k + head, m + head) for tag, i, j, k, m in inner]
    start = [("equal", 0, head, 0, head)] if head else []
    end = [("equal", len(old) - tail, len(old), len(new) - tail, len(new))] if tail else []
    return [*start, *moved, *end]


def _equal_pairs(old: list[str], new: list[str]) -> int:
    counts = Counter(new)
    return sum(counts[line] for line in old)


def _groups(operations: list[_Operation], context: int) -> Iterator[list[_Operation]]:
    """Operations with at most `context` equal lines around each, split where more lie between them."""
    group: list[_Operation] = []
    for index, (tag, a, b, c, d) in enumerate(operations):
        if tag != "equal":
            group.append((tag, a, b, c, d))
            continue
        keep_before = context if group else 0
        keep_after = context if index + 1 < len(operations) else 0
        if group and b - a <= keep_before + keep_after:
            group.append((tag, a, b, c, d))
            continue
        if group:
            yield [*group, (tag, a, a + keep_before, c, c + keep_before)]
        kept = min(keep_after, b - a)
        group = [(tag, b - kept, b, d - kept, d)]
    if any(tag != "equal" for tag, *_ in group):
        yield group


def _range(start: int, stop: int) -> str:
    length = stop - start
    first = start + 1 if length else start
    return str(first) if length == 1 else f"{first},{length}"


def _line(mark: str, line: str) -> str:
    return f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"


def _quoted(path: bytes) -> str:
    """A path as git writes it: in quotes with octal escapes where it holds anything unusual."""
    if all(0x20 <= byte < 0x7F and byte not in b'"\\' for byte in path):
        return path.decode("ascii")
    short = {0x07: "\\a", 0x08: "\\b", 0x09: "\\t", 0x0A: "\\n", 0x0B: "\\v", 0x0C: "\\f", 0x0D: "\\r"}
    short |= {0x22: '\\"', 0x5C: "\\\\"}
    escaped = (short.get(b) or (chr(b) if 0x20 <= b < 0x7F else f"\\{b:03o}") for b in path)
    return f'"{"".join(escaped)}"'


def _tail(name: str) -> str:
    return "\t" if " " in name and not name.startswith('"') else ""
