"""The journal of a run: which units of work are finished, with what result, and what they cost.

SQLite in WAL mode, one writer. Results are committed in one synced transaction per batch; a result commits
once, and a later one for the same unit is kept as an attempt only. Leases are held under a fencing token, so
an owner that lost its lease, however late it comes back, cannot commit.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from honing.errors import StoreError
from honing.store.database import identities, named, prepare, refuse_network

_ADD_ATTEMPT = """
INSERT INTO attempts (key, step, outcome, starts, owner, worker, error, error_kind, trace, started,
    duration_s, tokens, cost_usd, cost_known) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_ADD_RESULT = "INSERT INTO results (key, step, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

_TOTALS = """
SELECT count(*), coalesce(sum(starts), 0), coalesce(sum(tokens), 0), coalesce(sum(cost_usd), 0),
    coalesce(sum(1 - cost_known), 0) FROM attempts WHERE outcome != 'abandoned' AND (?1 IS NULL OR step =
    ?1)"""

_FAILED = """
SELECT count(DISTINCT key) FROM attempts WHERE outcome IN ('failed', 'worker_lost') AND (?1 IS NULL OR step =
?1)
    AND key NOT IN (SELECT key FROM results)"""


class AttemptOutcome(StrEnum):
    """How one attempt at a unit ended, as the journal sees it. Exactly one holds."""

    DONE = "done"
    """Its result is the unit's result."""
    FAILED = "failed"
    """The work raised."""
    WORKER_LOST = "worker_lost"
    """Its workers died."""
    LATE = "late"
    """The unit had a result already."""
    STALE = "stale"
    """Its owner had lost the lease; whatever it brought is not used."""
    ABANDONED = "abandoned"
    """Under lease when its supervisor died. It may or may not have been started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One ended attempt at a unit, ready to be committed."""

    key: str
    step: str
    outcome: AttemptOutcome
    """DONE, FAILED, WORKER_LOST or LATE; the journal itself turns DONE into LATE and any into STALE."""
    value: str = ""
    """For DONE: the result as JSON text."""
    token: int = 0
    """Fencing token under which the unit was leased."""
    starts: int = 1
    """How often the work was started, lost workers included."""
    worker: str = ""
    error: str = ""
    error_kind: str = ""
    trace: str = ""
    """Where the error was raised, as Python prints it."""
    started: float = 0.0
    """Unix time, seconds."""
    duration_s: float = 0.0
    tokens: int = 0
    cost_usd: float | None = 0.0
    """None: unknown, which is not zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What became of one batch: the keys by outcome."""

    done: Sequence[str]
    late: Sequence[str]
    stale: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What was done and spent so far, in one step or in the whole run."""

    done: int
    """Units with a result."""
    failed: int
    """Units whose every attempt failed so far."""
    attempts: int
    """Ended executions, late and failed ones included."""
    starts: int
    """Starts of the work, those under lost workers included."""
    tokens: int
    cost_usd: float
    """Known money."""
    cost_unknown: int
    """Attempts whose cost nobody knows."""
    wall_s: float
    """Seconds supervisors spent on it, over all sessions."""


class Journal:
    """One open journal. Safe to use from several threads; close it (or use it as a context manager)."""

    def __init__(self, path: Path, connection: sqlite3.Connection, *, clock: Callable[[], float]) -> None:
        """Use `Journal.open`."""
        self.path = path
        self._connection = connection
        self._clock = clock
        self._guard = threading.RLock()
        self.id = str(self._one("SELECT value FROM meta WHERE name = 'id'"))
        self._files = identities(path)

    @classmethod
    def open(cls, path: Path, *, clock: Callable[[], float], expected_id: str | None = None) -> Self:
        """Open the journal at `path`, or make a new one where none is expected.

        Args:
            path: The database file.
            clock: Unix time in seconds, for the leases.
            expected_id: The `id` of the journal that must be there; None where a new one may be made.

        Raises:
            StoreError: It is missing though expected, another one, damaged, written by a newer version, or
                its file system cannot hold a WAL database.
        """
        refuse_network(path)
        if expected_id is not None and not path.exists():
            raise StoreError(
                f"{path}: the journal of this run is missing, so finished work cannot be told from "
                "unfinished. "
                "Restore it from a copy, or start a new run."
            )
        with named(path, "open"):
            connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            try:
                prepare(path, connection)
                journal = cls(path, connection, clock=clock)
                if expected_id not in (None, journal.id):
                    raise StoreError(
                        f"{path}: expected the journal {expected_id}, found {journal.id}: it was replaced. "
                        "Restore the "
                        "original, or start a new run."
                    )
            except BaseException:
                connection.close()
                raise
        return journal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database. Everything committed is on disk already."""
        with self._guard:
            self._connection.close()

    def results(self, step: str) -> dict[str, str]:
        """The committed results of a step, as JSON text by key."""
        return dict(self._all("SELECT key, value FROM results WHERE step = ?", step))

    def starts(self, step: str) -> dict[str, int]:
        """How often each unit of a step was started in attempts that ended, by key."""
        return dict(
            self._all(
                "SELECT key, sum(starts) FROM attempts WHERE step = ? AND outcome != 'abandoned' GROUP BY "
                "key",
                step,
            )
        )

    def totals(self, step: str | None = None) -> Totals:
        """What was done and spent in a step, or in the whole run when None."""
        attempts, starts, tokens, cost, unknown = self._all(_TOTALS, step)[0]
        return Totals(
            done=int(self._one("SELECT count(*) FROM results WHERE ?1 IS NULL OR step = ?1", step)),
            failed=int(self._one(_FAILED, step)),
            attempts=attempts,
            starts=starts,
            tokens=tokens,
            cost_usd=float(cost),
            cost_unknown=unknown,
            wall_s=float(
                self._one("SELECT coalesce(sum(wall_s), 0) FROM steps WHERE ?1 IS NULL OR step = ?1", step)
            ),
        )

    def steps(self) -> list[str]:
        """Names of the steps, in the order in which they began."""
        return [name for (name,) in self._all("SELECT step FROM steps ORDER BY rowid")]

    def errors(self, step: str) -> list[tuple[int, str, str]]:
        """Position, kind and text of the last failed attempt of every unit of a step that has no result."""
        return self._all(
            "SELECT u.position, a.error_kind, a.error FROM attempts a JOIN units u ON u.key = a.key WHERE "
            "a.step = ? "
            "AND a.outcome IN ('failed', 'worker_lost') AND a.key NOT IN (SELECT key FROM results) "
            "AND a.id = (SELECT max(id) FROM attempts WHERE key = a.key) ORDER BY u.position",
            step,
        )

    def begin_step(self, step: str, planned: int) -> None:
        """Note that a step is worked on, and how many units it has."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO steps (step, planned) VALUES (?, ?) ON CONFLICT (step) DO UPDATE SET planned = "
                "excluded.planned",
                (step, planned),
            )

    def take_over(self, session: str) -> int:
        """Free the leases of earlier sessions; only for one who holds the run's lock.

        Each is recorded as an abandoned attempt; returns how many there were.

        Args:
            session: The present holding of the lock. Owners whose names begin with it keep their leases.
        """
        earlier = "FROM leases WHERE substr(owner, 1, length(?1)) != ?1"
        with self._transaction():
            found = self._connection.execute(
                f"SELECT key, (SELECT step FROM units WHERE units.key = leases.key), owner {earlier}",
                (session,),
            ).fetchall()
            rows = [
                (key, step, "abandoned", 0, was, *[""] * 4, 0.0, 0.0, 0, 0.0, 1) for key, step, was in found
            ]
            self._connection.executemany(_ADD_ATTEMPT, rows)
            self._connection.execute(f"DELETE {earlier}", (session,))
        return len(found)

    def lease(self, units: Sequence[tuple[str, str, int]], *, owner: str, ttl_s: float) -> dict[str, int]:
        """Reserve units for `owner`; the tokens of those granted, by key.

        Not granted are units with a result and those under another owner's lease that has not expired.

        Args:
            units: (key, step, position) of each.
            owner: Who will commit.
            ttl_s: Seconds until the lease expires unless renewed.
        """
        now = self._clock()
        granted: dict[str, int] = {}
        with self._transaction():
            token = int(self._one("SELECT value FROM meta WHERE name = 'fence'"))
            self._connection.executemany("INSERT INTO units VALUES (?, ?, ?) ON CONFLICT DO NOTHING", units)
            for key, _, _ in units:
                taken = self._connection.execute(
                    "INSERT INTO leases SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM results WHERE "
                    "key = ?1) "
                    "ON CONFLICT (key) DO UPDATE SET owner = ?2, token = ?3, expires = ?4 "
                    "WHERE leases.owner = ?2 OR leases.expires <= ?5",
                    (key, owner, token + 1, now + ttl_s, now),
                ).rowcount
                if taken:
                    token += 1
                    granted[key] = token
            self._connection.execute("UPDATE meta SET value = ? WHERE name = 'fence'", (str(token),))
        return granted

    def renew(self, owner: str, ttl_s: float) -> int:
        """Push back the expiry of all leases of `owner`; returns how many it still holds."""
        with self._transaction():
            return self._connection.execute(
                "UPDATE leases SET expires = ? WHERE owner = ?", (self._clock() + ttl_s, owner)
            ).rowcount

    def release(self, owner: str) -> None:
        """Give back every lease of `owner`."""
        with self._transaction():
            self._connection.execute("DELETE FROM leases WHERE owner = ?", (owner,))

    def add_wall(self, step: str, wall_s: float) -> None:
        """Add seconds of supervision to a step."""
        with self._transaction():
            self._connection.execute("UPDATE steps SET wall_s = wall_s + ? WHERE step = ?", (wall_s, step))

    def commit(
        self, batch: Iterable[Attempt], *, owner: str, wall_s: float = 0.0, durable: bool = True
    ) -> Committed:
        """Record ended attempts in one transaction: all of them or, on an error, none.

        Args:
            batch: The attempts; each must have been leased by `owner` under its `token`.
            owner: Who did the work.
            wall_s: Seconds of supervision to add to the step of the first attempt.
            durable: Whether it is on the disk before this returns. Otherwise it survives the death of this
                process, and a power failure only once a later durable commit has returned.

        Raises:
            StoreError: The journal cannot be written, or was deleted or replaced since it was opened. Nothing
                of the batch is recorded; everything committed before is kept.
        """
        outcomes: dict[AttemptOutcome, list[str]] = {outcome: [] for outcome in AttemptOutcome}
        with self._transaction(durable=durable):
            for number, attempt in enumerate(batch):
                outcomes[self._record(attempt, owner)].append(attempt.key)
                if number == 0:
                    self._connection.execute(
                        "UPDATE steps SET wall_s = wall_s + ? WHERE step = ?", (wall_s, attempt.step)
                    )
        return Committed(
            done=outcomes[AttemptOutcome.DONE],
            late=outcomes[AttemptOutcome.LATE],
            stale=outcomes[AttemptOutcome.STALE],
        )

    def _record(self, attempt: Attempt, owner: str) -> AttemptOutcome:
        outcome = self._settle(attempt, owner)
        self._connection.execute(
            _ADD_ATTEMPT,
            (
                *(attempt.key, attempt.step, outcome.value, attempt.starts, owner, attempt.worker),
                *(_storable(attempt.error), attempt.error_kind, _storable(attempt.trace)),
                *(attempt.started, attempt.duration_s),
                *(attempt.tokens, attempt.cost_usd or 0.0, attempt.cost_usd is not None),
            ),
        )
        if outcome is not AttemptOutcome.STALE:
            self._connection.execute("DELETE FROM leases WHERE key = ? AND owner = ?", (attempt.key, owner))
        return outcome

    def _settle(self, attempt: Attempt, owner: str) -> AttemptOutcome:
        """Store the result if it is the first; what the attempt therefore was."""
        if attempt.outcome is AttemptOutcome.LATE:
            return AttemptOutcome.LATE
        query = "SELECT count(*) FROM leases WHERE key = ? AND owner = ? AND token = ?"
        if not self._one(query, attempt.key, owner, attempt.token):
            known = self._one("SELECT count(*) FROM results WHERE key = ?", attempt.key)
            return AttemptOutcome.LATE if known else AttemptOutcome.STALE
        if attempt.outcome is not AttemptOutcome.DONE:
            return attempt.outcome
        added = self._connection.execute(_ADD_RESULT, (attempt.key, attempt.step, attempt.value)).rowcount
        return AttemptOutcome.DONE if added else AttemptOutcome.LATE

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[None]:
        """All or nothing. A lease lost in a power failure costs nothing, so only `durable` ones wait for the
        disk."""
        with self._guard, named(self.path, "write"):
            self._check_files()
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite ends the transaction by itself after some errors (disk full).
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _check_files(self) -> None:
        if identities(self.path) != self._files:
            raise StoreError(
                f"{self.path}: the journal was deleted or replaced while it was in use. Nothing more is "
                "written; "
                "put the original back (with its -wal file) and resume, or start a new run."
            )

    def _all(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with self._guard, named(self.path, "read"):
            return self._connection.execute(query, values).fetchall()

    def _one(self, query: str, *values: object) -> int | float | str:
        value: int | float | str = self._all(query, *values)[0][0]
        return value


def _storable(text: str) -> str:
    # A lone surrogate (bytes that were no UTF-8) cannot be stored as text.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
