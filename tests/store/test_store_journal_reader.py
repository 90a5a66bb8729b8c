"""A journal is read while its run works, after a kill and at the end, and stays as it is."""

from __future__ import annotations

import hashlib
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from honing.errors import StoreError
from honing.store import Attempt, AttemptOutcome, Journal, StoredResult, read_journal

HOLD_A_UNIT = """
import sys, time
from pathlib import Path
from honing.store import Attempt, AttemptOutcome, Journal
journal = Journal.open(Path(sys.argv[1]), clock=lambda: 1000.0)
journal.begin_step("work", 3)
tokens = journal.lease([(key, "work", n) for n, key in enumerate(("a", "b"))], owner="w", ttl_s=60)
done = Attempt(key="a", step="work", outcome=AttemptOutcome.DONE, value="1", token=tokens["a"], started=10.0,
               duration_s=2.5, tokens=7, cost_usd=0.5)
journal.commit([done], owner="w")
print("ready", flush=True)
time.sleep(60)
"""


def bytes_of(folder: Path) -> dict[str, str]:
    """Every file but SQLite's shared memory, which holds marks of readers and no data."""
    files = [path for path in sorted(folder.iterdir()) if not path.name.endswith("-shm")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_journal_in_use_is_read_and_after_a_kill_it_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    command = [sys.executable, "-c", HOLD_A_UNIT, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        with read_journal(path) as journal:
            live = (journal.steps(), journal.results("work"), journal.leased("work"))
        worker.send_signal(signal.SIGKILL)
    before = bytes_of(tmp_path)
    with read_journal(path) as journal:
        killed = (journal.steps(), journal.results("work"), journal.leased("work"))
        spent = journal.totals()

    first = StoredResult(key="a", value="1", position=0, ended=12.5)
    assert live == killed == ({"work": 3}, [first], [1])
    assert (spent.done, spent.tokens, spent.cost_usd) == (1, 7, 0.5)
    assert bytes_of(tmp_path) == before


def test_reading_a_closed_journal_leaves_no_file_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "odd name #1" / "journal.sqlite"
    path.parent.mkdir()
    with Journal.open(path, clock=lambda: 1000.0) as journal:
        journal.begin_step("work", 2)
        token = journal.lease([("a", "work", 0)], owner="w", ttl_s=60)["a"]
        failed = Attempt(
            key="a", step="work", outcome=AttemptOutcome.FAILED, token=token, error="no", error_kind="X"
        )
        journal.commit([failed], owner="w")

    with read_journal(path) as reader:
        found = (reader.steps(), reader.results("work"), reader.leased("work"), reader.errors("work"))

    assert found == ({"work": 2}, [], [], [(0, "X", "no")])
    assert [each.name for each in path.parent.iterdir()] == ["journal.sqlite"]


def test_a_reader_sees_one_moment_while_the_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with Journal.open(path, clock=lambda: 1000.0) as journal:
        journal.begin_step("first", 1)
        with read_journal(path) as reader:
            before = reader.steps()
            journal.begin_step("second", 1)
            during = reader.steps()
        with read_journal(path) as reader:
            afterwards = reader.steps()

    assert (before, during, afterwards) == ({"first": 1}, {"first": 1}, {"first": 1, "second": 1})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "there is no journal here"),
        (b"", "this journal has no tables yet"),
        (b"not a database at all, but long enough to be read as one" * 20, "cannot read the journal"),
    ],
    ids=["missing", "empty", "foreign"],
)
def test_what_is_no_journal_is_said(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    path = tmp_path / "journal.sqlite"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(StoreError, match=complaint), read_journal(path):
        pass


def test_a_journal_of_a_newer_version_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 9")
    connection.close()

    with pytest.raises(StoreError, match="journal schema 9, this version reads 1"), read_journal(path):
        pass
