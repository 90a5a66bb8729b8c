"""Content-addressed folders: take a snapshot, compare two, make one again.

A tree is named by the hash of what is in it, so equal folders have equal ids, a snapshot costs only what
changed, and nothing that happens to a made copy can reach the store: every copy has inodes of its own.
"""

from __future__ import annotations

import fcntl
import os
import posixpath
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from honing.errors import StoreError, UnfitTreeError, boundary
from honing.store.atomic import write_atomic
from honing.store.trees.blobs import BlobWriter, copy_blob, damage, has_blob, read_blob
from honing.store.trees.cache import StatCache
from honing.store.trees.diff import TreeDiff, compare
from honing.store.trees.manifest import Entry, EntryKind, Tree, TreeId, make_tree, read_tree, shown
from honing.store.trees.scan import (
    ChangedError,
    Ignore,
    Seen,
    TreeLimits,
    ignoring,
    opened_below,
    opened_file,
    opened_folder,
    scan,
)

_ID = re.compile(r"[0-9a-f]{64}")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeCheck:
    """What `verify` found wrong with a stored tree."""

    tree: TreeId
    manifest: str = ""
    """What is wrong with the manifest; empty where nothing is."""
    missing: tuple[str, ...] = ()
    """Hashes of contents that are gone."""
    damaged: tuple[str, ...] = ()
    """Hashes of contents that are no longer what they were."""

    @property
    def ok(self) -> bool:
        return not (self.manifest or self.missing or self.damaged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What `collect` removed."""

    trees: int
    blobs: int
    bytes: int


class TreeStore:
    """Snapshots of folders below one root. Safe to use from several threads and processes at once."""

    def __init__(
        self,
        root: Path,
        *,
        limits: TreeLimits | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Use the store at `root`, made on the first snapshot.

        Args:
            root: Folder of the store. Must not lie inside a folder of which snapshots are taken.
            limits: What a snapshot accepts.
            clock_ns: Unix time in nanoseconds, as the file system stamps files.
        """
        self._root = root
        self._limits = limits or TreeLimits()
        self._clock_ns = clock_ns

    @property
    def root(self) -> Path:
        return self._root

    def snapshot(self, folder: Path, *, ignore: Sequence[str] = (), again: bool = True) -> TreeId:
        """Store what is in a folder now.

        Links are stored as links, hard links as separate files, pipes, sockets and devices by name only.
        Names may be any bytes. Owners, times and extended attributes are not kept.

        Args:
            folder: Read, never changed.
            ignore: Patterns of names to leave out; see `ignoring`.
            again: Whether further snapshots of this folder will come: unchanged files are then remembered.

        Returns:
            The tree's id; the same for the same content and mode bits. Everything is durable by then.

        Raises:
            UnfitTreeError: Something may not be read, exceeds a limit, or keeps changing.
            StoreError: The store cannot be written.
        """
        rule = ignoring(ignore)
        last = ""
        with boundary(StoreError, f"taking a snapshot of {folder}"), self._locked(fcntl.LOCK_SH):
            for _ in range(self._limits.attempts):
                try:
                    return self._snapshot(folder, rule, again=again)
                except ChangedError as change:
                    last = str(change)
        raise UnfitTreeError(
            f"{folder}: kept changing during {self._limits.attempts} attempts to take a snapshot ({last}). "
            "Stop what writes there, or leave it out with `ignore`."
        )

    def load(self, tree: TreeId) -> Tree:
        """The entries of a stored tree.

        Raises:
            StoreError: There is no such tree, or its manifest is damaged.
        """
        path = self._manifest(tree)
        try:
            manifest = path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"{path}: there is no tree {tree} in this store: {error.strerror}. "
                "Take the snapshot again, or use the store it was taken with."
            ) from error
        return read_tree(tree, manifest, where=str(path))

    def read(self, entry: Entry) -> bytes:
        """The bytes of a stored file.

        Raises:
            StoreError: The entry is no file, or its content is missing or damaged.
        """
        if entry.kind is not EntryKind.FILE:
            raise StoreError(
                f"'{entry.name}' is a {entry.kind.value}: expected a file, only files have bytes."
            )
        return read_blob(self._root, entry.content)

    def compose(self, entries: Iterable[Entry], contents: Mapping[bytes, bytes] | None = None) -> TreeId:
        """Store a tree made of entries of stored trees, without a folder.

        Args:
            entries: Paths differ; the folder of each is among them.
            contents: New bytes of files among them, by path.

        Raises:
            StoreError: A path cannot stand in a tree, or a content is not in the store.
        """
        new = contents or {}
        writer = BlobWriter(self._root)
        with boundary(StoreError, "composing a tree"), self._locked(fcntl.LOCK_SH):
            try:
                made = [
                    _with_bytes(each, new[each.path], writer) if each.path in new else each
                    for each in entries
                ]
                writer.commit()
            finally:
                writer.close()
            tree, manifest = make_tree(made)
            read_tree(tree.id, manifest, where="composing a tree")
            for each in tree.entries:
                if each.kind is EntryKind.FILE and not has_blob(self._root, each.content, each.size):
                    raise StoreError(
                        f"composing a tree: the content of '{each.name}' is not in {self._root}."
                    )
            self._keep(tree, manifest)
        return tree.id

    def materialise(self, tree: TreeId, folder: Path) -> tuple[Entry, ...]:
        """Make a folder with the content of a tree: all of it, or nothing.

        Args:
            tree: What to make.
            folder: Must not exist, or be empty. Its parent must exist.

        Returns:
            Entries that were left out, because pipes, sockets and devices are never made.

        Raises:
            StoreError: A content is missing or damaged, or the folder cannot be made; nothing is left behind.
        """
        loaded = self.load(tree)
        inside: dict[bytes, list[Entry]] = {}
        for entry in loaded.entries:
            inside.setdefault(posixpath.dirname(entry.path), []).append(entry)
        draft = folder.with_name(f".{folder.name[:80]}.{secrets.token_hex(6)}.new")
        with boundary(StoreError, f"making {folder}"), self._locked(fcntl.LOCK_SH):
            draft.mkdir(mode=0o700)
            try:
                with opened_folder(draft) as top:
                    self._fill(top, b"", inside)
                    os.fchmod(top, 0o755)
                draft.rename(folder)
            except BaseException:
                _remove(draft)
                raise
        return loaded.specials

    def diff(self, before: TreeId, after: TreeId) -> TreeDiff:
        """What changed from one tree to another.

        Raises:
            StoreError: A tree is not in the store.
        """
        return compare(self.load(before), self.load(after), self.read)

    def verify(self, tree: TreeId) -> TreeCheck:
        """Read everything a tree needs and compare it with its hash."""
        try:
            entries = self.load(tree).entries
        except StoreError as error:
            return TreeCheck(tree=tree, manifest=str(error))
        found = {name: damage(self._root, name) for name in sorted(_contents(entries))}
        return TreeCheck(
            tree=tree,
            missing=tuple(name for name, problem in found.items() if problem == "missing"),
            damaged=tuple(name for name, problem in found.items() if problem == "damaged"),
        )

    def trees(self) -> tuple[TreeId, ...]:
        """Ids of all stored trees, sorted."""
        folders = self._root / "trees"
        names = (f"{path.parent.name}{path.name}" for path in folders.glob("??/*"))
        return tuple(TreeId(name) for name in sorted(names) if _ID.fullmatch(name))

    def collect(self, keep: Iterable[TreeId], *, grace_s: float = 3600.0) -> Collected:
        """Remove every tree that is not to be kept, and every content that none of those left needs.

        Args:
            keep: Trees that somebody still names.
            grace_s: Trees of which a snapshot was taken this recently stay as well: whoever took it may not
                have written its name down yet.

        Raises:
            StoreError: A tree to keep cannot be read; nothing is removed then.
        """
        kept = set(keep)
        with self._locked(fcntl.LOCK_EX):
            oldest_ns = self._clock_ns() - int(grace_s * 1e9)
            stored = self.trees()
            young = {tree for tree in stored if self._manifest(tree).stat().st_mtime_ns >= oldest_ns}
            needed = {name for tree in kept | young for name in _contents(self.load(tree).entries)}
            gone = [tree for tree in stored if tree not in kept | young]
            for tree in gone:
                self._manifest(tree).unlink()
            blobs = sorted((self._root / "blobs").glob("??/*"))
            stale = [path for path in blobs if f"{path.parent.name}{path.name}" not in needed]
            freed = sum(path.stat().st_size for path in stale)
            for path in stale:
                path.unlink()
            # Nobody takes a snapshot while the lock is held: what lies here was left by a process that died.
            shutil.rmtree(self._root / "staging", ignore_errors=True)
        return Collected(trees=len(gone), blobs=len(stale), bytes=freed)

    def _snapshot(self, folder: Path, ignore: Ignore, *, again: bool) -> TreeId:
        started_ns = self._clock_ns()
        cache = StatCache(self._root, folder)
        writer = BlobWriter(self._root)
        try:
            with opened_folder(folder) as top:
                seen = scan(top, folder, ignore, self._limits)
                contents = self._take(top, folder, seen, (cache, writer))
                if scan(top, folder, ignore, self._limits) != seen:
                    raise ChangedError("files came, went or changed while others were read")
            writer.commit()
        finally:
            writer.close()
        tree, manifest = make_tree(_entry(path, each, contents.get(path, "")) for path, each in seen.items())
        self._keep(tree, manifest)
        if again:
            cache.remember(contents, seen, started_ns)
        return tree.id

    def _keep(self, tree: Tree, manifest: bytes) -> None:
        place = self._manifest(tree.id)
        if place.exists():
            os.utime(place)  # young again, for `collect`
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(place, manifest)

    def _take(
        self, top: int, folder: Path, seen: dict[bytes, Seen], tools: tuple[StatCache, BlobWriter]
    ) -> dict[bytes, str]:
        """The content hash of every file, reading only those that may have changed."""
        cache, writer = tools
        contents: dict[bytes, str] = {}
        unread: dict[bytes, list[bytes]] = {}
        for path, each in seen.items():
            if each.kind is EntryKind.FILE:
                known = cache.content(path, each)
                if known is not None and has_blob(self._root, known, each.size):
                    contents[path] = known
                else:
                    unread.setdefault(posixpath.dirname(path), []).append(path)
        for parent, paths in unread.items():
            with opened_below(top, parent) as inner:
                for path in paths:
                    where = f"{folder}/{shown(path)}"
                    with opened_file(inner, path, seen[path], where) as source:
                        contents[path], size = writer.take(source)
                        if size != seen[path].size:
                            raise ChangedError(f"{where}: its size changed while it was read")
        return contents

    def _fill(self, folder: int, path: bytes, inside: dict[bytes, list[Entry]]) -> None:
        for entry in inside.get(path, ()):
            name = posixpath.basename(entry.path)
            if entry.kind is EntryKind.LINK:
                os.symlink(entry.target, name, dir_fd=folder)
            elif entry.kind is EntryKind.FILE:
                output = os.open(name, _NEW_FILE, 0o600, dir_fd=folder)
                try:
                    copy_blob(self._root, entry.content, output)
                    os.fchmod(output, entry.mode)
                finally:
                    os.close(output)
            elif entry.kind is EntryKind.FOLDER:
                os.mkdir(name, 0o700, dir_fd=folder)
                inner = os.open(name, _FOLDER, dir_fd=folder)
                try:
                    self._fill(inner, entry.path, inside)
                    # Last, because a folder that may not be written to cannot be filled.
                    os.fchmod(inner, entry.mode)
                finally:
                    os.close(inner)

    def _manifest(self, tree: TreeId) -> Path:
        if not _ID.fullmatch(tree):
            raise StoreError(f"A tree id is 64 hexadecimal digits, got {tree[:100]!r}.")
        return self._root / "trees" / tree[:2] / tree[2:]

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        """Shared for those who add or read, exclusive for the one who removes."""
        with boundary(StoreError, f"opening the store of trees at {self._root}"):
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def _entry(path: bytes, seen: Seen, content: str) -> Entry:
    held = seen.special if seen.kind is EntryKind.SPECIAL else content
    return Entry(path, seen.kind, seen.mode, held, seen.size, seen.target)


def _with_bytes(entry: Entry, payload: bytes, writer: BlobWriter) -> Entry:
    with tempfile.TemporaryFile() as stream:
        stream.write(payload)
        stream.seek(0)
        name, size = writer.take(stream.fileno())
    return replace(entry, content=name, size=size)


def _contents(entries: Iterable[Entry]) -> set[str]:
    return {entry.content for entry in entries if entry.kind is EntryKind.FILE}


def _remove(folder: Path) -> None:
    """Remove a folder of ours, folders without write permission included."""
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
