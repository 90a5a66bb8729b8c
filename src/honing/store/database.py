"""The journal's database file: its tables, the checks on opening it, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from honing.errors import StoreError

SCHEMA = 1
"""Version of the tables that this code writes and reads."""

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE steps (step TEXT PRIMARY KEY, planned INTEGER NOT NULL, wall_s REAL NOT NULL DEFAULT 0);
CREATE TABLE units (key TEXT PRIMARY KEY, step TEXT NOT NULL, position INTEGER NOT NULL);
CREATE TABLE leases (
    key TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL, expires REAL NOT NULL);
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, step TEXT NOT NULL, outcome TEXT NOT NULL,
    starts INTEGER NOT NULL, owner TEXT NOT NULL, worker TEXT NOT NULL,
    error TEXT NOT NULL, error_kind TEXT NOT NULL, trace TEXT NOT NULL,
    started REAL NOT NULL, duration_s REAL NOT NULL,
    tokens INTEGER NOT NULL, cost_usd REAL NOT NULL, cost_known INTEGER NOT NULL);
CREATE INDEX attempts_by_step ON attempts (step, key);
CREATE TABLE results (key TEXT PRIMARY KEY, step TEXT NOT NULL, value TEXT NOT NULL);
CREATE INDEX results_by_step ON results (step);
"""

# File systems on which SQLite's shared memory does not work between machines, so a WAL database can be
# damaged.
_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "lustre"}
)


def network_file_system(path: Path, mounts: str) -> str | None:
    """The type of the network file system that holds `path`, or None where it is a local one.

    Args:
        path: An absolute path without symbolic links.
        mounts: The text of /proc/self/mounts.
    """
    best, kind = "", ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = fields[1].encode().decode("unicode_escape")
        if len(point) >= len(best) and path.is_relative_to(point):
            best, kind = point, fields[2]
    return kind if kind in _NETWORK_FILE_SYSTEMS else None


def refuse_network(path: Path) -> None:
    mounts = Path("/proc/self/mounts")
    kind = (
        network_file_system(path.resolve(), mounts.read_text("utf-8", "replace")) if mounts.exists() else None
    )
    if kind is not None:
        raise StoreError(
            f"{path}: lies on a network file system ({kind}), where the journal's shared memory is not safe. "
            "Choose a local folder with HONING_HOME and copy finished runs over."
        )


def prepare(path: Path, connection: sqlite3.Connection) -> None:
    """Check what is there, or make the tables."""
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    if schema > SCHEMA:
        raise StoreError(
            f"{path}: written by a newer Honing (journal schema {schema}, this version reads {SCHEMA}). "
            "Update with `pip install -U honing`."
        )
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreError(
            f"{path}: this file system cannot hold a journal in WAL mode (SQLite chose '{mode}'). "
            "Choose a local folder with HONING_HOME."
        )
    if schema == 0:
        _make_tables(path, connection)
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _make_tables(path: Path, connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise StoreError(f"{path}: a database, but not a journal of Honing. Move it away.")
    script = f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {SCHEMA};"
    script += f"INSERT INTO meta VALUES ('id', '{os.urandom(8).hex()}'), ('fence', '0'); COMMIT;"
    connection.executescript(script)


def identities(path: Path) -> tuple[tuple[int, int], ...]:
    """Device and inode of the database and its log: what tells that they were replaced."""
    found = []
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            status = file.stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((status.st_dev, status.st_ino))
    return tuple(found)


@contextmanager
def named(path: Path, doing: str) -> Iterator[None]:
    """Name what SQLite reports, with the next step."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{path}: cannot {doing} the journal: {error}. {_next_step(error)}") from error


def _next_step(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text or "disk I/O" in text:
        return (
            "Check free space and limits of the disk (`df`, `ulimit -f`), then resume; what was "
            "committed is kept."
        )
    if "locked" in text:
        return "Another program has the journal open for writing: close it, then resume."
    if "unable to open" in text or "readonly" in text:
        return (
            "The folder must be writable and allow shared memory files beside the journal; choose a "
            "local one with HONING_HOME."
        )
    return (
        "The file is damaged: restore it from a copy, or start a new run; evidence and artifacts are "
        "readable as files."
    )
