"""What a tree is: the sorted entries of a folder, one line each, named by the hash of those lines."""

from __future__ import annotations

import hashlib
import posixpath
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType
from urllib.parse import quote_from_bytes, unquote_to_bytes

from honing.errors import StoreError

TreeId = NewType("TreeId", str)
"""SHA-256 of a tree's manifest, 64 hexadecimal digits."""

MANIFEST_HEADER = "honing-tree 1"
DEPTH = 200
"""Names in a path at most: each level of a folder being read or made holds a descriptor open."""
PERMISSIONS = 0o777
"""Mode bits that are kept. Set-user-id, set-group-id and sticky bits are dropped."""


class EntryKind(StrEnum):
    """What one entry is."""

    FILE = "file"
    LINK = "link"
    """A symbolic link, stored as its target text and never followed."""
    FOLDER = "folder"
    SPECIAL = "special"
    """A pipe, socket or device: its existence is recorded, it is never opened and never made again."""


_LETTERS = {EntryKind.FILE: "f", EntryKind.LINK: "l", EntryKind.FOLDER: "d", EntryKind.SPECIAL: "s"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a tree."""

    path: bytes
    """Relative to the tree, `/` between names; any bytes a file system allows."""
    kind: EntryKind
    mode: int = 0
    """Permission bits of a file or folder; 0 for the others."""
    content: str = ""
    """SHA-256 of a file's bytes; `fifo`, `socket` or `device` for a special entry; empty otherwise."""
    size: int = 0
    """Bytes of a file."""
    target: bytes = b""
    """Where a link points."""

    @property
    def name(self) -> str:
        """The path as text; bytes that are no UTF-8 are shown as escapes."""
        return shown(self.path)

    @property
    def escapes(self) -> bool:
        """Whether a link points outside the tree, read as text: absolute, or above the top."""
        if self.kind is not EntryKind.LINK:
            return False
        joined = posixpath.normpath(posixpath.join(posixpath.dirname(self.path), self.target))
        return self.target.startswith(b"/") or joined == b".." or joined.startswith(b"../")


@dataclass(frozen=True, slots=True)
class Tree:
    """A folder's content at one moment."""

    id: TreeId
    entries: tuple[Entry, ...]
    """Sorted by path bytes; a folder stands before what is in it."""

    @property
    def escaping_links(self) -> tuple[Entry, ...]:
        """Links that point outside. They are kept as they are: who follows one decides."""
        return tuple(entry for entry in self.entries if entry.escapes)

    @property
    def specials(self) -> tuple[Entry, ...]:
        """Pipes, sockets and devices that were found."""
        return tuple(entry for entry in self.entries if entry.kind is EntryKind.SPECIAL)

    @property
    def confusable(self) -> tuple[tuple[Entry, ...], ...]:
        """Groups of names that a reader, or a file system that ignores case, could take for one another."""
        groups: dict[str, list[Entry]] = {}
        for entry in self.entries:
            groups.setdefault(unicodedata.normalize("NFKC", entry.name).casefold(), []).append(entry)
        return tuple(tuple(group) for group in groups.values() if len(group) > 1)

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.size for entry in self.entries)


def shown(path: bytes) -> str:
    """A path for people and messages: always printable as UTF-8."""
    return path.decode("utf-8", "backslashreplace")


def make_tree(entries: Iterable[Entry]) -> tuple[Tree, bytes]:
    """The tree of these entries, and its manifest."""
    ordered = tuple(sorted(entries, key=lambda entry: entry.path))
    lines = [MANIFEST_HEADER, *(_line(entry) for entry in ordered)]
    manifest = "\n".join(lines).encode("ascii") + b"\n"
    return Tree(TreeId(hashlib.sha256(manifest).hexdigest()), ordered), manifest


def read_tree(tree: TreeId, manifest: bytes, *, where: str) -> Tree:
    """The tree a manifest describes.

    Raises:
        StoreError: The manifest is not the one the id names, or holds a path no snapshot would write.
    """
    found = hashlib.sha256(manifest).hexdigest()
    if found != tree:
        raise StoreError(
            f"{where}: the manifest of tree {tree} is damaged (its hash is {found}). "
            "Take the snapshot again, or restore the file from a copy."
        )
    lines = manifest.decode("ascii", "replace").split("\n")
    if lines[:1] != [MANIFEST_HEADER] or lines.pop() != "":
        raise StoreError(
            f"{where}: expected a manifest that starts with {MANIFEST_HEADER!r}, found {lines[:1]!r}."
        )
    entries = tuple(_entry(line, where) for line in lines[1:])
    _check_paths(entries, where)
    return Tree(tree, entries)


def _line(entry: Entry) -> str:
    content = quote_from_bytes(entry.target) if entry.kind is EntryKind.LINK else entry.content or "-"
    path = quote_from_bytes(entry.path)
    return f"{_LETTERS[entry.kind]} {entry.mode:04o} {entry.size} {content} {path}"


def _entry(line: str, where: str) -> Entry:
    try:
        letter, mode, size, content, path = line.split(" ")
        kind = _KINDS[letter]
        target = unquote_to_bytes(content) if kind is EntryKind.LINK else b""
        held = content if kind in (EntryKind.FILE, EntryKind.SPECIAL) else ""
        entry = Entry(unquote_to_bytes(path), kind, int(mode, 8), held, int(size), target)
    except (ValueError, KeyError) as error:
        raise StoreError(f"{where}: cannot read the line {line[:120]!r} of a tree's manifest.") from error
    if _line(entry) != line or not 0 <= entry.mode <= PERMISSIONS:
        raise StoreError(f"{where}: the line {line[:120]!r} is not how a manifest is written.")
    return entry


def _check_paths(entries: tuple[Entry, ...], where: str) -> None:
    """A manifest may come from elsewhere: no path may leave the tree, or lead through a non-folder."""
    folders = {b""}
    previous = b""
    for entry in entries:
        names = entry.path.split(b"/")
        bad = any(name in (b"", b".", b"..") or b"\0" in name for name in names) or len(names) > DEPTH
        if bad or entry.path <= previous or posixpath.dirname(entry.path) not in folders:
            raise StoreError(f"{where}: the path {entry.name!r} cannot stand in a tree's manifest.")
        if entry.kind is EntryKind.FOLDER:
            folders.add(entry.path)
        previous = entry.path
