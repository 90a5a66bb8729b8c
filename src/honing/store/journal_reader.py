"""A journal read as it is now: while its run works, after a kill, and afterwards. Nothing is written.

The supervisor of a run has the journal open for writing. A reader takes no lock of the run, sees what was
committed when it began, and leaves every byte and every file of the folder as it found them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from honing.errors import StoreError
from honing.store.database import SCHEMA, named
from honing.store.journal import Journal, Totals

_RESULTS = """
SELECT r.key, r.value, u.position,
    (SELECT max(a.started + a.duration_s) FROM attempts a WHERE a.key = r.key AND a.outcome = 'done')
FROM results r LEFT JOIN units u ON u.key = r.key WHERE r.step = ? ORDER BY u.position, r.rowid"""

_LEASED = """
SELECT u.position FROM leases l JOIN units u ON u.key = l.key WHERE u.step = ? ORDER BY u.position"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """One committed result."""

    key: str
    value: str
    """JSON text."""
    position: int | None
    """Of its unit in the inputs of the step, from 0; None where it is no unit of a step."""
    ended: float | None
    """Unix time when the work ended, seconds; None where nobody wrote it down."""


class JournalReader:
    """The committed content of a journal at one moment. Made by `read_journal`."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        """Use `read_journal`."""
        self._path = path
        self._connection = connection
        self._journal = Journal(path, connection, clock=time.time)

    def steps(self) -> dict[str, int]:
        """How many units each step plans, by its name, in the order in which steps began."""
        return dict(self._all("SELECT step, planned FROM steps ORDER BY rowid"))

    def finished(self) -> dict[str, int]:
        """How many results each step has, by its name; steps without one are left out."""
        return dict(self._all("SELECT step, count(*) FROM results GROUP BY step"))

    def results(self, step: str) -> list[StoredResult]:
        """What a step has finished, by position."""
        return [
            StoredResult(key=key, value=value, position=position, ended=ended)
            for key, value, position, ended in self._all(_RESULTS, step)
        ]

    def leased(self, step: str) -> list[int]:
        """Positions of the units handed out and not ended: under way, or cut off where nobody works on the
        run."""
        return [position for (position,) in self._all(_LEASED, step)]

    def errors(self, step: str) -> list[tuple[int, str, str]]:
        """See `Journal.errors`."""
        return self._journal.errors(step)

    def totals(self, step: str | None = None) -> Totals:
        """See `Journal.totals`."""
        return self._journal.totals(step)

    def _all(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        with named(self._path, "read"):
            return self._connection.execute(query, values).fetchall()


@contextmanager
def read_journal(path: Path) -> Iterator[JournalReader]:
    """Read a journal inside one transaction.

    Raises:
        StoreError: There is none, it is damaged, or a newer version of Honing wrote it.
    """
    if not path.is_file():
        raise StoreError(f"{path}: there is no journal here, so nothing was finished yet.")
    with named(path, "read"), closing(_connect(path)) as connection:
        connection.execute("BEGIN")
        schema = connection.execute("PRAGMA user_version").fetchone()[0]
        if schema == 0:
            raise StoreError(f"{path}: this journal has no tables yet, so nothing was finished.")
        if schema > SCHEMA:
            raise StoreError(
                f"{path}: written by a newer Honing (journal schema {schema}, this version reads {SCHEMA}). "
                "Update with `pip install -U honing`."
            )
        yield JournalReader(path, connection)


def _connect(path: Path) -> sqlite3.Connection:
    # Without a log beside it nobody writes to the database: SQLite then needs no files of its own, which it
    # would otherwise leave in the folder.
    alone = not path.with_name(path.name + "-wal").exists()
    options = "mode=ro&immutable=1" if alone else "mode=ro"
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{options}", uri=True, isolation_level=None, timeout=30
    )
