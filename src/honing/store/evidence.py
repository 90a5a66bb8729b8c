"""Evidence: an append-only record of what happened, in which every later change shows.

One JSON object a line. `sum` is the SHA-256 of the record's other fields, `prev` the sum of the record
before, `n` its number from 1: a changed, removed, moved or repeated record is found and named. A line that a
crash cut short is not
damage: nobody was told that it was written.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from honing.errors import EvidenceError
from honing.store.atomic import sync_folder, write_all, write_atomic, write_failed
from honing.store.encoding import Json, canonical_json, digest, parse_json

INLINE_BYTES = 48 * 1024
"""Largest body kept in the record itself; a larger one goes to `blobs/<sha256>` beside the file."""
GENESIS = "0" * 64
"""`prev` of the first record."""
_TAIL_BYTES = 128 * 1024


class DamageKind(StrEnum):
    """What is wrong with a record. Exactly one holds."""

    UNREADABLE = "unreadable"
    """Not a record at all."""
    BAD_CHECKSUM = "bad checksum"
    """Its fields were changed."""
    MISSING = "missing"
    """Records before it are gone."""
    REORDERED = "reordered"
    """It stands after a record that came later."""
    DUPLICATE = "duplicate"
    """It stands there a second time."""
    BROKEN_CHAIN = "broken chain"
    """Intact by itself, but it does not follow the record before."""
    BAD_BLOB = "bad blob"
    """The file that holds its body is missing or changed."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One damaged place."""

    line: int
    """From 1."""
    kind: DamageKind
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCheck:
    """What a verification found."""

    records: int
    """Intact records."""
    damage: tuple[Damage, ...]
    torn: bool
    """Whether a crash cut the last line short. It is no damage, and the next append removes it."""
    head: str
    """Sum of the last intact record. Kept elsewhere, it also proves that none was removed at the end."""

    @property
    def ok(self) -> bool:
        return not self.damage


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One piece of evidence."""

    n: int
    """From 1."""
    kind: str
    time: float
    """Unix time, seconds."""
    body: Json


class Evidence:
    """One evidence file. Safe to append to from several threads and processes."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        """The file is made by the first append.

        Args:
            path: The `.jsonl` file; blobs lie in `blobs/` beside it.
            clock: Unix time in seconds.
        """
        self.path = path
        self._clock = clock
        self._guard = threading.Lock()
        self._size = -1
        self._last: tuple[int, str] = (0, GENESIS)

    def append(self, kind: str, body: Json, *, sync: bool = True) -> Record:
        """Add one record: one write, synced before this returns unless `sync` is false.

        Raises:
            EvidenceError: The file's end is damaged, so nothing may follow it.
            StoreError: The body is not JSON, or the disk refuses; the file is as before.
        """
        return self.append_batch([(kind, body)], sync=sync)[0]

    def append_batch(self, entries: Iterable[tuple[str, Json]], *, sync: bool = True) -> list[Record]:
        """Add several records, one write each, with one sync at the end."""
        prepared = [(kind, self._body_field(body), body) for kind, body in entries]
        with self._guard:
            descriptor = self._open()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._find_end(descriptor)
                records = [self._write(descriptor, kind, field, body) for kind, field, body in prepared]
                if sync:
                    os.fsync(descriptor)
            except OSError as error:
                raise write_failed(self.path, error) from error
            finally:
                os.close(descriptor)
        return records

    def sync(self) -> None:
        """Make everything appended so far durable."""
        descriptor = self._open()
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def read(self) -> Iterator[Record]:
        """Every record in order; a line cut short by a crash is left out.

        Raises:
            EvidenceError: A record is damaged; the text says which and how.
        """
        for number, found in _walk(self.path):
            if isinstance(found, Damage):
                raise EvidenceError(
                    f"{self.path}: record {number}: {found.kind.value}: {found.detail}. "
                    "This evidence proves nothing from there on."
                )
            yield Record(
                n=found["n"], kind=found["kind"], time=found["time"], body=_body_of(self.path, found)
            )

    def verify(self) -> EvidenceCheck:
        """Check every record, blobs included."""
        return verify(self.path)

    def put_blob(self, payload: bytes) -> str:
        """Keep bytes under their SHA-256 in `blobs/`; returns the hash."""
        name = hashlib.sha256(payload).hexdigest()
        place = self.path.parent / "blobs" / name
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(place, payload)
        return name

    def _body_field(self, body: Json) -> dict[str, Json]:
        text = canonical_json(body).encode("utf-8", "backslashreplace")
        if len(text) <= INLINE_BYTES:
            return {"body": body}
        return {"blob": self.put_blob(text), "bytes": len(text)}

    def _open(self) -> int:
        try:
            fresh = not self.path.exists()
            descriptor = os.open(
                self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644
            )
            if fresh:
                sync_folder(self.path.parent)
        except OSError as error:
            raise write_failed(self.path, error) from error
        return descriptor

    def _find_end(self, descriptor: int) -> None:
        """Learn number and sum of the last record, and cut off a torn line. Nothing to do where we wrote
        last."""
        size = os.fstat(descriptor).st_size
        if size == self._size:
            return
        start = max(0, size - _TAIL_BYTES)
        tail = os.pread(descriptor, _TAIL_BYTES, start)
        whole = tail.rfind(b"\n") + 1
        self._last = self._last_record(tail[:whole], complete=start == 0)
        torn = len(tail) - whole
        if torn:
            os.ftruncate(descriptor, size - torn)
            self._size = size - torn
            self._write(descriptor, "repair", {"body": {"removed_bytes": torn}}, None)
        self._size = os.fstat(descriptor).st_size

    def _last_record(self, tail: bytes, *, complete: bool) -> tuple[int, str]:
        if not tail and complete:
            return (0, GENESIS)
        found = _parse(tail.rstrip(b"\n").rsplit(b"\n", 1)[-1])
        if isinstance(found, str):
            raise EvidenceError(
                f"{self.path}: the last record is damaged ({found}), so nothing may follow it. "
                "Move the file away to keep it, and start a new run."
            )
        return (found["n"], found["sum"])

    def _write(self, descriptor: int, kind: str, field: Mapping[str, Json], body: Json) -> Record:
        number, prev = self._last
        fields = {"n": number + 1, "prev": prev, "kind": kind, "time": self._clock(), **field}
        total = digest(fields)
        line = (canonical_json({**fields, "sum": total}) + "\n").encode("utf-8", "backslashreplace")
        before = os.fstat(descriptor).st_size
        try:
            write_all(descriptor, line)
        except OSError:
            # The disk took a part only: leave the file as it was.
            os.ftruncate(descriptor, before)
            raise
        self._last = (number + 1, total)
        self._size = before + len(line)
        return Record(n=number + 1, kind=kind, time=fields["time"], body=body)


def verify(path: Path) -> EvidenceCheck:
    """Check an evidence file record by record, blobs included. A missing file holds no records and no
    damage."""
    damage: list[Damage] = []
    records, head = 0, GENESIS
    for _, found in _walk(path):
        if isinstance(found, Damage):
            damage.append(found)
            continue
        records, head = records + 1, found["sum"]
    return EvidenceCheck(records=records, damage=tuple(damage), torn=_is_torn(path), head=head)


def _walk(path: Path) -> Iterator[tuple[int, dict[str, Json] | Damage]]:
    """Number and content, or damage, of every complete line."""
    if not path.exists():
        return
    last, prev = 0, GENESIS
    seen: set[str] = set()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.endswith(b"\n"):
                return
            found = _parse(line[:-1])
            if isinstance(found, str):
                kind = DamageKind.BAD_CHECKSUM if found.startswith("its checksum") else DamageKind.UNREADABLE
                yield number, Damage(number, kind, found)
                # What follows is judged by its own predecessor, so one bad line counts once.
                last, prev = last + 1, ""
                continue
            kind_found = _misplaced(found, last, prev, seen)
            if kind_found is not None:
                yield number, Damage(number, kind_found, f"record {found['n']} follows record {last}")
            else:
                bad = _blob_damage(path, found)
                yield number, Damage(number, DamageKind.BAD_BLOB, bad) if bad else found
            seen.add(found["sum"])
            if kind_found not in (DamageKind.DUPLICATE, DamageKind.REORDERED):
                last, prev = found["n"], found["sum"]


def _misplaced(found: dict[str, Json], last: int, prev: str, seen: set[str]) -> DamageKind | None:
    if found["sum"] in seen:
        return DamageKind.DUPLICATE
    if found["n"] > last + 1:
        return DamageKind.MISSING
    if found["n"] <= last:
        return DamageKind.REORDERED
    # An empty `prev` stands for a damaged line before, whose sum nobody knows.
    return None if prev in ("", found["prev"]) else DamageKind.BROKEN_CHAIN


def _parse(line: bytes) -> dict[str, Json] | str:
    """The fields of a record, or what is wrong with it."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return "the line is not JSON"
    if not isinstance(found, dict) or not {"n", "prev", "kind", "time", "sum"} <= found.keys():
        return "the line is not a record"
    rest = {name: value for name, value in found.items() if name != "sum"}
    if digest(rest) != found["sum"]:
        return "its checksum does not match its fields"
    return found


def _blob_damage(path: Path, found: dict[str, Json]) -> str:
    if "blob" not in found:
        return ""
    try:
        payload = (path.parent / "blobs" / found["blob"]).read_bytes()
    except OSError:
        return f"blobs/{found['blob']} is missing"
    return (
        "" if hashlib.sha256(payload).hexdigest() == found["blob"] else f"blobs/{found['blob']} was changed"
    )


def _body_of(path: Path, found: dict[str, Json]) -> Json:
    if "blob" not in found:
        return found["body"]
    place = path.parent / "blobs" / found["blob"]
    return parse_json(place.read_bytes(), where=str(place))


def _is_torn(path: Path) -> bool:
    if not path.exists() or path.stat().st_size == 0:
        return False
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
