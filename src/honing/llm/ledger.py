"""Every call of a gateway, in the order of arrival: written down once, added up, read again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from honing.errors import StoreError
from honing.llm.linelog import LineLog, read_lines
from honing.llm.records import SCHEMA, CallRecord, Counts, Spent, Tally


class CallLedger:
    """Keeps records in a file, or in memory where no path is given. A file that exists is continued.

    Records are added by the gateway's loop; totals and records may be read from any thread.

    Raises:
        StoreError: The file cannot be used.
        EvidenceError: It is damaged.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept: list[CallRecord] = []
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._total = Tally()
        self._last_ordinal = 0
        self._log = None if path is None else LineLog(path)
        for record in self._stored():
            self._count(record)

    def next_ordinal(self) -> int:
        self._last_ordinal += 1
        return self._last_ordinal

    def add(self, record: CallRecord) -> None:
        """Write a record down and count it."""
        if self._log is None:
            self._kept.append(record)
        else:
            self._log.append(record.as_dict())
        self._count(record)

    def counts(self, channel: str | None = None) -> Counts:
        """Totals of one channel, or of all calls."""
        tally = self._total if channel is None else self._tallies.get(channel, Tally())
        return tally.counts()

    def spent(self, channel: str | None = None) -> Spent:
        """What one channel, or all, took of budgets."""
        tally = self._total if channel is None else self._tallies.get(channel, Tally())
        return tally.spent

    def records(self, channel: str | None = None) -> list[CallRecord]:
        """The records of one channel, or all, by ordinal. Read from the file where there is one."""
        found = [r for r in self._stored() if channel is None or r.channel == channel]
        return sorted(found, key=lambda record: record.ordinal)

    def sync(self) -> None:
        if self._log is not None:
            self._log.sync()

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def _count(self, record: CallRecord) -> None:
        self._tallies[record.channel].add(record)
        self._total.add(record)
        self._last_ordinal = max(self._last_ordinal, record.ordinal)

    def _stored(self) -> Iterator[CallRecord]:
        if self._path is None:
            yield from list(self._kept)
            return
        yield from read_calls(self._path)


def read_calls(path: Path) -> Iterator[CallRecord]:
    """The records of a call log, as written.

    Raises:
        StoreError: The file cannot be read, or is of another schema.
        EvidenceError: It is damaged.
    """
    for line in read_lines(path):
        if line.get("schema") != SCHEMA:
            raise StoreError(
                f"{path}: a call log of schema {line.get('schema')!r} cannot be read, expected {SCHEMA}"
            )
        yield CallRecord.from_dict(line)
